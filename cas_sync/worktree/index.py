"""`.S3/versions_local.csv`: what the last scan saw, so that the next need not read it.

A cache and nothing else: a file that is not exactly as it was written is not believed
at all, and everything is hashed again. Plain CSV, rows in manifest order, sealed as
`sealed` says. What a file shows without being opened stands right after its name, so that
a row can be compared as text.
"""

import csv
import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Self

from cas_sync.errors import FormatError
from cas_sync.formats.cells import unescape
from cas_sync.formats.rows import cell, first_cell
from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import RepoPath
from cas_sync.model.tree import Content, Mode
from cas_sync.worktree.sealed import Changes, SealedFile, SealedWriter
from cas_sync.worktree.trouble import translated

COLUMNS = ("File", "Size", "Mtime", "Ctime", "Inode", "Racy", "Disk Name", "Checksum", "Mode")
HEADER = ",".join(COLUMNS)


_GONE = "#gone,"
_HELD = 1000


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


class Gone(NamedTuple):
    """A file that an index has and a later scan did not find."""

    path: RepoPath


class IndexRows:
    """The rows of an index; gone through again and again.

    Attributes:
        complete: Whether the file is there and whole; if not there are no rows.
        tag: What the writer noted; empty if not ``complete``.
        n_rows: Number of its rows.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = SealedFile(path, HEADER)
        self.complete = self._file.note is not None
        self.tag = self._file.note or ""
        self.n_rows = self._file.n_rows

    def __iter__(self) -> Iterator[LocalRow]:
        return parse(self.lines())

    def lines(self) -> Iterator[str]:
        """Yield the rows as text; `dump` and `parse` know the form."""
        return self._file.lines()

    def find(self, paths: Iterable[RepoPath]) -> Iterator[LocalRow | None]:
        """Yield the row of each path; paths ascend."""
        with self._file.search() as search:
            for path in paths:
                _, line = search.place(path)
                yield None if line is None else next(parse([line]))

    def write(self, changes: Changes, tag: str, tmp_dir: str) -> int:
        """Bring the file up to date and return the number of its rows.

        Not made to survive a power cut: a torn index is noticed and is only a cache.

        Args:
            changes: What has changed: paths in order, each with its row as text.
            tag: What the reader is told without reading the rows; one line, no comma.
            tmp_dir: Folder on the same disk for an unfinished file.
        """
        n_rows = self._file.append(changes, tag, fsync=False)
        if n_rows is None:
            n_rows = self._file.rewrite(self._path, changes, tag, tmp_dir, fsync=False)
        return n_rows

    def sample(self, fractions: Iterable[float]) -> Iterator[RepoPath]:
        """Return the paths of the rows that stand at some fractions of the file."""
        return (RepoPath(first_cell(line)) for line in self._file.sample(fractions))


def read_index(path: str) -> IndexRows:
    """Open the index at ``path``; a missing or damaged one has no rows."""
    return IndexRows(path)


def parse(lines: Iterable[str]) -> Iterator[LocalRow]:
    """Yield the rows that were written as ``lines``.

    Raises:
        FormatError: They were not written by this version, though their hash fits.
    """
    try:
        yield from _parse(lines)
    except (ValueError, KeyError, csv.Error) as error:
        raise FormatError(
            f".S3/versions_local.csv is malformed: {error}", fix="delete it; it is only a cache"
        ) from error


def _parse(lines: Iterable[str]) -> Iterator[LocalRow]:
    # What is built here is built once per file of the folder, so the constructors that
    # check are gone around: the digest of the file vouches for what we wrote.
    row, content, digest, build = LocalRow, Content, bytes.fromhex, tuple.__new__
    new_id, modes = bytes.__new__, {str(mode): mode for mode in Mode}
    for cells in csv.reader(lines, strict=True):
        name, size, mtime, ctime, inode, racy, disk, checksum, mode = cells
        yield build(
            row,
            (
                unescape(name),
                build(content, (new_id(ObjectId, digest(checksum)), int(size), modes[mode])),
                int(mtime),
                int(ctime),
                int(inode),
                racy != "",
                unescape(disk) if disk else None,
            ),
        )


def dump(row: LocalRow) -> str:
    """Return the row as text, without a line feed."""
    path, content, mtime_ns, ctime_ns, inode, racy, disk = row
    # Half the time of csv.writer, and no name holds a line break.
    return (
        f"{cell(path)},{content[1]},{mtime_ns},{ctime_ns},{inode},{'racy' if racy else ''},"
        f"{cell(disk) if disk else ''},{content[0].hex()},{content[2]._value_}"
    )


def unchanged(path: str, found: os.stat_result) -> str:
    """Return what the row of a file begins with that is as ``found`` says.

    Only of a name that stands in rows as it does on the disk; of any other no row begins so.
    """
    return f"{path},{found.st_size},{found.st_mtime_ns},{found.st_ctime_ns},{found.st_ino},,,"


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
        self._file.write(dump(row))

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


class ChangesWriter:
    """Writes down what a scan found that its index does not say; a context manager.

    Args:
        path: A new file; it is of use for one command only.
    """

    def __init__(self, path: str) -> None:
        with translated(path):
            self._file = open(path, "x", encoding="utf-8", newline="\n")  # noqa: SIM115
        self._lines: list[str] = []

    def write(self, row: LocalRow | Gone) -> None:
        """Add what has changed; paths ascend."""
        lines = self._lines
        lines.append(_GONE + cell(row.path) if isinstance(row, Gone) else dump(row))
        if len(lines) == _HELD:
            self._flush()

    def _flush(self) -> None:
        with translated(self._file.name):
            self._file.writelines(f"{line}\n" for line in self._lines)
        self._lines.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._file:
            self._flush()


def read_changes(path: str) -> Iterator[tuple[RepoPath, str | None]]:
    """Yield what was written by `ChangesWriter`: paths, each with its row as text.

    `None` stands for `Gone`.
    """
    with open(path, encoding="utf-8", newline="\n") as source:
        for line in source:
            if line.startswith(_GONE):
                yield RepoPath(first_cell(line[len(_GONE) : -1])), None
            else:
                yield RepoPath(first_cell(line)), line[:-1]
