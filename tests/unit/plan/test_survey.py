"""A look over the whole plan: what it comes to, and names that must not meet."""

import pytest

from cas_sync.model.paths import sort_key
from cas_sync.model.tree import Content, Entry, Found, Mode
from cas_sync.plan import survey as survey_module
from cas_sync.plan.conflict import set_aside_name
from cas_sync.plan.scope import Scope
from cas_sync.plan.step import Act, OnConflict
from cas_sync.plan.survey import KEPT, Moves, take
from cas_sync.plan.sync_plan import Rules, decide_all
from tests.support.samples import WHEN, oid


def content(value):
    return Content(oid(str(value)), value, Mode.FILE)


def ordered(tree):
    return sorted(tree.items(), key=lambda each: sort_key(each[0]))


def rules(paths=(), **more):
    scope = Scope(paths=paths)
    return Rules(ignores=scope.ignores, covers=scope.covers, author="Ana", **more)


def survey(base, ours, theirs, rules_=None):
    rules_ = rules_ or rules()
    decided = decide_all(
        [Entry(p, content(v), "Ben", WHEN) for p, v in ordered(base)],
        [Found(p, content(v), 1) for p, v in ordered(ours)],
        [Entry(p, content(v), "Ben", WHEN) for p, v in ordered(theirs)],
        rules_,
    )
    return take(decided)


def settled(base, ours, theirs, **wishes):
    """Return the survey once no names clash, and in how many rounds."""
    rules_, rounds = rules(**wishes), 0
    while True:
        found, rounds = survey(base, ours, theirs, rules_), rounds + 1
        if found.refused.keys() <= rules_.refused.keys() and found.clashes <= rules_.clashes:
            return found, rounds
        wishes["refused"] = {**found.refused, **rules_.refused}
        wishes["clashes"] = rules_.clashes | found.clashes
        rules_ = rules(**wishes)


def test_a_plan_is_summed_up():
    found = survey(
        base={"same": 1, "gone": 2, "mine": 3, "theirs": 4, "both": 5},
        ours={"same": 1, "mine": 30, "theirs": 4, "both": 50, "new": 7},
        theirs={"same": 1, "gone": 2, "mine": 3, "theirs": 40, "both": 51, "come": 9},
        rules_=rules(on_conflict=OnConflict.ASK),
    )

    assert (found.n_base, found.n_ours) == (5, 5)
    assert found.acts == {
        Act.UPLOAD: 2,
        Act.DELETE_THERE: 1,
        Act.DOWNLOAD: 2,
        Act.CONFLICT: 1,
    }
    assert (found.n_publish, found.n_materialize, found.n_pending) == (3, 2, 1)
    assert (found.bytes_up, found.bytes_down) == (37, 49)
    assert (found.n_added, found.n_modified) == (1, 1)
    assert found.conflicts == ["both"]
    assert found.n_steps == 6
    assert found.is_whole


def test_only_the_first_steps_of_a_long_plan_are_kept(monkeypatch):
    monkeypatch.setattr(survey_module, "KEPT", 3)

    found = survey({}, {str(i): i for i in range(5)}, {})

    assert [len(found.steps), found.n_steps, found.is_whole] == [3, 5, False]
    assert KEPT > 3


def test_a_name_that_not_every_system_holds_is_told_when_it_is_published():
    found = survey({}, {"a:b": 1, "c": 1}, {"d?": 2})

    assert list(found.warnings) == ["a:b"]


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ("readme", "README"),
        ("README", "readme"),
        ("D/a", "d/b"),
        ("d/a", "D/b"),
        ("x/D/a", "x/d/b"),
        ("D/a", "d"),
        ("É", "é"),
        ("straße", "strasse"),
    ],
)
def test_of_two_names_that_a_disk_takes_for_one_the_new_one_is_refused(mine, theirs):
    found, _ = settled({theirs: 1}, {theirs: 1, mine: 2}, {theirs: 1})

    assert list(found.skipped) == [mine]
    assert theirs in found.skipped[mine]
    assert found.n_publish == 0


def test_names_that_are_there_already_are_left_alone():
    tree = {"D/a": 1, "d/a": 2}

    found, _ = settled(tree, {**tree, "D/a": 3, "d/a": 4}, tree)

    assert found.acts == {Act.UPLOAD: 2}


def test_a_rename_of_case_alone_is_published():
    found, _ = settled({"d/a.csv": 1}, {"D/a.csv": 1}, {"d/a.csv": 1})

    assert found.acts == {Act.UPLOAD: 1, Act.DELETE_THERE: 1}


def test_a_large_new_folder_is_refused_in_few_rounds():
    ours = {f"Data/{i:04d}": 1 for i in range(3000)}

    found, rounds = settled({}, ours, {"data/x": 2})

    assert rounds <= 3
    assert found.acts == {Act.SKIP: 3000, Act.DOWNLOAD: 1}


def test_the_folder_that_was_there_keeps_taking_new_files():
    found, _ = settled(
        {"data/z": 1}, {"DATA/a": 2, "Data/b": 2, "data/c": 2, "data/z": 1}, {"data/z": 1}
    )

    assert sorted(found.skipped) == ["DATA/a", "Data/b"]
    assert [s.path for s in found.steps if s.act is Act.UPLOAD] == ["data/c"]


def test_a_folder_keeps_its_name_when_our_file_meets_it():
    found, _ = settled({}, {"a": 1}, {"a/b": 2})

    assert found.acts == {Act.SET_OURS_ASIDE: 1, Act.DOWNLOAD: 1}


def test_a_folder_keeps_its_name_when_our_edited_file_meets_it():
    found, _ = settled({"a": 1}, {"a": 3}, {"a/b": 2})

    assert found.acts == {Act.SET_OURS_ASIDE: 1, Act.DOWNLOAD: 1}


def test_a_folder_keeps_its_name_when_their_file_meets_it():
    found, _ = settled({}, {"a/b": 1}, {"a": 2})

    assert found.acts == {Act.SET_THEIRS_ASIDE: 1, Act.UPLOAD: 1}


def test_a_file_that_was_replaced_by_a_folder_makes_way_for_it():
    assert settled({"a": 1}, {"a/b": 2}, {"a": 1})[0].acts == {
        Act.DELETE_THERE: 1,
        Act.UPLOAD: 1,
    }
    assert settled({"a": 1}, {"a": 1}, {"a/b": 2})[0].acts == {
        Act.DELETE_HERE: 1,
        Act.DOWNLOAD: 1,
    }


@pytest.mark.parametrize(
    "wishes", [{"pull": False}, {"paths": ["a/b"]}], ids=["push only", "file out of scope"]
)
def test_nothing_is_published_below_a_file_that_stays(wishes):
    found, _ = settled({}, {"a/b": 1}, {"a": 2}, **wishes)

    assert found.acts == {Act.LEAVE: 1, Act.SKIP: 1}
    assert "a file called a" in found.skipped["a/b"]


def test_a_deletion_that_is_not_carried_over_keeps_the_folder_away():
    found, _ = settled({"a": 1}, {"a/b": 2}, {"a": 1}, deletes=False)

    assert found.acts == {Act.LEAVE: 1, Act.SKIP: 1}


def taken(path, value, who):
    return set_aside_name(path, content(value), who)


def test_no_file_is_set_aside_over_another():
    theirs = {"a": 2, taken("a", 1, "Ana"): 9}

    found, _ = settled({}, {"a": 1}, theirs, on_conflict=OnConflict.KEEP_BOTH)

    assert list(found.skipped) == ["a"]
    assert "already" in found.skipped["a"]


def test_a_folder_does_not_push_their_file_over_another():
    mine = taken("a", 2, "Ben")

    found, _ = settled({}, {"a/b": 1, mine: 9}, {"a": 2})

    assert sorted(found.skipped) == ["a", "a/b"]
    assert found.acts == {Act.SKIP: 2, Act.UPLOAD: 1}


def test_a_file_that_was_set_aside_before_the_crash_is_no_obstacle():
    copy = taken("a", 1, "Ana")

    found, _ = settled(
        {}, {"a": 1, copy: 1}, {"a": 2, copy: 1}, on_conflict=OnConflict.KEEP_BOTH
    )

    assert found.acts == {Act.KEEP_BOTH: 1, Act.AGREE: 1}


def test_content_that_went_and_came_is_no_loss(monkeypatch):
    monkeypatch.setattr(Moves, "LIMIT", 2)
    moves = Moves()
    for text in ("a", "b", "c"):
        moves.went(oid(text))
        moves.came(oid(text))

    assert moves.n_lost == 1
