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


def test_a_mark_of_byte_order_is_no_difference():
    assert shown(b"\xef\xbb\xbfid\n", b"id\n") == []


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
