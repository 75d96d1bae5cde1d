import csv

import pytest

from cas_sync.model.ids import ObjectId
from cas_sync.model.tree import Content, Entry, Mode
from cas_sync.worktree.deletions import note_removed, read_removed, write_unpublished

ROW = Entry("a,b.csv", Content(ObjectId.of(b"x"), 1, Mode.FILE), "Ana", "2026-11-22T10:00:00Z")


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_removed_files_add_up_and_say_where_they_are_kept(tmp_path):
    path = str(tmp_path / "deleted_remote.csv")
    note_removed(path, [(ROW, ".S3/deleted/000002/a,b.csv")], 2)
    note_removed(path, [], 3)
    note_removed(path, [(ROW, ".S3/deleted/000004/a,b.csv")], 4)

    header, first, second = read(path)

    assert header[0] == "File"
    assert header[-1] == "Kept As"
    assert (first[0], first[-1]) == ("a,b.csv", ".S3/deleted/000002/a,b.csv")
    assert second[-2] == "4"


def test_the_list_of_unpublished_deletions_is_replaced_and_goes_when_empty(tmp_path):
    path = str(tmp_path / "deleted_local.csv")
    write_unpublished(path, str(tmp_path), [ROW])

    assert [row[0] for row in read(path)][:2] == ["File", "a,b.csv"]

    write_unpublished(path, str(tmp_path), [])

    assert list(tmp_path.iterdir()) == []


KEPT = ".S3/deleted/000002/a,b.csv"


def test_what_was_noted_is_read_back(tmp_path):
    path = str(tmp_path / "deleted_remote.csv")
    note_removed(path, [(ROW, KEPT)], 2)
    note_removed(path, [(ROW, ".S3/deleted/000004/=a.csv")], 4)

    assert list(read_removed(path)) == [
        (ROW.content.id, KEPT),
        (ROW.content.id, ".S3/deleted/000004/=a.csv"),
    ]
    assert list(read_removed(str(tmp_path / "none.csv"))) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(".S3/deleted/", ".S3/deleted/../../", 1),
        lambda text: text.replace(".S3/deleted/", "/etc/", 1),
        lambda text: text.replace(".S3/deleted/000002", ".S3/deleted//", 1),
        lambda text: text.replace(str(ROW.content.id), "not a hash", 1),
        lambda text: text.replace(".S3/deleted/000002", ".S3/deleted/\0", 1),
        lambda text: text.replace(",2,", ",", 1),
        lambda text: text.replace("Ana", '"An', 1),
        lambda text: text.replace(",", ";", 6),
        lambda text: text.replace("Ana", "x" * 300_000, 1),
    ],
)
def test_a_line_that_says_nothing_is_passed_over_and_the_rest_is_read(tmp_path, change):
    path = tmp_path / "deleted_remote.csv"
    note_removed(str(path), [(ROW, KEPT)], 2)
    header, line = path.read_text().splitlines()
    path.write_text("\r\n".join([header, change(line), line, ""]), newline="")

    assert list(read_removed(str(path))) == [(ROW.content.id, KEPT)]


def test_bytes_that_are_no_text_and_a_mark_at_the_beginning_do_no_harm(tmp_path):
    path = tmp_path / "deleted_remote.csv"
    note_removed(str(path), [(ROW, KEPT)], 2)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes() + b"\xff\xfe\n,,\n")

    assert list(read_removed(str(path))) == [(ROW.content.id, KEPT)]
