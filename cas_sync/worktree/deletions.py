"""`deleted_local.csv` and `deleted_remote.csv`: deletions, for people who look here.

Nothing is decided by them. The first holds what was deleted here and not published (yet);
the second grows by a row for each file that a sync removed here, and says where it is kept.
"""

import contextlib
import csv
import os
from collections.abc import Iterable, Iterator

from cas_sync.formats.cells import unescape
from cas_sync.formats.rows import MAX_LINE, VersionRows, cell
from cas_sync.model.ids import ObjectId
from cas_sync.model.tree import Entry
from cas_sync.worktree.folder import DELETED_DIR
from cas_sync.worktree.sealed import SealedWriter
from cas_sync.worktree.trouble import translated

LOCAL_FILE = "deleted_local.csv"
REMOTE_FILE = "deleted_remote.csv"

_CODEC = VersionRows()
_REMOTE_HEADER = f"{_CODEC.header},Removed At,Kept As"
_N_REMOTE = _REMOTE_HEADER.count(",") + 1
_CHECKSUM = _REMOTE_HEADER.split(",").index("Checksum")


def write_unpublished(path: str, tmp_dir: str, rows: Iterable[Entry]) -> None:
    """Replace the list of deletions that were made here and not published.

    Args:
        path: The file; removed where there are none.
        tmp_dir: Folder on the same disk for the unfinished file.
        rows: The files as they were last agreed on, in path order.
    """
    with SealedWriter(path, tmp_dir, _CODEC.header) as writer:
        for row in rows:
            writer.write(_CODEC.dump(row))
        if writer.n_rows:
            writer.commit("", fsync=False)
        elif os.path.exists(path):
            os.unlink(path)


def note_removed(path: str, removed: Iterable[tuple[Entry, str]], seq: int) -> None:
    """Add a row for each file that was removed here.

    Args:
        path: The file; begun with a header line.
        removed: Each file as it was, and where it is kept below the data folder.
        seq: Number of the commit that the folder was brought to.
    """
    lines = [f"{_CODEC.dump(row)},{seq},{cell(kept)}\n" for row, kept in removed]
    if not lines:
        return
    with translated(path), open(path, "a", encoding="utf-8", newline="") as file:
        if not file.tell():
            file.write(_REMOTE_HEADER + "\n")
        file.writelines(lines)


def read_removed(path: str) -> Iterator[tuple[ObjectId, str]]:
    """Yield what the list says was removed here: the content, and where it is kept.

    The list is for people, who may have edited it, saved it with another program or removed
    what it names: a line that says nothing is passed over, and what one says may be untrue.

    Args:
        path: The file; there may be none.
    """
    with (
        contextlib.suppress(OSError),
        open(path, encoding="utf-8-sig", errors="replace") as file,
    ):
        # Line by line, so that one stray quote does not swallow the rest.
        while line := file.readline(MAX_LINE):
            cells = _cells(line)
            if len(cells) != _N_REMOTE or not _is_kept(kept := unescape(cells[-1])):
                continue
            try:
                oid = ObjectId.parse(cells[_CHECKSUM])
            except ValueError:
                continue
            yield oid, kept


def _cells(line: str) -> list[str]:
    try:
        return next(csv.reader([line.rstrip("\r\n")]), [])
    except csv.Error:
        return []


def _is_kept(path: str) -> bool:
    """Say whether a path stays below the folder of kept files."""
    parts = path.split("/")
    is_below = path.startswith(f"{DELETED_DIR}/") and not {"", ".", ".."} & {*parts}
    return is_below and "\0" not in path
