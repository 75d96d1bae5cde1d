"""A bucket in memory: the promises of `bucket.py` in the fewest words.

It is the reference the other buckets are compared with, and what tests run on. It keeps
nothing once the process ends and never touches a disk or a network.
"""

import threading
from collections.abc import Iterable, Iterator

from blake3 import blake3

from cas_sync.errors import DamageError
from cas_sync.store.bucket import (
    MAX_WHOLE,
    Blob,
    Body,
    ETag,
    Key,
    Meter,
    Moved,
    Stored,
    Unclear,
    too_long,
)


class MemoryBucket:
    """Keeps objects in a dict; share one instance to share the objects.

    Attributes:
        url: Name shown to people.
        meter: What would have been sent and received.
    """

    def __init__(self, url: str = "memory:") -> None:
        self.url = url
        self.meter = Meter()
        self._objects: dict[Key, bytes] = {}
        self._lock = threading.Lock()

    def get(self, key: Key, most: int = MAX_WHOLE) -> Blob | None:
        """Return the whole object, or `None` where there is none.

        Raises:
            DamageError: It is longer than ``most`` bytes.
        """
        with self._lock:
            data = self._objects.get(key)
        self.meter.count("GET", down=len(data or b""))
        if data is not None and len(data) > most:
            raise too_long(key, self.url, most)
        return None if data is None else Blob(data, etag_of(data))

    def get_range(self, key: Key, offset: int, length: int) -> bytes | None:
        """Return exactly ``length`` bytes from ``offset``; `None` where there is no object.

        Raises:
            DamageError: The object is shorter.
        """
        with self._lock:
            data = self._objects.get(key)
        if data is None:
            self.meter.count("GET")
            return None
        piece = data[offset : offset + length]
        self.meter.count("GET", down=len(piece))
        if len(piece) != length or offset > len(data):
            raise DamageError(
                f"{key} in {self.url} is too short",
                cause=f"{length} bytes from {offset} were asked of {len(data)}",
            )
        return piece

    def put_new(self, key: Key, data: Body) -> Stored | Moved:
        """Store an object that must not exist yet."""
        return self._put(key, data, None)

    def put_if(self, key: Key, data: bytes, expected: ETag | None) -> Stored | Moved | Unclear:
        """Store ``data`` only while the object is at ``expected``; never unclear."""
        return self._put(key, data, expected)

    def _put(self, key: Key, data: Body, expected: ETag | None) -> Stored | Moved:
        self.meter.count("PUT", up=len(data))
        with self._lock:
            current = self._objects.get(key)
            if (None if current is None else etag_of(current)) != expected:
                return Moved()
            self._objects[key] = bytes(data)
        return Stored(etag_of(data))

    def list_keys(self, under: Key) -> Iterator[tuple[Key, int]]:
        """Yield every key that starts with ``under`` and its size in bytes, in key order."""
        self.meter.count("GET")
        with self._lock:
            found = [
                (key, len(data)) for key, data in self._objects.items() if key.startswith(under)
            ]
        yield from sorted(found)

    def delete(self, keys: Iterable[Key]) -> None:
        """Delete the objects; those that are gone already are no error."""
        for key in keys:
            self.meter.count("DELETE")
            with self._lock:
                self._objects.pop(key, None)

    def close(self) -> None:
        """Do nothing: there are no connections."""


def etag_of(data: Body) -> ETag:
    """Return the version that objects with these bytes have in a memory bucket."""
    return ETag(blake3(data).hexdigest())
