import csv

from cas_sync.model.ids import ObjectId
from cas_sync.model.tree import Content, Entry, Mode
from cas_sync.worktree.deletions import note_removed, write_unpublished

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
