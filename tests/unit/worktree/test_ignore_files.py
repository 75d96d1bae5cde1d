import os

import pytest

from cas_sync.errors import ConfigError
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.ignore_files import (
    LOCAL_FILE,
    MAX_BYTES,
    add_lines,
    read_local_paths,
    read_team_rules,
)
from cas_sync.worktree.scan import ScanReport, scan


@pytest.fixture
def folder(tmp_path):
    (tmp_path / ".S3").mkdir()
    with Folder(str(tmp_path)) as opened:
        yield opened


def told(rules):
    return [(rule.where, rule.text) for rule in rules]


def test_where_there_are_no_lists_there_are_no_rules(folder):
    assert read_team_rules(folder) == read_local_paths(folder) == ()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_the_teams_rules_are_read_whatever_editor_wrote_them(folder, tmp_path, start, end):
    text = start + end.join(["*.tmp", "", "# ours", "raw/"])
    (tmp_path / ".casignore").write_bytes(text.encode())

    assert told(read_team_rules(folder)) == [
        (".casignore:1", "*.tmp"),
        (".casignore:4", "raw/"),
    ]


def test_exact_paths_come_from_both_names_of_the_list(folder, tmp_path):
    (tmp_path / ".S3/ignores3.txt").write_bytes(b"\xef\xbb\xbfold.csv\r\n")
    (tmp_path / ".S3/ignore_remote.txt").write_bytes(b"data[1].csv\r\n\r\n#x")

    assert told(read_local_paths(folder)) == [
        (".S3/ignores3.txt:1", "old.csv"),
        (".S3/ignore_remote.txt:1", "data[1].csv"),
        (".S3/ignore_remote.txt:3", "#x"),
    ]


def a_link(path):
    os.symlink("elsewhere", path)


def a_folder(path):
    path.mkdir()


def too_much(path):
    path.write_bytes(b"x" * (MAX_BYTES + 1))


def no_text(path):
    path.write_bytes(b"fine\ncaf\xe9\n")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (a_link, "is a link"),
        (a_folder, "is a folder"),
        (too_much, "is larger than"),
        (no_text, ":2: this is not UTF-8"),
    ],
)
@pytest.mark.parametrize(
    ("name", "read"), [(".casignore", read_team_rules), (LOCAL_FILE, read_local_paths)]
)
def test_a_list_that_cannot_be_meant_is_refused(folder, tmp_path, name, read, make, message):
    make(tmp_path / name)

    for refused in (read, lambda folder: add_lines(folder, name, ["x"])):
        with pytest.raises(ConfigError, match=f"^{name}.*{message}") as caught:
            refused(folder)
        assert caught.value.code == "E214"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b"x\ny\n"),
        (b"a", b"a\nx\ny\n"),
        (b"a\n", b"a\nx\ny\n"),
        (b"a\r\nb", b"a\r\nb\r\nx\r\ny\r\n"),
    ],
)
def test_lines_are_added_as_the_others_are(folder, tmp_path, before, after):
    if before:
        (tmp_path / ".casignore").write_bytes(before)

    add_lines(folder, ".casignore", ["x", "y"])

    assert (tmp_path / ".casignore").read_bytes() == after


def test_a_scan_counts_what_it_passes_over_by_name(folder, tmp_path):
    for name in ("a/x.tmp", "b/x.tmp", "junk/a", "junk/b", "c.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    report = ScanReport()

    rows = scan(
        folder,
        (),
        fs_now_ns=0,
        is_ignored=lambda path, _: path == "junk" or path.endswith(".tmp"),
        report=report,
    )

    assert [row.path for row in rows] == ["c.csv"]
    assert report.n_ignored == 3
    assert report.ignored == {"x.tmp": 2, "junk/": 1}


def test_a_scan_names_a_bounded_number_of_what_it_passes_over(folder, tmp_path):
    for n in range(50):
        (tmp_path / f"{n}").write_bytes(b"")
    report = ScanReport()

    list(scan(folder, (), fs_now_ns=0, is_ignored=lambda *_: True, report=report))

    assert report.n_ignored == 50
    assert len(report.ignored) == 20
