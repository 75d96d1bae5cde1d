import pytest

from cas_sync.model.paths import sort_key
from cas_sync.plan.named_paths import NamedPaths

PATHS = ["a", "a.b", "a/b", "a/b.c", "a/b/c", "a/bc", "ab", "b", "b/a"]


@pytest.mark.parametrize(
    "named",
    [(), ("",), ("a",), ("a/b",), ("a/b", "a"), ("b", "a/b", "a.b"), ("a", "a"), ("b", "")],
)
def test_ranges_hold_the_keys_of_what_is_meant_once(named):
    meant = NamedPaths(named)
    found = [
        path
        for start, end in meant.ranges()
        for path in sorted(PATHS, key=sort_key)
        if start <= sort_key(path) and (end is None or sort_key(path) < end)
    ]

    assert found == sorted(filter(meant.covers, PATHS), key=sort_key)


def test_what_lies_below_another_is_no_root():
    assert NamedPaths(("b", "a/b", "a", "a.b", "a")).roots() == ["a", "a.b", "b"]


def test_a_folder_on_the_way_is_entered_and_others_are_not():
    meant = NamedPaths(("a/b",))

    assert [meant.touches(each) for each in ("a", "a/b", "a/b/c", "a/c", "ab")] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert not meant.covers("a/bc")
