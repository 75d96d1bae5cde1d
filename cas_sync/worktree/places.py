"""Finds rows of a large sorted text file without reading all of it."""

from bisect import bisect_left
from itertools import accumulate
from typing import BinaryIO

from cas_sync.formats.rows import first_cell
from cas_sync.model.paths import sort_key

_BLOCK = 32 << 10


class Places:
    """Finds where keys stand among rows that ascend by the path in their first cell.

    Reads a few blocks for each key that is far from the last one, and none for one near it.

    Args:
        source: The file; read from wherever is needed.
        start: Where the first row begins.
        end: Where the last row ends.
    """

    def __init__(self, source: BinaryIO, start: int, end: int) -> None:
        self._source = source
        self._first = self._stop = start
        self._end = end
        self._load(start)

    def find(self, key: str) -> tuple[int, str | None, str]:
        """Return the first row that does not come before ``key``: place, key, row.

        The key is `None` where all rows come before. It costs least where keys ascend.
        """
        if self._lines and key < self._key(0):
            self._go_to(key, self._first, self._begin)
        elif not self._lines or key > self._key(-1):
            self._gallop(key)
        at = bisect_left(_Keys(self._lines), key)
        if at == len(self._lines):
            return self._end, None, ""
        return self._begin + self._offsets[at], self._key(at), self._lines[at].decode()

    def _gallop(self, key: str) -> None:
        low, step = self._stop, _BLOCK
        while low + step < self._end and not self._is_past(key, low + step):
            low += step
            step *= 2
        self._go_to(key, low, min(low + step, self._end))

    def _go_to(self, key: str, low: int, high: int) -> None:
        """Load the block that holds the first row from ``key`` on."""
        while high - low > _BLOCK:
            middle = (low + high) // 2
            if self._is_past(key, middle):
                high = middle
            else:
                low = middle
        self._load(low)
        while self._stop < self._end and (not self._lines or self._key(-1) < key):
            self._load(self._stop)

    def _is_past(self, key: str, at: int) -> bool:
        """Say whether the first row that begins after ``at`` comes after ``key``."""
        self._source.seek(at)
        after = at + len(self._source.readline())
        line = self._source.readline() if after < self._end else b""
        return not line or _key_of(line[:-1]) > key

    def _load(self, at: int) -> None:
        """Read the rows that begin in the block at ``at``, or after it where it is a row's."""
        self._source.seek(at)
        if at not in {self._first, self._stop}:
            at += len(self._source.readline())
        data = self._source.read(min(_BLOCK, max(0, self._end - at)))
        if at + len(data) < self._end:
            data += self._source.readline()
        self._begin, self._stop = at, at + len(data)
        self._lines = data.split(b"\n")[:-1]
        self._offsets = [0, *accumulate(len(line) + 1 for line in self._lines)]

    def _key(self, at: int) -> str:
        return _key_of(self._lines[at])


class _Keys:
    """The keys of some rows, for `bisect`; taken from a row when it is looked at."""

    def __init__(self, lines: list[bytes]) -> None:
        self._lines = lines

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, at: int) -> str:
        return _key_of(self._lines[at])


def _key_of(line: bytes) -> str:
    return sort_key(first_cell(line.decode()))
