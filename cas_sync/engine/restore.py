"""Brings files of an old revision back, as ordinary local files: the next sync publishes them.

Files that were not there at the revision are left alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cas_sync.engine.at_revision import History, open_history, parsed, rows_at
from cas_sync.engine.bring_back import (
    Agree,
    RestorePlan,
    RestoreReport,
    bring_elsewhere,
    bring_here,
    look_here,
    open_past,
)
from cas_sync.engine.deleted import deletions_below
from cas_sync.engine.revisions import LATEST, Revision
from cas_sync.engine.session import Session
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.errors import DiskFullError, UsageError
from cas_sync.model.tree import Entry
from cas_sync.progress import Progress

__all__ = ["Agree", "RestoreOptions", "RestorePlan", "RestoreReport", "run_restore"]


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
    try:
        if options.to is None:
            return _restore_here(settings, surroundings, options, agree, progress)
        return _restore_elsewhere(settings, surroundings, options, options.to, agree, progress)
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
        seen = look_here(session)
        past = open_past(session)
        revision = past.revision(options.rev)

        def rows() -> Iterator[Entry]:
            return (
                row
                for row in _rows(past, revision, options.paths)
                if row.path in options.paths or not session.scope.leaves_out(row.path)
            )

        return bring_here(
            session,
            past,
            seen,
            revision,
            rows,
            agree,
            replaces=True,
            dry_run=options.dry_run,
        )


def _restore_elsewhere(
    settings: Settings,
    surroundings: Surroundings,
    options: RestoreOptions,
    target: Path,
    agree: Agree,
    progress: Progress,
) -> RestoreReport:
    with open_history(settings, surroundings) as past:
        revision = past.revision(options.rev)
        return bring_elsewhere(
            settings,
            surroundings,
            past,
            target,
            revision,
            lambda: _rows(past, revision, options.paths),
            agree,
            progress,
            dry_run=options.dry_run,
        )


def _rows(past: History, revision: Revision, paths: tuple[str, ...]) -> Iterator[Entry]:
    try:
        return rows_at(past.repo, revision, paths)
    except UsageError as error:
        gone = [path for path in paths if _was_deleted(past, path)]
        if gone:
            error.fix = (
                f"bring back what was deleted:  cas-sync undelete {gone[0]}\n{error.fix}"
            )
        raise


def _was_deleted(past: History, path: str) -> bool:
    """Say whether the path, or something below it, was deleted, and is not there now."""
    named = parsed(path)
    if not named or past.holds(named):
        return False
    return next(deletions_below(past, named), None) is not None
