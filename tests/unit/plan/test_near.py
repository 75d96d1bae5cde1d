import pytest

from cas_sync.plan.near import near_it, near_names, near_paths


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("sub/typo.csv", ["sub/typos.csv"]),
        ("b.csv", ["x/y/b.csv"]),
        ("sbu", ["sub"]),
        ("sub", ["sub"]),
        ("quite/another", []),
    ],
)
def test_a_path_is_near_what_is_called_so_or_spelled_so_beside_it(name, meant):
    assert near_paths(name, ["sub/typos.csv", "x/y/b.csv", "zzz"]) == meant


def test_what_a_long_folder_name_has_in_common_does_not_make_its_files_alike():
    folder = "a/very/long/way/down/to/a/folder"
    paths = [f"{folder}/weights.bin", f"{folder}/users.csv"]

    assert near_paths(f"{folder}/user.csv", paths) == [f"{folder}/users.csv"]
    assert not near_paths(f"{folder}/qqqq", paths)


def test_names_of_the_same_look_are_near_and_then_no_others():
    assert near_names("ID", ["Name", "idx", "id"]) == ["id"]
    assert near_names("nam", ["id", "Name"]) == ["Name"]
    assert not near_names("xyz", ["id"])


def test_one_letter_of_two_is_near_enough():
    assert near_names("v1", ["v2", "release"]) == ["v2"]


def test_at_most_three_are_told_and_none_for_what_is_no_name():
    assert len(near_names("a1", [f"a{n}" for n in range(9)])) == 1
    assert len(near_names("a", [f"a{n}" for n in range(9)])) == 3
    assert not near_names("a" * 10_000, ["a" * 9_999])


def test_what_is_near_is_told_as_words_and_nothing_as_none():
    assert near_it(["a", "b"]) == "near it: a, b"
    assert not near_it([])
