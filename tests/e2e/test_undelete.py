"""`undelete` lists what is gone and still in the history, and brings it back."""

import sys

import pytest

from cas_sync.engine.surroundings import Surroundings
from cas_sync.engine.undelete import UndeleteOptions, find_deleted, run_undelete
from cas_sync.progress import Silent
from cas_sync.store.connect import open_bucket
from tests.support.people import settings_of, tree

MONTH = {f"images/2026-10/{i:03d}.png": f"picture {i}" for i in range(40)}


def listed(person, *args):
    return person.run("undelete", "--json", *args).answer


def undelete(person, *args, **kwargs):
    return person.run("undelete", "--json", *args, **kwargs)


@pytest.fixture
def ana(folder):
    """Return somebody who deleted a folder, then a file and two of another folder."""
    ana = folder.person("ana")
    for path, text in MONTH.items():
        ana.write(path, text)
    for name in "abcd":
        ana.write(f"raw/{name}.csv", f"rows of {name}")
    ana.write("images/logo.png", "logo")
    ana.write("odd [1].csv", "odd")
    ana.sync()
    ana.delete(*MONTH)
    ana.sync("--allow-mass-delete")
    ana.delete("raw/a.csv", "raw/b.csv", "odd [1].csv")
    ana.sync()
    return ana


def test_the_list_is_by_folder_and_commit_newest_first(ana):
    rows = listed(ana)

    assert [(row["n"], row["path"], row["files"], row["seq"]) for row in rows] == [
        (1, "odd [1].csv", 1, 3),
        (2, "raw/", 2, 3),
        (3, "images/2026-10/", 40, 2),
    ]
    assert rows[2]["size"] == sum(map(len, MONTH.values()))
    assert {row["deleted_by"] for row in rows} == {"ana"}
    assert [row["is_folder"] for row in rows] == [False, True, True]


def test_people_read_who_and_when_and_are_not_asked_without_a_terminal(ana):
    before = tree(ana.data)

    said = ana.run("undelete", "--most", "2")

    assert "odd [1].csv" in said.stdout
    assert "you, just now" in said.stdout
    assert "(a.csv, b.csv)" in said.stdout
    assert "1 more:  cas-sync undelete --most 3" in said.stdout
    assert "images/2026-10/" not in said.stdout
    assert tree(ana.data) == before


def test_a_folder_that_went_with_all_above_it_is_one_row_at_the_top(folder):
    ana = folder.person("ana")
    ana.write("keep.txt", "keep")
    for path in ("old/a/1.txt", "old/a/2.txt", "old/b/c/3.txt"):
        ana.write(path, path)
    ana.sync()
    ana.delete("old/a/1.txt", "old/a/2.txt", "old/b/c/3.txt")
    ana.sync()

    assert [(row["path"], row["files"]) for row in listed(ana)] == [("old/", 3)]


def test_a_folder_comes_back_and_is_published_by_the_next_sync(place):
    ana, ben = place.team("ana", "ben")
    for path, text in MONTH.items():
        ana.write(path, text)
    ana.write("other.txt", "x")
    ana.sync()
    ben.sync()
    before = tree(ben.data)
    ana.delete(*MONTH)
    ana.sync("--allow-mass-delete")
    ben.sync("--allow-mass-delete")
    assert ben.paths() == {"other.txt"}

    said = ben.run("undelete", "images")

    assert "Restored 40 files" in said.stdout
    assert "hint: cas-sync sync  to bring them back for everyone" in said.stderr
    assert tree(ben.data) == before
    assert ben.sync()["uploaded"] == 40
    ana.sync()
    assert tree(ana.data) == before
    assert listed(ana) == []


def test_who_pulled_a_deletion_brings_it_back_and_downloads_nothing(folder):
    ana, ben = folder.team("ana", "ben")
    data = bytes(range(256)) * 4000
    ana.write("big.bin", data)
    ana.write("small.txt", "small")
    ana.write("keep", "keep")
    ana.sync()
    ben.sync()
    ana.delete("big.bin", "small.txt")
    ana.sync()
    ben.sync()

    said = undelete(ben, "big.bin").last

    assert (said["downloaded"], said["local"], said["bytes_local"]) == (1, 1, len(data))
    assert said["bytes_down"] < 20_000
    assert ben.read("big.bin") == data
    assert "nothing downloaded" in ben.run("undelete", "small.txt").stdout
    assert ben.kept() == {data, b"small"}


@pytest.mark.parametrize(
    ("named", "paths"),
    [
        (["raw/a.csv"], {"raw/a.csv"}),
        (["raw"], {"raw/a.csv", "raw/b.csv"}),
        (["raw/*.csv"], {"raw/a.csv", "raw/b.csv"}),
        (["*.csv"], {"raw/a.csv", "raw/b.csv", "odd [1].csv"}),
        (["odd [1].csv"], {"odd [1].csv"}),
        (["images/2026-10/00[12].png", "raw/b.csv"], {
            "images/2026-10/001.png",
            "images/2026-10/002.png",
            "raw/b.csv",
        }),
        (["."], {*MONTH, "raw/a.csv", "raw/b.csv", "odd [1].csv"}),
    ],
)  # fmt: skip
def test_files_folders_and_patterns_are_named(ana, named, paths):
    before = ana.paths()

    said = undelete(ana, *named).last

    assert said["downloaded"] == len(paths)
    assert ana.paths() - before == paths


def test_what_was_never_deleted_is_refused_with_near_names(ana):
    said = undelete(ana, "raw/aa.csv", exit=2).last
    assert "raw/a.csv" in said["cause"]
    said = undelete(ana, "raw/c.csv", exit=2).last
    assert "cas-sync restore raw/c.csv" in said["fix"]
    said = undelete(ana, "*.parquet", exit=2).last
    assert "cas-sync undelete" in said["fix"]


def test_a_dry_run_tells_and_changes_nothing(ana):
    before = tree(ana.data)

    said = undelete(ana, "raw", "-n")

    assert [event["path"] for event in said.events[:-1]] == ["raw/a.csv", "raw/b.csv"]
    assert "2 files would come back" in ana.run("undelete", "raw", "-n").stdout
    assert tree(ana.data) == before


def twice(folder):
    """Return somebody whose file was deleted twice and exists."""
    ana = folder.person("ana")
    ana.write("a.csv", "one")
    ana.write("b.csv", "b")
    ana.sync()
    ana.delete("a.csv")
    ana.sync()
    ana.write("a.csv", "two")
    ana.sync()
    ana.delete("a.csv")
    ana.sync()
    return ana


def test_the_latest_deleted_version_comes_back_and_an_older_one_by_its_commit(folder):
    ana = twice(folder)

    assert [row["seq"] for row in listed(ana)] == [4]
    assert [row["seq"] for row in listed(ana, "--all")] == [4, 2]
    undelete(ana, "a.csv", "--rev", "#2", "--to", str(ana.home / "then"))
    undelete(ana, "a.csv")

    assert (ana.home / "then/a.csv").read_bytes() == b"one"
    assert ana.read("a.csv") == b"two"
    said = undelete(ana, "a.csv", "--rev", "@", exit=0).last
    assert said["unchanged"] == 1
    assert "did not delete" in undelete(ana, "a.csv", "--rev", "#3", exit=2).last["message"]


def test_what_exists_is_never_overwritten_and_told(folder):
    ana = twice(folder)
    ana.write("a.csv", "three")
    ana.sync()

    assert listed(ana) == []
    said = undelete(ana, "a.csv", exit=3)
    assert ana.read("a.csv") == b"three"
    (skip,) = [event for event in said.events if event["event"] == "skip"]
    assert "exists now" in skip["reason"]
    assert "--rev '#4' --to DIR" in skip["reason"]
    # Not meant by name: told, and no reason to fail.
    assert "1 deleted file exists now" in ana.run("undelete", "*.csv").stdout


def test_a_file_of_that_name_that_nobody_published_is_left(folder):
    ana = twice(folder)
    ana.write("a.csv", "mine, not published")

    said = undelete(ana, "a.csv", exit=3).last

    assert said["skipped"] == ["a.csv"]
    assert ana.read("a.csv") == b"mine, not published"


def test_what_lost_a_conflict_is_listed_by_all_and_had_elsewhere(folder):
    ana, ben = folder.team("ana", "ben")
    ana.write("t.csv", "base")
    ana.sync()
    ben.sync()
    ana.write("t.csv", "Ana's")
    ana.sync()
    ben.write("t.csv", "Ben's hours of work")
    ben.sync("--on-conflict", "theirs")

    assert listed(ana) == []
    (row,) = listed(ana, "--all")
    assert (row["path"], row["existing"], row["deleted_by"]) == ("t.csv", 1, "ben")
    assert "exists now" in ana.run("undelete", "--all").stdout
    undelete(ana, "t.csv", "--to", str(ana.home / "lost"))
    assert (ana.home / "lost/t.csv").read_bytes() == b"Ben's hours of work"
    assert ana.read("t.csv") == b"Ana's"


def test_a_deletion_that_was_not_pulled_yet_is_taken_back_for_everyone(folder):
    ana, ben = folder.team("ana", "ben")
    for name in ("here.csv", "gone.csv", "other.csv"):
        ana.write(name, name)
    ana.sync()
    ben.sync()
    ana.delete("here.csv", "gone.csv")
    ana.sync()
    ben.delete("gone.csv")

    undelete(ben, "here.csv", "gone.csv")
    said = ben.sync()

    assert (said["uploaded"], said["deleted_local"]) == (2, 0)
    ana.sync()
    assert ana.paths() == ben.paths() == {"here.csv", "gone.csv", "other.csv"}


def test_what_is_not_wanted_here_is_neither_listed_nor_brought_by_a_folder(folder):
    ana, ben = folder.team("ana", "ben")
    for path in ("a/1.txt", "a/2.txt", "b/1.txt", "b/2.txt", "keep.txt"):
        ana.write(path, path)
    ana.sync()
    ana.delete("a/1.txt", "b/1.txt")
    ana.sync()
    ben.sync("--only", "a/**")

    assert [row["path"] for row in listed(ben)] == ["a/1.txt"]
    undelete(ben, ".")
    assert ben.paths() == {"a/1.txt", "a/2.txt"}
    undelete(ben, "b/1.txt")  # said by name: as `restore` has it
    assert ben.read("b/1.txt") == b"b/1.txt"


@pytest.mark.skipif(sys.platform == "win32", reason="needs links and modes")
def test_links_modes_and_times_come_back(folder):
    ana = folder.person("ana")
    ana.write("run.sh", "echo", executable=True)
    (ana.data / "latest").symlink_to("run.sh")
    ana.write("x", "x")
    ana.sync()
    before, seen = tree(ana.data), (ana.data / "run.sh").stat().st_mtime_ns
    ana.delete("run.sh", "latest")
    ana.sync()

    undelete(ana, ".")

    assert tree(ana.data) == before
    assert (ana.data / "run.sh").stat().st_mtime_ns == seen


def test_nothing_deleted_is_said(folder):
    ana = folder.person("ana")
    ana.write("a", "a")
    ana.sync()

    assert listed(ana) == []
    assert "No deleted file" in ana.run("undelete").stdout
    assert "nothing was ever deleted" in undelete(ana, ".", exit=2).last["message"]


def test_a_long_list_near_a_large_tree_reads_few_pages_of_it(folder):
    ana = folder.person("ana")
    for i in range(6000):
        ana.write(f"{i // 100:02d}/{i:05d}.txt", str(i))
    ana.sync()
    for top in (2, 57):
        ana.delete(*(f"{top:02d}/{i:05d}.txt" for i in range(100 * top, 100 * top + 10)))
    ana.sync()
    with ana.repository() as state:
        pages = len(list(state.repo.versions.leaves(state.head.versions)))
    ben = folder.person("ben")
    found = find_deleted(settings_of(ben), Surroundings(env=ben.env))

    assert [(each.path, each.n_files) for each in found] == [("02/", 10), ("57/", 10)]
    read = sum(path.is_file() for path in (ben.home / "cache").glob("*/pages/*/*"))
    assert pages > 10
    assert read <= 7  # the deleted: one; of the tree: one a level and place, and the next


def test_a_list_costs_one_request_once_the_pages_are_known(ana):
    opened = []

    def connect(address):
        opened.append(open_bucket(address))
        return opened[-1]

    surroundings = Surroundings(env=ana.env, connect=connect)
    for _ in range(2):
        assert len(find_deleted(settings_of(ana), surroundings)) == 3

    assert dict(opened[-1].meter.requests) == {"GET": 1}
    assert sum(opened[0].meter.requests.values()) <= 4


def test_a_look_at_the_list_makes_no_data_folder(ana):
    new = type(ana)(ana.home.parent / "new", "new", ana.store)

    assert len(new.run("undelete", "--json", "--store", new.store).answer) == 3
    assert not new.data.exists()


def test_the_library_brings_back_as_the_command_does(ana):
    settings, surroundings = settings_of(ana), Surroundings(env=ana.env)
    report = run_undelete(
        settings, surroundings, UndeleteOptions(("raw",)), lambda _: True, Silent()
    )

    assert report is not None
    assert report.restored == 2
    assert run_undelete(
        settings, surroundings, UndeleteOptions(), lambda _: True, Silent()
    ) is None  # fmt: skip
