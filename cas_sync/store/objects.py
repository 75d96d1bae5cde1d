"""Stored objects by id: read in few large ranges, each byte checked before it is used."""

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from itertools import groupby
from operator import attrgetter

from blake3 import blake3

from cas_sync.errors import DamageError, FormatError
from cas_sync.formats import keys, pieces
from cas_sync.formats.codec import Compressor
from cas_sync.formats.pieces import Piece
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Kind, Location, PackName
from cas_sync.model.tree import Content
from cas_sync.store.bucket import Bucket, Key
from cas_sync.store.index import IndexSet

MAX_GAP = 64 << 10
"""Bytes nobody asked for that are cheaper to read than a second request."""

MAX_RANGE = 8 << 20
"""No single range is longer, in bytes, so that ranges can travel side by side."""


STREAMED = 64
"""Chunks of a large file that are held at once by `ObjectReader.stream`."""


class ObjectReader:
    """Reads stored objects through one head's index.

    Args:
        bucket: The store.
        index: Where objects lie.
        pool: Runs requests side by side.
    """

    def __init__(self, bucket: Bucket, index: IndexSet, pool: Executor) -> None:
        self._bucket = bucket
        self._index = index
        self._pool = pool
        self._local = threading.local()

    def locate(self, content: Content) -> Location:
        """Return where a file's content lies: one chunk, or the list of its pieces.

        Raises:
            DamageError: The store does not know it.
        """
        found = self._index.find(content.id, Kind.CHUNK)
        if found is None or found.raw != content.size:
            found = self._index.find(content.id, Kind.FILE)
        if found is None:
            raise _missing(content.id, "no index names it")
        return found

    def chunks(
        self, listed: Location, content: Content, data: bytes | None = None
    ) -> Iterable[list[Piece]]:
        """Yield the chunks of a file of several, in order, in groups of bounded size.

        Args:
            listed: Where the list of its pieces lies.
            content: The file.
            data: The list, where it has been read already.

        Raises:
            DamageError: A list is missing or is not what it should be.
        """
        root = pieces.load(self.read([listed])[listed.id] if data is None else data)
        if root.size != content.size:
            raise FormatError(f"the pieces of {content.id} do not add up to its size")
        if root.level == 0:
            yield list(root.pieces)
            return
        for piece in root.pieces:
            where = self.find(piece.id, Kind.LIST)
            group = pieces.load(self.read([where])[piece.id])
            if group.level != 0 or group.size != piece.length:
                raise FormatError(f"list {piece.id} is not the one that was referred to")
            yield list(group.pieces)

    def find(self, oid: ObjectId, kind: Kind) -> Location:
        """Return where an object lies.

        Raises:
            DamageError: The store does not know it.
        """
        found = self._index.find(oid, kind)
        if found is None:
            raise _missing(oid, "no index names it")
        return found

    def read(self, wanted: Iterable[Location]) -> dict[ObjectId, bytes]:
        """Return the bytes of ``wanted`` by id; all of them are held at once.

        Raises:
            DamageError: One is missing, or is not what its name says.
        """
        ordered = sorted(set(wanted), key=attrgetter("pack", "offset"))
        runs = [
            run
            for name, members in groupby(ordered, key=attrgetter("pack"))
            for run in _runs(name, list(members))
        ]
        found: dict[ObjectId, bytes] = {}
        if len(runs) == 1:
            found.update(self._read_run(runs[0]))
        else:
            for part in self._pool.map(self._read_run, runs):
                found.update(part)
        return found

    def stream(self, content: Content) -> Iterator[bytes]:
        """Yield the bytes of a file in pieces of bounded size; of a link, its target text.

        Good only if the iterator comes to its end: the whole is checked then.

        Raises:
            DamageError: Something is missing, or is not what its name says.
        """
        if not content.size:
            return
        where = self.locate(content)
        if where.kind is Kind.CHUNK:
            yield self.read([where])[where.id]
            return
        whole = blake3()
        for group in self.chunks(where, content):
            for at in range(0, len(group), STREAMED):
                places = [self.find(each.id, Kind.CHUNK) for each in group[at : at + STREAMED]]
                found = self.read(places)
                for place in places:
                    whole.update(found[place.id])
                    yield found[place.id]
        if whole.digest() != content.id:
            raise DamageError(
                f"file {content.id} is damaged in the store",
                cause="its pieces do not make up the whole",
            )

    def _read_run(self, run: list[Location]) -> list[tuple[ObjectId, bytes]]:
        first, last = run[0], run[-1]
        length = last.offset + last.stored - first.offset
        key = Key(keys.pack(first.pack))
        data = self._bucket.get_range(key, first.offset, length)
        if data is None:
            raise _missing(first.id, f"the store lacks {key}")
        view = memoryview(data)
        compressor = self._compressor()
        out = []
        for each in run:
            start = each.offset - first.offset
            try:
                raw = compressor.decompress(
                    each.codec, view[start : start + each.stored], each.raw
                )
            except FormatError as error:
                raise _damaged(each, str(error)) from error
            if each.kind is not Kind.FILE and ObjectId.of(raw) != each.id:
                raise _damaged(each, "its bytes do not match its name")
            out.append((each.id, raw))
        return out

    def _compressor(self) -> Compressor:
        made: Compressor | None = getattr(self._local, "compressor", None)
        if made is None:
            made = self._local.compressor = Compressor()
        return made


def _runs(name: PackName, members: list[Location]) -> Iterable[list[Location]]:
    del name
    run = [members[0]]
    for each in members[1:]:
        end = run[-1].offset + run[-1].stored
        if each.offset - end > MAX_GAP or each.offset + each.stored - run[0].offset > MAX_RANGE:
            yield run
            run = []
        run.append(each)
    yield run


def _missing(oid: ObjectId, cause: str) -> DamageError:
    return DamageError(
        f"object {oid} is missing from the store",
        cause=cause,
        fix="ask whoever has the file to keep it; the other files can be synced",
    )


def _damaged(where: Location, cause: str) -> DamageError:
    return DamageError(
        f"object {where.id} in pack {where.pack} is damaged in the store",
        cause=cause,
        fix="ask whoever has the file to keep it; the other files can be synced",
    )
