import os
from pathlib import Path

import pytest

from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import RepoPath
from cas_sync.model.tree import Content, Found, Mode
from cas_sync.worktree.folder import HAS_DIR_FD, Folder
from cas_sync.worktree.hashing import FileHasher
from cas_sync.worktree.index import IndexWriter, LocalRow, dump, read_index
from cas_sync.worktree.kept import News
from cas_sync.worktree.scan import ScanReport, fs_now_ns, scan
from cas_sync.worktree.state import LocalState

OLD_NS = 1_600_000_000_000_000_000


class CountingHasher(FileHasher):
    """Notes what it is asked to read."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    def hash(self, folder, path, news=News.NONE):
        self.opened.append(path)
        return super().hash(folder, path, news)


class Tree:
    """A data folder with helpers that say what they do."""

    def __init__(self, root: Path, *, use_dir_fd: bool) -> None:
        self.root = root
        self.folder = Folder(str(root), use_dir_fd=use_dir_fd)
        self.state = LocalState(self.folder)
        self.state.create()

    def write(self, path: str, data: bytes, *, mtime_ns: int | None = OLD_NS) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        if mtime_ns is not None:
            os.utime(target, ns=(mtime_ns, mtime_ns))
        return target

    def scan(self, *, later_s: int = 0, **options):
        """Scan as if the disk's clock had moved on by ``later_s`` since the last write."""
        report = options.setdefault("report", ScanReport())
        lines = map(dump, options.pop("rows", ()))
        now = fs_now_ns(self.folder) + later_s * 1_000_000_000
        options.setdefault("every", True)
        found = list(scan(self.folder, lines, fs_now_ns=now, **options))
        return found, report

    def rows(self) -> list[LocalRow]:
        """What a scan sees when everything was written long ago."""
        return [one for one in self.scan(later_s=10)[0] if isinstance(one, LocalRow)]

    def row(self, path: str) -> LocalRow:
        return next(one for one in self.rows() if one.path == path)

    def problems(self) -> dict[str, Found]:
        return {one.path: one for one in self.scan()[0] if isinstance(one, Found)}

    def everything(self) -> dict[str, bytes]:
        """Every file on the disk, bookkeeping included."""
        return {
            p.relative_to(self.root).as_posix(): p.read_bytes()
            for p in self.root.rglob("*")
            if p.is_file() and not p.is_symlink()
        }

    def save_index(self, rows, tag="") -> str:
        writer = IndexWriter(self.state.index_path, self.state.tmp_dir)
        for row in rows:
            writer.write(row)
        writer.commit(tag)
        return self.state.index_path

    def reload(self, rows):
        return read_index(self.save_index(rows))


@pytest.fixture(params=[pytest.param(True, id="dir-fd"), pytest.param(False, id="paths")])
def tree(request, tmp_path):
    if request.param and not HAS_DIR_FD:
        pytest.skip("this system opens no names relative to a folder")
    root = tmp_path / "Data"
    root.mkdir()
    made = Tree(root, use_dir_fd=request.param)
    yield made
    made.folder.close()


@pytest.fixture
def counting():
    return CountingHasher()


@pytest.fixture
def content():
    def make(data: bytes, mode: Mode = Mode.FILE) -> Content:
        return Content(ObjectId.of(data), len(data), mode)

    return make


@pytest.fixture
def make_row(content):
    def make(path: str, data: bytes = b"x", **more) -> LocalRow:
        return LocalRow(RepoPath(path), content(data), 1, 2, 3, **more)

    return make
