"""Kills a process at its n-th system call that changes anything outside of it.

A child is forked with all modules loaded, so a try takes milliseconds and not the second
that Python takes to start. It is watched with ptrace(2), over all of its threads; `strace`
can inject a signal too, but counts the calls of each thread by themselves. A kill before a
call that only reads leaves what a kill before the next change leaves; so these are all the
places there are.
"""

import ctypes
import os
import platform
import signal
import sys
from collections.abc import Callable

TRACEME, PEEKUSER, SYSCALL, SETOPTIONS = 0, 3, 24, 0x4200
SYSGOOD, TRACECLONE, TRACEFORK, TRACEVFORK, EXITKILL = 1, 8, 2, 4, 0x100000
ORIG_RAX = 15 * 8
WALL = 0x40000000

# x86-64, linux/arch/x86/entry/syscalls/syscall_64.tbl
CHANGES = {
    1: "write",
    18: "pwrite64",
    20: "writev",
    44: "sendto",
    46: "sendmsg",
    74: "fsync",
    75: "fdatasync",
    76: "truncate",
    77: "ftruncate",
    82: "rename",
    83: "mkdir",
    84: "rmdir",
    86: "link",
    87: "unlink",
    88: "symlink",
    90: "chmod",
    91: "fchmod",
    162: "sync",
    257: "openat",
    258: "mkdirat",
    263: "unlinkat",
    264: "renameat",
    265: "linkat",
    266: "symlinkat",
    268: "fchmodat",
    280: "utimensat",
    285: "fallocate",
    306: "syncfs",
    316: "renameat2",
    326: "copy_file_range",
    40: "sendfile",
}


def can_trace() -> bool:
    """Say whether processes can be watched here."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return False
    return run_and_kill(lambda: None, 10**9) is None


def run_and_kill(step: Callable[[], object], n: int) -> str | None:
    """Run ``step`` in a child and kill it before its n-th change.

    Returns:
        Name of the system call it was about to make; `None` where it ended before.

    Raises:
        AssertionError: It ended with an error of its own.
    """
    pid = os.fork()
    if not pid:
        _be_watched(step)
    return _watch(pid, n)


def _be_watched(step: Callable[[], object]) -> None:
    code = 1
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.ptrace(TRACEME, 0, None, None) == 0:
            os.kill(os.getpid(), signal.SIGSTOP)
            step()
            code = 0
    finally:
        os._exit(code)


def _watch(pid: int, n: int) -> str | None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.restype = ctypes.c_long
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    found, status = os.waitpid(pid, WALL)
    if not os.WIFSTOPPED(status):
        return None if n >= 10**9 else _ended(status)
    options = SYSGOOD | TRACECLONE | TRACEFORK | TRACEVFORK | EXITKILL
    libc.ptrace(SETOPTIONS, pid, None, options)
    libc.ptrace(SYSCALL, pid, None, None)
    entered: set[int] = set()
    left = n
    while True:
        found, status = os.waitpid(-1, WALL)
        if os.WIFEXITED(status) or os.WIFSIGNALED(status):
            if found == pid:
                return _ended(status)
            entered.discard(found)
            continue
        what = os.WSTOPSIG(status)
        passed_on = 0
        if what == signal.SIGTRAP | 0x80:
            if found in entered:
                entered.discard(found)
            else:
                entered.add(found)
                number = libc.ptrace(PEEKUSER, found, ORIG_RAX, None)
                if number in CHANGES:
                    left -= 1
                    if not left:
                        os.kill(pid, signal.SIGKILL)
                        _reap(pid)
                        return CHANGES[number]
        elif what not in {signal.SIGTRAP, signal.SIGSTOP}:
            passed_on = what
        libc.ptrace(SYSCALL, found, None, passed_on)


def _reap(pid: int) -> None:
    while True:
        found, status = os.waitpid(-1, WALL)
        if found == pid and not os.WIFSTOPPED(status):
            return


def _ended(status: int) -> None:
    assert os.WIFEXITED(status), status
    assert os.WEXITSTATUS(status) == 0, status
