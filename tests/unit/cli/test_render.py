import pytest

from cas_sync.cli.render import ignored_line, padded, plural, size, width


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (5 << 20, "5.0 MiB"),
        (3 << 40, "3.0 TiB"),
    ],
)
def test_sizes_are_in_iec_units(n, text):
    assert size(n) == text


def test_one_is_not_many():
    assert plural(1, "file") == "1 file"
    assert plural(1204, "file") == "1,204 files"


def test_what_was_ignored_is_told_with_some_names():
    names = {".DS_Store": 2, "~$plan.xlsx": 1}

    assert ignored_line(3, names) == "ignored 3 names (.DS_Store 2, ~$plan.xlsx 1)"
    assert ignored_line(9, {**names, "a": 1, "b": 5}).endswith(
        "(.DS_Store 2, ~$plan.xlsx 1, a 1, ...)"
    )


@pytest.mark.parametrize(
    ("text", "columns"), [("users.csv", 9), ("日本.csv", 8), ("u\u0308.csv", 5)]
)
def test_columns_line_up_whatever_the_script(text, columns):
    assert width(text) == columns
    assert width(padded(text, 12)) == 12


def test_what_is_wider_than_its_column_is_kept_whole():
    assert padded("日本.csv", 3) == "日本.csv"
