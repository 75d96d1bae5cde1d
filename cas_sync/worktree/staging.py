"""A download on its way in: a temporary file until every byte of it is proved."""

import contextlib
import os
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import NoReturn, Self

from blake3 import blake3

from cas_sync.errors import DamageError
from cas_sync.model.paths import RepoPath
from cas_sync.model.tree import Content, Mode
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.journal import temp_path
from cas_sync.worktree.links import link_stays_inside
from cas_sync.worktree.moving import copy_file
from cas_sync.worktree.outcome import refusal_of
from cas_sync.worktree.trouble import translated

_UTIME_FD = os.utime in os.supports_fd


class StagedFile:
    """One file on its way in; `Writer.put_in_place` gives it its name.

    As a context manager it removes what was not put in place.

    Attributes:
        path: Where it is to go.
        content: What it must hold.
        temp: Where it lies now, below the data folder.
        stat: What it is, once finished; for a link or a refused one `None`.
        refusal: Why this machine cannot hold it; empty if it can.
    """

    def __init__(
        self,
        folder: Folder,
        path: RepoPath,
        content: Content,
        edited_ns: int,
        *,
        stem: str,
        fsync: bool,
        beside: str | None = None,
    ) -> None:
        self.path = path
        self.content = content
        self.stem = stem
        self.beside = beside
        self.temp = temp_path(stem, "part", beside)
        self.stat: os.stat_result | None = None
        self.refusal = ""
        self._folder = folder
        self._edited_ns = edited_ns
        self._fsync = fsync
        self._hasher: blake3 | None = None
        self._size = 0
        self._target = bytearray()
        self._fd = -1
        self._is_link = content.mode is Mode.LINK
        if not self._is_link:
            try:
                self._fd = folder.open_new(self.temp, executable=content.mode is Mode.EXEC)
            except OSError as error:
                self._give_up(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.abandon()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Add bytes.

        Raises:
            DiskFullError: There is no room; what was written is removed.
            WorktreeError: They cannot be written; what was written is removed.
        """
        if self._hasher is None:
            self._hasher = blake3()
        self._hasher.update(data)
        self._size += len(data)
        if self._is_link:
            self._target += data
            return
        try:
            self._write(data)
        except OSError as error:
            self._give_up(error)

    def write_blocks(self, blocks: Sequence[bytes | memoryview], hashing: Executor) -> None:
        """Add several blocks: hashed by another thread while this one writes them.

        Args:
            blocks: What to add, in order.
            hashing: Runs the other thread.

        Raises:
            DiskFullError: There is no room; what was written is removed.
            WorktreeError: They cannot be written; what was written is removed.
        """
        if self._is_link:
            for block in blocks:
                self.write(block)
            return
        self._hasher = self._hasher or blake3()
        hashed = hashing.submit(_hash_all, self._hasher, blocks)
        try:
            for block in blocks:
                self._write(block)
                self._size += len(block)
        except OSError as error:
            self._give_up(error)
        finally:
            hashed.result()

    def _write(self, data: bytes | bytearray | memoryview) -> None:
        n_written = os.write(self._fd, data)
        while n_written < len(data):
            n_written += os.write(self._fd, memoryview(data)[n_written:])

    def write_proved(self, data: bytes | memoryview) -> None:
        """Write all bytes of a file at once, and close it.

        Args:
            data: Bytes that were checked against the id of the content by whoever read
                them: they are not hashed again.

        Raises:
            DamageError: There are more or fewer; what was written is removed.
            DiskFullError: There is no room; what was written is removed.
            WorktreeError: They cannot be written; what was written is removed.
        """
        if self._is_link or len(data) != self.content.size:
            self.write(data)
            self.finish()
            return
        try:
            self._write(data)
            self._close()
        except OSError as error:
            self._give_up(error)

    def finish(self) -> None:
        """Prove that the bytes are the content that was promised, and close the file.

        Raises:
            DamageError: They are not; what was written is removed.
            DiskFullError: There is no room; what was written is removed.
            WorktreeError: They cannot be written; what was written is removed.
        """
        digest = (self._hasher or blake3()).digest()
        if self._size != self.content.size or digest != self.content.id:
            self.abandon()
            raise DamageError(
                f"what was received for {self.path} is not what was published",
                cause=f"expected {self.content.size} bytes with id {self.content.id}",
                fix="run again; if it stays so, ask whoever has the file to keep it",
            )
        try:
            if self._is_link:
                self._make_link()
            else:
                self._close()
        except OSError as error:
            self._give_up(error)

    def _close(self) -> None:
        if _UTIME_FD:
            self._set_time(self._fd)
        if self._fsync:
            os.fsync(self._fd)
        self.stat = os.fstat(self._fd)
        fd, self._fd = self._fd, -1
        os.close(fd)
        if not _UTIME_FD:
            self._set_time(None)
            self.stat = self._folder.stat(self.temp)

    def _set_time(self, fd: int | None) -> None:
        # A disk that cannot hold this date keeps the one of the download.
        try:
            if fd is None:
                self._folder.utime(self.temp, self._edited_ns)
            else:
                os.utime(fd, ns=(self._edited_ns, self._edited_ns))
        except (OSError, OverflowError):
            return

    def _make_link(self) -> None:
        try:
            target = self._target.decode("utf-8")
        except UnicodeDecodeError:
            self.refusal = "the target of the link is not text"
            return
        if not link_stays_inside(self.path, target):
            self.refusal = "the link leads out of the data folder"
            return
        try:
            self._folder.symlink(target, self.temp)
        except OSError as error:
            self.refusal = refusal_of(error)
            if not self.refusal:
                raise
        else:
            self._set_time(None)
            self.stat = self._folder.stat(self.temp)

    def is_at(self, path: str) -> bool:
        """Return whether ``path`` is this file and nobody wrote to it."""
        found = self._folder.stat(path)
        return found is not None and self.is_same(found)

    def is_same(self, found: os.stat_result) -> bool:
        """Return whether what was looked at is this file and nobody wrote to it."""
        return (
            self.stat is not None
            and found.st_ino == self.stat.st_ino
            and found.st_size == self.stat.st_size
            and found.st_mtime_ns == self.stat.st_mtime_ns
        )

    def promote(self) -> None:
        """Rename the file so that its name says it may be swapped with the user's."""
        temp = temp_path(self.stem, "new", self.beside)
        if self.temp != temp:
            self._folder.rename_noreplace(self.temp, temp)
            self.temp = temp

    def go_beside(self, parent: str) -> None:
        """Move to the folder ``parent``, which lies on another disk than `.S3`."""
        temp = temp_path(self.stem, "part", parent)
        copy_file(self._folder, self.temp, temp)
        self._folder.unlink(self.temp)
        self.beside, self.temp = parent, temp
        self.stat = self._folder.stat(temp)

    def abandon(self) -> None:
        """Remove what is not in place; may be called again, and after that.

        Raises:
            OSError: It cannot be removed; the next sync will.
        """
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            with contextlib.suppress(OSError):
                os.close(fd)
        if not self.temp:
            return
        temp, self.temp = self.temp, ""
        # What is not ours came here by a swap that an error interrupted: it may be the
        # user's, and `recover` knows where it belongs.
        if temp.endswith(".part") or self.is_at(temp):
            with contextlib.suppress(FileNotFoundError):
                self._folder.unlink(temp)

    def _give_up(self, error: OSError) -> NoReturn:
        """Tell what the disk said; what was written is removed."""
        with contextlib.suppress(OSError):
            self.abandon()
        with translated(self.path):
            raise error


def _hash_all(hasher: blake3, blocks: Sequence[bytes | memoryview]) -> None:
    for block in blocks:
        hasher.update(block)
