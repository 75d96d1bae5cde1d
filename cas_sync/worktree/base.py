"""`.S3/versions_remote.csv`: what this folder and the shared tree last agreed on.

The base of every three-way merge. Without it a merge is a union and deletes nothing.
"""

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cas_sync.formats.rows import VersionRows, load_rows
from cas_sync.model.ids import ObjectId
from cas_sync.model.tree import Entry
from cas_sync.worktree.sealed import SealedFile, SealedWriter

_CODEC = VersionRows()


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
        self._file = SealedFile(path, _CODEC.header)
        self.agreed = None if self._file.note is None else _parse_note(self._file.note)
        self.n_rows = self._file.n_rows if self.agreed else 0
        self.is_damaged = self.agreed is None and os.path.exists(path)

    def rows(self) -> Iterator[Entry]:
        """Yield the agreed rows in path order; may be called again and again."""
        if self.agreed is None:
            return iter(())
        return load_rows(self._file.lines(), _CODEC, "versions_remote.csv")


def write_base(path: str, tmp_dir: str, rows: Iterable[Entry], agreed: Agreed) -> None:
    """Put a new base in place of the old one; it survives a power cut once this returns."""
    dump = _CODEC.dump
    with SealedWriter(path, tmp_dir, _CODEC.header) as writer:
        for row in rows:
            writer.write(dump(row))
        commit = agreed.commit.hex() if agreed.commit else "-"
        note = f"{agreed.repo_id} {agreed.seq} {commit} {agreed.n_pending}"
        writer.commit(note, fsync=True)


def _parse_note(note: str) -> Agreed | None:
    try:
        repo_id, seq, commit, pending = note.split(" ")
        oid = None if commit == "-" else ObjectId.parse(commit)
        return Agreed(repo_id, int(seq), oid, int(pending))
    except ValueError:
        return None
