"""Copies of immutable objects in the user's cache folder: pages and index segments.

Everything here can be deleted at any time. A copy carries its hash at its end, so one that
is damaged is only fetched again; whoever reads it checks it against its name all the same.
"""

import contextlib
import mmap
import os
import secrets
from pathlib import Path

from cas_sync.model.ids import DIGEST_BYTES, ObjectId

MAPPED = 1 << 20
"""A copy that is larger, in bytes, is mapped rather than read."""


class Cache:
    """A folder of immutable blobs by kind and name.

    Args:
        root: Folder of one repository's copies; made when first written to.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._made: set[Path] = set()

    def path(self, kind: str, name: str) -> Path:
        """Return where the copy of ``name`` lies, or would."""
        return self._root / kind / name[-2:] / name

    def get(self, kind: str, name: str) -> bytes | None:
        """Return the copy of ``name`` as it was put, or `None`."""
        try:
            kept = self.path(kind, name).read_bytes()
        except OSError:
            return None
        data = kept[:-DIGEST_BYTES]
        return data if kept[-DIGEST_BYTES:] == ObjectId.of(data) else None

    def view(self, kind: str, name: str) -> memoryview | None:
        """Return the copy of ``name`` unread and unchecked, or `None`.

        A large one takes address space and no memory of its own. Whoever uses it checks it.
        """
        try:
            with self.path(kind, name).open("rb") as file:
                is_large = os.fstat(file.fileno()).st_size > MAPPED
                kept = (
                    mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                    if is_large
                    else file.read()
                )
        except (OSError, ValueError):
            return None
        return memoryview(kept)[:-DIGEST_BYTES]

    def put(self, kind: str, name: str, data: bytes | bytearray) -> None:
        """Keep a copy; a cache that cannot be written is no reason to stop."""
        path = self.path(kind, name)
        scratch = path.with_name(f".{secrets.token_hex(8)}")
        try:
            if path.parent not in self._made:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._made.add(path.parent)
            with scratch.open("wb") as file:
                file.write(data)
                file.write(ObjectId.of(data))
            os.replace(scratch, path)  # noqa: PTH105 - on both systems, over a file in use too
        except OSError:
            _remove(scratch)

    def drop(self, kind: str, name: str) -> None:
        """Forget a copy that turned out to be damaged."""
        _remove(self.path(kind, name))


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
