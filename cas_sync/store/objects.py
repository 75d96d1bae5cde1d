"""Stored objects by id: read in few large ranges, each byte checked before it is used."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from blake3 import blake3

from cas_sync.errors import DamageError, FormatError
from cas_sync.formats import keys, pieces
from cas_sync.formats.codec import MAX_RAW, Compressor
from cas_sync.formats.pieces import MEAN_MIN, Piece, Pieces
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Codec, Kind, Location
from cas_sync.model.tree import Content
from cas_sync.store.bucket import Bucket, Key
from cas_sync.store.index import Places

MAX_GAP = 64 << 10
"""Bytes nobody asked for that are cheaper to read than a second request."""

MAX_STORED = MAX_RAW + (1 << 16)
"""No object takes more in a pack, in bytes."""

MAX_RANGE = 9 << 20
"""No single range is longer, in bytes, so that ranges can travel side by side.

Two of them hold a pack.
"""

STREAMED = 64
"""Chunks of a large file that are held at once by `ObjectReader.stream`."""

STREAMED_BYTES = 32 << 20
"""Bytes of them that are held at once, unless one chunk alone is longer."""

LISTS = 64
"""Lists of pieces that are read at once, or kept for the next range of the same file."""


SURELY_ONE = 16 << 10
"""Files no longer than this are one chunk in nearly every repository, in bytes."""

Bytes = bytes | memoryview


class Loaded(NamedTuple):
    """What came of reading many objects.

    Attributes:
        data: Checked bytes by id; a view keeps all of the range in memory that it is of.
        damaged: Why the others cannot be had, by id.
    """

    data: dict[ObjectId, Bytes]
    damaged: dict[ObjectId, DamageError]


class ObjectReader:
    """Reads stored objects through one head's index.

    Args:
        bucket: The store.
        index: Where objects lie.
        pool: Runs requests side by side.
    """

    def __init__(self, bucket: Bucket, index: Places, pool: Executor) -> None:
        self._bucket = bucket
        self._index = index
        self._pool = pool
        self._local = threading.local()
        self._lists: OrderedDict[tuple[ObjectId, int], Pieces] = OrderedDict()
        self._lock = threading.Lock()

    def locate(self, content: Content) -> Location:
        """Return where a file's content lies: one chunk, or the list of its pieces.

        Raises:
            DamageError: The store does not know it.
        """
        (found,) = self.locate_all([content])
        if found is None:
            raise missing(content.id)
        return found

    def locate_all(self, contents: Sequence[Content]) -> list[Location | None]:
        """Return where contents lie, as `locate`, in the order asked; looked up together.

        `None` stands for what the store does not know.
        """
        found: list[Location | None] = [None] * len(contents)
        left = list(range(len(contents)))
        for small, sure in ((SURELY_ONE, False), (0, False), (0, True)):
            again = self._locate([contents[i] for i in left], small, sure=sure)
            for i, where in zip(left, again, strict=True):
                found[i] = where
            left = [i for i in left if found[i] is None]
            if not left:
                break
        return found

    def _locate(
        self, contents: Sequence[Content], small: int, *, sure: bool
    ) -> list[Location | None]:
        wanted = []
        for oid, size, _ in contents:
            wanted.append((oid, Kind.CHUNK))
            if size > small:
                wanted.append((oid, Kind.FILE))
        places = iter(self._index.find_all(wanted, sure=sure))
        found = []
        for _, size, _ in contents:
            where = next(places)
            listed = next(places) if size > small else None
            if listed is not None and listed.raw > size + MEAN_MIN:
                listed = None  # no list of a file's pieces is longer than the file
            # A list of pieces may have the id of a chunk, but not its length.
            found.append(where if where is not None and where.raw == size else listed)
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
        root = self.root(listed, content, data)
        if root.level == 0:
            yield list(root.pieces)
            return
        for _, below in self.expand(root.pieces):
            yield list(below.pieces)

    def expand(self, lists: Sequence[Piece]) -> Iterator[tuple[Piece, Pieces]]:
        """Yield each list of chunks with what it lists; read many at a time.

        Raises:
            DamageError: One is missing or is not what it should be.
        """
        for at in range(0, len(lists), LISTS):
            some = lists[at : at + LISTS]
            places = self.find_all([piece.id for piece in some], Kind.LIST)
            data = self.read(places)
            for piece in some:
                yield piece, _load_list(data[piece.id], piece)

    def root(self, listed: Location, content: Content, data: bytes | None = None) -> Pieces:
        """Return the list of a file's pieces; its id does not tell whether it is right.

        Args:
            listed: Where it lies.
            content: The file.
            data: The list, where it has been read already.

        Raises:
            DamageError: It is missing or is not what it should be.
        """
        try:
            found = self.read([listed])[listed.id] if data is None else data
            return _load_root(found, content)
        except DamageError:
            confirmed = self._index.confirm(listed)
            if confirmed is None or confirmed == listed:
                raise
            return _load_root(self.read([confirmed])[listed.id], content)

    def find(self, oid: ObjectId, kind: Kind) -> Location:
        """Return where an object lies.

        Raises:
            DamageError: The store does not know it.
        """
        return self.find_all([oid], kind)[0]

    def find_all(self, oids: Sequence[ObjectId], kind: Kind) -> list[Location]:
        """Return where objects of one kind lie, in the order asked; looked up together.

        Raises:
            DamageError: The store does not know one of them.
        """
        wanted = [(oid, kind) for oid in oids]
        found = self._index.find_all(wanted)
        if None in found:
            found = self._index.find_all(wanted, sure=True)
        for oid, where in zip(oids, found, strict=True):
            if where is None:
                raise missing(oid)
        return [where for where in found if where is not None]

    def find_chunks(self, chunks: Sequence[Piece]) -> list[Location]:
        """Return where chunks lie, each as long as its file's list says.

        So what is read for a file is never more than the file has.

        Raises:
            DamageError: The store does not know one of them, or it has another length.
        """
        places = self.find_all([piece.id for piece in chunks], Kind.CHUNK)
        for i, (piece, where) in enumerate(zip(chunks, places, strict=True)):
            if where.raw != piece.length:
                confirmed = self._index.confirm(where)
                if confirmed is None or confirmed.raw != piece.length:
                    raise FormatError(f"chunk {piece.id} is not as long as a file says it is")
                places[i] = confirmed
        return places

    def read(self, wanted: Iterable[Location]) -> dict[ObjectId, bytes]:
        """Return the bytes of ``wanted`` by id; all of them are held at once.

        Raises:
            DamageError: One is missing, or is not what its name says.
        """
        data, damaged = self.load(wanted)
        for error in damaged.values():
            raise error
        return {oid: bytes(each) for oid, each in data.items()}

    def load(self, wanted: Iterable[Location]) -> Loaded:
        """Read as `read` does; what is damaged keeps nobody from the rest."""
        ordered = sorted(
            {where.id: where for where in wanted}.values(), key=attrgetter("pack", "offset")
        )
        runs = [
            run
            for _, members in groupby(ordered, key=attrgetter("pack"))
            for run in _runs(list(members))
        ]
        found = Loaded({}, {})
        side_by_side = self._pool.map if len(runs) > 1 else map
        for part in side_by_side(self._load_run, runs):
            found.data.update(part.data)
            found.damaged.update(part.damaged)
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
            for some in _bounded((piece, 0) for piece in group):
                places = self.find_chunks([piece for piece, _ in some])
                found = self.read(places)
                for place in places:
                    whole.update(found[place.id])
                    yield found[place.id]
        if whole.digest() != content.id:
            # Was this the list of another file? An index that is damaged tells so itself.
            self._index.confirm(where)
            raise DamageError(
                f"file {content.id} is damaged in the store",
                cause="its pieces do not make up the whole",
            )

    def read_range(self, content: Content, offset: int, length: int) -> Iterator[bytes]:
        """Yield the bytes of a part of a file, reading only what covers it.

        What is yielded are chunks whose bytes match their ids, in the order and with the
        lengths that the file's list of pieces says. The list itself has no id of its own:
        it lies under the id of the file, and only reading all of the file shows that it is
        the file's. Here it is checked to be a list, for a file of this size, each piece of
        which is there and as long as it says; a list that was exchanged for that of another
        file of the same size is not noticed. A range that covers the file is read by
        `stream`, which notices.

        Lists are kept for the next range; so a reader is worth keeping for one file.

        Args:
            content: The file.
            offset: First byte that is wanted; what lies outside of the file is left out.
            length: Number of bytes wanted.

        Raises:
            DamageError: Something is missing, or is not what its name says.
        """
        start, end = max(0, offset), min(offset + length, content.size)
        if start >= end:
            return
        if end - start == content.size:
            yield from self.stream(content)
            return
        where = self.locate(content)
        if where.kind is Kind.CHUNK:
            yield self.read([where])[where.id][start:end]
            return
        chunks = self._covering(where, content, start, end)
        for group in _bounded(chunks):
            found = self.read(self.find_chunks([piece for piece, _ in group]))
            for piece, at in group:
                data = found[piece.id]
                yield data[max(0, start - at) : end - at]

    def _covering(
        self, listed: Location, content: Content, start: int, end: int
    ) -> Iterator[tuple[Piece, int]]:
        """Yield the chunks between two places in a file, and where each begins."""
        root = self._kept(content.id, content.size, lambda: self.root(listed, content))
        for piece, at in root.between(start, end):
            if root.level == 0:
                yield piece, at
                continue
            below = self._kept(piece.id, piece.length, partial(self._sublist, piece))
            for chunk, inside in below.between(start - at, end - at):
                yield chunk, at + inside

    def _kept(self, oid: ObjectId, size: int, load: Callable[[], Pieces]) -> Pieces:
        """Return a list of pieces from memory, or load it."""
        with self._lock:
            found = self._lists.pop((oid, size), None)
        if found is None:
            found = load()
        with self._lock:
            self._lists[oid, size] = found
            while len(self._lists) > LISTS:
                self._lists.popitem(last=False)
        return found

    def _sublist(self, piece: Piece) -> Pieces:
        return next(below for _, below in self.expand([piece]))

    def _load_run(self, run: list[Location]) -> Loaded:
        found = self._load_once(run)
        for each in run if found.damaged else ():
            if each.id not in found.damaged:
                continue
            # Is it the object that is damaged, or did the index lead astray?
            where = self._index.confirm(each)
            if where is not None and where != each:
                again = self._load_once([where])
                if again.data:
                    del found.damaged[each.id]
                    found.data.update(again.data)
        return found

    def _load_once(self, run: list[Location]) -> Loaded:
        """Read neighbours in one pack by one request, and check each of them."""
        if any(each.raw > MAX_RAW or each.stored > MAX_STORED for each in run):
            if len(run) == 1:
                return Loaded({}, {run[0].id: _damaged(run[0], "no object is that long")})
            return self._in_halves(run)
        first, last = run[0], run[-1]
        key = Key(keys.pack(first.pack))
        try:
            received = self._bucket.get_range(
                key, first.offset, last.offset + last.stored - first.offset
            )
        except DamageError as error:
            if len(run) == 1:
                return Loaded({}, {first.id: error})
            # A pack that is cut short still holds what lies before the cut.
            return self._in_halves(run)
        if received is None:
            lacks = f"the store lacks {key}"
            return Loaded({}, {each.id: _missing(each.id, lacks) for each in run})
        view, base = memoryview(received), first.offset
        data: dict[ObjectId, Bytes] = {}
        damaged: dict[ObjectId, DamageError] = {}
        for each in run:
            oid, kind, _, offset, stored, raw, codec = each
            inside = view[offset - base : offset - base + stored]
            try:
                if codec is Codec.RAW and stored == raw:
                    unpacked: Bytes = inside
                else:
                    unpacked = self._compressor().decompress(codec, inside, raw)
            except FormatError as error:
                damaged[oid] = _damaged(each, str(error))
                continue
            if kind is not Kind.FILE and blake3(unpacked).digest() != oid:
                damaged[oid] = _damaged(each, "its bytes do not match its name")
                continue
            data[oid] = unpacked
        return Loaded(data, damaged)

    def _in_halves(self, run: list[Location]) -> Loaded:
        half = len(run) // 2
        before, after = self._load_once(run[:half]), self._load_once(run[half:])
        return Loaded(before.data | after.data, before.damaged | after.damaged)

    def _compressor(self) -> Compressor:
        made: Compressor | None = getattr(self._local, "compressor", None)
        if made is None:
            made = self._local.compressor = Compressor()
        return made


def _bounded(chunks: Iterable[tuple[Piece, int]]) -> Iterator[list[tuple[Piece, int]]]:
    """Yield chunks, each with its place, in groups of bounded number and length."""
    some: list[tuple[Piece, int]] = []
    size = 0
    for piece, at in chunks:
        if some and (len(some) >= STREAMED or size + piece.length > STREAMED_BYTES):
            yield some
            some, size = [], 0
        some.append((piece, at))
        size += piece.length
    if some:
        yield some


def _runs(members: list[Location]) -> Iterable[list[Location]]:
    """Yield what is to be read by one request each, of what lies in one pack."""
    run = [members[0]]
    for each in members[1:]:
        end = run[-1].offset + run[-1].stored
        if each.offset - end > MAX_GAP or each.offset + each.stored - run[0].offset > MAX_RANGE:
            yield run
            run = []
        run.append(each)
    yield run


def _load_root(data: bytes, content: Content) -> Pieces:
    root = pieces.load(data)
    if root.size != content.size:
        raise FormatError(f"the pieces of {content.id} do not add up to its size")
    _refuse_crumbs(root, content.id)
    return root


def _load_list(data: bytes, piece: Piece) -> Pieces:
    below = pieces.load(data)
    if below.level != 0 or below.size != piece.length:
        raise FormatError(f"list {piece.id} is not the one that was referred to")
    _refuse_crumbs(below, piece.id)
    return below


def _refuse_crumbs(listed: Pieces, oid: ObjectId) -> None:
    # Else a short file could have more pieces than there is memory for.
    if len(listed.pieces) > 2 + listed.size // MEAN_MIN:
        raise FormatError(f"the pieces of {oid} are shorter than any may be")


def missing(oid: ObjectId) -> DamageError:
    """Return the error of an object that the store does not know."""
    return _missing(oid, "no index names it")


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
