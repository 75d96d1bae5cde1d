"""Manifests: trees of pages, written once, of which only what is asked for is read."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from itertools import chain, groupby, islice, pairwise
from typing import Generic, NamedTuple, TypeVar

from cas_sync.formats import pages
from cas_sync.formats.rows import RowCodec
from cas_sync.model.commit import PageRef
from cas_sync.model.ids import ObjectId
from cas_sync.store.bucket import Bucket, Key
from cas_sync.store.cache import Cache
from cas_sync.store.jumps import Jumps
from cas_sync.store.page_reader import AHEAD, PageReader, between, is_within, last

T = TypeVar("T")

KEYS = 1024
"""Keys that are looked up together."""

KEPT = 8 << 20
"""Of a written object that is no larger, in bytes, this machine keeps all pages."""


class Manifest(Generic[T]):
    """One kind of manifest in a store: its pages, read and written.

    Args:
        bucket: The store.
        cache: Where copies of pages are kept.
        pool: Runs fetches side by side.
        codec: How rows are written.
        key_of: Key of the stored object of pages called so.
    """

    def __init__(
        self,
        bucket: Bucket,
        cache: Cache,
        pool: Executor,
        codec: RowCodec[T],
        key_of: Callable[[str], str],
    ) -> None:
        self._bucket = bucket
        self._codec = codec
        self._key_of = key_of
        self._pages = PageReader(bucket, cache, pool, key_of)

    def rows(self, root: PageRef | None) -> Iterator[T]:
        """Yield every row in order, holding only a few pages at a time."""
        yield from self._rows_of(list(self.leaves(root)))

    def find(self, root: PageRef | None, key: str) -> T | None:
        """Return the row of ``key``, reading one page a level."""
        return next(self.lookup(root, [key]))[1]

    def lookup(
        self, root: PageRef | None, keys: Iterable[str]
    ) -> Iterator[tuple[str, T | None]]:
        """Yield each key and its row, reading each page that may hold one of them once.

        Args:
            root: Root of the manifest.
            keys: What is asked for, ascending; `KEYS` of them are taken at a time.

        Raises:
            ValueError: The keys do not ascend.
        """
        coming = iter(keys)
        behind = ""
        # The last page of each level: the next keys may lie there too.
        held: dict[int, _Read] = {}
        while batch := list(islice(coming, KEYS)):
            if any(a > b for a, b in pairwise([behind, *batch])):
                raise ValueError("keys do not ascend")
            behind = batch[-1]
            yield from self._lookup(root, batch, held)

    def _lookup(
        self, root: PageRef | None, keys: list[str], held: "dict[int, _Read]"
    ) -> Iterator[tuple[str, T | None]]:
        within = [key for key in keys if root is not None and key <= root.last]
        level = [_Asked(root, within)] if root is not None and within else []
        while level and level[0].ref.level:
            read = zip(self._read_asked(level, held), level, strict=True)
            level = [
                each
                for (ref, data), (_, asked) in read
                for each in _asked_below(pages.load_branch(data, ref), asked)
            ]
        for at in range(0, len(level), AHEAD):
            group = level[at : at + AHEAD]
            for (ref, data), (_, asked) in zip(
                self._read_asked(group, held), group, strict=True
            ):
                rows = {
                    self._codec.key(row): row for row in pages.load_leaf(data, ref, self._codec)
                }
                yield from ((key, rows.get(key)) for key in asked)
        yield from ((key, None) for key in keys[len(within) :])

    def _read_asked(self, asked: "list[_Asked]", held: "dict[int, _Read]") -> "list[_Read]":
        refs = [each.ref for each in asked]
        first = held.get(refs[0].level)
        found = [first] if first is not None and first.ref == refs[0] else []
        more = refs[len(found) :]
        found += map(_Read, more, self._pages.read(more))
        held[refs[0].level] = found[-1]
        return found

    def between(self, root: PageRef | None, start: str, end: str | None) -> Iterator[T]:
        """Yield the rows whose keys lie from ``start`` up to ``end``, reading only their pages.

        Args:
            root: Root of the manifest.
            start: First key that is meant.
            end: First key after it that is not; `None` where all are.
        """
        if not start and end is None:
            yield from self.rows(root)
            return
        level = between([] if root is None else [root], start, end)
        while level and level[0].level:
            level = between(self._below(level), start, end)
        for row in self._rows_of(level):
            if is_within(self._codec.key(row), start, end):
                yield row

    def jumping(
        self,
        root: PageRef | None,
        start: str,
        end: str | None,
        skip: Callable[[T], str | None],
    ) -> Iterator[T]:
        """Yield rows from ``start`` up to ``end``, without reading what is skipped.

        Pages are read one at a time after a jump and ever more together while the walk goes
        from page to page, so at most about half of what is read was not needed.

        Args:
            root: Root of the manifest.
            start: First key that is meant.
            end: First key after it that is not; `None` where all are.
            skip: Called with each row that was yielded, once the next one is asked for.
                Returns the key to go on from; `None`, or one that lies behind, means the
                next row.
        """
        if root is not None:
            yield from Jumps(self._pages, self._codec, start, end, skip).rows([root])

    def leaves(self, root: PageRef | None) -> Iterator[PageRef]:
        """Yield references to the pages of rows, in order."""
        level = [] if root is None else [root]
        while level and level[0].level:
            level = list(self._below(level))
        yield from level

    def diff(
        self, old: PageRef | None, new: PageRef | None, start: str = "", end: str | None = None
    ) -> Iterator[tuple[T | None, T | None]]:
        """Yield each row that differs as (before, after), reading only pages that differ.

        Holds the references to the pages that differ at one level, and a few pages of rows.

        Args:
            old: Root of the manifest before.
            new: Root of the manifest after.
            start: First key that is meant.
            end: First key after it that is not; `None` where all are.
        """
        before, after = self._differing(old, new, start, end)
        # The first pages of both sides travel together.
        first = self._pages.read([*before[:AHEAD], *after[:AHEAD]])
        n = len(before[:AHEAD])
        a, b = self._rows_of(before, first[:n]), self._rows_of(after, first[n:])
        x, y = next(a, None), next(b, None)
        while x is not None or y is not None:
            keys = [None if row is None else self._codec.key(row) for row in (x, y)]
            at = min(key for key in keys if key is not None)
            pair = x if keys[0] == at else None, y if keys[1] == at else None
            x = next(a, None) if keys[0] == at else x
            y = next(b, None) if keys[1] == at else y
            if pair[0] != pair[1] and is_within(at, start, end):
                yield pair

    def _differing(
        self, old: PageRef | None, new: PageRef | None, start: str, end: str | None
    ) -> tuple[list[PageRef], list[PageRef]]:
        """Return the leaves only ``old`` has and those only ``new`` has.

        Equal pages have equal ids and are the same rows, so whatever lies below a page that
        both have is left out without being read.
        """
        before, after = (between([root] if root else [], start, end) for root in (old, new))
        while True:
            shared = {ref.id for ref in before} & {ref.id for ref in after}
            before = [ref for ref in before if ref.id not in shared]
            after = [ref for ref in after if ref.id not in shared]
            level = max((ref.level for ref in (*before[:1], *after[:1])), default=0)
            if not level:
                return before, after
            # Trees of other heights are brought to one level first.
            a = before if before and before[0].level == level else []
            b = after if after and after[0].level == level else []
            below = [
                pages.load_branch(data, ref)
                for ref, data in zip([*a, *b], self._pages.read([*a, *b]), strict=True)
            ]
            if a:
                before = between(chain.from_iterable(below[: len(a)]), start, end)
            if b:
                after = between(chain.from_iterable(below[len(a) :]), start, end)

    def write(
        self,
        old: PageRef | None,
        changes: Iterable[tuple[str, T | None]],
        new_nonce: Callable[[], str],
    ) -> PageRef | None:
        """Store the pages that ``changes`` make new, and return the root.

        Args:
            old: Root of the manifest that changes.
            changes: Key and new row (`None` to remove it), ascending by key.
            new_nonce: Returns 16 hex digits never used before.
        """
        known = {ref.id: ref for ref in self._branches(old)}
        latest = "", b""

        def store(data: bytes) -> str:
            nonlocal latest
            name = f"{ObjectId.of(data)}_{new_nonce()}"
            self._bucket.put_new(Key(self._key_of(name)), data)
            latest = name, data
            return name

        writer = pages.PageWriter(self._codec.header, store)
        rewriter = pages.Rewriter(
            self._codec, self.leaves(old), self._load_leaf, known.get, writer
        )
        root = rewriter.run(changes)
        self._keep(root, *latest)
        return root

    def _keep(self, root: PageRef | None, name: str, data: bytes) -> None:
        """Keep copies of the pages just written that the next change will read.

        Those of references lie in the last object; those of rows are kept where that is
        small, as it is after a change of a few files.
        """
        level = [root] if root is not None and root.object == name else []
        while level:
            below: list[PageRef] = []
            for ref in level:
                page = data[ref.offset : ref.offset + ref.length]
                if ref.level or len(data) <= KEPT:
                    self._pages.keep(ref, page)
                if ref.level:
                    children = pages.load_branch(page, ref)
                    below += (each for each in children if each.object == name)
            level = below

    def _branches(self, root: PageRef | None) -> Iterator[PageRef]:
        level = [] if root is None else [root]
        while level:
            yield from level
            level = list(self._below(level)) if level[0].level else []

    def _below(self, refs: list[PageRef]) -> Iterator[PageRef]:
        for ref, data in zip(refs, self._pages.read(refs), strict=True):
            yield from pages.load_branch(data, ref)

    def _rows_of(self, leaves: list[PageRef], read: list[bytes] | None = None) -> Iterator[T]:
        """Yield the rows of ``leaves``, the first pages of which may have been read."""
        for at in range(0, len(leaves), AHEAD):
            group = leaves[at : at + AHEAD]
            found = read if read is not None and not at else self._pages.read(group)
            for leaf, data in zip(group, found, strict=True):
                yield from pages.load_leaf(data, leaf, self._codec)

    def _load_leaf(self, ref: PageRef) -> list[T]:
        return pages.load_leaf(self._pages.read([ref])[0], ref, self._codec)


class _Read(NamedTuple):
    """A page and its bytes."""

    ref: PageRef
    data: bytes


class _Asked(NamedTuple):
    """A page and the keys that may lie in it or below it."""

    ref: PageRef
    keys: list[str]


def _asked_below(refs: list[PageRef], keys: list[str]) -> Iterator[_Asked]:
    """Yield the pages of ``refs`` that may hold one of ``keys``, none of which lies behind."""
    for i, group in groupby(keys, lambda key: bisect_left(refs, key, key=last)):
        yield _Asked(refs[i], list(group))
