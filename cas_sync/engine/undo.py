"""The inverse of a commit, published for everyone; history itself is never rewritten.

Read, decide, ask, publish, as a sync does, but between three shared trees: before the commit,
after it, and now. The data folder has no part in that. What was undone is then brought to it
by an ordinary sync that publishes nothing (`undo_here`).
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice

from cas_sync.engine.at_revision import history
from cas_sync.engine.publish import Change, author_of, move_head, write_changes
from cas_sync.engine.repository import Connection, Repository, refuse_rollback
from cas_sync.engine.revisions import Revision, find_revision
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings, find_author
from cas_sync.engine.sync import RACES
from cas_sync.engine.sync_report import SyncReport
from cas_sync.engine.undo_here import Done, bring_here, done_by, is_synced, known_here
from cas_sync.engine.undo_report import UndoOptions, UndoPlan, UndoReport
from cas_sync.engine.upkeep import refuse_expired
from cas_sync.errors import GuardError, OutcomeUnknownError, RaceLostError, UsageError
from cas_sync.model.commit import Commit, Head
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Kind
from cas_sync.model.paths import RepoPath, sort_key
from cas_sync.model.tree import Content, Deletion, Timestamp
from cas_sync.plan.inverse import (
    Changes,
    InversePlan,
    Seen,
    Turn,
    plan_inverse,
    suspect_inverse,
    why_left,
)
from cas_sync.progress import Progress
from cas_sync.store.head import HeadRead, Lost
from cas_sync.store.index import IndexSet
from cas_sync.store.packs import PackUploader

LOOKED_THROUGH = 1000
"""So many commits are looked through for the newest of one's own."""

EXPLAINED = 16
"""So many commits since are read to tell who changed what is left alone."""


Agree = Callable[[UndoPlan], bool]


def run_undo(
    settings: Settings,
    surroundings: Surroundings,
    options: UndoOptions,
    agree: Agree,
    progress: Progress,
) -> UndoReport:
    """Publish the inverse of a commit, then bring it to the data folder.

    What was changed since the commit is left alone. The data folder need not be there, nor
    as the last sync left it.

    Args:
        settings: The configuration in force.
        surroundings: Time, randomness and names.
        options: What is asked for.
        agree: Is shown the plan, once; says whether it is carried out. Only what it was
            shown is done, also when teammates publish meanwhile.
        progress: Is told what happens.

    Raises:
        UsageError: There is no such revision.
        GuardError: More than half of the files would go.
        OutcomeUnknownError: The store gave no definite answer.
        CasSyncError: It could not be done; its state says whether it is undone for everyone.
    """
    report = UndoReport()
    with Connection(settings, surroundings) as connection:
        run = _Run(settings, surroundings, connection, progress)
        try:
            run.run(options, agree, report)
        finally:
            report.requests, report.bytes_down, report.bytes_up = connection.traffic()
    if report.published and report.plan is not None and is_synced(settings):
        undone = f"{report.plan.name} is undone for everyone at {str(report.commit)[:8]}"
        flag = options.allow_mass_delete
        here = bring_here(
            settings, surroundings, run.done, undone, progress, allow_mass_delete=flag
        )
        _note_here(report, here)
    return report


def _note_here(report: UndoReport, here: SyncReport) -> None:
    report.is_here = True
    report.downloaded, report.deleted_local = here.downloaded, here.deleted_local
    report.conflicts, report.skipped, report.kept = here.conflicts, here.skipped, here.kept
    report.local = here.local
    report.bytes_up += here.bytes_up
    report.bytes_down += here.bytes_down
    for method, n in here.requests.items():
        report.requests[method] = report.requests.get(method, 0) + n


class _Run:
    """One undo; a class because its steps share what they work with."""

    def __init__(
        self,
        settings: Settings,
        surroundings: Surroundings,
        connection: Connection,
        progress: Progress,
    ) -> None:
        self.settings = settings
        self.surroundings = surroundings
        self.connection = connection
        self.progress = progress
        self.done: Done | None = None
        self.me = find_author(settings.user_name, settings.root, surroundings.env)

    def run(self, options: UndoOptions, agree: Agree, report: UndoReport) -> None:
        """Undo what is asked for, and note what was done."""
        head = self.connection.read_head()
        agreed = known_here(self.settings, head)
        repo, _ = history(self.connection, head, self.settings)
        if head is None:
            raise AssertionError
        refuse_rollback(repo, head, agreed)
        report.commit, report.seq = head.head.commit, head.head.seq
        if head.head.commit is None and options.rev is None:
            return
        self.progress.phase("Compare", 0, 0)
        oid, commit = self._chosen(repo, head.head, options)
        _refuse_expired(repo, head.head, oid, commit)
        shown: Changes | None = None
        plan: UndoPlan | None = None
        for race in range(RACES):
            hindered = plan.inverse.seen.hindered if plan else {}
            inverse = self._inverse(repo, commit, head.head, hindered, shown)
            newer = self._newer(repo, head.head, oid) if options.rev is None else None
            left = _left(repo, head.head, commit.seq, inverse)
            plan = UndoPlan(oid, commit, newer, inverse, left)
            report.plan, report.left = plan, left
            report.hindered = inverse.n[Turn.CANNOT] > 0
            report.commit, report.seq = head.head.commit, head.head.seq
            if not inverse.n_acting:
                return
            self._guard(plan, head.head, options)
            if options.dry_run:
                agree(plan)
                return
            if shown is None:
                report.refused = not agree(plan)
                if report.refused:
                    return
                shown = inverse.seen.since
            outcome = self._publish(repo, head, plan, options.message)
            if isinstance(outcome, Lost):
                head = outcome.now
                wait = min(1.0, 0.02 * 2**race)
                self.surroundings.clock.sleep(self.surroundings.jitter() * wait)
                continue
            report.commit, report.seq = outcome
            report.published = True
            report.uploaded = inverse.n[Turn.BRING_BACK] + inverse.n[Turn.PUT_BACK]
            report.deleted_remote = inverse.n[Turn.TAKE_OUT]
            self.done = done_by(inverse)
            return
        raise RaceLostError(
            f"teammates published {RACES} times while this undo tried to",
            fix=f"cas-sync undo {str(oid)[:8]}",
        )

    # -- decide ---------------------------------------------------------------------

    def _chosen(
        self, repo: Repository, head: Head, options: UndoOptions
    ) -> tuple[ObjectId, Commit]:
        if options.rev is not None or head.commit is None:
            now = self.surroundings.clock.now()
            found = find_revision(repo, head, options.rev or "@", now)
            return found.id, repo.commits.read(found.id, found.seq)
        latest = repo.commits.read(head.commit, head.seq)
        if latest.author == self.me:
            return head.commit, latest
        for oid, commit in islice(repo.commits.walk(head), LOOKED_THROUGH):
            if commit.author == self.me:
                return oid, commit
        if head.seq > LOOKED_THROUGH:
            raise UsageError(
                f"none of the latest {LOOKED_THROUGH:,} commits is by {self.me}",
                fix="name the commit:  cas-sync undo REV\nsee them:  cas-sync log --oneline",
            )
        return head.commit, latest

    def _newer(
        self, repo: Repository, head: Head, oid: ObjectId
    ) -> tuple[ObjectId, Commit] | None:
        if head.commit is None or head.commit == oid:
            return None
        latest = repo.commits.read(head.commit, head.seq)
        return None if latest.author == self.me else (head.commit, latest)

    def _inverse(
        self,
        repo: Repository,
        commit: Commit,
        head: Head,
        hindered: Mapping[RepoPath, str],
        shown: Changes | None,
    ) -> InversePlan:
        parent = None
        if commit.parent is not None:
            parent = repo.commits.read(commit.parent, commit.seq - 1).versions
        diff = repo.versions.diff
        seen = Seen(
            partial(diff, parent, commit.versions),
            partial(diff, commit.versions, head.versions),
            hindered,
            shown,
        )
        return plan_inverse(seen, partial(_is_stored, repo.index(head)))

    def _guard(self, plan: UndoPlan, head: Head, options: UndoOptions) -> None:
        if options.allow_mass_delete:
            return
        rev = str(plan.id)[:8]
        why = suspect_inverse(plan.inverse, head.files, self.settings.limits, rev)
        if why is not None:
            raise GuardError(why.message, cause=why.cause, fix=why.fix, code=why.code)

    # -- publish --------------------------------------------------------------------

    def _publish(
        self, repo: Repository, head: HeadRead, plan: UndoPlan, message: str
    ) -> tuple[ObjectId, int] | Lost:
        """Write the commit that undoes another, and move the head to it.

        Raises:
            RepositoryResetError: The repository was reset meanwhile.
            OutcomeUnknownError: The store gave no definite answer.
        """
        surroundings = self.surroundings
        self.progress.phase("Commit", 0, 0)
        if not message:
            message = f"undo #{plan.commit.seq}: {plan.commit.message}".removesuffix(": ")
        author = author_of(self.settings, surroundings, message)
        # Every content is in the store already.
        uploader = PackUploader(
            repo.bucket, repo.cache, repo.pool, repo.index(head.head), surroundings.ulid
        )

        def gone(now: Timestamp, seq: int) -> Iterator[Deletion]:
            for each in plan.inverse.inverses():
                if each.turn is Turn.TAKE_OUT and each.now is not None:
                    yield Deletion(each.now, author.name, now, seq)

        new, oid, commit = write_changes(
            repo, head.head, _changes(plan.inverse), gone, uploader, author, surroundings
        )
        try:
            outcome = move_head(repo, head, new, oid, surroundings)
        except OutcomeUnknownError as error:
            # Named, because without a name it might undo the undo.
            error.fix = f"cas-sync undo {str(plan.id)[:8]}   (it finds out, and does the rest)"
            raise
        if isinstance(outcome, Lost):
            return outcome
        return oid, commit.seq


def _refuse_expired(repo: Repository, head: Head, oid: ObjectId, commit: Commit) -> None:
    """Stop where the trees before and after a commit are not kept any more."""
    refuse_expired(repo, head, Revision(oid, commit.seq, commit.versions))
    if commit.parent is not None:
        refuse_expired(repo, head, Revision(commit.parent, commit.seq - 1, None))


def _changes(inverse: InversePlan) -> Iterator[Change]:
    for each in inverse.inverses():
        if each.acts:
            yield Change(sort_key(each.path), each.now, each.before)


def _is_stored(index: IndexSet, content: Content) -> bool:
    """Say whether a content can be found through an index; an empty one needs no finding."""
    if not content.size:
        return True
    chunk = index.find(content.id, Kind.CHUNK)
    if chunk is not None and chunk.raw == content.size:
        return True
    return index.find(content.id, Kind.FILE) is not None


def _left(repo: Repository, head: Head, seq: int, inverse: InversePlan) -> dict[RepoPath, str]:
    """Return why each path is left alone, and by whom it was changed where that is cheap."""
    changed_in: dict[RepoPath, tuple[str, int]] = {}
    n = head.seq - seq
    if 0 < n <= EXPLAINED and any(each.turn is Turn.LEAVE for each in inverse.left):
        for _, commit in islice(repo.commits.walk(head, n), n):
            for row in commit.changes:
                changed_in.setdefault(RepoPath(row.path), (commit.author, commit.seq))
    return {each.path: why_left(each, changed_in) for each in inverse.left}
