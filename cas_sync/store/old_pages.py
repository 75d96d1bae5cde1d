"""What is read of a manifest while a newer one is made of it."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Generic, TypeVar

from cas_sync.formats import pages
from cas_sync.formats.rows import RowCodec
from cas_sync.model.commit import PageRef
from cas_sync.model.ids import ObjectId
from cas_sync.store.page_reader import AHEAD, Asked, PageReader, asked_below

T = TypeVar("T")

MOST = 4096
"""Changes that are looked ahead at most."""


class OldPages(Generic[T]):
    """Reads pages of one manifest, those that changes fall into side by side.

    Args:
        reader: Reads pages.
        codec: How rows are written.
        root: Root of the manifest.
    """

    def __init__(self, reader: PageReader, codec: RowCodec[T], root: PageRef | None) -> None:
        self._reader = reader
        self._codec = codec
        self._root = root
        self._branches: dict[PageRef, list[PageRef]] = {}
        self._leaves: dict[ObjectId, bytes] = {}

    def leaf(self, ref: PageRef) -> list[T]:
        """Return the rows of a page."""
        data = self._leaves.pop(ref.id, None)
        if data is None:
            (data,) = self._reader.read([ref])
        return pages.load_leaf(data, ref, self._codec)

    def branch(self, ref: PageRef) -> list[PageRef]:
        """Return the references of a page."""
        if ref not in self._branches:
            (self._branches[ref],) = self._reader.branches([ref])
        return self._branches[ref]

    def ahead(self, changes: Iterable[tuple[str, T | None]]) -> Iterator[tuple[str, T | None]]:
        """Yield ``changes``, having read what they fall into."""
        if self._root is None:
            yield from changes
            return
        coming, n = iter(changes), AHEAD
        while batch := list(islice(coming, n)):
            leaves = self._leaves_of(self._root, [key for key, _ in batch])
            # As many changes at a time as fall into some pages, however they are spread.
            n = max(AHEAD, n // 2) if len(leaves) > AHEAD // 2 else min(2 * n, MOST)
            held = leaves[:AHEAD]
            self._leaves = {
                ref.id: data for ref, data in zip(held, self._reader.read(held), strict=True)
            }
            yield from batch

    def _leaves_of(self, root: PageRef, keys: list[str]) -> list[PageRef]:
        """Return the pages of rows that ``keys`` fall into; the last one behind all."""
        level = [Asked(root, [min(key, root.last) for key in keys])]
        while level[0].ref.level:
            missing = [each.ref for each in level if each.ref not in self._branches]
            self._branches.update(zip(missing, self._reader.branches(missing), strict=True))
            level = [
                below
                for each in level
                for below in asked_below(self._branches[each.ref], each.keys)
            ]
        return [each.ref for each in level]
