"""Gives the bytes of one file to those who publish it, or says that it changed."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager

from blake3 import blake3

from cas_sync.errors import WorktreeError
from cas_sync.model.ids import ObjectId
from cas_sync.model.tree import Mode
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.index import LocalRow, same_stat
from cas_sync.worktree.trouble import problem_of


class FileChangedError(WorktreeError):
    """A file is not what the scan saw; the next sync looks at it again."""


@contextmanager
def reading(row: LocalRow) -> Iterator[None]:
    """Say of system errors that come up inside what they mean for the file of ``row``.

    Raises:
        FileChangedError: The file is gone.
        WorktreeError: It cannot be read.
    """
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise changed(row) from error
    except OSError as error:
        raise WorktreeError(f"{row.path} cannot be read", cause=problem_of(error)) from error


def changed(row: LocalRow) -> FileChangedError:
    """Return the error that a file is not what the scan saw."""
    return FileChangedError(
        f"{row.path} changed while it was read",
        fix="Sync again when the program that writes it is done.",
    )


def read_blocks(folder: Folder, row: LocalRow, buffer_size: int) -> Iterator[memoryview]:
    """Yield the bytes of the file that ``row`` describes; of a link, its target text.

    Each block lies in the same buffer and is good until the next one is asked for. The
    bytes are those of ``row`` only if the iterator comes to its end: what changed while
    it was read is noticed then.

    Args:
        folder: The data folder; may be shared by threads.
        row: The file as scanned.
        buffer_size: Length of the longest block.

    Raises:
        FileChangedError: The file is gone or is not what ``row`` says.
        WorktreeError: It cannot be read.
    """
    with reading(row):
        if row.content.mode is Mode.LINK:
            yield memoryview(_target(folder, row))
        else:
            yield from _blocks(folder, row, buffer_size)


def read_whole(folder: Folder, row: LocalRow) -> bytes:
    """Return the bytes of a small file, or the target of a link, proved by their hash.

    Raises:
        FileChangedError: The file is gone or is not what ``row`` says.
        WorktreeError: It cannot be read.
    """
    with reading(row):
        if row.content.mode is Mode.LINK:
            return _target(folder, row)
        fd, found = folder.open_read(row.on_disk)
        try:
            if not same_stat(row, found):
                raise changed(row)
            left = row.content.size
            data = os.read(fd, left)
            while len(data) < left and (more := os.read(fd, left - len(data))):
                data += more
        finally:
            os.close(fd)
    if blake3(data).digest() != row.content.id:
        raise changed(row)
    return data


def read_part(folder: Folder, row: LocalRow, offset: int, buffer: memoryview) -> None:
    """Fill ``buffer`` with the bytes of a file from ``offset``; what they are is not proved.

    Raises:
        FileChangedError: The file is gone or is not what ``row`` says.
        WorktreeError: It cannot be read.
    """
    with reading(row):
        fd, found = folder.open_read(row.on_disk)
        with io.FileIO(fd, "rb") as source:
            if not same_stat(row, found):
                raise changed(row)
            source.seek(offset)
            filled = 0
            while filled < len(buffer):
                n_read = source.readinto(buffer[filled:])
                if not n_read:
                    raise changed(row)
                filled += n_read


def _target(folder: Folder, row: LocalRow) -> bytes:
    found = folder.readlink(row.on_disk).encode("utf-8", "surrogateescape")
    if ObjectId.of(found) != row.content.id:
        raise changed(row)
    return found


def _blocks(folder: Folder, row: LocalRow, buffer_size: int) -> Iterator[memoryview]:
    fd, before = folder.open_read(row.on_disk)
    with io.FileIO(fd, "rb") as source:
        if not same_stat(row, before):
            raise changed(row)
        # One byte more than the file has, so that growth shows without another read.
        buffer = memoryview(bytearray(min(buffer_size, before.st_size + 1)))
        left = before.st_size
        while n_read := source.readinto(buffer):
            left -= n_read
            if left < 0:
                break
            yield buffer[:n_read]
        after = os.fstat(fd)
        if left or not same_stat(row, after) or after.st_mtime_ns != before.st_mtime_ns:
            raise changed(row)
