"""What a scan has read of new files, kept so that publishing them need not read it again.

Of a small file its bytes, as long as there is room; of any other where it is cut. Both are
kept under the hash of just the bytes that were read, so what is published is what the scan
saw. Nothing rests on it: what is not here is read.

Where somebody takes the chunks of added files at once, they go there, in path order.
"""

from collections import deque
from concurrent.futures import Future
from enum import Enum, auto
from typing import Protocol

from cas_sync.formats.pieces import PIECE_SIZE
from cas_sync.model.ids import ObjectId
from cas_sync.model.params import ChunkParams
from cas_sync.worktree.cutting import CutAhead, FileCut

BYTES_ROOM = 80 << 20
PIECES_ROOM = 16 << 20
_OVERHEAD = 200  # of a small object in a dict, under a key of its own
_BEHIND = 16
_BATCH_BYTES = 1 << 18


class News(Enum):
    """What is new about a file that is read."""

    NONE = auto()
    """Nothing, most likely: its times could hide a change."""

    CHANGED = auto()
    ADDED = auto()


class Taker(Protocol):
    """Takes the chunks of files that are added, while the folder is scanned."""

    def takes(self, size: int) -> bool:
        """Say whether the chunks of one more file are taken; ``size`` is how long it is."""

    def take(self, oid: ObjectId, chunk: bytes | memoryview) -> None:
        """Take a chunk, whose bytes are used again afterwards; called in one thread."""


class Kept:
    """Keeps what was read, within bounds; first come, first kept. For one thread.

    Args:
        params: Where files are probably cut: those of the repository, if that is known.
        bytes_room: How much may be kept of small files, in bytes.
        pieces_room: How much may be kept about where the others are cut, in bytes.
        taker: Takes chunks of added files; the bytes of small ones are then not kept.

    Attributes:
        params: The same.
    """

    def __init__(
        self,
        params: ChunkParams,
        bytes_room: int = BYTES_ROOM,
        pieces_room: int = PIECES_ROOM,
        taker: Taker | None = None,
    ) -> None:
        self.params = params
        self._taker = taker
        self._batch: list[tuple[ObjectId, bytes]] = []
        self._batch_size = 0
        self._taken: deque[Future[None]] = deque()
        self._bytes_left = bytes_room
        self._pieces_left = pieces_room
        self._bytes: dict[ObjectId, bytes] = {}
        self._pieces: dict[ObjectId, bytes] = {}
        self._pending: deque[tuple[ObjectId, Future[bytes]]] = deque()
        self._ahead: CutAhead | None = None

    def keep(self, oid: ObjectId, data: bytes, news: News = News.CHANGED) -> None:
        """Keep all bytes of a small file, if there is room and nobody takes them."""
        taker = self._taker
        if taker is not None and news is News.ADDED and taker.takes(len(data)):
            self._batch.append((oid, data))
            self._batch_size += len(data)
            if self._batch_size >= _BATCH_BYTES:
                self._hand_over()
            return
        cost = len(data) + _OVERHEAD
        if cost <= self._bytes_left and oid not in self._bytes:
            self._bytes[oid] = data
            self._bytes_left -= cost

    def take(self, oid: ObjectId) -> bytes | None:
        """Return the bytes of a small file and forget them; `None` if they are not here."""
        data = self._bytes.pop(oid, None)
        if data is not None:
            self._bytes_left += len(data) + _OVERHEAD
        return data

    def _hand_over(self) -> None:
        """Let the other thread pass on small files, behind what it was given before."""
        batch, self._batch, self._batch_size = self._batch, [], 0
        taker = self._taker
        if not batch or taker is None:
            return

        def pass_on() -> None:
            for oid, data in batch:
                taker.take(oid, data)

        self._taken.append(self._cutter().after(pass_on))
        while self._taken and (len(self._taken) > _BEHIND or self._taken[0].done()):
            self._taken.popleft().result()

    def finish(self) -> None:
        """Wait until all that is taken was taken.

        Raises:
            StoreError: Whoever takes it could not.
        """
        self._hand_over()
        self._settle(0)
        while self._taken:
            self._taken.popleft().result()

    def _cutter(self) -> CutAhead:
        if self._ahead is None:
            self._ahead = CutAhead(self.params)
        return self._ahead

    def begin_cut(self, size: int, news: News = News.CHANGED) -> FileCut | None:
        """Begin to cut a file of ``size`` bytes; `None` where there is no room.

        Raises:
            ConfigError: Only the slow fallback of the cutting library is installed.
        """
        if size // self.params.avg_size * PIECE_SIZE + _OVERHEAD > self._pieces_left:
            return None
        taker = self._taker if news is News.ADDED else None
        if taker is None or not taker.takes(size):
            return self._cutter().begin()
        self._hand_over()
        return self._cutter().begin(taker.take)

    def keep_pieces(self, oid: ObjectId, pieces: Future[bytes]) -> None:
        """Keep where a file is cut, once that is known; waits where that is far behind."""
        self._pending.append((oid, pieces))
        self._settle(_BEHIND)

    def take_pieces(self, oid: ObjectId) -> bytes | None:
        """Return the pieces of a file and forget them; `None` if they are not here."""
        self._settle(0)
        pieces = self._pieces.pop(oid, None)
        if pieces is not None:
            self._pieces_left += len(pieces) + _OVERHEAD
        return pieces

    def _settle(self, behind: int) -> None:
        while self._pending and (len(self._pending) > behind or self._pending[0][1].done()):
            oid, future = self._pending.popleft()
            pieces = future.result()
            if oid not in self._pieces:
                self._pieces[oid] = pieces
                self._pieces_left -= len(pieces) + _OVERHEAD

    def close(self) -> None:
        """Forget everything; the object is of no use afterwards."""
        if self._ahead is not None:
            self._ahead.close()
        self._bytes.clear()
        self._pieces.clear()
        self._pending.clear()
        self._batch.clear()
        self._taken.clear()
        self._bytes_left = self._pieces_left = 0
