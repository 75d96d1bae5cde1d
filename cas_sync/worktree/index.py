"""`.S3/versions_local.csv`: what the last scan saw, so that the next need not read it.

A cache and nothing else: a file that is not exactly as it was written is not believed
at all, and everything is hashed again. Plain CSV, rows in manifest order, sealed as
`sealed` says.
"""

import csv
import os
from collections.abc import Iterator
from typing import NamedTuple

from cas_sync.formats.cells import unescape
from cas_sync.formats.rows import cell
from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import RepoPath
from cas_sync.model.tree import Content, Mode
from cas_sync.worktree.sealed import SealedFile, SealedWriter

COLUMNS = ("File", "Checksum", "Size", "Mode", "Mtime", "Ctime", "Inode", "Racy", "Disk Name")
HEADER = ",".join(COLUMNS)


class LocalRow(NamedTuple):
    """One file as a scan saw it.

    Attributes:
        path: Its name in manifests.
        content: What it holds.
        mtime_ns: Modification time.
        ctime_ns: Change time (Windows: creation).
        inode: Number of the file on its disk.
        racy: The file may have changed right after it was read, without a trace in its
            times: the next scan reads it again.
        disk_path: Its name on the disk where that is not ``path`` (Unicode form).
    """

    path: RepoPath
    content: Content
    mtime_ns: int
    ctime_ns: int
    inode: int
    racy: bool = False
    disk_path: str | None = None

    @property
    def on_disk(self) -> str:
        """The path to open."""
        return self.disk_path or self.path


def same_stat(row: LocalRow, found: os.stat_result) -> bool:
    """Return whether ``found`` is the file that ``row`` describes, as far as stat tells."""
    return (
        found.st_size == row.content.size
        and found.st_ino == row.inode
        and found.st_ctime_ns == row.ctime_ns
        and found.st_mtime_ns == row.mtime_ns
    )


class IndexRows:
    """The rows of an index, to be gone through once.

    Attributes:
        complete: Whether the file is there and whole; if not there are no rows.
        tag: What the writer noted; empty if not ``complete``.
    """

    def __init__(self, path: str) -> None:
        file = SealedFile(path, HEADER)
        self.complete = file.note is not None
        self.tag = file.note or ""
        self._rows = _parse(file.lines())

    def __iter__(self) -> Iterator[LocalRow]:
        return self._rows


def read_index(path: str) -> IndexRows:
    """Open the index at ``path``; a missing or damaged one has no rows."""
    return IndexRows(path)


def _parse(lines: Iterator[str]) -> Iterator[LocalRow]:
    # What is built here is built once per file of the folder, so the constructors that
    # check are gone around: the digest of the file vouches for what we wrote.
    row, content, digest = LocalRow._make, Content._make, bytes.fromhex
    new_id, modes = bytes.__new__, {str(mode): mode for mode in Mode}
    for cells in csv.reader(lines, strict=True):
        name, checksum, size, mode, mtime, ctime, inode, racy, disk = cells
        yield row(
            (
                unescape(name),
                content((new_id(ObjectId, digest(checksum)), int(size), modes[mode])),
                int(mtime),
                int(ctime),
                int(inode),
                racy != "",
                unescape(disk) if disk else None,
            )
        )


class IndexWriter:
    """Writes a new index beside the old one, which stays until `commit`.

    Args:
        path: The index to replace.
        tmp_dir: Folder on the same disk for the unfinished file.
    """

    def __init__(self, path: str, tmp_dir: str) -> None:
        self._file = SealedWriter(path, tmp_dir, HEADER)

    @property
    def n_rows(self) -> int:
        """Rows written so far."""
        return self._file.n_rows

    def write(self, row: LocalRow) -> None:
        """Add a row; rows come in manifest order."""
        path, content, mtime_ns, ctime_ns, inode, racy, disk = row
        # Half the time of csv.writer, and no name holds a line break.
        self._file.write(
            f"{cell(path)},{content[0].hex()},{content[1]},{content[2]._value_},"
            f"{mtime_ns},{ctime_ns},{inode},{'racy' if racy else ''},"
            f"{cell(disk) if disk else ''}"
        )

    def commit(self, tag: str = "") -> None:
        """Close the index and put it in place of the old one.

        Not made to survive a power cut: a torn index is noticed and is only a cache.

        Args:
            tag: What the reader is told without reading the rows; one line, no comma.
        """
        self._file.commit(tag, fsync=False)

    def abandon(self) -> None:
        """Leave the old index as it is; may be called after `commit`."""
        self._file.abandon()
