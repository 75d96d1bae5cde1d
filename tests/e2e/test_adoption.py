"""A prefix of s3synchrony, or of plain files, becomes a repository and loses nothing."""

import csv
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from cas_sync.formats.keys import is_ours
from tests.support.people import Person, tree
from tests.support.samples import noise
from tests.support.seed_store import MTIME_NS, FolderKeys, S3Keys, SeedPrefix, md5, table

EASTERN = {"TZ": "EST+5"}


@pytest.fixture
def keys(place, request):
    """Look at the store from outside."""
    if request.node.callspec.params["place"] == "folder":
        yield FolderKeys(place.root / "store")
        return
    with closing(S3Keys(request.getfixturevalue("s3_prefix"))) as keys:
        yield keys


@pytest.fixture
def folder_keys(folder):
    """Look at a folder store from outside."""
    return FolderKeys(folder.root / "store")


def small_seed(layout="A") -> SeedPrefix:
    prefix = SeedPrefix(layout)
    prefix.push("plain.csv", b"a,b\n1,2\n", "Ana", "2022-01-05 10:11:12")
    prefix.push('sub/Ünï, "quoted".csv', b"x", "Bo", "2022-02-05 10:11:12")
    prefix.push("007", b"bond", "Bo")
    prefix.push("NA", b"not available", "Bo")
    prefix.push("empty", b"", "Bo")
    return prefix


def foreign(keys) -> dict[str, bytes]:
    return {key: data for key, data in keys.all().items() if not is_ours(key)}


def contents(person: Person) -> dict[str, bytes]:
    return {path: data for path, (data, _) in tree(person.data).items()}


def adopted(result) -> dict:
    return next(event for event in result.events if event["event"] == "adopted")


def first_sync(person: Person, *args: str, exit: int | None = 0):  # noqa: A002
    return person.run("sync", "-y", "--json", "--store", person.store, *args, exit=exit)


# -- what is taken ------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["A", "B"])
def test_files_editors_and_times_are_taken_and_old_keys_stay(place, keys, layout):
    prefix = small_seed(layout)
    before = prefix.write(keys.put)
    ana, bo = place.team("ana", "bo")

    ana.process("sync", "-y", "--store", ana.store, env=EASTERN)

    assert contents(ana) == prefix.objects
    assert foreign(keys) == before
    with ana.repository() as stored:
        rows = stored.versions()
    assert {path: row.editor for path, row in rows.items()} == {
        path: who for path, who, _, _ in prefix.live
    }
    assert rows["plain.csv"].edited == "2022-01-05T15:11:12Z"
    (entry,) = ana.log()
    assert entry["author"] == "ana"
    assert entry["message"] == "adopt 5 files of s3synchrony"
    assert entry["changes"]["added"] == 5
    bo.sync()
    assert tree(bo.data) == tree(ana.data)
    assert foreign(keys) == before


def a_team_of_years(keys) -> tuple[SeedPrefix, dict[str, bytes]]:
    """Write a prefix that two versions of s3synchrony raced and damaged."""
    prefix = SeedPrefix("B")
    for n in range(1_000):
        prefix.push(f"d{n % 7}/{n:04}.csv", noise(str(n), n % 500), "Ana")
    prefix.push("big.bin", noise("big", 20_000_000), "Bo")
    for name in ("007", "NA", "sub/a,b.csv", 'q"uote', "Ünï/日本.txt"):
        prefix.push(name, name.encode(), "Bo")
    prefix.push("x/data.csv", b"x's data", "Ana")
    prefix.push("y/data.csv", b"y's data", "Bo")
    for path in ("x/data.csv", "y/data.csv"):
        prefix.delete(path)
    prefix.push("x/data.csv", b"x's later data", "Ana")
    prefix.delete("x/data.csv")
    # A race: one row lost, one stale, one of a file that was never there.
    prefix.objects["lost.csv"] = b"its row was overwritten"
    prefix.push("raced.csv", b"by Ana", "Ana")
    prefix.objects["raced.csv"] = b"by Bo, later"
    prefix.live.append(("ghost.csv", "Bo", "2022-01-05 10:11:12", md5(b"ghost")))
    prefix.live.append(("", "Bo", "2022-01-05 10:11:12", md5(b"not available")))
    # What an older version left: its lists, one row of which is right, and flat deletions.
    older = SeedPrefix("A")
    older.live = [
        ("raced.csv", "Cy", "2021-01-05 10:11:12", md5(b"by Bo, later")),
        ("d0/0000.csv", "Cy", "2021-01-05 10:11:12", md5(b"long ago")),
    ]
    older.dead = [("old/report.txt", "Cy", "2021-01-05 10:11:12", md5(b"flat"))]
    prefix.objects[".S3/deleted/report.txt"] = b"flat"
    prefix.objects[".S3/logs/2022_01_05.txt"] = b"junk"
    prefix.objects[".DS_Store"] = b"junk"
    prefix.objects["Clash.txt"], prefix.objects["clash.txt"] = b"1", b"2"
    everything = {**prefix.objects, **prefix.manifests(), **older.manifests()}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(keys.put, everything, everything.values()))
    return prefix, everything


def test_a_team_of_years_is_adopted_with_every_object_accounted_for(place, keys):
    _, before = a_team_of_years(keys)
    ana, bo = place.team("ana", "bo")

    event = adopted(first_sync(ana))

    assert foreign(keys) == before
    assert event["counts"] == {
        "verified": 1_007,
        "unverified": 0,
        "lost-row": 2,
        "plain": 0,
        "set-aside": 1,
        "deleted": 3,
        "left-out": 2,
        "bookkeeping": 4,
        "ghost-row": 1,
        "deleted-gone": 1,
        "bad-row": 1,
    }
    log = list(csv.DictReader((ana.data / event["log"]).read_text().splitlines()))
    assert sorted(row["Key"] for row in log if row["Key"]) == sorted(before)
    files = {key: data for key, data in before.items() if not key.startswith(".S3/")}
    del files[".DS_Store"], files["clash.txt"]
    (aside,) = contents(ana).keys() - files.keys()
    assert aside.startswith("clash.conflict-")
    assert contents(ana) == {**files, aside: b"2"}
    assert event["files"] == len(contents(ana))
    with ana.repository() as stored:
        rows, gone = stored.versions(), stored.deletions()
        kept = {each.entry.path: stored.content(each.entry.content) for each in gone}
    assert kept == {
        "x/data.csv": b"x's later data",
        "y/data.csv": b"y's data",
        "old/report.txt": b"flat",
    }
    assert rows["raced.csv"].editor == "Cy"
    assert rows["lost.csv"].editor == "unknown"
    bo.sync()
    assert tree(bo.data) == tree(ana.data)


def test_plain_files_are_signed_by_whoever_adopts_them(place, keys):
    before = {"a.csv": b"1", "sub/b.csv": b"2"}
    for key, data in before.items():
        keys.put(key, data)
    (ana,) = place.team("ana")

    event = adopted(first_sync(ana))

    assert event["counts"]["plain"] == 2
    assert foreign(keys) == before
    with ana.repository() as stored:
        rows = stored.versions().values()
    assert {row.editor for row in rows} == {"ana (adopted)"}
    assert ana.log()[0]["message"] == "adopt 2 files"


def test_times_of_files_without_rows_are_those_of_the_objects(folder, folder_keys):
    folder_keys.put("a.csv", b"1")
    (ana,) = folder.team("ana")

    ana.sync()

    assert (ana.data / "a.csv").stat().st_mtime_ns == MTIME_NS
    assert ana.log()[0]["time"] > "2026"


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"<html>no list</html>",
        b"File,Edited By,Time Edited,Checksum\nplain.csv,Ana,2022-01-05 10:1",
        b"\xff\xfe\x00garbage",
    ],
)
def test_a_damaged_list_costs_names_and_no_file(folder, folder_keys, manifest):
    prefix = small_seed()
    prefix.write(folder_keys.put)
    folder_keys.put(".S3/versions.csv", manifest)
    (ana,) = folder.team("ana")

    event = adopted(first_sync(ana))

    assert contents(ana) == prefix.objects
    assert event["counts"]["lost-row"] == 5
    assert event["counts"]["bad-row"] == 1


# -- the folder it is adopted into --------------------------------------------------


def test_the_ordinary_sync_goes_on_in_the_same_run(place, keys):
    prefix = small_seed()
    prefix.write(keys.put)
    (ana,) = place.team("ana")
    ana.write("plain.csv", prefix.objects["plain.csv"])
    ana.write("007", b"edited here")
    ana.write("mine.csv", b"new here")

    summary = ana.sync(exit=3)

    assert summary["conflicts"] == ["007"]
    assert (summary["uploaded"], summary["seq"]) == (1, 2)
    assert ana.read("007") == b"edited here"
    assert ana.read("NA") == prefix.objects["NA"]
    assert [entry["message"] for entry in ana.log()] == ["", "adopt 5 files of s3synchrony"]


def test_a_file_that_is_executable_here_is_the_same_there(folder, folder_keys):
    folder_keys.put("run.sh", b"#!/bin/sh\n")
    (ana,) = folder.team("ana")
    ana.write("run.sh", b"#!/bin/sh\n", executable=True)

    assert ana.sync()["conflicts"] == []
    assert tree(ana.data)["run.sh"] == (b"#!/bin/sh\n", True)


# -- who is asked, and what is left alone -------------------------------------------


def test_without_a_yes_nothing_is_adopted(place, keys):
    before = small_seed().write(keys.put)
    (ana,) = place.team("ana")

    result = ana.process("sync", "--store", ana.store, exit=2)

    assert "E002" in result.stderr
    assert foreign(keys) == before
    assert not any("/packs/" in key or "/commits/" in key for key in keys.all())


@pytest.mark.parametrize("command", ["status", "dry-run"])
def test_looking_changes_nothing_and_tells(place, keys, command):
    before = small_seed().write(keys.put)
    (ana,) = place.team("ana")
    ana.write("cas-sync-marker", b"mine")
    if command == "status":
        result = ana.run("status", "--json", "--store", ana.store, "--data", "Data")
        found = result.answer["to_adopt"]
    else:
        result = ana.run("sync", "-n", "--json", "--store", ana.store, "--data", "Data")
        found = next(each for each in result.events if each["event"] == "to_adopt")

    assert (found["files"], found["s3synchrony"]) == (5, True)
    assert keys.all() == before
    assert ana.paths() == {"cas-sync-marker"}


@pytest.mark.parametrize("command", ["pull-only", "clone"])
def test_who_only_takes_cannot_adopt_and_is_told_how(place, keys, command):
    before = small_seed().write(keys.put)
    (ana,) = place.team("ana")

    if command == "clone":
        result = ana.process("clone", ana.store, "copy", exit=None)
    else:
        result = ana.process("sync", "-y", "--pull-only", "--store", ana.store, exit=None)

    assert result.exit == 2
    assert "cas-sync sync" in result.stderr
    assert foreign(keys) == before
    ana.process("sync", "-y", "--store", ana.store)
    assert foreign(keys) == before


def test_init_leaves_the_offer_open(place, keys):
    prefix = small_seed()
    prefix.write(keys.put)
    ana, bo = place.team("ana", "bo")
    ana.run("init", "-y", "--store", ana.store, "--data", "Data")
    bo.write("bo.csv", b"bo's")

    bo.sync()

    assert contents(bo) == {**prefix.objects, "bo.csv": b"bo's"}
    assert len(bo.log()) == 2


def test_a_prefix_with_only_junk_is_begun_as_an_empty_one(place, keys):
    keys.put(".DS_Store", b"junk")
    keys.put(".S3/logs/x.txt", b"junk")
    (ana,) = place.team("ana")
    ana.write("a", b"1")

    summary = ana.sync()

    assert (summary["seq"], summary["uploaded"]) == (1, 1)


def test_it_is_offered_once(place, keys):
    small_seed().write(keys.put)
    (ana,) = place.team("ana")
    ana.sync()
    keys.put("later.csv", b"put there by hand")

    summary = ana.sync()

    assert sum(summary["requests"].values()) == 1
    assert "later.csv" not in ana.paths()
    assert ana.status()["to_adopt"] is None


# -- several at once ----------------------------------------------------------------


def test_people_who_sync_at_once_adopt_once(place, keys):
    prefix = small_seed()
    before = prefix.write(keys.put)
    people = place.team("p0", "p1", "p2")
    for each in people:
        each.write(f"by {each.name}", each.name)
    running = [each.start("sync", "-y", "--json", "--store", place.url) for each in people]
    for process in running:
        out, err = process.communicate()
        assert process.returncode == 0, (out, err)

    for each in people:
        each.sync()

    log = people[0].log()
    assert [entry["seq"] for entry in log] == [4, 3, 2, 1]
    assert [entry["message"] for entry in log] == ["", "", "", "adopt 5 files of s3synchrony"]
    own = {f"by {each.name}": each.name.encode() for each in people}
    for each in people:
        assert contents(each) == {**prefix.objects, **own}
        assert not (each.state / "adoption").exists()
    assert foreign(keys) == before


# -- a data folder that s3synchrony kept --------------------------------------------


def local_lists(person: Person, rows, layout: str) -> None:
    names = {
        "A": ("versionsLocal.csv", "versions.csv"),
        "B": ("versions_local.csv", "versions_remote.csv"),
    }
    person.state.mkdir(parents=True, exist_ok=True)
    for name in names[layout]:
        data = table(("File", "Edited By", "Time Edited", "Checksum"), rows)
        (person.state / name).write_bytes(data)


@pytest.mark.parametrize("layout", ["A", "B"])
def test_what_was_not_edited_since_s3synchrony_is_brought_up_to_date(
    folder, folder_keys, layout
):
    old, new = b"as last synced", b"by a teammate since"
    prefix = SeedPrefix(layout)
    for path in ("untouched", "edited", "gone here", "same"):
        prefix.push(path, new)
    prefix.write(folder_keys.put)
    ana, bo = folder.team("ana", "bo")
    for each in (ana, bo):
        rows = [(p, "Ana", "2022-01-05 10:11:12", md5(old)) for p in ("untouched", "edited")]
        rows += [("gone here", "Ana", "", md5(old)), ("only here", "Ana", "", md5(old))]
        local_lists(each, rows, layout)
        each.write("untouched", old)
        each.write("edited", b"by me since")
        each.write("only here", old)
        each.write("same", new)

        summary = each.sync(exit=3)

        assert summary["conflicts"] == ["edited"]
        assert each.read("untouched") == each.read("gone here") == new
        assert each.read("edited") == b"by me since"
        assert each.read("only here") == old
        assert old in each.kept()
        moved = {path.name for path in (each.state / "s3synchrony").iterdir()}
        assert len(moved) == 2
        assert each.sync(exit=3)["conflicts"] == ["edited"]
    assert "damaged" not in bo.process("sync", "-y", exit=3).stderr


def test_a_declined_upload_is_no_agreement(folder, folder_keys):
    prefix = SeedPrefix("B")
    prefix.push("f", b"shared")
    prefix.write(folder_keys.put)
    (ana,) = folder.team("ana")
    shared = [("f", "Bo", "2022-01-05 10:11:12", md5(b"shared before"))]
    local_lists(ana, shared, "B")
    mine = table(
        ("File", "Edited By", "Time Edited", "Checksum"), [("f", "Ana", "", md5(b"mine"))]
    )
    (ana.state / "versions_local.csv").write_bytes(mine)
    ana.write("f", b"mine")

    assert ana.sync(exit=3)["conflicts"] == ["f"]
    assert ana.read("f") == b"mine"


def test_status_of_such_a_folder_moves_nothing(folder, folder_keys):
    small_seed("B").write(folder_keys.put)
    ana, bo = folder.team("ana", "bo")
    bo.sync()
    local_lists(ana, [("NA", "Ana", "", md5(b"old"))], "B")
    ana.write("NA", b"old")
    before = (ana.state / "versions_remote.csv").read_bytes()

    where = ("--store", ana.store, "--data", "Data")
    assert "damaged" not in ana.run("status", *where).stderr

    result = ana.run("status", "--json", *where)

    assert result.answer["conflicts"] == []
    assert "NA" in result.answer["remote"]["new"]
    assert (ana.state / "versions_remote.csv").read_bytes() == before
