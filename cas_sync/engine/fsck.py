"""Checking every byte of a history, and putting back what this machine has of it.

Nothing is ever deleted. What is missing is stored again under new names, and the index is
told so by the same compare-and-swap that commits go through. What this machine does not have
is asked for: the next sync of whoever has it brings it (`heal`). docs/design.md, section 5.10.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from cas_sync.engine.at_revision import history
from cas_sync.engine.fsck_look import (
    Checked,
    Checker,
    Finding,
    LostVersion,
    dead_lists,
)
from cas_sync.engine.local import contents_in
from cas_sync.engine.mending import Without, mend
from cas_sync.engine.repository import Connection, Repository, refuse_headless
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings, find_author
from cas_sync.engine.upkeep import move_for_upkeep, write_index
from cas_sync.errors import RaceLostError
from cas_sync.formats import keys
from cas_sync.formats.index import Segment
from cas_sync.formats.index_merge import merge, select
from cas_sync.formats.rows import DeletedRows, VersionRows
from cas_sync.formats.upkeep import MAX_MISSING
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Kind
from cas_sync.model.tree import Entry, Timestamp, timestamp
from cas_sync.model.upkeep import Missing
from cas_sync.progress import Progress
from cas_sync.store.bucket import Key
from cas_sync.store.cache import Cache
from cas_sync.store.head import HeadRead, Lost
from cas_sync.store.history import COMMITS
from cas_sync.store.index import KIND as INDEX
from cas_sync.store.manifest import Manifest
from cas_sync.store.upkeep import UPKEEP

__all__ = ["Finding", "FsckReport", "LostVersion", "run_fsck"]

RACES = 20


@dataclass
class FsckReport:
    """What a check found, and what was put back.

    Attributes:
        url: The store.
        is_deep: Whether every byte was read.
        commits: Commits that were checked.
        objects: Stored objects that they need.
        packs: Packs that hold these.
        size: Bytes of those packs.
        findings: What is wrong; after a repair, what still is.
        lost: Versions of files that cannot be had whole; the first of them.
        n_lost: How many there are.
        n_found: How many findings there were before a repair.
        n_mended: Contents of files that were stored again.
        n_put_back: Other objects that were put back.
        n_wanted: Objects that are asked for from whoever has them.
        requests: Requests sent, by method.
    """

    url: str
    is_deep: bool
    commits: int = 0
    objects: int = 0
    packs: int = 0
    size: int = 0
    findings: list[Finding] = field(default_factory=list)
    lost: list[LostVersion] = field(default_factory=list)
    n_lost: int = 0
    n_found: int = 0
    n_mended: int = 0
    n_put_back: int = 0
    n_wanted: int = 0
    requests: dict[str, int] = field(default_factory=dict)


def run_fsck(
    settings: Settings,
    surroundings: Surroundings,
    progress: Progress,
    *,
    deep: bool,
    repair: bool,
) -> FsckReport:
    """Check a store, and repair it if asked to.

    Args:
        settings: The configuration in force.
        surroundings: Time and randomness.
        progress: Is told what happens.
        deep: Whether to read every byte, or only what tells where the others lie.
        repair: Whether to put back what this machine has.

    Raises:
        DamageError: The head cannot be read.
        RaceLostError: Teammates published each time a repair was about to be.
    """
    report = FsckReport(settings.address.url, deep)
    with TemporaryDirectory(prefix="cas-sync-") as scratch:
        # Copies of this machine would hide what is wrong in the store.
        bare = replace(settings, cache_dir=Path(scratch))
        with Connection(bare, surroundings) as connection:
            try:
                _run(settings, surroundings, connection, progress, report, repair=repair)
            finally:
                report.requests = connection.traffic().requests
    return report


def _run(
    settings: Settings,
    surroundings: Surroundings,
    connection: Connection,
    progress: Progress,
    report: FsckReport,
    *,
    repair: bool,
) -> None:
    deep = report.is_deep
    n = 0
    while n < RACES:
        head = connection.read_head()
        if head is None:
            refuse_headless(connection.bucket)
        repo, _ = history(connection, head, settings)
        if head is None:
            raise AssertionError
        copies = _local(repo, settings).index(head.head) if repair else None
        checker = Checker(repo, head.head, progress, copies)
        found = checker.check(deep=deep)
        _note(report, found)
        if not repair:
            return
        report.n_found = report.n_found or len(found.findings)
        put_back = _put_back(repo, _local(repo, settings), checker)
        report.n_put_back += put_back
        if put_back:
            continue  # there is more to see now
        if not found.has_record or not (found.bad or found.is_rebuilt):
            # Without the record nobody knows what was let go of: nothing is taken back.
            return
        moved = _repair(settings, surroundings, repo, head, checker, report)
        if not isinstance(moved, Lost):
            # What was repaired is looked at again; what every byte said is known.
            _note(report, Checker(repo, moved.head, progress).check(deep=False))
            return
        n += 1
        wait = min(1.0, 0.05 * 2**n)
        surroundings.clock.sleep(surroundings.jitter() * wait)
    raise RaceLostError(
        "teammates published each time this repair was about to be made",
        fix="cas-sync fsck --repair   (at a quieter time)",
        state="nothing was changed but that missing objects were put back",
    )


def _note(report: FsckReport, found: Checked) -> None:
    report.commits, report.objects = len(found.history), found.n_objects
    report.packs, report.size = found.n_packs, found.size
    report.findings = found.findings
    report.lost, report.n_lost = found.lost, found.n_lost


def _local(repo: Repository, settings: Settings) -> Repository:
    """Return the repository with the copies of this machine."""
    cache = Cache(settings.cache_dir / repo.repo_id)
    bucket, pool = repo.bucket, repo.pool
    return replace(
        repo,
        cache=cache,
        versions=Manifest(bucket, cache, pool, VersionRows(), keys.versions),
        deleted=Manifest(bucket, cache, pool, DeletedRows(), keys.deleted),
    )


def _put_back(repo: Repository, local: Repository, checker: Checker) -> int:
    """Put back what lies under the hash of its bytes, from this machine's copies."""
    n = 0
    for each in checker.found.findings:
        data = _copy(local, checker, each)
        if data is not None and _replace(repo, Key(each.object), data):
            n += 1
    return n


def _copy(local: Repository, checker: Checker, finding: Finding) -> bytes | None:
    """Return the very bytes that belong where a finding is, if this machine has them."""
    key = finding.object
    if finding.code == "E508":
        return local.cache.get("format", "format.json")
    if finding.code == "E510":
        record = checker.found.head.condemned
        return _hashed(local.cache.get(UPKEEP, record), record)
    if finding.code == "E506" and (segment := keys.parse_named(key)) is not None:
        return _hashed(local.cache.get(INDEX, segment), segment)
    if finding.code == "E505" and (commit := keys.parse_commit(key)) is not None:
        data = local.cache.get(COMMITS, str(commit[1]))
        return data if data is not None and ObjectId.of(data) == commit[1] else None
    if finding.code == "E504" and (name := keys.parse_named(key)) is not None:
        seen = checker.reached.versions.objects.get(name)
        if seen is not None:
            return local.versions.rebuild(name, seen.values())
        return local.deleted.rebuild(name, checker.reached.deleted.objects[name].values())
    return None


def _hashed(data: bytes | None, name: str) -> bytes | None:
    """Return a copy if its hash is the one in the name it belongs to."""
    digest = name.rpartition("-")[2].partition("_")[0]
    return data if data is not None and str(ObjectId.of(data)) == digest else None


def _replace(repo: Repository, key: Key, data: bytes) -> bool:
    """Write an immutable object again, in place of what is damaged or nothing."""
    there = repo.bucket.get(key)
    if there is not None and there.data == data:
        return False
    repo.bucket.put_if(key, data, None if there is None else there.etag)
    now = repo.bucket.get(key)
    return now is not None and now.data == data


def _repair(
    settings: Settings,
    surroundings: Surroundings,
    repo: Repository,
    head: HeadRead,
    checker: Checker,
    report: FsckReport,
) -> HeadRead | Lost:
    """Store again what is here, and let the index tell the truth."""
    found, reader = checker.found, checker.reader
    wanted = [_entry(each) for each in found.lost]
    dead = dead_lists(found, reader) if found.is_rebuilt else set()
    good = bytearray(
        found.is_good(where) and (where.id, where.kind) not in dead for where in found.index
    )
    index = Segment(select(found.index, good)[0])
    # A list of pieces has no hash of its own: one that names what is not there may be what
    # is damaged. So it is stored again with the rest.
    known = Without(index, {(each.content.id, Kind.FILE) for each in found.lost})
    with contents_in(settings, repo.repo_id, wanted) as local:
        contents = (each.content for each in found.lost)
        uploader, mended = mend(repo, head.head, known, local, contents, surroundings)
    left = bytearray(where.kind is not Kind.FILE or where.id not in mended for where in index)
    data, _ = select(index, left)
    added = repo.index(head.head).load_all(uploader.roots)
    data, _ = merge([*added, Segment(data)])
    whole = Segment(data)
    roots = write_index(repo, whole, surroundings)
    missing = {
        Missing(oid, kind, each.content.id, each.content.size)
        for each in found.lost
        if each.content.id not in mended
        for oid, kind in each.objects
        if whole.find(oid, kind) is None
    }
    record = found.record._replace(
        repo_id=head.head.repo_id,
        epoch=head.head.gc_epoch + 1,
        base=found.record.base if not found.record.is_confirmed else head.head.condemned,
        author=find_author(settings.user_name, settings.root, surroundings.env),
        time=timestamp(surroundings.clock.now()),
        missing=tuple(sorted(missing)[:MAX_MISSING]),
        nonce=surroundings.nonce(),
    )
    moved = move_for_upkeep(repo, head, record, roots, surroundings)
    if not isinstance(moved, Lost):
        report.n_mended, report.n_wanted = len(mended), len(record.missing)
    return moved


def _entry(lost: LostVersion) -> Entry:
    return Entry(lost.path, lost.content, "", Timestamp(""))
