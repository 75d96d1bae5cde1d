"""Making many new files survive a power cut with one call, where the system has it.

Linux's syncfs(2) writes out a whole file system; thousands of fsync calls cost minutes.
"""

import ctypes
import os
import sys
from functools import cache

from cas_sync.model.paths import STATE_DIR
from cas_sync.worktree.folder import Folder


@cache
def _syncfs() -> "ctypes._NamedFuncPointer | None":
    if not sys.platform.startswith("linux"):
        return None
    function = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if function is not None:
        function.argtypes = (ctypes.c_int,)
        function.restype = ctypes.c_int
    return function


def can_sync_at_once() -> bool:
    """Say whether `sync_at_once` works here; elsewhere each file is synced by itself."""
    return _syncfs() is not None


def sync_at_once(folder: Folder) -> None:
    """Write out everything on the disk of ``folder``.

    Raises:
        OSError: The disk failed: nothing written since the last call can be relied on.
    """
    function = _syncfs()
    if function is None:
        raise AssertionError("ask can_sync_at_once first")
    fd = os.open(folder.real_path(STATE_DIR), os.O_RDONLY)
    try:
        if function(fd) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(fd)
