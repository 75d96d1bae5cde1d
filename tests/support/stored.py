"""A store in memory with files in it, as a publish stores them."""

from itertools import count

from cas_sync.formats import keys, pieces
from cas_sync.formats.pieces import Piece, Pieces, cut_lists
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Kind
from cas_sync.model.tree import Content, Mode
from cas_sync.store.bucket import Key
from cas_sync.store.cache import Cache
from cas_sync.store.index import IndexSet
from cas_sync.store.memory import MemoryBucket
from cas_sync.store.objects import ObjectReader
from cas_sync.store.packs import PackUploader

CHUNK = 200_000


class StoredFiles:
    """A store in memory, filled as a publish fills one."""

    def __init__(self, tmp_path, pool) -> None:
        self.bucket, self.cache, self.pool = MemoryBucket(), Cache(tmp_path / "cache"), pool
        numbers = count()
        self._up = PackUploader(
            self.bucket,
            self.cache,
            pool,
            IndexSet(self.bucket, self.cache, pool, ()),
            lambda: keys.ulid(next(numbers), bytes(10)),
        )

    def add(self, data: bytes, *, lists: bool = False) -> Content:
        """Store a file: one chunk, or several, or lists of several."""
        content = Content(ObjectId.of(data), len(data), Mode.FILE)
        if len(data) <= CHUNK:
            self._up.add(content.id, Kind.CHUNK, data)
            return content
        listed = []
        for at in range(0, len(data), CHUNK):
            chunk = data[at : at + CHUNK]
            listed.append(Piece(ObjectId.of(chunk), len(chunk)))
            self._up.add(listed[-1].id, Kind.CHUNK, chunk)
        root = Pieces(0, tuple(listed))
        if lists:
            below = []
            for each in cut_lists(listed):
                raw = pieces.dump(each)
                below.append(Piece(ObjectId.of(raw), each.size))
                self._up.add(below[-1].id, Kind.LIST, raw)
            root = Pieces(1, tuple(below))
        self._up.add(content.id, Kind.FILE, pieces.dump(root))
        return content

    def reader(self) -> ObjectReader:
        self._up.flush()
        known = IndexSet(self.bucket, self.cache, self.pool, tuple(self._up.roots))
        return ObjectReader(self.bucket, known, self.pool)

    def damage(self, reader: ObjectReader, oid: ObjectId, kind: Kind = Kind.CHUNK) -> None:
        where = reader.find(oid, kind)
        key = Key(keys.pack(where.pack))
        data = bytearray(self.bucket.get(key).data)
        data[where.offset + where.stored // 2] ^= 1
        self.bucket.delete([key])
        self.bucket.put_new(key, bytes(data))

    @property
    def n_requests(self) -> int:
        return self.bucket.meter.requests["GET"]
