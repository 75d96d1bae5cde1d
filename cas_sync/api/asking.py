"""Answers for a caller who is a program: by a plan it has seen, a choice, or a callable."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from cas_sync.api.convert import item_of, skipped_of
from cas_sync.api.plans import Plan, PlanItem
from cas_sync.engine.asking import Question
from cas_sync.errors import UsageError
from cas_sync.plan.adoption import Foreign
from cas_sync.plan.patterns import gitignore_spec
from cas_sync.plan.scope import refuse_bad_patterns
from cas_sync.plan.step import NO, YES, Act, Answer, Step

Select = str | Iterable[str] | Callable[[PlanItem], bool]
"""What of a plan is meant: gitignore patterns, or a callable that is asked for each item."""

Ask = Callable[[Plan], bool | Select]
"""Is shown a plan; says `True` to all of it, `False` to none, or what of it is meant."""

Takes = Callable[[Step], bool]


@dataclass
class Caller:
    """Answers a sync's questions as the caller said beforehand.

    What is not taken is left for the next sync, never remembered as declined: a program that
    takes a part has not said no to the rest.

    Attributes:
        shown: A plan that is binding, if there is one.
        select: What of it is meant; `None` for all.
        ask: Is asked then.
        adopts: Whether what others left below the prefix becomes the first commit.
        looked: What was only to be looked at.
    """

    shown: Plan | None = None
    select: Select | None = None
    ask: Ask | None = None
    adopts: bool = False
    looked: Plan | None = None

    @property
    def agrees(self) -> bool:
        """Whether every plan is agreed to, whatever it says."""
        return self.shown is None and self.select is None and self.ask is None

    def show(self, question: Question) -> None:
        """Keep a plan that is only looked at."""
        self.looked = plan_of(question, None)

    def apply(self, question: Question) -> Answer:
        """Say what of a plan is to be done."""
        takes = _both(
            None if self.shown is None else _as_shown(self.shown),
            None if self.select is None else _chosen(self.select),
        )
        if self.ask is not None:
            said = self.ask(plan_of(question, takes))
            if not said:
                return NO
            if said is not True:
                takes = _both(takes, _chosen(said))
        return YES if takes is None else Answer(takes=takes, rest=Act.LEAVE)

    def adopt(self, foreign: Foreign) -> bool:
        """Say whether what others left below the prefix becomes the first commit."""
        if self.adopts:
            return True
        raise UsageError(
            f"the store holds {foreign.n_files:,} files, but no history",
            cause="a sync would make them the first commit, and leave the old objects alone",
            fix="adopt them:  sync(adopt=True)",
            code="E002",
        )


def plan_of(question: Question, takes: Takes | None) -> Plan:
    """Return the plan of a question as a value, as far as it is taken."""
    items, declined = [], []
    for step in question.steps():
        if step.act is Act.DECLINED:
            declined.append(str(step.path))
        elif (item := item_of(step)) is not None and (takes is None or takes(step)):
            items.append(item)
    skipped = skipped_of({str(p): why for p, why in question.survey.skipped.items()})
    return Plan(tuple(items), skipped, tuple(declined))


def _both(one: Takes | None, other: Takes | None) -> Takes | None:
    if one is None or other is None:
        return one or other
    return lambda step: one(step) and other(step)


_DECIDED = {"keep-both", "take-ours", "take-theirs"}


def _as_shown(plan: Plan) -> Takes:
    """Return what takes a step only if the plan held it, with the same on all three sides.

    A conflict that was shown may be settled in any way: all versions of it were seen.
    """
    items = {item.path: item for item in plan.items}

    def takes(step: Step) -> bool:
        item, now = items.get(step.path), item_of(step)
        if item is None or now is None:
            return False
        if item.act == "conflict" and now.act in _DECIDED:
            now = replace(now, act=item.act, copy=item.copy)
        return _key(item) == _key(now)

    return takes


def _key(item: PlanItem) -> tuple[object, ...]:
    return item.act, item.copy, item.base, item.ours, item.theirs


def _chosen(select: Select) -> Takes:
    if not isinstance(select, str) and callable(select):
        return lambda step: (item := item_of(step)) is not None and bool(select(item))
    patterns = [select] if isinstance(select, str) else [os.fspath(each) for each in select]
    refuse_bad_patterns(patterns, "select")
    spec = gitignore_spec(patterns)
    return lambda step: spec.match_file(step.path)
