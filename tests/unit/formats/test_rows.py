import pytest

from cas_sync.errors import FormatError
from cas_sync.formats.rows import DeletedRows, VersionRows, cell, deletion_key, load_rows, tidy
from tests.support.samples import DELETIONS, WHEN, entry

LINE = VersionRows().dump(entry("a"))


def load(*lines):
    return list(load_rows(lines, VersionRows(), "manifest"))


@pytest.mark.parametrize(
    ("text", "written"),
    [("a", "a"), ("a,b", '"a,b"'), ("a;b", '"a;b"'), ('"q"', '"""q"""'), (" a", '" a"'),
     ("a ", '"a "'), ("=1+1", "'=1+1"), ("=a,b", "\"'=a,b\""), ("007", "007"), ("", "")],
)  # fmt: skip
def test_a_cell_is_quoted_where_it_must_be(text, written):
    assert cell(text) == written


@pytest.mark.parametrize(
    ("text", "tidied"),
    [(" Ana\nRuiz\t", "Ana Ruiz"),
     ("\x1b[31mred", "[31mred"), ("\ud800x", "x"), ("é" * 300, "é" * 200)],
)  # fmt: skip
def test_a_name_is_tidied_into_one_line(text, tidied):
    assert tidy(text) == tidied


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (WHEN, "yesterday"),
        (WHEN, WHEN.lower()),
        (WHEN, WHEN.replace("2", "\u0662")),
        (",100644", ",100600"),
        (",100644", ""),
        ("Ana", "A\x1b]0;x\x07na"),
        (",0,", ",-1,"),
        (",0,", ",00,"),
        (",0,", ",,"),
        ("a,", '"a,'),
        ("a,", "a\r,"),
        (",100644", ",100644,more"),
    ],
)
def test_a_malformed_row_is_refused_with_its_line(old, new):
    first = VersionRows().dump(entry("0"))

    with pytest.raises(FormatError, match="manifest"):
        load(first, LINE.replace(old, new, 1))


def test_the_line_that_is_wrong_is_named():
    with pytest.raises(FormatError, match="line 2"):
        load(LINE, LINE)


def test_an_upper_case_hash_is_refused():
    oid = str(entry("a").content.id)

    with pytest.raises(FormatError):
        load(LINE.replace(oid, oid.upper()))


@pytest.mark.parametrize("tail", ["Ben,yesterday,3", f"Ben,{WHEN},x", f"Ben,{WHEN}", "",
                                  f"B\x1bn,{WHEN},3"])  # fmt: skip
def test_a_malformed_deletion_is_refused(tail):
    with pytest.raises(FormatError):
        list(load_rows([f"{LINE},{tail}"], DeletedRows(), "deleted"))


def test_deletions_of_one_path_are_ordered_by_commit():
    codec = DeletedRows()

    assert sorted(DELETIONS, key=codec.key) == sorted(
        DELETIONS, key=lambda d: (d.entry.path.split("/"), d.seq)
    )
    assert deletion_key("a", 9) < deletion_key("a", 10) < deletion_key("a/b", 1)
