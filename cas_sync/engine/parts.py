"""Chunks of files, read and compressed by several threads and taken in the order asked for.

Reading, hashing and compressing let go of the interpreter's lock, so as many threads as
there are cores do them at once, while another one puts packs together and uploads go on.
Everything happens in buffers that are used again and again: who asks for more than fits
waits until the oldest part was taken. A file is never mapped into memory: one that is cut
short meanwhile would kill the process.
"""

import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, Self

from blake3 import blake3

from cas_sync.formats.codec import Compressor
from cas_sync.formats.pieces import Piece
from cas_sync.model.pack import Codec
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.index import LocalRow
from cas_sync.worktree.reader import changed, read_part

PART = 2 << 20
MOST_THREADS = 8
_AHEAD = 2


class Packed(NamedTuple):
    """A chunk as it is to be stored.

    Attributes:
        piece: Its name and length.
        codec: How ``stored`` is written down.
        stored: Its bytes; good until its part is given back.
    """

    piece: Piece
    codec: Codec
    stored: bytes | memoryview


class Part(NamedTuple):
    """Chunks that lie one after the other in a file, on their way.

    Attributes:
        pieces: Which they are.
        size: Bytes of the file they make up.
        packed: Comes to the chunks, or to the error that the file changed.
        buffer: Where their bytes are.
    """

    pieces: Sequence[Piece]
    size: int
    packed: Future[list[Packed]]
    buffer: bytearray


class PartReader:
    """Reads parts of files; a context manager that ends its threads.

    Args:
        folder: The data folder.
        longest: Length of the longest chunk, in bytes.
        n_threads: How many are read at once; as many as there are cores if not given.

    Attributes:
        most: Bytes of the longest part.
    """

    def __init__(self, folder: Folder, longest: int, n_threads: int | None = None) -> None:
        n_threads = n_threads or min(MOST_THREADS, os.cpu_count() or 1)
        self.most = max(PART, longest)
        self._folder = folder
        self._pool = ThreadPoolExecutor(n_threads, thread_name_prefix="parts")
        self._free: list[bytearray] = []
        self._n_left = n_threads + _AHEAD
        self._local = threading.local()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    @property
    def is_full(self) -> bool:
        """Whether a part has to be given back before another one can be read."""
        return not (self._free or self._n_left)

    def read(self, row: LocalRow, offset: int, pieces: Sequence[Piece]) -> Part:
        """Begin to read chunks of the file that ``row`` describes.

        Args:
            row: The file as scanned.
            offset: Where the first of them begins.
            pieces: Which they are; they lie one after the other, `most` bytes at most.
        """
        if self._free:
            buffer = self._free.pop()
        else:
            self._n_left -= 1
            buffer = bytearray(self.most)
        size = sum(piece.length for piece in pieces)
        view = memoryview(buffer)[:size]
        future = self._pool.submit(self._read, row, offset, pieces, view)
        return Part(pieces, size, future, buffer)

    def give_back(self, part: Part) -> None:
        """Let the part's buffer be used for another one."""
        self._free.append(part.buffer)

    def _read(
        self, row: LocalRow, offset: int, pieces: Sequence[Piece], view: memoryview
    ) -> list[Packed]:
        read_part(self._folder, row, offset, view)
        compressor = self._compressor()
        found, end = [], 0
        for piece in pieces:
            data = view[end : end + piece.length]
            end += piece.length
            if blake3(data).digest() != piece.id:
                raise changed(row)
            found.append(Packed(piece, *compressor.compress(data)))
        return found

    def _compressor(self) -> Compressor:
        made: Compressor | None = getattr(self._local, "compressor", None)
        if made is None:
            made = self._local.compressor = Compressor()
        return made
