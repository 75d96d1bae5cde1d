"""Reads one file of the data folder and names its content.

Never maps a file into memory: one truncated meanwhile would kill the process. A file
that changes while it is read is read again, a few times, and then left for later.
"""

import io
import os
import stat
from typing import NamedTuple

from blake3 import blake3

from cas_sync.model.ids import ObjectId
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.trouble import problem_of

SAMPLE_BYTES = 4096
ATTEMPTS = 3
STILL_WRITTEN = "still being written"

_BUFFER = 1 << 20
_ONE_READ = 1 << 17


class Hashed(NamedTuple):
    """Content of a file that kept still.

    Attributes:
        id: BLAKE3 of its bytes.
        stat: What it was, before as after.
        sample: Its first bytes, at most `SAMPLE_BYTES`.
    """

    id: ObjectId
    stat: os.stat_result
    sample: bytes


class FileHasher:
    """Hashes files one after the other in one buffer; not for several threads."""

    def __init__(self) -> None:
        self._buffer: memoryview | None = None

    def hash(self, folder: Folder, path: str) -> Hashed | str:
        """Read the regular file ``path``; a text says why it could not be read.

        Raises:
            FileNotFoundError: It is gone.
        """
        try:
            for _ in range(ATTEMPTS):
                fd, before = folder.open_read(path)
                try:
                    content_id, size, sample = self._read(fd, before.st_size)
                    after = os.fstat(fd)
                finally:
                    os.close(fd)
                if size == after.st_size and _same(before, after):
                    return Hashed(content_id, after, sample)
        except FileNotFoundError:
            raise
        except OSError as error:
            return problem_of(error)
        return STILL_WRITTEN

    def _read(self, fd: int, size: int) -> tuple[ObjectId, int, bytes]:
        if size <= _ONE_READ:
            data = os.read(fd, size + 1)
            if len(data) == size:
                return ObjectId(blake3(data).digest()), size, data[:SAMPLE_BYTES]
            os.lseek(fd, 0, os.SEEK_SET)
        if self._buffer is None:
            self._buffer = memoryview(bytearray(_BUFFER))
        hasher, total, sample = blake3(), 0, b""
        with io.FileIO(fd, "rb", closefd=False) as source:
            while n_read := source.readinto(self._buffer):
                if not total:
                    sample = bytes(self._buffer[: min(n_read, SAMPLE_BYTES)])
                total += n_read
                hasher.update(self._buffer[:n_read])
                if total > size:
                    break  # it grows; a log could be read for ever
        return ObjectId(hasher.digest()), total, sample


def _same(a: os.stat_result, b: os.stat_result) -> bool:
    return (
        a.st_size == b.st_size
        and a.st_mtime_ns == b.st_mtime_ns
        and a.st_ctime_ns == b.st_ctime_ns
        and a.st_ino == b.st_ino
    )


def content_id(folder: Folder, path: str, hasher: FileHasher) -> ObjectId | None:
    """Return the id of a file's bytes or a link's target; `None` if it has none now."""
    found = folder.stat(path)
    if found is None:
        return None
    try:
        if stat.S_ISLNK(found.st_mode):
            return ObjectId.of(folder.readlink(path).encode("utf-8"))
        hashed = hasher.hash(folder, path) if stat.S_ISREG(found.st_mode) else ""
    except (OSError, UnicodeEncodeError):
        return None
    return None if isinstance(hashed, str) else hashed.id
