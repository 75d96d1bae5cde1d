"""The port to shared storage, in our own words; each method states its promise.

Three buckets stand behind it (S3, plain folder, memory) and one contract suite in
tests/integration holds all of them to these words. Keys are relative to the prefix and
begin with `.S3/`. Immutable objects are written with `put_new` under names that are never
used twice; only the head is written with `put_if`.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NewType, Protocol

from cas_sync.errors import DamageError
from cas_sync.model.credentials import Credentials

Key = NewType("Key", str)
"""Name of an object below the prefix, ``.S3/...``, with ``/`` between its parts."""

ETag = NewType("ETag", str)
"""Opaque version of an object; changes whenever its bytes change."""

Body = bytes | bytearray
"""What is stored as an object; what is reused for the next one is given as a bytearray."""


@dataclass(frozen=True, slots=True)
class Blob:
    """An object as it was read."""

    data: bytes
    etag: ETag


@dataclass(frozen=True, slots=True)
class Stored:
    """The write happened."""

    etag: ETag


@dataclass(frozen=True, slots=True)
class Moved:
    """The condition did not hold, by the store's own word; nothing was stored by this try."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """The write may have happened, may happen later, or not at all.

    Attributes:
        why: What the store or the connection answered, for people.
    """

    why: str


MAX_WHOLE = 256 << 20
"""No object that is read as a whole is longer, in bytes; the longest are index segments."""


class Meter:
    """Counts what a bucket sent and received; safe to use from any thread.

    Attributes:
        requests: Number of requests sent, by HTTP method (or what would be one).
        bytes_up: Bytes of request bodies sent.
        bytes_down: Bytes of response bodies received.
        server_date: What a server's latest answer said the time was, as HTTP writes it
            (RFC 9110, section 5.6.7); empty where no server answered.
    """

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.bytes_up = 0
        self.bytes_down = 0
        self.server_date = ""
        self._lock = threading.Lock()

    def count(self, method: str, *, up: int = 0, down: int = 0) -> None:
        """Add one request of ``method`` with its body sizes, in bytes."""
        with self._lock:
            self.requests[method] += 1
            self.bytes_up += up
            self.bytes_down += down


class Bucket(Protocol):
    """Strongly consistent object storage below one prefix; safe to use from any thread.

    Every method may raise `AccessError` (retrying is useless), `UnavailableError` (after
    the bucket's own retries) or `ConfigError` (no such bucket, wrong region).

    Attributes:
        url: Where it is, as the user wrote it; holds no secret.
        meter: What was sent and received so far.
    """

    url: str
    meter: Meter

    def get(self, key: Key, most: int = MAX_WHOLE) -> Blob | None:
        """Return the whole object, or `None` where there is none.

        Never holds much more than ``most`` bytes, whatever the store has or sends.

        Raises:
            DamageError: The object is longer than ``most`` bytes.
        """

    def get_range(self, key: Key, offset: int, length: int) -> bytes | None:
        """Return exactly ``length`` bytes from ``offset``; `None` where there is no object.

        Raises:
            DamageError: The object is shorter, or the store sent other than was asked.
        """

    def put_new(self, key: Key, data: Body) -> Stored | Moved:
        """Store an object that must not exist yet. Retries; so `Moved` may be our own try.

        Nothing holds on to ``data`` once this returns: a buffer may be written to again.
        Callers use names that are never used twice, for which `Moved` means "is there".
        """

    def put_if(self, key: Key, data: bytes, expected: ETag | None) -> Stored | Moved | Unclear:
        """Store ``data`` only while the object is at ``expected``: exactly one try is sent.

        Args:
            key: Object to write.
            data: New content.
            expected: Version read before; `None` means "does not exist yet".
        """

    def list_keys(self, under: Key) -> Iterator[tuple[Key, int]]:
        """Yield every key that starts with ``under`` and its size in bytes, in key order.

        Never short: an incomplete listing is an error, not an end.
        """

    def delete(self, keys: Iterable[Key]) -> None:
        """Delete the objects; those that are gone already are no error.

        Raises:
            StoreError: At least one object could not be deleted; the message names it.
        """

    def close(self) -> None:
        """Give connections back; the bucket is not used afterwards."""


def lacks(key: Key) -> DamageError:
    """Return the error of an immutable object that others refer to and that is gone."""
    return DamageError(
        f"the store lacks {key}",
        cause="it was deleted by something other than cas-sync",
        fix="restore it from the bucket's versions, then run the same command again",
    )


def too_long(key: str, url: str, most: int) -> DamageError:
    """Return the error of an object that is longer than any of its kind may be."""
    return DamageError(
        f"{key} in {url} is longer than it may be",
        cause=f"no such object has more than {most:,} bytes; no client writes one like this",
        fix="restore it from the bucket's versions, then run the same command again",
    )


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """Where a store is and how to reach it; its text shows no secret.

    Attributes:
        url: ``s3://bucket/prefix``, ``file:///path`` or a plain path.
        profile: Name of an AWS profile; `None` leaves it to boto3.
        region: AWS region; `None` leaves it to boto3.
        endpoint_url: Address of an S3-compatible server; `None` leaves it to boto3.
        jobs: Requests that may be in flight at once.
        checksums: ``when_required`` or ``when_supported``, as boto3 means them; ``auto``
            takes the first for servers that are not AWS's.
        credentials: Keys that go before all others; `None` leaves them to boto3.
        unsigned: Whether requests go unsigned where boto3 finds no credentials.
    """

    url: str
    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    jobs: int = field(default=8)
    checksums: str = "auto"
    credentials: Credentials | None = None
    unsigned: bool = False
