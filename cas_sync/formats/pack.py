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
from cas_sync.model.pack import Codec, Kind, Location, PackName

START = b"CASPACK1"
END = b"CASPEND1"
_FOOTER = struct.Struct(">I8s")

MAX_SIZE = 1 << 30
"""No pack is longer, in bytes."""


class PackBuilder:
    """Collects objects until they are worth one upload."""

    def __init__(self) -> None:
        self._parts: list[bytes | memoryview] = [START]
        self._entries: list[tuple[ObjectId, Kind, int, int, int, Codec]] = []
        self.size = len(START)

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, oid: ObjectId, kind: Kind, codec: Codec, stored: bytes, raw: int) -> None:
        """Append one object; ``raw`` is its length after decompression, in bytes."""
        self._entries.append((oid, kind, self.size, len(stored), raw, codec))
        self._parts.append(stored)
        self.size += len(stored)

    def finish(self, ulid: str) -> tuple[PackName, bytes, bytes]:
        """Return the pack's name, its bytes, and its trailer, which is part of them."""
        blank = PackName("")
        trailer = index.dump(
            (
                Location(o, k, blank, at, stored, raw, c)
                for o, k, at, stored, raw, c in self._entries
            ),
            trailer=True,
        )
        footer = _FOOTER.pack(len(trailer), END)
        data = b"".join([*self._parts, trailer, footer])
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
