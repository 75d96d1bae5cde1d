import pytest

from cas_sync.cli.render import plural, size


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
