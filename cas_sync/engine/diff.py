"""What differs between two revisions, or between one and the folder here.

Two revisions are compared by the pages of their manifests that differ. The folder is scanned
as a sync scans it, but nothing of that is written down, and only what was named is looked at.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import TracebackType
from typing import NamedTuple, Self

from cas_sync.engine.at_revision import (
    History,
    look_around,
    open_history,
    parsed,
    rows_below,
)
from cas_sync.engine.diff_contents import Contents
from cas_sync.engine.diff_here import (
    files_here,
    is_here,
    names_beside,
    refuse_other,
    rows_near_base,
)
from cas_sync.engine.revisions import LATEST, Revision
from cas_sync.engine.session import Session
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.errors import UsageError
from cas_sync.plan.matches import Matches
from cas_sync.plan.named_paths import NamedPaths
from cas_sync.plan.near import MOST, near_paths
from cas_sync.plan.renames import TreeChange
from cas_sync.plan.sync_plan import align
from cas_sync.progress import Progress
from cas_sync.store.objects import ObjectReader


class Side(NamedTuple):
    """One of the two that are compared.

    Attributes:
        rev: The revision as it was asked for; empty for the folder here.
        revision: The commit; `None` for the folder here.
    """

    rev: str
    revision: Revision | None

    def __str__(self) -> str:
        """Return what people are shown."""
        if self.revision is None:
            return "the folder here"
        return f"{self.revision} (#{self.revision.seq})"


class NoSuchPathError(UsageError):
    """Neither side has what the user named.

    Attributes:
        path: The name, relative to the data folder.
    """

    def __init__(self, message: str, *, path: str = "", fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.path = path


class Comparison:
    """Compares states of one history: one connection, one look at its head; a context manager.

    Args:
        settings: The configuration in force.
        surroundings: Time, randomness and names.
        progress: Is told what happens.
    """

    def __init__(
        self, settings: Settings, surroundings: Surroundings, progress: Progress
    ) -> None:
        self._settings = settings
        self._surroundings = surroundings
        self._progress = progress
        self._opening: AbstractContextManager[History] = open_history(settings, surroundings)
        self._history: History | None = None
        self._revisions: dict[str, Revision] = {}
        self._reader: ObjectReader | None = None

    def __enter__(self) -> Self:
        """Read the head.

        Raises:
            UsageError: Nothing was published yet.
            StoreError: The store did not answer.
        """
        self._history = self._opening.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self._opening.__exit__(kind, error, trace)

    @property
    def history(self) -> History:
        """What was opened."""
        if self._history is None:
            raise AssertionError("not entered")
        return self._history

    def revision(self, text: str) -> Revision:
        """Return the commit that ``text`` means; asked for twice, it is looked up once.

        Raises:
            UsageError: It means none, or several.
        """
        if text not in self._revisions:
            self._revisions[text] = self.history.revision(text)
        return self._revisions[text]

    def why_no_revision(self, text: str) -> str:
        """Return why ``text`` is no revision, with what is near it; empty where it is one."""
        try:
            self.revision(text)
        except UsageError as error:
            return "; ".join(filter(None, (error.message, error.cause)))
        return ""

    def diff(
        self, old: str = LATEST, new: str | None = None, paths: Iterable[str] = ()
    ) -> "Diff":
        """Return what differs; nothing is read for it until its rows are taken.

        Args:
            old: A revision.
            new: Another; `None` for the folder here.
            paths: Files or folders, relative to the data folder; none, or empty text among
                them, means all.

        Raises:
            UsageError: There is no such revision, or no file can have such a name.
        """
        after = Side("", None) if new is None else Side(new, self.revision(new))
        before = Side(old, self.revision(old))
        if self._reader is None:
            self._reader = self.history.reader()
        named = NamedPaths(tuple(parsed(path) for path in paths))
        return Diff(
            before,
            after,
            named,
            self.history,
            self._reader,
            self._settings,
            self._surroundings,
            self._progress,
        )


@dataclass
class Diff:
    """What differs between two states.

    Attributes:
        old: The earlier one, as people mean it.
        new: The later one.
        named: What is compared.
        skipped: Files here that could not be compared, and why; known when all rows were taken.
    """

    old: Side
    new: Side
    named: NamedPaths
    _history: History
    _reader: ObjectReader
    _settings: Settings
    _surroundings: Surroundings
    _progress: Progress
    skipped: dict[str, str] = field(default_factory=dict)
    _on_disk: dict[str, str] = field(default_factory=dict)

    def rows(self) -> Iterator[TreeChange]:
        """Yield what differs, in path order; to be taken once.

        The data folder is locked only meanwhile, and only where it is a side.

        Raises:
            NoSuchPathError: Neither side has what was named; raised at the end.
            WorktreeError: The folder cannot be read.
        """
        before = _committed(self.old)
        if self.new.revision is None:
            return self._against_here(before)
        return self._between(before, self.new.revision)

    # -- two commits ----------------------------------------------------------------

    def _between(self, old: Revision, new: Revision) -> Iterator[TreeChange]:
        repo = self._history.repo
        met = Matches(path for path in self.named.paths if path)
        for start, end in self.named.ranges():
            for before, after in repo.versions.diff(old.versions, new.versions, start, end):
                change = TreeChange.between(before, after)
                if change is not None:
                    met.meet(change.path)
                    yield change
        for path in sorted(met.missing):
            # What is the same on both sides was not read so far.
            if not any(self._has(revision, path) for revision in (new, old)):
                raise self._nowhere(path, ())

    def _has(self, revision: Revision, path: str) -> bool:
        return next(rows_below(self._history.repo, revision, path), None) is not None

    # -- a commit and the folder ------------------------------------------------------

    def _against_here(self, old: Revision) -> Iterator[TreeChange]:
        settings, surroundings, progress = self._settings, self._surroundings, self._progress
        with Session(settings, surroundings, progress, creates=False) as session:
            refuse_other(session, self._history, settings.address.url)
            scope = session.scope
            met = Matches(path for path in self.named.paths if path)
            found = files_here(session, self.named, self._on_disk, self.skipped)
            theirs = rows_near_base(session, self._history, old, self.named)
            for path, _, ours, row in align((), found, theirs):
                met.meet(path)
                if ours is not None and ours.content is None:
                    if not scope.leaves_out(path):
                        self.skipped[path] = ours.problem
                    continue
                before = row.content if row is not None else None
                after = ours.content if ours is not None else None
                if before != after and not scope.leaves_out(path):
                    yield TreeChange(path, before, after)
            for name in sorted(met.missing):
                if not is_here(session.folder, name):
                    raise self._nowhere(name, names_beside(session.folder, name))
            for name in self.named.paths:
                self._tell_left_out(session, name)

    def _tell_left_out(self, session: Session, path: str) -> None:
        if path and session.scope.leaves_out(path):
            rule = "ignored" if session.scope.ignores(path) else "not among what is wanted"
            self._progress.note(f"{path} is {rule} here, so it is not compared")

    # -- both -------------------------------------------------------------------------

    def contents(self) -> Contents:
        """Return what reads the files that differ; the data folder is not locked for it."""
        is_here = self.new.revision is None
        data = self._settings.data if is_here else None
        return Contents(self._reader, data, self._on_disk)

    def _nowhere(self, path: str, here: Iterable[str]) -> NoSuchPathError:
        """Return the error of a path that neither side has, with names that are near it."""
        near = near_paths(path, here)
        for side in (self.old, self.new):
            if side.revision is not None:
                near += look_around(self._history.repo, side.revision, path).near
        found = " or ".join(list(dict.fromkeys(near))[:MOST])
        return NoSuchPathError(
            f"there is no {path}, neither at {self.old} nor {_at(self.new)}",
            path=path,
            fix=f"did you mean {found}?" if found else "see what is there:  cas-sync ls",
        )


def _committed(side: Side) -> Revision:
    if side.revision is None:
        raise AssertionError("the old side is a commit")
    return side.revision


def _at(side: Side) -> str:
    return f"at {side}" if side.revision else "in the folder here"
