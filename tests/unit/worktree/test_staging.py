"""A file on its way in is proved once, and leaves nothing where that fails."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from cas_sync.errors import DamageError, DiskFullError
from cas_sync.model.tree import Mode
from cas_sync.worktree.writer import Writer

from .conftest import OLD_NS


@pytest.fixture
def writer(tree):
    made = Writer(tree.folder)
    yield made
    made.close()


@pytest.fixture
def hashing():
    with ThreadPoolExecutor(1) as pool:
        yield pool


def tmp(tree):
    return os.listdir(tree.root / ".S3/tmp")


@pytest.mark.parametrize("mode", [Mode.FILE, Mode.EXEC])
def test_bytes_that_were_checked_before_are_written_as_they_are(writer, tree, content, mode):
    staged = writer.stage("d/f", content(b"proved", mode), OLD_NS)
    staged.write_proved(memoryview(b"proved"))

    placed = writer.put_in_place(staged, None)

    assert (tree.root / "d/f").read_bytes() == b"proved"
    assert placed.row == tree.row("d/f")
    assert not placed.row.racy


def test_bytes_of_another_length_are_never_proved(writer, tree, content):
    staged = writer.stage("f", content(b"proved"), OLD_NS)

    with pytest.raises(DamageError):
        staged.write_proved(b"prove")
    assert tmp(tree) == []


@pytest.mark.skipif(os.name == "nt", reason="needs links")
def test_the_target_of_a_link_is_hashed_all_the_same(writer, tree, content):
    good = writer.stage("a", content(b"target", Mode.LINK), OLD_NS)
    good.write_proved(b"target")
    writer.put_in_place(good, None)
    bad = writer.stage("b", content(b"target", Mode.LINK), OLD_NS)

    with pytest.raises(DamageError):
        bad.write_proved(b"other!")
    assert os.readlink(tree.root / "a") == "target"


def test_blocks_make_up_the_whole(writer, tree, content, hashing):
    data = bytes(range(256)) * 1000
    staged = writer.stage("f", content(data), OLD_NS)
    staged.write_blocks([data[:100_000], memoryview(data)[100_000:200_000]], hashing)
    staged.write_blocks([data[200_000:]], hashing)
    staged.finish()
    writer.put_in_place(staged, None)

    assert (tree.root / "f").read_bytes() == data


@pytest.mark.parametrize("order", [(1, 0), (0,), (0, 0, 1)])
def test_blocks_that_do_not_are_never_placed(writer, tree, content, hashing, order):
    blocks = [b"first" * 1000, b"last" * 1000]
    staged = writer.stage("f", content(b"".join(blocks)), OLD_NS)
    staged.write_blocks([blocks[i] for i in order], hashing)

    with pytest.raises(DamageError):
        staged.finish()
    assert tmp(tree) == []


def test_a_disk_that_is_full_amid_blocks_leaves_nothing(
    writer, tree, content, hashing, monkeypatch
):
    staged = writer.stage("f", content(b"x" * 2000), OLD_NS)
    write = os.write

    def full(fd, data):
        if len(data) == 1000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(fd, data)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(DiskFullError):
        staged.write_blocks([b"x" * 500, b"x" * 1000, b"x" * 500], hashing)
    assert tmp(tree) == []


@pytest.mark.parametrize("call", ["write", "close"])
def test_a_disk_that_is_full_leaves_nothing_of_a_proved_file(
    writer, tree, content, monkeypatch, call
):
    staged = writer.stage("f", content(b"proved"), OLD_NS)
    real = getattr(os, call)

    def full(fd, *args):
        if call == "close":
            real(fd)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        with pytest.raises(DiskFullError):
            staged.write_proved(b"proved")
    assert tmp(tree) == []


def test_a_file_in_a_folder_that_was_removed_meanwhile_gets_it_anew(writer, tree, content):
    for name in ("d/first", "d/second"):
        staged = writer.stage(name, content(b"x"), OLD_NS)
        staged.write_proved(b"x")
        writer.put_in_place(staged, None)
        if name == "d/first":
            (tree.root / "d/first").unlink()
            (tree.root / "d").rmdir()

    assert os.listdir(tree.root / "d") == ["second"]
