"""Reads one file of the data folder and names its content.

Never maps a file into memory: one truncated meanwhile would kill the process. A file
that changes while it is read is read again, a few times, and then left for later.
"""

import io
import os
import stat
from concurrent.futures import Future
from typing import NamedTuple

from blake3 import blake3

from cas_sync.model.ids import ObjectId
from cas_sync.worktree.cutting import FileCut
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.index import LocalRow
from cas_sync.worktree.kept import Kept, News
from cas_sync.worktree.reader import changed, reading
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


class _Read(NamedTuple):
    """What was read of a file.

    Attributes:
        id: BLAKE3 of its bytes.
        size: How many there were.
        sample: The first of them.
        data: All of them, where they were read at once.
        pieces: Comes to where they are cut, where somebody wants to know.
    """

    id: ObjectId
    size: int
    sample: bytes
    data: bytes | None = None
    pieces: Future[bytes] | None = None


class FileHasher:
    """Hashes files one after the other in one buffer; not for several threads.

    Args:
        kept: Keeps what was read of new files for who publishes them.
    """

    def __init__(self, kept: Kept | None = None) -> None:
        self._kept = kept
        self._buffer: memoryview | None = None

    def hash(self, folder: Folder, path: str, news: News = News.NONE) -> Hashed | str:
        """Read the regular file ``path``; a text says why it could not be read.

        Args:
            folder: The data folder.
            path: The file.
            news: What is new about it; what was read of it is kept if anything is.

        Raises:
            FileNotFoundError: It is gone.
        """
        kept = None if news is News.NONE else self._kept
        try:
            for _ in range(ATTEMPTS):
                fd, before = folder.open_read(path)
                try:
                    found = self._read(fd, before.st_size, kept, news)
                    after = os.fstat(fd)
                finally:
                    os.close(fd)
                if found.size == after.st_size and _same(before, after):
                    if kept is not None:
                        _keep(kept, found, news)
                    return Hashed(found.id, after, found.sample)
        except FileNotFoundError:
            raise
        except OSError as error:
            return problem_of(error)
        return STILL_WRITTEN

    def _read(self, fd: int, size: int, kept: Kept | None, news: News) -> _Read:
        is_small = size <= _ONE_READ
        if is_small:
            data = os.read(fd, size + 1)
            if len(data) == size:
                pieces = None
                if kept is not None and size > kept.params.min_size:
                    cut = kept.begin_cut(size, news)
                    pieces = None if cut is None else cut.feed_whole(data)
                oid = ObjectId(blake3(data).digest())
                return _Read(oid, size, data[:SAMPLE_BYTES], data, pieces)
            os.lseek(fd, 0, os.SEEK_SET)
        cut = None
        if kept is not None and not is_small:
            cut = kept.begin_cut(size, news)
        if cut is not None:
            try:
                return _read_and_cut(fd, size, cut)
            finally:
                cut.end()
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
        return _Read(ObjectId(hasher.digest()), total, sample)


def _keep(kept: Kept, found: _Read, news: News) -> None:
    if found.pieces is not None:
        kept.keep_pieces(found.id, found.pieces)
    elif found.data and found.size <= kept.params.min_size:
        kept.keep(found.id, found.data, news)


def _read_and_cut(fd: int, size: int, cut: FileCut) -> _Read:
    """Read a file whose blocks are hashed here and cut elsewhere at the same time."""
    hasher, total, sample = blake3(), 0, b""
    pieces: Future[bytes] | None = None
    with io.FileIO(fd, "rb", closefd=False) as source:
        while n_read := source.readinto(room := cut.room()):
            if not total:
                sample = bytes(room[: min(n_read, SAMPLE_BYTES)])
            total += n_read
            if total > size:
                break  # it grows; a log could be read for ever
            pieces = cut.feed(n_read, is_last=total == size)
            hasher.update(room[:n_read])
    return _Read(ObjectId(hasher.digest()), total, sample, None, pieces)


def find_pieces(folder: Folder, row: LocalRow, cut: FileCut) -> bytes:
    """Read a file to find out where it is cut.

    Args:
        folder: The data folder.
        row: The file as scanned.
        cut: Cuts it.

    Returns:
        Its pieces, each as it is written in a list.

    Raises:
        FileChangedError: The file is gone or is not what ``row`` says.
        WorktreeError: It cannot be read.
    """
    with reading(row):
        fd, before = folder.open_read(row.on_disk)
        try:
            found = _read_and_cut(fd, before.st_size, cut)
        finally:
            os.close(fd)
            cut.end()
    if found.pieces is None or found.id != row.content.id:
        raise changed(row)
    return found.pieces.result()


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
