"""Conflicts are listed with who and when, and settled one by one."""

import pytest

from tests.support.people import tree


@pytest.fixture
def team(folder):
    """Two people of whom both changed `a.csv` and `d/b.csv`, and Bo alone `c.csv`."""
    ana, bo = folder.team("ana", "bo")
    for path in ("a.csv", "d/b.csv", "c.csv"):
        ana.write(path, "first")
    ana.sync("--store", folder.url)
    bo.sync("--store", folder.url)
    for path in ("a.csv", "d/b.csv"):
        ana.write(path, "by Ana")
        bo.write(path, "by Bo, longer")
    ana.sync()
    bo.write("c.csv", "by Bo alone")
    return ana, bo


def test_conflicts_are_listed_with_who_and_what(team):
    _, bo = team

    said = bo.run("conflicts", "--json", exit=3)

    first, second = said.answer
    assert [first["path"], second["path"]] == ["a.csv", "d/b.csv"]
    assert (first["edited_by"], first["ours"]["size"], first["theirs"]["size"]) == (
        "ana",
        13,
        6,
    )
    assert "theirs" in bo.run("conflicts", exit=3).stdout


@pytest.mark.parametrize(
    ("choice", "at_name", "elsewhere"),
    [("--mine", "by Bo, longer", None), ("--theirs", "by Ana", None),
     ("--both", "by Ana", "by Bo, longer")],
)  # fmt: skip
def test_only_the_named_conflict_is_settled(team, choice, at_name, elsewhere):
    ana, bo = team

    bo.run("resolve", "a.csv", choice, "--json")

    assert bo.read("a.csv") == at_name.encode()
    assert bo.read("d/b.csv") == b"by Bo, longer"
    assert [each["path"] for each in bo.run("conflicts", "--json", exit=3).answer] == [
        "d/b.csv"
    ]
    ana.sync()
    assert ana.read("a.csv") == at_name.encode()
    assert ana.read("c.csv") == b"first"
    copies = [p for p in tree(ana.data) if p.startswith("a.conflict-bo-")]
    assert [ana.read(copy) for copy in copies] == ([elsewhere.encode()] if elsewhere else [])


def test_a_folder_names_the_conflicts_in_it(team):
    _, bo = team

    bo.run("resolve", "d", "--mine")

    assert [each["path"] for each in bo.run("conflicts", "--json", exit=3).answer] == ["a.csv"]


def test_without_conflicts_there_is_nothing_to_list_or_settle(team):
    ana, _ = team

    assert ana.run("conflicts", "--json").answer == []
    assert "nothing is in conflict" in ana.run("resolve", "c.csv", "--mine", exit=2).stderr


def test_a_choice_has_to_be_made(team):
    _, bo = team

    assert "--mine, --theirs or --both" in bo.run("resolve", "a.csv", exit=2).stderr
