import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas_sync.model.paths import parse_repo_path
from cas_sync.model.tree import Content, Mode
from cas_sync.plan.conflict import set_aside_name
from tests.property.strategies import paths
from tests.support.samples import oid


def content(text="x"):
    return Content(oid(text), 1, Mode.FILE)


HASH = oid("x").hex()[:8]


@pytest.mark.parametrize(
    ("path", "author", "name"),
    [
        ("data/a.csv", "ana", f"data/a.conflict-ana-{HASH}.csv"),
        ("a", "ana", f"a.conflict-ana-{HASH}"),
        (".bashrc", "ana", f".bashrc.conflict-ana-{HASH}"),
        ("a.tar.gz", "Ana Ruiz", f"a.tar.conflict-Ana-Ruiz-{HASH}.gz"),
        ("a.csv", "../ana@x.y", f"a.conflict-ana@x-y-{HASH}.csv"),
        ("a.csv", " / ", f"a.conflict-someone-{HASH}.csv"),
        ("a.csv", "", f"a.conflict-someone-{HASH}.csv"),
    ],
)
def test_the_name_stays_beside_the_original_and_of_its_type(path, author, name):
    assert set_aside_name(path, content(), author) == name


people = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
LONG = [
    "x" * 255,
    "é" * 127,
    "a." + "x" * 253,
    "a." + "é" * 126,
    "/".join(["d" * 200] * 19 + ["x" * 255]),
    "/".join(["d" * 255] * 16),
    "/".join([*["d" * 255] * 15, "d" * 250, "a"]),
    "\U0001f600" * 63 + ".csv",
]


@given(st.one_of(paths, st.sampled_from(LONG)), people)
def test_the_name_is_one_that_every_reader_accepts(path, author):
    name = set_aside_name(path, content(), author)

    assert parse_repo_path(name) == name
    assert name != path


@pytest.mark.parametrize("author", ["Zoe\u0308", "\u0301", "Z" + "o\u0308" * 60])
def test_an_author_who_writes_decomposed_letters_is_no_trouble(author):
    assert parse_repo_path(set_aside_name("a.csv", content(), author))


@given(paths, paths, st.sampled_from(["x", "y"]), st.sampled_from(["x", "y"]))
def test_two_versions_never_share_a_name(one, other, mine, theirs):
    names = {
        set_aside_name(one, content(mine), "Ana"),
        set_aside_name(other, content(theirs), "Ana"),
    }

    assert len(names) == len({(one, mine), (other, theirs)})
