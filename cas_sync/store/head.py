"""The head: read, and moved by compare-and-swap with the truth told about it.

The request that moves the head is sent once, never retried by an SDK, because
a retry after a lost answer makes a won commit look lost. An unclear answer is resolved by
reading the head: our commit is in its history, or the head still is where it was (send
again), or it moved without us. The last is final, because no two values of the head are
the same bytes: what we sent can never match again. docs/design.md, section 7.
"""

from collections.abc import Callable
from dataclasses import dataclass

from cas_sync.clock import Clock
from cas_sync.errors import DamageError, OutcomeUnknownError, StoreError
from cas_sync.formats import documents, keys
from cas_sync.formats.strict_json import MAX_BYTES
from cas_sync.model.commit import Head
from cas_sync.store.bucket import Bucket, ETag, Key, Stored, Unclear

HEAD = Key(keys.HEAD)
TRIES = 6


@dataclass(frozen=True, slots=True)
class HeadRead:
    """The head as it was read.

    Attributes:
        head: What it says.
        etag: The version to move it from.
    """

    head: Head
    etag: ETag


@dataclass(frozen=True, slots=True)
class Won:
    """The head names our commit, or one that came after it."""

    etag: ETag | None


@dataclass(frozen=True, slots=True)
class Lost:
    """Someone else moved the head first; ours will never be in its history."""

    now: HeadRead


@dataclass(frozen=True, slots=True)
class Gone:
    """There is no head any more, or it is of another repository."""


def read_head(bucket: Bucket) -> HeadRead | None:
    """Return the head; `None` where there is none.

    Raises:
        FormatError: It is not a head this version can read.
        StoreError: The store did not answer.
    """
    blob = bucket.get(HEAD, MAX_BYTES)
    return None if blob is None else HeadRead(documents.load_head(blob.data), blob.etag)


def advance(
    bucket: Bucket,
    new: Head,
    expected: ETag | None,
    *,
    is_ours: Callable[[Head], bool],
    clock: Clock,
    jitter: Callable[[], float],
) -> Won | Lost | Gone:
    """Move the head to ``new`` if it still is at ``expected``, and say what became of it.

    Args:
        bucket: The store.
        new: The new value; the same bytes are sent at every try.
        expected: The version it was read at; `None` where there was none.
        is_ours: Says whether a head's history holds what ``new`` brings.
        clock: Waits between tries.
        jitter: Returns a random number from 0 to 1.

    Raises:
        OutcomeUnknownError: The store gave no definite answer; the next sync finds out.
    """
    data = documents.dump_head(new)
    why = ""
    unclear = False
    for n in range(TRIES):
        try:
            answer = bucket.put_if(HEAD, data, expected)
        except StoreError as error:
            if not unclear:
                raise
            # A try before this one may have moved it, so this is no clear answer either.
            why = error.message
        else:
            if isinstance(answer, Stored):
                return Won(answer.etag)
            unclear = unclear or isinstance(answer, Unclear)
            why = getattr(answer, "why", "") or why
        try:
            now = read_head(bucket)
        except (StoreError, DamageError) as error:
            why = error.message
        else:
            if now is None:
                if expected is not None:
                    return Gone()
            elif now.head.repo_id != new.repo_id:
                return Gone()
            elif is_ours(now.head):
                return Won(None)
            elif now.etag != expected:
                return Lost(now)
        clock.sleep(jitter() * min(4.0, 0.1 * 2**n))
    raise OutcomeUnknownError(
        f"could not confirm whether the commit reached {bucket.url}",
        cause=why or "the store gave no clear answer",
        fix="cas-sync sync   (it finds out, and goes on from there)",
    )
