"""Files that others left below a prefix become its first commit; their keys stay as they are.

Offered where a prefix holds files and no commit. The commit is made as any other: contents,
pages, commit, head by compare-and-swap. Nobody publishes in between: whoever syncs with
such a prefix is offered the same, and one of them is first. docs/design.md, section 3.2.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from cas_sync.engine.adopt_contents import JOURNAL, Collector, ended_with, is_stored
from cas_sync.engine.adopt_rows import SeedRows, read_rows
from cas_sync.engine.asking import Asker
from cas_sync.engine.publish import Author, Change, move_head, write_changes
from cas_sync.engine.repository import Connection, Repository, refuse_reset
from cas_sync.engine.scanned import Scanned
from cas_sync.engine.session import Session
from cas_sync.engine.sync_report import AdoptReport, SyncOptions
from cas_sync.errors import DamageError, UnavailableError, UsageError
from cas_sync.formats.rows import cell, tidy
from cas_sync.model.foreign import ForeignObject
from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import STATE_DIR, RepoPath, sort_key
from cas_sync.model.tree import Deletion, Mode, Timestamp
from cas_sync.plan.adoption import (
    Finding,
    Foreign,
    Part,
    Place,
    is_seed,
    sort_out,
    sum_up,
)
from cas_sync.plan.adoption_match import Adoption, match
from cas_sync.store.foreign import ForeignStore
from cas_sync.store.head import HeadRead, Lost, read_head
from cas_sync.worktree.state import LOGS_DIR

PASSES = 5
"""How often the listing may change while its objects are read."""

_HEADER = "What,Key,File,Edited By,Time Edited,MD5,Size,Why"


class Offer(NamedTuple):
    """How an offer to adopt ended.

    Attributes:
        goes_on: Whether the sync goes on.
        head: The head to go on from; `None` where there is none.
        foreign: What lies there; `None` where that is nothing.
        report: What was adopted; `None` where nothing was, or somebody else was first.
    """

    goes_on: bool
    head: HeadRead | None
    foreign: Foreign | None = None
    report: AdoptReport | None = None


def find_foreign(connection: Connection) -> Foreign | None:
    """Return what could be adopted; `None` where that is nothing."""
    return sum_up(sort_out(connection.foreign().list_foreign()))


def offer_adoption(
    session: Session,
    connection: Connection,
    head: HeadRead | None,
    options: SyncOptions,
    asker: Asker,
    author: Author,
    ours: Scanned,
) -> Offer:
    """Adopt what others left, if there is anything and the user agrees.

    Args:
        session: The data folder.
        connection: The store, in which there is no commit.
        head: Its head, if it has one.
        options: What the sync is asked for.
        asker: Is shown what lies there; says whether to adopt it.
        author: Who commits.
        ours: The data folder, which knows what is executable.

    Raises:
        UsageError: This sync may not publish.
        UnavailableError: What lies there keeps changing.
    """
    session.progress.phase("List", 0, 0)
    listing = _list(connection.foreign())
    places = sort_out(listing)
    foreign = sum_up(places)
    if foreign is None:
        return Offer(True, head)
    if options.dry_run:
        return Offer(False, head, foreign)
    if not options.push:
        raise UsageError(
            f"{connection.bucket.url} holds {foreign.n_files:,} files, and no commit",
            cause="to adopt them is to publish, and this command only takes",
            fix="cas-sync sync   (asks first, and leaves those files as they are)",
            code="E002",
        )
    if not asker.adopt(foreign):
        return Offer(False, head, foreign)
    if head is None:
        head = connection.begin(session.progress.note)
    if head.head.commit is not None:
        return Offer(True, head, foreign)
    executables = {
        (row.path, row.content.id) for row in ours.rows() if row.content.mode is Mode.EXEC
    }
    job = _Job(session, connection, head, author, executables)
    head, report = job.run(listing)
    return Offer(True, head, foreign, report)


def settle_interrupted(session: Session, repo: Repository, head: HeadRead) -> None:
    """Tell what became of an adoption that was killed, once there are commits."""
    if session.folder.stat(f"{STATE_DIR}/{JOURNAL}") is None:
        return
    made = ended_with(session)
    if made is not None and repo.commits.holds(head.head, *made):
        session.progress.note(
            f"The interrupted adoption had reached the store; {LOGS_DIR}/adopted-*.csv tells "
            "what became of each file."
        )
    else:
        session.progress.note("Somebody else published before the interrupted adoption did.")
    session.state.remove(JOURNAL)


class _Job:
    """One adoption; a class because its steps share where it happens."""

    def __init__(
        self,
        session: Session,
        connection: Connection,
        head: HeadRead,
        author: Author,
        executables: set[tuple[RepoPath, ObjectId]],
    ) -> None:
        self.session = session
        self.store = connection.foreign()
        self.head = head
        self.author = author
        self.executables = executables
        self.repo = connection.repository(head.head.repo_id)

    def run(self, listing: list[ForeignObject]) -> tuple[HeadRead, AdoptReport | None]:
        """Store everything, and make the commit.

        Returns:
            The head to go on from, and what was adopted; `None` where somebody else was
            first.
        """
        with Collector(self.session, self.repo, self.head.head, self.store) as collector:
            places, rows = self._collect(collector, listing)
            adoption = self._match(collector, places, rows)
            return self._commit(collector, adoption, is_seed=is_seed(places))

    def _collect(
        self, collector: Collector, listing: list[ForeignObject]
    ) -> tuple[list[Place], SeedRows]:
        """Store contents until the prefix held still meanwhile."""
        for _ in range(PASSES):
            places = sort_out(listing)
            collector.collect([each.object for each in places if each.part in _TAKEN])
            rows = read_rows(self.store, places, self.session.surroundings.to_utc)
            again = _list(self.store)
            if again == listing and rows is not None:
                missing = [
                    p for p in places if p.part in _TAKEN and not collector.find(p.object)
                ]
                if not missing:
                    return places, rows
            listing = again
        raise UnavailableError(
            f"the files at {self.store.url} change faster than they can be adopted",
            cause="is s3synchrony, or another program, still at work there?",
            fix="stop it, then run again   (what was stored is not read again)",
            state="nothing was changed there",
        )

    def _match(self, collector: Collector, places: list[Place], rows: SeedRows) -> Adoption:
        taken = {}
        for each in places:
            if each.part in _TAKEN and (found := collector.find(each.object)) is not None:
                taken[each.object.key] = found
                if not is_stored(collector.uploader, found, each.object.size):
                    collector.forget()
                    raise DamageError(
                        f"{each.object.key} was noted as stored, but is not",
                        fix="cas-sync sync   (it begins anew)",
                    )
        adoption = match(
            places, taken, rows.live, rows.dead, self.author.name, self.executables
        )
        adoption.findings.extend(rows.bad)
        return adoption

    def _commit(
        self, collector: Collector, adoption: Adoption, *, is_seed: bool
    ) -> tuple[HeadRead, AdoptReport | None]:
        session, repo, surroundings = self.session, self.repo, self.session.surroundings
        session.progress.phase("Commit", 0, 0)
        author = replace(self.author, message=_message(adoption, is_seed=is_seed))
        changes = (Change(sort_key(row.path), None, row) for row in adoption.entries)

        def gone(_: Timestamp, seq: int) -> Iterator[Deletion]:
            return (Deletion(g.entry, g.deleter, g.deleted, seq) for g in adoption.gone)

        new, oid, commit = write_changes(
            repo, self.head.head, changes, gone, collector.uploader, author, surroundings
        )
        log = f"{LOGS_DIR}/adopted-{surroundings.clock.now():%Y%m%dT%H%M%SZ}.csv"
        # Both are written first: killed right after the head moved, they are what tells.
        session.state.replace_text(log.removeprefix(f"{STATE_DIR}/"), _csv(adoption.findings))
        collector.note_commit(oid, commit.seq)
        outcome = move_head(repo, self.head, new, oid, surroundings)
        collector.forget()
        if isinstance(outcome, Lost):
            session.state.remove(log.removeprefix(f"{STATE_DIR}/"))
            session.progress.note(
                f"Somebody else made the first commit at {repo.bucket.url}; going on from it."
            )
            return outcome.now, None
        return self._head_now(new.repo_id), AdoptReport(
            commit=oid,
            seq=commit.seq,
            is_seed=is_seed,
            n_files=commit.files,
            size=commit.size,
            n_deleted=len(adoption.gone),
            findings=adoption.findings,
            warnings=adoption.warnings,
            log=log,
        )

    def _head_now(self, repo_id: str) -> HeadRead:
        head = read_head(self.repo.bucket)
        refuse_reset(head, repo_id, self.repo.bucket.url)
        if head is None:
            raise AssertionError
        return head


_TAKEN = (Part.FILE, Part.DELETED)


def _list(store: ForeignStore) -> list[ForeignObject]:
    return sorted(store.list_foreign())


def _message(adoption: Adoption, *, is_seed: bool) -> str:
    n, gone = len(adoption.entries), len(adoption.gone)
    text = f"adopt {n:,} file{'' if n == 1 else 's'}"
    if is_seed:
        text += " of s3synchrony"
    return text + (f" and {gone:,} deleted" if gone else "")


def _csv(findings: Iterable[Finding]) -> Iterator[str]:
    yield _HEADER + "\n"
    for each in findings:
        texts = (each.key, each.path, each.editor, each.edited, each.md5)
        cells = [cell(tidy(text, 4096)) for text in texts]
        why = cell(tidy(each.reason))
        yield f"{each.kind},{','.join(cells)},{each.size if each.key else ''},{why}\n"
