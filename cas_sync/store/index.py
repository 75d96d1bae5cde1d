"""Where stored objects lie: the index roots of one head, looked up together."""

from concurrent.futures import Executor

from cas_sync.errors import DamageError, FormatError
from cas_sync.formats import index, keys, pack
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import IndexRoot, Kind, Location, PackName
from cas_sync.store.bucket import Bucket, Key
from cas_sync.store.cache import Cache

KIND = "index"


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
        for segment in self.segments():
            found = segment.find(oid, kind)
            if found is not None:
                return found
        return None

    def segments(self) -> list[index.Segment]:
        """Return every segment, the latest root first.

        Raises:
            DamageError: A segment is missing or not what its name says.
        """
        if self._segments is None:
            self._segments = list(self._pool.map(self.load, reversed(self.roots)))
        return self._segments

    def load(self, root: IndexRoot) -> index.Segment:
        """Return the segment of one root, from the cache where it is.

        Raises:
            DamageError: It is missing or not what its name says.
        """
        name = PackName(root.name) if root.is_pack else None
        copy = self._cache.get(KIND, root.name)
        if copy is not None:
            try:
                return index.Segment(copy, name)
            except FormatError:
                self._cache.drop(KIND, root.name)
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

    def _fetch(self, root: IndexRoot) -> bytes:
        if root.is_pack:
            key = Key(keys.pack(PackName(root.name)))
            offset, length = pack.trailer_range(root.size, root.entries)
            data = self._bucket.get_range(key, offset, length)
        else:
            key = Key(keys.index(root.name))
            blob = self._bucket.get(key)
            data = None if blob is None else blob.data
        if data is None:
            raise DamageError(
                f"the store lacks {key}",
                cause="it was deleted by something other than cas-sync",
                fix="restore it from the bucket's versions, then run the same command again",
            )
        return data
