import pytest

from cas_sync.formats.gitignore import holds, pattern, with_line


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b"/Data/\n"),
        (b"*.pyc\n", b"*.pyc\n/Data/\n"),
        (b"*.pyc", b"*.pyc\n/Data/\n"),
        (b"*.pyc\r\nenv/\r\n", b"*.pyc\r\nenv/\r\n/Data/\r\n"),
        (b"*.pyc\r\nenv/", b"*.pyc\r\nenv/\r\n/Data/\r\n"),
        (b"\xef\xbb\xbfenv/\n\n", b"\xef\xbb\xbfenv/\n\n/Data/\n"),
        (b"caf\xe9/\n", b"caf\xe9/\n/Data/\n"),
    ],
)
def test_one_line_is_added_and_every_byte_before_it_stays(before, after):
    assert with_line(before, "/Data/") == after


@pytest.mark.parametrize(
    ("folder", "line"),
    [
        ("Data", "/Data/"),
        ("sub/My Data", "/sub/My Data/"),
        ("!x", "/!x/"),
        ("#x", "/#x/"),
        ("a[1]*?", r"/a\[1\]\*\?/"),
        ("trailing ", "/trailing /"),
    ],
)
def test_the_line_means_this_folder_and_no_other(folder, line):
    assert pattern(folder) == line


def test_a_link_is_named_without_a_slash_at_the_end():
    assert pattern("Data", is_link=True) == "/Data"
    assert pattern("Data ", is_link=True) == r"/Data\ "


@pytest.mark.parametrize("line", ["Data", "/Data", "Data/", "/Data/", "/Data/*", "Data/**"])
@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_a_folder_is_found_however_it_is_spelled(line, end):
    assert holds(f"*.pyc{end or chr(10)}{line}{end}".encode(), "Data")


@pytest.mark.parametrize("line", ["# Data/", "!Data/", "Data2/", "sub/Data/", "data/"])
def test_another_folder_is_not_taken_for_it(line):
    assert not holds(line.encode(), "Data")
