"""What is ignored is left as it is, here and there; what decides is the true base."""

import itertools
import json
import os

import pytest

from cas_sync.engine.settings import load_settings
from cas_sync.engine.status import run_status
from cas_sync.engine.surroundings import Surroundings
from cas_sync.engine.sync import run_sync
from cas_sync.engine.sync_report import SyncOptions
from cas_sync.formats.config_json import Config
from cas_sync.progress import Silent
from tests.support.engine import Agreeing
from tests.support.people import tree

KEPT = "kept.csv"


def names(person):
    """Return what the store holds, by path, as bytes."""
    with person.repository() as stored:
        return {path: stored.content(row.content) for path, row in stored.versions().items()}


def ignore_here(person, *paths):
    (person.state / "ignore_remote.txt").write_text("".join(f"{path}\n" for path in paths))


def act(person, path, what):
    """Edit or delete a file, or leave it, as one of the two did."""
    if what == "edits":
        person.write(path, f"by {person.name}")
    elif what == "deletes":
        person.delete(path)


@pytest.fixture
def team(folder):
    """Two people who share `x/a.csv` and `kept.csv`."""
    ana, bo = folder.team("ana", "bo")
    for path in ("x/a.csv", KEPT):
        ana.write(path, "first")
    ana.sync()
    bo.sync()
    bo.settle()
    return ana, bo


# -- one person's list ----------------------------------------------------------------


def test_one_persons_list_changes_nothing_for_the_other(team):
    ana, bo = team
    ignore_here(bo, "x/a.csv")
    bo.write("new.csv", "new")

    bo.sync()
    ana.sync()

    assert names(ana) == {"x/a.csv": b"first", KEPT: b"first", "new.csv": b"new"}
    assert ana.read("x/a.csv") == bo.read("x/a.csv") == b"first"


RULES = ["exact", "*a.csv", "x/", "/x/a.csv"]
MERGED = {
    ("rests", "rests"): b"first",
    ("edits", "rests"): b"by bo",
    ("deletes", "rests"): None,
    ("rests", "edits"): b"by ana",
    ("rests", "deletes"): None,
    ("edits", "edits"): "conflict",
    ("edits", "deletes"): b"by bo",
    ("deletes", "edits"): b"by ana",
    ("deletes", "deletes"): None,
}


@pytest.mark.parametrize(
    ("his", "hers", "rule"),
    [(*case, rule) for case, rule in zip(MERGED, itertools.cycle(RULES), strict=False)],
)
def test_a_shared_file_that_is_ignored_is_left_alone_and_merged_from_its_base_later(
    team, his, hers, rule
):
    ana, bo = team
    if rule == "exact":
        ignore_here(bo, "x/a.csv")
    else:
        bo.configure(ignore=[rule])
    bo.sync()
    act(bo, "x/a.csv", his)
    act(ana, "x/a.csv", hers)
    ana.sync()
    there, here = names(ana), tree(bo.data)

    for other in (None, "1", "2"):
        if other is not None:
            # Something else to do, so that a base that is none would be believed.
            bo.write("other.csv", other)
            here["other.csv"], there["other.csv"] = (other.encode(), False), other.encode()
        assert bo.sync()["conflicts"] == []
        assert tree(bo.data) == here
        assert names(ana) == there
    ignore_here(bo)
    bo.configure(ignore=[])

    merged = MERGED[his, hers]
    if merged == "conflict":
        assert bo.sync(exit=3)["conflicts"] == ["x/a.csv"]
        assert (bo.read("x/a.csv"), names(ana)["x/a.csv"]) == (b"by bo", b"by ana")
        return
    bo.sync()
    ana.sync()
    assert names(ana).get("x/a.csv") == merged
    assert tree(ana.data) == tree(bo.data)
    assert ("x/a.csv" in tree(bo.data)) is (merged is not None)


def test_a_file_that_is_new_there_is_not_taken_and_one_of_the_same_name_not_replaced(team):
    ana, bo = team
    ignore_here(bo, "n.csv", "m.csv")
    bo.write("n.csv", "by Bo")
    ana.write("n.csv", "by Ana")
    ana.write("m.csv", "by Ana")
    ana.sync()

    bo.sync()

    assert bo.read("n.csv") == b"by Bo"
    assert "m.csv" not in bo.paths()
    ignore_here(bo)
    assert bo.sync(exit=3)["conflicts"] == ["n.csv"]
    assert bo.read("m.csv") == b"by Ana"


def test_a_sync_with_nothing_to_do_but_what_is_ignored_costs_one_request(team):
    ana, bo = team
    ignore_here(bo, "x/a.csv")
    ana.write("x/a.csv", "by Ana")
    ana.sync()
    bo.sync()
    bo.settle()

    bo.sync()

    assert sum(bo.sync()["requests"].values()) == 1
    # Nothing is compared again before something changes.
    assert ",clean " in (bo.state / "versions_local.csv").read_text().splitlines()[-1]


def test_what_was_deleted_while_ignored_is_noticed_once_the_rules_change(team):
    _, bo = team
    ignore_here(bo, "x/a.csv")
    bo.sync()
    bo.delete("x/a.csv")
    bo.settle()
    bo.sync()

    ignore_here(bo)

    assert bo.sync()["deleted_remote"] == 1


def test_a_killed_sync_leaves_the_base_of_what_is_ignored(team):
    ana, bo = team
    ignore_here(bo, "x/a.csv")
    bo.sync()
    ana.delete("x/a.csv")
    ana.write(KEPT, "second")
    commit = ana.sync()
    # Bo's sync was killed when it knew what to bring the folder to.
    intent = {"commit": commit["commit"], "seq": commit["seq"], "settled": {}}
    (bo.state / "intent.json").write_text(json.dumps({**intent, "published": False}))

    bo.sync()
    ignore_here(bo)
    bo.sync()

    assert "x/a.csv" not in bo.paths()
    assert names(ana) == {KEPT: b"second"}


# -- the team's list ----------------------------------------------------------------------


def test_the_teams_rules_reach_everyone_and_hold_at_once_for_who_writes_them(place):
    ana, bo = place.team("ana", "bo")
    ana.write("a.csv", "1")
    ana.write("a.tmp", "1")
    ana.write(".casignore", "*.tmp\n")
    ana.sync()
    bo.sync()
    bo.write("b.tmp", "1")
    bo.write("b.csv", "1")

    bo.sync()
    ana.sync()

    assert names(ana).keys() == {".casignore", "a.csv", "b.csv"}
    assert bo.paths() == {".casignore", "a.csv", "b.csv", "b.tmp"}
    ana.write(".casignore", "*.tmp\n!keep.tmp\n")
    ana.write("keep.tmp", "1")
    ana.sync()
    bo.sync()  # takes the rules
    bo.sync()  # and goes by them
    assert bo.read("keep.tmp") == b"1"


def test_a_file_that_is_shared_stays_when_the_team_begins_to_ignore_it(team):
    ana, bo = team
    ana.write(".casignore", "x/\n")
    ana.write("x/a.csv", "not published any more")
    ana.sync()
    bo.sync()
    bo.write("x/a.csv", "nor this")
    bo.delete(KEPT)
    bo.sync()

    assert names(ana) == {".casignore": b"x/\n", "x/a.csv": b"first"}
    assert ana.read("x/a.csv") == b"not published any more"
    assert bo.read("x/a.csv") == b"nor this"


def test_who_joins_gets_what_is_shared_though_it_is_ignored(team, folder):
    ana, _ = team
    ana.write(".casignore", "x/\n")
    ana.sync()
    cem = folder.person("cem")

    cem.sync()
    cem.sync()

    assert cem.paths() == {".casignore", "x/a.csv", KEPT}


# -- what is built in ---------------------------------------------------------------------


def test_junk_stays_where_it_was_dropped_and_data_of_odd_names_does_not(folder):
    ana, bo = folder.team("ana", "bo")
    data = {"backup.S3export.csv", "a.tmp", "p.part", "x.S3/a", "s3/a", "b/.S3x"}
    junk = {".DS_Store", "b/._a", "~$book.xlsx", ".~lock.a.ods#", "v/.git/config"}
    for path in data | junk:
        ana.write(path, path)

    ana.sync()
    bo.sync()

    assert bo.paths() == data
    assert ana.paths() == data | junk


# -- what lies in the way -----------------------------------------------------------------


def test_a_folder_that_holds_what_is_ignored_is_not_removed(team):
    ana, bo = team
    bo.configure(ignore=["*.tmp"])
    bo.write("x/mine.tmp", "mine")
    ana.delete("x/a.csv")
    ana.sync()

    bo.sync()

    assert bo.paths() == {KEPT, "x/mine.tmp"}


def test_a_file_that_needs_the_name_of_a_folder_with_ignored_files_is_skipped(team):
    ana, bo = team
    bo.configure(ignore=["*.tmp"])
    bo.write("d/mine.tmp", "mine")
    ana.write("d", "theirs")
    ana.sync()

    assert bo.sync(exit=3)["skipped"] == ["d"]

    assert bo.read("d/mine.tmp") == b"mine"


def test_a_folder_that_needs_the_name_of_an_ignored_file_is_skipped(team):
    ana, bo = team
    bo.write("Thumbs.db", "mine")
    ana.write("Thumbs.db/a.csv", "theirs")
    ana.write("other.csv", "theirs")
    ana.sync()

    assert bo.sync(exit=3)["skipped"] == ["Thumbs.db/a.csv"]

    assert bo.read("Thumbs.db") == b"mine"
    assert bo.read("other.csv") == b"theirs"


# -- lists that cannot be meant -----------------------------------------------------------


def test_a_list_that_cannot_be_meant_stops_the_sync_with_nothing_changed(team):
    ana, bo = team
    ana.write("new.csv", "new")
    ana.sync()
    bo.write("mine.csv", "mine")
    bo.write(".casignore", "*.tmp\n[abc\n")
    before = tree(bo.data), names(ana)

    said = bo.run("sync", "-y", exit=5)

    assert "error[E214]: .casignore:2: '[abc' is not a pattern" in said.stderr
    assert "nothing was changed" in said.stderr
    bo.delete(".casignore")
    os.symlink(KEPT, bo.data / ".casignore")
    assert ".casignore is a link" in bo.run("sync", "-y", exit=5).stderr
    (bo.data / ".casignore").unlink()
    assert (tree(bo.data) | {".casignore": before[0][".casignore"]}, names(ana)) == before


# -- the command --------------------------------------------------------------------------


def test_rules_are_added_and_hold(team):
    _, bo = team
    bo.write("data[1].csv", "1")
    bo.write("data1.csv", "1")

    said = bo.run("ignore", "add", "*.tmp", "data[1].csv", str(bo.data / "x"))

    assert bo.read(".casignore") == b"*.tmp\n/data\\[1\\].csv\n/x/\n"
    assert "1 file already shared" in said.stdout
    bo.sync()
    assert names(bo).keys() == {".casignore", "data1.csv", "x/a.csv", KEPT}
    assert "there already" in bo.run("ignore", "add", "*.tmp").stdout
    assert bo.read(".casignore").count(b"*.tmp") == 1


def test_paths_are_added_for_this_machine_alone(team):
    ana, bo = team
    ignore_here(bo, "old.csv")
    bo.write("data[1].csv", "1")

    said = bo.run("ignore", "--json", "add", "--local", "data[1].csv", "later/b.csv")

    assert said.last["added"] == ["data[1].csv", "later/b.csv"]
    assert (bo.state / "ignore_remote.txt").read_text() == "old.csv\ndata[1].csv\nlater/b.csv\n"
    bo.sync()
    assert names(ana).keys() == {"x/a.csv", KEPT}


@pytest.mark.parametrize("pattern", ["[abc", "", "# x", "!", "a\nb"])
def test_what_is_no_pattern_is_not_added(team, pattern):
    _, bo = team
    bo.write(".casignore", "*.tmp\n")

    said = bo.run("ignore", "add", "fine", pattern, exit=2)

    assert "is not a pattern" in said.stderr
    assert bo.read(".casignore") == b"*.tmp\n"


def test_all_of_the_data_folder_is_not_ignored(team):
    _, bo = team

    for more in ([], ["--local"]):
        assert "all of the data folder" in bo.run("ignore", "add", *more, "Data", exit=2).stderr


def test_what_decides_is_told(team):
    _, bo = team
    bo.configure(ignore=["*.bak"], only=["x/**"])
    bo.write(".casignore", "*.tmp\n!keep.tmp\n/raw/\n")
    ignore_here(bo, "x/b")
    asked = ["a.tmp", "keep.tmp", "raw/d/a", "raw/", "raw", "x/b/c", "a.bak", "x/a.csv", "q"]

    said = bo.run("ignore", "check", *asked, ".S3/head", "Thumbs.db").stdout.splitlines()

    assert [line.partition("   ")[2] for line in said] == [
        ".casignore:1:*.tmp",
        "not wanted here (only in cas-sync.json: x/**)",
        ".casignore:3:/raw/",
        ".casignore:3:/raw/",
        "not wanted here (only in cas-sync.json: x/**)",
        ".S3/ignore_remote.txt:1:x/b",
        "cas-sync.json:1:*.bak",
        "not ignored",
        "not wanted here (only in cas-sync.json: x/**)",
        "built-in:/.S3/",
        "built-in:Thumbs.db",
    ]
    rows = bo.run("ignore", "check", "--json", "keep.tmp").answer
    assert rows == [
        {
            "path": "keep.tmp",
            "ignored": False,
            "wanted": False,
            "source": ".casignore",
            "line": 2,
            "pattern": "!keep.tmp",
        }
    ]


def test_all_rules_are_listed_with_where_they_come_from(team):
    _, bo = team
    bo.write(".casignore", "*.tmp\n")
    ignore_here(bo, "x/b")

    said = bo.run("ignore", "list").stdout.splitlines()

    assert said[0] == "built-in:.DS_Store"
    assert said[-2:] == [".casignore:1:*.tmp", ".S3/ignore_remote.txt:1:x/b"]
    answer = bo.run("ignore", "list", "--json").answer
    assert len(answer["rules"]) == len(said)
    assert answer["only"] == []


def test_a_named_path_that_is_ignored_is_told(team):
    _, bo = team
    ignore_here(bo, "x")

    said = bo.run("sync", "-y", "x/a.csv")

    assert "x/a.csv is ignored: .S3/ignore_remote.txt:1:x" in said.stderr


def test_what_is_passed_over_is_counted_by_name(team):
    _, bo = team
    bo.write(".casignore", "*.tmp\nold/\n")
    for path in (".DS_Store", "x/.DS_Store", "a.tmp", "old/a", "old/b"):
        bo.write(path, "1")
    settings = load_settings(bo.project, Config(), bo.env)

    said = run_status(settings, Surroundings(env=bo.env), Silent(), offline=True)

    assert said.ignored == 4
    assert said.ignored_names == {".DS_Store": 2, "a.tmp": 1, "old/": 1}
    done = run_sync(settings, Surroundings(env=bo.env), SyncOptions(), Agreeing(), Silent())
    assert (done.ignored, done.ignored_names) == (said.ignored, said.ignored_names)
