import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas_sync.model.paths import (
    PathRefusedError,
    fold,
    is_below,
    keys_below,
    parse_repo_path,
    sort_key,
    unportable,
)

REFUSED = [
    "",
    "/",
    "/a",
    "a/",
    "a//b",
    ".",
    "..",
    "./a",
    "../a",
    "a/../b",
    "a/./b",
    "a/..",
    "\\a",
    "a\\b",
    "..\\a",
    "C:\\a",
    "a\0b",
    "a\nb",
    "a\rb",
    "a\tb",
    "a\x7fb",
    "a\x85b",
    "a\u2028b",
    "\ud800",
    "e\u0301",
    ".S3",
    ".s3",
    ".S3/x",
    "d/.S3/x",
    ".S3.",
    ".S3 ",
    ".S3. . /x",
    ".\u200cS3",
    ".S\u200d3",
    "\ufeff.S3",
    "S3~1",
    "s3~12/x",
    "\uff0eS3",
    ".\uff333",
    ".S\uff13",
    ".s\u2462",
    ".\u017f\u00b3",
    ".S3:stream",
    ".S3::$INDEX_ALLOCATION",
    "S3~1.",
    "x" * 256,
    "é" * 128,
    "/".join(["d"] * 257),
    "a/" * 2100 + "a",
]

ACCEPTED = [
    "a",
    "a/b",
    "007",
    "NA",
    "=1+1",
    "-x",
    "#end",
    "#page",
    "'q",
    '"q"',
    "a,b;c",
    " a",
    "a ",
    "a.",
    "...",
    "..a",
    "a..",
    "~",
    "$x",
    "a b/c d",
    "日本/é",
    "S3",
    "S3.csv",
    "backup.S3export.csv",
    ".S33",
    "x.S3",
    ".S3x/y",
    "a:b",
    "CON",
    "x" * 255,
    "\U0001f600.png",
    "/".join(["d"] * 256),
]


@pytest.mark.parametrize("path", REFUSED)
def test_what_could_leave_or_hide_is_refused(path):
    with pytest.raises(PathRefusedError):
        parse_repo_path(path)


@pytest.mark.parametrize("path", ACCEPTED)
def test_odd_but_harmless_names_are_names(path):
    assert parse_repo_path(path) == path


@given(st.text(max_size=12))
def test_what_is_accepted_stays_below_the_root(text):
    try:
        path = parse_repo_path(text)
    except PathRefusedError:
        return

    parts = path.split("/")
    assert path == unicodedata.normalize("NFC", text)
    assert not {"", ".", ".."} & set(parts)
    assert "\\" not in path
    assert "Cc" not in map(unicodedata.category, path)


@given(st.lists(st.lists(st.sampled_from("ab.-+"), min_size=1, max_size=3), max_size=8))
def test_keys_sort_as_a_sorted_walk_meets_files(lists):
    paths = ["/".join(parts) for parts in lists]

    assert sorted(paths, key=sort_key) == sorted(paths, key=lambda path: path.split("/"))


@pytest.mark.parametrize(
    ("a", "b"), [("README", "readme"), ("STRASSE", "strasse"), ("É", "é"), ("É", "e\u0301")]
)
def test_names_that_a_disk_takes_for_one_another_fold_alike(a, b):
    assert fold(a) == fold(b)


@pytest.mark.parametrize("path", ["a:b", "CON", "com1.txt", "d/aux", "x.", "x ", "a?", 'a"b'])
def test_what_windows_cannot_hold_is_said(path):
    assert unportable(path)


@pytest.mark.parametrize("path", ["console.txt", "a.b", "com10", "d/x y"])
def test_what_windows_can_hold_is_not(path):
    assert unportable(path) == ""


@pytest.mark.parametrize("folder", ["", "a", "a/b", "a.b"])
def test_the_keys_below_a_folder_are_those_of_what_lies_below_it(folder):
    paths = ["a", "a b", "a.b", "a.b/c", "a/", "a/b", "a/b.c", "a/b/c", "ab", "b"]
    start, end = keys_below(folder)

    meant = [p for p in paths if start <= sort_key(p) and (end is None or sort_key(p) < end)]

    assert meant == [path for path in paths if is_below(path, folder)]
