"""`deleted_local.csv` and `deleted_remote.csv`: deletions, for people who look here.

Nothing is decided by them. The first holds what was deleted here and not published (yet);
the second grows by a row for each file that a sync removed here, and says where it is kept.
"""

import os
from collections.abc import Iterable

from cas_sync.formats.rows import VersionRows, cell
from cas_sync.model.tree import Entry
from cas_sync.worktree.sealed import SealedWriter
from cas_sync.worktree.trouble import translated

LOCAL_FILE = "deleted_local.csv"
REMOTE_FILE = "deleted_remote.csv"

_CODEC = VersionRows()
_REMOTE_HEADER = f"{_CODEC.header},Removed At,Kept As"


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
