"""A text file that is only appended to, and whose lines are believed one by one.

Each line begins with a hash of the rest. What follows a line that is torn or changed is
not believed either: later lines may rely on earlier ones.
"""

import contextlib
from collections.abc import Iterable
from typing import BinaryIO, Self

from blake3 import blake3

from cas_sync.model.paths import STATE_DIR
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.trouble import translated

_DIGITS = 16


class CheckedLog:
    """A log below ``.S3``; a context manager that closes it.

    Args:
        folder: The data folder.
        name: Name of the file in ``.S3``.
    """

    def __init__(self, folder: Folder, name: str) -> None:
        self._folder = folder
        self._path = f"{STATE_DIR}/{name}"
        self._file: BinaryIO | None = None

    def read(self) -> list[str]:
        """Return the lines that can be believed; none where there is no file."""
        found = []
        with translated(self._path), contextlib.suppress(FileNotFoundError):
            fd, _ = self._folder.open_read(self._path)
            with open(fd, "rb") as source:
                for raw in source:
                    digest, _, text = raw.partition(b" ")
                    if not text.endswith(b"\n") or digest != _digest(text[:-1]):
                        break
                    found.append(text[:-1].decode())
        return found

    def begin(self, lines: Iterable[str]) -> None:
        """Put a new file with ``lines`` in place of any old one.

        Raises:
            WorktreeError: It cannot be written.
        """
        self.remove()
        with translated(self._path):
            self._file = open(self._folder.open_append(self._path), "ab")  # noqa: SIM115
        self.append(lines)

    def append(self, lines: Iterable[str]) -> None:
        """Add lines, each a text without line feeds; not forced to the disk.

        A power cut may cost the last of them, and with them only work done again.
        """
        if self._file is None:
            raise ValueError("the log was not begun")
        with translated(self._path):
            for line in lines:
                data = line.encode()
                self._file.write(_digest(data) + b" " + data + b"\n")
            self._file.flush()

    def remove(self) -> None:
        """Close and remove the file, if there."""
        self.close()
        with translated(self._path), contextlib.suppress(FileNotFoundError):
            self._folder.unlink(self._path)

    def close(self) -> None:
        """Close the file; what was appended stays."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _digest(data: bytes) -> bytes:
    return blake3(data).hexdigest()[:_DIGITS].encode()
