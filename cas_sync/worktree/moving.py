"""Moves a file below the data folder without replacing anything, also between disks."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator

from cas_sync.worktree.folder import DELETED_DIR, Folder
from cas_sync.worktree.hashing import FileHasher, content_id

RECOVERED_DIR = f"{DELETED_DIR}/recovered"

_BLOCK = 1 << 20
_MAX_COPIES = 10_000


def move(folder: Folder, src: str, dst: str) -> str:
    """Move ``src`` to ``dst``, or to a free name like it; return the name.

    Parents are made. On another disk it is copied, read back, and only then removed.

    Raises:
        OSError: It could not be moved; ``src`` is still there.
    """
    for free in _candidates(dst):
        folder.mkdirs(free.rpartition("/")[0])
        try:
            folder.rename_noreplace(src, free)
        except FileExistsError:
            continue
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            try:
                copy_file(folder, src, free)
            except FileExistsError:
                continue
            folder.unlink(src)
        return free
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), dst)


def _candidates(path: str) -> Iterator[str]:
    stem, dot, extension = path.rpartition(".")
    if "/" in extension or stem.endswith("/"):
        stem, dot, extension = path, "", ""
    yield path
    for n in range(2, _MAX_COPIES):
        yield f"{stem}~{n}{dot}{extension}"


def copy_file(folder: Folder, src: str, dst: str) -> None:
    """Copy a file or a link to ``dst``, which must not exist, and prove it by reading.

    Raises:
        OSError: It could not be copied; ``dst`` is not there.
    """
    found = folder.stat(src)
    if found is not None and stat.S_ISLNK(found.st_mode):
        folder.symlink(folder.readlink(src), dst)
        return
    source, found = folder.open_read(src)
    try:
        target = folder.open_new(dst, executable=bool(found.st_mode & stat.S_IXUSR))
        try:
            try:
                while block := os.read(source, _BLOCK):
                    view = memoryview(block)
                    while view:
                        view = view[os.write(target, view) :]
                os.fsync(target)
            finally:
                os.close(target)
            folder.utime(dst, found.st_mtime_ns)
            _prove(folder, src, dst)
        except OSError:
            with contextlib.suppress(OSError):
                folder.unlink(dst)
            raise
    finally:
        os.close(source)


def _prove(folder: Folder, src: str, dst: str) -> None:
    hasher = FileHasher()
    copied = content_id(folder, dst, hasher)
    if copied is None or copied != content_id(folder, src, hasher):
        raise OSError(errno.EIO, "the copy is not what was copied", dst)
