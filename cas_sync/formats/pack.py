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
from typing import NamedTuple

from blake3 import blake3

from cas_sync.errors import FormatError
from cas_sync.formats import index
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Codec, Kind, Location, PackName

START = b"CASPACK1"
END = b"CASPEND1"
_FOOTER = struct.Struct(">I8s")


class _Item(NamedTuple):
    """An object on its way into a pack."""

    oid: ObjectId
    kind: Kind
    codec: Codec
    stored: bytes
    raw: int


class PackBuilder:
    """Collects objects until they are worth one upload.

    Chunks come first, in the order they were added, so that a checkout in path order reads
    a pack from front to back; lists of pieces come after them, so that a reader gets all
    of those at once.
    """

    def __init__(self) -> None:
        self._chunks: list[_Item] = []
        self._lists: list[_Item] = []
        self.size = len(START)

    def __len__(self) -> int:
        return len(self._chunks) + len(self._lists)

    def add(self, oid: ObjectId, kind: Kind, codec: Codec, stored: bytes, raw: int) -> None:
        """Append one object; ``raw`` is its length after decompression, in bytes."""
        items = self._chunks if kind is Kind.CHUNK else self._lists
        items.append(_Item(oid, kind, codec, stored, raw))
        self.size += len(stored)

    def finish(self, ulid: str) -> tuple[PackName, bytes, bytes]:
        """Return the pack's name, its bytes, and its trailer, which is part of them."""
        items = [*self._chunks, *self._lists]
        blank, offset, locations = PackName(""), len(START), []
        for each in items:
            stored = len(each.stored)
            locations.append(
                Location(each.oid, each.kind, blank, offset, stored, each.raw, each.codec)
            )
            offset += stored
        trailer = index.dump(locations, trailer=True)
        footer = _FOOTER.pack(len(trailer), END)
        data = b"".join([START, *(each.stored for each in items), trailer, footer])
        return PackName(f"{ulid}-{blake3(data).hexdigest()}"), data, trailer


def trailer_range(size: int, entries: int) -> tuple[int, int]:
    """Return offset and length of the trailer in a pack of ``size`` bytes."""
    length = index.segment_size(entries, 0)
    return size - _FOOTER.size - length, length


def load_trailer(data: bytes | memoryview, name: PackName) -> index.Segment:
    """Return the trailer of a whole pack, every byte of which is checked.

    Raises:
        FormatError: ``data`` is not a pack, or not the one called ``name``.
    """
    view = memoryview(data)
    if len(view) < len(START) + _FOOTER.size or view[: len(START)] != START:
        raise FormatError(f"pack {name} has an unknown signature")
    length, end = _FOOTER.unpack_from(view, len(view) - _FOOTER.size)
    if end != END or length > len(view) - len(START) - _FOOTER.size:
        raise FormatError(f"pack {name} is cut short")
    if blake3(view).hexdigest() != name.rpartition("-")[2]:
        raise FormatError(f"pack {name} does not match its name")
    return index.Segment(bytes(view[-length - _FOOTER.size : -_FOOTER.size]), name)
