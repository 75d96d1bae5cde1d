import contextlib
import json
import os
from pathlib import Path

import pytest

from cas_sync.model.ids import ObjectId
from cas_sync.model.tree import Content, Mode
from cas_sync.worktree import renames
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.journal import JournalLine, read_journal
from cas_sync.worktree.outcome import LocalEdit, Placed, Recovered, Remedy
from cas_sync.worktree.recover import recover
from cas_sync.worktree.writer import Writer

from .conftest import OLD_NS, Tree

TMP = ".S3/tmp"


def temp_name(data, kind, n=0):
    return f"{TMP}/{ObjectId.of(data)}-00000000-{n}.{kind}"


def note(tree, temp, path, new=b"new", old=b"old"):
    line = JournalLine(temp, path, str(ObjectId.of(new)), str(ObjectId.of(old)))
    with (tree.root / ".S3/journal").open("a") as journal:
        journal.write(json.dumps(line) + "\n")


def test_a_clean_folder_needs_nothing(tree):
    assert recover(tree.folder) == []


def test_a_part_of_a_download_goes(tree):
    tree.write(temp_name(b"whole", "part"), b"who")

    assert recover(tree.folder) == [Recovered(Remedy.DROPPED, "")]
    assert tree.everything() == {}


def test_unfinished_bookkeeping_goes_without_a_word(tree):
    tree.write(f"{TMP}/state-index-1", b"x")

    assert recover(tree.folder) == []
    assert tree.everything() == {}


def test_our_own_download_goes(tree):
    tree.write(temp_name(b"new", "new"), b"new")
    note(tree, temp_name(b"new", "new"), "f")

    assert recover(tree.folder) == [Recovered(Remedy.DROPPED, "f")]
    assert tree.everything() == {}


def test_the_replaced_file_is_kept(tree):
    temp = temp_name(b"new", "new")
    tree.write(temp, b"old")
    tree.write("d/f", b"new")
    note(tree, temp, "d/f")

    assert recover(tree.folder) == [Recovered(Remedy.KEPT, "d/f", ".S3/deleted/recovered/d/f")]
    assert tree.everything() == {"d/f": b"new", ".S3/deleted/recovered/d/f": b"old"}


def test_an_edit_that_was_displaced_goes_back(tree):
    temp = temp_name(b"new", "new")
    tree.write(temp, b"edit")
    tree.write("f", b"new")
    note(tree, temp, "f")

    assert recover(tree.folder) == [Recovered(Remedy.PUT_BACK, "f", "f")]
    assert tree.everything() == {"f": b"edit"}


def test_an_edit_is_kept_where_the_path_was_edited_again(tree):
    temp = temp_name(b"new", "new")
    tree.write(temp, b"edit")
    tree.write("f", b"newer edit")
    note(tree, temp, "f")

    recover(tree.folder)

    assert tree.everything() == {"f": b"newer edit", ".S3/deleted/recovered/f": b"edit"}


def test_what_nobody_knows_is_kept(tree):
    temp = temp_name(b"new", "new")
    tree.write(temp, b"unknown")
    tree.write(f"{TMP}/notes.txt", b"put here by hand")

    found = recover(tree.folder)

    assert {one.remedy for one in found} == {Remedy.KEPT}
    assert tree.everything() == {
        f".S3/deleted/recovered/{Path(temp).name}": b"unknown",
        ".S3/deleted/recovered/notes.txt": b"put here by hand",
    }


@pytest.mark.parametrize("kind", ["old", "away"])
def test_a_file_taken_away_goes_back(tree, kind):
    temp = temp_name(b"x", kind)
    tree.write(temp, b"mine")
    note(tree, temp, "f")

    assert recover(tree.folder) == [Recovered(Remedy.PUT_BACK, "f", "f")]
    assert tree.everything() == {"f": b"mine"}


@pytest.mark.parametrize("kind", ["old", "away"])
def test_a_file_taken_away_is_kept_if_its_name_is_taken(tree, kind):
    temp = temp_name(b"x", kind)
    tree.write(temp, b"mine")
    tree.write("f", b"other")
    note(tree, temp, "f")

    recover(tree.folder)

    assert tree.everything() == {"f": b"other", ".S3/deleted/recovered/f": b"mine"}


def test_a_file_with_two_names_keeps_its_own(tree):
    temp = temp_name(b"x", "old")
    tree.write(temp, b"mine")
    os.link(tree.root / temp, tree.root / "f")
    note(tree, temp, "f")

    recover(tree.folder)

    assert tree.everything() == {"f": b"mine"}


def test_a_torn_journal_is_read_as_far_as_it_is_whole(tree):
    note(tree, "a", "b")
    with (tree.root / ".S3/journal").open("a") as journal:
        journal.write('["torn", "li\n\0\0\0\n[1,2]\n{}\n')
    note(tree, "c", "d")

    assert [line.path for line in read_journal(tree.folder)] == ["b", "d"]


def test_two_leftovers_of_one_path_are_both_kept(tree):
    for n, data in enumerate((b"one", b"two")):
        temp = temp_name(b"new", "new", n)
        tree.write(temp, data)
        note(tree, temp, "f.csv", old=data)

    recover(tree.folder)

    assert sorted(tree.everything().values()) == [b"one", b"two"]


class Killed(BaseException):
    """The process is gone."""


class MortalFolder(Folder):
    """Dies at the n-th change of the disk; nothing it does after that has an effect."""

    CHANGES = (
        "open_new",
        "open_append",
        "symlink",
        "mkdirs",
        "unlink",
        "rename_noreplace",
        "displace",
        "exchange",
        "utime",
        "rmdir",
        "remove_empty_parents",
    )

    def __init__(self, root, *, use_dir_fd, dies_at, window=lambda: None):
        super().__init__(root, use_dir_fd=use_dir_fd)
        self.left = dies_at
        self.window = window

    def _step(self):
        if self.left <= 0:
            raise Killed
        self.left -= 1

    def displaces(self, args):
        """Whether this call takes the user's file away, for the first time."""
        return any(not path.startswith(".S3") for path in args if path)


def _mortal(name):
    def method(self, *args, **options):
        self._step()
        if name in {"displace", "exchange", "rename_noreplace"} and self.displaces(args):
            window, self.window = self.window, lambda: None
            window()
        return getattr(super(MortalFolder, self), name)(*args, **options)

    return method


for _name in MortalFolder.CHANGES:
    setattr(MortalFolder, _name, _mortal(_name))


def content(data):
    return Content(ObjectId.of(data), len(data), Mode.FILE)


def replace(writer, row):
    staged = writer.stage(row.path, content(b"new"), OLD_NS)
    staged.write(b"new")
    staged.finish()
    return writer.put_in_place(staged, row, keep_as=f".S3/deleted/7/{row.path}")


def remove(writer, row):
    return writer.remove(row, keep_as=f".S3/deleted/7/{row.path}")


@pytest.mark.parametrize("deed", [replace, remove])
@pytest.mark.parametrize("edited", [False, True], ids=["quiet", "edited in the window"])
@pytest.mark.parametrize("swap", [True, False], ids=["swap", "two renames"])
def test_killed_anywhere_no_byte_is_lost_and_no_repair_is_needed(
    tmp_path, monkeypatch, deed, edited, swap
):
    if not swap:
        monkeypatch.setattr(renames, "_system_rename", lambda: None)
    for dies_at in range(100):
        root = tmp_path / f"Data{dies_at}"
        root.mkdir()
        tree = Tree(root, use_dir_fd=True)
        path = tree.write("d/f", b"old")
        row = tree.row("d/f")
        acted = []

        def edit(path=path, acted=acted):
            acted.append(path.write_bytes(b"edit"))

        mortal = MortalFolder(
            str(root), use_dir_fd=True, dies_at=dies_at, window=edit if edited else acted.clear
        )
        outcome = None
        with contextlib.suppress(Killed):
            outcome = deed(Writer(mortal, fsync=False), row)
        mortal.close()

        recover(tree.folder)

        files = tree.everything()
        users = b"edit" if acted else b"old"
        assert users in files.values(), (dies_at, files)
        if acted:
            assert files["d/f"] == b"edit", dies_at
        elif deed is replace:
            assert files["d/f"] in {b"old", b"new"}, dies_at
        assert os.listdir(root / TMP) == []
        assert recover(tree.folder) == []
        assert tree.everything() == files
        tree.folder.close()
        if outcome is not None:
            assert isinstance(outcome, LocalEdit) == edited
            assert dies_at > 2
            return
    pytest.fail("it never came to its end")


def test_killed_anywhere_while_recovering_no_byte_is_lost(tmp_path):
    for dies_at in range(100):
        root = tmp_path / f"Data{dies_at}"
        root.mkdir()
        tree = Tree(root, use_dir_fd=True)
        old = {"f": (b"edit", b"new"), "g": (b"old", b"new"), "h": (b"kept", b"other")}
        for n, (path, (displaced, placed)) in enumerate(old.items()):
            temp = temp_name(b"new", "new", n)
            tree.write(temp, displaced)
            tree.write(path, placed)
            note(tree, temp, path)
        tree.write(temp_name(b"x", "away"), b"away")
        note(tree, temp_name(b"x", "away"), "i")
        mortal = MortalFolder(str(root), use_dir_fd=True, dies_at=dies_at)
        done = False
        with contextlib.suppress(Killed):
            done = bool(recover(mortal))
        mortal.close()

        recover(tree.folder)

        files = tree.everything()
        assert {b"edit", b"old", b"kept", b"other", b"away"} <= set(files.values())
        assert files["f"] == b"edit"
        assert files["i"] == b"away"
        assert os.listdir(root / TMP) == []
        tree.folder.close()
        if done:
            return
    pytest.fail("it never came to its end")


def test_a_writer_that_died_left_what_the_next_one_does_again(tree):
    path = tree.write("f", b"old")
    row = tree.row("f")
    mortal = MortalFolder(
        str(tree.root), use_dir_fd=tree.folder._use_dir_fd, dies_at=2, window=lambda: None
    )
    with pytest.raises(Killed):
        replace(Writer(mortal), row)
    mortal.close()
    recover(tree.folder)

    assert isinstance(replace(Writer(tree.folder), tree.row("f")), Placed)
    assert path.read_bytes() == b"new"
