"""A part of the shared files: what is not wanted here is not deleted, here or there."""

import json

import pytest

from tests.support.people import tree

ALL = {"clean/a.csv", "clean/b.csv", "raw/c.csv", "raw/d.csv"}
CLEAN = {"clean/a.csv", "clean/b.csv"}


def names(person):
    """Return what the store holds, by path, as bytes."""
    with person.repository() as stored:
        return {path: stored.content(row.content) for path, row in stored.versions().items()}


def remembered(person):
    path = person.state / "local.json"
    return json.loads(path.read_text()).get("only") if path.exists() else None


@pytest.fixture
def ana(folder):
    """Somebody who shares all files."""
    ana = folder.person("ana")
    for path in ALL:
        ana.write(path, "first")
    ana.sync()
    return ana


@pytest.fixture
def bo(folder, ana):
    """Somebody who wants a part of them."""
    bo = folder.person("bo")
    bo.sync("--only", "clean/**")
    return bo


def want(person, *patterns):
    """Change what is remembered, as `config set` does."""
    path = person.state / "local.json"
    said = json.loads(path.read_text()) if path.exists() else {}
    said.pop("only", None)
    if patterns:
        said["only"] = list(patterns)
    path.write_text(json.dumps(said))


def test_the_first_only_is_remembered(ana, bo):
    assert bo.paths() == CLEAN
    assert remembered(bo) == ["clean/**"]
    for path in ALL:
        ana.write(path, "second")
    ana.sync()

    said = bo.run("sync", "-y")

    assert said.stderr.count("Only clean/** here (remembered") == 1
    assert bo.paths() == CLEAN
    assert bo.read("clean/a.csv") == b"second"
    assert names(ana).keys() == ALL


def test_a_clone_can_take_a_part(folder, ana):
    cem = folder.person("cem")

    cem.run("clone", "../../store", ".", "--only", "clean/", "--only", "*/d.csv")
    cem.run("sync", "-y")

    assert cem.paths() == {*CLEAN, "raw/d.csv"}
    assert remembered(cem) == ["clean/", "*/d.csv"]


def test_what_lies_outside_is_not_published_changed_or_deleted_anywhere(ana, bo):
    bo.write("raw/mine.csv", "mine")
    bo.write("raw/c.csv", "mine too")
    ana.delete("raw/d.csv", "clean/b.csv")
    ana.sync()

    bo.sync()

    assert bo.paths() == {"clean/a.csv", "raw/mine.csv", "raw/c.csv"}
    assert bo.read("raw/c.csv") == b"mine too"
    assert names(ana) == {"clean/a.csv": b"first", "raw/c.csv": b"first"}


def test_a_part_costs_no_more_than_all_where_nothing_changed(bo):
    bo.settle()
    bo.sync()

    assert sum(bo.sync()["requests"].values()) == 1
    assert ",clean " in (bo.state / "versions_local.csv").read_text().splitlines()[-1]


def test_what_is_wanted_again_comes(ana, bo):
    bo.write("raw/c.csv", "mine")
    bo.sync()

    want(bo)

    assert bo.sync(exit=3)["conflicts"] == ["raw/c.csv"]
    assert bo.paths() == ALL
    assert names(ana).keys() == ALL


@pytest.mark.parametrize("when", ["before", "after", "after the sync", "both"])
def test_a_file_removed_while_it_was_not_wanted_is_not_deleted(folder, ana, when):
    bo = folder.person("bo")
    bo.sync()
    if when == "before":
        bo.delete("raw/c.csv")
    want(bo, "clean/**")
    if when != "after":
        bo.sync()
    if when != "before":
        bo.delete("raw/c.csv")
    if when == "both":
        bo.sync()
    bo.settle()
    if when == "after":
        bo.sync()

    want(bo)
    bo.sync()

    assert names(ana).keys() == ALL
    assert bo.paths() == ALL


def test_a_file_that_is_not_wanted_and_named_comes_back(folder, ana):
    bo = folder.person("bo")
    bo.sync()
    want(bo, "clean/**")
    bo.delete("raw/c.csv")

    bo.sync("raw/c.csv")

    assert names(ana).keys() == bo.paths() == ALL


def test_a_wider_part_that_is_taken_step_by_step_deletes_nothing(folder, ana):
    bo = folder.person("bo")
    bo.sync()
    want(bo, "clean/**")
    bo.sync()
    bo.delete("raw/c.csv", "raw/d.csv")
    want(bo)

    bo.run("sync", "--dry-run")
    bo.status()
    bo.sync("clean")
    bo.sync()

    assert names(ana).keys() == bo.paths() == ALL


def test_edits_made_while_a_file_was_not_wanted_are_merged_from_the_true_base(folder, ana):
    bo = folder.person("bo")
    bo.sync()
    want(bo, "clean/**")
    bo.sync()
    bo.write("raw/c.csv", "by Bo")
    ana.write("raw/d.csv", "by Ana")
    ana.sync()
    bo.sync()
    assert names(ana)["raw/c.csv"] == bo.read("raw/d.csv") == b"first"

    want(bo)
    assert bo.sync()["conflicts"] == []

    assert names(ana)["raw/c.csv"] == b"by Bo"
    assert bo.read("raw/d.csv") == b"by Ana"


def test_a_path_that_is_named_is_taken_though_it_is_not_among_what_is_wanted(ana, bo):
    bo.settle()
    bo.sync()

    bo.sync("raw/c.csv")

    assert bo.paths() == {*CLEAN, "raw/c.csv"}
    bo.write("raw/c.csv", "by Bo")
    bo.sync()
    assert names(ana)["raw/c.csv"] == b"first"
    bo.sync("raw")
    assert names(ana)["raw/c.csv"] == b"by Bo"
    assert bo.paths() == ALL
    bo.delete("raw/c.csv")
    bo.sync()
    assert names(ana).keys() == ALL


def test_only_on_the_command_line_narrows_what_is_remembered(ana, bo):
    for path in ALL:
        ana.write(path, "second")
    ana.sync()

    bo.sync("--only", "*/a.csv", "--only", "*/c.csv")

    assert bo.read("clean/a.csv") == b"second"
    assert bo.read("clean/b.csv") == b"first"
    assert bo.paths() == CLEAN
    assert remembered(bo) == ["clean/**"]


def test_in_a_folder_that_was_synced_only_holds_once_and_it_is_told_how_to_keep_it(ana):
    ana.write("clean/a.csv", "second")
    ana.write("raw/c.csv", "second")

    said = ana.run("sync", "-y", "--only", "clean/**")

    assert "cas-sync config set only 'clean/**' --local" in said.stderr
    assert remembered(ana) is None
    assert names(ana)["raw/c.csv"] == b"first"
    ana.sync()
    assert names(ana)["raw/c.csv"] == b"second"


@pytest.mark.parametrize("way", [("--dry-run",), ("--on-conflict", "fail")])
def test_a_first_sync_that_did_nothing_remembers_nothing(folder, ana, way):
    bo = folder.person("bo")
    bo.write("clean/a.csv", "another")
    bo.run("sync", "-y", "--store", folder.url, "--only", "clean/**", *way, exit=None)

    assert remembered(bo) is None


def test_a_first_sync_that_is_not_confirmed_remembers_nothing(folder, ana):
    bo = folder.person("bo")

    bo.run("sync", "--store", folder.url, "--only", "clean/**", exit=2)

    assert remembered(bo) is None
    bo.sync()
    assert bo.paths() == ALL


def test_a_first_publish_of_a_part_is_remembered(folder):
    ana = folder.person("ana")
    for path in ALL:
        ana.write(path, "first")

    ana.sync("--only", "clean/**")
    ana.sync()

    assert names(ana).keys() == CLEAN
    assert ana.paths() == ALL


def test_the_teams_rules_hold_in_a_part_too(ana, bo):
    ana.write(".casignore", "*.tmp\n")
    ana.sync()
    bo.sync()
    bo.write("clean/x.tmp", "1")
    bo.write("clean/y.csv", "1")

    bo.sync()

    assert names(ana).keys() == {*ALL, ".casignore", "clean/y.csv"}


def test_status_tells_that_it_speaks_of_a_part(ana, bo):
    ana.write("raw/c.csv", "second")
    ana.sync()

    said = bo.run("status")

    assert "Only clean/** here" in said.stderr
    assert bo.status()["remote"] == {"new": [], "modified": [], "deleted": []}


def test_two_parts_make_the_whole(folder, ana, bo):
    cem = folder.person("cem")
    cem.sync("--only", "raw/")
    bo.write("clean/new.csv", "by Bo")
    cem.write("raw/new.csv", "by Cem")
    cem.delete("raw/d.csv")

    for each in (bo, cem, ana):
        each.sync()

    whole = {*ALL, "clean/new.csv", "raw/new.csv"} - {"raw/d.csv"}
    assert ana.paths() == whole
    parts = tree(bo.data) | tree(cem.data)
    assert parts == tree(ana.data)


def test_a_pattern_that_is_none_is_refused_before_anything_is_done(folder, ana):
    bo = folder.person("bo")

    said = bo.run("sync", "-y", "--store", folder.url, "--only", "[abc", exit=2)

    assert "--only '[abc' is not a pattern" in said.stderr
    assert bo.paths() == set()
    assert remembered(bo) is None


def test_a_first_sync_that_did_nothing_keeps_what_was_remembered_before(folder):
    ana, ben = folder.team("ana", "ben")
    ana.write("a/1", "1")
    ana.write("b/1", "1")
    ana.sync()
    ben.run("init", "--store", ben.store)
    ben.run("config", "set", "only", "a/**", "--local")

    ben.process("sync", "--only", "b/**", exit=2)

    assert ben.run("config", "get", "only", "--json").answer["value"] == ["a/**"]


def test_a_restore_of_the_whole_folder_leaves_out_what_is_not_wanted(folder):
    ana, ben = folder.team("ana", "ben")
    for name in ("a/1", "a/2", "b/1"):
        ana.write(name, name)
    ana.sync()
    ben.sync("--only", "a/**")
    ben.delete("a/1")

    ben.run("restore", ".", "-y")

    assert ben.paths() == {"a/1", "a/2"}
    ben.run("restore", "b/1", "-y")
    assert ben.paths() == {"a/1", "a/2", "b/1"}
