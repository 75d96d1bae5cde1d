"""What a scan has read of new files, kept so that publishing them need not read it again.

Of a small file its bytes, as long as there is room; of any other where it is cut. Both are
kept under the hash of just the bytes that were read, so what is published is what the scan
saw. Nothing rests on it: what is not here is read.
"""

from collections import deque
from concurrent.futures import Future

from cas_sync.formats.pieces import PIECE_SIZE
from cas_sync.model.ids import ObjectId
from cas_sync.model.params import ChunkParams
from cas_sync.worktree.cutting import CutAhead, FileCut

BYTES_ROOM = 80 << 20
PIECES_ROOM = 16 << 20
_OVERHEAD = 200  # of a small object in a dict, under a key of its own
_BEHIND = 16


class Kept:
    """Keeps what was read, within bounds; first come, first kept. For one thread.

    Args:
        params: Where files are probably cut: those of the repository, if that is known.
        bytes_room: How much may be kept of small files, in bytes.
        pieces_room: How much may be kept about where the others are cut, in bytes.

    Attributes:
        params: The same.
    """

    def __init__(
        self,
        params: ChunkParams,
        bytes_room: int = BYTES_ROOM,
        pieces_room: int = PIECES_ROOM,
    ) -> None:
        self.params = params
        self._bytes_left = bytes_room
        self._pieces_left = pieces_room
        self._bytes: dict[ObjectId, bytes] = {}
        self._pieces: dict[ObjectId, bytes] = {}
        self._pending: deque[tuple[ObjectId, Future[bytes]]] = deque()
        self._ahead: CutAhead | None = None

    def keep(self, oid: ObjectId, data: bytes) -> None:
        """Keep all bytes of a small file, if there is room."""
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

    def begin_cut(self, size: int) -> FileCut | None:
        """Begin to cut a file of ``size`` bytes; `None` where there is no room.

        Raises:
            ConfigError: Only the slow fallback of the cutting library is installed.
        """
        if size // self.params.avg_size * PIECE_SIZE + _OVERHEAD > self._pieces_left:
            return None
        if self._ahead is None:
            self._ahead = CutAhead(self.params)
        return self._ahead.begin()

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
        self._bytes_left = self._pieces_left = 0
