"""The two renames that Python does not offer: never replacing, and exchanging.

Both take descriptors of the folders (`None`: the name is a whole path). What a system
or a file system lacks is told by the answer, never by doing something weaker silently.
"""

import contextlib
import ctypes
import errno
import os
import stat
import sys
from collections.abc import Callable
from functools import cache

_UNSUPPORTED = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP})

_Rename = Callable[[int, bytes, int, bytes, int], int]

if sys.platform == "darwin":
    _SYMBOL, _NOREPLACE, _EXCHANGE, _CWD = "renameatx_np", 4, 2, -2
else:
    _SYMBOL, _NOREPLACE, _EXCHANGE, _CWD = "renameat2", 1, 2, -100


@cache
def _system_rename() -> _Rename | None:
    if os.name == "nt":
        return None
    try:
        function = getattr(ctypes.CDLL(None, use_errno=True), _SYMBOL)
    except (AttributeError, OSError):
        return None
    function.argtypes = [
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_uint,
    ]
    function.restype = ctypes.c_int
    found: _Rename = function
    return found


def _call(src: str, src_fd: int | None, dst: str, dst_fd: int | None, flag: int) -> bool:
    """Rename with ``flag``; `False` where that does not exist."""
    function = _system_rename()
    if function is None:
        return False
    source, target = os.fsencode(src), os.fsencode(dst)
    a = _CWD if src_fd is None else src_fd
    b = _CWD if dst_fd is None else dst_fd
    if function(a, source, b, target, flag) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number), src, None, dst)


def exchange(src: str, src_fd: int | None, dst: str, dst_fd: int | None) -> bool:
    """Swap two names in one step; `False` where the system cannot.

    Raises:
        OSError: One of the names is missing, or may not be renamed.
    """
    return _call(src, src_fd, dst, dst_fd, _EXCHANGE)


def rename_noreplace(src: str, src_fd: int | None, dst: str, dst_fd: int | None) -> None:
    """Rename ``src`` to ``dst``, which must not exist.

    Raises:
        FileExistsError: ``dst`` exists; nothing was renamed.
        OSError: As `os.rename`.
    """
    if os.name == "nt":
        os.rename(src, dst)  # never replaces there
        return
    if _call(src, src_fd, dst, dst_fd, _NOREPLACE):
        return
    if not stat.S_ISDIR(os.stat(src, dir_fd=src_fd, follow_symlinks=False).st_mode):
        with contextlib.suppress(PermissionError, NotImplementedError):
            # A hard link is the old way to create a name only if it is free.
            os.link(src, dst, src_dir_fd=src_fd, dst_dir_fd=dst_fd, follow_symlinks=False)
            os.unlink(src, dir_fd=src_fd)
            return
    # Neither exists here (a folder, or a disk without links): look, then rename.
    try:
        os.stat(dst, dir_fd=dst_fd, follow_symlinks=False)
    except FileNotFoundError:
        os.rename(src, dst, src_dir_fd=src_fd, dst_dir_fd=dst_fd)
    else:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), dst)
