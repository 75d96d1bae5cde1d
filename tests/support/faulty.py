"""A bucket that fails where it is told to, for tests that try every place."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeVar

from cas_sync.errors import UnavailableError
from cas_sync.store.bucket import (
    MAX_WHOLE,
    Blob,
    Body,
    Bucket,
    ETag,
    Key,
    Meter,
    Moved,
    Stored,
    Unclear,
)

T = TypeVar("T")


class Fault(Enum):
    """What goes wrong with one call."""

    FAIL_BEFORE = auto()
    """Nothing is done; the answer is lost."""

    APPLY_THEN_FAIL = auto()
    """It is done; the answer is lost."""

    HOLD = auto()
    """The answer is lost; it is done when `FaultyBucket.release` is called."""

    CRASH_BEFORE = auto()
    """The process ends before anything is done."""

    CRASH_AFTER = auto()
    """The process ends right after it is done."""


class SimulatedCrash(BaseException):
    """The end of the process; not an `Exception`, so that nothing handles it by chance."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call about to be made.

    Attributes:
        method: Name of the bucket's method.
        key: What it is about; `delete` makes one call for each key.
        n: Calls of this method made before.
    """

    method: str
    key: Key
    n: int


class FaultyBucket:
    """Passes calls on to another bucket, but for those that ``decide`` names a fault for."""

    meter: Meter

    def __init__(self, inner: Bucket, decide: Callable[[Call], Fault | None]) -> None:
        self.url = inner.url
        self.meter = inner.meter
        self.calls: list[Call] = []
        self._inner = inner
        self._decide = decide
        self._counts: Counter[str] = Counter()
        self._held: list[Callable[[], object]] = []
        self._lock = threading.Lock()

    def release(self) -> list[object]:
        """Do what is held, in the order of the calls; return what came of each."""
        with self._lock:
            held, self._held = self._held, []
        return [step() for step in held]

    def get(self, key: Key, most: int = MAX_WHOLE) -> Blob | None:
        return self._run("get", key, lambda: self._inner.get(key, most))

    def get_range(self, key: Key, offset: int, length: int) -> bytes | None:
        return self._run("get_range", key, lambda: self._inner.get_range(key, offset, length))

    def put_new(self, key: Key, data: Body) -> Stored | Moved:
        sent = bytes(data)  # what is held may be done when the buffer holds something else
        return self._run("put_new", key, lambda: self._inner.put_new(key, sent))

    def put_if(self, key: Key, data: bytes, expected: ETag | None) -> Stored | Moved | Unclear:
        try:
            return self._run("put_if", key, lambda: self._inner.put_if(key, data, expected))
        except UnavailableError as error:
            return Unclear(error.message)

    def list_keys(self, under: Key) -> Iterator[tuple[Key, int]]:
        yield from self._run("list_keys", under, lambda: list(self._inner.list_keys(under)))

    def delete(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self._run("delete", key, lambda key=key: self._inner.delete([key]))

    def close(self) -> None:
        self._inner.close()

    def _run(self, method: str, key: Key, step: Callable[[], T]) -> T:
        with self._lock:
            call = Call(method, key, self._counts[method])
            self._counts[method] += 1
            self.calls.append(call)
            fault = self._decide(call)
            if fault is Fault.HOLD:
                self._held.append(step)
        match fault:
            case None:
                return step()
            case Fault.CRASH_BEFORE:
                raise SimulatedCrash(str(call))
            case Fault.CRASH_AFTER:
                step()
                raise SimulatedCrash(str(call))
            case Fault.APPLY_THEN_FAIL:
                step()
            case Fault.FAIL_BEFORE | Fault.HOLD:
                pass
        raise UnavailableError(
            f"no answer to {call.method} {call.key}", cause="a made-up fault"
        )
