import os

import pytest

from cas_sync.errors import WorktreeError
from cas_sync.worktree.sealed import SealedFile, SealedWriter


def write(path, rows, note="note"):
    with SealedWriter(str(path), str(path.parent), "Head") as writer:
        for row in rows:
            writer.write(row)
        writer.commit(note, fsync=True)


def test_rows_and_note_come_back(tmp_path):
    write(tmp_path / "f", ["a", "b,c", "é"])

    found = SealedFile(str(tmp_path / "f"), "Head")

    assert (found.note, found.n_rows, list(found.lines())) == ("note", 3, ["a", "b,c", "é"])
    assert os.listdir(tmp_path) == ["f"]


def test_a_file_of_another_kind_is_not_believed(tmp_path):
    write(tmp_path / "f", ["a"])

    found = SealedFile(str(tmp_path / "f"), "Other")

    assert found.note is None
    assert list(found.lines()) == []


def test_what_cannot_be_written_is_told_and_leaves_the_old_file(tmp_path):
    write(tmp_path / "f", ["old"])

    with pytest.raises(WorktreeError, match="cannot be written"):
        SealedWriter(str(tmp_path / "f"), str(tmp_path / "gone"), "Head")

    assert list(SealedFile(str(tmp_path / "f"), "Head").lines()) == ["old"]


def test_a_writer_that_is_left_early_leaves_the_old_file(tmp_path):
    write(tmp_path / "f", ["old"])

    with SealedWriter(str(tmp_path / "f"), str(tmp_path), "Head") as writer:
        writer.write("new")

    assert list(SealedFile(str(tmp_path / "f"), "Head").lines()) == ["old"]
    assert os.listdir(tmp_path) == ["f"]
