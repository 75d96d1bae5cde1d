"""Names of tags: what may be one, and how it becomes part of a key."""

import json
import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas_sync.errors import FormatError
from cas_sync.formats import keys
from cas_sync.formats.strict_json import canonical
from cas_sync.formats.tag import dump_tag, folded, load_tag, normal, why_not_a_name
from cas_sync.model.ids import ObjectId
from tests.support import samples

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=70)
SAFE = set(string.ascii_lowercase + string.digits + ".-_=ABCDEF")


@pytest.mark.parametrize(
    "name",
    [
        "v1",
        "v1.0",
        "V1",
        "abc",
        "bad-data",
        "final 2026",
        "final-2026-11-20",
        "2026-11-20-final",
        "2026-Q4",
        "2nd",
        "3 apples",
        "latest",
        "Größe",
        "版本一",
        "*",
        "=1+1",
        "con",
        "..",
        "a#1",
        "x" * 64,
    ],
)
def test_a_word_may_be_a_name(name):
    assert why_not_a_name(name) == ""


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "empty"),
        ("HEAD", "the latest commit"),
        ("dead", "a commit's id"),
        ("DEAD", "a commit's id"),
        ("decade", "a commit's id"),
        ("f" * 65, "longer than 64"),
        ("7", "a number"),
        ("2026", "a number"),
        ("2026-11-20", "date"),
        ("2026-11", "date"),
        ("2026-02-31", "date"),
        ("2026-11-20T10:00", "a colon"),
        ("2026-11-20T10", "date"),
        ("2026-W47", "date"),
        ("yesterday", "date"),
        ("Today", "date"),
        ("3 days ago", "date"),
        ("two weeks ago", "date"),
        ("2w", "date"),
        ("5h", "date"),
        ("6 months", "date"),
        ("last week", "date"),
        ("@", "latest"),
        ("@~2", "latest"),
        ("v1@home", "latest"),
        ("#12", "number"),
        ("v1:a", "colon"),
        ("v1~2", "counts back"),
        ("release/1", "paths"),
        ("release\\1", "paths"),
        ("-v", "option"),
        ("a\nb", "cannot be seen"),
        ("a\x7f", "cannot be seen"),
        ("a\u200bb", "cannot be seen"),
        ("a\u202eb", "cannot be seen"),
        ("a\u00a0b", "cannot be seen"),
        ("a\ud800", "cannot be seen"),
        ("\ufdd0\ue000", "cannot be seen"),
        (" v1", "spaces"),
        ("v1 ", "spaces"),
        ("Gro\u0308sse", "NFC"),
        ("é" * 33, "longer than 64"),
    ],
)
def test_what_could_mean_something_else_may_not(name, why):
    assert why in why_not_a_name(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [("v1", "V1"), ("straße", "STRASSE"), ("ﬁnal", "final"), ("v\uff11", "v1"), ("É", "é")],
)
def test_names_that_people_take_for_each_other_fold_to_the_same(one, other):
    assert folded(one) == folded(other)


@given(NAMES)
def test_a_name_becomes_part_of_a_key_and_back(name):
    key = keys.tag(samples.REPO, name, 7)

    assert keys.parse_tag(key, samples.REPO) == (name, 7)
    assert keys.is_ours(key)
    assert set(keys.safe_name(name)) <= SAFE


@given(NAMES)
def test_a_part_of_a_key_is_a_name_on_every_disk(name):
    safe = keys.safe_name(name)

    assert not safe.endswith(".")
    assert safe.partition(".")[0] not in {"con", "prn", "aux", "nul", "com1", "lpt9", ""} or (
        safe.startswith(".") and safe.strip(".")
    )


@given(NAMES, NAMES)
def test_no_two_names_share_a_key_where_case_is_ignored(one, other):
    if one != other:
        assert keys.safe_name(one).casefold() != keys.safe_name(other).casefold()


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("v1.0-final_x", "v1.0-final_x"),
        ("V1", "=561"),
        ("a b", "a=20b"),
        ("é", "=C3=A9"),
        ("=", "=3D"),
        ("nul", "=6Eul"),
        ("nul.x", "=6Eul.x"),
        ("null", "null"),
        (".", "=2E"),
        ("..", "=2E=2E"),
        ("a.", "a=2E"),
    ],
)
def test_letters_that_disks_mix_up_are_written_in_digits(name, safe):
    assert keys.safe_name(name) == safe


@pytest.mark.parametrize(
    "safe",
    ["=56", "=5", "=", "=zz", "=c3=A9", "=FF", "=61", "a=2e", "nul", "a.", "A", "= 1", ""],
)
def test_no_other_spelling_is_read(safe):
    key = f"{keys.tags(samples.REPO)}{safe}/00000001.json"
    name = keys.parse_tag(key, samples.REPO)

    assert name is None or keys.tag(samples.REPO, name[0], 1) == key


@pytest.mark.parametrize(
    "key",
    [
        ".S3/tags/00112233445566778/v1/00000001.json",
        ".S3/tags/ffffffffffffffff/v1/00000001.json",
        ".S3/tags/0011223344556677/v1/1.json",
        ".S3/tags/0011223344556677/v1/00000001.json.part",
        ".S3/tags/0011223344556677/v1/x/00000001.json",
    ],
)
def test_what_is_no_tag_of_this_repository_is_not_read(key):
    assert keys.parse_tag(key, samples.REPO) is None


def test_nothing_else_below_tags_is_ours():
    assert not keys.is_ours(".S3/tags/notes.txt")
    assert not keys.is_ours(".S3/tags/0011223344556677/v1/notes.json")


@pytest.mark.parametrize(
    ("repo", "name", "number"),
    [("f" * 32, "Größe 1", 3), (samples.REPO, "v1", 3), (samples.REPO, "Größe 1", 4)],
)
def test_a_tag_under_another_key_is_refused(repo, name, number):
    with pytest.raises(FormatError, match="holds another"):
        load_tag(dump_tag(samples.REPO, 3, samples.TAG), repo, name, number)


@pytest.mark.parametrize(
    "change", [{"name": "dead"}, {"seq": 0}, {"time": "yesterday"}, {"message": "a\nb"}]
)
def test_a_tag_that_nobody_could_have_set_is_refused(change):
    value = {**json.loads(dump_tag(samples.REPO, 3, samples.TAG)), **change}
    del value["self"]
    value["self"] = str(ObjectId.of(canonical(value)))

    with pytest.raises(FormatError):
        load_tag(canonical(value), samples.REPO, value["name"], 3)


@given(NAMES)
def test_no_text_crashes_the_rules(text):
    why_not_a_name(text)
    assert normal(normal(text)) == normal(text)
    assert unicodedata.is_normalized("NFC", normal(text))
