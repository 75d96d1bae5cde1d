"""Brings files of an old revision back, as ordinary local files: the next sync publishes them.

Read, decide, ask, write, as a sync does, and by the same hands: each file is checked before
it gets its name, and what it replaces is kept if it is in no history. Files that were not
there at the revision are left alone.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cas_sync.engine.apply import materialize, write_index
from cas_sync.engine.at_revision import history, rows_at
from cas_sync.engine.checkout import Checkout
from cas_sync.engine.fetch import adding_to
from cas_sync.engine.repository import Connection, refuse_rollback
from cas_sync.engine.revisions import LATEST, Revision, find_revision
from cas_sync.engine.session import Plan, Scanned, Session
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.errors import CasSyncError, DiskFullError
from cas_sync.formats.pages import merge_rows
from cas_sync.model.paths import RepoPath, sort_key
from cas_sync.model.tree import Entry
from cas_sync.plan.step import Act, Step
from cas_sync.plan.survey import Survey, take
from cas_sync.plan.sync_plan import Rules, Sides, align
from cas_sync.progress import Progress
from cas_sync.worktree.base import BaseTree
from cas_sync.worktree.compare import holds
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.recover import recover

_ALL = Rules(ignores=lambda _: False, covers=lambda _: True, author="")


@dataclass(frozen=True)
class RestoreOptions:
    """What is to be brought back.

    Attributes:
        paths: Files or folders, relative to the data folder; empty text means all of it.
        rev: From which commit; see `find_revision`.
        to: Another folder to write to; `None` means in place.
        dry_run: Whether to stop once the plan is made.
    """

    paths: tuple[str, ...]
    rev: str = LATEST
    to: Path | None = None
    dry_run: bool = False


@dataclass(frozen=True)
class RestorePlan:
    """What bringing files back comes to.

    Attributes:
        revision: Where they come from.
        survey: The counts; `Act.AGREE` are those that are as they were then.
        steps: Yields a step for each file, in path order; may be called again and again.
        n_replaced: Files that would be replaced.
    """

    revision: Revision
    survey: Survey
    steps: Callable[[], Iterator[Step]]
    n_replaced: int


@dataclass
class RestoreReport:
    """What was brought back.

    Attributes:
        plan: What it came to.
        restored: Files written.
        kept: What was replaced and is in no history, by path, and where it lies now.
        skipped: Files that were not written, and why.
        refused: Whether the user said no.
        bytes_down: Bytes of response bodies received.
        requests: Requests sent, by method.
    """

    plan: RestorePlan
    restored: int = 0
    kept: dict[RepoPath, str] = field(default_factory=dict)
    skipped: dict[RepoPath, str] = field(default_factory=dict)
    refused: bool = False
    bytes_down: int = 0
    requests: dict[str, int] = field(default_factory=dict)


Agree = Callable[[RestorePlan], bool]


def run_restore(
    settings: Settings,
    surroundings: Surroundings,
    options: RestoreOptions,
    agree: Agree,
    progress: Progress,
) -> RestoreReport:
    """Write files as they were at a revision, here or in another folder.

    Args:
        settings: The configuration in force.
        surroundings: Time, randomness and names.
        options: What is asked for.
        agree: Is shown the plan; says whether it is carried out.
        progress: Is told what happens.

    Raises:
        UsageError: A path or the revision is not in the history.
        CasSyncError: It could not be done; every file is whole.
    """
    restore = _restore_here if options.to is None else _restore_elsewhere
    try:
        return restore(settings, surroundings, options, agree, progress)
    except DiskFullError as error:
        error.fix = "free some space, then run the same command again"
        error.state = "every file is whole, as it was or as it is restored"
        raise


def _restore_here(
    settings: Settings,
    surroundings: Surroundings,
    options: RestoreOptions,
    agree: Agree,
    progress: Progress,
) -> RestoreReport:
    creates = not options.dry_run
    with Session(settings, surroundings, progress, creates=creates) as session:
        session.start_reading_head()
        for each in recover(session.folder):
            if each.kept:
                progress.note(f"Found after an interrupted sync: {each.path} -> {each.kept}")
        progress.phase("Scan", 0, 0)
        base, ours = session.base(), session.scan()
        connection, read = session.head()
        repo, head = history(connection, read, settings)
        if read is not None:
            refuse_rollback(repo, read, base.agreed)
        revision = find_revision(repo, head, options.rev)

        def decided() -> Iterator[tuple[Sides, Step]]:
            rows = (
                row
                for row in rows_at(repo, revision, options.paths)
                if row.path in options.paths or not session.scope.leaves_out(row.path)
            )
            return _decide_here(base, ours, rows)

        plan = _plan(revision, decided)
        report = _report(plan)
        if _goes_on(report, options, agree):
            todo = Plan(plan.survey, _ALL, plan.steps)
            try:
                done = materialize(session, repo, todo, ours, head)
            except CasSyncError as error:
                error.state = "every file is whole, as it was or as it is restored"
                raise
            changes = done.local_changes()
            # Without a tag: the folder is no longer what the last sync left.
            rows = merge_rows(ours.rows(), changes, lambda row: sort_key(row.path))
            write_index(session, rows, "", repo.repo_id)
            report.restored = done.n_downloaded
            report.kept.update(done.kept)
            report.skipped.update(done.failed)
            if done.damage is not None:
                done.damage.state = f"{report.restored:,} files were restored"
                raise done.damage
        return _measured(report, connection)


def _restore_elsewhere(
    settings: Settings,
    surroundings: Surroundings,
    options: RestoreOptions,
    agree: Agree,
    progress: Progress,
) -> RestoreReport:
    target = options.to
    if target is None:
        raise AssertionError
    with Connection(settings, surroundings) as connection:
        repo, head = history(connection, connection.read_head(), settings)
        revision = find_revision(repo, head, options.rev)

        def decided() -> Iterator[tuple[Sides, Step]]:
            return _decide_elsewhere(target, rows_at(repo, revision, options.paths))

        plan = _plan(revision, decided)
        report = _report(plan)
        if _goes_on(report, options, agree):
            progress.phase("Download", plan.survey.n_materialize, plan.survey.bytes_down)
            with adding_to(target, surroundings) as (folder, writer):
                checkout = Checkout(folder, writer, repo.reader(head), "", progress)
                steps = ((step, None) for step in plan.steps())
                for _ in checkout.write(steps, under_copies=False):
                    pass
            report.restored = checkout.n_downloaded
            report.skipped.update(checkout.failed)
            if checkout.damage is not None:
                checkout.damage.state = f"{report.restored:,} files were written"
                raise checkout.damage
        return _measured(report, connection)


def _decide_here(
    base: BaseTree, ours: Scanned, wanted: Iterable[Entry]
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
    survey = take(decided(), _ALL)

    def steps() -> Iterator[Step]:
        return iter(survey.steps) if survey.is_whole else (step for _, step in decided())

    replaced = (step.act is Act.DOWNLOAD and step.ours is not None for step in steps())
    return RestorePlan(revision, survey, steps, sum(replaced))


def _report(plan: RestorePlan) -> RestoreReport:
    return RestoreReport(plan, skipped=dict(plan.survey.skipped))


def _goes_on(report: RestoreReport, options: RestoreOptions, agree: Agree) -> bool:
    if options.dry_run or not report.plan.survey.n_materialize:
        return False
    report.refused = not agree(report.plan)
    return not report.refused


def _measured(report: RestoreReport, connection: Connection) -> RestoreReport:
    meter = connection.bucket.meter
    report.bytes_down, report.requests = meter.bytes_down, dict(meter.requests)
    return report
