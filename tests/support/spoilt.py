"""Small repositories that are spoilt, and reading all there is in one at little cost."""

import shutil
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from cas_sync.engine.fsck_look import Checker
from cas_sync.engine.repository import Repository
from cas_sync.errors import CasSyncError, DamageError
from cas_sync.formats import keys
from cas_sync.formats.rows import DeletedRows, VersionRows
from cas_sync.formats.tag import Tag
from cas_sync.model.commit import Head
from cas_sync.progress import Silent
from cas_sync.store.bucket import Key
from cas_sync.store.head import HEAD, read_head
from cas_sync.store.history import CommitLog
from cas_sync.store.manifest import Manifest
from cas_sync.store.memory import MemoryBucket
from cas_sync.store.tags import TagStore
from cas_sync.store.upkeep import UpkeepLog
from tests.support import samples
from tests.support.engine import begin_small, engine_sync
from tests.support.people import Person, tree


class NoCache:
    """Keeps nothing, so that every read meets the store."""

    def get(self, kind: str, name: str) -> bytes | None:
        return None

    def view(self, kind: str, name: str) -> memoryview | None:
        return None

    def put(self, kind: str, name: str, data: bytes) -> None:
        pass

    def drop(self, kind: str, name: str) -> None:
        pass


class AtOnce(ThreadPoolExecutor):
    """Runs everything in the thread that asks for it."""

    def __init__(self) -> None:
        super().__init__(1)

    def map(self, fn, *iterables, timeout=None, chunksize=1):
        return map(fn, *iterables)


class Spoilt(MemoryBucket):
    """A bucket of given objects, one or two of which are others than were written."""

    def __init__(self, objects: dict[Key, bytes]) -> None:
        super().__init__()
        self._objects = dict(objects)


@dataclass(frozen=True)
class Truth:
    """A small repository, and what reading it gives.

    Attributes:
        objects: Everything stored.
        told: What `read_all` returns.
        files: What each path held in some version.
        tree: The latest tree.
    """

    objects: dict[Key, bytes]
    told: dict[str, object]
    files: dict[str, set[object]]
    tree: dict[str, object]


@dataclass
class Outcome:
    """What came of a campaign.

    Attributes:
        counts: By what noticed it.
        violations: What nobody noticed, or a wrong byte.
    """

    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)


def small_repository(root: Path) -> Truth:
    """Make a repository as people would, and remember what it is."""
    bucket = MemoryBucket()
    begin_small(bucket, samples.REPO)
    ana = Person(root / "ana", "ana", str(root / "nowhere"))
    files: dict[str, set[object]] = {}
    for n in range(3):
        ana.write("big.bin", samples.noise("big", 1500) + samples.noise(f"big {n}", 500))
        ana.write("table.csv", f"id,value\n{n},text that packs well\n" * 12)
        ana.write(f"sub/only-{n}.txt", f"only in {n}")
        if n:
            ana.delete(f"sub/only-{n - 1}.txt")
        else:
            (ana.data / "link").symlink_to("table.csv")
        engine_sync(ana, bucket)
        for path, (data, _) in tree(ana.data).items():
            files.setdefault(path, set()).add(data)
    with AtOnce() as pool:
        repo = repository(bucket, pool)
        head = read_head(bucket).head
        repo.tags.write(Tag("v1", head.commit, 3, "ana", samples.WHEN, "as submitted"), 1)
    objects = dict(bucket._objects)
    latest = {path: data for path, (data, _) in tree(ana.data).items()}
    return Truth(objects, read_all(Spoilt(objects)), files, latest)


def repository(bucket, pool: ThreadPoolExecutor) -> Repository:
    cache = NoCache()
    return Repository(
        bucket,
        pool,
        cache,
        samples.REPO,
        Manifest(bucket, cache, pool, VersionRows(), keys.versions),
        Manifest(bucket, cache, pool, DeletedRows(), keys.deleted),
        CommitLog(bucket, cache, pool),
        TagStore(bucket, cache, pool, samples.REPO),
        UpkeepLog(bucket, cache),
    )


POOL = AtOnce()


def read_all(bucket) -> dict[str, object]:
    """Return all that a reader can learn of a repository."""
    found = read_head(bucket)
    if found is None:
        raise DamageError(f"{HEAD} is gone")
    head = found.head
    repo = repository(bucket, POOL)
    told: dict[str, object] = {"head": head, "format": repo.chunk_params(head)}
    reader = repo.reader(head)
    contents = {}
    for oid, commit in repo.commits.walk(head):
        rows = list(repo.versions.rows(commit.versions))
        gone = list(repo.deleted.rows(commit.deleted))
        told[str(oid)] = commit, rows, gone
        contents |= {row.content.id: row.content for row in rows}
        contents |= {row.entry.content.id: row.entry.content for row in gone}
    for oid, content in contents.items():
        told[f"file {oid}"] = b"".join(reader.stream(content))
    tags = repo.tags.read_all()
    for error in tags.damaged.values():
        raise error
    told["tags"] = tags.tags
    return told


def deep_findings(bucket) -> int:
    """Return how many findings the deep check has."""
    found = read_head(bucket)
    head: Head = found.head
    checked = Checker(repository(bucket, POOL), head, Silent()).check(deep=True)
    return len(checked.findings) + checked.n_lost + len(checked.bad)


def judge(truth: Truth, objects: dict[Key, bytes], name: str, out: Outcome) -> None:
    """Read a spoilt repository, and note who noticed what is wrong with it."""
    kind = name.split("/")[1] if name.count("/") > 1 else name.split(" ", maxsplit=1)[0]
    bucket = Spoilt(objects)
    try:
        told = read_all(bucket)
    except DamageError as error:
        out.counts[f"{kind}: by reading"] += 1
        if error.exit_code != 9 or not error.message:
            out.violations.append(f"{name}: told as {error!r}")
        return
    except CasSyncError as error:
        out.violations.append(f"{name}: told as {error!r}")
        return
    if told != truth.told:
        out.violations.append(f"{name}: other than was written")
    elif not deep_findings(bucket):
        out.violations.append(f"{name}: nobody noticed")
    else:
        out.counts[f"{kind}: by fsck --deep"] += 1


def clone(truth: Truth, objects: dict[Key, bytes], name: str, home: Path, out: Outcome) -> None:
    """Clone a spoilt repository: what arrives is what was written, or it is told."""
    person = Person(home / "bo", "bo", str(home / "nowhere"))
    is_told = False
    try:
        report = engine_sync(person, Spoilt(objects), push=False)
        is_told = bool(report.skipped)
    except DamageError:
        is_told = True
    except CasSyncError as error:
        out.violations.append(f"{name}: a clone told it as {error!r}")
    arrived = {path: data for path, (data, _) in tree(person.data).items()}
    for path, data in arrived.items():
        if data != truth.tree.get(path):
            out.violations.append(f"{name}: wrong bytes in {path}")
    whole = arrived == truth.tree
    if not whole and not is_told:
        out.violations.append(f"{name}: a clone is not whole, and does not say so")
    out.counts["clones: whole" if whole else "clones: told"] += 1
    shutil.rmtree(home / "bo")


def swaps(truth: Truth) -> Iterator[tuple[str, dict[Key, bytes]]]:
    """Yield the repository with two objects of one kind exchanged."""
    names = sorted(truth.objects)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            a, b = truth.objects[one], truth.objects[other]
            if a != b:
                yield f"{one} and {other}", truth.objects | {one: b, other: a}
