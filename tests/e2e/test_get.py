"""`get` writes any version as real files elsewhere, and replaces nothing."""

import json
import os
import shutil
import sys

import pytest

from tests.e2e.test_cat import damage
from tests.support.history import publish
from tests.support.people import snapshot, tree
from tests.support.samples import noise

BIG = noise("big", 2_000_000)


def with_files(place):
    ana = place.person("ana")
    ana.write("a.csv", "first")
    ana.write("d/big.bin", BIG)
    ana.write("d/sub/x.txt", "x")
    ana.write("d.csv", "beside a folder")
    ana.sync()
    ana.write("a.csv", "second")
    ana.delete("d/sub/x.txt")
    ana.sync()
    return ana


@pytest.fixture
def ana(folder):
    return with_files(folder)


def get(person, *args, exit=0):  # noqa: A002
    return person.run("get", "--json", *args, exit=exit).last


def test_a_file_is_written_here_or_where_one_says(place):
    ana = with_files(place)
    out = ana.home / "out"

    assert ana.process("get", "@~1:a.csv").exit == 0
    get(ana, "a.csv", "-o", str(out / "new" / "named.csv"))
    get(ana, "d/big.bin", "-o", str(out))
    get(ana, "@~1:d/sub/x.txt", "-o", f"{out}/folder/")

    assert (ana.project / "a.csv").read_bytes() == b"first"
    assert tree(out) == {
        "new/named.csv": (b"second", False),
        "big.bin": (BIG, False),
        "folder/x.txt": (b"x", False),
    }


def test_a_folder_is_written_with_all_below(place):
    ana = with_files(place)

    said = get(ana, "@~1:d")
    get(ana, "@~1:", "-o", str(ana.home / "all"))
    get(ana, "d/", "-o", str(ana.home / "now"))

    assert said["files"] == 2
    assert tree(ana.project / "d") == {"big.bin": (BIG, False), "sub/x.txt": (b"x", False)}
    assert tree(ana.home / "all") == {
        "a.csv": (b"first", False),
        "d.csv": (b"beside a folder", False),
        "d/big.bin": (BIG, False),
        "d/sub/x.txt": (b"x", False),
    }
    assert tree(ana.home / "now") == {"big.bin": (BIG, False)}
    assert not [name for name in os.listdir(ana.home / "all") if name.startswith(".")]


def test_the_summary_tells_what_came_where(ana):
    target = ana.home / "out"

    said = get(ana, "@~1:d", "-o", str(target))

    assert (said["path"], said["to"], said["seq"]) == ("d", str(target), 1)
    assert (said["files"], said["unchanged"], said["skipped"]) == (2, 0, [])
    assert said["bytes_down"] > len(BIG)
    assert said["requests"]["GET"] > 0
    assert said["exit"] == 0
    assert "Wrote 2 files" in ana.run("get", "@~1:d", "-o", str(ana.home / "again")).stdout


def test_files_carry_the_time_of_their_edit(ana):
    get(ana, "a.csv", "-o", str(ana.home / "a.csv"))

    assert (ana.home / "a.csv").stat().st_mtime == (ana.data / "a.csv").stat().st_mtime


def test_all_of_the_data_folder_needs_a_place(ana):
    assert "-o" in get(ana, "@~1:", exit=2)["message"] + get(ana, "@~1:", exit=2)["fix"]


def test_a_file_that_is_there_is_left_whatever_it_holds(ana):
    target = ana.home / "a.csv"
    get(ana, "a.csv", "-o", str(target))
    before = snapshot(ana.home)

    assert get(ana, "a.csv", "-o", str(target))["unchanged"] == 1
    said = get(ana, "@~1:a.csv", "-o", str(target), exit=2)

    assert "holds something else" in said["message"]
    assert target.read_bytes() == b"second"
    assert snapshot(ana.home).keys() == before.keys()


def test_a_folder_that_is_there_gets_what_it_lacks(ana):
    target = ana.home / "out"
    get(ana, "@~1:d", "-o", str(target))
    (target / "big.bin").write_bytes(b"somebody's own")
    (target / "sub/x.txt").unlink()
    (target / "more").write_bytes(b"more")

    said = get(ana, "@~1:d", "-o", str(target), exit=3)

    assert (said["files"], said["unchanged"], said["skipped"]) == (1, 0, ["big.bin"])
    assert tree(target) == {
        "big.bin": (b"somebody's own", False),
        "sub/x.txt": (b"x", False),
        "more": (b"more", False),
    }


def test_a_file_in_the_way_of_a_folder_stays(ana):
    target = ana.home / "out"
    target.mkdir()
    (target / "sub").write_bytes(b"a file")
    (ana.home / "file").write_bytes(b"a file")

    said = get(ana, "@~1:d", "-o", str(target), exit=3)
    get(ana, "@~1:d", "-o", str(ana.home / "file"), exit=4)

    assert said["skipped"] == ["sub/x.txt"]
    assert tree(target) == {"sub": (b"a file", False), "big.bin": (BIG, False)}
    assert (ana.home / "file").read_bytes() == b"a file"


def test_a_folder_in_the_way_of_a_file_stays(ana):
    (ana.home / "out/a.csv/x").mkdir(parents=True)

    said = get(ana, "a.csv", "-o", str(ana.home / "out"), exit=2)

    assert "holds something else" in said["message"]


@pytest.mark.parametrize("where", ["Data", "Data/new", "Data/new/deep/", "elsewhere"])
def test_the_data_folder_is_no_place_to_write_to(ana, where):
    (ana.project / "elsewhere").symlink_to(ana.data)
    before = snapshot(ana.data)

    for path in ("@~1:d/sub/x.txt", "@~1:d/sub"):
        said = get(ana, path, "-o", where, exit=2)
        assert "cas-sync restore d/sub" in said["fix"]
        assert "--rev '@~1'" in said["fix"]

    assert snapshot(ana.data) == before


def test_who_is_in_the_data_folder_is_told_to_restore(ana):
    said = ana.process("get", "@~1:sub/x.txt", cwd=ana.data / "d", exit=2)

    assert "cas-sync restore d/sub/x.txt" in said.stderr


def test_the_bookkeeping_is_no_place_to_write_to(ana):
    store = ana.home.parent / "store/.S3"

    assert "bookkeeping" in get(ana, "d", "-o", str(store / "x"), exit=2)["message"]


def test_a_dash_is_standard_output(ana):
    said = ana.run("get", "d/big.bin", "-o", "-")

    assert said.printed == BIG
    assert "folder" in ana.run("get", "d", "-o", "-", exit=2).stderr
    ana.run("get", "d/big.bin", "-o", "-", "--json", exit=2)


@pytest.mark.parametrize("path", ["a.cvs", "@~1:d/sub/y.txt", "d/sub"])
def test_what_is_not_there_is_told_and_nothing_is_made(ana, path):
    before = tree(ana.home)

    said = get(ana, path, "-o", str(ana.home / "out" / "x"), exit=2)

    assert "there is no" in said["message"]
    assert {k for k in tree(ana.home) if not k.startswith("cache")} == {
        k for k in before if not k.startswith("cache")
    }


@pytest.mark.skipif(sys.platform == "win32", reason="needs links and modes")
def test_links_and_modes_come_along(folder):
    ana = folder.person("ana")
    ana.write("d/run.sh", "echo", executable=True)
    ana.write("out.txt", "outside of d")
    (ana.data / "d/latest").symlink_to("run.sh")
    (ana.data / "d/out").symlink_to("../out.txt")
    ana.sync()

    said = get(ana, "d", "-o", str(ana.home / "out"), exit=3)
    get(ana, "d/run.sh", "-o", str(ana.home / "run.sh"))

    assert tree(ana.home / "out") == {"run.sh": (b"echo", True), "latest": ("run.sh", False)}
    assert said["skipped"] == ["out"]  # what it leads to did not come along
    assert os.access(ana.home / "run.sh", os.X_OK)


def test_damage_is_told_and_no_damaged_file_is_written(ana):
    damage(ana, "d/big.bin")

    said = get(ana, "d/big.bin", "-o", str(ana.home / "one"), exit=9)
    get(ana, "@~1:d", "-o", str(ana.home / "out"), exit=9)

    assert said["code"].startswith("E50")
    assert not (ana.home / "one").exists()
    assert tree(ana.home / "out") == {"sub/x.txt": (b"x", False)}
    assert os.listdir(ana.home / "out") == ["sub"]


def test_no_data_folder_is_needed(ana):
    shutil.rmtree(ana.data)

    assert get(ana, "@~1:d", "-o", str(ana.home / "out"))["files"] == 2
    assert not ana.data.exists()


def test_one_file_of_many_is_few_requests(folder):
    ana = folder.person("ana")
    publish(ana, [{f"d{n // 100:03d}/{n:05d}.csv": b"%d" % n for n in range(20_000)}])
    (ana.project / "cas-sync.json").write_text(json.dumps({"store": folder.url}))
    shutil.rmtree(ana.home / "cache")

    said = get(ana, "d077/07777.csv")

    assert (ana.project / "07777.csv").read_bytes() == b"7777"
    # The head, two levels of pages, where the object lies, its bytes.
    assert sum(said["requests"].values()) <= 1 + 2 + 2 + 1
