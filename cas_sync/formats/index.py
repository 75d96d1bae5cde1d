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
from itertools import pairwise
from typing import NamedTuple

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
_KEY_BYTES = DIGEST_BYTES + 1


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


class SegmentEntry(NamedTuple):
    """An entry as it is written; ``pack`` is a number in the segment's list of packs."""

    id: ObjectId
    kind: Kind
    codec: Codec
    pack: int
    offset: int
    stored: int
    raw: int

    def within(self, pack: PackName) -> Location:
        """Return where the object lies, given the name of its pack."""
        return Location(
            self.id, self.kind, pack, self.offset, self.stored, self.raw, self.codec
        )


def _entry(data: bytes | memoryview, start: int) -> SegmentEntry:
    digest, kind, codec, *rest = _ENTRY.unpack_from(data, start)
    return SegmentEntry(ObjectId(digest), Kind(kind), Codec(codec), *rest)


def load_packs(data: bytes | memoryview) -> list[PackName]:
    """Return the names that a part of a segment's list of packs holds.

    Raises:
        FormatError: One cannot be the name of a pack.
    """
    packs = []
    for ulid, digest in _PACK.iter_unpack(data):
        text = ulid.decode("ascii", "replace")
        if not keys.is_ulid(text):
            raise FormatError("index segment names a pack that cannot be")
        packs.append(PackName(f"{text}-{digest.hex()}"))
    return packs


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
        self._packs = [pack] if pack is not None else load_packs(self._pack_table(n_packs))

    def _pack_table(self, n_packs: int) -> memoryview:
        start = _HEADER.size + self._n * _ENTRY.size
        return self._view[start : start + n_packs * _PACK.size]

    def __len__(self) -> int:
        return self._n

    def _id_at(self, i: int) -> ObjectId:
        start = _HEADER.size + i * _ENTRY.size
        return ObjectId(self._view[start : start + DIGEST_BYTES])

    def _at(self, i: int) -> Location:
        try:
            entry = _entry(self._view, _HEADER.size + i * _ENTRY.size)
            return entry.within(self._packs[entry.pack])
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


# -- a few entries of a large segment, read without the others ------------------------------


class Layout(NamedTuple):
    """How many entries and packs a segment holds, and so where each of them lies.

    Attributes:
        entries: Number of entries.
        packs: Number of packs; 0 in the trailer of a pack.
    """

    entries: int
    packs: int

    @classmethod
    def of(cls, size: int, entries: int) -> "Layout":
        """Return the layout of a segment of ``size`` bytes.

        Raises:
            FormatError: No segment of that many entries has that size.
        """
        packs, rest = divmod(size - segment_size(entries, 0), _PACK.size)
        if packs < 0 or rest:
            raise FormatError("index segment has the wrong length")
        return cls(entries, packs)

    @property
    def size(self) -> int:
        """Length of the segment, in bytes."""
        return segment_size(self.entries, self.packs)

    def entry_range(self, first: int, end: int) -> tuple[int, int]:
        """Return offset and length of the entries from ``first`` up to ``end``."""
        return _HEADER.size + first * _ENTRY.size, (end - first) * _ENTRY.size

    def pack_range(self, first: int, end: int) -> tuple[int, int]:
        """Return offset and length of the packs from number ``first`` up to ``end``."""
        start = _HEADER.size + self.entries * _ENTRY.size
        return start + first * _PACK.size, (end - first) * _PACK.size


class Window:
    """Neighbouring entries of a segment. No checksum covers them: what they say may be wrong.

    Args:
        data: The entries' bytes, at least one entry.
        first: Number of the first of them in the segment.

    Raises:
        FormatError: They are out of order, so cannot be entries of a segment.
    """

    def __init__(self, data: bytes, first: int) -> None:
        starts = range(0, len(data), _ENTRY.size)
        self._data = data
        self._keys = [data[start : start + _KEY_BYTES] for start in starts]
        if not data or len(data) % _ENTRY.size:
            raise FormatError("index segment is cut short")
        if any(a >= b for a, b in pairwise(self._keys)):
            raise FormatError("index segment is out of order")
        self.first = first
        self.end = first + len(self._keys)
        self.lowest = self._keys[0]
        self.highest = self._keys[-1]

    def find(self, oid: ObjectId, kind: Kind) -> SegmentEntry | None:
        """Return the object's entry, or `None` where it is not one of these.

        Raises:
            FormatError: The entry is malformed.
        """
        key = search_key(oid, kind)
        i = bisect_left(self._keys, key)
        if i == len(self._keys) or self._keys[i] != key:
            return None
        try:
            return _entry(self._data, i * _ENTRY.size)
        except ValueError as error:
            raise FormatError(f"index entry {self.first + i} is malformed") from error


def search_key(oid: ObjectId, kind: Kind) -> bytes:
    """Return what orders the entries."""
    return oid + bytes([kind])


def next_span(
    layout: Layout, windows: Iterable[Window], key: bytes, length: int
) -> tuple[int, int] | None:
    """Return which entries to read next to find ``key``.

    Ids are spread evenly, so the place between two that are known can be told from the
    digits: among n entries the error is about the square root of n.

    Args:
        layout: Of the segment.
        windows: What was read of it.
        key: What is looked for.
        length: How many entries to read.

    Returns:
        Number of the first entry and the one behind the last; `None` where ``windows``
        decide whether and where the key is.
    """
    low, below = 0, bytes(8)
    high, above = layout.entries, b"\xff" * 8
    for window in windows:
        if window.highest < key:
            low, below = max((low, below), (window.end, window.highest))
        elif window.lowest > key:
            high, above = min((high, above), (window.first, window.lowest))
        else:
            return None
    if low >= high:
        return None
    start, end, at = (int.from_bytes(each[:8]) for each in (below, above, key))
    place = low + (high - low) * (at - start) // max(1, end - start)
    first = max(low, min(place - length // 2, high - length))
    return first, min(high, first + length)
