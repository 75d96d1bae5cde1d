"""A walk through a manifest that leaves out what nobody asks for."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from cas_sync.formats import pages
from cas_sync.formats.rows import RowCodec
from cas_sync.model.commit import PageRef
from cas_sync.store.page_reader import AHEAD, PageReader, between, is_within, last

T = TypeVar("T")


@dataclass
class _Pace:
    """How many pages of one level are read together.

    Attributes:
        n: How many were meant the last time.
        n_read: How many there were to be read.
        n_used: How many of them were looked at.
    """

    n: int = 0
    n_read: int = 0
    n_used: int = 0

    def next(self) -> int:
        """Return how many to read now: more while at least half of them is used."""
        self.n = min(max(1, 2 * self.n), AHEAD) if 2 * self.n_used >= self.n_read else 1
        self.n_used = 0
        return self.n


class Jumps(Generic[T]):
    """Walks from key to key; good for one walk.

    Args:
        reader: Reads pages.
        codec: How rows are written.
        start: First key that is meant.
        end: First key after it that is not; `None` where all are.
        skip: Returns the key to go on from after a row; `None` for the next one.
    """

    def __init__(
        self,
        reader: PageReader,
        codec: RowCodec[T],
        start: str,
        end: str | None,
        skip: Callable[[T], str | None],
    ) -> None:
        self._reader = reader
        self._codec = codec
        self._at = start
        self._end = end
        self._skip = skip
        self._paces: dict[int, _Pace] = defaultdict(_Pace)

    def rows(self, refs: list[PageRef]) -> Iterator[T]:
        """Yield the rows at or below ``refs``, pages of one level in order, that are met."""
        refs = between(refs, self._at, self._end)
        read: dict[int, Any] = {}
        i = 0
        while (i := bisect_left(refs, self._at, lo=i, key=last)) < len(refs):
            if not is_within(self._at, "", self._end):
                return
            ref = refs[i]
            pace = self._paces[ref.level]
            if i not in read:
                ahead = refs[i : i + pace.next()]
                pace.n_read = len(ahead)
                ask = self._reader.branches if ref.level else self._reader.read
                read = dict(enumerate(ask(ahead), start=i))
            pace.n_used += 1
            page = read.pop(i)
            if ref.level:
                yield from self.rows(page)
            else:
                yield from self._in_leaf(pages.load_leaf(page, ref, self._codec))
            i += 1

    def _in_leaf(self, rows: list[T]) -> Iterator[T]:
        for row in rows:
            if is_within(self._codec.key(row), self._at, self._end):
                yield row
                self._at = max(self._at, self._skip(row) or "")
