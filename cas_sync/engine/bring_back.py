"""Contents of the history as ordinary local files again: planned, agreed to, written.

Read, decide, ask, write, as a sync does, and by the same hands: each file is checked before
it gets its name, and what it replaces is kept if it is in no history. `restore` and
`undelete` differ only in which rows they want back.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cas_sync.engine.apply import Materialized, catch_up, materialize, write_index
from cas_sync.engine.at_revision import History, history
from cas_sync.engine.checkout import Checkout
from cas_sync.engine.fetch import adding_to
from cas_sync.engine.intent import note_settled, read_interrupted
from cas_sync.engine.local import contents_in
from cas_sync.engine.repository import Repository, refuse_rollback
from cas_sync.engine.revisions import Revision
from cas_sync.engine.scanned import Scanned
from cas_sync.engine.session import Plan, Session
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.errors import CasSyncError, DamageError
from cas_sync.formats.pages import merge_rows
from cas_sync.model.commit import Head
from cas_sync.model.paths import RepoPath, sort_key
from cas_sync.model.tree import Entry
from cas_sync.plan.step import Act, Step
from cas_sync.plan.survey import Survey, take
from cas_sync.plan.sync_plan import Rules, Sides, align
from cas_sync.progress import Progress
from cas_sync.store.head import HeadRead
from cas_sync.worktree.base import BaseTree, write_base
from cas_sync.worktree.compare import holds
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.recover import recover

_ALL = Rules(ignores=lambda _: False, covers=lambda _: True, author="")


@dataclass(frozen=True)
class RestorePlan:
    """What bringing files back comes to.

    Attributes:
        revision: Where they come from; of deleted files, the latest commit.
        survey: The counts; `Act.AGREE` are those that are as they were then.
        steps: Yields a step for each file, in path order; may be called again and again.
        n_replaced: Files that would be replaced.
        n_unsaved: How many of those hold what is in no history: they are kept.
    """

    revision: Revision
    survey: Survey
    steps: Callable[[], Iterator[Step]]
    n_replaced: int
    n_unsaved: int


@dataclass
class RestoreReport:
    """What was brought back.

    Attributes:
        plan: What it came to.
        restored: Files written.
        local: How many of them were copied from this machine.
        bytes_local: Bytes of those.
        kept: What was replaced and is in no history, by path, and where it lies now.
        skipped: Files that were not written, and why.
        n_existing: Deleted files that were not meant by name and exist again: left alone.
        behind: How many commits are newer than the one they come from.
        refused: Whether the user said no.
        bytes_down: Bytes of response bodies received.
        requests: Requests sent, by method.
    """

    plan: RestorePlan
    restored: int = 0
    local: int = 0
    bytes_local: int = 0
    kept: dict[RepoPath, str] = field(default_factory=dict)
    skipped: dict[RepoPath, str] = field(default_factory=dict)
    n_existing: int = 0
    behind: int = 0
    refused: bool = False
    bytes_down: int = 0
    requests: dict[str, int] = field(default_factory=dict)


Agree = Callable[[RestorePlan], bool]
"""Is shown the plan; says whether it is carried out."""

Rows = Callable[[], Iterable[Entry]]
"""Returns the rows that are wanted back, in path order; may be called again and again."""


def open_past(session: Session) -> History:
    """Return the history that the data folder of ``session`` shares.

    Raises:
        UsageError: Nothing was published yet.
        RepositoryResetError: It is being reset, or is another one.
    """
    connection, read = session.head()
    repo, head = history(connection, read, session.settings)
    return History(connection, repo, head, session.surroundings.clock.now())


def look_here(session: Session) -> tuple[BaseTree, Scanned]:
    """Settle what an interrupted sync left in the data folder, and scan it."""
    for each in recover(session.folder):
        if each.kept:
            session.progress.note(
                f"Found after an interrupted sync: {each.path} -> {each.kept}"
            )
    session.progress.phase("Scan", 0, 0)
    return session.base(), session.scan()


def bring_here(
    session: Session,
    past: History,
    seen: tuple[BaseTree, Scanned],
    revision: Revision,
    rows: Rows,
    agree: Agree,
    *,
    replaces: bool,
    dry_run: bool,
) -> RestoreReport:
    """Write files of the history into the data folder.

    Args:
        session: The data folder.
        past: The history.
        seen: What `look_here` returned.
        revision: Where the files come from.
        rows: What is wanted.
        agree: Says whether the plan is carried out.
        replaces: Whether a file that holds something else is replaced, or left and told.
        dry_run: Whether to stop once the plan is made.

    Raises:
        CasSyncError: It could not be done; every file is whole.
    """
    base, ours = seen
    _, read = session.head()
    if read is not None:
        refuse_rollback(past.repo, read, base.agreed)
        if not dry_run:
            base = _caught_up(session, past.repo, read, base, ours)
    plan = _plan(revision, lambda: _decide_here(base, ours, rows(), replaces=replaces))
    report = _report(plan, past)
    damage: DamageError | None = None
    if _goes_on(report, agree, dry_run=dry_run):
        todo = Plan(plan.survey, _ALL, plan.steps, ours.rows)
        try:
            done = materialize(session, past.repo, todo, ours, past.head, thorough=True)
        except CasSyncError as error:
            error.state = "every file is whole, as it was or as it is restored"
            raise
        # Without a tag: the folder is no longer what the last sync left.
        write_index(session, ours, done.local_changes, "", past.repo.repo_id)
        _note(report, done)
        damage = done.damage
    if not (dry_run or report.refused):
        _note_seen(session, past.repo, past.head, base, plan, report.skipped)
    if damage is not None:
        damage.state = f"{report.restored:,} files were restored"
        raise damage
    return _measured(report, past)


def bring_elsewhere(
    settings: Settings,
    surroundings: Surroundings,
    past: History,
    target: Path,
    revision: Revision,
    rows: Rows,
    agree: Agree,
    progress: Progress,
    *,
    dry_run: bool,
) -> RestoreReport:
    """Write files of the history below another folder, where nothing is replaced.

    Raises:
        CasSyncError: It could not be done; every file is whole.
    """
    plan = _plan(revision, lambda: _decide_elsewhere(target, rows()))
    report = _report(plan, past)
    if _goes_on(report, agree, dry_run=dry_run):
        progress.phase("Download", plan.survey.n_materialize, plan.survey.bytes_down)
        wanted = (
            step.theirs for step in plan.steps() if step.act is Act.DOWNLOAD and step.theirs
        )
        with (
            contents_in(settings, past.repo.repo_id, wanted) as local,
            adding_to(target, surroundings) as (folder, writer),
        ):
            reader = past.repo.reader(past.head)
            checkout = Checkout(folder, writer, reader, "", progress, local)
            steps = ((step, None) for step in plan.steps())
            for _ in checkout.write(steps, under_copies=False):
                pass
        _note(report, checkout)
        if checkout.damage is not None:
            checkout.damage.state = f"{report.restored:,} files were written"
            raise checkout.damage
    return _measured(report, past)


def _caught_up(
    session: Session, repo: Repository, head: HeadRead, base: BaseTree, ours: Scanned
) -> BaseTree:
    """Write down what a killed sync did, and return the base after that.

    The next sync would do so, but could not tell what it put there from what is brought back.
    """
    before = read_interrupted(session, repo, head)
    if before is None:
        return base
    if before.reached is not None:
        base = catch_up(session, repo, base, ours, before.reached)
    settled = {path: str(oid) for path, oid in before.settled.items()}
    note_settled(session, settled, head.head)
    return base


def _decide_here(
    base: BaseTree, ours: Scanned, wanted: Iterable[Entry], *, replaces: bool
) -> Iterator[tuple[Sides, Step]]:
    """Yield what becomes of each file that is wanted back."""
    for sides in align(base.rows(), ours.found(), wanted):
        path, agreed, found, row = sides
        if row is None:
            continue
        if found is not None and found.content is None:
            yield sides, Step(Act.SKIP, path, None, found, row, reason=found.problem)
        elif found is not None and found.content == row.content:
            yield sides, Step(Act.AGREE, path, agreed, found, row)
        elif found is not None and not replaces:
            why = "something else of that name is here"
            yield sides, Step(Act.SKIP, path, None, found, row, reason=why)
        else:
            # What both sides agreed on is in history; anything else has to be kept.
            known = agreed
            if agreed is None or found is None or agreed.content != found.content:
                known = None
            yield sides, Step(Act.DOWNLOAD, path, known, found, row)


def _decide_elsewhere(target: Path, wanted: Iterable[Entry]) -> Iterator[tuple[Sides, Step]]:
    """Yield the same for a folder to which files are only added."""
    if not target.is_dir():
        for row in wanted:
            yield Sides(row.path, None, None, row), _download(row)
        return
    with Folder(str(target)) as folder:
        for row in wanted:
            sides = Sides(row.path, None, None, row)
            seen = folder.stat(row.path)
            if seen is None:
                yield sides, _download(row)
            elif holds(folder, row.path, row.content, seen):
                yield sides, _download(row)._replace(act=Act.AGREE)
            else:
                why = f"something else of that name is in {target} already"
                yield sides, _download(row)._replace(act=Act.SKIP, reason=why)


def _download(row: Entry) -> Step:
    return Step(Act.DOWNLOAD, row.path, None, None, row)


def _plan(
    revision: Revision, decided: Callable[[], Iterator[tuple[Sides, Step]]]
) -> RestorePlan:
    survey = take(decided())

    def steps() -> Iterator[Step]:
        return iter(survey.steps) if survey.is_whole else (step for _, step in decided())

    n_replaced = n_unsaved = 0
    for step in steps():
        if step.act is Act.DOWNLOAD and step.ours is not None:
            n_replaced += 1
            n_unsaved += step.base is None
    return RestorePlan(revision, survey, steps, n_replaced, n_unsaved)


def _report(plan: RestorePlan, past: History) -> RestoreReport:
    behind = past.head.seq - plan.revision.seq
    return RestoreReport(plan, skipped=dict(plan.survey.skipped), behind=behind)


def _goes_on(report: RestoreReport, agree: Agree, *, dry_run: bool) -> bool:
    if dry_run or not report.plan.survey.n_materialize:
        return False
    report.refused = not agree(report.plan)
    return not report.refused


def _note(report: RestoreReport, done: Materialized | Checkout) -> None:
    report.restored = done.n_downloaded
    report.local, report.bytes_local = done.n_local, done.bytes_local
    report.kept.update(done.kept)
    report.skipped.update(done.failed)


def _note_seen(
    session: Session,
    repo: Repository,
    head: Head,
    base: BaseTree,
    plan: RestorePlan,
    skipped: dict[RepoPath, str],
) -> None:
    """Note of each path that was brought back what the latest commit holds there.

    Whoever brings a file back means to publish it. Where teammates changed or deleted it
    since the last sync here, the file is like the base, and the next sync would take what
    they did for the newer of the two.
    """
    agreed = base.agreed
    if agreed is None or (agreed.commit == head.commit and not agreed.n_pending):
        return
    keys = (
        sort_key(step.path)
        for step in plan.steps()
        if step.act in {Act.AGREE, Act.DOWNLOAD} and step.path not in skipped
    )
    there = repo.versions.lookup(head.versions, keys)
    rows = merge_rows(base.rows(), there, lambda row: sort_key(row.path))
    # It is no commit's tree any more.
    agreed = agreed._replace(n_pending=max(1, agreed.n_pending))
    write_base(session.state.base_path, session.state.tmp_dir, rows, agreed)


def _measured(report: RestoreReport, past: History) -> RestoreReport:
    traffic = past.traffic()
    report.bytes_down, report.requests = traffic.bytes_down, traffic.requests
    return report
