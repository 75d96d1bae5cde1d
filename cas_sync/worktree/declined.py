"""`.S3/declined.csv`: changes the user said no to, so that they are not asked for ever.

A row names the path and what both sides held; once either side changes, the row is void.
A file that is not whole is not believed: then the user is asked once more.
"""

import os
from collections.abc import Iterable, Iterator

from cas_sync.errors import FormatError
from cas_sync.formats.cells import unescape
from cas_sync.formats.rows import cell, read_cells
from cas_sync.model.paths import RepoPath
from cas_sync.plan.step import Declined
from cas_sync.worktree.sealed import SealedFile, SealedWriter

FILE = "declined.csv"
_HEADER = "File,Ours,Theirs"
_N_CELLS = 3


def read_declined(path: str) -> Iterator[Declined]:
    """Yield what was declined, in path order.

    Raises:
        FormatError: The file was not written by this version, though its hash fits.
    """
    for cells in read_cells(SealedFile(path, _HEADER).lines(), FILE):
        if len(cells) != _N_CELLS:
            raise FormatError(f"{FILE} is malformed", fix=f"delete .S3/{FILE}")
        name, ours, theirs = cells
        yield Declined(RepoPath(unescape(name)), ours, theirs)


def write_declined(path: str, tmp_dir: str, rows: Iterable[Declined]) -> None:
    """Replace what was declined.

    Args:
        path: The file; removed where there is nothing.
        tmp_dir: Folder on the same disk for the unfinished file.
        rows: In path order.
    """
    with SealedWriter(path, tmp_dir, _HEADER) as writer:
        for row in rows:
            writer.write(f"{cell(row.path)},{row.ours},{row.theirs}")
        if writer.n_rows:
            writer.commit("", fsync=False)
        elif os.path.exists(path):
            os.unlink(path)
