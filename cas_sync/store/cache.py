"""Copies of immutable objects in the user's cache folder: pages and index segments.

Everything here can be deleted at any time. Whoever reads a copy checks it against its name
or checksum as if it came over the network, so a damaged copy is only fetched again.
"""

import os
import secrets
from pathlib import Path


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
        """Return the copy of ``name``, unchecked, or `None`."""
        try:
            return self.path(kind, name).read_bytes()
        except OSError:
            return None

    def put(self, kind: str, name: str, data: bytes) -> None:
        """Keep a copy; a cache that cannot be written is no reason to stop."""
        path = self.path(kind, name)
        scratch = path.with_name(f".{secrets.token_hex(8)}")
        try:
            if path.parent not in self._made:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._made.add(path.parent)
            scratch.write_bytes(data)
            os.replace(scratch, path)  # noqa: PTH105 - on both systems, over a file in use too
        except OSError:
            scratch.unlink(missing_ok=True)

    def drop(self, kind: str, name: str) -> None:
        """Forget a copy that turned out to be damaged."""
        self.path(kind, name).unlink(missing_ok=True)
