"""The table of faults in docs/design.md names every fault, and only tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "docs/design.md").read_text().partition("| fault | what | tests |")[2]


def test_every_fault_has_a_row():
    numbers = [int(n) for n in re.findall(r"^\| F(\d+) \|", TABLE, re.MULTILINE)]
    assert numbers == list(range(1, 81))


def test_every_row_names_a_test_or_says_why_not():
    for row in re.findall(r"^\| F\d+ \|.*$", TABLE, re.MULTILINE):
        assert "::test_" in row or ".py`" in row or "not tested: " in row, row


def test_every_test_that_is_named_exists():
    named = re.findall(r"`([a-z0-9_/]+\.py)(?:::(test_[a-z0-9_]+))?`", TABLE)
    assert len(named) > 120
    for file, test in named:
        source = (ROOT / "tests" / file).read_text()
        assert f"def {test}(" in source if test else "def test_" in source, (file, test)
