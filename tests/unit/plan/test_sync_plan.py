"""One path at a time: what is seen of it, and what is done about it."""

import pytest

from cas_sync.model.tree import Content, Entry, Found, Mode
from cas_sync.plan.step import Act, OnConflict, Step
from cas_sync.plan.sync_plan import (
    Rules,
    Sides,
    align,
    decide,
    plan_sync,
    published,
    tree_change,
)
from tests.support.samples import WHEN, oid


def content(value):
    return Content(oid(value), len(value), Mode.FILE)


def entry(value, path="a.csv"):
    return None if value is None else Entry(path, content(value), "Ben", WHEN)


def found(value, path="a.csv"):
    return None if value is None else Found(path, content(value), 1)


def rules(**more):
    defaults = {"ignores": lambda path: False, "covers": lambda path: True, "author": "Ana"}
    return Rules(**{**defaults, **more})


def act(base, ours, theirs, **more):
    step = decide(Sides("a.csv", entry(base), found(ours), entry(theirs)), rules(**more))
    return step and step.act


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "expected"),
    [
        ("x", "x", "x", None),
        ("x", "y", "x", Act.UPLOAD),
        ("x", "x", "y", Act.DOWNLOAD),
        ("x", "y", "y", Act.AGREE),
        ("x", "y", "z", Act.CONFLICT),
        (None, "a", None, Act.UPLOAD),
        (None, None, "b", Act.DOWNLOAD),
        (None, "a", "b", Act.CONFLICT),
        (None, "a", "a", Act.AGREE),
        ("x", None, "x", Act.DELETE_THERE),
        ("x", "x", None, Act.DELETE_HERE),
        ("x", None, None, Act.AGREE),
        ("x", None, "y", Act.DOWNLOAD),
        ("x", "y", None, Act.UPLOAD),
    ],
)
def test_every_case_of_the_table_has_its_act(base, ours, theirs, expected):
    assert act(base, ours, theirs) is expected


@pytest.mark.parametrize(
    ("on_conflict", "expected"),
    [
        (OnConflict.ASK, Act.CONFLICT),
        (OnConflict.FAIL, Act.CONFLICT),
        (OnConflict.KEEP_BOTH, Act.KEEP_BOTH),
        (OnConflict.MINE, Act.TAKE_OURS),
        (OnConflict.THEIRS, Act.TAKE_THEIRS),
    ],
)
def test_a_conflict_is_settled_as_it_was_asked_for(on_conflict, expected):
    assert act("x", "y", "z", on_conflict=on_conflict) is expected


def test_a_change_of_mode_alone_is_a_change():
    exec_ = Found("a.csv", content("x")._replace(mode=Mode.EXEC), 1)

    step = decide(Sides("a.csv", entry("x"), exec_, entry("x")), rules())

    assert step.act is Act.UPLOAD


def test_the_time_of_a_file_decides_nothing():
    later = Found("a.csv", content("x"), 1 << 60)
    older = entry("x")._replace(edited="1999-01-01T00:00:00Z", editor="Cyd")

    assert decide(Sides("a.csv", entry("x"), later, older), rules()) is None


@pytest.mark.parametrize(
    ("sides", "wishes"),
    [
        (("x", "y", "x"), {"push": False}),
        (("x", None, "x"), {"push": False}),
        (("x", "y", "z"), {"push": False, "on_conflict": OnConflict.MINE}),
        (("x", "x", "y"), {"pull": False}),
        (("x", "x", None), {"pull": False}),
        (("x", None, "x"), {"deletes": False}),
        (("x", "x", None), {"deletes": False}),
        (("x", "y", "x"), {"covers": lambda path: False}),
        (("x", "x", None), {"covers": lambda path: False}),
    ],
)
def test_what_was_not_asked_for_is_left(sides, wishes):
    assert act(*sides, **wishes) is Act.LEAVE


@pytest.mark.parametrize("way", [{"push": False}, {"pull": False}])
@pytest.mark.parametrize("answer", [OnConflict.KEEP_BOTH, OnConflict.THEIRS])
def test_a_conflict_that_needs_both_ways_waits(way, answer):
    assert act("x", "y", "z", on_conflict=answer, **way) is Act.CONFLICT


def test_an_agreement_is_noted_whatever_was_asked_for():
    assert act("x", "y", "y", push=False, pull=False) is Act.AGREE


def test_ignored_paths_have_no_steps():
    assert act("x", None, "x", ignores=lambda path: True) is None
    unread = Found("a.csv", None, 1, "permission denied")
    hidden = rules(ignores=lambda path: True)
    assert decide(Sides("a.csv", None, unread, None), hidden) is None


def test_a_refused_file_or_folder_is_skipped_with_the_reason():
    sides = Sides("d/e/a.csv", None, found("x", "d/e/a.csv"), None)
    for name in ("d", "d/e", "d/e/a.csv"):
        step = decide(sides, rules(refused={name: "because"}))
        assert (step.act, step.reason) == (Act.SKIP, "because")
    assert decide(sides, rules(refused={"d/e/a": "because"})).act is Act.UPLOAD


def test_what_is_refused_is_still_downloaded():
    assert act("x", "x", "y", refused={"a.csv": "because"}) is Act.DOWNLOAD


def test_a_conflict_that_was_settled_before_the_crash_is_not_asked_again():
    assert act("x", "y", "z", settled={"a.csv": oid("y")}) is Act.DOWNLOAD
    assert act("x", "y", "z", settled={"a.csv": oid("other")}) is Act.CONFLICT


def test_surviving_edits_are_told():
    kept = decide(Sides("a", entry("x", "a"), found("y", "a"), None), rules())
    come = decide(Sides("a", entry("x", "a"), None, entry("y", "a")), rules())

    assert "your edit survives" in kept.reason
    assert "Ben changed it" in come.reason


# -- what cannot be read ------------------------------------------------------------------


def test_a_file_that_cannot_be_read_is_skipped_and_never_deleted():
    unread = Found("a.csv", None, 1, "permission denied")

    for theirs in (None, "x", "y"):
        step = decide(Sides("a.csv", entry("x"), unread, entry(theirs)), rules())
        assert (step.act, step.reason) == (Act.SKIP, "permission denied")


def test_a_folder_that_cannot_be_read_is_told_once_and_hides_what_is_below():
    blind = Found("d", None, 1, "permission denied", subtree=True)
    base = [entry("x", "d/a"), entry("x", "d/b"), entry("x", "e")]
    theirs = [entry("x", "d/a"), entry("y", "d/b"), entry("x", "e")]

    steps = list(plan_sync(base, [blind, found("x", "e")], theirs, rules()))

    assert [(s.act, s.path) for s in steps] == [(Act.SKIP, "d"), (Act.SKIP, "d/b")]


def test_every_path_is_met_once_in_order():
    base = [entry("x", p) for p in ("a", "a/b", "a.b")]
    ours = [found("x", p) for p in ("a/b", "b")]

    sides = list(align(base, ours, [entry("x", "a.b")]))

    assert [s.path for s in sides] == ["a", "a/b", "a.b", "b"]
    assert [s.ours is not None for s in sides] == [False, True, False, True]
    assert [s.theirs is not None for s in sides] == [False, False, True, False]


# -- what a commit makes of it ------------------------------------------------------------


def step(kind, copy=None, ours="y", theirs="z"):
    return Step(kind, "a.csv", entry("x"), found(ours), entry(theirs), copy)


OUR_ROW = Entry("a.csv", content("y"), "Ana", "1970-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("made", "change", "stored"),
    [
        (step(Act.UPLOAD), (OUR_ROW, None), "y"),
        (step(Act.TAKE_OURS), (OUR_ROW, None), "y"),
        (step(Act.DELETE_THERE), (None, None), None),
        (step(Act.KEEP_BOTH, "b"), (entry("z"), OUR_ROW._replace(path="b")), "y"),
        (step(Act.SET_OURS_ASIDE, "b"), (None, OUR_ROW._replace(path="b")), "y"),
        (step(Act.SET_THEIRS_ASIDE, "b"), (None, entry("z", "b")), None),
        (step(Act.TAKE_THEIRS), None, "y"),
        (step(Act.DOWNLOAD), None, None),
        (step(Act.DELETE_HERE), None, None),
        (step(Act.CONFLICT), None, None),
        (step(Act.LEAVE), None, None),
        (step(Act.SKIP), None, None),
        (step(Act.AGREE), None, None),
    ],
)
def test_what_a_commit_makes_of_a_step(made, change, stored):
    assert tree_change(made, "Ana") == change
    assert published(made) == (stored and content(stored))


@pytest.mark.parametrize(
    "impossible", [step(Act.UPLOAD, ours=None), step(Act.SET_THEIRS_ASIDE), step(Act.KEEP_BOTH)]
)
def test_a_step_that_cannot_be_is_a_bug(impossible):
    with pytest.raises(AssertionError):
        tree_change(impossible, "Ana")


def test_no_content_is_published_where_there_is_none():
    assert published(step(Act.UPLOAD, ours=None)) is None
