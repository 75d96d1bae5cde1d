r"""The list of a file's pieces, stored under the file's own id. docs/design.md, section 5.4.

    offset  size  field
    0       8     magic "CASFIL1\n"
    8       1     level: 0 for chunks, 1 for lists of chunks
    9       3     zero
    12      4     number of pieces n, big-endian
    16      8     size of everything they make up, in bytes, big-endian
    24      40 n  pieces in order: id 32, length 8

A long list is itself cut by content, where a piece's id says so, so that a small edit of a
large file stores one short list again and not all of it.
"""

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cas_sync.errors import FormatError
from cas_sync.model.ids import ObjectId

MAGIC = b"CASFIL1\n"
_HEADER = struct.Struct(">8sB3xIQ")
_PIECE = struct.Struct(">32sQ")
LIST_MIN = 64
LIST_MASK = 127
LIST_MAX = 1024
MEAN_MIN = 64
"""No file is cut into pieces that are shorter in the mean, in bytes."""

FLAT_MAX = 256
"""A file of more pieces gets lists, so that what names it stays short."""


class Piece(NamedTuple):
    """One piece of a file: a chunk, or a list of chunks.

    Attributes:
        id: Its name.
        length: Bytes of the file it stands for.
    """

    id: ObjectId
    length: int


class Pieces(NamedTuple):
    """What makes up a file, or a part of one.

    Attributes:
        level: 0 where the pieces are chunks, 1 where they are lists of chunks.
        pieces: The pieces, in order.
    """

    level: int
    pieces: tuple[Piece, ...]

    @property
    def size(self) -> int:
        """Bytes they make up."""
        return sum(piece.length for piece in self.pieces)

    def between(self, start: int, end: int) -> Iterator[tuple[Piece, int]]:
        """Yield each piece with bytes from ``start`` up to ``end``, and its offset."""
        at = 0
        for piece in self.pieces:
            if at >= end:
                return
            if at + piece.length > max(start, at):
                yield piece, at
            at += piece.length


PIECE_SIZE = _PIECE.size
"""Length of one piece as it is written, in bytes."""


def encode(piece: Piece) -> bytes:
    """Return one piece as it is written in a list, which is also how many are kept."""
    return _PIECE.pack(piece.id, piece.length)


def decode(data: bytes | memoryview) -> Iterator[Piece]:
    """Yield the pieces that were written one after the other."""
    return (Piece(ObjectId(digest), length) for digest, length in _PIECE.iter_unpack(data))


def cut_lists(chunks: Iterable[Piece]) -> Iterator[Pieces]:
    """Yield ``chunks`` as lists that end where a chunk's id says so."""
    run: list[Piece] = []
    for chunk in chunks:
        run.append(chunk)
        ends = len(run) >= LIST_MIN and chunk.id[-1] & LIST_MASK == 0
        if ends or len(run) == LIST_MAX:
            yield Pieces(0, tuple(run))
            run = []
    if run:
        yield Pieces(0, tuple(run))


def dump(pieces: Pieces) -> bytes:
    """Return the one encoding of ``pieces``."""
    rows = map(encode, pieces.pieces)
    head = _HEADER.pack(MAGIC, pieces.level, len(pieces.pieces), pieces.size)
    return head + b"".join(rows)


def load(data: bytes) -> Pieces:
    """Return what ``data`` encodes.

    Raises:
        FormatError: ``data`` is not a list of pieces this version can read.
    """
    if len(data) < _HEADER.size:
        raise FormatError("list of pieces is too short")
    magic, level, n, size = _HEADER.unpack_from(data)
    if magic != MAGIC or level > 1 or data[9:12] != bytes(3):
        raise FormatError("list of pieces has an unknown signature")
    if len(data) != _HEADER.size + n * _PIECE.size:
        raise FormatError("list of pieces has the wrong length")
    pieces = Pieces(level, tuple(decode(memoryview(data)[_HEADER.size :])))
    if pieces.size != size:
        raise FormatError("list of pieces does not add up to its size")
    if level == 0 and n > LIST_MAX:
        raise FormatError("list of pieces is longer than any may be")
    return pieces
