"""What docs/design.md says of the tests is so."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DESIGN = (ROOT / "docs/design.md").read_text(encoding="utf-8")
TABLE = re.findall(
    r"^\| (\d+) \| (.+) \| (.+) \| (.*)\|$", DESIGN.partition("## 17.")[2], re.MULTILINE
)


def test_every_defect_of_the_seed_has_a_row():
    assert [int(number) for number, *_ in TABLE] == list(range(1, 40))


def test_every_row_names_tests_that_exist_or_says_why_none_is_needed():
    tests = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(
            r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE
        )
    }
    for number, _, here, named in TABLE:
        missing = set(re.findall(r"test_\w+", named)) - tests
        assert not missing, (number, missing)
        assert here.strip(), number
