"""`.S3/versions_local.csv`: what the last scan saw, so that the next need not read it.

A cache and nothing else: a file that is not exactly as it was written is not believed
at all, and everything is hashed again. Plain CSV, rows in manifest order, closed by
``#end,<rows>,<tag>,<BLAKE3 of all bytes before this cell>``.
"""

import contextlib
import csv
import io
import os
import secrets
from collections.abc import Iterator
from typing import NamedTuple

from blake3 import blake3

from cas_sync.formats.cells import escape, unescape
from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import RepoPath
from cas_sync.model.tree import Content, Mode

COLUMNS = ("File", "Checksum", "Size", "Mode", "Mtime", "Ctime", "Inode", "Disk Name")
MAX_TAG_CHARS = 1000
RACY_MTIME = -1

_HEADER = ",".join(COLUMNS).encode() + b"\n"
_END = b"#end,"
_DIGEST_CHARS = 64
_TAIL = 8192
_BLOCK = 1 << 20
_FLUSH_ROWS = 4096


class LocalRow(NamedTuple):
    """One file as a scan saw it.

    Attributes:
        path: Its name in manifests.
        content: What it holds.
        mtime_ns: Modification time; `RACY_MTIME` where a racy row came from the index.
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
        and row.mtime_ns in {found.st_mtime_ns, RACY_MTIME}
    )


class IndexRows:
    """The rows of an index, to be gone through once.

    Attributes:
        complete: Whether the file is there and whole; if not there are no rows.
        tag: What the writer noted; empty if not ``complete``.
    """

    def __init__(self, path: str) -> None:
        self.complete = False
        self.tag = ""
        self._rows: Iterator[LocalRow] = iter(())
        end = _verify(path)
        if end is not None:
            self.complete, self.tag = True, end[2]
            self._rows = _parse(path, int(end[1]))

    def __iter__(self) -> Iterator[LocalRow]:
        return self._rows


def read_index(path: str) -> IndexRows:
    """Open the index at ``path``; a missing or damaged one has no rows."""
    return IndexRows(path)


def read_tag(path: str) -> str | None:
    """Return the tag from the end of the file, `None` if there is none.

    Reads a few kilobytes and does not check the rows.
    """
    try:
        with open(path, "rb") as source:
            end = _closing_row(source)
    except OSError:
        return None
    return end[2] if end else None


def _closing_row(source: io.BufferedReader) -> list[str] | None:
    size = source.seek(0, os.SEEK_END)
    source.seek(max(0, size - _TAIL))
    tail = source.read()
    start = tail.rfind(b"\n", 0, -1) + 1
    line = tail[start:]
    if not line.startswith(_END) or not line.endswith(b"\n"):
        return None
    try:
        cells = next(csv.reader([line.decode("utf-8")[:-1]], strict=True))
    except (UnicodeDecodeError, csv.Error):
        return None
    if len(cells) != 4 or not cells[1].isdecimal() or len(cells[3]) != _DIGEST_CHARS:
        return None
    return cells


def _verify(path: str) -> list[str] | None:
    """Return the closing row if every byte of the file is as it was written."""
    try:
        with open(path, "rb") as source:
            end = _closing_row(source)
            if end is None:
                return None
            left = source.seek(0, os.SEEK_END) - _DIGEST_CHARS - 1
            source.seek(0)
            hasher, buffer = blake3(), memoryview(bytearray(_BLOCK))
            while left > 0:
                n_read = source.readinto(buffer[: min(left, _BLOCK)])
                if not n_read:
                    return None
                hasher.update(buffer[:n_read])
                left -= n_read
            source.seek(0)
            whole = source.readline() == _HEADER and hasher.hexdigest() == end[3]
    except OSError:
        return None
    return end if whole else None


def _parse(path: str, n_rows: int) -> Iterator[LocalRow]:
    # What is built here is built once per file of the folder, so the constructors that
    # check are gone around: the digest of the file vouches for what we wrote.
    row, content, digest = LocalRow._make, Content._make, bytes.fromhex
    new_id, modes = bytes.__new__, {str(mode): mode for mode in Mode}
    with open(path, encoding="utf-8", newline="") as text:
        next(text)
        for cells, _ in zip(csv.reader(text, strict=True), range(n_rows), strict=False):
            name, checksum, size, mode, mtime, ctime, inode, disk = cells
            yield row(
                (
                    unescape(name),
                    content((new_id(ObjectId, digest(checksum)), int(size), modes[mode])),
                    int(mtime),
                    int(ctime),
                    int(inode),
                    mtime == "-1",
                    unescape(disk) if disk else None,
                )
            )


def _cell(text: str) -> str:
    """Quote a cell as RFC 4180 wants it."""
    if "," in text or '"' in text:
        return '"' + text.replace('"', '""') + '"'
    return text


class IndexWriter:
    """Writes a new index beside the old one, which stays until `commit`.

    Args:
        path: The index to replace.
        tmp_dir: Folder on the same disk for the unfinished file.
    """

    def __init__(self, path: str, tmp_dir: str) -> None:
        self._path = path
        self._temp = os.path.join(tmp_dir, f"state-index-{secrets.token_hex(8)}")
        self._file = open(self._temp, "xb")  # noqa: SIM115 - closed by commit or abandon
        self._hasher = blake3()
        self._lines: list[str] = []
        self._write(_HEADER)
        self.n_rows = 0

    def write(self, row: LocalRow) -> None:
        """Add a row; rows come in manifest order."""
        path, content, mtime_ns, ctime_ns, inode, racy, disk = row
        if racy:
            mtime_ns = RACY_MTIME
        # Half the time of csv.writer, and no name holds a line break.
        self._lines.append(
            f"{_cell(escape(path))},{content[0].hex()},{content[1]},{content[2]._value_},"
            f"{mtime_ns},{ctime_ns},{inode},{_cell(escape(disk)) if disk else ''}\n"
        )
        self.n_rows += 1
        if not self.n_rows % _FLUSH_ROWS:
            self._flush()

    def _flush(self) -> None:
        self._write("".join(self._lines).encode("utf-8"))
        self._lines.clear()

    def _write(self, data: bytes) -> None:
        self._hasher.update(data)
        self._file.write(data)

    def commit(self, tag: str = "") -> None:
        """Close the index and put it in place of the old one.

        Not made to survive a power cut: a torn index is noticed and is only a cache.

        Raises:
            ValueError: ``tag`` is not one short line.
        """
        if len(tag) > MAX_TAG_CHARS or not tag.isprintable():
            self.abandon()
            raise ValueError("a tag is one short line of text")
        self._lines.append(f"#end,{self.n_rows},{_cell(tag)},")
        self._flush()
        self._file.write(self._hasher.hexdigest().encode() + b"\n")
        self._file.close()
        os.replace(self._temp, self._path)

    def abandon(self) -> None:
        """Leave the old index as it is; may be called after `commit`."""
        self._file.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._temp)
