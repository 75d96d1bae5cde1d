"""Measures whether a store keeps its word before anybody's data depends on it.

Several writers are safe only where a conditional write that must lose does lose, under a
race too, and where what was written is read and listed at once. Many servers take the
condition and do nothing with it. All probes work on objects of their own below
``.S3/tmp/probe-<token>-`` and take them away at the end; nothing else is touched.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Barrier
from typing import TypeVar

from cas_sync.clock import Clock
from cas_sync.errors import AccessError, StoreError, UnsafeStoreError
from cas_sync.store.bucket import Blob, Bucket, ETag, Key, Moved, Stored, Unclear

_TURNS = 60  # tries of one writer for one increment; the last ones are seconds apart

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What one probe found.

    Attributes:
        name: The promise that was tested, in a few words.
        ok: Whether the store kept it; a probe that could not be made counts as kept.
        detail: What was seen instead, or why it could not be tested; empty if all is well.
    """

    name: str
    ok: bool
    detail: str = ""


def first_failure(results: Iterable[ProbeResult]) -> str:
    """Return name and detail of the first probe that failed; empty if none did."""
    return next((f"{found.name}: {found.detail}" for found in results if not found.ok), "")


def run_probes(
    bucket: Bucket,
    clock: Clock,
    token: str,
    *,
    writers: int = 3,
    rounds: int = 2,
    increments: int = 2,
) -> list[ProbeResult]:
    """Run every probe and return what each found, in order.

    Args:
        bucket: The store to measure; the probes write to it.
        clock: Waits between tries.
        token: Makes the names of this run's objects unique.
        writers: How many race at once.
        rounds: How many objects they race to create.
        increments: How often each of them has to win the counter.

    Raises:
        StoreError: The store could not be reached or used at all.
    """
    probes = _Probes(
        bucket, clock, token, writers=writers, rounds=rounds, increments=increments
    )
    steps: tuple[tuple[str, Callable[[], str]], ...] = (
        ("an object that exists is not created again", probes.create_again),
        ("a write based on an old version is refused", probes.stale_version),
        ("a write based on a version that is gone is refused", probes.missing_version),
        ("what was written is read and listed at once", probes.read_after_write),
        ("what was deleted is gone at once and can be created again", probes.delete),
    )
    races: tuple[tuple[str, Callable[[], str]], ...] = (
        ("of several writers creating an object one wins", probes.create_race),
        ("no update of a contended object is lost", probes.counter_race),
    )
    try:
        results = [_run(name, step) for name, step in steps]
        # Side by side: some servers let a loser wait for a second before it is told.
        with ThreadPoolExecutor(len(races)) as pool:
            return results + list(pool.map(lambda race: _run(*race), races))
    finally:
        # Left-overs are inert, and the right to delete is not needed to sync.
        with suppress(StoreError):
            bucket.delete(probes.used)


class _NotTestedError(Exception):
    """The probe cannot be made here; says nothing against the store."""


def _run(name: str, step: Callable[[], str]) -> ProbeResult:
    try:
        detail = step()
    except _NotTestedError as error:
        return ProbeResult(name, ok=True, detail=f"not tested: {error}")
    except UnsafeStoreError as error:
        return ProbeResult(name, ok=False, detail=error.cause or error.message)
    return ProbeResult(name, ok=not detail, detail=detail)


class _Probes:
    """The probes; each returns what is wrong, or nothing."""

    def __init__(
        self,
        bucket: Bucket,
        clock: Clock,
        token: str,
        *,
        writers: int,
        rounds: int,
        increments: int,
    ) -> None:
        self.used: list[Key] = []
        self._bucket = bucket
        self._clock = clock
        self._under = f".S3/tmp/probe-{token}-"
        self._writers = writers
        self._rounds = rounds
        self._increments = increments

    def create_again(self) -> str:
        key = self._key("again")
        # Not asked for `Stored`: a repeated request may meet our own first one.
        self._bucket.put_new(key, b"first")
        if self._read(key).data != b"first":
            return "a new object does not hold what was written"
        second = self._bucket.put_new(key, b"second")
        if isinstance(second, Stored):
            return "the second creation was accepted (If-None-Match is ignored)"
        if self._read(key).data != b"first":
            return "the second creation was refused, but changed the object"
        if isinstance(self._bucket.put_if(key, b"third", None), Stored):
            return "a creation by one try was accepted (If-None-Match is ignored)"
        return "" if self._read(key).data == b"first" else "a refused write changed the object"

    def stale_version(self) -> str:
        key = self._key("stale")
        self._bucket.put_new(key, b"one")
        old = self._read(key).etag
        if not isinstance(self._settled(key, b"two", old), Stored):
            return "a write based on the current version was refused"
        new = self._read(key)
        if new.data != b"two" or new.etag == old:
            return "the version does not change with the content"
        if isinstance(self._settled(key, b"three", old), Stored):
            return "it was accepted (If-Match is ignored)"
        return (
            "" if self._read(key).data == b"two" else "it was refused, but changed the object"
        )

    def missing_version(self) -> str:
        key = self._key("missing")
        version = self._read(self._key("stale")).etag
        if isinstance(self._settled(key, b"back", version), Stored):
            return "it was accepted (If-Match on a missing object is ignored)"
        return "it was refused, but stored" if self._bucket.get(key) else ""

    def read_after_write(self) -> str:
        key = self._key("fresh")
        if self._bucket.get(key) is not None or self._is_listed(key):
            return "an object that was never written is there"
        self._bucket.put_new(key, b"fresh")
        blob = self._bucket.get(key)
        if blob is None or blob.data != b"fresh":
            return "a new object is not read"
        return "" if self._is_listed(key) else "a new object is not listed"

    def delete(self) -> str:
        key = self._key("again")
        try:
            self._bucket.delete([key])
        except AccessError as error:
            raise _NotTestedError("deleting is not allowed") from error
        if self._bucket.get(key) is not None:
            return "a deleted object is read"
        if self._is_listed(key):
            return "a deleted object is listed"
        self._bucket.put_new(key, b"new")
        return "" if self._read(key).data == b"new" else "it came back with other content"

    def create_race(self) -> str:
        with ThreadPoolExecutor(2) as pool:
            return next(filter(None, pool.map(self._create_once, range(self._rounds))), "")

    def _create_once(self, number: int) -> str:
        key = self._key(f"race-{number}")
        outcomes = self._race(partial(self._create, key))
        blob = self._bucket.get(key)
        won = {_tag(me) for me, outcome in enumerate(outcomes) if isinstance(outcome, Stored)}
        # An unclear answer may have been a win, as the object tells.
        unclear = [outcome.why for outcome in outcomes if isinstance(outcome, Unclear)]
        if blob is None:
            if unclear and not won:
                return f"no writer got a clear answer ({unclear[0]})"
            return f"nothing is there, though {len(won)} were told to have won"
        if won - {blob.data} or not (won or unclear):
            return f"{len(won)} of {self._writers} were told to have won"
        return ""

    def _create(self, key: Key, me: int) -> Stored | Moved | Unclear:
        return self._bucket.put_if(key, _tag(me), None)

    def counter_race(self) -> str:
        key = self._key("counter")
        self._bucket.put_new(key, b"")
        sure = [tag for tags in self._race(partial(self._count_up, key)) for tag in tags]
        there = Counter(self._read(key).data.split())
        if lost := [tag for tag in sure if not there[tag]]:
            return f"{len(lost)} of {len(sure)} confirmed updates were lost"
        if len(sure) < self._writers * self._increments:
            return f"only {len(sure)} updates were confirmed in {_TURNS} tries each"
        return "an update was made twice" if max(there.values()) > 1 else ""

    def _count_up(self, key: Key, me: int) -> list[bytes]:
        """Add marks to the object until `increments` are in it; return those confirmed."""
        done: list[bytes] = []
        for turn in range(_TURNS):
            blob = self._read(key)
            mark = b"%d.%d" % (me, len(done))
            # A try whose answer was unclear shows here whether it was stored.
            if mark in blob.data.split():
                outcome: Stored | Moved | Unclear = Stored(blob.etag)
            else:
                outcome = self._bucket.put_if(key, blob.data + mark + b"\n", blob.etag)
            if isinstance(outcome, Stored):
                done.append(mark)
                if len(done) == self._increments:
                    break
            else:
                self._wait(turn)
        return done

    def _settled(self, key: Key, data: bytes, expected: ETag) -> Stored | Moved:
        """Write conditionally, without competitors, until the answer is clear."""
        outcome: Stored | Moved | Unclear = Unclear("not tried")
        for turn in range(5):
            outcome = self._bucket.put_if(key, data, expected)
            if not isinstance(outcome, Unclear):
                break
            self._wait(turn)
            if (blob := self._bucket.get(key)) is not None and blob.data == data:
                return Stored(blob.etag)
        if isinstance(outcome, Unclear):
            raise UnsafeStoreError(
                f"{self._bucket.url} does not answer conditional writes", cause=outcome.why
            )
        return outcome

    def _race(self, step: Callable[[int], T]) -> list[T]:
        """Run ``step`` once for each writer, all starting at the same moment."""
        start = Barrier(self._writers)

        def run(me: int) -> T:
            start.wait()
            return step(me)

        with ThreadPoolExecutor(self._writers) as pool:
            return list(pool.map(run, range(self._writers)))

    def _wait(self, turn: int) -> None:
        # Random, so that writers which met once do not meet again.
        self._clock.sleep(secrets.randbelow(10 * 2 ** min(turn, 8) + 1) / 1000)

    def _key(self, name: str) -> Key:
        key = Key(f"{self._under}{name}")
        if key not in self.used:
            self.used.append(key)
        return key

    def _read(self, key: Key) -> Blob:
        if (blob := self._bucket.get(key)) is None:
            raise UnsafeStoreError(
                f"{self._bucket.url} does not keep what it is given",
                cause=f"{key} was written and is not there",
            )
        return blob

    def _is_listed(self, key: Key) -> bool:
        return key in {found for found, _ in self._bucket.list_keys(Key(self._under))}


def _tag(writer: int) -> bytes:
    return b"writer %d" % writer
