"""`.S3/versions_remote.csv`: what this folder and the shared tree last agreed on.

The base of every three-way merge. Without it a merge is a union and deletes nothing.
"""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from cas_sync.formats.rows import VersionRows, load_rows
from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import RepoPath
from cas_sync.model.tree import Entry
from cas_sync.worktree.sealed import SealedFile, SealedWriter, Search

_CODEC = VersionRows()
FILE = "versions_remote.csv"

EntryChanges = Callable[[], Iterable[tuple[RepoPath, Entry | None]]]
"""Yields paths in order, each with its row as it is now; `None` where it has none."""


class Agreed(NamedTuple):
    """Which commit a base goes back to.

    Attributes:
        repo_id: The repository.
        seq: Number of the latest commit this folder has seen; 0 before the first.
        commit: Its id.
        n_pending: Paths on which the folder and that commit still differ.
    """

    repo_id: str
    seq: int
    commit: ObjectId | None
    n_pending: int


class BaseTree:
    """The base as it was found.

    Attributes:
        agreed: What it goes back to; `None` where there is none that can be believed.
        is_damaged: Whether there is a file that cannot be believed.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = SealedFile(path, _CODEC.header)
        self.agreed = None if self._file.note is None else _parse_note(self._file.note)
        self.n_rows = self._file.n_rows if self.agreed else 0
        self.is_damaged = self.agreed is None and os.path.exists(path)

    def rows(self) -> Iterator[Entry]:
        """Yield the agreed rows in path order; may be called again and again."""
        if self.agreed is None:
            return iter(())
        return load_rows(self._file.lines(), _CODEC, FILE)

    def find(self, paths: Iterable[RepoPath]) -> Iterator[Entry | None]:
        """Yield the agreed row of each path; paths ascend."""
        with self._file.search() as search:
            for path in paths:
                line = search.place(path)[1] if self.agreed is not None else None
                yield None if line is None else _load(line)

    @contextlib.contextmanager
    def search(self) -> Iterator["BaseSearch"]:
        """Look for rows by their keys."""
        with self._file.search() as search:
            yield BaseSearch(search if self.agreed is not None else None)

    def write(self, path: str, changes: EntryChanges, agreed: Agreed, tmp_dir: str) -> None:
        """Write down what is agreed on now; it survives a power cut once this returns.

        Args:
            path: Where.
            changes: What has changed: paths in order, each with its row as it is now.
            agreed: Which commit the new base goes back to.
            tmp_dir: Folder on the same disk for an unfinished file.
        """

        def lines() -> Iterator[tuple[str, str | None]]:
            return ((path, row and _CODEC.dump(row)) for path, row in changes())

        note = _note(agreed)
        if self.agreed is None:
            write_base(path, tmp_dir, (row for _, row in changes() if row), agreed)
        elif path != self._path or self._file.append(lines, note, fsync=True) is None:
            self._file.rewrite(path, lines, note, tmp_dir, fsync=True)


class BaseSearch:
    """Finds rows of a base by their keys; costs least where the keys ascend."""

    def __init__(self, search: Search | None) -> None:
        self._search = search

    def first_from(self, key: str) -> Entry | None:
        """Return the first row that does not come before ``key``."""
        found = self._search.first_from(key) if self._search is not None else None
        return None if found is None else _load(found[1])


def _load(line: str) -> Entry:
    return next(load_rows([line], _CODEC, FILE))


def write_base(path: str, tmp_dir: str, rows: Iterable[Entry], agreed: Agreed) -> None:
    """Put a new base in place of the old one; it survives a power cut once this returns."""
    dump = _CODEC.dump
    with SealedWriter(path, tmp_dir, _CODEC.header) as writer:
        for row in rows:
            writer.write(dump(row))
        writer.commit(_note(agreed), fsync=True)


def _note(agreed: Agreed) -> str:
    commit = agreed.commit.hex() if agreed.commit else "-"
    return f"{agreed.repo_id} {agreed.seq} {commit} {agreed.n_pending}"


def _parse_note(note: str) -> Agreed | None:
    try:
        repo_id, seq, commit, pending = note.split(" ")
        oid = None if commit == "-" else ObjectId.parse(commit)
        return Agreed(repo_id, int(seq), oid, int(pending))
    except ValueError:
        return None
