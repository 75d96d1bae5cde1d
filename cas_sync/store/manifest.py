"""Manifest pages: written once, read with every byte checked."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from typing import Generic, TypeVar

from cas_sync.errors import DamageError, FormatError
from cas_sync.formats import pages
from cas_sync.formats.rows import RowCodec
from cas_sync.model.commit import PageRef
from cas_sync.model.ids import ObjectId
from cas_sync.store.bucket import Bucket, Key
from cas_sync.store.cache import Cache

T = TypeVar("T")

PAGES = "pages"
AHEAD = 64
"""Pages that are fetched together when a manifest is read through."""


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
        self._cache = cache
        self._pool = pool
        self._codec = codec
        self._key_of = key_of

    def rows(self, root: PageRef | None) -> Iterator[T]:
        """Yield every row in order, holding only a few pages at a time."""
        ahead: list[PageRef] = []
        for leaf in self.leaves(root):
            ahead.append(leaf)
            if len(ahead) == AHEAD:
                yield from self._rows_of(ahead)
                ahead = []
        yield from self._rows_of(ahead)

    def _rows_of(self, leaves: list[PageRef]) -> Iterator[T]:
        for leaf, data in zip(leaves, self._pages(leaves), strict=True):
            yield from pages.load_leaf(data, leaf, self._codec)

    def find(self, root: PageRef | None, key: str) -> T | None:
        """Return the row of ``key``, reading one page a level."""
        ref = root
        while ref is not None and ref.level:
            below = pages.load_branch(self._page(ref), ref)
            ref = next((child for child in below if child.last >= key), None)
        if ref is None:
            return None
        rows = pages.load_leaf(self._page(ref), ref, self._codec)
        return next((row for row in rows if self._codec.key(row) == key), None)

    def between(self, root: PageRef | None, start: str, end: str) -> Iterator[T]:
        """Yield the rows whose keys lie from ``start`` up to ``end``, reading only their pages.

        Args:
            root: Root of the manifest.
            start: First key that is meant.
            end: First key after it that is not.
        """
        level = [] if root is None else [root]
        while level and level[0].level:
            read = zip(level, self._pages(level), strict=True)
            below = (child for ref, data in read for child in pages.load_branch(data, ref))
            level = _between(below, start, end)
        for at in range(0, len(level), AHEAD):
            for row in self._rows_of(level[at : at + AHEAD]):
                if start <= self._codec.key(row) < end:
                    yield row

    def leaves(self, root: PageRef | None) -> Iterator[PageRef]:
        """Yield references to the pages of rows, in order."""
        level = [] if root is None else [root]
        while level and level[0].level:
            read = zip(level, self._pages(level), strict=True)
            level = [child for ref, data in read for child in pages.load_branch(data, ref)]
        yield from level

    def changed_leaves(
        self, old: PageRef | None, new: PageRef | None
    ) -> tuple[list[PageRef], list[PageRef]]:
        """Return the leaves only ``old`` has and those only ``new`` has."""
        before, after = list(self.leaves(old)), list(self.leaves(new))
        shared = {ref.id for ref in before} & {ref.id for ref in after}
        return (
            [ref for ref in before if ref.id not in shared],
            [ref for ref in after if ref.id not in shared],
        )

    def diff(
        self, old: PageRef | None, new: PageRef | None
    ) -> Iterator[tuple[T | None, T | None]]:
        """Yield each row that differs as (before, after), reading only pages that differ."""
        before, after = self.changed_leaves(old, new)
        a, b = self._rows_of(before), self._rows_of(after)
        x, y = next(a, None), next(b, None)
        key = self._codec.key
        while x is not None or y is not None:
            if y is None or (x is not None and key(x) < key(y)):
                yield x, None
                x = next(a, None)
            elif x is None or key(y) < key(x):
                yield None, y
                y = next(b, None)
            else:
                if x != y:
                    yield x, y
                x, y = next(a, None), next(b, None)

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

        def store(data: bytes) -> str:
            name = f"{ObjectId.of(data)}_{new_nonce()}"
            self._bucket.put_new(Key(self._key_of(name)), data)
            return name

        writer = pages.PageWriter(self._codec.header, store)
        rewriter = pages.Rewriter(
            self._codec, self.leaves(old), self._load_leaf, known.get, writer
        )
        return rewriter.run(changes)

    def _branches(self, root: PageRef | None) -> Iterator[PageRef]:
        level = [] if root is None else [root]
        while level:
            yield from level
            if not level[0].level:
                return
            read = zip(level, self._pages(level), strict=True)
            level = [child for ref, data in read for child in pages.load_branch(data, ref)]

    def _load_leaf(self, ref: PageRef) -> list[T]:
        return pages.load_leaf(self._page(ref), ref, self._codec)

    def _page(self, ref: PageRef) -> bytes:
        return self._pages([ref])[0]

    def _pages(self, refs: list[PageRef]) -> list[bytes]:
        found = [self._cache.get(PAGES, _page_name(ref)) for ref in refs]
        missing = [
            i for i, data in enumerate(found) if data is None or not _intact(data, refs[i])
        ]
        runs = _runs([(i, refs[i]) for i in missing])
        for run, data in zip(runs, self._pool.map(self._fetch, runs), strict=True):
            first = run[0][1].offset
            for i, ref in run:
                part = data[ref.offset - first : ref.offset - first + ref.length]
                found[i] = part
                self._cache.put(PAGES, _page_name(ref), part)
        return [data for data in found if data is not None]

    def _fetch(self, run: list[tuple[int, PageRef]]) -> bytes:
        first, last = run[0][1], run[-1][1]
        key = Key(self._key_of(first.object))
        data = self._bucket.get_range(
            key, first.offset, last.offset + last.length - first.offset
        )
        if data is None:
            raise DamageError(
                f"the store lacks {key}",
                cause="it was deleted by something other than cas-sync",
                fix="restore it from the bucket's versions, then run the same command again",
            )
        return data


def _between(refs: Iterable[PageRef], start: str, end: str) -> list[PageRef]:
    """Return the pages that may hold a key from ``start`` up to ``end``."""
    found = []
    for ref in refs:
        if ref.last >= start:
            found.append(ref)
        if ref.last >= end:
            break
    return found


def _page_name(ref: PageRef) -> str:
    # Where a page of references points may differ between equal trees: keep each place.
    return f"{ref.object}-{ref.offset}-{ref.id}" if ref.level else str(ref.id)


def _intact(data: bytes, ref: PageRef) -> bool:
    """Say whether a copy is the page; one that is not is only fetched again."""
    if ref.level == 0:
        return ObjectId.of(data) == ref.id
    try:
        pages.load_branch(data, ref)
    except FormatError:
        return False
    return True


def _runs(refs: list[tuple[int, PageRef]]) -> list[list[tuple[int, PageRef]]]:
    """Group pages that lie one after the other in one object, up to 8 MiB."""
    runs: list[list[tuple[int, PageRef]]] = []
    for i, ref in sorted(refs, key=lambda each: (each[1].object, each[1].offset)):
        if runs:
            first, last = runs[-1][0][1], runs[-1][-1][1]
            follows = last.object == ref.object and ref.offset == last.offset + last.length
            if follows and ref.offset + ref.length - first.offset <= 8 << 20:
                runs[-1].append((i, ref))
                continue
        runs.append([(i, ref)])
    return runs
