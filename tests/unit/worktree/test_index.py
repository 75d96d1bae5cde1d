import csv
import os
from pathlib import Path

import pytest

from cas_sync.worktree.index import COLUMNS, IndexWriter, dump, read_index

NAMES = ["=a.csv", "a b.csv", 'a"q".csv', "a,b.csv", "007", "NA", "d/é.csv", "'x", "#end", "-1"]


def save(tmp_path, rows, tag=""):
    writer = IndexWriter(str(tmp_path / "index.csv"), str(tmp_path))
    for row in rows:
        writer.write(row)
    writer.commit(tag)
    return str(tmp_path / "index.csv")


def test_rows_come_back_as_they_were(tmp_path, make_row):
    rows = [make_row(name, name.encode()) for name in NAMES]
    rows.append(make_row("é", disk_path="e\u0301"))
    path = save(tmp_path, rows, "seq 1 x é")

    index = read_index(path)

    assert index.complete
    assert index.tag == "seq 1 x é"
    assert list(index) == rows


def test_it_is_plain_csv(tmp_path, make_row):
    path = save(tmp_path, [make_row(name) for name in NAMES], "a b")

    with open(path, newline="", encoding="utf-8") as source:
        lines = list(csv.reader(source, strict=True))

    assert tuple(lines[0]) == COLUMNS
    assert [line[0] for line in lines[1:-1]] == [
        "'" + name if name[0] in "='#-" else name for name in NAMES
    ]
    assert lines[-1][:3] == ["#end", str(len(NAMES)), "a b"]
    assert b"\r" not in (tmp_path / "index.csv").read_bytes()


def test_a_racy_row_stays_racy_and_keeps_its_times(tmp_path, make_row):
    racy = make_row("a", racy=True)
    path = save(tmp_path, [racy])

    (row,) = read_index(path)

    assert row == racy


def test_a_torn_index_never_yields_a_wrong_row(tmp_path, make_row):
    path = save(tmp_path, [make_row(name) for name in NAMES], "tag")
    whole = Path(path).read_bytes()

    for n in range(len(whole)):
        torn = tmp_path / "torn.csv"
        torn.write_bytes(whole[:n])
        index = read_index(str(torn))
        assert not index.complete
        assert list(index) == []


def test_a_changed_byte_is_noticed(tmp_path, make_row):
    path = save(tmp_path, [make_row(name) for name in NAMES], "tag")
    whole = Path(path).read_bytes()

    for n in range(len(whole)):
        bad = tmp_path / "bad.csv"
        bad.write_bytes(whole[:n] + bytes([whole[n] ^ 1]) + whole[n + 1 :])
        assert list(read_index(str(bad))) == []


def test_a_missing_index_has_no_rows(tmp_path):
    path = str(tmp_path / "nothing")

    assert list(read_index(path)) == []
    assert not read_index(path).complete


def test_an_abandoned_index_leaves_the_old_one(tmp_path, make_row):
    path = save(tmp_path, [make_row("old")], "old")
    writer = IndexWriter(path, str(tmp_path))
    writer.write(make_row("new"))
    writer.abandon()

    assert [row.path for row in read_index(path)] == ["old"]
    assert os.listdir(tmp_path) == ["index.csv"]


@pytest.mark.parametrize("tag", ["a\nb", "x" * 1001, "a\x00", "a,b", 'a"b'])
def test_a_tag_is_one_short_line(tmp_path, tag):
    writer = IndexWriter(str(tmp_path / "index.csv"), str(tmp_path))

    with pytest.raises(ValueError, match="one short line"):
        writer.commit(tag)
    assert os.listdir(tmp_path) == []


def test_many_rows_come_back(tmp_path, make_row):
    rows = [make_row(f"d/{n:06}") for n in range(10_000)]
    path = save(tmp_path, rows)

    assert list(read_index(path)) == rows


def test_what_changed_is_appended_and_read_in_its_place(tmp_path, make_row):
    rows = {name: make_row(name) for name in ["a", "b,c", "d/é", "e"]}
    path = save(tmp_path, list(rows.values()), "first")
    before = Path(path).read_bytes()
    new, other = make_row("b,c", b"22"), make_row("c")

    changes = [("a", None), ("b,c", dump(new)), ("c", dump(other))]
    n_rows = read_index(path).write(lambda: changes, "second", str(tmp_path))

    index = read_index(path)
    assert Path(path).read_bytes().startswith(before)
    assert (index.tag, index.n_rows, n_rows) == ("second", 4, 4)
    assert list(index) == [new, other, rows["d/é"], rows["e"]]
    assert list(index.find(["a", "b,c", "c", "d/é", "x"])) == [
        None,
        new,
        other,
        rows["d/é"],
        None,
    ]


def test_an_index_that_is_not_whole_is_written_anew(tmp_path, make_row):
    path = save(tmp_path, [make_row("a")], "first")
    Path(path).write_bytes(Path(path).read_bytes()[:-5])

    n_rows = read_index(path).write(
        lambda: [("b", dump(make_row("b")))], "second", str(tmp_path)
    )

    assert n_rows == 1
    assert [row.path for row in read_index(path)] == ["b"]
