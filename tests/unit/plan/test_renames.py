"""Renames are seen where content left one path and came to another."""

import pytest

from cas_sync.model.commit import ChangeRow
from cas_sync.model.ids import ObjectId
from cas_sync.model.tree import Content, Entry, Mode, Timestamp
from cas_sync.plan.renames import (
    TreeChange,
    find_renames,
    folded,
    pair_renames,
    paired,
)


def content(text, mode=Mode.FILE):
    return Content(ObjectId.of(text.encode()), len(text), mode)


def added(path, text):
    return TreeChange(path, None, content(text))


def deleted(path, text):
    return TreeChange(path, content(text), None)


def modified(path, old, new):
    return TreeChange(path, content(old), content(new))


def test_both_ends_of_a_rename_are_told_and_the_order_stays():
    rows = [added("a", "x"), modified("b", "1", "2"), deleted("c", "x"), added("d", "y")]

    assert pair_renames(rows) == [
        rows[0]._replace(renamed_from="c"),
        rows[1],
        rows[2]._replace(renamed_to="a"),
        rows[3],
    ]


def test_a_rename_is_one_row_for_people():
    rows = pair_renames([added("a", "x"), deleted("c", "x"), deleted("d", "y")])

    assert [row.path for row in folded(rows)] == ["a", "d"]


def test_a_rename_with_an_edit_is_none():
    rows = [added("a", "x and more"), deleted("b", "x")]

    assert pair_renames(rows) == rows


def test_content_that_is_still_where_it_was_was_copied_and_not_renamed():
    assert pair_renames([added("copy", "x")]) == [added("copy", "x")]


def test_content_that_moved_away_by_an_edit_is_no_rename():
    rows = [added("a", "x"), modified("b", "x", "y")]

    assert pair_renames(rows) == rows


def test_a_rename_may_change_the_mode():
    rows = [TreeChange("a", None, content("x", Mode.EXEC)), deleted("b", "x")]

    assert pair_renames(rows)[0].renamed_from == "b"


def test_files_of_the_same_name_in_another_folder_belong_together():
    rows = [
        added("new/a", "x"),
        added("new/b", "x"),
        added("new/c", "x"),
        deleted("old/b", "x"),
        deleted("old/z", "x"),
    ]

    assert [row.renamed_from for row in pair_renames(rows)[:3]] == ["old/z", "old/b", ""]


def test_no_path_is_the_end_of_two_renames():
    rows = [added("a", "x"), added("b", "x"), deleted("c", "x")]

    told = pair_renames(rows)

    assert [row.renamed_from for row in told] == ["c", "", ""]
    assert told[2].renamed_to == "a"


@pytest.mark.parametrize(
    ("new", "old", "is_renamed"),
    [("b/__init__.py", "a/__init__.py", True), ("b/x.log", "a/y.log", False)],
)
def test_empty_files_are_renamed_only_if_they_keep_their_name(new, old, is_renamed):
    told = pair_renames([added(new, ""), deleted(old, "")])

    assert bool(told[0].renamed_from) is is_renamed


def test_hashes_are_enough_to_see_a_rename():
    rows = [ChangeRow("a", "added", "", "h"), ChangeRow("b", "deleted", "h", "")]

    assert find_renames(iter(rows)) == {"a": "b"}


def test_more_rows_than_are_held_go_through_as_they_are():
    taken = 0

    def rows():
        nonlocal taken
        for n in range(10):
            taken += 1
            yield added(f"a{n}", str(n))
        yield deleted("z", "3")

    first = next(found := paired(rows(), most=4))

    assert taken == 5
    assert [first, *found] == list(rows())
    assert any(row.renamed_from for row in paired(rows(), most=11))


def test_a_row_says_what_scripts_get():
    (row,) = pair_renames([modified("b", "1", "22")])

    assert row.to_dict() == {
        "path": "b",
        "change": "modified",
        "old": content("1").id.hex(),
        "new": content("22").id.hex(),
        "old_size": 1,
        "new_size": 2,
    }
    new, old = (row.to_dict() for row in pair_renames([added("a", "x"), deleted("b", "x")]))
    assert (new["old"], new["old_size"], new["renamed_from"]) == ("", None, "b")
    assert (old["new"], old["new_size"], old["renamed_to"]) == ("", None, "a")
    assert "renamed_to" not in new
    assert "renamed_from" not in old


def test_who_and_when_alone_are_no_change():
    before = Entry("a", content("x"), "Ana", Timestamp("2026-11-20T00:00:00Z"))

    assert TreeChange.between(before, before._replace(editor="Ben")) is None
    assert TreeChange.between(None, before) == added("a", "x")
    assert TreeChange.between(before, None) == deleted("a", "x")
    turned = before._replace(content=content("x", Mode.EXEC))
    assert TreeChange.between(before, turned) == TreeChange("a", before.content, turned.content)
