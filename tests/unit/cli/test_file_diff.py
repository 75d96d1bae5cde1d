import random

import pytest

from cas_sync.cli.file_diff import SHOWN_LINES, diff_lines

NAMES = ("a.csv (in the store)", "a.csv (yours)")


def shown(before, after):
    sizes = tuple(-1 if each is None else len(each) for each in (before, after))
    return list(diff_lines(NAMES, before, after, sizes))


def test_lines_that_went_and_came_are_shown():
    lines = shown(b"id\n1\n2\n", b"id\n1\n3\n")

    assert lines[:2] == ["  --- a.csv (in the store)", "  +++ a.csv (yours)"]
    assert lines[-2:] == ["  -2", "  +3"]


@pytest.mark.parametrize("other", [b"\xef\xbb\xbfid\na\n", b"id\r\na\r\n", b"id\ra\r"])
def test_how_lines_end_and_a_byte_order_mark_are_told_and_no_difference(other):
    assert shown(other, b"id\na\n") == [
        "  the same lines; only line ends or a byte order mark differ"
    ]


def test_a_line_end_that_is_missing_at_the_end_is_told():
    assert shown(b"a\nb\n", b"a\nb")[-3:] == ["  -b", "  +b", "  \\ No newline at end of file"]


def test_ranges_are_numbered_as_diff_does():
    assert "  @@ -1 +0,0 @@" in shown(b"a\n", b"")
    assert "  @@ -1,2 +1 @@" in shown(b"a\nb\n", b"a\n")


def test_texts_whose_lines_all_moved_are_counted():
    lines = [b"line %d\n" % n for n in range(20_000)]
    (line,) = shown(
        b"".join(lines), b"".join([*random.Random(1).sample(lines, 20_000), b"x\n"])
    )

    assert line == (
        "  too many lines moved to show them: 0 went and 1 came, of 20,000 and 20,001"
    )


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (None, b"x", "too large to compare here"),
        (b"x", b"\x00\x01", "not text"),
        (b"x", b"\xff\xfe", "not text"),
    ],
)
def test_what_is_no_text_is_told_by_its_size(before, after, why):
    (line,) = shown(before, after)

    assert line.endswith(f"({why})")


def test_a_long_difference_is_cut_and_counted():
    lines = shown(b"", b"".join(b"%d\n" % n for n in range(1000)))

    assert len(lines) == SHOWN_LINES + 1
    assert lines[-1] == "  ... and 943 more lines"


def test_nothing_in_a_file_can_command_the_terminal():
    lines = shown(b"", "\x1b[2J\u202ecsv.exe\x9b\r".encode())

    assert lines[-1] == "  +\\x1b[2J\\u202ecsv.exe\\x9b"
