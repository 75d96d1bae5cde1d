"""What stands before the first @ is a revision, if no slash does."""

import pytest

from cas_sync.api.cas_path import folders_above, split


@pytest.mark.parametrize(
    ("text", "rev", "path"),
    [
        ("raw/x.csv", None, "raw/x.csv"),
        ("", None, ""),
        ("v1@raw/x.csv", "v1", "raw/x.csv"),
        ("v1@/raw/x.csv", "v1", "raw/x.csv"),
        ("v1@", "v1", ""),
        ("@@raw/x.csv", "@", "raw/x.csv"),
        ("@~2@raw/x.csv", "@~2", "raw/x.csv"),
        ("@~@x", "@~", "x"),
        ("@~1~2@x", "@~1~2", "x"),
        ("v1~2@x", "v1~2", "x"),
        ("#12@x", "#12", "x"),
        ("2026-11-20T14:00:00Z@x", "2026-11-20T14:00:00Z", "x"),
        ("3 days ago@x", "3 days ago", "x"),
        ("a@b.csv", "a", "b.csv"),
        ("@@a@b.csv", "@", "a@b.csv"),
        ("v1@a@b.csv", "v1", "a@b.csv"),
        ("@@@x", "@", "@x"),
        ("raw/a@b.csv", None, "raw/a@b.csv"),
        ("@x", None, "@x"),
        ("@x@y", None, "@x@y"),
        ("@", None, "@"),
        ("v1@a\nb", "v1", "a\nb"),
    ],
)
def test_a_path_is_split_at_its_revision(text, rev, path):
    place = split(text)

    assert (place.rev, place.path) == (rev, path)
    assert place.lead + place.path == text


def test_the_folders_above_end_where_somebody_looks():
    assert list(folders_above("a/b/c.csv", "")) == ["a/b", "a"]
    assert list(folders_above("a/b/c.csv", "a")) == ["a/b", "a"]
    assert list(folders_above("c.csv", "")) == []
