import json
import os
import shutil
import subprocess
import sys

import pytest

from cas_sync.errors import BusyError, WorktreeError
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.state import (
    LocalState,
    Remembered,
    forget_remembered,
    read_remembered,
    write_remembered,
)


def test_the_state_folder_is_made_and_may_be_made_again(tree):
    tree.state.create()

    assert sorted(os.listdir(tree.root / ".S3")) == ["deleted", "logs", "tmp"]


def test_a_state_folder_that_is_a_link_is_refused(tree, tmp_path):
    shutil.rmtree(tree.root / ".S3")
    (tmp_path / "elsewhere").mkdir()
    (tree.root / ".S3").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(WorktreeError):
        tree.state.create()
    assert os.listdir(tmp_path / "elsewhere") == []


def test_a_folder_knows_whose_it_is(tree):
    assert not tree.state.exists()
    assert tree.state.identity_changed()

    written = tree.state.write_root("client", "repo", "s3://b/p")

    assert tree.state.exists()
    assert tree.state.read_root() == written
    assert not tree.state.identity_changed()


def test_a_copied_folder_is_not_the_same(tree, tmp_path):
    tree.state.write_root("client", "repo", "s3://b/p")
    shutil.copytree(tree.root, tmp_path / "copy")

    with Folder(str(tmp_path / "copy")) as copy:
        assert LocalState(copy).identity_changed()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"inode": "x"}'])
def test_a_damaged_identity_is_no_identity(tree, text):
    (tree.root / ".S3/root.json").write_text(text)

    assert tree.state.read_root() is None
    assert tree.state.identity_changed()


def test_the_intent_is_there_until_it_is_cleared(tree):
    assert tree.state.read_intent() is None
    tree.state.write_intent({"seq": 4, "commit": "é"})
    assert tree.state.read_intent() == {"seq": 4, "commit": "é"}

    tree.state.clear_intent()
    tree.state.clear_intent()

    assert tree.state.read_intent() is None


def test_a_text_is_replaced_whole_or_not_at_all(tree):
    def lines():
        yield "new\n"
        raise KeyboardInterrupt

    tree.state.replace_text("versions_remote.csv", ["old\n"])
    with pytest.raises(KeyboardInterrupt):
        tree.state.replace_text("versions_remote.csv", lines())

    with open(tree.state.base_path) as source:
        assert source.read() == "old\n"
    assert os.listdir(tree.root / ".S3/tmp") == []


def test_what_cannot_be_written_says_where(tree):
    shutil.rmtree(tree.root / ".S3")

    with pytest.raises(WorktreeError, match=r"intent\.json"):
        tree.state.write_intent({})


def test_a_second_sync_waits_and_then_says_so(tree):
    with tree.state.lock(0), pytest.raises(BusyError) as error, tree.state.lock(0.1):
        pass

    assert error.value.code == "E305"
    with tree.state.lock(0):
        pass


def test_the_lock_of_a_killed_process_is_free(tree):
    code = (
        "import filelock, os, sys;"
        "lock = filelock.FileLock(sys.argv[1]); lock.acquire();"
        "print('held', flush=True); os.read(0, 1)"
    )
    command = [sys.executable, "-c", code, tree.state.path_of("lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(BusyError), tree.state.lock(0):
            pass
        other.kill()

    with tree.state.lock(5):
        pass


def test_a_data_folder_is_remembered_outside_of_itself(tmp_path):
    store = str(tmp_path / "state")
    known = Remembered(str(tmp_path / "Data"), "repo", 7)

    assert read_remembered(store, known.data_path) is None
    assert write_remembered(store, known)
    assert read_remembered(store, known.data_path + "/") == known
    assert read_remembered(store, str(tmp_path / "Other")) is None
    forget_remembered(store, known.data_path)
    forget_remembered(store, known.data_path)
    assert read_remembered(store, known.data_path) is None


def test_a_home_that_cannot_be_written_stops_nothing(tmp_path):
    (tmp_path / "file").write_text("")

    assert not write_remembered(str(tmp_path / "file"), Remembered("/x", "repo", 1))


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps({"n_files": "x"})])
def test_a_damaged_memory_is_none(tmp_path, text):
    store = str(tmp_path)
    write_remembered(store, Remembered("/x", "repo", 1))
    next(tmp_path.iterdir()).write_text(text)

    assert read_remembered(store, "/x") is None
