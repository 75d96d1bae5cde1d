import errno
import os
import stat
import threading

import pytest

from cas_sync.errors import DamageError, DiskFullError, WorktreeError
from cas_sync.model.tree import Mode
from cas_sync.worktree import renames, writer
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.index import LocalRow
from cas_sync.worktree.outcome import LocalEdit, Placed, Refused, Removed
from cas_sync.worktree.recover import recover
from cas_sync.worktree.writer import Writer

from .conftest import OLD_NS


class Site:
    """A writer on a tree, and the words tests use."""

    def __init__(self, tree, content, folder=None, **options) -> None:
        self.tree = tree
        self.content = content
        self.writer = Writer(folder or tree.folder, **options)

    def stage(self, path, data, mode=Mode.FILE, edited_ns=OLD_NS):
        staged = self.writer.stage(path, self.content(data, mode), edited_ns)
        staged.write(data)
        staged.finish()
        return staged

    def put(self, path, data, expected=None, keep_as=None, mode=Mode.FILE):
        return self.writer.put_in_place(self.stage(path, data, mode), expected, keep_as=keep_as)

    def tmp(self):
        return os.listdir(self.tree.root / ".S3/tmp")


@pytest.fixture(params=["swap", "two renames"])
def site(tree, content, request, monkeypatch):
    if request.param == "two renames":
        monkeypatch.setattr(renames, "_system_rename", lambda: None)
    made = Site(tree, content)
    yield made
    made.writer.close()
    assert not (tree.root / ".S3/journal").exists()


def test_a_new_file_is_placed_with_its_date_and_its_folders(site, tree):
    outcome = site.put("a/b/c.csv", b"new")

    assert isinstance(outcome, Placed)
    assert (tree.root / "a/b/c.csv").read_bytes() == b"new"
    found = os.stat(tree.root / "a/b/c.csv")
    assert found.st_mtime_ns == OLD_NS
    assert site.tmp() == []
    assert outcome.row == tree.row("a/b/c.csv")
    assert not outcome.row.racy


def test_what_was_placed_is_not_read_again(site, tree, counting):
    rows = [site.put(path, b"x").row for path in ("a", "b/c")]

    again, _ = tree.scan(rows=tree.reload(rows), hasher=counting)

    assert again == rows
    assert counting.opened == []


def test_a_date_of_now_is_racy(site, tree):
    now = os.stat(tree.write("clock", b"", mtime_ns=None)).st_mtime_ns
    staged = site.stage("a", b"x", edited_ns=now)

    assert site.writer.put_in_place(staged, None).row.racy


@pytest.mark.parametrize("edited_ns", [-(10**18), 10**20, -62_135_596_800 * 10**9])
def test_a_date_the_disk_cannot_hold_stops_nothing(site, tree, edited_ns):
    site.writer.put_in_place(site.stage("a", b"x", edited_ns=edited_ns), None)

    assert (tree.root / "a").read_bytes() == b"x"


def test_modes_follow_the_umask_and_are_never_more(site, tree):
    old = os.umask(0o027)
    try:
        site.put("run", b"x", mode=Mode.EXEC)
        site.put("plain", b"x")
    finally:
        os.umask(old)

    assert stat.S_IMODE(os.stat(tree.root / "run").st_mode) == 0o750
    assert stat.S_IMODE(os.stat(tree.root / "plain").st_mode) == 0o640


def test_an_expected_file_is_replaced_and_kept(site, tree):
    tree.write("d/f", b"old")

    outcome = site.put("d/f", b"new", tree.row("d/f"), ".S3/deleted/7/d/f")

    assert isinstance(outcome, Placed)
    assert outcome.kept == ".S3/deleted/7/d/f"
    assert tree.everything() | {".S3/journal": b""} == {
        "d/f": b"new",
        ".S3/deleted/7/d/f": b"old",
        ".S3/journal": b"",
    }
    assert outcome.row == tree.row("d/f")


def test_an_expected_file_may_be_dropped(site, tree):
    tree.write("f", b"old")

    outcome = site.put("f", b"new", tree.row("f"))

    assert outcome.kept == ""
    assert (tree.root / "f").read_bytes() == b"new"
    assert site.tmp() == []


def test_what_is_kept_never_replaces_what_was_kept_before(site, tree):
    kept = []
    for n in range(3):
        tree.write("f.csv", b"old%d" % n)
        kept.append(
            site.put("f.csv", b"new%d" % n, tree.row("f.csv"), ".S3/deleted/1/f.csv").kept
        )

    assert kept == [f".S3/deleted/1/f{n}.csv" for n in ("", "~2", "~3")]
    assert [(tree.root / path).read_bytes() for path in kept] == [b"old0", b"old1", b"old2"]


def test_a_file_that_was_only_touched_is_replaced(site, tree):
    tree.write("f", b"old")
    row = tree.row("f")
    os.utime(tree.root / "f", ns=(0, 0))

    assert isinstance(site.put("f", b"new", row), Placed)


@pytest.mark.parametrize(
    "deed",
    [
        lambda path: path.write_bytes(b"mine"),
        lambda path: path.write_bytes(b"edited in place, longer"),
        lambda path: path.chmod(0o755),
        lambda path: (path.unlink(), path.symlink_to("old")),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: path.unlink(),
    ],
)
def test_an_edit_since_the_scan_survives(site, tree, deed):
    path = tree.write("f", b"old!")
    row = tree.row("f")
    staged = site.stage("f", b"new", edited_ns=OLD_NS)
    deed(path)
    before = tree.everything()

    outcome = site.writer.put_in_place(staged, row)

    assert isinstance(outcome, LocalEdit)
    after = tree.everything()
    assert {p: d for p, d in after.items() if not p.startswith(".S3")} == {
        p: d for p, d in before.items() if not p.startswith(".S3")
    }
    assert site.tmp() == []


def test_a_file_that_appeared_survives(site, tree):
    staged = site.stage("f", b"theirs")
    tree.write("f", b"mine")

    assert isinstance(site.writer.put_in_place(staged, None), LocalEdit)
    assert (tree.root / "f").read_bytes() == b"mine"
    assert site.tmp() == []


def test_the_same_file_made_by_hand_is_taken_as_it_is(site, tree):
    tree.write("f", b"same", mtime_ns=5)

    outcome = site.put("f", b"same")

    assert isinstance(outcome, Placed)
    assert outcome.row.racy
    assert os.stat(tree.root / "f").st_mtime_ns == 5


def test_empty_folders_make_way_for_a_file_and_others_do_not(site, tree):
    (tree.root / "empty/in/empty").mkdir(parents=True)
    tree.write("full/f", b"x")

    assert isinstance(site.put("empty", b"x"), Placed)
    assert isinstance(site.put("full", b"x"), Refused)
    assert (tree.root / "full/f").read_bytes() == b"x"


def test_nothing_is_written_below_a_file_or_through_a_link(site, tree, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (tree.root / "link").symlink_to(outside)
    tree.write("file", b"x")

    assert isinstance(site.put("link/f", b"x"), Refused)
    assert isinstance(site.put("file/f", b"x"), Refused)
    assert os.listdir(outside) == []
    assert site.tmp() == []


def test_links_inside_are_made_and_others_refused(site, tree):
    site.put("a/f", b"x")

    assert isinstance(site.put("a/l", b"../a/f", mode=Mode.LINK), Placed)
    assert (tree.root / "a/l").read_bytes() == b"x"
    for target in (b"/etc/passwd", b"../../x", b"\xff", b"x/../../../y", b"../.S3/head"):
        assert isinstance(site.put("a/m", target, mode=Mode.LINK), Refused)
    assert not os.path.lexists(tree.root / "a/m")
    assert site.tmp() == []


def test_a_link_is_replaced_by_a_file_and_back(site, tree):
    (tree.root / "f").symlink_to("x")

    first = site.put("f", b"now a file", tree.row("f"), ".S3/deleted/1/f")
    second = site.put("f", b"y", first.row, ".S3/deleted/2/f", mode=Mode.LINK)

    assert isinstance(second, Placed)
    assert os.readlink(tree.root / "f") == "y"
    assert os.readlink(tree.root / ".S3/deleted/1/f") == "x"
    assert (tree.root / ".S3/deleted/2/f").read_bytes() == b"now a file"


def test_a_hard_link_is_broken_and_never_written_through(site, tree):
    tree.write("f", b"shared")
    os.link(tree.root / "f", tree.root / "g")

    assert isinstance(site.put("f", b"new", tree.row("f")), Placed)
    assert (tree.root / "g").read_bytes() == b"shared"


def test_bytes_that_are_not_what_was_promised_are_never_placed(site, tree, content):
    for data in (b"wrong", b"right but longer", b""):
        staged = site.writer.stage("f", content(b"right"), OLD_NS)
        staged.write(data)
        with pytest.raises(DamageError):
            staged.finish()
    assert site.tmp() == []
    assert not (tree.root / "f").exists()


def test_a_download_that_is_given_up_leaves_nothing(site, content):
    with site.writer.stage("f", content(b"x"), OLD_NS) as staged:
        staged.write(b"part")

    assert site.tmp() == []


def test_names_windows_cannot_hold_are_refused_there(tree, content):
    site = Site(tree, content, windows_names=True)

    for path in ("a:b", "con", "d/nul.txt", "trailing."):
        assert isinstance(site.put(path, b"x"), Refused)
    assert site.writer.why_not("fine.txt") == ""
    assert os.listdir(tree.root) == [".S3"]


def test_a_name_too_long_for_the_disk_is_refused(site):
    assert isinstance(site.put("x" * 300, b"x"), Refused)
    assert site.tmp() == []


def test_a_file_goes_into_a_folder_of_decomposed_name(site, tree):
    tree.write("e\u0301/old", b"x")

    outcome = site.put("\u00e9/new", b"y")

    assert outcome.row.disk_path == "e\u0301/new"
    assert sorted(row.path for row in tree.rows()) == ["\u00e9/new", "\u00e9/old"]


def test_an_expected_file_is_removed_and_kept_and_its_folders_go(site, tree):
    tree.write("a/b/f", b"old")

    outcome = site.writer.remove(tree.row("a/b/f"), keep_as=".S3/deleted/7/a/b/f")

    assert outcome == Removed("a/b/f", ".S3/deleted/7/a/b/f")
    assert tree.everything()[".S3/deleted/7/a/b/f"] == b"old"
    assert not (tree.root / "a").exists()
    assert site.tmp() == []


@pytest.mark.parametrize(
    "deed",
    [
        lambda path: path.write_bytes(b"mine"),
        lambda path: (path.unlink(), path.mkdir(), (path / "g").write_bytes(b"in")),
    ],
)
def test_an_edited_file_is_not_removed(site, tree, deed):
    path = tree.write("f", b"old")
    row = tree.row("f")
    deed(path)

    assert isinstance(site.writer.remove(row, keep_as=".S3/deleted/1/f"), LocalEdit)
    assert path.exists()
    assert site.tmp() == []


def test_removing_what_is_gone_is_no_error(site, tree):
    path = tree.write("f", b"old")
    row = tree.row("f")
    path.unlink()

    assert site.writer.remove(row, keep_as=".S3/deleted/1/f") == Removed("f")


def test_files_are_kept_below_the_deleted_folder_only(site, tree):
    tree.write("f", b"old")

    with pytest.raises(ValueError, match="not below"):
        site.writer.remove(tree.row("f"), keep_as="elsewhere/f")
    assert site.tmp() == []
    assert (tree.root / "f").read_bytes() == b"old"


def test_a_file_and_a_folder_trade_places(site, tree):
    tree.write("x", b"file")
    tree.write("y/f", b"in folder")
    x, y = tree.row("x"), tree.row("y/f")

    site.writer.remove(x, keep_as=".S3/deleted/1/x")
    site.writer.remove(y, keep_as=".S3/deleted/1/y/f")

    assert isinstance(site.put("x/f", b"now below"), Placed)
    assert isinstance(site.put("y", b"now a file"), Placed)


def test_the_mode_alone_can_be_changed(site, tree):
    tree.write("f", b"x")
    row = tree.row("f")

    outcome = site.writer.set_mode(row, Mode.EXEC)

    assert outcome.row == tree.row("f")
    assert outcome.row.content.mode is Mode.EXEC
    tree.write("f", b"edited")
    assert isinstance(site.writer.set_mode(outcome.row, Mode.FILE), LocalEdit)


class Window(Folder):
    """Lets the user act just before, or just after, a file is displaced."""

    def __init__(self, root, *, use_dir_fd=True, before=None, after=None):
        super().__init__(root, use_dir_fd=use_dir_fd)
        self.before, self.after = before, after

    def _act(self, name):
        deed = getattr(self, name)
        setattr(self, name, None)
        if deed:
            deed()

    def exchange(self, src, dst):
        self._act("before")
        if swapped := super().exchange(src, dst):
            self._act("after")
        return swapped

    def displace(self, src, temp):
        self._act("before")
        super().displace(src, temp)
        self._act("after")


@pytest.fixture(params=["swap", "two renames"])
def window(tree, content, request, monkeypatch):
    if request.param == "two renames":
        monkeypatch.setattr(renames, "_system_rename", lambda: None)
    folder = Window(str(tree.root), use_dir_fd=tree.folder._use_dir_fd)
    made = Site(tree, content, folder=folder)
    made.swaps = request.param == "swap"
    made.folder = folder
    yield made
    made.writer.close()
    folder.close()


def save(path, data):
    """Save as editors do: a new file over the old name."""

    def deed():
        beside = path.with_name("editor-temp")
        beside.write_bytes(data)
        os.replace(beside, path)

    return deed


@pytest.mark.parametrize("in_place", [True, False])
def test_an_edit_in_the_last_instant_stays_in_place(window, tree, in_place):
    path = tree.write("f", b"old")
    row = tree.row("f")
    window.folder.before = (
        (lambda: path.write_bytes(b"edit")) if in_place else save(path, b"edit")
    )

    outcome = window.put("f", b"new", row)

    assert isinstance(outcome, LocalEdit)
    assert outcome.kept == ""
    assert path.read_bytes() == b"edit"
    assert window.tmp() == []


def test_an_edit_in_the_last_instant_is_not_removed(window, tree):
    path = tree.write("f", b"old")
    row = tree.row("f")
    window.folder.before = lambda: path.write_bytes(b"edit")

    assert isinstance(window.writer.remove(row, keep_as=".S3/deleted/1/f"), LocalEdit)
    assert path.read_bytes() == b"edit"
    assert window.tmp() == []


def test_two_edits_around_the_swap_both_survive(window, tree):
    path = tree.write("f", b"old")
    row = tree.row("f")
    window.folder.before = save(path, b"first edit")
    window.folder.after = save(path, b"second edit")

    outcome = window.put("f", b"new", row)

    assert isinstance(outcome, LocalEdit)
    assert path.read_bytes() == b"second edit"
    assert (tree.root / outcome.kept).read_bytes() == b"first edit"
    assert window.tmp() == []


def test_an_edit_into_our_file_survives_too(window, tree):
    if not window.swaps:
        pytest.skip("without a swap our file is not there yet")
    path = tree.write("f", b"old")
    row = tree.row("f")
    window.folder.before = save(path, b"first edit")
    window.folder.after = lambda: path.write_bytes(b"typed into the new one")

    outcome = window.put("f", b"new", row)

    assert isinstance(outcome, LocalEdit)
    assert path.read_bytes() == b"typed into the new one"
    assert (tree.root / outcome.kept).read_bytes() == b"first edit"


def test_a_deletion_after_the_swap_does_not_lose_the_edit_before(window, tree):
    path = tree.write("f", b"old")
    row = tree.row("f")
    window.folder.before = save(path, b"edit")
    window.folder.after = lambda: path.unlink(missing_ok=True)

    assert isinstance(window.put("f", b"new", row), LocalEdit)
    assert path.read_bytes() == b"edit"
    assert window.tmp() == []


def test_a_folder_that_took_the_name_in_the_last_instant_goes_back(window, tree):
    path = tree.write("f", b"old")
    row = tree.row("f")

    def deed():
        path.unlink()
        path.mkdir()
        (path / "in").write_bytes(b"mine")

    window.folder.before = deed

    assert isinstance(window.put("f", b"new", row), LocalEdit)
    assert (path / "in").read_bytes() == b"mine"


def test_a_deletion_in_the_last_instant_is_told(window, tree):
    path = tree.write("f", b"old")
    row = tree.row("f")
    window.folder.before = path.unlink

    assert isinstance(window.put("f", b"new", row), LocalEdit)
    assert not path.exists()
    assert window.tmp() == []


def test_an_edit_right_after_is_seen_by_the_next_scan(window, tree):
    path = tree.write("f", b"old")
    row = tree.row("f")
    window.folder.after = lambda: path.write_bytes(b"edit")
    outcome = window.put("f", b"new", row)

    rows, _ = tree.scan(rows=tree.reload([outcome.row] if isinstance(outcome, Placed) else []))

    assert path.read_bytes() == b"edit"
    assert rows[0].content == window.content(b"edit")


class FailingFolder(Folder):
    """Fails renames that are not below ``.S3`` with a chosen error, a few times."""

    error = errno.EACCES
    left = 0

    def _fail(self, *paths):
        if self.left and any(not path.startswith(".S3") for path in paths):
            self.left -= 1
            raise OSError(self.error, os.strerror(self.error))

    def rename_noreplace(self, src, dst):
        self._fail(src, dst)
        super().rename_noreplace(src, dst)

    def replace(self, src, dst):
        self._fail(src, dst)
        super().replace(src, dst)

    def exchange(self, src, dst):
        self._fail(src, dst)
        return super().exchange(src, dst)


@pytest.fixture
def failing(tree, content):
    folder = FailingFolder(str(tree.root), use_dir_fd=tree.folder._use_dir_fd)
    made = Site(tree, content, folder=folder)
    made.folder = folder
    yield made
    folder.close()


@pytest.mark.parametrize("expected", [True, False])
def test_a_lock_of_an_instant_is_waited_out(failing, tree, expected):
    row = None
    if expected:
        tree.write("f", b"old")
        row = tree.row("f")
    failing.folder.left = 2

    assert isinstance(failing.put("f", b"new", row), Placed)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (errno.EACCES, "permission denied"),
        (errno.EROFS, "permission denied"),
        (errno.EBUSY, "open in another program"),
        (errno.ETXTBSY, "open in another program"),
    ],
)
def test_a_file_that_cannot_be_changed_is_told_and_left(failing, tree, error, reason):
    tree.write("f", b"old")
    row = tree.row("f")
    failing.folder.error = error

    failing.folder.left = 99
    assert failing.put("f", b"new", row) == Refused("f", reason)
    assert failing.put("g", b"new") == Refused("g", reason)
    assert failing.writer.remove(row, keep_as=".S3/deleted/1/f") == Refused("f", reason)
    assert (tree.root / "f").read_bytes() == b"old"
    assert failing.tmp() == []


@pytest.mark.parametrize(
    ("error", "kind"), [(errno.ENOSPC, DiskFullError), (errno.EIO, WorktreeError)]
)
def test_trouble_with_the_disk_stops_with_every_file_whole(failing, tree, error, kind):
    tree.write("f", b"old")
    row = tree.row("f")
    failing.folder.error = error

    failing.folder.left = 99
    with pytest.raises(kind):
        failing.put("f", b"new", row)
    with pytest.raises(kind):
        failing.put("g", b"new")
    assert (tree.root / "f").read_bytes() == b"old"
    assert failing.tmp() == []


class TwoDisks(Folder):
    """Acts as if everything below ``mnt`` lay on another disk than the rest."""

    def _check(self, src, dst):
        if src.startswith("mnt/") != dst.startswith("mnt/"):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    def rename_noreplace(self, src, dst):
        self._check(src, dst)
        super().rename_noreplace(src, dst)

    def replace(self, src, dst):
        self._check(src, dst)
        super().replace(src, dst)

    def exchange(self, src, dst):
        self._check(src, dst)
        return super().exchange(src, dst)


def test_a_mounted_disk_below_is_served_too(tree, content):
    with TwoDisks(str(tree.root), use_dir_fd=tree.folder._use_dir_fd) as folder:
        site = Site(tree, content, folder=folder)
        tree.write("mnt/old", b"old").chmod(0o755)
        row = tree.row("mnt/old")

        assert isinstance(site.put("mnt/d/new", b"new"), Placed)
        placed = site.put("mnt/old", b"newer", row, ".S3/deleted/1/mnt/old")
        assert isinstance(placed, Placed)
        assert placed.row == tree.row("mnt/old")
        removed = site.writer.remove(placed.row, keep_as=".S3/deleted/2/mnt/old")
        assert isinstance(removed, Removed)

    files = tree.everything()
    files.pop(".S3/journal", None)
    assert files == {
        "mnt/d/new": b"new",
        ".S3/deleted/1/mnt/old": b"old",
        ".S3/deleted/2/mnt/old": b"newer",
    }


def test_a_disk_full_while_writing_leaves_nothing(tree, content, monkeypatch):
    def full(*_args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    site = Site(tree, content)
    staged = site.writer.stage("f", content(b"x"), OLD_NS)
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(DiskFullError):
        staged.write(b"x")
    monkeypatch.undo()

    assert site.tmp() == []


def test_a_failed_fsync_throws_the_file_away(tree, content, monkeypatch):
    def fail(_fd):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(writer, "can_sync_at_once", lambda: False)
    site = Site(tree, content, fsync=True)
    staged = site.writer.stage("f", content(b"x"), OLD_NS)
    staged.write(b"x")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(WorktreeError):
        staged.finish()
    monkeypatch.undo()

    assert site.tmp() == []


@pytest.mark.parametrize("at_once", [True, False])
def test_names_are_forced_to_disk_without_error(tree, content, monkeypatch, at_once):
    if not at_once:
        monkeypatch.setattr(writer, "can_sync_at_once", lambda: False)
    site = Site(tree, content, fsync=True)
    first = site.put("a/b/f", b"x").row
    staged = site.stage("a/b/f", b"y", edited_ns=OLD_NS)
    site.writer.sync_staged()
    second = site.writer.put_in_place(staged, first, keep_as=".S3/deleted/1/f").row
    site.writer.flush()
    site.writer.remove(second, keep_as=".S3/deleted/2/f")

    site.writer.close()  # the folder a/b is gone by now

    assert sorted(tree.everything().values()) == [b"x", b"y"]


def test_what_cannot_be_kept_under_its_long_name_is_kept_under_a_short_one(site, tree):
    tree.write("f", b"old")

    outcome = site.put("f", b"new", tree.row("f"), ".S3/deleted/1/" + "x" * 300)

    assert (tree.root / outcome.kept).read_bytes() == b"old"
    assert outcome.kept.startswith(".S3/deleted/recovered/")


class StuckFolder(Folder):
    """Cannot move anything to the deleted files."""

    def rename_noreplace(self, src, dst):
        if dst.startswith(".S3/deleted"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        super().rename_noreplace(src, dst)


def test_what_cannot_be_kept_stays_for_the_next_sync_to_settle(tree, content):
    tree.write("f", b"old")
    tree.write("g", b"going")
    f, g = tree.row("f"), tree.row("g")
    with StuckFolder(str(tree.root), use_dir_fd=tree.folder._use_dir_fd) as folder:
        site = Site(tree, content, folder=folder)
        placed = site.put("f", b"new", f, ".S3/deleted/1/f")
        with pytest.raises(WorktreeError):
            site.writer.remove(g, keep_as=".S3/deleted/1/g")
        site.writer.close()

    assert (tree.root / placed.kept).read_bytes() == b"old"
    recover(tree.folder)
    assert tree.everything() == {
        "f": b"new",
        "g": b"going",
        ".S3/deleted/recovered/f": b"old",
    }


EDITS = int(os.environ.get("CAS_SYNC_EDITS", "200"))
"""So many saves race the writer; 10,000 take a minute."""


@pytest.mark.parametrize("swap", [True, False])
def test_an_editor_racing_the_writer_never_loses_a_save(tree, content, monkeypatch, swap):
    if not swap:
        monkeypatch.setattr(renames, "_system_rename", lambda: None)
    site = Site(tree, content, fsync=False)
    for n in range(EDITS):
        path = tree.write(f"f{n}", b"old")
        row = tree_row(path, content(b"old"))
        edit = b"edit %d" % n
        start = threading.Barrier(2)

        def user(path=path, edit=edit, start=start):
            start.wait()
            save(path, edit)()

        thread = threading.Thread(target=user)
        thread.start()
        staged = site.stage(f"f{n}", b"new")
        start.wait()
        site.writer.put_in_place(staged, row)
        thread.join()

        here = [p.read_bytes() for p in tree.root.glob(f"f{n}")]
        kept = [p.read_bytes() for p in tree.root.glob(f".S3/deleted/**/f{n}*")]
        assert edit in here + kept
        for each in [path, *tree.root.glob(f".S3/deleted/**/f{n}*")]:
            each.unlink(missing_ok=True)  # many names make a search slow
    site.writer.close()
    assert site.tmp() == []


def tree_row(path, content):
    found = os.stat(path)
    return LocalRow(path.name, content, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
