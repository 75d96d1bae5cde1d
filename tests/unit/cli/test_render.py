import pytest

from cas_sync.cli.render import ignored_line, plural, size


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
