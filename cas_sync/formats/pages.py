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
from itertools import chain
from typing import Generic, TypeVar

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

OBJECT_SIZE = 16 << 20
"""A stored object of pages is closed once it is this long, in bytes."""


@dataclass(frozen=True, slots=True)
class PageParams:
    """Where pages may end. Part of the format.

    Attributes:
        min_rows: No page but the last is shorter.
        spread: Past that, one row in so many ends a page.
        max_rows: No page is longer.
    """

    min_rows: int
    spread: int
    max_rows: int

    def ends(self, key: str, level: int, n_rows: int) -> bool:
        """Say whether a page of ``n_rows`` rows ends at ``key``."""
        if n_rows < self.min_rows:
            return False
        if n_rows >= self.max_rows:
            return True
        digest = blake3(f"{level}\0{key}".encode()).digest(4)
        return int.from_bytes(digest) % self.spread == 0


LEAVES = PageParams(min_rows=256, spread=256, max_rows=2048)
BRANCHES = PageParams(min_rows=32, spread=32, max_rows=256)


def cut(rows: Iterable[R], key: Callable[[R], str], level: int) -> Iterator[list[R]]:
    """Yield ``rows`` as pages of ``level``."""
    params = BRANCHES if level else LEAVES
    page: list[R] = []
    for row in rows:
        page.append(row)
        if params.ends(key(row), level, len(page)):
            yield page
            page = []
    if page:
        yield page


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
        if mark != "#page" or (refs and child.last <= refs[-1].last):
            raise FormatError(f"{what} line {number} is no reference, or out of order")
        refs.append(child)
    if not refs or refs[-1].last != ref.last or dump_branch(refs)[1:] != (ref.id, ref.rows):
        raise FormatError(f"{what} does not match its id")
    return refs


def _number(text: str) -> int:
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(f"not a number: {text[:80]!r}")
    return int(text)


def _object_name(text: str) -> str:
    if _OBJECT.fullmatch(text) is None:
        raise ValueError(f"no name of an object: {text[:80]!r}")
    return text


class PageWriter:
    """Collects the pages of one publish into as few stored objects as they fit.

    Args:
        header: First line of each object.
        store: Stores an object's bytes and returns its name; called in order.
    """

    def __init__(self, header: str, store: Callable[[bytes], str]) -> None:
        self._header = header.encode() + b"\n"
        self._store = store
        self._parts: list[bytes] = []
        self._size = 0
        self._open: list[list[PageRef]] = []

    def add(self, data: bytes) -> tuple[int, int]:
        """Append a page and return its offset and length within the current object."""
        if not self._parts:
            self._parts, self._size = [self._header], len(self._header)
        offset = self._size
        self._parts.append(data)
        self._size += len(data)
        return offset, len(data)

    def watch(self, refs: list[PageRef]) -> None:
        """Give the object's name to the nameless references of ``refs`` once it has one."""
        self._open.append(refs)

    def full(self) -> bool:
        """Say whether the current object is long enough to be stored."""
        return self._size >= OBJECT_SIZE

    def flush(self) -> None:
        """Store the current object, if anything is in it."""
        if not self._parts:
            return
        name = self._store(b"".join(self._parts))
        self._parts, self._size = [], 0
        for refs in self._open:
            refs[:] = [r if r.object else r._replace(object=name) for r in refs]


class Rewriter(Generic[T]):
    """Makes a new manifest from an old one and the rows that change.

    Args:
        codec: How rows are written.
        old: References to the leaves of the old manifest, in order.
        load: Reads a leaf.
        known: Returns the stored page of this id, where the old manifest has it.
        writer: Takes the pages that are new.
    """

    def __init__(
        self,
        codec: RowCodec[T],
        old: Iterable[PageRef],
        load: Callable[[PageRef], list[T]],
        known: Callable[[ObjectId], PageRef | None],
        writer: PageWriter,
    ) -> None:
        self._codec = codec
        self._old = old
        self._load = load
        self._known = known
        self._writer = writer

    def run(self, changes: Iterable[tuple[str, T | None]]) -> PageRef | None:
        """Return the root of the new manifest; `None` when it has no rows.

        Args:
            changes: Key and new row, `None` to remove it, ascending by key.
        """
        refs: list[PageRef] = []
        self._writer.watch(refs)
        self._leaves(changes, refs)
        level = 0
        while len(refs) > 1:
            level += 1
            above: list[PageRef] = []
            self._writer.watch(above)
            for group in cut(refs, lambda ref: ref.last, level):
                self._branch(group, level, above)
            refs = above
        self._writer.flush()
        return refs[0] if refs else None

    def _leaves(self, changes: Iterable[tuple[str, T | None]], refs: list[PageRef]) -> None:
        pending = iter(changes)
        change = next(pending, None)
        carry: list[T] = []
        for leaf in self._old:
            whole = change is None or (
                change[0] > leaf.last and LEAVES.ends(leaf.last, 0, leaf.rows)
            )
            if not carry and whole:
                refs.append(leaf)
                continue
            # Rows between two leaves belong to the later one: only `last` is known. What
            # comes after the final leaf belongs to it too, unless it ends as pages do.
            mine = []
            while change is not None and change[0] <= leaf.last:
                mine.append(change)
                change = next(pending, None)
            merged = merge_rows(self._load(leaf), mine, self._codec.key)
            carry = self._cut(chain(carry, merged), refs, at_end=False)
        rest = (row for _, row in chain([change] if change else [], pending) if row is not None)
        self._cut(chain(carry, rest), refs, at_end=True)

    def _cut(self, rows: Iterable[T], refs: list[PageRef], *, at_end: bool) -> list[T]:
        """Add the pages that ``rows`` make up; return the rows that make up none yet."""
        page: list[T] = []
        for row in rows:
            page.append(row)
            if LEAVES.ends(self._codec.key(row), 0, len(page)):
                self._leaf(page, refs)
                page = []
        if page and at_end:
            self._leaf(page, refs)
            page = []
        return page

    def _leaf(self, rows: list[T], refs: list[PageRef]) -> None:
        data, oid, n = dump_leaf(rows, self._codec)
        known = self._known(oid)
        if known is None:
            offset, length = self._writer.add(data)
            known = PageRef(self._codec.key(rows[-1]), oid, n, 0, "", offset, length)
        refs.append(known)
        if self._writer.full():
            self._writer.flush()

    def _branch(self, group: list[PageRef], level: int, above: list[PageRef]) -> None:
        data, oid, n = dump_branch(group)
        known = self._known(oid)
        if known is None:
            offset, length = self._writer.add(data)
            known = PageRef(group[-1].last, oid, n, level, "", offset, length)
        above.append(known)


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
