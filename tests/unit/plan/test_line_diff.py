import random

from cas_sync.plan.line_diff import matching


def test_what_would_take_too_long_has_no_answer():
    lines = [f"line {n}" for n in range(20_000)]
    moved = random.Random(1).sample(lines, len(lines))

    assert matching(lines, moved, 100_000) is None


def test_lines_that_only_one_text_has_take_no_time():
    old = [f"line {n}" for n in range(50_000)]
    new = [f"other {n}" for n in range(50_000)]
    new[25_000] = old[25_000]

    assert matching(old, new, 100) == [(25_000, 25_000)]


def test_equal_texts_take_no_steps():
    lines = ["same"] * 1000

    assert len(matching(lines, lines, 0)) == 1000
