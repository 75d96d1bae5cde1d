import os
import shutil
import socket
import threading

import pytest

from cas_sync.errors import WorktreeError
from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import sort_key
from cas_sync.model.tree import Found, Mode
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.hashing import STILL_WRITTEN, FileHasher
from cas_sync.worktree.index import Gone, LocalRow
from cas_sync.worktree.kept import News
from cas_sync.worktree.scan import fs_now_ns, scan, shown

from .conftest import OLD_NS, CountingHasher

ODD_NAMES = ["a b", "a,b", 'a"b', "007", "NA", "=1+1", "-x", "é", "日本", "'q", "#end", "a.b"]


def test_rows_come_in_manifest_order_and_say_what_is_there(tree):
    paths = ["a.b", "a/b", "a/b.c", "a-b", "z", "a/c/d", *ODD_NAMES[:4]]
    for path in paths:
        tree.write(path, path.encode())

    rows, report = tree.scan()

    assert [row.path for row in rows] == sorted({*paths}, key=sort_key)
    assert all(row.content.id == ObjectId.of(row.path.encode()) for row in rows)
    assert report.n_files == report.n_hashed == report.n_changed == len({*paths})
    assert report.size == sum(len(path) for path in {*paths})


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_names_like_any_other(tree, name, counting):
    tree.write(f"d/{name}", b"x")
    rows = tree.rows()

    again, _ = tree.scan(rows=tree.reload(rows), hasher=counting)

    assert [row.path for row in rows] == [f"d/{name}"]
    assert again == rows
    assert counting.opened == []


def test_unchanged_files_are_not_opened(tree, counting):
    for n in range(50):
        tree.write(f"d{n % 5}/f{n}", b"%d" % n)
    rows = tree.rows()

    again, report = tree.scan(rows=tree.reload(rows), hasher=counting)

    assert again == rows
    assert counting.opened == []
    assert report.n_unchanged == 50
    assert not report.n_hashed
    assert not report.n_gone


def test_only_what_changed_is_opened(tree, counting):
    for n in range(10):
        tree.write(f"f{n}", b"%d" % n)
    rows = tree.rows()
    tree.write("f3", b"changed")
    tree.write("f33", b"new")
    (tree.root / "f5").unlink()

    again, report = tree.scan(rows=tree.reload(rows), hasher=counting)

    assert counting.opened == ["f3", "f33"]
    assert "f5" not in {row.path for row in again}
    assert (report.n_changed, report.n_gone, report.n_unchanged) == (2, 1, 8)
    assert report.n_hashed or report.n_gone


def test_files_written_just_now_are_read_again_next_time(tree, counting):
    tree.write("fresh", b"x", mtime_ns=None)
    rows, report = tree.scan()
    assert rows[0].racy
    assert report.n_racy == 1

    again, _ = tree.scan(rows=tree.reload(rows), hasher=counting, later_s=10)

    assert counting.opened == ["fresh"]
    assert not again[0].racy


def test_a_date_far_in_the_future_is_not_read_again_for_ever(tree, counting):
    tree.write("f", b"x", mtime_ns=4_000_000_000_000_000_000)
    rows = tree.rows()

    assert not rows[0].racy
    tree.scan(rows=tree.reload(rows), hasher=counting)
    assert counting.opened == []


@pytest.mark.parametrize("mtime_ns", [-1, -5_000_000_000, 0, 2_400_000_000_123_456_789])
def test_extreme_dates_are_dates(tree, mtime_ns):
    tree.write("f", b"x", mtime_ns=mtime_ns)

    rows = tree.rows()

    assert rows[0].mtime_ns == os.stat(tree.root / "f").st_mtime_ns
    assert tree.scan(rows=tree.reload(rows), later_s=10)[0][0].content == rows[0].content


def test_a_change_that_hides_its_size_and_date_is_noticed(tree):
    tree.write("f", b"before")
    rows = tree.rows()
    tree.write("f", b"after!")  # same size, same date

    again, report = tree.scan(rows=tree.reload(rows))

    assert again[0].content.id == ObjectId.of(b"after!")
    assert report.n_changed == 1


def test_links_are_text_and_are_not_followed(tree, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"s")
    tree.write("d/f", b"x")
    (tree.root / "to-dir").symlink_to(outside)
    (tree.root / "loop").symlink_to("loop")
    (tree.root / "gone").symlink_to("nowhere")

    rows, report = tree.scan()

    found = {row.path: row.content for row in rows}
    assert set(found) == {"d/f", "to-dir", "loop", "gone"}
    assert found["loop"].mode is Mode.LINK
    assert found["loop"].id == ObjectId.of(b"loop")
    assert found["to-dir"].size == len(str(outside))
    assert report.n_problems == 0


def test_a_file_that_became_a_link_is_noticed(tree):
    tree.write("f", b"x")
    rows = tree.rows()
    (tree.root / "f").unlink()
    (tree.root / "f").symlink_to("g")

    assert tree.scan(rows=tree.reload(rows))[0][0].content.mode is Mode.LINK


def test_the_executable_bit_is_part_of_the_content(tree):
    tree.write("run", b"x").chmod(0o755)
    tree.write("plain", b"x")

    modes = {row.path: row.content.mode for row in tree.rows()}

    assert modes == {"run": Mode.EXEC, "plain": Mode.FILE}


def test_pipes_and_sockets_are_named_and_do_not_block(tree):
    os.mkfifo(tree.root / "pipe")
    here = os.getcwd()
    os.chdir(tree.root)  # the path of a socket must be short
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("sock")
            problems = tree.problems()
    finally:
        os.chdir(here)

    assert problems["pipe"].problem == "it is a named pipe"
    assert problems["sock"].problem == "it is a socket"
    assert problems["pipe"].content is None


class DeniedHasher(FileHasher):
    def hash(self, folder, path, news=News.NONE):
        return "permission denied" if path == "b" else super().hash(folder, path, news)


def test_an_unreadable_file_is_still_there(tree):
    tree.write("a", b"a")
    tree.write("b", b"b")

    found, report = tree.scan(hasher=DeniedHasher())

    assert [one.path for one in found] == ["a", "b"]
    assert found[1] == Found("b", None, OLD_NS, "permission denied")
    assert report.n_problems == 1


def test_an_unreadable_folder_is_unknown_and_not_empty(tree):
    tree.write("a/f", b"a")
    tree.write("b", b"b")
    (tree.root / "a").chmod(0)
    if os.access(tree.root / "a", os.R_OK):
        pytest.skip("nothing is unreadable for root")
    try:
        found, _ = tree.scan()
    finally:
        (tree.root / "a").chmod(0o755)

    assert found[0] == Found("a", None, 0, "permission denied", subtree=True)
    assert found[1].path == "b"


class UnlistableFolder(Folder):
    """Cannot list the folder ``a``, whoever asks."""

    def clone(self):
        return UnlistableFolder(self.root, use_dir_fd=self._use_dir_fd)

    def scandir(self, path):
        if path == "a":
            raise PermissionError(13, "Permission denied")
        return super().scandir(path)


def test_a_folder_that_cannot_be_listed_is_unknown_and_not_empty(tree):
    tree.write("a/f", b"a")
    tree.write("a.b", b"b")

    with UnlistableFolder(tree.folder.root) as folder:
        found = list(scan(folder, [], fs_now_ns=0))

    assert found[0] == Found("a", None, 0, "permission denied", subtree=True)
    assert [one.path for one in found] == ["a", "a.b"]


def test_a_data_folder_that_is_gone_is_an_error(tree):
    shutil.rmtree(tree.root)

    with pytest.raises(WorktreeError, match="cannot be listed"):
        list(scan(tree.folder, [], fs_now_ns=0))


def test_two_files_of_one_normal_form_are_told(tree):
    tree.write("e\u0301", b"decomposed")
    tree.write("\u00e9", b"composed")

    rows, report = tree.scan()

    assert [(row.path, row.disk_path) for row in rows] == [("\u00e9", None)]
    assert rows[0].content.id == ObjectId.of(b"composed")
    assert report.n_skipped == 1
    assert "same name as \u00e9 after Unicode normalisation" in report.skipped[0].reason


def test_two_folders_of_one_normal_form_are_unknown(tree):
    tree.write("e\u0301/f", b"1")
    tree.write("\u00e9/g", b"2")

    found, _ = tree.scan()

    assert [(one.path, one.subtree) for one in found] == [("\u00e9", True)]


def test_a_decomposed_name_has_its_usual_path_and_is_opened_by_its_own(tree, counting):
    tree.write("de\u0301/e\u0301", b"x")
    rows = tree.rows()

    assert [(row.path, row.disk_path) for row in rows] == [
        ("d\u00e9/\u00e9", "de\u0301/e\u0301")
    ]
    assert rows[0].on_disk == "de\u0301/e\u0301"
    tree.scan(rows=tree.reload(rows), hasher=counting)
    assert counting.opened == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (b"bad\xff", "not valid UTF-8"),
        (b"a\nb", "control character"),
        (b"a\\b", "backslash"),
        (b"x\x1b[2J", "control character"),
    ],
)
def test_names_no_manifest_can_hold_are_left_alone_and_told(tree, name, reason):
    path = os.path.join(os.fsencode(tree.root), name)
    with open(path, "wb") as out:
        out.write(b"x")
    os.mkdir(path + b"d")
    tree.write("ok", b"x")

    rows, report = tree.scan()

    assert [row.path for row in rows] == ["ok"]
    assert report.n_skipped == 2
    assert reason in report.skipped[0].reason
    assert all(one.name.isprintable() for one in report.skipped)


def test_only_the_state_folder_at_the_top_is_passed_silently(tree):
    tree.write(".S3/head", b"x")
    tree.write("d/.S3/head", b"x")
    tree.write("d/f", b"x")

    rows, report = tree.scan()

    assert [row.path for row in rows] == ["d/f"]
    assert [one.name for one in report.skipped] == ["d/.S3"]


def test_ignored_folders_are_not_entered(tree, counting):
    tree.write("keep/f", b"x")
    tree.write("skip/f", b"x")
    tree.write("keep/f.tmp", b"x")
    asked = []

    def is_ignored(path, is_dir):
        asked.append((path, is_dir))
        return path == "skip" or path.endswith(".tmp")

    rows, _ = tree.scan(is_ignored=is_ignored, hasher=counting)

    assert [row.path for row in rows] == ["keep/f"]
    assert ("skip", True) in asked
    assert ("skip/f", False) not in asked
    assert counting.opened == ["keep/f"]


class Meddler(FileHasher):
    """Does something to the folder just before a file is read."""

    def __init__(self, **deeds):
        super().__init__()
        self.deeds = deeds

    def hash(self, folder, path, news=News.NONE):
        self.deeds.pop(path, lambda: None)()
        return super().hash(folder, path, news)


def test_a_folder_swapped_for_a_link_is_not_followed(tree, tmp_path):
    outside = tmp_path / "outside"
    (outside / "e").mkdir(parents=True)
    (outside / "e/secret").write_bytes(b"s")
    (outside / "g").write_bytes(b"other")
    tree.write("d/a", b"x")
    tree.write("d/e/f", b"x")
    tree.write("d/g", b"x")

    def swap():
        os.rename(tree.root / "d", tree.root / "moved")
        (tree.root / "d").symlink_to(outside)

    found, _ = tree.scan(hasher=Meddler(**{"d/a": swap}))

    assert b"s" not in {getattr(one.content, "id", b"") for one in found}
    assert not {"d/e/secret"} & {one.path for one in found}
    assert ObjectId.of(b"other") not in {one.content.id for one in found if one.content}
    # What cannot be seen any more is unknown, not deleted.
    unknown = {one.path for one in found if isinstance(one, Found)}
    seen = {one.path for one in found if isinstance(one, LocalRow)}
    assert {"d/e", "d/g"} <= unknown | {p for s in seen for p in (s, s.rpartition("/")[0])}


def test_files_that_vanish_are_absent(tree):
    tree.write("a", b"x")
    tree.write("b", b"x")
    tree.write("c/d", b"x")

    def remove():
        (tree.root / "b").unlink()
        shutil.rmtree(tree.root / "c")

    found, report = tree.scan(hasher=Meddler(a=remove))

    assert [one.path for one in found] == ["a"]
    assert report.n_problems == 0


class RestlessHasher(FileHasher):
    """Lets a file grow whenever it has just been read."""

    def __init__(self, path, n_times):
        super().__init__()
        self.path = path
        self.left = n_times

    def _read(self, fd, size, kept, news):
        result = super()._read(fd, size, kept, news)
        if self.left:
            self.left -= 1
            with open(self.path, "ab") as out:
                out.write(b"more")
        return result


def test_a_file_that_settles_is_read_again(tree):
    path = tree.write("log", b"x")

    rows, _ = tree.scan(hasher=RestlessHasher(path, 2))

    assert rows[0].content.id == ObjectId.of(b"xmoremore")
    assert rows[0].content.size == 9


def test_a_file_that_is_always_written_is_left_for_later(tree):
    path = tree.write("log", b"x")

    found, _ = tree.scan(hasher=RestlessHasher(path, 99))

    assert found[0].problem == STILL_WRITTEN
    assert found[0].content is None


def test_a_growing_large_file_does_not_hold_the_scan(tree):
    path = tree.write("log", b"x" * 300_000)

    found, _ = tree.scan(hasher=RestlessHasher(path, 99))

    assert found[0].problem == STILL_WRITTEN


@pytest.mark.parametrize(
    "size", [0, 1, (1 << 17) - 1, 1 << 17, (1 << 17) + 1, 1 << 20, (1 << 20) + 1]
)
def test_every_size_is_hashed_whole(tree, size):
    data = bytes(range(256)) * (size // 256 + 1)
    tree.write("f", data[:size])

    assert tree.rows()[0].content == (ObjectId.of(data[:size]), size, Mode.FILE)


def test_samples_are_taken_of_changed_files_only(tree):
    tree.write("small", b"x" * 255)
    tree.write("old", b"o" * 5000)
    rows = tree.rows()
    tree.write("new", b"n" * 5000)
    os.utime(tree.root / "old", ns=(0, 0))
    samples = {}

    tree.scan(rows=tree.reload(rows), on_sample=samples.__setitem__)

    assert samples == {"new": b"n" * 4096}


def test_a_walk_does_not_disturb_who_takes_its_rows(tree):
    for n in range(30):
        tree.write(f"d{n:02}/f", b"%d" % n)

    for row in scan(tree.folder, [], fs_now_ns=fs_now_ns(tree.folder)):
        for n in range(12):
            os.close(tree.folder.open_read(f"d{n:02}/f")[0])
        assert row.content.id == ObjectId.of(b"%d" % int(row.path[1:3]))


def test_a_name_too_long_or_a_tree_too_deep_is_told(tree):
    at = os.open(tree.root, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("d", dir_fd=at)
        below = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(os.open("f", os.O_CREAT | os.O_WRONLY, dir_fd=at))
    os.close(at)

    rows, report = tree.scan()

    assert rows == []
    assert "folders deep" in report.skipped[0].reason


def test_a_link_target_that_is_not_text_is_told(tree):
    os.symlink(b"\xff", os.fsencode(tree.root / "l"))

    assert "not valid UTF-8" in tree.problems()["l"].problem


def test_the_clock_of_the_disk_leaves_nothing_behind(tree):
    before = fs_now_ns(tree.folder)

    assert fs_now_ns(tree.folder) >= before
    assert os.listdir(tree.root / ".S3/tmp") == []


def test_a_folder_that_cannot_be_written_has_no_clock(tree):
    shutil.rmtree(tree.root / ".S3")

    with pytest.raises(WorktreeError, match="no file can be written"):
        fs_now_ns(tree.folder)


def test_names_are_shown_without_what_a_terminal_would_obey():
    assert shown("a\x1b[2Jb\udcff") == "a\\x1b[2Jb\\xff"


def test_a_walk_under_constant_swapping_never_leaves_the_folder(tree, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    for n in range(20):
        (outside / f"f{n}").write_bytes(b"secret")
        tree.write(f"d/f{n}", b"ours")
    stop = threading.Event()

    def swap():
        while not stop.is_set():
            os.rename(tree.root / "d", tree.root / "e")
            (tree.root / "d").symlink_to(outside)
            (tree.root / "d").unlink()
            os.rename(tree.root / "e", tree.root / "d")

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        seen = [one for _ in range(100) for one in tree.scan(hasher=CountingHasher())[0]]
    finally:
        stop.set()
        thread.join()

    read = {one.content.id for one in seen if one.content and one.content.mode is Mode.FILE}
    if tree.folder._use_dir_fd:
        assert read <= {ObjectId.of(b"ours")}


def test_only_what_differs_is_told(tree):
    for name in ("a", "b/c", "b/d", "=1", "x,y", "z"):
        tree.write(name, b"1")
    rows = tree.rows()
    tree.write("b/d", b"22")
    (tree.root / "a").unlink()
    (tree.root / "z").unlink()
    tree.write("new", b"1")

    told, report = tree.scan(rows=rows, every=False)

    assert [(type(one).__name__, one.path) for one in told] == [
        ("Gone", "a"),
        ("LocalRow", "b/d"),
        ("LocalRow", "new"),
        ("Gone", "z"),
    ]
    assert (report.n_files, report.n_unchanged, report.n_gone) == (5, 3, 2)


def test_a_row_of_what_cannot_be_read_any_more_is_gone(tree):
    tree.write("a", b"1")
    rows = tree.rows()

    class Denied(CountingHasher):
        def hash(self, folder, path, news=News.NONE):
            return "permission denied"

    tree.write("a", b"22")
    told, _ = tree.scan(rows=rows, every=False, hasher=Denied())

    assert told == [Gone("a"), Found("a", None, told[1].edited_ns, "permission denied")]
