"""Where stored objects lie: the index roots of one head, looked up together."""

from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Protocol

from cas_sync.errors import FormatError
from cas_sync.formats import index, keys, pack
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import IndexRoot, Kind, Location, PackName
from cas_sync.store.bucket import Bucket, Key, lacks
from cas_sync.store.cache import Cache

KIND = "index"

Wanted = tuple[ObjectId, Kind]
"""An object that is looked for."""


class Places(Protocol):
    """What tells where objects lie."""

    def find_all(
        self, wanted: Sequence[Wanted], *, sure: bool = False
    ) -> list[Location | None]:
        """Return where each object lies, or `None` where it is not found.

        Args:
            wanted: Id and kind of each.
            sure: Whether `None` must mean that this head does not know the object.

        Raises:
            DamageError: An index segment is missing or not what its name says.
        """

    def confirm(self, where: Location) -> Location | None:
        """Return where the object of ``where`` lies by an index with every byte checked.

        To be asked before something is called damaged; may be called from any thread.
        """


class Known(Protocol):
    """What tells whether an object has to be stored."""

    def holds(self, oid: ObjectId, kind: Kind) -> bool:
        """Say whether the store surely holds the object; it may, where the answer is no.

        Raises:
            DamageError: An index segment is missing or not what its name says.
        """


class IndexSet:
    """Locates objects through the index roots of one head.

    Segments are fetched the first time anything is looked up, once for this machine.

    Args:
        bucket: The store.
        cache: Where copies of segments are kept.
        pool: Runs fetches side by side.
        roots: The roots of the head that is read or replaced.
    """

    def __init__(
        self, bucket: Bucket, cache: Cache, pool: Executor, roots: tuple[IndexRoot, ...]
    ) -> None:
        self._bucket = bucket
        self._cache = cache
        self._pool = pool
        self.roots = roots
        self._segments: list[index.Segment] | None = None

    def find(self, oid: ObjectId, kind: Kind) -> Location | None:
        """Return where the object lies, or `None` where this head does not know it."""
        key = index.search_key(oid, kind)
        for segment in self.segments():
            i = segment.search(key)
            if i is not None:
                return segment.at(i)
        return None

    def holds(self, oid: ObjectId, kind: Kind) -> bool:
        """Say whether this head knows the object."""
        key = index.search_key(oid, kind)
        return any(segment.search(key) is not None for segment in self.segments())

    def find_all(
        self, wanted: Sequence[Wanted], *, sure: bool = False
    ) -> list[Location | None]:
        """Return where each object lies; always sure.

        What is asked for together mostly lies together: the segment that had the last one
        is asked first, so that most are found by one search however many segments there are.
        """
        del sure
        segments = list(self.segments())
        found: list[Location | None] = []
        for oid, kind in wanted:
            key = index.search_key(oid, kind)
            for n, segment in enumerate(segments):
                i = segment.search(key)
                if i is not None:
                    found.append(segment.at(i))
                    if n:
                        segments.insert(0, segments.pop(n))
                    break
            else:
                found.append(None)
        return found

    def confirm(self, where: Location) -> Location | None:
        """Return ``where``: whole segments were checked when they were loaded."""
        return where

    def segments(self) -> list[index.Segment]:
        """Return every segment, the latest root first.

        Raises:
            DamageError: A segment is missing or not what its name says.
        """
        if self._segments is None:
            self._segments = self.load_all(self.roots[::-1])
        return self._segments

    def load_all(self, roots: Sequence[IndexRoot]) -> list[index.Segment]:
        """Return the segments of ``roots``, as `load` does, side by side."""
        return list(self._pool.map(self.load, roots))

    def load(self, root: IndexRoot) -> index.Segment:
        """Return the segment of one root, from the cache where it is.

        Raises:
            DamageError: It is missing or not what its name says.
        """
        copy = self.copy(root)
        if copy is not None:
            return copy
        name = PackName(root.name) if root.is_pack else None
        data = self._fetch(root)
        if name is None and str(ObjectId.of(data)) != root.name.partition("_")[0]:
            raise FormatError(f"index {root.name} does not match its name")
        segment = index.Segment(data, name)
        if len(segment) != root.entries:
            raise FormatError(
                f"index {root.name} has {len(segment)} entries, not {root.entries}"
            )
        self._cache.put(KIND, root.name, data)
        return segment

    def copy(self, root: IndexRoot) -> index.Segment | None:
        """Return the segment of one root if this machine has a copy."""
        copy = self._cache.view(KIND, root.name)
        if copy is not None:
            try:
                return index.Segment(copy, PackName(root.name) if root.is_pack else None)
            except FormatError:
                self._cache.drop(KIND, root.name)
        return None

    def _fetch(self, root: IndexRoot) -> bytes:
        key, offset, length = place_of(root)
        if root.is_pack:
            data = self._bucket.get_range(key, offset, length)
        else:
            blob = self._bucket.get(key, root.size)
            data = None if blob is None else blob.data
        if data is None:
            raise lacks(key)
        return data


def place_of(root: IndexRoot) -> tuple[Key, int, int]:
    """Return the object that holds a segment, the segment's offset there, and its length."""
    if root.is_pack:
        return Key(keys.pack(PackName(root.name))), *pack.trailer_range(root.size, root.entries)
    return Key(keys.index(root.name)), 0, root.size
