"""The inverse of a commit: what comes back, what goes, what is left alone and why."""

import pytest

from cas_sync.model.paths import sort_key
from cas_sync.model.tree import Content, Entry, Mode
from cas_sync.plan import inverse as inverse_module
from cas_sync.plan.guards import GuardLimits
from cas_sync.plan.inverse import Seen, Turn, plan_inverse, suspect_inverse, why_left
from tests.support.samples import WHEN, oid


def rows(tree):
    return {
        path: Entry(path, Content(oid(str(value)), value, Mode.FILE), "Ana", WHEN)
        for path, value in tree.items()
    }


def diff(old, new):
    a, b = rows(old), rows(new)
    paths = sorted({*a, *b}, key=sort_key)
    return lambda: ((a.get(p), b.get(p)) for p in paths if a.get(p) != b.get(p))


def planned(before, after, now, is_stored=lambda _: True):
    return plan_inverse(Seen(diff(before, after), diff(after, now)), is_stored)


def turns(plan):
    return {each.path: each.turn for each in plan.inverses()}


@pytest.mark.parametrize(
    ("before", "after", "now", "turn"),
    [
        pytest.param(1, None, None, Turn.BRING_BACK, id="deleted"),
        pytest.param(1, 2, 2, Turn.PUT_BACK, id="edited"),
        pytest.param(None, 2, 2, Turn.TAKE_OUT, id="added"),
        pytest.param(1, None, 1, Turn.ALREADY, id="deleted, there again"),
        pytest.param(1, 2, 1, Turn.ALREADY, id="edited, put back"),
        pytest.param(None, 2, None, Turn.ALREADY, id="added, gone"),
        pytest.param(1, None, 3, Turn.LEAVE, id="deleted, another there"),
        pytest.param(1, 2, 3, Turn.LEAVE, id="edited again"),
        pytest.param(1, 2, None, Turn.LEAVE, id="edited, then deleted"),
        pytest.param(None, 2, 3, Turn.LEAVE, id="added, then edited"),
    ],
)
def test_what_becomes_of_a_path(before, after, now, turn):
    trees = [{} if value is None else {"x": value} for value in (before, after, now)]

    assert turns(planned(*trees)) == {"x": turn}


def test_a_path_the_commit_did_not_change_is_not_told_of():
    assert turns(planned({"x": 1, "y": 1}, {"x": 1, "y": 2}, {"x": 9, "y": 2})) == {
        "y": Turn.PUT_BACK
    }


def test_another_editor_of_the_same_content_is_no_change():
    mine = Entry("x", Content(oid("1"), 1, Mode.FILE), "Ana", WHEN)
    theirs = mine._replace(editor="Ben")
    plan = plan_inverse(
        Seen(lambda: iter([(None, mine)]), lambda: iter([(mine, theirs)])), lambda _: True
    )

    (only,) = plan.inverses()
    assert (only.turn, only.now) == (Turn.TAKE_OUT, theirs)


def test_the_executable_bit_is_put_back():
    plain = Entry("x", Content(oid("1"), 1, Mode.FILE), "Ana", WHEN)
    run = plain._replace(content=plain.content._replace(mode=Mode.EXEC))
    plan = plan_inverse(Seen(lambda: iter([(plain, run)]), lambda: iter(())), lambda _: True)

    assert [each.before for each in plan.inverses() if each.acts] == [plain]


def test_a_file_cannot_come_back_where_a_folder_is():
    plan = planned({"a": 1}, {}, {"a/b": 2})

    assert turns(plan) == {"a": Turn.CANNOT}
    assert plan.left[0].reason == "there is a folder of this name now"


def test_a_file_cannot_come_back_into_what_is_a_file():
    plan = planned({"a/b": 1, "a/c": 1}, {}, {"a": 2})

    assert turns(plan) == {"a/b": Turn.CANNOT, "a/c": Turn.CANNOT}
    assert "file called a" in plan.left[0].reason


@pytest.mark.parametrize("other", ["DATA/x", "Data/X", "data"])
def test_a_name_that_folds_to_one_that_is_there_does_not_come_back(other):
    plan = planned({"Data/x": 1, "z": 1}, {}, {other: 2})

    assert turns(plan) == {"Data/x": Turn.CANNOT, "z": Turn.BRING_BACK}
    assert other.partition("/")[0] in plan.left[0].reason


@pytest.mark.parametrize(("gone", "new"), [("A", "a"), ("a", "A"), ("b", "b/c"), ("b/c", "b")])
def test_names_clash_whichever_sorts_first(gone, new):
    assert turns(planned({gone: 1}, {}, {new: 2})) == {gone: Turn.CANNOT}


def test_a_rename_by_case_is_undone():
    assert turns(planned({"Foo": 1}, {"foo": 1}, {"foo": 1})) == {
        "Foo": Turn.BRING_BACK,
        "foo": Turn.TAKE_OUT,
    }


def test_a_rename_by_case_whose_file_was_edited_since_stays():
    assert turns(planned({"Foo": 1}, {"foo": 1}, {"foo": 2})) == {
        "Foo": Turn.CANNOT,
        "foo": Turn.LEAVE,
    }


def test_a_file_that_became_a_folder_is_a_file_again():
    assert turns(planned({"a": 1}, {"a/b": 1}, {"a/b": 1})) == {
        "a": Turn.BRING_BACK,
        "a/b": Turn.TAKE_OUT,
    }


def test_what_is_lost_is_in_nobodys_way():
    lost = oid("1")
    plan = planned({"a": 1}, {}, {"A": 2}, lambda content: content.id != lost)

    assert plan.left[0].reason == "its content is in the store no more"


def test_a_long_plan_is_made_again(monkeypatch):
    monkeypatch.setattr(inverse_module, "KEPT", 3)
    many = {f"f{i}": 1 for i in range(10)}
    plan = planned(many, {}, {"f3": 7})

    assert len(plan.kept) == 3
    assert turns(plan)["f3"] is Turn.LEAVE
    assert plan.n == {Turn.BRING_BACK: 9, Turn.LEAVE: 1}
    assert list(plan.inverses()) == list(plan.inverses())


def test_what_goes_in_large_part_needs_a_human_word():
    added = {f"f{i}": i for i in range(12)}
    plan = planned({"x": 0}, {"x": 0, **added}, {"x": 0, **added})
    why = suspect_inverse(plan, 13, GuardLimits(), "3f9c1a2b")

    assert why is not None
    assert "12 of 13 files" in why.message
    assert "cas-sync undo 3f9c1a2b --allow-mass-delete" in why.fix
    assert suspect_inverse(plan, 30, GuardLimits(), "3f9c1a2b") is None
    assert suspect_inverse(plan, 13, GuardLimits(least=13), "3f9c1a2b") is None


def test_a_rename_undone_is_no_deletion():
    old, new = ({f"{d}/{i}": i for i in range(12)} for d in "ab")

    assert suspect_inverse(planned(old, new, new), 12, GuardLimits(), "") is None


def test_who_changed_it_since_is_told_where_that_is_known():
    (left,) = planned({"x": 1}, {}, {"x": 2}).left

    assert why_left(left, {}) == "added again since"
    assert why_left(left, {"x": ("Ben", 13)}) == "added again since by Ben in #13"
