import pytest

from cas_sync.cli.diff_words import sort_words
from cas_sync.errors import UsageError

REVISIONS = {"@", "@~1", "v1", "v2", "abcd"}


def meant(*words, paths=None, here=()):
    def why_no_revision(word):
        return "" if word in REVISIONS else f"there is no revision {word}"

    found = sort_words(words, paths, why_no_revision, set(here).__contains__)
    return found.old, found.new, found.paths


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), ("@", None, ())),
        (("v1",), ("v1", None, ())),
        (("v1", "v2"), ("v1", "v2", ())),
        (("v1", "v2", "abcd"), ("v1", "v2", ("abcd",))),
        (("v1..v2",), ("v1", "v2", ())),
        (("v1..",), ("v1", "@", ())),
        (("..v1",), ("@", "v1", ())),
        (("v1..v2", "a.csv"), ("v1", "v2", ("a.csv",))),
        (("v1", "v1..v2"), ("v1", None, ("v1..v2",))),
        (("a.csv",), ("@", None, ("a.csv",))),
        (("a.csv", "v1"), ("@", None, ("a.csv", "v1"))),
        (("v1", "a.csv", "v2"), ("v1", None, ("a.csv", "v2"))),
        (("./v1",), ("@", None, ("./v1",))),
        (("v1/",), ("@", None, ("v1/",))),
        (("..",), ("@", None, ("..",))),
        (("../Data/v1",), ("@", None, ("../Data/v1",))),
    ],
)
def test_leading_words_that_can_be_are_revisions(words, expected):
    assert meant(*words) == expected


def test_a_revision_that_is_a_file_too_is_refused_with_both_ways_on():
    with pytest.raises(UsageError, match="v1 is a revision, and a name") as caught:
        meant("v1", here=["v1"])

    assert "cas-sync diff ./v1" in caught.value.fix
    assert "cas-sync diff v1 --" in caught.value.fix


def test_what_stands_before_two_dashes_is_a_revision_and_after_them_a_path():
    assert meant("v1", paths=[], here=["v1"]) == ("v1", None, ())
    assert meant("v1", paths=["v1", "@"], here=["v1"]) == ("v1", None, ("v1", "@"))
    assert meant(paths=["v1"]) == ("@", None, ("v1",))


@pytest.mark.parametrize("words", [("a.csv",), ("v1", "v2", "abcd"), ("./v1",)])
def test_other_words_before_two_dashes_are_refused(words):
    with pytest.raises(UsageError, match="stands before -- and is no revision"):
        meant(*words, paths=[])


def test_why_a_word_is_no_revision_is_kept():
    found = sort_words(["v3"], None, lambda _: "near it: v1", lambda _: False)

    assert found.doubts == {"v3": "near it: v1"}
