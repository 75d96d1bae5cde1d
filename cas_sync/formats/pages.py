"""Where a manifest is cut into pages, and pages as bytes. docs/design.md, section 5.3.

A manifest is a tree of pages. Where a page ends depends on the keys alone, so equal
manifests are equal pages whatever their history, and changing one row of a million
rewrites one page and those above it. One publish writes all its pages one after the other
into as few stored objects as they fit: below the header line such an object reads like one
CSV file.

A page's id is the hash of its rows; of a page of references, of what they refer to and not
of where that lies. So two trees are compared by ids alone, and pages may be stored anew.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from blake3 import blake3

from cas_sync.errors import FormatError
from cas_sync.formats.cells import unescape
from cas_sync.formats.rows import RowCodec, cell, load_rows, read_cells
from cas_sync.model.commit import PageRef
from cas_sync.model.ids import ObjectId

T = TypeVar("T")
R = TypeVar("R")

_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
_OBJECT = re.compile(r"[0-9a-f]{64}_[0-9a-f]{16}")

MAX_PAGE = 32 << 20
"""No page is longer, in bytes: 2,048 rows of the longest paths that may be."""

OBJECT_SIZE = 16 << 20
"""A stored object of pages is closed once it is this long, in bytes."""


@dataclass(frozen=True, slots=True)
class PageParams:
    """Where pages may end. Part of the format.

    Attributes:
        min_rows: No page but the last is shorter.
        spread: Past that, one row in so many ends a page: where the first 4 bytes of
            ``BLAKE3("<level>" U+0000 key)`` are divisible by it.
        max_rows: No page is longer.
    """

    min_rows: int
    spread: int
    max_rows: int


LEAVES = PageParams(min_rows=256, spread=256, max_rows=2048)
BRANCHES = PageParams(min_rows=32, spread=32, max_rows=256)


def take_page(rows: Iterator[R], key: Callable[[R], str], level: int) -> tuple[list[R], bool]:
    """Take from ``rows`` what makes up a page of ``level``.

    Returns:
        The rows, and whether the page ends with them. If not, they are all that was left.
    """
    params = BRANCHES if level else LEAVES
    page = list(islice(rows, params.min_rows - 1))
    for row in rows:
        page.append(row)
        digest = blake3(f"{level}\0{key(row)}".encode()).digest(4)
        if not int.from_bytes(digest) % params.spread or len(page) >= params.max_rows:
            return page, True
    return page, False


def _join(path: str, seq: str) -> str:
    return cell(path.replace("\0", "/")) + "," + seq


def _key_of(path: str, seq: str) -> str:
    key = unescape(path).replace("/", "\0")
    return f"{key}\0\0{seq}" if seq else key


def dump_leaf(rows: Iterable[T], codec: RowCodec[T]) -> tuple[bytes, ObjectId, int]:
    """Return a page of rows as bytes, its id and its number of rows."""
    lines = [codec.dump(row) for row in rows]
    n = len(lines)
    lines.append(f"#end,{n}\n")
    data = "\n".join(lines).encode()
    return data, ObjectId.of(data), n


def dump_branch(refs: list[PageRef]) -> tuple[bytes, ObjectId, int]:
    """Return a page of references as bytes, its id and the manifest rows below it."""
    level = refs[0].level + 1
    lines, identity = [], []
    for ref in refs:
        known = f"#page,{_join(*_split(ref.last))},{ref.id},{ref.rows}"
        identity.append(known)
        lines.append(f"{known},{ref.object},{ref.offset},{ref.length}")
    end = f"#end,{len(refs)},{level}\n"
    oid = ObjectId.of("\n".join([*identity, end]).encode())
    return "\n".join([*lines, end]).encode(), oid, sum(ref.rows for ref in refs)


def _split(key: str) -> tuple[str, str]:
    path, _, seq = key.partition("\0\0")
    return path, seq


def _lines(data: bytes, ref: PageRef, what: str) -> list[str]:
    try:
        lines = data.decode().split("\n")
    except UnicodeDecodeError as error:
        raise FormatError(f"{what} is not UTF-8") from error
    if lines.pop() or not lines:
        raise FormatError(f"{what} does not end with a line feed")
    end = lines.pop()
    expected = f"#end,{len(lines)}" + (f",{ref.level}" if ref.level else "")
    if end != expected:
        raise FormatError(f"{what} ends with {end[:80]!r}, not {expected!r}")
    return lines


def load_leaf(data: bytes, ref: PageRef, codec: RowCodec[T]) -> list[T]:
    """Return the rows of the page that ``ref`` refers to.

    Raises:
        FormatError: ``data`` is not that page.
    """
    what = f"manifest page {str(ref.id)[:12]}"
    if ObjectId.of(data) != ref.id:
        raise FormatError(f"{what} does not match its id")
    rows = list(load_rows(_lines(data, ref, what), codec, what))
    if len(rows) != ref.rows or not rows or codec.key(rows[-1]) != ref.last:
        raise FormatError(f"{what} is not the page that was referred to")
    return rows


def load_branch(data: bytes, ref: PageRef) -> list[PageRef]:
    """Return the references of the page that ``ref`` refers to.

    Raises:
        FormatError: ``data`` is not that page.
    """
    what = f"manifest page {str(ref.id)[:12]}"
    refs: list[PageRef] = []
    lines = _lines(data, ref, what)
    # What the id is the hash of: all but where the pages lie.
    identity = [*(line.rsplit(",", 3)[0] for line in lines), f"#end,{len(lines)},{ref.level}\n"]
    if ObjectId.of("\n".join(identity).encode()) != ref.id:
        raise FormatError(f"{what} does not match its id")
    for number, cells in enumerate(read_cells(lines, what), start=1):
        try:
            mark, path, seq, oid, rows, name, offset, length = cells
            child = PageRef(
                _key_of(path, seq),
                ObjectId.parse(oid),
                _number(rows),
                ref.level - 1,
                # The pages of one object are written together, before it has a name.
                _object_name(name) if name else ref.object,
                _number(offset),
                _number(length),
            )
        except ValueError as error:
            raise FormatError(f"{what} line {number} is malformed: {error}") from error
        if child.length > MAX_PAGE:
            raise FormatError(f"{what} line {number} is out of bounds")
        if mark != "#page" or (refs and child.last <= refs[-1].last):
            raise FormatError(f"{what} line {number} is no reference, or out of order")
        refs.append(child)
    if not refs or refs[-1].last != ref.last or sum(each.rows for each in refs) != ref.rows:
        raise FormatError(f"{what} is not the page that was referred to")
    return refs


def _number(text: str) -> int:
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(f"not a number: {text[:80]!r}")
    return int(text)


def _object_name(text: str) -> str:
    if _OBJECT.fullmatch(text) is None:
        raise ValueError(f"no name of an object: {text[:80]!r}")
    return text


def merge_rows(
    rows: Iterable[T], changes: Iterable[tuple[str, T | None]], key: Callable[[T], str]
) -> Iterator[T]:
    """Yield ``rows`` with ``changes`` made; both ascend by key."""
    pending = iter(changes)
    change = next(pending, None)
    for row in rows:
        at = key(row)
        while change is not None and change[0] < at:
            if change[1] is not None:
                yield change[1]
            change = next(pending, None)
        if change is not None and change[0] == at:
            if change[1] is not None:
                yield change[1]
            change = next(pending, None)
        else:
            yield row
    while change is not None:
        if change[1] is not None:
            yield change[1]
        change = next(pending, None)
