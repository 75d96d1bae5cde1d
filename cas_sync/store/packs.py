"""Writing stored objects: deduplicated, compressed, packed, and uploaded side by side."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future

from cas_sync.clock import Clock, SystemClock
from cas_sync.formats import keys
from cas_sync.formats.codec import Compressor
from cas_sync.formats.index_merge import merge
from cas_sync.formats.pack import PackBuilder
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Codec, IndexRoot, Kind, PackName
from cas_sync.store.bucket import Bucket, Key
from cas_sync.store.cache import Cache
from cas_sync.store.index import KIND, IndexSet, Known
from cas_sync.store.upload_window import UploadWindow

PACK_SIZE = 16 << 20
"""A pack is closed once it is this long with its trailer, in bytes."""


class PackUploader:
    """Stores objects that the store lacks, in packs.

    What it uploaded is never removed again: should the commit not be made, it is garbage
    that no one refers to, and the next try finds it in `roots`.

    Args:
        bucket: The store.
        cache: Where the trailers of new packs are kept for this machine.
        pool: Runs uploads.
        known: Knows what the head that the commit will replace holds.
        new_ulid: Returns a name never used before.
        clock: Tells how fast uploads are.
        window: How many packs may be on their way at once; bounds memory.
    """

    def __init__(
        self,
        bucket: Bucket,
        cache: Cache,
        pool: Executor,
        known: Known,
        new_ulid: Callable[[], str],
        clock: Clock | None = None,
        window: UploadWindow | None = None,
    ) -> None:
        self._bucket = bucket
        self._cache = cache
        self._pool = pool
        self._known = known
        self._new_ulid = new_ulid
        self._clock = clock or SystemClock()
        self._window = window or UploadWindow()
        self._compressor = Compressor()
        self._builder = PackBuilder()
        self._added: dict[Kind, set[ObjectId]] = {kind: set() for kind in Kind}
        self._running: deque[Future[bytearray]] = deque()
        self._buffers: list[bytearray] = []
        self._error: BaseException | None = None
        self.roots: list[IndexRoot] = []
        self.bytes_new = 0

    def has(self, oid: ObjectId, kind: Kind) -> bool:
        """Say whether the store will hold the object once `flush` returned."""
        return oid in self._added[kind] or self._known.holds(oid, kind)

    def add(self, oid: ObjectId, kind: Kind, data: bytes | memoryview) -> None:
        """Store an object unless the store has it; ``data`` may be reused afterwards.

        Raises:
            StoreError: An earlier pack could not be stored.
        """
        if not self.has(oid, kind):
            self.add_new(oid, kind, data)

    def add_new(self, oid: ObjectId, kind: Kind, data: bytes | memoryview) -> None:
        """Store an object that the store lacks, as `has` told; else as `add`."""
        codec, stored = self._compressor.compress(data)
        self.add_packed(oid, kind, codec, stored, len(data))

    def add_packed(
        self, oid: ObjectId, kind: Kind, codec: Codec, stored: bytes | memoryview, raw: int
    ) -> None:
        """Store an object that the head lacks; nothing is done if it was added before.

        Args:
            oid: Its name.
            kind: What it is.
            codec: How ``stored`` is written down.
            stored: Its bytes; may be reused afterwards.
            raw: Its length after decompression, in bytes.

        Raises:
            StoreError: An earlier pack could not be stored.
        """
        added = self._added[kind]
        if oid in added:
            return
        added.add(oid)
        self._builder.add(oid, kind, codec, stored, raw)
        if self._builder.size >= PACK_SIZE:
            self._close_pack()

    def count_stored(self) -> int:
        """Return how many of `roots`, from the first, the store is known to hold.

        Raises:
            StoreError: The next one could not be stored.
        """
        while self._running and self._running[0].done():
            self._wait()
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
            self._wait()
        if self._error is not None:
            raise self._error
        self._buffers.clear()

    def _close_pack(self) -> None:
        while len(self._running) >= self._window.limit:
            size = self._wait()
            self._window.finished(size, self._clock.monotonic())
        name, data, trailer = self._builder.finish(self._new_ulid())
        self.roots.append(IndexRoot(name, True, len(self._builder), len(data)))
        self.bytes_new += len(data)
        self._running.append(self._pool.submit(self._upload, name, data, trailer))
        self._builder = PackBuilder(self._buffers.pop() if self._buffers else None)

    def _wait(self) -> int:
        """Wait for the oldest pack on its way; return its length, in bytes."""
        buffer = self._running.popleft().result()
        self._buffers.append(buffer)
        return len(buffer)

    def _upload(self, name: PackName, data: bytearray, trailer: bytes) -> bytearray:
        if self._error is not None:
            raise self._error  # nothing will refer to this pack either
        try:
            self._bucket.put_new(Key(keys.pack(name)), data)
        except BaseException as error:
            self._error = error
            raise
        self._cache.put(KIND, name, trailer)
        return data


def merge_roots(
    bucket: Bucket, cache: Cache, known: IndexSet, roots: tuple[IndexRoot, ...], nonce: str
) -> IndexRoot:
    """Store one segment that locates all that ``roots`` do, and return its root."""
    data, n = merge(known.load_all(roots))
    return store_segment(bucket, cache, data, n, nonce)


def store_segment(
    bucket: Bucket, cache: Cache, data: bytearray, n: int, nonce: str
) -> IndexRoot:
    """Store a segment of ``n`` entries, and return its root."""
    name = f"{ObjectId.of(data)}_{nonce}"
    bucket.put_new(Key(keys.index(name)), data)
    cache.put(KIND, name, data)
    return IndexRoot(name, False, n, len(data))
