"""File operations below one folder that never follow a link and never leave the folder.

Every path is relative, with ``/`` between components. Where the system can open names
relative to an open folder, each component is opened that way and refused if it is a
link, so that a folder swapped for a link in the meantime leads nowhere. Elsewhere the
components are looked at one by one just before the operation.

Errors are the system's own (`OSError`); the modules above translate them.
"""

import contextlib
import errno
import os
import stat
import threading
from collections.abc import Iterator
from typing import Self

from cas_sync.model.paths import STATE_DIR
from cas_sync.worktree import renames

TMP_DIR = f"{STATE_DIR}/tmp"  # noqa: S108 - ours, below the data folder
"""Files on their way in, and those just displaced; names tell which (`recover`)."""

DELETED_DIR = f"{STATE_DIR}/deleted"
"""Every file that a sync removed or replaced and that is kept."""

HAS_DIR_FD = (
    {os.open, os.stat, os.mkdir, os.unlink, os.rename, os.symlink, os.readlink, os.rmdir}
    <= os.supports_dir_fd
    and os.scandir in os.supports_fd
    and hasattr(os, "O_NOFOLLOW")
)
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)  # a FIFO must not stop us
_DIR_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _NOFOLLOW
_READ_FLAGS = os.O_RDONLY | _NOFOLLOW | _NONBLOCK | _BINARY
_NEW_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | _BINARY
_APPEND_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | _NOFOLLOW | _BINARY
_UTIME_LINKS = os.utime in os.supports_follow_symlinks
_JUNCTION = 0xA0000003  # Windows: a folder that is really a link
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
_MAX_OPEN = 8


def is_link(found: os.stat_result) -> bool:
    """Return whether what was looked at leads somewhere else."""
    return stat.S_ISLNK(found.st_mode) or getattr(found, "st_reparse_tag", 0) == _JUNCTION


class Folder:
    """One folder and what lies below it.

    Each thread keeps a few folders open, so that a run through paths in order opens
    each folder once. May be used from several threads; `close` by the last.
    """

    def __init__(self, root: str, *, use_dir_fd: bool = HAS_DIR_FD) -> None:
        """Open ``root``, which must exist; itself it may be a link.

        Raises:
            OSError: It does not exist or is not a folder.
        """
        self.root = os.path.abspath(root)
        if os.name == "nt" and not self.root.startswith("\\\\"):
            self.root = "\\\\?\\" + self.root  # lifts the limit of 260 characters
        self._use_dir_fd = use_dir_fd
        self._lock = threading.Lock()
        self._local = threading.local()
        self._caches: list[dict[str, int]] = []
        self._root_fd = -1
        if use_dir_fd:
            self._root_fd = os.open(self.root, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        elif not os.path.isdir(self.root):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), root)

    def clone(self) -> "Folder":
        """Return the same folder with open folders of its own.

        Raises:
            OSError: It is gone, or another folder has its name now.
        """
        same = Folder(self.root, use_dir_fd=self._use_dir_fd)
        if self._use_dir_fd and not os.path.sameopenfile(self._root_fd, same._root_fd):
            same.close()
            raise FileNotFoundError(errno.ENOENT, "another folder has its name", self.root)
        return same

    def close(self) -> None:
        """Close every open folder; the object is of no use afterwards."""
        with self._lock:
            for cache in self._caches:
                while cache:
                    os.close(cache.popitem()[1])
            if self._root_fd >= 0:
                os.close(self._root_fd)
                self._root_fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def real_path(self, path: str) -> str:
        """Return ``path`` for calls that know nothing of this class."""
        return os.path.join(self.root, *path.split("/")) if path else self.root

    def forget(self) -> None:
        """Close the folders this thread keeps open: one was moved or removed."""
        cache = self._cache()
        while cache:
            os.close(cache.popitem()[1])

    def _cache(self) -> dict[str, int]:
        cache: dict[str, int] | None = getattr(self._local, "cache", None)
        if cache is None:
            cache = self._local.cache = {}
            with self._lock:
                self._caches.append(cache)
        return cache

    def _dir_fd(self, path: str) -> int:
        if not path:
            return self._root_fd
        cache = self._cache()
        fd = cache.pop(path, -1)
        if fd < 0:
            fd = self._open_chain(path, cache)
            if len(cache) >= _MAX_OPEN:
                os.close(cache.pop(next(iter(cache))))
        cache[path] = fd  # last in the order: the least recently used goes first
        return fd

    def _open_chain(self, path: str, cache: dict[str, int]) -> int:
        head, missing = path, []
        while head and head not in cache:
            head, _, name = head.rpartition("/")
            missing.append(name)
        fd = cache[head] if head else self._root_fd
        opened = -1
        for name in reversed(missing):
            try:
                child = os.open(name, _DIR_FLAGS, dir_fd=fd)
            finally:
                if opened >= 0:
                    os.close(opened)
            fd = opened = child
        return fd

    def _check_parents(self, parent: str) -> None:
        """Refuse a parent that is a link, where names cannot be opened one by one."""
        at = self.root
        for name in parent.split("/") if parent else ():
            at = os.path.join(at, name)
            found = os.lstat(at)
            if is_link(found) or not stat.S_ISDIR(found.st_mode):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), at)

    def at(self, path: str) -> tuple[str, int | None]:
        """Return the name and ``dir_fd`` that reach ``path`` in a call of `os`.

        Good until the next call of this object by this thread but one.

        Raises:
            OSError: A parent is missing, a link, or not a folder.
        """
        parent, _, name = path.rpartition("/")
        if self._use_dir_fd:
            return name, self._dir_fd(parent)
        self._check_parents(parent)
        return self.real_path(path), None

    def inside(self, path: str) -> tuple[str, int | None]:
        """Return prefix and ``dir_fd`` that reach the names inside the folder ``path``.

        The prefix is put before a name; it is empty where there is a descriptor.

        Raises:
            OSError: As `at`.
        """
        if self._use_dir_fd:
            return "", self._dir_fd(path)
        self._check_parents(path)
        return self.real_path(path) + os.sep, None

    def scandir(
        self, path: str
    ) -> "contextlib.AbstractContextManager[Iterator[os.DirEntry[str]]]":
        """List the folder ``path``, as `os.scandir`."""
        prefix, fd = self.inside(path)
        return os.scandir(prefix if fd is None else fd)

    def stat(self, path: str) -> os.stat_result | None:
        """Look at ``path`` without following it; `None` if nothing is there."""
        if not path:
            return os.stat(self.root)
        try:
            name, fd = self.at(path)
            return os.stat(name, dir_fd=fd, follow_symlinks=False)
        except OSError as error:
            if error.errno in _ABSENT:
                return None
            raise

    def open_read(self, path: str) -> tuple[int, os.stat_result]:
        """Open a regular file; return its descriptor and what it is.

        Raises:
            OSError: `EINVAL` if it is not a regular file, else as `os.open`.
        """
        name, fd = self.at(path)
        if not _NOFOLLOW and is_link(os.lstat(name)):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        opened = os.open(name, _READ_FLAGS, dir_fd=fd)
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode):
            os.close(opened)
            raise OSError(errno.EINVAL, "not a regular file", path)
        return opened, found

    def open_new(self, path: str, *, executable: bool = False) -> int:
        """Create a file that must not exist, with the mode the umask allows."""
        name, fd = self.at(path)
        return os.open(name, _NEW_FLAGS, 0o777 if executable else 0o666, dir_fd=fd)

    def open_append(self, path: str) -> int:
        """Open a file to append to; it is created if missing."""
        name, fd = self.at(path)
        return os.open(name, _APPEND_FLAGS, 0o666, dir_fd=fd)

    def readlink(self, path: str) -> str:
        """Return the target of a link, as text with ``/`` between components."""
        name, fd = self.at(path)
        target = os.readlink(name, dir_fd=fd)
        return target.replace("\\", "/") if os.name == "nt" else target

    def symlink(self, target: str, path: str) -> None:
        """Create a link; ``target`` has ``/`` between components."""
        name, fd = self.at(path)
        if os.name == "nt":
            target = target.replace("/", "\\")
        os.symlink(target, name, dir_fd=fd)

    def mkdirs(self, path: str) -> list[str]:
        """Make the folder ``path`` and its parents; return those that were missing.

        Raises:
            OSError: A component exists and is no folder, or may not be made.
        """
        with contextlib.suppress(FileNotFoundError):
            self.inside(path)
            return []
        made, at = [], ""
        for part in path.split("/"):
            at = f"{at}/{part}" if at else part
            name, fd = self.at(at)
            try:
                os.mkdir(name, dir_fd=fd)
            except FileExistsError:
                continue
            made.append(at)
        self.inside(path)
        return made

    def unlink(self, path: str) -> None:
        """Remove a file or a link."""
        name, fd = self.at(path)
        os.unlink(name, dir_fd=fd)

    def rename_noreplace(self, src: str, dst: str) -> None:
        """Rename ``src`` to ``dst``, which must not exist.

        Raises:
            FileExistsError: ``dst`` exists; nothing was renamed.
        """
        a, a_fd = self.at(src)
        b, b_fd = self.at(dst)
        renames.rename_noreplace(a, a_fd, b, b_fd)

    def replace(self, src: str, dst: str) -> None:
        """Rename ``src`` to ``dst``; only for files of our own, below ``.S3``."""
        a, a_fd = self.at(src)
        b, b_fd = self.at(dst)
        os.replace(a, b, src_dir_fd=a_fd, dst_dir_fd=b_fd)

    def displace(self, src: str, temp: str) -> None:
        """Rename the user's ``src`` to ``temp``, a name nobody else can have made.

        In one step, always: what stands for `rename_noreplace` on old systems has two,
        and would remove what an editor saved under ``src`` between them.
        """
        self.replace(src, temp)

    def exchange(self, src: str, dst: str) -> bool:
        """Swap two names in one step; `False` where the system cannot."""
        a, a_fd = self.at(src)
        b, b_fd = self.at(dst)
        return renames.exchange(a, a_fd, b, b_fd)

    def utime(self, path: str, mtime_ns: int) -> None:
        """Set the times of a file, not of what it links to."""
        name, fd = self.at(path)
        if _UTIME_LINKS:
            os.utime(name, ns=(mtime_ns, mtime_ns), dir_fd=fd, follow_symlinks=False)
        else:
            os.utime(name, ns=(mtime_ns, mtime_ns))

    def set_executable(self, path: str, *, executable: bool) -> None:
        """Let those who may read a file run it, or nobody; does nothing on Windows."""
        opened, found = self.open_read(path)
        try:
            mode = stat.S_IMODE(found.st_mode) & 0o666
            if executable:
                mode |= (mode & 0o444) >> 2
            if hasattr(os, "fchmod"):
                os.fchmod(opened, mode)
        finally:
            os.close(opened)

    def fsync_dir(self, path: str) -> None:
        """Make the names in a folder survive a power cut, where that can be asked for."""
        if os.name == "nt":
            return
        prefix, fd = self.inside(path)
        opened = os.open(prefix or ".", os.O_RDONLY, dir_fd=fd)
        try:
            os.fsync(opened)
        except OSError as error:
            # Network disks may have no such thing for folders.
            if error.errno not in {errno.EINVAL, errno.ENOTSUP, errno.EBADF}:
                raise
        finally:
            os.close(opened)

    def rmdir(self, path: str) -> None:
        """Remove an empty folder."""
        self.forget()  # a folder kept open would look alive
        name, fd = self.at(path)
        os.rmdir(name, dir_fd=fd)

    def remove_empty_parents(self, path: str) -> None:
        """Remove the folders that ``path`` leaves empty; never the root."""
        parent = path.rpartition("/")[0]
        while parent:
            with self.scandir(parent) as entries:
                if next(entries, None) is not None:
                    return
            try:
                self.rmdir(parent)
            except OSError:
                return  # somebody put a file there, or it may not be removed: it stays
            parent = parent.rpartition("/")[0]

    def remove_empty_tree(self, path: str) -> bool:
        """Remove a folder that holds only folders; `False`, and untouched, if not."""
        hollow = [path]
        for at in hollow:
            with self.scandir(at) as entries:
                for entry in entries:
                    if not entry.is_dir(follow_symlinks=False):
                        return False
                    hollow.append(f"{at}/{entry.name}")
        for at in reversed(hollow):
            try:
                self.rmdir(at)
            except OSError:
                return False  # a file appeared meanwhile
        return True
