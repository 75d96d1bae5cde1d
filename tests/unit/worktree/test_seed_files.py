"""s3synchrony's lists are told from ours, kept whole, and read from wherever they lie."""

import pytest

from cas_sync.worktree.base import Agreed, write_base
from cas_sync.worktree.seed_files import (
    LAST_LOCAL,
    LAST_SHARED,
    is_seed_file,
    put_aside,
    read_seed_file,
)
from tests.support.samples import REPO, entry
from tests.support.seed_store import COLUMNS, table

LIST = table(COLUMNS, [("a", "Ana", "2022-01-05 10:11:12", "0" * 32)])


@pytest.fixture
def write(tree):
    def write(name, data=LIST):
        (tree.root / ".S3" / name).write_bytes(data)

    return write


@pytest.mark.parametrize(
    "name",
    [
        "versions.csv",
        "versionsLocal.csv",
        "deletedS3.csv",
        "deletedLocal.csv",
        "versions_local.csv",
        "versions_remote.csv",
        "deleted_local.csv",
        "deleted_remote.csv",
    ],
)
def test_their_lists_are_moved_and_kept_whole(tree, write, name):
    write(name)

    assert put_aside(tree.folder) == [f".S3/s3synchrony/{name}"]

    assert (tree.root / ".S3" / "s3synchrony" / name).read_bytes() == LIST
    assert not (tree.root / ".S3" / name).exists()
    assert put_aside(tree.folder) == []


def test_our_own_base_is_left_alone(tree):
    path = tree.state.base_path
    write_base(path, tree.state.tmp_dir, [entry("a")], Agreed(REPO, 1, None, 0))

    assert not is_seed_file(tree.folder, "versions_remote.csv")
    assert put_aside(tree.folder) == []


def test_what_was_put_aside_before_is_not_overwritten(tree, write):
    write("versions_local.csv")
    put_aside(tree.folder)
    newer = LIST.replace(b"Ana", b"Bo")
    write("versions_local.csv", newer)

    put_aside(tree.folder)

    kept = {path.read_bytes() for path in (tree.root / ".S3" / "s3synchrony").iterdir()}
    assert kept == {LIST, newer}


def test_lists_are_read_before_and_after_they_were_moved(tree, write):
    write("versionsLocal.csv")

    assert read_seed_file(tree.folder, LAST_LOCAL) == LIST
    put_aside(tree.folder)
    assert read_seed_file(tree.folder, LAST_LOCAL) == LIST
    assert read_seed_file(tree.folder, LAST_SHARED) is None
