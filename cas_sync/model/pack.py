"""Where stored bytes lie: packs, slices of packs, and what the slices are."""

from enum import IntEnum
from typing import NamedTuple, NewType

from cas_sync.model.ids import ObjectId

PackName = NewType("PackName", str)
"""``<ulid>-<blake3 of the pack>``; the ULID is new for every upload, so never used twice."""


class Kind(IntEnum):
    """What a stored object is."""

    CHUNK = 0
    """A piece of a file, or a whole small file, under the hash of its bytes."""
    FILE = 1
    """The list of a file's pieces, under the hash of the *file's* bytes."""
    LIST = 2
    """Part of a long list of pieces, under the hash of its own bytes."""


class Codec(IntEnum):
    """How an object's bytes are written down."""

    RAW = 0
    ZSTD = 1


class Location(NamedTuple):
    """Where one object lies.

    Attributes:
        id: The object's name.
        kind: What it is.
        pack: The pack that holds it.
        offset: First byte within the pack.
        stored: Length within the pack, in bytes.
        raw: Length after decompression, in bytes.
        codec: How it is compressed.
    """

    id: ObjectId
    kind: Kind
    pack: PackName
    offset: int
    stored: int
    raw: int
    codec: Codec


class IndexRoot(NamedTuple):
    """A stored index segment: one of its own, or the trailer of a pack.

    Attributes:
        name: Pack name, or ``<hash>_<nonce>`` of a segment.
        is_pack: Whether ``name`` is a pack whose trailer is meant.
        entries: Number of objects it locates.
        size: Size of the stored object that holds it, in bytes.
    """

    name: str
    is_pack: bool
    entries: int
    size: int
