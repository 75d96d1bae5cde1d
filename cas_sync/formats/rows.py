"""Rows of `versions_*.csv` and `deleted_*.csv`, one line each. docs/design.md, section 5.3.

Strings are strings: nothing is guessed, so files called `NA` or `007` are names like any
other. No cell holds a line break, because neither a path nor a person's name may.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Protocol, TypeVar

from cas_sync.errors import FormatError
from cas_sync.formats.cells import escape, unescape
from cas_sync.formats.moments import STORED
from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import PathRefusedError, RepoPath, parse_repo_path, sort_key
from cas_sync.model.tree import Content, Deletion, Entry, Mode, Timestamp

T = TypeVar("T")

_QUOTED = re.compile(r'[",;]|^ | $')
# What is neither quoted nor guarded (formats/cells.py): nearly every cell there is.
_PLAIN = re.compile(r"[A-Za-z0-9_.](?:[^\",;]*[^\",; ])?")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_MODES = {str(mode): mode for mode in Mode}
MAX_LINE = 16 << 10
"""No line is longer, in characters; bounds what a reader allots."""


def tidy(text: str, longest: int = 200) -> str:
    """Return ``text`` as it may stand in a cell: one line, no control characters."""
    return _UNFIT.sub(" ", text).strip()[:longest]


def cell(text: str) -> str:
    """Return ``text`` as one CSV cell that no spreadsheet takes for a formula."""
    if _PLAIN.fullmatch(text):
        return text
    text = escape(text)
    if _QUOTED.search(text):
        return '"' + text.replace('"', '""') + '"'
    return text


# Of millions of rows, the names of a few people.
_name_cell = lru_cache(1024)(cell)


def first_cell(line: str) -> str:
    """Return the text in the first cell of a row."""
    text = next(csv.reader([line]))[0] if line.startswith('"') else line.partition(",")[0]
    return unescape(text)


def read_cells(lines: Iterable[str], what: str) -> Iterator[list[str]]:
    """Yield the cells of each line, unescaped by the caller.

    Raises:
        FormatError: A line is not RFC 4180; the message carries its number from 1.
    """
    reader = csv.reader(_bounded(lines, what), strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise FormatError(f"{what} line {reader.line_num}: {error}") from error


def _bounded(lines: Iterable[str], what: str) -> Iterator[str]:
    for line in lines:
        if len(line) > MAX_LINE:
            raise FormatError(f"{what} holds a line of more than {MAX_LINE} characters")
        yield line


class RowCodec(Protocol[T]):
    """How one kind of manifest writes its rows."""

    header: str

    def key(self, row: T) -> str:
        """Return what orders the rows; unique in a manifest."""

    def dump(self, row: T) -> str:
        """Return the row's line, without its line feed."""

    def load(self, cells: list[str]) -> T:
        """Return the row that ``cells`` stand for.

        Raises:
            ValueError: They stand for none.
        """


def _load_entry(cells: list[str]) -> Entry:
    path, editor, edited, checksum, size, mode = cells
    if _UNFIT.search(editor):
        raise ValueError("a name holds a control character")
    if STORED.fullmatch(edited) is None or _SIZE.fullmatch(size) is None or mode not in _MODES:
        raise ValueError("the time, size or mode is malformed")
    content = Content(ObjectId.parse(checksum), int(size), _MODES[mode])
    return Entry(parse_repo_path(unescape(path)), content, unescape(editor), Timestamp(edited))


def _dump_entry(row: Entry) -> str:
    path, (oid, size, mode), editor, edited = row
    # A mode is a text, but to format it as one takes as long as half a row.
    return f"{cell(path)},{_name_cell(editor)},{edited},{oid.hex()},{size}," + mode


class VersionRows:
    """Rows of the versions manifest: what every path holds."""

    header = "File,Edited By,Time Edited,Checksum,Size,Mode"

    def key(self, row: Entry) -> str:
        """Return what orders the rows: the path, by components."""
        return sort_key(row.path)

    def dump(self, row: Entry) -> str:
        """Return the row's line, without its line feed."""
        return _dump_entry(row)

    def load(self, cells: list[str]) -> Entry:
        """Return the row that ``cells`` stand for.

        Raises:
            ValueError: They stand for none.
        """
        return _load_entry(cells)


class DeletedRows:
    """Rows of the deleted manifest: what was removed, by whom, when, in which commit."""

    header = VersionRows.header + ",Deleted By,Time Deleted,Deleted In"

    def key(self, row: Deletion) -> str:
        """Return what orders the rows: the path, then the commit's number."""
        return deletion_key(row.entry.path, row.seq)

    def dump(self, row: Deletion) -> str:
        """Return the row's line, without its line feed."""
        return f"{_dump_entry(row.entry)},{cell(row.deleter)},{row.deleted},{row.seq}"

    def load(self, cells: list[str]) -> Deletion:
        """Return the row that ``cells`` stand for.

        Raises:
            ValueError: They stand for none.
        """
        *entry, deleter, deleted, seq = cells
        if _UNFIT.search(deleter):
            raise ValueError("a name holds a control character")
        if STORED.fullmatch(deleted) is None or _SIZE.fullmatch(seq) is None:
            raise ValueError("the time or number of the deletion is malformed")
        return Deletion(_load_entry(entry), unescape(deleter), Timestamp(deleted), int(seq))


def deletion_key(path: RepoPath, seq: int) -> str:
    """Return the key of the deletion of ``path`` in commit ``seq``."""
    # No component is empty, so two separators in a row end a path.
    return f"{sort_key(path)}\0\0{seq:016d}"


def cannot_follow(key: str, last: str) -> str:
    """Return why no row may have ``key`` after one with ``last``; empty if it may."""
    if key <= last:
        return "is out of order or repeated"
    # What lies below a folder comes right after where a file of its name would.
    if key.startswith(last) and key[len(last)] == "\0":
        return "lies below what is a file"
    return ""


def load_rows(lines: Iterable[str], codec: RowCodec[T], what: str) -> Iterator[T]:
    """Yield the rows that ``lines`` stand for, checked to be in order.

    Raises:
        FormatError: A line is malformed or out of order; the message carries its number.
    """
    last = ""
    for number, cells in enumerate(read_cells(lines, what), start=1):
        try:
            row = codec.load(cells)
        except PathRefusedError as error:
            raise FormatError(f"{what} line {number}: {error}") from error
        except ValueError as error:
            raise FormatError(f"{what} line {number} is malformed: {error}") from error
        key = codec.key(row)
        if key <= last or (key.startswith(last) and key[len(last)] == "\0"):
            raise FormatError(f"{what} line {number} {cannot_follow(key, last)}")
        last = key
        yield row
