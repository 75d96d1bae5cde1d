"""Every file has a group, and the group's name says what is in it."""

import pytest

from cas_sync.engine.usage import extension, folder_of


@pytest.mark.parametrize(
    ("path", "depth", "name"),
    [
        ("a", 1, "."),
        ("d/a", 1, "d/"),
        ("d/e/a", 1, "d/"),
        ("d/e/a", 2, "d/e/"),
        ("d/e/a", 3, "d/e/."),
        ("d/a", 2, "d/."),
    ],
)
def test_a_folder_stands_for_all_below_it_or_only_for_what_is_directly_in_it(path, depth, name):
    assert folder_of(path, depth) == name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a.csv", ".csv"),
        ("d.x/A.CSV", ".csv"),
        ("a.tar.gz", ".gz"),
        ("d.x/README", ""),
        (".profile", ""),
        ("...profile", ""),
        (".profile.bak", ".bak"),
        ("end.", ""),
    ],
)
def test_an_extension_is_what_follows_the_last_dot_of_a_name(path, name):
    assert extension(path) == name
