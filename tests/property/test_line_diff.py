"""Laws of the comparison of lines."""

import difflib
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cas_sync.plan.line_diff import hunks, matching

LINES = st.lists(st.sampled_from("abcd"), max_size=16)


def longest(a, b):
    row = [0] * (len(b) + 1)
    for x in a:
        new = [0]
        for j, y in enumerate(b):
            new.append(row[j] + 1 if x == y else max(row[j + 1], new[-1]))
        row = new
    return row[-1]


@given(LINES, LINES)
def test_as_many_lines_stay_as_can(old, new):
    pairs = matching(old, new)

    assert [old[i] for i, _ in pairs] == [new[j] for _, j in pairs]
    assert all(a < b and c < d for (a, c), (b, d) in pairwise(pairs))
    assert len(pairs) == longest(old, new)


@given(LINES, LINES, st.integers(0, 4))
def test_hunks_make_the_old_text_the_new_one(old, new, around):
    made, at = [], 0
    for hunk in hunks(old, new, matching(old, new), around):
        assert hunk.old_start >= at
        made += old[at : hunk.old_start]
        assert hunk.new_start == len(made)
        came = [line[1:] for line in hunk.lines if line[0] in " +"]
        went = [line[1:] for line in hunk.lines if line[0] in " -"]
        at = hunk.old_start + hunk.old_length
        assert old[hunk.old_start : at] == went
        assert hunk.new_length == len(came)
        made += came
    assert made + old[at:] == new


@given(st.integers(0, 60), st.sets(st.integers(0, 59)))
def test_hunks_are_cut_as_diff_cuts_them(n, changed):
    # Each line is another, so there is one shortest way.
    old = [f"line {i}" for i in range(n)]
    new = [f"other {i}" if i in changed else line for i, line in enumerate(old)]
    expected = [
        line[:-1] if line.startswith("@@") else line
        for line in difflib.unified_diff(old, new, lineterm="")
        if not line.startswith(("---", "+++", "@@"))
    ]

    found = list(hunks(old, new, matching(old, new)))

    assert [line for hunk in found for line in hunk.lines] == expected
