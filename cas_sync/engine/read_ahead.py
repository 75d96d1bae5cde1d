"""Foreign objects read one after the other, while the next are on their way."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import NamedTuple

from cas_sync.model.foreign import ForeignObject
from cas_sync.store.foreign import ForeignStore

RANGE = 4 << 20
"""No single request reads more, in bytes."""

WINDOW = 32 << 20
"""Bytes that may be on their way, or waiting, at once."""

MOST = 64
"""Requests that may be on their way, or waiting, at once."""


class _Part(NamedTuple):
    object: ForeignObject
    length: int
    answer: "Future[bytes | None]"


class ReadAhead:
    """Reads objects in the order given; memory does not grow with their number or size.

    Args:
        store: Where they lie.
        pool: Runs the requests.
        objects: What will be asked for, in this order.
    """

    def __init__(
        self, store: ForeignStore, pool: Executor, objects: Iterable[ForeignObject]
    ) -> None:
        self._store = store
        self._pool = pool
        self._spans = (span for each in objects for span in _spans(each))
        self._next = next(self._spans, None)
        self._parts: deque[_Part] = deque()
        self._waiting = 0

    def blocks(self, wanted: ForeignObject) -> Iterator[bytes]:
        """Yield the bytes of the next object, which is ``wanted``.

        Fewer come where it is gone or shorter by now: count them.
        """
        is_whole = True
        for _ in _spans(wanted):
            self._fill()
            part = self._parts.popleft()
            if part.object is not wanted:
                raise AssertionError(wanted.key)
            data = part.answer.result()
            self._waiting -= part.length
            is_whole = is_whole and data is not None
            if data is not None and is_whole:
                yield data

    def _fill(self) -> None:
        while self._next is not None and (
            not self._parts or (self._waiting < WINDOW and len(self._parts) < MOST)
        ):
            each, offset, length = self._next
            answer = self._pool.submit(self._store.read_foreign, each.key, offset, length)
            self._parts.append(_Part(each, length, answer))
            self._waiting += length
            self._next = next(self._spans, None)


def _spans(each: ForeignObject) -> Iterator[tuple[ForeignObject, int, int]]:
    for offset in range(0, each.size, RANGE):
        yield each, offset, min(RANGE, each.size - offset)
