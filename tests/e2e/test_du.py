"""`du` tells what takes the room, at any revision and in the history."""

import pytest

from tests.support.people import Person
from tests.support.samples import noise

FILES = {
    "top.csv": 10,
    "README": 5,
    "raw/a/1.csv": 1000,
    "raw/a/deep/2.CSV": 300,
    "raw/b/3.parquet": 2000,
    "raw/here.csv": 50,
    "raw.d/x.tar.gz": 700,
    "empty/none": 0,
}


@pytest.fixture
def team(folder):
    """Return two people: Ana wrote all at first, Ben one file later."""
    ana, ben = folder.team("Ana", "Ben")
    for path, size in FILES.items():
        ana.write(path, noise(path, size))
    ana.sync()
    ben.sync()
    ben.write("raw/b/3.parquet", noise("newer", 4000))
    ben.sync()
    return ana, ben


def du(person, *args):
    return person.run("du", "--json", *args).answer


def rows(answer):
    return {row["name"]: (row["files"], row["size"]) for row in answer["rows"]}


def test_folders_are_told_apart_the_largest_first(team):
    ana, _ = team

    found = du(ana)

    assert rows(found) == {
        "raw/": (4, 5350),
        "raw.d/": (1, 700),
        ".": (2, 15),
        "empty/": (1, 0),
    }
    assert [row["size"] for row in found["rows"]] == [5350, 700, 15, 0]
    assert (found["files"], found["size"], found["seq"], found["rev"]) == (8, 6065, 2, "@")


def test_every_file_is_in_one_group_whatever_they_are_grouped_by(team):
    ana, _ = team

    for args in ([], ["--by", "author"], ["--by", "ext"], ["--depth", "2"], ["--depth", "9"]):
        found = du(ana, *args)
        assert sum(row["files"] for row in found["rows"]) == len(FILES)
        assert sum(row["size"] for row in found["rows"]) == found["size"] == 6065


def test_deeper_folders_are_told_apart_if_asked_for(team):
    ana, _ = team

    assert rows(du(ana, "--depth", "2", "raw"))["raw/a/deep/"] == (1, 300)
    assert rows(du(ana, "raw")) == {
        "raw/b/": (1, 4000),
        "raw/a/": (2, 1300),
        "raw/.": (1, 50),
    }
    assert rows(du(ana, "--depth", "2"))["raw/."] == (1, 50)


def test_authors_and_extensions(team):
    ana, _ = team

    assert rows(du(ana, "--by", "author")) == {"Ben": (1, 4000), "Ana": (7, 2065)}
    assert rows(du(ana, "--by", "ext")) == {
        ".parquet": (1, 4000),
        ".csv": (4, 1360),
        ".gz": (1, 700),
        "": (2, 5),
    }


def test_any_revision_and_single_files(team):
    ana, _ = team

    assert du(ana, "@~1:raw/b")["size"] == 2000
    assert du(ana, "raw/b/3.parquet")["rows"] == [{"name": "raw/b/.", "files": 1, "size": 4000}]
    said = ana.run("du", "raww", "--json", exit=2).last
    assert "near it: raw" in said["cause"]


def test_people_get_a_table_with_the_total_last(team):
    ana, _ = team

    lines = ana.run("du").stdout.splitlines()

    assert lines[0].split() == ["5.2", "KiB", "4", "files", "raw/"]
    assert "(in no folder)" in lines[2]
    assert "8 files  in all at" in lines[-1]
    assert "(directly in it)" in ana.run("du", "raw").stdout
    assert "(no extension)" in ana.run("du", "--by", "ext").stdout


def test_the_history_is_what_the_log_says(team):
    ana, _ = team
    log = ana.log()

    found = du(ana, "--history")

    assert found["stored"] == sum(commit["bytes_new"] for commit in log)
    assert found["commits"] == len(log) == 2
    assert (found["files"], found["size"]) == (8, 6065)
    assert sorted(row["name"] for row in found["by_author"]) == ["Ana", "Ben"]
    assert {row["name"]: row["size"] for row in found["by_author"]} == {
        commit["author"]: commit["bytes_new"] for commit in log
    }
    months = {commit["time"][:7] for commit in log}
    assert {row["name"] for row in found["by_month"]} == months
    assert sum(row["commits"] for row in found["by_month"]) == 2
    assert "2 commits  stored" in ana.run("du", "--history").stdout


def test_the_history_up_to_a_revision(team):
    ana, _ = team
    first = ana.log()[-1]

    found = du(ana, "--history", "@~1:")

    assert (found["commits"], found["stored"]) == (1, first["bytes_new"])
    assert (found["seq"], found["size"]) == (1, 4065)


@pytest.mark.parametrize(
    "args",
    [["--history", "raw"], ["--history", "--by", "ext"], ["--by", "ext", "--depth", "2"]],
)
def test_what_cannot_be_told_apart_is_refused(team, args):
    ana, _ = team

    assert "--" in ana.run("du", *args, exit=2).stderr


def test_only_the_head_and_pages_are_read(place):
    ana = place.person("ana")
    for path, size in FILES.items():
        ana.write(path, noise(path, size))
    ana.sync()
    with ana.repository() as stored:
        assert stored.head.versions.level == 0
    ben = Person(place.root / "ben", "ben", place.url, place.env)

    said = ben.run("du", "--store", place.url, "-v")

    assert said.stderr.startswith("2 requests, ")
    assert not ben.data.exists()
