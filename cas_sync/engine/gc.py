"""Collecting what nothing needs: told by default, condemned and deleted only if asked for.

No locks, and no clock decides what is safe. What can go is published by the same
compare-and-swap that commits go through, against exactly the head it was seen from; that
swap also takes it out of the index. So no commit that comes after it can refer to it, and
one that came before makes the swap fail. Names are never used twice, so whoever deletes
late deletes nothing else. docs/design.md, section 5.9.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cas_sync.engine.at_revision import history
from cas_sync.engine.gc_look import (
    GcOptions,
    Look,
    LostFile,
    by_kind,
    look,
    read_tagged,
)
from cas_sync.engine.repository import Connection, Repository, refuse_reset, refuse_rollback
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings, find_author
from cas_sync.engine.undo_here import known_here
from cas_sync.engine.upkeep import move_for_upkeep, write_index
from cas_sync.errors import GuardError, RaceLostError
from cas_sync.formats import keys
from cas_sync.formats.index import Segment
from cas_sync.formats.index_merge import marked_in, merge, select, without_packs
from cas_sync.formats.moments import read_time
from cas_sync.formats.upkeep import MAX_CONDEMNED
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import IndexRoot, Kind, Location
from cas_sync.model.tree import timestamp
from cas_sync.model.upkeep import Condemned, Upkeep
from cas_sync.plan.collection import is_large, lets_go
from cas_sync.progress import Progress
from cas_sync.store.bucket import Key
from cas_sync.store.head import HeadRead, Lost, read_head
from cas_sync.store.packs import PackUploader

__all__ = ["GcOptions", "GcReport", "LostFile", "run_gc"]

RACES = 8
"""So often is a collection made again because teammates published meanwhile."""

READ_TOGETHER = 16 << 20
"""Bytes of objects that are moved to new packs together."""


@dataclass
class GcReport:
    """What nothing needs, and what was done about it.

    Attributes:
        url: The store.
        commits: Commits in the history.
        n_stored: Number of stored objects of the kinds that can be collected.
        size: Their bytes.
        n_garbage: Number of those that nothing needs, by kind: packs, index, pages, commits.
        garbage: Their bytes, by kind.
        n_repacked: Packs among them of which a part is needed; that is stored anew.
        repacked: Bytes that are stored anew.
        unused: Bytes that nothing needs in packs that stay.
        expired: Numbers of the commits of which the contents go.
        files: Versions of files that cannot be had any more then; the first of them.
        n_files: How many there are.
        n_waiting: Objects that were condemned before and are not deleted yet.
        waiting: Their bytes.
        condemned: Objects that were condemned now.
        n_deleted: Objects that were deleted.
        deleted: Their bytes.
        requests: Requests sent, by method.
    """

    url: str
    commits: int = 0
    n_stored: int = 0
    size: int = 0
    n_garbage: dict[str, int] = field(default_factory=dict)
    garbage: dict[str, int] = field(default_factory=dict)
    n_repacked: int = 0
    repacked: int = 0
    unused: int = 0
    expired: list[int] = field(default_factory=list)
    files: list[LostFile] = field(default_factory=list)
    n_files: int = 0
    n_waiting: int = 0
    waiting: int = 0
    condemned: int = 0
    n_deleted: int = 0
    deleted: int = 0
    requests: dict[str, int] = field(default_factory=dict)


def run_gc(
    settings: Settings, surroundings: Surroundings, options: GcOptions, progress: Progress
) -> GcReport:
    """Tell what nothing needs, and collect it if asked to.

    Killed anywhere, the next one goes on: what was only proposed is looked at again, what
    was condemned is deleted then.

    Args:
        settings: The configuration in force.
        surroundings: Time and randomness.
        options: What may be collected.
        progress: Is told what happens.

    Raises:
        DamageError: Something needed is missing or damaged, so nothing is known to be garbage.
        GuardError: A large part of the store would go, or the store was rolled back.
        RaceLostError: Teammates published each time.
    """
    report = GcReport(settings.address.url)
    with Connection(settings, surroundings) as connection:
        run = _Run(connection, settings, surroundings, options, progress, report)
        try:
            run.run()
        finally:
            report.requests = connection.traffic().requests
    return report


class _Nothing:
    """Knows of no object, so that each is stored anew."""

    def holds(self, oid: ObjectId, kind: Kind) -> bool:
        del oid, kind
        return False


class _Run:
    """One collection; a class because its steps share what they work with."""

    def __init__(
        self,
        connection: Connection,
        settings: Settings,
        surroundings: Surroundings,
        options: GcOptions,
        progress: Progress,
        report: GcReport,
    ) -> None:
        self.connection = connection
        self.settings = settings
        self.surroundings = surroundings
        self.options = options
        self.progress = progress
        self.report = report

    def run(self) -> None:
        """Look, and if asked to, condemn and delete."""
        for race in range(RACES):
            head = self.connection.read_head()
            agreed = known_here(self.settings, head)
            repo, _ = history(self.connection, head, self.settings)
            if head is None:
                raise AssertionError
            refuse_rollback(repo, head, agreed)
            if head.head.commit is None:
                return
            now = self.surroundings.clock.now()
            found = look(repo, head, self.options, now, self.progress)
            self._note(found)
            if not self.options.prune:
                return
            record = self._condemn(repo, found, now)
            if record is not None:
                self._sweep(repo, record, now)
                return
            wait = min(1.0, 0.05 * 2**race)
            self.surroundings.clock.sleep(self.surroundings.jitter() * wait)
        raise RaceLostError(
            f"teammates published {RACES} times while this collection looked",
            fix="cas-sync gc --prune --confirm   (at a quieter time)",
            state="nothing was deleted",
        )

    def _note(self, found: Look) -> None:
        report, garbage = self.report, found.garbage
        report.commits = found.head.head.seq
        report.n_stored, report.size = found.n_stored, found.size
        report.n_garbage, report.garbage = map(dict, by_kind(garbage.keys))
        report.n_repacked = len(found.packs.rewritten)
        report.repacked = sum(each.live for each in found.packs.rewritten)
        report.unused = garbage.n_unused
        report.expired = garbage.expired
        report.files, report.n_files = garbage.files, garbage.n_files
        report.n_waiting = len(found.waiting)
        report.waiting = sum(found.waiting.values())

    # -- condemn ----------------------------------------------------------------------

    def _condemn(self, repo: Repository, found: Look, now: datetime) -> Upkeep | None:
        """Publish what goes; return the record in force, or `None` where a race was lost."""
        room = MAX_CONDEMNED - len(found.waiting) - len(found.head.head.index_roots)
        goes = dict(_first_packs(found.garbage.keys)[: max(0, room)])
        is_less = lets_go(found.base, found.retention)
        if not goes and not is_less and found.record is found.base:
            return found.base
        if is_large(sum(goes.values()), found.size) and not self.options.force:
            raise GuardError(
                f"{sum(goes.values()):,} of {found.size:,} bytes in the store would go",
                cause="that is more than a collection mostly finds",
                fix="look at them:  cas-sync gc   then, if they may go:  "
                "cas-sync gc --prune --confirm --force",
                code="E218",
            )
        self.progress.phase("Condemn", len(goes), sum(goes.values()))
        roots = self._index_without(repo, found, goes)
        record = self._record(found, roots, goes, now, is_confirmed=not is_less)
        moved = move_for_upkeep(repo, found.head, record, roots, self.surroundings)
        if isinstance(moved, Lost):
            return None
        if is_less and (confirmed := self._confirm(repo, moved, record)) is not None:
            record = confirmed
        elif is_less:
            return None
        self.report.condemned = len(goes)
        return record

    def _record(
        self,
        found: Look,
        roots: tuple[IndexRoot, ...],
        goes: dict[str, int],
        now: datetime,
        *,
        is_confirmed: bool,
    ) -> Upkeep:
        since = timestamp(now)
        before = [row for row in found.base.condemned if row.key in found.waiting]
        head = found.head.head
        rows = [Condemned(key, size, since) for key, size in goes.items()]
        # A segment that the new index replaces goes as well: it was named until now.
        rows += [
            Condemned(keys.index(root.name), root.size, since)
            for root in head.index_roots
            if not root.is_pack and root not in roots
        ]
        base = found.record.base if not found.record.is_confirmed else head.condemned
        return Upkeep(
            head.repo_id,
            head.gc_epoch + 1,
            base,
            is_confirmed,
            find_author(self.settings.user_name, self.settings.root, self.surroundings.env),
            since,
            found.retention.horizon,
            found.retention.kept,
            tuple(sorted([*before, *rows])),
            found.record.missing,
            self.surroundings.nonce(),
        )

    def _index_without(
        self, repo: Repository, found: Look, goes: dict[str, int]
    ) -> tuple[IndexRoot, ...]:
        """Store what is needed of packs that go; return an index that names none of those."""
        gone = {name for key in goes if (name := keys.parse_pack(key)) is not None}
        named = gone.intersection(found.index.packs)
        roots = found.head.head.index_roots
        if not named and not found.is_restored and not any(r.name in gone for r in roots):
            return roots
        surroundings = self.surroundings
        uploader = PackUploader(
            repo.bucket, repo.cache, repo.pool, _Nothing(), surroundings.ulid
        )
        rewritten = {each.name for each in found.packs.rewritten} & gone
        reader = repo.reader(found.head.head)
        live = marked_in(found.index, rewritten, found.reached.marks)
        for group in _groups(map(found.index.at, live)):
            read = reader.read(group)
            for where in group:
                uploader.add_new(where.id, where.kind, read[where.id])
        uploader.flush()
        data, _ = select(found.index, without_packs(found.index, gone, found.reached.marks))
        added = repo.index(found.head.head).load_all(uploader.roots)
        data, _ = merge([*added, Segment(data)])
        return write_index(repo, Segment(data), surroundings)

    def _confirm(self, repo: Repository, head: HeadRead, record: Upkeep) -> Upkeep | None:
        """Let what was proposed be deleted, unless somebody tagged a commit meanwhile.

        Who set a tag and read the old head after that was told it counts; such a tag is seen
        here, because the head has moved before the tags are listed. Who read the new head
        was told to look again.
        """
        for each in read_tagged(repo):
            if not record.keeps(each.seq, each.id) and self._kept_before(repo, record, each):
                return None
        confirmed = record._replace(is_confirmed=True, nonce=self.surroundings.nonce())
        now: HeadRead | None = head
        for _ in range(RACES):
            if now is None or now.head.condemned != head.head.condemned:
                return None
            confirmed = confirmed._replace(epoch=now.head.gc_epoch)
            moved = move_for_upkeep(
                repo, now, confirmed, now.head.index_roots, self.surroundings
            )
            if not isinstance(moved, Lost):
                return confirmed
            now = read_head(repo.bucket)
            refuse_reset(now, record.repo_id, repo.bucket.url)
        return None

    def _kept_before(
        self, repo: Repository, record: Upkeep, each: tuple[int, ObjectId]
    ) -> bool:
        return not record.base or repo.upkeep.read(record.base).keeps(*each)

    # -- delete -----------------------------------------------------------------------

    def _sweep(self, repo: Repository, record: Upkeep, now: datetime) -> None:
        """Delete what a confirmed record condemned long enough ago."""
        until = now - timedelta(days=self.options.grace_days)
        due = [row for row in record.condemned if _is_due(row, until)]
        self.progress.phase("Delete", len(due), sum(row.size for row in due))
        repo.bucket.delete(Key(row.key) for row in due)
        self.report.n_deleted = len(due)
        self.report.deleted = sum(row.size for row in due)
        left = [row for row in record.condemned if not _is_due(row, until)]
        self.report.n_waiting, self.report.waiting = len(left), sum(row.size for row in left)


def _is_due(row: Condemned, until: datetime) -> bool:
    since = read_time(row.since)
    return since is not None and since <= until


def _first_packs(garbage: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(garbage.items(), key=lambda each: (keys.parse_pack(each[0]) is None, each[0]))


def _groups(places: Iterator[Location]) -> Iterator[list[Location]]:
    """Yield places in groups of bounded size, each id at most once in a group."""
    group: dict[ObjectId, Location] = {}
    size = 0
    for each in places:
        if each.id in group or size + each.raw > READ_TOGETHER:
            yield list(group.values())
            group, size = {}, 0
        group[each.id] = each
        size += each.raw
    if group:
        yield list(group.values())
