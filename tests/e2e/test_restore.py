"""`restore` brings old versions back as local files, and loses nothing that is here."""

import json
import os
import sys

import pytest

from cas_sync.engine.restore import RestoreOptions, run_restore
from cas_sync.engine.surroundings import Surroundings
from cas_sync.errors import DamageError
from cas_sync.progress import Silent
from tests.support.people import settings_of, snapshot, tree

BIG = bytes(range(256)) * 8000


def history_of(place):
    """Return somebody whose three commits changed, removed and added files."""
    ana = place.person("ana")
    ana.write("a.csv", "first")
    ana.write("d/big.bin", BIG)
    ana.write("d/sub/x.txt", "x")
    ana.sync()
    ana.write("a.csv", "second, longer")
    ana.delete("d/sub/x.txt")
    ana.sync()
    ana.write("a.csv", "third")
    ana.write("d/big.bin", BIG[1:])
    ana.write("d/new.txt", "new")
    ana.sync()
    return ana


@pytest.fixture
def ana(folder):
    return history_of(folder)


def restore(person, *args, **kwargs):
    return person.run("restore", "--json", *args, **kwargs)


def test_files_come_back_and_are_published_by_the_next_sync(place):
    ana = history_of(place)

    said = restore(ana, "a.csv", "d", "--rev", "@~2", "-y").last

    assert (said["downloaded"], said["replaced"], said["seq"]) == (3, 2, 1)
    assert ana.read("a.csv") == b"first"
    assert ana.read("d/big.bin") == BIG
    assert ana.read("d/sub/x.txt") == b"x"
    assert ana.read("d/new.txt") == b"new"  # was not there then: left alone
    assert ana.status()["local"] == {
        "new": ["d/sub/x.txt"],
        "modified": ["a.csv", "d/big.bin"],
        "deleted": [],
    }
    assert ana.sync()["uploaded"] == 3
    bo = place.person("bo")
    bo.sync()
    assert tree(bo.data) == tree(ana.data)


def test_what_the_history_has_is_not_kept_and_what_it_lacks_is(ana):
    ana.write("a.csv", "never published")

    said = restore(ana, "a.csv", "d/big.bin", "--rev", "@~1", "-y")

    assert ana.read("a.csv") == b"second, longer"
    assert ana.kept() == {b"never published"}
    (kept,) = [each for each in said.events if each["event"] == "kept"]
    assert (ana.data / kept["kept_as"]).read_bytes() == b"never published"


def test_what_is_as_it_was_then_is_left_alone(ana):
    before = snapshot(ana.data / "d")

    said = restore(ana, "d", "-y").last

    assert (said["downloaded"], said["unchanged"]) == (0, 2)
    assert snapshot(ana.data / "d") == before


def test_a_dry_run_tells_and_changes_nothing(ana):
    before = snapshot(ana.data)

    said = restore(ana, ".", "--rev", "#1", "-n")

    assert [(e["action"], e["path"]) for e in said.events[:-1]] == [
        ("download", "a.csv"),
        ("download", "d/big.bin"),
        ("download", "d/sub/x.txt"),
    ]
    assert "3 files would be restored" in ana.run("restore", ".", "--rev", "#1", "-n").stdout
    assert {k: v for k, v in snapshot(ana.data).items() if not k.startswith(".S3")} == {
        k: v for k, v in before.items() if not k.startswith(".S3")
    }


def test_replacing_needs_a_word_and_adding_does_not(ana):
    before = tree(ana.data)

    said = ana.run("restore", "a.csv", "d/sub", "--rev", "@~2", exit=2)

    assert "--yes" in said.stderr
    assert tree(ana.data) == before
    assert restore(ana, "d/sub", "--rev", "@~2").last["downloaded"] == 1
    assert ana.read("d/sub/x.txt") == b"x"


@pytest.mark.parametrize(
    ("path", "near"),
    [("d/bit.bin", "d/big.bin"), ("a.cvs", "a.csv"), ("dd", "d"), ("d/nowhere/x", "")],
)
def test_a_path_that_was_not_there_is_refused_with_near_names(ana, path, near):
    before = tree(ana.data)

    said = restore(ana, path, "a.csv", "--rev", "@~2", "-y", exit=2).last

    assert near in said["cause"]
    assert f"cas-sync log {path}" in said["fix"]
    assert tree(ana.data) == before


def test_another_folder_takes_the_files_and_nothing_is_touched_here(ana):
    before = snapshot(ana.data)
    target = ana.home / "then"

    said = restore(ana, ".", "--rev", "@~2", "--to", str(target)).last

    assert said["downloaded"] == 3
    assert tree(target) == {
        "a.csv": (b"first", False),
        "d/big.bin": (BIG, False),
        "d/sub/x.txt": (b"x", False),
    }
    assert sorted(os.listdir(target)) == ["a.csv", "d"]
    assert snapshot(ana.data) == before


def test_another_folder_keeps_what_it_has(ana):
    target = ana.home / "then"
    restore(ana, ".", "--rev", "@~2", "--to", str(target))
    (target / "a.csv").write_bytes(b"somebody's own")
    (target / "d/sub/x.txt").unlink()

    said = restore(ana, ".", "--rev", "@~2", "--to", str(target), exit=3).last

    assert (said["downloaded"], said["unchanged"], said["skipped"]) == (1, 1, ["a.csv"])
    assert (target / "a.csv").read_bytes() == b"somebody's own"
    assert (target / "d/sub/x.txt").read_bytes() == b"x"
    assert not [name for name in os.listdir(target) if name.startswith(".cas-sync")]


def test_the_bookkeeping_is_no_place_to_write_to(ana):
    said = restore(ana, "a.csv", "--to", str(ana.state / "deleted"), exit=2).last

    assert "bookkeeping" in said["message"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs links and modes")
def test_links_and_modes_come_back(folder):
    ana = folder.person("ana")
    ana.write("run.sh", "echo", executable=True)
    (ana.data / "latest").symlink_to("run.sh")
    ana.sync()
    before = tree(ana.data)
    ana.delete("latest")
    (ana.data / "run.sh").chmod(0o644)
    ana.sync()

    restore(ana, ".", "--rev", "@~1", "-y")
    restore(ana, ".", "--rev", "@~1", "--to", str(ana.home / "then"))

    assert tree(ana.data) == before
    assert tree(ana.home / "then") == before


def test_a_folder_in_the_way_stays_and_is_told(folder):
    ana = folder.person("ana")
    ana.write("a", "a file")
    ana.write("b/c", "in a folder")
    ana.sync()
    ana.delete("a", "b/c")
    (ana.data / "b").rmdir()
    ana.write("a/now", "a folder")
    ana.write("b", "a file")
    ana.write("free", "free")

    said = restore(ana, ".", "-y", exit=3)

    assert said.last["skipped"] == ["a", "b/c"]
    assert ana.paths() == {"a/now", "b", "free"}


class Interrupting(Silent):
    """A user who presses Ctrl-C after so many files."""

    def __init__(self, n_files):
        self.left = n_files

    def advance(self, files, size):
        self.left -= files
        if self.left <= 0 and files:
            raise KeyboardInterrupt


@pytest.mark.parametrize("n_files", [1, 7, 19])
def test_ctrl_c_leaves_every_file_whole_and_the_same_command_goes_on(folder, n_files):
    ana = folder.person("ana")
    for i in range(20):
        ana.write(f"{i:02d}.csv", f"old {i}")
    ana.sync()
    for i in range(20):
        ana.write(f"{i:02d}.csv", f"newer {i}")
    ana.sync()
    for i in range(20):
        ana.write(f"{i:02d}.csv", f"never published {i}")
    options = RestoreOptions(("",), "@~1")
    settings, surroundings = settings_of(ana), Surroundings(env=ana.env)

    with pytest.raises(KeyboardInterrupt):
        run_restore(settings, surroundings, options, lambda _: True, Interrupting(n_files))

    for i in range(20):
        assert ana.read(f"{i:02d}.csv") in {b"old %d" % i, b"never published %d" % i}
    restore(ana, ".", "--rev", "@~1", "-y")
    assert {ana.read(f"{i:02d}.csv") for i in range(20)} == {b"old %d" % i for i in range(20)}
    assert ana.kept() == {b"never published %d" % i for i in range(20)}
    assert ana.leftovers() == []


def test_a_file_that_is_damaged_in_the_store_is_not_written(folder):
    ana = folder.person("ana")
    ana.write("a.csv", "first")
    ana.sync()
    (pack,) = (folder.root / "store").glob(".S3/objects/packs/*.pack")
    ana.write("a.csv", "second")
    ana.sync()
    data = bytearray(pack.read_bytes())
    data[data.index(b"first")] ^= 1
    pack.chmod(0o644)
    pack.write_bytes(data)

    said = restore(ana, "a.csv", "--rev", "@~1", "-y", exit=9).last

    assert said["code"] == DamageError.code
    assert ana.read("a.csv") == b"second"
    assert restore(ana, "a.csv", "--rev", "@~1", "--to", str(ana.home / "x"), exit=9)
    assert tree(ana.home / "x") == {}


def test_one_file_of_many_is_found_in_few_pages(folder):
    ana = folder.person("ana")
    for i in range(6000):
        ana.write(f"{i // 100:02d}/{i:05d}.txt", str(i))
    ana.sync()
    ana.write("59/05999.txt", "changed")
    ana.sync()
    for root, _, files in os.walk(ana.home / "cache"):
        for name in files:
            os.unlink(os.path.join(root, name))

    said = restore(ana, "31/03101.txt", "--rev", "@~1", "--to", str(ana.home / "x")).last

    pages = sum(p.stat().st_size for p in (folder.root / "store").glob(".S3/versions/*.csv"))
    index = max(p.stat().st_size for p in (folder.root / "store").glob(".S3/objects/packs/*"))
    assert said["downloaded"] == 1
    assert said["bytes_down"] < pages / 2 + index


def test_all_is_another_spelling_of_the_whole_folder(ana):
    restore(ana, "--all", "--rev", "#1", "--to", str(ana.home / "all"))
    restore(ana, ".", "--rev", "#1", "--to", str(ana.home / "dot"))

    assert tree(ana.home / "all") == tree(ana.home / "dot") != {}
    assert "--all" in restore(ana, exit=2).last["fix"]
    assert "both" in restore(ana, "--all", "a.csv", exit=2).last["message"]


@pytest.mark.parametrize("rev", ["@~2", "#1", "v1", "v2~1", "id"])
def test_every_form_of_a_revision_will_do(ana, rev):
    ana.run("tag", "v1", "#1")
    ana.run("tag", "v2", "#2")
    rev = ana.log()[-1]["id"][:10] if rev == "id" else rev

    restore(ana, "a.csv", "--rev", rev, "-y")

    assert ana.read("a.csv") == b"first"


def test_what_is_deleted_now_comes_back_by_a_revision_and_else_undelete_is_named(ana):
    said = restore(ana, "d/sub/x.txt", exit=2).last
    assert "cas-sync undelete d/sub/x.txt" in said["fix"]

    restore(ana, "d/sub", "--rev", "@~2")
    assert ana.read("d/sub/x.txt") == b"x"


def test_people_are_told_what_becomes_of_what_is_replaced_and_how_old_the_files_are(ana):
    said = ana.run("restore", "a.csv", "--rev", "@~1", "-y").stderr
    assert "The history has what is replaced (~ 1 file)." in said
    ana.write("a.csv", "never published")

    said = ana.run("restore", "a.csv", "d/big.bin", "--rev", "@~1", "-y").stderr

    assert "1 of the 2 files replaced (~) differs from the last sync" in said
    assert "kept what a.csv held as .S3/deleted/" in said
    assert "publishes them as they were at" in said
    assert "1 commit ago" in said
    assert "cas-sync restore a.csv d/big.bin" in said
    said = ana.run("restore", "a.csv", "d/big.bin", "-y").stderr
    assert "commit ago" not in said


@pytest.mark.parametrize("was", ["deleted", "edited", "deleted here too"])
def test_what_teammates_changed_since_the_last_sync_here_does_not_undo_it(ana, was):
    ben = type(ana)(ana.home.parent / "ben", "ben", ana.store)
    ben.sync()
    if was == "edited":
        ana.write("a.csv", "fourth")
    else:
        ana.delete("a.csv")
    ana.sync()
    if was == "deleted here too":
        ben.delete("a.csv")

    restore(ben, "a.csv", "--rev", "@~1", "-y")  # as Ben has it, or had it
    said = ben.sync()

    assert (said["uploaded"], said["downloaded"], said["deleted_local"]) == (1, 0, 0)
    ana.sync()
    assert ana.read("a.csv") == ben.read("a.csv") == b"third"


def test_who_sits_at_a_terminal_is_asked(folder):
    ana = folder.person("ana")
    ana.write("a.csv", "first")
    ana.sync()
    ana.write("a.csv", "second")
    ana.sync()

    with ana.terminal("restore", "a.csv", "--rev", "@~1") as t:
        t.answer("Replace 1 file?", "what")
        t.answer("Replace 1 file?", "n")
        t.end(exit=0)
    assert ana.read("a.csv") == b"second"
    with ana.terminal("restore", "a.csv", "--rev", "@~1") as t:
        t.answer("Replace 1 file?", "")
        t.end(exit=0)
    assert ana.read("a.csv") == b"first"
    assert "5 B" in t.transcript


def test_what_an_interrupted_sync_put_here_is_not_taken_for_what_is_brought_back(ana):
    ben = type(ana)(ana.home.parent / "ben", "ben", ana.store)
    ben.sync()
    ana.write("a.csv", "fourth")
    ana.sync()
    fourth = ana.log()[0]
    intent = {"commit": fourth["id"], "seq": 4, "settled": {}, "known": {}, "published": False}
    (ben.state / "intent.json").write_text(json.dumps(intent))  # killed before it wrote a.csv
    ana.write("a.csv", "fifth")
    ana.sync()

    restore(ben, "a.csv", "--rev", "#4", "-y")
    said = ben.sync()

    assert (said["uploaded"], said["downloaded"]) == (1, 0)
    assert ben.read("a.csv") == b"fourth"


def test_one_damaged_file_does_not_take_back_the_others(folder):
    ana, ben = folder.team("ana", "ben")
    ana.write("a.csv", "kept as it was")
    ana.sync()
    ana.write("b.csv", "damaged later")
    ana.sync()
    packs = {*(folder.root / "store").glob(".S3/objects/packs/*.pack")}
    (pack,) = (each for each in packs if b"damaged later" in each.read_bytes())
    ben.sync()
    ana.write("a.csv", "newer")
    ana.sync()
    pack.chmod(0o644)
    pack.write_bytes(pack.read_bytes().replace(b"damaged later", b"Damaged later"))
    ben.delete("a.csv", "b.csv")

    restore(ben, "--all", "--rev", "#2", "-y", exit=9)
    said = ben.sync("--no-deletes", exit=None)

    assert (said["uploaded"], said["downloaded"]) == (1, 0)
    assert ben.read("a.csv") == b"kept as it was"


def test_files_restored_where_nothing_was_synced_may_go_again(ana):
    ben = type(ana)(ana.home.parent / "ben", "ben", ana.store)
    (ben.project / "cas-sync.json").write_text((ana.project / "cas-sync.json").read_text())
    restore(ben, "a.csv", "-y")
    (ben.data / "a.csv").rename(ben.data / "mine.csv")

    ben.sync()

    assert ben.read("a.csv") == ben.read("mine.csv") == b"third"
