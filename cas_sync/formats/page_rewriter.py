"""A manifest made of an older one and the rows that change. docs/design.md, section 5.3.

Of the older one only those pages are read that a change falls into, the pages of
references on the way to them, and one beside where a page that ended does not end any
more. What comes out is, page by page, what would be made of all rows without the older one.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from operator import attrgetter
from typing import Any, Generic, Protocol, TypeVar

from cas_sync.formats import pages
from cas_sync.formats.rows import RowCodec
from cas_sync.model.commit import PageRef
from cas_sync.model.ids import ObjectId

T = TypeVar("T")

_last = attrgetter("last")


class Source(Protocol[T]):
    """What reads the pages of the older manifest."""

    def leaf(self, ref: PageRef) -> list[T]:
        """Return the rows of a page."""

    def branch(self, ref: PageRef) -> list[PageRef]:
        """Return the references of a page; the same page may be asked for again."""


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
        return self._size >= pages.OBJECT_SIZE

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

    Each level is rewritten as the one below it: what has become of the pages of one level
    is what changes in the pages of references above.

    Args:
        codec: How rows are written.
        old: Root of the old manifest.
        source: Reads its pages.
        writer: Takes the pages that are new.
    """

    def __init__(
        self,
        codec: RowCodec[T],
        old: PageRef | None,
        source: Source[T],
        writer: PageWriter,
    ) -> None:
        self._codec = codec
        self._old = old
        self._source = source
        self._writer = writer

    def run(self, changes: Iterable[tuple[str, T | None]]) -> PageRef | None:
        """Return the root of the new manifest; `None` when it has no rows.

        Args:
            changes: Key and new row, `None` to remove it, ascending by key.
        """
        edits = self._rewrite(0, changes)
        refs: list[PageRef] | None = None
        level = 0
        while self._old is not None and level < self._old.level:
            if not edits.made and not edits.gone:
                return self._old
            refs = self._if_one(level, edits)
            if refs is not None:
                break
            level += 1
            edits = self._rewrite(level, edits.changes())
        if refs is None:
            roots = [] if self._old is None else [self._old]
            refs = list(pages.merge_rows(roots, edits.changes(), _last))
        while len(refs) > 1:
            level += 1
            refs = self._rewrite(level, ((ref.last, ref) for ref in refs)).made
        self._writer.watch(refs)
        self._writer.flush()
        return refs[0] if refs else None

    def _if_one(self, level: int, edits: "_Edits") -> list[PageRef] | None:
        """Return the pages of a level that had several, if at most one is left."""
        most = len(edits.gone) - len(edits.made) + 1
        if most < 2 or self._old is None:
            return None
        walk = _Walk(self._old, level, self._source)
        before = list(islice(iter(walk.next, None), most + 1))
        if len(before) > most:
            return None
        return list(pages.merge_rows(before, edits.changes(), _last))

    def _rewrite(self, level: int, changes: Iterable[tuple[str, Any]]) -> "_Edits":
        """Make the pages of a level that change, and tell which these are.

        Args:
            level: 0 for pages of rows.
            changes: Key and new row or reference, `None` to remove it, ascending by key.
        """
        edits = _Edits()
        self._writer.watch(edits.made)
        key: Callable[[Any], str] = _last if level else self._codec.key
        pending = iter(changes)
        change = next(pending, None)
        rest: list[Any] = []
        walk = _Walk(self._old, level, self._source)
        while rest or change is not None:
            # What is left over goes into the next page. A new key between two pages belongs
            # to the later one; one behind all belongs to the last, unless that ends before.
            page = walk.next("" if change is None or rest else change[0])
            if page is None:
                break
            edits.gone[page.id] = page
            mine = []
            while change is not None and change[0] <= page.last:
                mine.append(change)
                change = next(pending, None)
            items = self._source.branch(page) if level else self._source.leaf(page)
            merged = pages.merge_rows(items, mine, key)
            rest = self._cut(chain(rest, merged), key, level, edits)
        new = (item for _, item in chain([change] if change else [], pending) if item)
        rest = self._cut(chain(rest, new), key, level, edits)
        if rest:
            self._add(rest, level, edits)
        return edits

    def _cut(
        self, items: Iterator[Any], key: Callable[[Any], str], level: int, edits: "_Edits"
    ) -> list[Any]:
        """Add the pages that ``items`` make up; return those that make up none yet."""
        while True:
            page, ends = pages.take_page(items, key, level)
            if not ends:
                return page
            self._add(page, level, edits)

    def _add(self, items: list[Any], level: int, edits: "_Edits") -> None:
        if level:
            data, oid, n = pages.dump_branch(items)
            end = items[-1].last
        else:
            data, oid, n = pages.dump_leaf(items, self._codec)
            end = self._codec.key(items[-1])
        if edits.gone.pop(oid, None) is not None:
            return  # it is as it was, and stored
        offset, length = self._writer.add(data)
        edits.made.append(PageRef(end, oid, n, level, "", offset, length))
        if not level and self._writer.full():
            self._writer.flush()


@dataclass
class _Edits:
    """What has become of the pages of one level.

    Attributes:
        made: Pages that are new, in order.
        gone: Pages of the old manifest that are not there any more, by id.
    """

    made: list[PageRef] = field(default_factory=list)
    gone: dict[ObjectId, PageRef] = field(default_factory=dict)

    def changes(self) -> list[tuple[str, PageRef | None]]:
        """Return key and new page, `None` for one that is gone, ascending by key."""
        found: dict[str, PageRef | None] = {ref.last: None for ref in self.gone.values()}
        found.update((ref.last, ref) for ref in self.made)
        return sorted(found.items())


class _Walk:
    """Goes through the pages of one level from front to back, reading only what leads there.

    Args:
        root: The highest page; there may be none, or one below the level.
        level: The level.
        source: Reads pages of references.
    """

    def __init__(self, root: PageRef | None, level: int, source: Source[Any]) -> None:
        self._end = "" if root is None else root.last
        self._level = level
        self._source = source
        # From the top: the references of one page a level, and which of them is next.
        self._refs = [] if root is None or root.level < level else [[root]]
        self._next = [0] * len(self._refs)

    def next(self, key: str = "") -> PageRef | None:
        """Return the next page that may hold ``key`` or, behind all, the last one, once."""
        key = min(key, self._end)
        while self._refs and (
            self._next[-1] == len(self._refs[-1]) or self._refs[-1][-1].last < key
        ):
            self._refs.pop()
            self._next.pop()
        while self._refs:
            refs = self._refs[-1]
            i = bisect_left(refs, key, lo=self._next[-1], key=_last)
            self._next[-1] = i + 1
            if refs[i].level == self._level:
                return refs[i]
            self._refs.append(self._source.branch(refs[i]))
            self._next.append(0)
        return None
