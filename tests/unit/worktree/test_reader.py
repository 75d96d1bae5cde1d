import os

import pytest

from cas_sync.errors import WorktreeError
from cas_sync.worktree.reader import FileChangedError, read_blocks

from .conftest import OLD_NS


def read(tree, row, buffer_size=1000):
    return b"".join(bytes(block) for block in read_blocks(tree.folder, row, buffer_size))


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 5000])
def test_the_bytes_are_those_of_the_file(tree, size):
    data = os.urandom(size)
    tree.write("d/f", data)

    assert read(tree, tree.row("d/f")) == data


def test_of_a_link_the_target_is_read(tree):
    (tree.root / "l").symlink_to("some/where")
    row = tree.row("l")

    assert read(tree, row) == b"some/where"
    (tree.root / "l").unlink()
    (tree.root / "l").symlink_to("else/where")
    with pytest.raises(FileChangedError):
        read(tree, row)


@pytest.mark.parametrize(
    "deed",
    [
        lambda path: path.write_bytes(b"other size"),
        lambda path: path.unlink(),
        lambda path: os.utime(path, ns=(0, 0)),
        lambda path: path.chmod(0o700),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.unlink(), path.symlink_to("x")),
        lambda path: (path.unlink(), os.mkfifo(path)),
    ],
)
def test_a_file_that_changed_since_the_scan_is_not_read(tree, deed):
    path = tree.write("d/f", b"x" * 10)
    row = tree.row("d/f")
    deed(path)

    with pytest.raises(WorktreeError):
        read(tree, row)


@pytest.mark.parametrize(
    "deed",
    [
        lambda path: path.write_bytes(b"y" * 5000),
        lambda path: path.write_bytes(b"y"),
        lambda path: path.open("ab").close() or os.utime(path, ns=(0, 0)),
        lambda path: os.truncate(path, 9000),
    ],
)
def test_a_change_while_it_is_read_is_noticed(tree, deed):
    path = tree.write("f", b"x" * 5000)
    blocks = read_blocks(tree.folder, tree.row("f"), 1000)
    next(blocks)
    deed(path)

    with pytest.raises(FileChangedError):
        list(blocks)


def test_a_racy_row_from_the_index_can_be_read(tree):
    tree.write("f", b"x", mtime_ns=None)
    rows, _ = tree.scan()
    (row,) = tree.reload(rows)

    assert row.racy
    assert read(tree, row) == b"x"


def test_a_reader_that_is_dropped_closes_its_file(tree):
    tree.write("f", b"x" * 5000, mtime_ns=OLD_NS)
    blocks = read_blocks(tree.folder, tree.row("f"), 1000)
    next(blocks)

    blocks.close()
