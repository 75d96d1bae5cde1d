"""Records what a command changes on the disk, call by call, and makes what a power cut leaves.

The calls are those of the system, taken with ptrace(2) from all threads of a forked child,
so nothing can go past the record. Files are told by their inodes, as the disk does.

What a cut leaves is what POSIX promises and no more: bytes of a file are on the disk after
an fsync of it, a name after an fsync of its folder, all of it after syncfs. Anything else
is there or not, each change by itself, and the last write of a file may be torn.
"""

import ctypes
import hashlib
import os
import random
import signal
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.support.killing import (
    EXITKILL,
    SETOPTIONS,
    SYSCALL,
    SYSGOOD,
    TRACECLONE,
    TRACEFORK,
    TRACEVFORK,
    WALL,
    _be_watched,
)

GETREGS = 12
O_CREAT, O_TRUNC = 0o100, 0o1000
AT_CWD = -100


class Change(NamedTuple):
    """One change, as the disk sees it.

    Attributes:
        kind: write, size, create, mkdir, link, symlink, rename, swap, remove, flush, flushall.
        path: The name it is about; empty where it is about a file's bytes.
        inode: The file; 0 of a folder and of `swap`.
        other: The new name, or a link's target.
        offset: Where bytes go; the new length of a file.
        data: The bytes.
    """

    kind: str
    path: str = ""
    inode: int = 0
    other: str = ""
    offset: int = 0
    data: bytes = b""


@dataclass
class Tree:
    """Names and files, as they lie on a disk.

    Attributes:
        names: Inode by path; 0 is a folder.
        files: Bytes by inode.
        links: Target by inode.
    """

    names: dict[str, int] = field(default_factory=dict)
    files: dict[int, bytearray] = field(default_factory=dict)
    links: dict[int, str] = field(default_factory=dict)

    def copy(self) -> "Tree":
        """Return a tree that can be changed by itself."""
        files = {inode: bytearray(data) for inode, data in self.files.items()}
        return Tree(dict(self.names), files, dict(self.links))

    def digest(self) -> str:
        """Return what tells it from a tree that looks different."""
        found = hashlib.sha256()
        for path, inode in sorted(self.names.items()):
            data = self.files.get(inode, b"") if inode else b"/"
            found.update(f"{path}\0{self.links.get(inode)}\0{len(data)}\0".encode())
            found.update(data)
        return found.hexdigest()

    def change(self, change: Change) -> None:
        """Make a change; what it is about may not be there."""
        names, files = self.names, self.files
        match change.kind:
            case "create":
                files.setdefault(change.inode, bytearray())
                names[change.path] = change.inode
            case "mkdir":
                names[change.path] = 0
            case "symlink":
                self.links[change.inode] = change.other
                names[change.path] = change.inode
            case "link":
                names[change.other] = change.inode
            case "remove":
                names.pop(change.path, None)
            case "rename":
                self._rename(change)
            case "swap":
                a, b = names.get(change.path), names.get(change.other)
                if a is not None and b is not None:
                    names[change.path], names[change.other] = b, a
            case "write":
                data = files.setdefault(change.inode, bytearray())
                data.extend(bytes(max(0, change.offset - len(data))))
                data[change.offset : change.offset + len(change.data)] = change.data
            case "size":
                data = files.setdefault(change.inode, bytearray())
                data.extend(bytes(max(0, change.offset - len(data))))
                del data[change.offset :]

    def _rename(self, change: Change) -> None:
        old, new = change.path, change.other
        if change.inode:
            # A name that is on the disk leads to its file, whatever became of older names.
            self.names.pop(old, None)
            self.names[new] = change.inode
        elif self.names.pop(old, None) is not None:
            self.names[new] = 0
            inside = [path for path in self.names if path.startswith(f"{old}/")]
            for path in inside:
                self.names[new + path[len(old) :]] = self.names.pop(path)

    def make(self, root: Path) -> None:
        """Write all of it below a folder that is empty."""
        for path, inode in sorted(self.names.items()):
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if not inode:
                target.mkdir(exist_ok=True)
            elif inode in self.links:
                target.symlink_to(self.links[inode])
            else:
                target.write_bytes(self.files.get(inode, b""))


def read_tree(root: Path) -> Tree:
    """Return what lies below a folder."""
    found = Tree()
    for folder, folders, files in os.walk(root):
        for name in [*folders, *files]:
            path = Path(folder) / name
            at, status = path.relative_to(root).as_posix(), path.lstat()
            if stat.S_ISDIR(status.st_mode):
                found.names[at] = 0
                continue
            found.names[at] = status.st_ino
            if stat.S_ISLNK(status.st_mode):
                found.links[status.st_ino] = os.readlink(path)
            else:
                found.files[status.st_ino] = bytearray(path.read_bytes())
    return found


class Regs(ctypes.Structure):
    """The registers of x86-64, as sys/user.h has them."""

    _fields_ = [
        (name, ctypes.c_ulonglong)
        for name in (
            "r15",
            "r14",
            "r13",
            "r12",
            "rbp",
            "rbx",
            "r11",
            "r10",
            "r9",
            "r8",
            "rax",
            "rcx",
            "rdx",
            "rsi",
            "rdi",
            "orig_rax",
            "rip",
            "cs",
            "eflags",
            "rsp",
            "ss",
            "fs_base",
            "gs_base",
            "ds",
            "es",
            "fs",
            "gs",
        )
    ]


def record(step: Callable[[], object], root: Path) -> list[Change]:
    """Run ``step`` in a child, and return what it changed below ``root``."""
    pid = os.fork()
    if not pid:
        _be_watched(step)
    return _Recorder(pid, root).run()


class _Recorder:
    def __init__(self, pid: int, root: Path) -> None:
        self._pid = pid
        self._root = str(root.resolve())
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.ptrace.restype = ctypes.c_long
        self._libc.ptrace.argtypes = [
            ctypes.c_long,
            ctypes.c_long,
            ctypes.c_void_p,
            ctypes.c_void_p,
        ]
        self._found: list[Change] = []

    def run(self) -> list[Change]:
        os.waitpid(self._pid, WALL)
        options = SYSGOOD | TRACECLONE | TRACEFORK | TRACEVFORK | EXITKILL
        self._libc.ptrace(SETOPTIONS, self._pid, None, options)
        self._libc.ptrace(SYSCALL, self._pid, None, None)
        asked: dict[int, Callable[[], list[Change]] | None] = {}
        while True:
            thread, status = os.waitpid(-1, WALL)
            if os.WIFEXITED(status) or os.WIFSIGNALED(status):
                if thread == self._pid:
                    assert os.WIFEXITED(status), status
                    assert os.WEXITSTATUS(status) == 0, status
                    return self._found
                asked.pop(thread, None)
                continue
            what, passed_on = os.WSTOPSIG(status), 0
            if what == signal.SIGTRAP | 0x80:
                regs = Regs()
                self._libc.ptrace(GETREGS, thread, None, ctypes.addressof(regs))
                if thread in asked:
                    done = asked.pop(thread)
                    if done is not None and ctypes.c_longlong(regs.rax).value >= 0:
                        self._found += done()
                else:
                    asked[thread] = self._meant(regs)
            elif what not in {signal.SIGTRAP, signal.SIGSTOP}:
                passed_on = what
            self._libc.ptrace(SYSCALL, thread, None, passed_on)

    def _meant(self, regs: Regs) -> Callable[[], list[Change]] | None:
        """Return what a call changes once it has succeeded."""
        a, b, c, d = regs.rdi, regs.rsi, regs.rdx, regs.r10
        match regs.orig_rax:
            case 257:
                return self._open(self._at(a, b), int(c))
            case 1 | 18:
                return self._write(int(a), b, c, d if regs.orig_rax == 18 else None)
            case 77:
                return self._about(int(a), "size", offset=int(b))
            case 74 | 75:
                return self._about(int(a), "flush")
            case 306 | 162:
                return lambda: [Change("flushall")]
            case 264 | 316:
                kind = "swap" if regs.orig_rax == 316 and regs.r8 & 2 else "rename"
                return self._named(kind, self._at(a, b), self._at(c, d))
            case 82:
                return self._named("rename", self._at(AT_CWD, a), self._at(AT_CWD, b))
            case 263:
                return self._named("remove", self._at(a, b))
            case 87 | 84:
                return self._named("remove", self._at(AT_CWD, a))
            case 258:
                return self._named("mkdir", self._at(a, b))
            case 83:
                return self._named("mkdir", self._at(AT_CWD, a))
            case 265:
                return self._named("link", self._at(a, b), self._at(c, d))
            case 86:
                return self._named("link", self._at(AT_CWD, a), self._at(AT_CWD, b))
            case 266:
                return self._symlink(self._text(a), self._at(b, c))
            case 88:
                return self._symlink(self._text(a), self._at(AT_CWD, b))
        return None

    def _text(self, address: int) -> str:
        with open(f"/proc/{self._pid}/mem", "rb", 0) as memory:
            memory.seek(address)
            return os.fsdecode(memory.read(4096).partition(b"\0")[0])

    def _at(self, folder: int, address: int) -> str:
        text = self._text(address)
        if not text.startswith("/"):
            number = ctypes.c_int(folder & 0xFFFFFFFF).value
            where = "cwd" if number == AT_CWD else f"fd/{number}"
            text = f"{os.readlink(f'/proc/{self._pid}/{where}')}/{text}"
        return os.path.normpath(text)

    def _inside(self, path: str) -> str | None:
        return path[len(self._root) + 1 :] if path.startswith(f"{self._root}/") else None

    def _open(self, path: str, flags: int) -> Callable[[], list[Change]] | None:
        inside = self._inside(path)
        if inside is None or not flags & (O_CREAT | O_TRUNC):
            return None
        is_new = not os.path.lexists(path)
        is_cut = bool(flags & O_TRUNC) and not is_new

        def done() -> list[Change]:
            inode = os.lstat(path).st_ino
            if is_new:
                return [Change("create", inside, inode)]
            return [Change("size", inode=inode)] if is_cut else []

        return done

    def _inode(self, fd: int) -> int | None:
        at = f"/proc/{self._pid}/fd/{fd}"
        try:
            path = os.readlink(at)
        except OSError:
            return None
        is_inside = path.startswith(f"{self._root}/") or path == self._root
        return os.stat(at).st_ino if is_inside else None

    def _write(
        self, fd: int, address: int, size: int, at: int | None
    ) -> Callable[[], list[Change]] | None:
        inode = self._inode(fd)
        if inode is None:
            return None
        with open(f"/proc/{self._pid}/mem", "rb", 0) as memory:
            memory.seek(address)
            data = memory.read(size)
        if at is None:
            info = Path(f"/proc/{self._pid}/fdinfo/{fd}").read_text()
            lines = dict(line.split(":", 1) for line in info.splitlines())
            at = int(lines["pos"])
            if int(lines["flags"], 8) & os.O_APPEND:
                at = os.stat(f"/proc/{self._pid}/fd/{fd}").st_size
        return lambda: [Change("write", inode=inode, offset=int(at), data=data)]

    def _about(self, fd: int, kind: str, offset: int = 0) -> Callable[[], list[Change]] | None:
        inode = self._inode(fd)
        if inode is None:
            return None
        path = self._inside(os.readlink(f"/proc/{self._pid}/fd/{fd}")) or ""
        return lambda: [Change(kind, path, inode, offset=offset)]

    def _named(
        self, kind: str, path: str, other: str = ""
    ) -> Callable[[], list[Change]] | None:
        inside = self._inside(path)
        beside = self._inside(other) if other else ""
        if inside is None or beside is None:
            return None
        inode = 0
        if kind in {"link", "rename"} and os.path.lexists(path):
            status = os.lstat(path)
            inode = 0 if stat.S_ISDIR(status.st_mode) else status.st_ino
        return lambda: [Change(kind, inside, inode, other=beside)]

    def _symlink(self, target: str, path: str) -> Callable[[], list[Change]] | None:
        inside = self._inside(path)
        if inside is None:
            return None
        return lambda: [Change("symlink", inside, os.lstat(path).st_ino, other=target)]


def after_cuts(
    changes: list[Change], random_: random.Random, survives: Callable[[Change], bool]
) -> Iterator[list[Change]]:
    """Yield, without end, what of the changes a power cut may leave.

    Args:
        changes: In order.
        random_: Decides when the cut comes, and what of the rest is there.
        survives: Says of which changes the disk is another one, which had no cut.
    """
    while True:
        end = random_.randrange(len(changes) + 1)
        sure = _durable(changes[:end])
        share = random_.choice([0.0, 0.3, 0.7, 1.0])
        left = []
        for n, change in enumerate(changes[:end]):
            if n in sure or survives(change):
                left.append(change)
            elif random_.random() < share:
                is_torn = change.kind == "write" and random_.random() < 0.3
                left.append(_torn(change, random_) if is_torn else change)
        yield left


def _durable(changes: list[Change]) -> set[int]:
    """Return which changes are on the disk for certain."""
    sure: set[int] = set()
    bytes_of: dict[int, list[int]] = {}
    names_in: dict[str, list[int]] = {}
    for n, change in enumerate(changes):
        if change.kind == "flushall":
            sure.update(range(n))
        elif change.kind == "flush":
            sure.update(bytes_of.pop(change.inode, ()))
            sure.update(names_in.pop(change.path, ()))
        elif change.kind in {"write", "size"}:
            bytes_of.setdefault(change.inode, []).append(n)
        else:
            for path in (change.path, change.other):
                names_in.setdefault(path.rpartition("/")[0], []).append(n)
    return sure


def _torn(change: Change, random_: random.Random) -> Change:
    return change._replace(data=change.data[: random_.randrange(len(change.data) + 1)])
