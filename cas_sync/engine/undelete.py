"""Brings deleted files back, as ordinary local files: the next sync publishes them.

Nothing is ever replaced: a path that exists again is told and left, and what was deleted of
it can be had in another folder.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from shlex import quote

from cas_sync.engine.at_revision import History, open_history, parsed
from cas_sync.engine.bring_back import (
    Agree,
    RestorePlan,
    RestoreReport,
    bring_elsewhere,
    bring_here,
    look_here,
    open_past,
)
from cas_sync.engine.deleted import (
    DeletedGroup,
    Event,
    Listing,
    deletions_below,
    deletions_named,
    events,
    in_groups,
)
from cas_sync.engine.revisions import LATEST
from cas_sync.engine.session import Session
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.errors import DiskFullError, UsageError
from cas_sync.model.paths import RepoPath
from cas_sync.model.tree import Entry
from cas_sync.progress import Progress, Silent

__all__ = [
    "DeletedGroup",
    "Listing",
    "RestorePlan",
    "RestoreReport",
    "UndeleteOptions",
    "find_deleted",
    "run_undelete",
]

Takes = Callable[[Event], bool]
Pick = Callable[[Listing], Callable[[int, str], bool] | None]
"""Is shown the list; returns what says whether a path in a row of it is wanted."""


@dataclass(frozen=True)
class UndeleteOptions:
    """What is to be brought back.

    Attributes:
        paths: Files, folders or gitignore patterns, relative to the data folder; empty text
            means all of it. None at all: whoever is asked picks from the list.
        rev: Only what this commit deleted; `None`: the last deletion of each path.
        to: Another folder to write to; `None` means in place.
        dry_run: Whether to stop once the plan is made.
        everything: Whether the list to pick from holds earlier deletions, too, and what
            exists again.
        most: How many rows that list has.
    """

    paths: tuple[str, ...] = ()
    rev: str | None = None
    to: Path | None = None
    dry_run: bool = False
    everything: bool = False
    most: int | None = None


def find_deleted(
    settings: Settings,
    surroundings: Surroundings,
    *,
    everything: bool = False,
    progress: Progress | None = None,
) -> list[DeletedGroup]:
    """Return what was deleted and is still in the history, the newest first.

    Args:
        settings: The configuration in force.
        surroundings: Time, randomness and names.
        everything: Whether earlier deletions and what exists again count, too: what lost
            a conflict, for one.
        progress: Is told what the user should know.

    Raises:
        UsageError: Nothing was published yet.
    """
    with Session(settings, surroundings, progress or Silent(), creates=False) as session:
        past = open_past(session)
        return in_groups(_listed(past, session, everything=everything)())


def run_undelete(
    settings: Settings,
    surroundings: Surroundings,
    options: UndeleteOptions,
    agree: Agree,
    progress: Progress,
    pick: Pick | None = None,
) -> RestoreReport | None:
    """Write deleted files, here or in another folder.

    Args:
        settings: The configuration in force.
        surroundings: Time, randomness and names.
        options: What is asked for.
        agree: Is shown the plan; says whether it is carried out.
        progress: Is told what happens.
        pick: Chooses from the list where no path is named.

    Returns:
        What was brought back; `None` where nothing was picked.

    Raises:
        UsageError: Nothing of such a name was deleted.
        CasSyncError: It could not be done; every file is whole.
    """
    try:
        if options.to is None:
            return _undelete_here(settings, surroundings, options, agree, progress, pick)
        return _undelete_elsewhere(
            settings, surroundings, options, options.to, agree, progress, pick
        )
    except DiskFullError as error:
        error.fix = "free some space, then run the same command again"
        error.state = "every file is whole"
        raise


def _undelete_here(
    settings: Settings,
    surroundings: Surroundings,
    options: UndeleteOptions,
    agree: Agree,
    progress: Progress,
    pick: Pick | None,
) -> RestoreReport | None:
    creates = not options.dry_run
    with Session(settings, surroundings, progress, creates=creates) as session:
        session.start_reading_head()
        past = open_past(session)
        choice = _chosen(past, session, options, pick)
        if choice is None:
            return None
        # Looked at only now: whoever picks may take their time.
        seen = look_here(session)
        report = bring_here(
            session,
            past,
            seen,
            past.revision(LATEST),
            choice.rows,
            agree,
            replaces=False,
            dry_run=options.dry_run,
        )
        report.skipped.update(choice.existing)
        report.n_existing = choice.n_existing
        return report


def _undelete_elsewhere(
    settings: Settings,
    surroundings: Surroundings,
    options: UndeleteOptions,
    target: Path,
    agree: Agree,
    progress: Progress,
    pick: Pick | None,
) -> RestoreReport | None:
    with open_history(settings, surroundings) as past:
        choice = _chosen(past, None, options, pick)
        if choice is None:
            return None
        return bring_elsewhere(
            settings,
            surroundings,
            past,
            target,
            past.revision(LATEST),
            choice.rows,
            agree,
            progress,
            dry_run=options.dry_run,
        )


class _Choice:
    """Deletions that are to be taken back.

    Args:
        found: Yields deletions in path order.
        takes: Says which of them are meant; of one path, the last counts.
        named: Paths the user named one by one: they are told if they exist.
        is_wanted: Says whether a path is any of this machine's business.
        adds: Whether files are added to the data folder, where some exist.

    Attributes:
        existing: Named paths that exist, and what to do.
        n_existing: How many others exist.
    """

    def __init__(
        self,
        found: Callable[[], Iterator[Event]],
        takes: Takes,
        named: frozenset[str],
        is_wanted: Callable[[str], bool],
        *,
        adds: bool,
    ) -> None:
        self._found, self._takes, self._named = found, takes, named
        self._is_wanted, self._adds = is_wanted, adds
        self.existing: dict[RepoPath, str] = {}
        self.n_existing = 0

    def rows(self) -> Iterator[Entry]:
        """Yield the files that are wanted back, in path order."""
        self.existing, n_existing = {}, 0
        meant = (event for event in self._found() if self._takes(event))
        for path, same in groupby(meant, key=lambda event: event.path):
            *_, event = same
            if path not in self._named and not self._is_wanted(path):
                continue
            if not (self._adds and event.exists):
                yield event.row.entry
            elif path in self._named:
                self.existing[path] = (
                    "it exists now; what was deleted of it:  "
                    f"cas-sync undelete {quote(path)} --rev '#{event.row.seq}' --to DIR"
                )
            else:
                n_existing += 1
        self.n_existing = n_existing


def _chosen(
    past: History, session: Session | None, options: UndeleteOptions, pick: Pick | None
) -> _Choice | None:
    """Return what the user named, or picks; `None` where that is nothing."""
    paths = tuple(parsed(path) for path in options.paths)
    seq = None if options.rev is None else past.revision(options.rev, of_any_age=True).seq
    if seq is not None and not paths:
        paths = ("",)
    is_wanted = (lambda _: True) if session is None else _is_wanted(session)
    adds = options.to is None
    if paths:
        found, names = deletions_named(past, paths)

        def meant(event: Event) -> bool:
            return names(event.path) and (
                event.is_latest if seq is None else event.row.seq == seq
            )

        if seq is not None and not any(meant(event) for event in found()):
            what = "anything" if paths == ("",) else "any of that"
            raise UsageError(
                f"commit #{seq} did not delete {what}",
                fix="see what was deleted, and by which commit:  cas-sync undelete --all",
            )
        return _Choice(found, meant, frozenset(paths), is_wanted, adds=adds)
    if pick is None:
        return None
    listed = Listing.of(_listed(past, session, everything=options.everything), options.most)
    picked = pick(listed)
    if picked is None:
        return None

    def found_again() -> Iterator[Event]:
        return (event for n, event in listed.numbered() if picked(n, event.path))

    # Nothing was named, but whoever picks a single file means it.
    named = frozenset(str(group.path) for group in listed.groups if not group.is_folder)
    return _Choice(found_again, lambda _: True, named, lambda _: True, adds=adds)


def _is_wanted(session: Session) -> Callable[[str], bool]:
    return lambda path: not session.scope.leaves_out(path)


def _listed(
    past: History, session: Session | None, *, everything: bool
) -> Callable[[], Iterator[Event]]:
    """Return what yields the deletions that a list tells of."""
    is_wanted = (lambda _: True) if session is None else _is_wanted(session)

    def found() -> Iterator[Event]:
        return (
            event
            for event in events(past, deletions_below(past, ""))
            if (everything or (event.is_latest and not event.exists)) and is_wanted(event.path)
        )

    return found
