import errno
import os

import pytest

from cas_sync.worktree import renames
from cas_sync.worktree.folder import Folder


@pytest.fixture
def outside(tmp_path):
    made = tmp_path / "outside"
    made.mkdir()
    (made / "secret").write_bytes(b"secret")
    return made


def test_nothing_is_reached_through_a_linked_parent(tree, outside):
    (tree.root / "d").symlink_to(outside)
    (tree.root / "f").write_bytes(b"ours")
    attempts = [
        lambda f: f.open_read("d/secret"),
        lambda f: f.open_new("d/new"),
        lambda f: f.unlink("d/secret"),
        lambda f: f.mkdirs("d/sub"),
        lambda f: f.rename_noreplace("f", "d/f"),
        lambda f: f.rename_noreplace("d/secret", "g"),
        lambda f: f.exchange("f", "d/secret"),
        lambda f: f.utime("d/secret", 0),
        lambda f: f.symlink("x", "d/link"),
        lambda f: f.scandir("d"),
    ]

    for attempt in attempts:
        with pytest.raises(OSError) as error:
            attempt(tree.folder)
        assert error.value.errno in {errno.ENOTDIR, errno.ELOOP}
    assert tree.folder.stat("d/secret") is None
    assert sorted(os.listdir(outside)) == ["secret"]


def test_a_link_is_not_opened(tree, outside):
    (tree.root / "l").symlink_to(outside / "secret")

    with pytest.raises(OSError):
        tree.folder.open_read("l")


def test_a_pipe_does_not_block(tree):
    os.mkfifo(tree.root / "pipe")

    with pytest.raises(OSError, match="not a regular file"):
        tree.folder.open_read("pipe")


def test_an_existing_name_is_never_taken(tree):
    tree.write("a", b"a")
    tree.write("b", b"b")

    with pytest.raises(FileExistsError):
        tree.folder.rename_noreplace("a", "b")

    assert tree.everything() == {"a": b"a", "b": b"b"}


def test_an_existing_name_is_never_taken_without_help_of_the_system(tree, monkeypatch):
    monkeypatch.setattr(renames, "_system_rename", lambda: None)
    tree.write("a", b"a")
    tree.write("b", b"b")

    with pytest.raises(FileExistsError):
        tree.folder.rename_noreplace("a", "b")
    tree.folder.rename_noreplace("a", "c")

    assert tree.everything() == {"c": b"a", "b": b"b"}
    assert tree.folder.exchange("b", "c") is False


def test_a_disk_without_hard_links_still_renames(tree, monkeypatch):
    def refuse(*_args, **_options):
        raise PermissionError(errno.EPERM, "no links here")

    monkeypatch.setattr(renames, "_system_rename", lambda: None)
    monkeypatch.setattr(os, "link", refuse)
    tree.write("a", b"a")
    tree.write("b", b"b")

    with pytest.raises(FileExistsError):
        tree.folder.rename_noreplace("a", "b")
    tree.folder.rename_noreplace("a", "c")

    assert tree.everything() == {"c": b"a", "b": b"b"}


def test_two_files_are_swapped_in_one_step(tree):
    tree.write("a", b"a")
    tree.write("d/b", b"b")

    if tree.folder.exchange("a", "d/b"):
        assert tree.everything() == {"a": b"b", "d/b": b"a"}
    with pytest.raises(FileNotFoundError):
        tree.folder.exchange("a", "missing")


def test_folders_left_empty_go_up_to_the_root(tree):
    tree.write("a/b/c/f", b"")
    tree.write("a/g", b"")
    tree.folder.unlink("a/b/c/f")

    tree.folder.remove_empty_parents("a/b/c/f")

    assert sorted(os.listdir(tree.root / "a")) == ["g"]
    tree.folder.unlink("a/g")
    tree.folder.remove_empty_parents("a/g")
    assert os.listdir(tree.root) == [".S3"]


def test_a_folder_removed_and_made_again_is_found(tree):
    tree.folder.mkdirs("a/b")
    tree.folder.rmdir("a/b")
    tree.folder.mkdirs("a/b")
    os.close(tree.folder.open_new("a/b/f"))

    assert (tree.root / "a/b/f").exists()


def test_a_tree_of_empty_folders_is_removed_and_one_with_a_file_is_not(tree):
    (tree.root / "x/y/z").mkdir(parents=True)
    tree.write("v/w/f", b"")

    assert tree.folder.remove_empty_tree("x")
    assert not tree.folder.remove_empty_tree("v")
    assert not (tree.root / "x").exists()
    assert (tree.root / "v/w/f").exists()


def test_many_folders_do_not_use_up_descriptors(tree):
    for n in range(100):
        tree.folder.mkdirs(f"d{n}/e")
        os.close(tree.folder.open_new(f"d{n}/e/f"))

    assert sum(len(cache) for cache in tree.folder._caches) <= 8


def test_deep_trees_work(tree):
    path = "/".join(["d"] * 200)
    tree.folder.mkdirs(path)
    os.close(tree.folder.open_new(path + "/f"))

    assert tree.folder.stat(path + "/f") is not None


def test_a_folder_that_is_missing_cannot_be_opened(tmp_path, tree):
    with pytest.raises(OSError):
        Folder(str(tmp_path / "nowhere"), use_dir_fd=tree.folder._use_dir_fd)


def test_mode_and_folders_are_forced_to_disk_without_error(tree):
    tree.write("a", b"")
    tree.folder.set_executable("a", executable=True)
    assert os.stat(tree.root / "a").st_mode & 0o100
    tree.folder.set_executable("a", executable=False)
    assert not os.stat(tree.root / "a").st_mode & 0o111

    tree.folder.fsync_dir("")
    tree.folder.fsync_dir(".S3/tmp")
