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

import re
import struct
import sys
from array import array
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
_STEP = 16  # entries that are searched through together
_STEP_SIZE = _STEP * _ENTRY.size
_PACK_TABLE = re.compile(f"(?:{keys.ULID}.{{38}})*".encode(), re.DOTALL)
# By number, which is several times as fast as asking the class.
KINDS = tuple(Kind)
CODECS = tuple(Codec)
_KIND_BYTES = tuple(bytes([kind]) for kind in KINDS)

Bytes = bytes | bytearray | memoryview

ENTRY_SIZE = _ENTRY.size
"""What one object adds to a segment, in bytes."""


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
    packs = [] if trailer else sorted({each.pack for each in entries})
    numbers = {name: i for i, name in enumerate(packs)}
    data = begin()
    for e in entries:
        number = numbers.get(e.pack, 0)
        data += _ENTRY.pack(e.id, e.kind, e.codec, number, e.offset, e.stored, e.raw)
    seal(data, packs)
    return bytes(data)


def begin() -> bytearray:
    """Return the beginning of a segment, to which entries are appended."""
    return bytearray(_HEADER.size)


def seal(data: bytearray, packs: list[PackName]) -> int:
    """Make a whole segment of its beginning and its entries; return how many these are.

    Args:
        data: What `begin` returned, and entries in order.
        packs: The packs that the entries give the numbers of.
    """
    n = (len(data) - _HEADER.size) // ENTRY_SIZE
    _HEADER.pack_into(data, 0, MAGIC, n, len(packs))
    for name in packs:
        data += _PACK.pack(name[:26].encode(), bytes.fromhex(name[27:]))
    data += blake3(data).digest()
    return n


def pack_entry(
    oid: ObjectId, kind: Kind, codec: Codec, offset: int, stored: int, raw: int
) -> bytes:
    """Return the entry of an object in the trailer of the pack that holds it."""
    return _ENTRY.pack(oid, kind, codec, 0, offset, stored, raw)


def dump_trailer(entries: list[bytes]) -> bytes:
    """Return the trailer of a pack that holds what ``entries`` tell, no object twice."""
    # As bytes, entries sort by id and kind.
    data = begin() + b"".join(sorted(entries))
    seal(data, [])
    return bytes(data)


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
    return SegmentEntry(ObjectId(digest), KINDS[kind], CODECS[codec], *rest)


def load_packs(data: Bytes) -> list[PackName]:
    """Return the names that a part of a segment's list of packs holds.

    Raises:
        FormatError: One cannot be the name of a pack.
    """
    if _PACK_TABLE.fullmatch(data) is None:
        raise FormatError("index segment names a pack that cannot be")
    return [
        PackName(f"{ulid.decode()}-{digest.hex()}") for ulid, digest in _PACK.iter_unpack(data)
    ]


class Segment:
    """A segment that was checked once and is looked up many times.

    It stays the bytes that it is: besides, 4 bytes are held for every `_STEP` entries.

    Args:
        data: The segment's bytes; may be a map of a file.
        pack: The pack that carries it, where it is a pack's trailer.

    Attributes:
        entries: The bytes of its entries.
        packs: The packs that entries give the numbers of.

    Raises:
        FormatError: ``data`` is not a segment this version can read.
    """

    def __init__(self, data: Bytes, pack: PackName | None = None) -> None:
        view = memoryview(data)
        if len(view) < _OVERHEAD:
            raise FormatError("index segment is too short")
        magic, n, n_packs = _HEADER.unpack_from(view)
        if magic != MAGIC:
            raise FormatError("index segment has an unknown signature")
        if len(view) != segment_size(n, n_packs):
            raise FormatError("index segment has the wrong length")
        if (n_packs == 0) != (pack is not None) and n:
            raise FormatError("index segment does not say which packs it is about")
        if blake3(view[:-DIGEST_BYTES]).digest() != view[-DIGEST_BYTES:]:
            raise FormatError("index segment does not match its checksum")
        end = _HEADER.size + n * ENTRY_SIZE
        self._n: int = n
        self.entries = view[_HEADER.size : end]
        self.packs = [pack] if pack is not None else load_packs(view[end:-DIGEST_BYTES])
        # The first 4 bytes of every `_STEP`th id.
        self._steps = get_column(self.entries, 0, _STEP_SIZE)

    def __len__(self) -> int:
        return self._n

    def __iter__(self) -> Iterator[Location]:
        return (self.at(i) for i in range(self._n))

    def at(self, i: int) -> Location:
        """Return what entry ``i`` tells.

        Raises:
            FormatError: The entry is malformed.
        """
        try:
            entry = _entry(self.entries, i * ENTRY_SIZE)
            return entry.within(self.packs[entry.pack])
        except IndexError as error:
            raise FormatError(f"index entry {i} is malformed") from error

    def find(self, oid: ObjectId, kind: Kind) -> Location | None:
        """Return where the object lies, or `None`."""
        i = self.search(search_key(oid, kind))
        return None if i is None else self.at(i)

    def search(self, key: bytes) -> int | None:
        """Return the number of the entry whose `search_key` this is; `None` without one."""
        steps, head = self._steps, int.from_bytes(key[:4])
        end = first = bisect_left(steps, head)
        while end < len(steps) and steps[end] == head:
            end += 1
        start = first * _STEP_SIZE - _STEP_SIZE if first else 0
        near = bytes(self.entries[start : end * _STEP_SIZE])
        at = near.find(key)
        while at >= 0 and at % ENTRY_SIZE:
            at = near.find(key, at + 1)
        return None if at < 0 else (start + at) // ENTRY_SIZE

    def first_from(self, head: int) -> int:
        """Return the number of the first entry whose id begins with ``head`` or more."""
        end = bisect_left(self._steps, head)
        start = max(0, end - 1)
        near = self.entries[start * _STEP_SIZE : end * _STEP_SIZE]
        return start * _STEP + bisect_left(get_column(near, 0, ENTRY_SIZE), head)


def get_column(cells: Bytes, offset: int, stride: int) -> "array[int]":
    """Return the numbers of 4 bytes, big-endian, of which one lies every ``stride`` bytes."""
    view = memoryview(cells)
    data = bytearray(4 * len(view[offset::stride]))
    for k in range(4):
        data[k::4] = view[offset + k :: stride]
    column = array("I", bytes(data))
    if sys.byteorder == "little":
        column.byteswap()
    return column


def set_column(cells: bytearray, offset: int, stride: int, column: "array[int]") -> None:
    """Write numbers to where `get_column` reads them."""
    column = column[:]
    if sys.byteorder == "little":
        column.byteswap()
    data = column.tobytes()
    for k in range(4):
        cells[offset + k :: stride] = data[k::4]


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
        except IndexError as error:
            raise FormatError(f"index entry {self.first + i} is malformed") from error


def search_key(oid: ObjectId, kind: Kind) -> bytes:
    """Return what orders the entries."""
    return oid + _KIND_BYTES[kind]


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
