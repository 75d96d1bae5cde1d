"""What was deleted and is still in the history: told path by path, and in groups for people.

The list of deletions may be long, and the shared tree longer: both are gone through in path
order, only groups are held, and of the tree only the pages near a deleted path are read.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, groupby, islice
from operator import attrgetter
from shlex import quote
from typing import NamedTuple

from cas_sync.engine.at_revision import NEAR, History
from cas_sync.engine.repository import Repository
from cas_sync.errors import UsageError
from cas_sync.model.commit import PageRef
from cas_sync.model.paths import RepoPath, is_below, keys_below, sort_key
from cas_sync.model.tree import Deletion, Entry, Timestamp
from cas_sync.plan.named_paths import NamedPaths
from cas_sync.plan.near import near_it, near_paths
from cas_sync.plan.scope import matcher

_NAMED = 3
"""So many files of a group are known by name."""


class Event(NamedTuple):
    """One deletion, and how it stands now.

    Attributes:
        row: What was deleted, by whom, in which commit. A version that lost a conflict
            counts as deleted, though its path went on to exist.
        folder: The highest folder on its way that is gone altogether, else the one it lay
            in; ends with ``/``, and is empty for the top of the data folder.
        exists: Whether the shared tree holds a file at its path now.
        is_latest: Whether it is the last deletion of its path.
    """

    row: Deletion
    folder: str
    exists: bool
    is_latest: bool

    @property
    def path(self) -> RepoPath:
        """The path that was deleted."""
        return self.row.entry.path


@dataclass
class DeletedGroup:
    """What one commit deleted in one folder.

    Attributes:
        path: A file; or a folder, ending with ``/`` (alone: the top of the data folder).
        is_folder: Whether it stands for several files.
        n_files: Number of files.
        size: Their bytes.
        n_existing: How many of them exist again.
        deleter: Who deleted them.
        deleted: When.
        seq: Number of the commit.
        names: The first few files.
    """

    path: str
    is_folder: bool
    n_files: int
    size: int
    n_existing: int
    deleter: str
    deleted: Timestamp
    seq: int
    names: list[RepoPath]


def events(past: History, rows: Iterable[Deletion]) -> Iterator[Event]:
    """Yield deletions with how they stand now, in the same order.

    Args:
        past: The history.
        rows: Rows of its deleted manifest, in their order; all rows of a path or none.
    """
    tree = _Tree(past.repo, past.head.versions)
    for path, same in groupby(rows, key=lambda row: row.entry.path):
        folder = tree.lost_folder(path)
        exists = tree.holds(path)
        versions = list(same)
        for row in versions:
            yield Event(row, folder, exists, row is versions[-1])


class _Tree:
    """The shared tree, asked about paths in their order."""

    def __init__(self, repo: Repository, root: PageRef | None) -> None:
        self._manifest, self._root = repo.versions, root
        self._rows: Iterator[Entry] | None = None
        self._row: Entry | None = None
        self._wanted = ""
        self._way: list[tuple[str, bool]] = []

    def holds(self, path: RepoPath) -> bool:
        row = self._first_from(sort_key(path))
        return row is not None and row.path == path

    def lost_folder(self, path: RepoPath) -> str:
        """Return the highest folder of a path that is gone, else the folder it lies in."""
        way, self._way = self._way, []
        at = path.find("/")
        while at >= 0:
            folder = path[: at + 1]
            depth = len(self._way)
            known = way[depth] if depth < len(way) and way[depth][0] == folder else None
            self._way.append(known or (folder, self._has_folder(folder)))
            if not self._way[-1][1]:
                return folder
            at = path.find("/", at + 1)
        return self._way[-1][0] if self._way else ""

    def _has_folder(self, folder: str) -> bool:
        row = self._first_from(sort_key(folder))
        return row is not None and row.path.startswith(folder)

    def _first_from(self, key: str) -> Entry | None:
        """Return the first row that is not before ``key``; keys come in their order."""
        self._wanted = key
        if self._rows is None:
            self._rows = self._manifest.jumping(self._root, key, None, lambda _: self._wanted)
            self._row = next(self._rows, None)
        while self._row is not None and sort_key(self._row.path) < key:
            self._row = next(self._rows, None)
        return self._row


def in_groups(found: Iterable[Event]) -> list[DeletedGroup]:
    """Return deletions as rows for people, the newest first: a folder and commit a row."""
    groups: dict[tuple[int, str], DeletedGroup] = {}
    for event in found:
        row, key = event.row, (event.row.seq, event.folder)
        group = groups.get(key)
        if group is None:
            group = groups[key] = DeletedGroup(
                event.folder or "/", True, 0, 0, 0, row.deleter, row.deleted, row.seq, []
            )
        group.n_files += 1
        group.size += row.entry.content.size
        group.n_existing += event.exists
        group.deleted = max(group.deleted, row.deleted)
        if len(group.names) < _NAMED:
            group.names.append(event.path)
    for group in groups.values():
        if group.n_files == 1:
            group.path, group.is_folder = group.names[0], False
    by_path = sorted(groups.values(), key=lambda group: sort_key(group.path))
    return sorted(by_path, key=attrgetter("seq"), reverse=True)


@dataclass(frozen=True)
class Listing:
    """The deleted files as a numbered list.

    Attributes:
        groups: The rows, numbered from 1; the newest first.
        n_more: How many older rows are left out.
        events: Yields the deletions behind all rows, in path order.
    """

    groups: list[DeletedGroup]
    n_more: int
    events: Callable[[], Iterator[Event]]

    @classmethod
    def of(cls, found: Callable[[], Iterator[Event]], most: int | None = None) -> "Listing":
        """Return the list of what ``found`` yields, of at most ``most`` rows."""
        groups = in_groups(found())
        shown = groups if most is None else groups[:most]
        return cls(shown, len(groups) - len(shown), found)

    def numbered(self) -> Iterator[tuple[int, Event]]:
        """Yield each deletion that is listed, with the number of its row."""
        numbers = {_key(group): n for n, group in enumerate(self.groups, 1)}
        for event in self.events():
            seq = event.row.seq
            n = numbers.get((seq, event.folder or "/")) or numbers.get((seq, event.path))
            if n is not None:
                yield n, event


def _key(group: DeletedGroup) -> tuple[int, str]:
    return group.seq, group.path


def deletions_below(past: History, path: str) -> Iterator[Deletion]:
    """Yield the deletions of a path and of what lay below it; of all, where it is empty."""
    return past.repo.deleted.between(past.head.deleted, *keys_below(path))


def deletions_named(
    past: History, paths: tuple[str, ...]
) -> tuple[Callable[[], Iterator[Event]], Callable[[str], bool]]:
    """Return what yields the deletions among which ``paths`` are, and says if one is meant.

    Args:
        past: The history.
        paths: Files, folders or gitignore patterns; empty text means all.

    Raises:
        UsageError: Nothing of such a name was deleted.
    """
    # What is called so is meant, whatever its name looks like; else it may be a pattern.
    literal = {path for path in paths if next(deletions_below(past, path), None) is not None}
    patterns = [path for path in paths if path not in literal]
    for path in patterns:
        if not any(mark in path for mark in "*?["):
            raise _unknown(past, path)
    if "" in literal or patterns:
        matches = [(path, matcher([path])) for path in patterns]
        for path, match in matches:
            if not any(match(row.entry.path) for row in deletions_below(past, "")):
                raise _unknown(past, path)

        def is_meant(path: str) -> bool:
            is_named = any(is_below(path, each) for each in literal)
            return is_named or any(match(path) for _, match in matches)

        return lambda: events(past, deletions_below(past, "")), is_meant
    roots = NamedPaths(tuple(literal)).roots()

    def found() -> Iterator[Event]:
        rows = chain.from_iterable(deletions_below(past, root) for root in roots)
        return events(past, rows)

    return found, lambda _: True


def _unknown(past: History, path: str) -> UsageError:
    """Return the error of what was never deleted, with names that are near it."""
    if not path:
        return UsageError("nothing was ever deleted", fix="see what was done:  cas-sync log")
    if past.holds(path):
        return UsageError(
            f"{path} is not deleted: the shared tree has it",
            fix=f"bring it here as it is there:  cas-sync restore {quote(path)}\n"
            f"or as it was before:  cas-sync restore {quote(path)} --rev @~1",
        )
    beside = islice(deletions_below(past, path.rpartition("/")[0]), NEAR)
    near = near_paths(path, (row.entry.path for row in beside))
    return UsageError(
        f"nothing called {path} was deleted",
        cause=near_it(near),
        fix="see what was deleted:  cas-sync undelete",
    )
