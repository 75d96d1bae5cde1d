"""One sitting: some tools, fresh data and a fresh store, all steps one after the other.

A round is one sitting of each tool. Tools that fit into memory together take every step
in turns, so that what disturbs one disturbs all.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measure import Cost, ToolFailedError, run
from benchmarks.places import Place, fresh_store, scratch
from benchmarks.tools import Tool
from benchmarks.workloads import WORKLOADS, Dataset, Step, Workload
from tests.support.proxy import Proxy

NO_OPS = 3
"""A no-op is short and changes nothing: it is run more than once and the median counts."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a step sent and received.

    Attributes:
        requests: Their number.
        up: Bytes of bodies that were sent.
        down: Bytes of bodies that were received.
    """

    requests: int
    up: int
    down: int

    @classmethod
    def of(cls, proxy: Proxy) -> "Traffic":
        """Return what went through since it was told to forget."""
        records = list(proxy.records)
        up = sum(each.bytes_up for each in records)
        return cls(len(records), up, sum(each.bytes_down for each in records))


@dataclass(frozen=True, slots=True)
class Sample:
    """One tool's one step in one round."""

    workload: Workload
    tool: str
    cost: Cost
    traffic: Traffic | None


@dataclass(frozen=True, slots=True)
class Setting:
    """How a sitting is held.

    Attributes:
        scratch: Folder with room for it, in memory if possible.
        scale: Of the data; 1 is full size.
        kind: Of store: ``s3``, ``folder``, or ``slow``, an S3 far away.
        count: Whether requests are counted, by a proxy that also slows everything.
    """

    scratch: Path
    scale: float = 1.0
    kind: str = "s3"
    count: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """A tool that could not go on, and why."""

    tool: str
    why: str


def sit(
    setting: Setting, data: Dataset, tools: Sequence[Tool], wanted: Collection[Workload]
) -> Iterator[Sample | Failure]:
    """Run the wanted workloads on one kind of data, all tools in turns.

    A tool that fails is told of and left out from there on.
    """
    rows = {each.step: each for each in WORKLOADS if each.data is data and each in wanted}
    last = max(list(Step).index(step) for step in rows)
    steps = [step for step in list(Step)[: last + 1] if step in rows or step is Step.PUSH]
    pause = max(tool.settling_s for tool in tools)
    with (
        scratch(setting.scratch) as folder,
        fresh_store(setting.kind, folder, count=setting.count) as store,
    ):
        seats = [Seat(tool, Place(folder / tool.name, tool.name, store)) for tool in tools]
        yield from _each(seats, lambda seat: seat.prepare(data, setting.scale))
        for step in steps:
            time.sleep(pause)
            if step is Step.CHANGE and data.edit:
                for seat in seats:
                    data.edit(seat.place.source)
                time.sleep(pause)
            for _ in range(NO_OPS if step is Step.NO_OP and not setting.count else 1):
                yield from _each(seats, lambda seat, step=step: seat.take(step))
            for seat in seats:
                if row := rows.get(step):
                    yield Sample(row, seat.tool.name, Cost.median(seat.costs), seat.traffic)
                seat.costs.clear()


def _each(seats: list["Seat"], do: Callable[["Seat"], None]) -> Iterator[Failure]:
    """Do it for each; who fails leaves the list and is told of."""
    for seat in list(seats):
        try:
            do(seat)
        except ToolFailedError as error:
            seats.remove(seat)
            yield Failure(seat.tool.name, str(error))


@dataclass(slots=True)
class Seat:
    """A tool at its place.

    Attributes:
        costs: Of the present step, each time it was taken.
        traffic: Of the last time.
    """

    tool: Tool
    place: Place
    costs: list[Cost] = field(default_factory=list)
    traffic: Traffic | None = None

    def prepare(self, data: Dataset, scale: float) -> None:
        """Write the data and set the tool up."""
        data.make(self.place.source, scale)
        self.tool.prepare(self.place)

    def take(self, step: Step) -> None:
        """Take a step and note what it cost.

        Raises:
            ToolFailedError: The tool ended badly, or its clone is not what was pushed.
        """
        proxy = self.place.store.proxy
        if proxy:
            proxy.forget()
        target = self.place.root / "clone"
        is_clone = step is Step.CLONE
        push, clone = self.tool.push, self.tool.clone
        commands = clone(self.place, target) if is_clone else push(self.place)
        self.costs.append(run(commands, self.place.root / "output"))
        if proxy:
            self.traffic = Traffic.of(proxy)
        if is_clone:
            self._check(self.tool.cloned(self.place, target))
            shutil.rmtree(target)

    def _check(self, clone: Path) -> None:
        pushed, cloned = _digests(self.place.source), _digests(clone)
        if pushed != cloned:
            every = sorted(pushed | cloned)
            differ = [name for name in every if pushed.get(name) != cloned.get(name)]
            raise ToolFailedError(
                f"the clone differs in {len(differ)} files, such as {differ[0]}"
            )


def _digests(root: Path) -> dict[str, bytes]:
    """Return a digest of every file below ``root``, but those in hidden folders."""
    found = {}
    for folder, dirs, files in os.walk(root):
        dirs[:] = [name for name in dirs if not name.startswith(".")]
        for name in files:
            path = Path(folder, name)
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "blake2b").digest()
            found[path.relative_to(root).as_posix()] = digest
    return found
