"""How cas-sync grows: with the number of files, the length of history, and with bytes."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from benchmarks.measure import Cost, run
from benchmarks.places import Place, fresh_store, leading_to, scratch
from benchmarks.sitting import Traffic
from benchmarks.tools import CasSync
from benchmarks.workloads import make_large, make_many
from tests.support.proxy import Proxy

FULL_MANY = 300_000
FULL_LARGE = 2 << 30
IN_A_FOLDER = 100
REPEATS = 3
CHANGES = 20
"""Files that each commit of a history changes."""

SYNC = ("sync", "--yes")
READING = {
    "log": ("log", "-n", "20"),
    "ls": ("ls", "d0000"),
    "cat": ("cat", "d0000/f050.txt"),
    "diff": ("diff", "@~1", "@"),
}
OF_BYTES = ("push", "clone")


@dataclass(frozen=True, slots=True)
class Point:
    """What one operation took at one size.

    Attributes:
        operation: In words.
        size: Number of files, of commits, or of bytes.
        cost: Median of several.
        traffic: Of one more time, through a proxy that counts.
    """

    operation: str
    size: int
    cost: Cost
    traffic: Traffic | None = None


def by_files(folder: Path, sizes: Sequence[int]) -> Iterator[Point]:
    """Measure the commands of every day on so many tiny files each."""
    for size in sizes:
        with _bench(folder) as bench:
            make_many(bench.place.source, size / FULL_MANY)
            bench.begin()
            yield Point("first push", size, bench.time(SYNC))
            yield bench.point("no-op", size, SYNC)
            yield bench.point("one change", size, SYNC, before=bench.edit)
            for name, args in READING.items():
                yield bench.point(name, size, args)


def by_commits(folder: Path, sizes: Sequence[int], files: int) -> Iterator[Point]:
    """Measure what somebody new reads of a history of so many commits each."""
    # They import all of cas-sync, which is measured as a process of its own.
    from tests.support.history import publish  # noqa: PLC0415
    from tests.support.people import Person  # noqa: PLC0415

    for size in sizes:
        with _bench(folder) as bench:
            bench.begin()
            place = bench.place
            url = f"s3://{place.bucket_path}"
            person = Person(place.root / "someone", "someone", url, dict(place.store.env))
            publish(person, _history(size, files))
            for name, args in READING.items():
                yield bench.point(name, size, args, is_new=True)


def by_bytes(folder: Path, sizes: Sequence[int]) -> Iterator[Point]:
    """Measure push and clone of one file of so many bytes each."""
    for size in sizes:
        with _bench(folder) as bench:
            make_large(bench.place.source, size / FULL_LARGE)
            bench.begin()
            yield Point(OF_BYTES[0], size, bench.time(SYNC))
            yield bench.point(OF_BYTES[1], size, (), is_new=True)


@dataclass(slots=True)
class Bench:
    """A store, a project folder, and commands that are timed there."""

    place: Place
    _tool: CasSync = field(default_factory=CasSync)
    _serial: Iterator[int] = field(default_factory=count)

    def begin(self) -> None:
        """Begin the repository."""
        self.place.source.mkdir(parents=True, exist_ok=True)
        self._tool.prepare(self.place)
        time.sleep(self._tool.settling_s)

    def edit(self) -> None:
        """Change a file to what it never was."""
        changed = self.place.source / "d0000" / "f050.txt"
        changed.write_bytes(b"changed %d\n" % next(self._serial))
        time.sleep(self._tool.settling_s)

    def point(
        self,
        name: str,
        size: int,
        args: tuple[str, ...],
        *,
        before: Callable[[], None] = lambda: None,
        is_new: bool = False,
    ) -> Point:
        """Time a command several times, and count its requests once more.

        Args:
            name: Of the operation.
            size: Of what it is about.
            args: Of cas-sync; none for a clone.
            before: Done before each time.
            is_new: Whether it is somebody else each time, whose caches are empty.
        """
        costs = []
        for _ in range(REPEATS):
            before()
            costs.append(self.time(args, is_new=is_new))
        before()
        server = self.place.store.server
        if server is None:
            raise ValueError("requests are counted on S3 only")
        with Proxy(server) as proxy:
            self.time(args, is_new=is_new, env=leading_to(server, proxy.endpoint))
            return Point(name, size, Cost.median(costs), Traffic.of(proxy))

    def time(
        self,
        args: tuple[str, ...],
        *,
        is_new: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> Cost:
        """Run a command; return what it took."""
        home = f"new-{next(self._serial)}" if is_new else "home"
        target = self.place.root / "clone"
        if args:
            command = self._tool.command(self.place, *args, home=home)
        else:
            command = self._tool.joining(self.place, target, home)
        command = replace(command, env={**command.env, **(env or {})})
        cost = run([command], self.place.root / "output")
        if is_new:
            shutil.rmtree(self.place.root / home)
        if not args:
            shutil.rmtree(target)
        return cost


@contextmanager
def _bench(parent: Path) -> Iterator[Bench]:
    with scratch(parent) as folder, fresh_store("s3", folder) as store:
        yield Bench(Place(folder / "growth", "growth", store))


def _history(commits: int, files: int) -> Iterator[dict[str, bytes]]:
    def name(number: int) -> str:
        return f"d{number // IN_A_FOLDER:04}/f{number % IN_A_FOLDER:03}.txt"

    yield {name(number): b"%d\n" % number for number in range(files)}
    for commit in range(1, commits):
        changed = (7919 * (commit * CHANGES + each) % files for each in range(CHANGES))
        yield {name(number): b"%d %d\n" % (number, commit) for number in changed}
