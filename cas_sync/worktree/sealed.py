"""Text files of this machine that are whole or not believed at all.

A header line, rows, and a closing row ``#end,<rows>,<note>,<BLAKE3 of all before it>``.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator
from typing import Self

from blake3 import blake3

from cas_sync.worktree.trouble import translated

_TAIL = 16 << 10
_BLOCK = 1 << 20
_DIGEST_CHARS = 64
MAX_NOTE_CHARS = 1000
_FLUSH_CHARS = 1 << 18


class SealedWriter:
    """Writes a new file beside the old one, which stays until `commit`.

    Args:
        path: The file to replace.
        tmp_dir: Folder on the same disk for the unfinished file.
        header: First line, without its line feed.
    """

    def __init__(self, path: str, tmp_dir: str, header: str) -> None:
        self._path = path
        self._temp = os.path.join(tmp_dir, f"state-{secrets.token_hex(8)}")
        with translated(path):
            self._file = open(self._temp, "xb")  # noqa: SIM115 - closed by commit or abandon
        self._hasher = blake3()
        self._lines = [header]
        self._chars = 0
        self.n_rows = 0

    def write(self, line: str) -> None:
        """Add a row, given without its line feed."""
        self._lines.append(line)
        self.n_rows += 1
        self._chars += len(line)
        if self._chars > _FLUSH_CHARS:
            self._flush()

    def _flush(self) -> None:
        if self._lines:
            data = ("\n".join(self._lines) + "\n").encode()
            self._hasher.update(data)
            with translated(self._path):
                self._file.write(data)
            self._lines, self._chars = [], 0

    def commit(self, note: str, *, fsync: bool) -> None:
        """Close the file and put it in place of the old one.

        Args:
            note: What the reader is told without reading the rows; no comma, one line.
            fsync: Whether it is to survive a power cut.

        Raises:
            ValueError: ``note`` is not such a text.
            DiskFullError: There is no room; the old file stays.
            WorktreeError: It cannot be written; the old file stays.
        """
        if "," in note or '"' in note or not note.isprintable() or len(note) > MAX_NOTE_CHARS:
            self.abandon()
            raise ValueError("a note is one short line of text without commas")
        self._lines.append(f"#end,{self.n_rows},{note},")
        data = "\n".join(self._lines).encode()
        self._hasher.update(data)
        with translated(self._path):
            self._file.write(data + self._hasher.hexdigest().encode() + b"\n")
            self._file.flush()
            if fsync:
                os.fsync(self._file.fileno())
            self._file.close()
            os.replace(self._temp, self._path)

    def abandon(self) -> None:
        """Leave the old file as it is; may be called after `commit`."""
        self._file.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._temp)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.abandon()


class SealedFile:
    """A sealed file as it was found.

    Attributes:
        note: What its writer noted; `None` where the file is missing or not whole.
        n_rows: Number of its rows.
    """

    def __init__(self, path: str, header: str) -> None:
        self._path = path
        self._header = header
        self.note: str | None = None
        self.n_rows = 0
        with contextlib.suppress(OSError, ValueError):
            self._check()

    def _check(self) -> None:
        with open(self._path, "rb") as source:
            size = source.seek(0, os.SEEK_END)
            source.seek(max(0, size - _TAIL))
            tail = source.read()
            line = tail[tail.rfind(b"\n", 0, -1) + 1 :].decode()
            mark, rows, note, digest = line.rstrip("\n").split(",")
            if mark != "#end" or len(digest) != _DIGEST_CHARS or not line.endswith("\n"):
                return
            left = size - _DIGEST_CHARS - 1
            source.seek(0)
            hasher, buffer = blake3(), memoryview(bytearray(_BLOCK))
            while left > 0:
                n = source.readinto(buffer[: min(left, _BLOCK)])
                if not n:
                    return
                hasher.update(buffer[:n])
                left -= n
            source.seek(0)
            header = source.readline().decode().rstrip("\n")
            if header == self._header and hasher.hexdigest() == digest:
                self.n_rows, self.note = int(rows), note

    def lines(self) -> Iterator[str]:
        """Yield the rows, without their line feeds; none of a file that is not whole."""
        if self.note is None:
            return
        with open(self._path, encoding="utf-8", newline="\n") as text:
            next(text)
            for _, line in zip(range(self.n_rows), text, strict=False):
                yield line[:-1]
