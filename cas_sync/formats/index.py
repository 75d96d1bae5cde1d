r"""Index segments: which pack holds an object, and where. docs/design.md, section 5.6.

    offset        size  field
    0             8     magic "CASIDX1\n"
    8             4     number of entries n, big-endian
    12            4     number of packs p; 0 in the trailer of a pack, which locates itself
    16            50 n  entries, ascending by (id, kind): id 32, kind 1, codec 1,
                        pack 4, offset 4, stored length 4, raw length 4
    16+50n        64 p  packs, ascending: ULID as text 26, zero 6, BLAKE3 of the pack 32
    16+50n+64p    32    BLAKE3 of everything before

Entries have a fixed size and their ids are spread evenly, so one entry of a large segment
is found with a few small reads.
"""

import struct
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from blake3 import blake3

from cas_sync.errors import FormatError
from cas_sync.formats import keys
from cas_sync.model.ids import DIGEST_BYTES, ObjectId
from cas_sync.model.pack import Codec, Kind, Location, PackName

MAGIC = b"CASIDX1\n"
_HEADER = struct.Struct(">8sII")
_ENTRY = struct.Struct(">32sBBIIII")
_PACK = struct.Struct(">26s6x32s")  # ULID as text, padding, BLAKE3 of the pack
_OVERHEAD = _HEADER.size + DIGEST_BYTES


def segment_size(entries: int, packs: int) -> int:
    """Return the size in bytes of a segment of so many entries and packs."""
    return _OVERHEAD + entries * _ENTRY.size + packs * _PACK.size


def dump(locations: Iterable[Location], *, trailer: bool = False) -> bytes:
    """Return the canonical segment of ``locations``; of equals, the first one stays.

    Args:
        locations: What to locate, in any order.
        trailer: Whether all lie in the one pack that will carry this segment.
    """
    entries: list[Location] = []
    for each in sorted(locations, key=_order):
        if not entries or _order(entries[-1]) != _order(each):
            entries.append(each)
    numbers: dict[PackName, int] = {}
    if not trailer:
        numbers = {name: i for i, name in enumerate(sorted({e.pack for e in entries}))}
    rows = []
    for e in entries:
        number = numbers.get(e.pack, 0)
        rows.append(_ENTRY.pack(e.id, e.kind, e.codec, number, e.offset, e.stored, e.raw))
    body = [_HEADER.pack(MAGIC, len(rows), len(numbers)), *rows]
    body += [_PACK.pack(n[:26].encode(), bytes.fromhex(n[27:])) for n in numbers]
    data = b"".join(body)
    return data + blake3(data).digest()


def _order(each: Location) -> tuple[ObjectId, Kind]:
    return each.id, each.kind


class Segment:
    """A segment that was checked once and is looked up many times.

    Args:
        data: The segment's bytes; may be a map of a file.
        pack: The pack that carries it, where it is a pack's trailer.

    Raises:
        FormatError: ``data`` is not a segment this version can read.
    """

    def __init__(self, data: bytes | memoryview, pack: PackName | None = None) -> None:
        view = memoryview(data)
        if len(view) < _OVERHEAD:
            raise FormatError("index segment is too short")
        magic, n, n_packs = _HEADER.unpack_from(view)
        self._n: int = n
        if magic != MAGIC:
            raise FormatError("index segment has an unknown signature")
        if len(view) != segment_size(self._n, n_packs):
            raise FormatError("index segment has the wrong length")
        if (n_packs == 0) != (pack is not None) and self._n:
            raise FormatError("index segment does not say which packs it is about")
        if blake3(view[:-DIGEST_BYTES]).digest() != view[-DIGEST_BYTES:]:
            raise FormatError("index segment does not match its checksum")
        self._view = view
        self._packs = [pack] if pack is not None else self._read_packs(n_packs)

    def _read_packs(self, n_packs: int) -> list[PackName]:
        packs = []
        start = _HEADER.size + self._n * _ENTRY.size
        for ulid, digest in _PACK.iter_unpack(self._view[start : start + n_packs * _PACK.size]):
            text = ulid.decode("ascii", "replace")
            if not keys.is_ulid(text):
                raise FormatError("index segment names a pack that cannot be")
            packs.append(PackName(f"{text}-{digest.hex()}"))
        return packs

    def __len__(self) -> int:
        return self._n

    def _id_at(self, i: int) -> ObjectId:
        start = _HEADER.size + i * _ENTRY.size
        return ObjectId(self._view[start : start + DIGEST_BYTES])

    def _at(self, i: int) -> Location:
        start = _HEADER.size + i * _ENTRY.size
        digest, kind, codec, pack, offset, stored, raw = _ENTRY.unpack_from(self._view, start)
        try:
            return Location(
                ObjectId(digest),
                Kind(kind),
                self._packs[pack],
                offset,
                stored,
                raw,
                Codec(codec),
            )
        except (ValueError, IndexError) as error:
            raise FormatError(f"index entry {i} is malformed") from error

    def __iter__(self) -> Iterator[Location]:
        return (self._at(i) for i in range(self._n))

    def find(self, oid: ObjectId, kind: Kind) -> Location | None:
        """Return where the object lies, or `None`."""
        i = bisect_left(range(self._n), oid, key=self._id_at)
        while i < self._n and self._id_at(i) == oid:
            found = self._at(i)
            if found.kind == kind:
                return found
            i += 1
        return None
