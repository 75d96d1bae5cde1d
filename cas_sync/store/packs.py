"""Writing stored objects: deduplicated, compressed, packed, and uploaded side by side."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future

from cas_sync.formats import index, keys
from cas_sync.formats.codec import Compressor
from cas_sync.formats.pack import PackBuilder
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import IndexRoot, Kind, PackName
from cas_sync.store.bucket import Bucket, Key
from cas_sync.store.cache import Cache
from cas_sync.store.index import KIND, IndexSet

PACK_SIZE = 16 << 20
"""A pack is closed once it is this long, in bytes."""


class PackUploader:
    """Stores objects that the store lacks, in packs.

    What it uploaded is never removed again: should the commit not be made, it is garbage
    that no one refers to, and the next try finds it in `roots`.

    Args:
        bucket: The store.
        cache: Where the trailers of new packs are kept for this machine.
        pool: Runs uploads.
        known: Index of the head that the commit will replace.
        new_ulid: Returns a name never used before.
        in_flight: Packs that may be on their way at once; bounds memory.
    """

    def __init__(
        self,
        bucket: Bucket,
        cache: Cache,
        pool: Executor,
        known: IndexSet,
        new_ulid: Callable[[], str],
        in_flight: int = 3,
    ) -> None:
        self._bucket = bucket
        self._cache = cache
        self._pool = pool
        self._known = known
        self._new_ulid = new_ulid
        self._in_flight = in_flight
        self._compressor = Compressor()
        self._builder = PackBuilder()
        self._session: set[tuple[ObjectId, Kind]] = set()
        self._running: deque[Future[None]] = deque()
        self.roots: list[IndexRoot] = []
        self.bytes_new = 0

    def has(self, oid: ObjectId, kind: Kind) -> bool:
        """Say whether the store will hold the object once `flush` returned."""
        return (oid, kind) in self._session or self._known.find(oid, kind) is not None

    def add(self, oid: ObjectId, kind: Kind, data: bytes | memoryview) -> None:
        """Store an object unless the store has it; ``data`` may be reused afterwards."""
        if self.has(oid, kind):
            return
        self._session.add((oid, kind))
        codec, stored = self._compressor.compress(data)
        self._builder.add(oid, kind, codec, bytes(stored), len(data))
        if self._builder.size >= PACK_SIZE:
            self._close_pack()

    def count_stored(self) -> int:
        """Return how many of `roots`, from the first, the store is known to hold.

        Raises:
            StoreError: The next one could not be stored.
        """
        while self._running and self._running[0].done():
            self._running.popleft().result()
        return len(self.roots) - len(self._running)

    def resume(self, roots: list[IndexRoot]) -> None:
        """Go on after packs that were stored before and that ``known`` holds too."""
        self.roots.extend(roots)
        self.bytes_new += sum(root.size for root in roots)

    def flush(self) -> None:
        """Wait until everything added is stored.

        Raises:
            StoreError: Something could not be stored.
        """
        if len(self._builder):
            self._close_pack()
        while self._running:
            self._running.popleft().result()

    def _close_pack(self) -> None:
        name, data, trailer = self._builder.finish(self._new_ulid())
        self.roots.append(IndexRoot(name, True, len(self._builder), len(data)))
        self.bytes_new += len(data)
        self._builder = PackBuilder()
        while len(self._running) >= self._in_flight:
            self._running.popleft().result()
        self._running.append(self._pool.submit(self._upload, name, data, trailer))

    def _upload(self, name: PackName, data: bytes, trailer: bytes) -> None:
        self._bucket.put_new(Key(keys.pack(name)), data)
        self._cache.put(KIND, name, trailer)


def merge_roots(
    bucket: Bucket, cache: Cache, known: IndexSet, roots: tuple[IndexRoot, ...], nonce: str
) -> IndexRoot:
    """Store one segment that locates all that ``roots`` do, and return its root."""
    data = index.dump(each for root in roots for each in known.load(root))
    name = f"{ObjectId.of(data)}_{nonce}"
    bucket.put_new(Key(keys.index(name)), data)
    cache.put(KIND, name, data)
    return IndexRoot(name, False, len(index.Segment(data)), len(data))
