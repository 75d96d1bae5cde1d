import pytest

from cas_sync.plan.matches import Matches


def after(names, paths, is_meant=None):
    matches = Matches(names, is_meant)
    for path in paths:
        matches.meet(path)
    return matches


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (["a"], set()),
        (["d"], set()),
        (["d/e", "d/e/f"], set()),
        (["d/e/f/g", "e", "d/"], {"d/e/f/g", "e", "d/"}),
        (["dd", "a"], {"dd"}),
    ],
)
def test_a_name_is_met_by_its_file_and_by_what_is_in_its_folder(names, missing):
    assert after(names, ["a", "d/e/f"]).missing == missing


def test_patterns_that_match_nothing_are_noticed():
    assert after([], ["a", "b"], lambda path: path == "c").nothing_meant
    assert not after([], ["a", "b"], lambda path: path == "a").nothing_meant
    assert not after([], ["a", "b"]).nothing_meant
