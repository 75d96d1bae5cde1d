"""Packs: many stored objects in one, with a trailer that locates them.

    offset      size  field
    0           8     magic "CASPACK1"
    8           ...   the objects, one after the other, each raw or compressed
    ...         t     trailer: an index segment with no packs of its own (index.py)
    size - 12   4     t, big-endian
    size - 8    8     magic "CASPEND1"

docs/design.md, section 5.5.
"""

import struct

from blake3 import blake3

from cas_sync.errors import FormatError
from cas_sync.formats import index
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Codec, Kind, PackName

START = b"CASPACK1"
END = b"CASPEND1"
_FOOTER = struct.Struct(">I8s")
_GROWTH = 1 << 18

FOOTER_SIZE = _FOOTER.size
"""What ends every pack, in bytes."""


class PackBuilder:
    """Collects objects until they are worth one upload.

    Chunks come first, in the order they were added, so that a checkout in path order reads
    a pack from front to back; lists of pieces come after them, so that a reader gets all
    of those at once. Each byte is copied once, to where it lies in the pack.

    Args:
        buffer: Where the pack is put together; may hold an old pack, and is longer than
            needed or grows. Writing where an old pack lay is several times faster than
            to fresh memory.

    Attributes:
        size: Length of the pack if it were finished now, in bytes.
    """

    def __init__(self, buffer: bytearray | None = None) -> None:
        self._buffer = bytearray() if buffer is None else buffer
        self._view = memoryview(self._buffer)
        self._end = 0
        self._entries: list[bytes] = []
        self._lists: list[tuple[ObjectId, Kind, Codec, bytes, int]] = []
        self.size = len(START) + index.segment_size(0, 0) + _FOOTER.size
        self._put(START)

    def __len__(self) -> int:
        return len(self._entries) + len(self._lists)

    def add(
        self, oid: ObjectId, kind: Kind, codec: Codec, stored: bytes | memoryview, raw: int
    ) -> None:
        """Append one object that is not in the pack; ``stored`` may be reused afterwards.

        Args:
            oid: Its name.
            kind: What it is.
            codec: How ``stored`` is written down.
            stored: Its bytes.
            raw: Its length after decompression, in bytes.
        """
        length = len(stored)
        if kind is Kind.CHUNK:
            self._entries.append(index.pack_entry(oid, kind, codec, self._end, length, raw))
            self._put(stored)
        else:
            self._lists.append((oid, kind, codec, bytes(stored), raw))
        self.size += length + index.ENTRY_SIZE

    def finish(self, ulid: str) -> tuple[PackName, bytearray, bytes]:
        """Return the pack's name, its bytes, and its trailer, which is part of them.

        The bytes are those of the buffer, which may be given to another builder once
        nobody needs them.
        """
        for oid, kind, codec, stored, raw in self._lists:
            length = len(stored)
            self._entries.append(index.pack_entry(oid, kind, codec, self._end, length, raw))
            self._put(stored)
        self._lists.clear()
        trailer = index.dump_trailer(self._entries)
        self._put(trailer)
        self._put(_FOOTER.pack(len(trailer), END))
        self._view.release()
        del self._buffer[self._end :]
        name = f"{ulid}-{blake3(self._buffer).hexdigest()}"
        return PackName(name), self._buffer, trailer

    def _put(self, data: bytes | memoryview) -> None:
        end = self._end + len(data)
        if end > len(self._view):
            self._view.release()
            # A little more than asked for, so that small objects do not come here each.
            self._buffer += bytes(max(end - len(self._buffer), _GROWTH))
            self._view = memoryview(self._buffer)
        self._view[self._end : end] = data
        self._end = end


def trailer_range(size: int, entries: int) -> tuple[int, int]:
    """Return offset and length of the trailer in a pack of ``size`` bytes.

    Raises:
        FormatError: A pack of that size cannot hold so many entries.
    """
    length = index.segment_size(entries, 0)
    if length > size - len(START) - _FOOTER.size:
        raise FormatError(f"a pack of {size} bytes cannot hold {entries} objects")
    return size - _FOOTER.size - length, length


def trailer_of_footer(footer: bytes, size: int, name: PackName) -> tuple[int, int]:
    """Return offset and length of the trailer, given the last bytes of a pack of ``size``.

    Raises:
        FormatError: They are not the end of a pack.
    """
    length, end = _FOOTER.unpack(footer)
    if end != END or length > size - len(START) - _FOOTER.size:
        raise FormatError(f"pack {name} is cut short")
    return size - _FOOTER.size - length, length


def load_trailer(data: bytes | memoryview, name: PackName) -> index.Segment:
    """Return the trailer of a whole pack, every byte of which is checked.

    Raises:
        FormatError: ``data`` is not a pack, or not the one called ``name``.
    """
    view = memoryview(data)
    if len(view) < len(START) + _FOOTER.size or view[: len(START)] != START:
        raise FormatError(f"pack {name} has an unknown signature")
    at, length = trailer_of_footer(bytes(view[-_FOOTER.size :]), len(view), name)
    if blake3(view).hexdigest() != name.rpartition("-")[2]:
        raise FormatError(f"pack {name} does not match its name")
    return index.Segment(bytes(view[at : at + length]), name)
