"""Answers of a caller who is a program: what was seen is done, the rest is left."""

from dataclasses import replace

import pytest

from cas_sync.api.asking import Caller, plan_of
from cas_sync.api.plans import Plan
from cas_sync.engine.asking import Question
from cas_sync.errors import UsageError
from cas_sync.model.tree import Found
from cas_sync.plan.adoption import Foreign
from cas_sync.plan.step import NO, YES, Act, Step
from cas_sync.plan.survey import Survey
from tests.support import samples


def found(path, text):
    return Found(path, samples.entry(path, text).content, 0)


def step(act=Act.UPLOAD, path="a", *, base="base", ours="ours", theirs="base", copy=None):
    return Step(
        act,
        path,
        samples.entry(path, base) if base else None,
        found(path, ours) if ours else None,
        samples.entry(path, theirs) if theirs else None,
        copy,
    )


def question(*steps):
    return Question(Survey(), lambda: iter(steps), "store", lambda *_: None, lambda *_: None)


def answer(caller, *steps):
    """Return which of the steps are done, and what becomes of the rest."""
    said = caller.apply(question(*steps))
    return [said.takes is None or said.takes(each) for each in steps], said.rest


def test_whoever_says_nothing_agrees():
    assert Caller().apply(question(step())) == YES


@pytest.mark.parametrize(
    "changed",
    [
        step(base="other"),
        step(base=None),
        step(ours="other"),
        step(theirs="other"),
        step(Act.DELETE_THERE, ours=None),
        step(Act.SET_OURS_ASIDE, copy="a.conflict-x"),
        step(path="b"),
    ],
)
def test_only_what_a_plan_showed_is_done(changed):
    shown = plan_of(question(step()), None)

    assert answer(Caller(shown), step(), changed) == ([True, False], Act.LEAVE)


def test_a_mode_that_changed_since_is_another_content():
    shown = plan_of(question(step()), None)
    content = step().ours.content._replace(mode=samples.Mode.EXEC)

    (taken,), _ = answer(Caller(shown), step()._replace(ours=Found("a", content, 0)))

    assert not taken


@pytest.mark.parametrize("act", [Act.KEEP_BOTH, Act.TAKE_OURS, Act.TAKE_THEIRS])
def test_a_conflict_that_was_shown_may_be_settled_any_way(act):
    conflict = step(Act.CONFLICT, theirs="theirs")
    shown = plan_of(question(conflict), None)
    settled = conflict._replace(act=act, copy="a.x" if act is Act.KEEP_BOTH else None)

    assert answer(Caller(shown), settled)[0] == [True]
    theirs = samples.entry("a", "newer")
    assert answer(Caller(shown), settled._replace(theirs=theirs))[0] == [False]


def test_what_a_plan_showed_may_be_narrowed():
    steps = step(path="a.csv"), step(path="b.txt"), step(path="c.csv")
    shown = plan_of(question(*steps[:2]), None)

    assert answer(Caller(shown, select="*.csv"), *steps)[0] == [True, False, False]
    assert answer(Caller(shown, select=lambda i: i.path > "b"), *steps)[0] == [
        False,
        True,
        False,
    ]


@pytest.mark.parametrize("said", [False, None, []])
def test_a_no_is_a_no(said):
    assert Caller(ask=lambda _: said).apply(question(step())) == NO


def test_whoever_is_asked_sees_only_what_may_be_done():
    steps = step(path="a.csv"), step(path="b.txt")
    seen = []

    Caller(select="*.csv", ask=lambda plan: seen.extend(plan) or True).apply(question(*steps))

    assert [item.path for item in seen] == ["a.csv"]


def test_an_empty_plan_does_nothing():
    assert answer(Caller(Plan()), step())[0] == [False]


def test_what_others_left_is_adopted_only_if_that_was_said():
    foreign = Foreign(1010, 5, is_seed=True)

    assert Caller(adopts=True).adopt(foreign)
    with pytest.raises(UsageError, match="1,010 files") as caught:
        Caller().adopt(foreign)
    assert "adopt=True" in caught.value.fix


def test_plans_are_values_that_can_be_changed_by_hand():
    plan = plan_of(question(step(path="a"), step(path="b")), None)

    narrowed = replace(plan, items=plan.items[:1])

    assert answer(Caller(narrowed), step(path="a"), step(path="b"))[0] == [True, False]
