"""The merge table; the numbers are those of docs/design.md, section 6."""

import itertools

import pytest

from cas_sync.plan.merge import Outcome, merge

SAME, OURS, THEIRS = Outcome.SAME, Outcome.OURS, Outcome.THEIRS

CASES = [
    (1, "x", "x", "x", SAME),
    (2, "x", "y", "x", OURS),
    (3, "x", "x", "y", THEIRS),
    (4, "x", "y", "y", SAME),
    (5, "x", "y", "z", Outcome.CONFLICT),
    (6, None, "x", None, OURS),
    (7, None, None, "x", THEIRS),
    (8, None, "x", "y", Outcome.CONFLICT),
    (9, None, "x", "x", SAME),
    (10, "x", None, "x", OURS),
    (11, "x", "x", None, THEIRS),
    (12, "x", None, None, SAME),
    (13, "x", None, "y", Outcome.THEIR_EDIT_SURVIVES),
    (14, "x", "y", None, Outcome.OUR_EDIT_SURVIVES),
    (15, None, None, None, SAME),
]

VALUES = ("x", "y", "z", None)


def shape(*values):
    """Return the case up to the names of its contents."""
    names = {}
    return tuple(None if v is None else names.setdefault(v, len(names)) for v in values)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "outcome"),
    [pytest.param(*case[1:], id=f"case-{case[0]}") for case in CASES],
)
def test_merge_table(base, ours, theirs, outcome):
    assert merge(base, ours, theirs) is outcome


def test_the_table_is_complete():
    possible = {shape(*values) for values in itertools.product(VALUES, repeat=3)}

    assert {shape(*case[1:4]) for case in CASES} == possible


MIRROR = {
    SAME: SAME,
    OURS: THEIRS,
    THEIRS: OURS,
    Outcome.CONFLICT: Outcome.CONFLICT,
    Outcome.OUR_EDIT_SURVIVES: Outcome.THEIR_EDIT_SURVIVES,
    Outcome.THEIR_EDIT_SURVIVES: Outcome.OUR_EDIT_SURVIVES,
}


@pytest.mark.parametrize(("base", "ours", "theirs"), list(itertools.product(VALUES, repeat=3)))
def test_both_sides_decide_the_same(base, ours, theirs):
    assert merge(base, theirs, ours) is MIRROR[merge(base, ours, theirs)]


@pytest.mark.parametrize(("base", "other"), list(itertools.product(VALUES, repeat=2)))
def test_an_untouched_side_never_conflicts(base, other):
    assert merge(base, base, other) in {SAME, THEIRS}
