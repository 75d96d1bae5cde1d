"""Finds out where files are cut, in another thread than the one that reads and hashes them.

A file is cut while its bytes are in memory anyway: on two cores that costs a scan next to
nothing, and whoever publishes the file need not read it to know which chunks are missing.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

from cas_sync.chunking.cutter import Cutter
from cas_sync.formats.pieces import Piece, encode
from cas_sync.model.ids import ObjectId
from cas_sync.model.params import ChunkParams

BLOCK = 2 << 20
_SLOTS = 3

Sink = Callable[[ObjectId, "bytes | memoryview"], None]
"""Takes a chunk, whose bytes are used again once it returns."""

T = TypeVar("T")


class Slots:
    """A few buffers that blocks are read into, each with room before it for a chunk.

    Args:
        before: How much room, in bytes.

    Attributes:
        before: The same.
    """

    def __init__(self, before: int) -> None:
        self.before = before
        self._free: SimpleQueue[memoryview] = SimpleQueue()
        self._n_made = 0

    def take(self) -> memoryview:
        """Return a buffer; waits until one is free."""
        if self._free.empty() and self._n_made < _SLOTS:
            self._n_made += 1
            return memoryview(bytearray(self.before + BLOCK))
        return self._free.get()

    def give_back(self, slot: memoryview) -> None:
        """Let somebody else have the buffer; may be called from any thread."""
        self._free.put(slot)


class CutAhead:
    """Cuts one file after the other; for one reader, who may run ahead by a few blocks.

    Args:
        params: Where files are cut.
    """

    def __init__(self, params: ChunkParams) -> None:
        self._params = params
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="cut")
        self._slots = Slots(params.max_size)

    def begin(self, sink: Sink | None = None) -> "FileCut":
        """Begin with another file; the last one need not have come to its end.

        Args:
            sink: Is given every chunk, in the thread that cuts.

        Raises:
            ConfigError: Only the slow fallback of the cutting library is installed.
        """
        return FileCut(Cutter(self._params), self._pool, self._slots, sink)

    def after(self, call: Callable[[], T]) -> Future[T]:
        """Call something in the same thread, once it has cut what it was given so far."""
        return self._pool.submit(call)

    def close(self) -> None:
        """End the thread, and forget what it has not done yet."""
        self._pool.shutdown(wait=True, cancel_futures=True)


class FileCut:
    """One file: its blocks go in, the list of its pieces comes out.

    Args:
        cutter: Cuts it.
        pool: The one thread in which that happens.
        slots: Where blocks are put.
        sink: Is given every chunk.
    """

    def __init__(
        self, cutter: Cutter, pool: ThreadPoolExecutor, slots: Slots, sink: Sink | None = None
    ) -> None:
        self._cutter = cutter
        self._pool = pool
        self._slots = slots
        self._sink = sink
        self._slot: memoryview | None = None
        self._rest = b""
        self._pieces = bytearray()

    def room(self) -> memoryview:
        """Return where the next block of the file is to be put; waits until there is room.

        Good until it is asked for again.
        """
        if self._slot is None:
            self._slot = self._slots.take()
        return self._slot[self._slots.before :]

    def feed(self, n: int, *, is_last: bool) -> Future[bytes]:
        """Cut the first ``n`` bytes of `room`, which still may be read but not written.

        Returns:
            Comes to the pieces of the whole file, each as it is written in a list, where
            ``is_last``.
        """
        slot, self._slot = self._slot, None
        if slot is None:
            raise AssertionError
        return self._pool.submit(self._cut_slot, slot, n, is_last=is_last)

    def feed_whole(self, data: bytes) -> Future[bytes]:
        """Cut a file that is in memory."""
        return self._pool.submit(self._cut, memoryview(data), is_last=True)

    def end(self) -> None:
        """Give back the room that was asked for and not used."""
        if self._slot is not None:
            self._slots.give_back(self._slot)
            self._slot = None

    def _cut_slot(self, slot: memoryview, n: int, *, is_last: bool) -> bytes:
        try:
            begin = self._slots.before
            start = begin - len(self._rest)
            slot[start:begin] = self._rest
            return self._cut(slot[start : begin + n], is_last=is_last)
        finally:
            self._slots.give_back(slot)

    def _cut(self, view: memoryview, *, is_last: bool) -> bytes:
        end = 0
        for chunk in self._cutter.cut(view, is_last=is_last):
            end += len(chunk)
            piece = Piece(ObjectId.of(chunk), len(chunk))
            if self._sink is not None:
                self._sink(piece.id, chunk)
            self._pieces += encode(piece)
        self._rest = bytes(view[end:])
        return bytes(self._pieces) if is_last else b""
