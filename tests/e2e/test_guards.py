"""What looks like an accident stops the sync, with nothing changed anywhere."""

import os
import random
import shutil
from pathlib import Path

import pytest

from tests.support.people import snapshot, tree, write


def pair(folder, n=30):
    ana, bo = folder.team("ana", "bo")
    for i in range(n):
        ana.write(f"d{i % 3}/f{i:02d}.txt", f"content {i} " * 20)
    ana.sync()
    bo.sync()
    return ana, bo


def stopped(person, store, *args) -> dict:
    """Sync, and insist that a guard stopped it with nothing changed here or there."""
    before = tree(person.data), snapshot(Path(store))

    said = person.sync(*args, exit=8)

    assert said["event"] == "error"
    assert (tree(person.data), snapshot(Path(store))) == before
    return said


def empty(person):
    for path in person.data.iterdir():
        if path.is_dir() and not path.is_symlink():
            if path.name != ".S3":
                shutil.rmtree(path)
        else:
            path.unlink()


def test_an_emptied_folder_deletes_nothing(folder):
    ana, bo = pair(folder)
    empty(ana)

    assert stopped(ana, folder.url)["code"] == "E205"

    bo.sync()
    assert len(bo.paths()) == 30


def test_a_small_folder_that_was_emptied_deletes_nothing(folder):
    ana, _ = pair(folder, n=2)
    empty(ana)

    assert stopped(ana, folder.url)["code"] == "E205"


@pytest.mark.parametrize("n", [2, 30])
def test_what_was_emptied_is_brought_back_by_what_the_message_says(folder, n):
    ana, bo = pair(folder, n)
    (ana.data / "link").symlink_to("d0")
    ana.write("run.sh", "#!/bin/sh", executable=True)
    ana.sync()
    before = tree(ana.data)
    empty(ana)
    fix = stopped(ana, folder.url)["fix"]
    command = fix.splitlines()[0].partition("cas-sync ")[2].split()
    assert command == ["restore", "."]

    ana.run(*command)

    assert tree(ana.data) == before
    ana.run("status", "--exit-code")
    assert ana.sync()["published"] is False
    bo.sync()
    assert tree(bo.data) == before


def test_what_was_deleted_is_brought_back_and_what_was_edited_is_kept(folder):
    ana, _ = pair(folder)
    before = tree(ana.data)
    for i in range(16):
        ana.delete(f"d{i % 3}/f{i:02d}.txt")
    ana.write("new", "not published")
    stopped(ana, folder.url)

    ana.run("restore", ".")

    assert tree(ana.data) == {**before, "new": (b"not published", False)}
    assert ana.sync()["deleted_remote"] == 0

    for i in range(16):
        ana.delete(f"d{i % 3}/f{i:02d}.txt")
    ana.write("d0/f27.txt", "edited, not published")
    fix = stopped(ana, folder.url)["fix"]
    assert "asks before it replaces what you edited" in fix
    here = tree(ana.data)
    ana.run("restore", ".", exit=2)  # nobody to ask
    assert tree(ana.data) == here
    ana.run("restore", ".", "-y")
    assert b"edited, not published" in ana.kept()
    assert ana.sync()["published"] is False


def test_a_missing_folder_deletes_nothing(folder):
    ana, _ = pair(folder)
    ana.data.rename(ana.project / "elsewhere")

    assert stopped(ana, folder.url)["code"] == "E205"
    assert not ana.data.exists()

    (ana.project / "elsewhere").rename(ana.data)
    assert ana.sync()["published"] is False


def test_a_swapped_folder_uploads_nothing(folder):
    ana, bo = pair(folder)
    ana.data.rename(ana.project / "elsewhere")
    write(ana.project, "Data/holiday.jpg", "from another disk")

    assert stopped(ana, folder.url)["code"] == "E205"

    bo.sync()
    assert "holiday.jpg" not in bo.paths()


def test_a_folder_on_an_unmounted_disk_deletes_nothing(folder):
    ana, _ = pair(folder)
    shutil.rmtree(ana.data)
    ana.data.mkdir()

    assert stopped(ana, folder.url)["code"] == "E205"


@pytest.mark.parametrize("more", [[], ["--pull-only"], ["--no-deletes"]])
def test_what_deletes_nothing_for_others_is_not_stopped(folder, more):
    ana, bo = pair(folder)
    for i in range(20):
        ana.delete(f"d{i % 3}/f{i:02d}.txt")

    if more:
        ana.sync(*more)
    else:
        stopped(ana, folder.url)

    bo.sync()
    assert len(bo.paths()) == 30


@pytest.mark.parametrize(("n", "is_told"), [(10, False), (11, True)])
def test_after_a_large_deletion_the_way_back_is_told(folder, n, is_told):
    ana, _ = pair(folder)
    for i in range(n):
        ana.delete(f"d{i % 3}/f{i:02d}.txt")

    said = ana.run("sync", "-y")

    assert ("cas-sync undo" in said.stderr) == is_told


def test_more_than_half_deleted_stops_and_yes_does_not_pass(folder):
    ana, bo = pair(folder)
    for i in range(16):
        ana.delete(f"d{i % 3}/f{i:02d}.txt")

    said = stopped(ana, folder.url, "-y")

    assert said["code"] == "E206"
    assert "16 of 30" in said["message"]
    assert "cas-sync restore ." in said["fix"]
    assert "--allow-mass-delete" in said["fix"]
    assert stopped(ana, folder.url, "--dry-run")["code"] == "E206"

    summary = ana.sync("--allow-mass-delete")
    assert summary["deleted_remote"] == 16
    told = stopped(bo, folder.url)
    assert told["code"] == "E206"
    assert "cas-sync undo @" in told["fix"]
    assert len(bo.paths()) == 30
    assert bo.sync("--allow-mass-delete")["deleted_local"] == 16
    assert tree(bo.data) == tree(ana.data)
    assert len(bo.kept()) == 16


def test_half_deleted_is_believed(folder):
    ana, _ = pair(folder)
    for i in range(15):
        ana.delete(f"d{i % 3}/f{i:02d}.txt")

    assert ana.sync()["deleted_remote"] == 15


def test_few_deletions_are_believed_whatever_their_share(folder):
    ana, _ = pair(folder, n=10)
    for i in range(9):
        ana.delete(f"d{i % 3}/f{i:02d}.txt")

    assert ana.sync()["deleted_remote"] == 9


def test_the_guard_can_be_set(folder):
    ana, _ = pair(folder)
    ana.configure(guard={"delete_ratio": 0.1, "delete_min": 2})
    for i in range(4):
        ana.delete(f"d{i % 3}/f{i:02d}.txt")

    stopped(ana, folder.url)


def test_moving_every_file_is_no_deletion(folder):
    ana, bo = pair(folder)
    (ana.data / "moved").mkdir()
    for name in ("d0", "d1", "d2"):
        (ana.data / name).rename(ana.data / "moved" / name)

    said = ana.run("sync", "-y", "--json", exit=None)

    # Either is right; what counts is that nothing is gone for others.
    assert said.exit in (0, 8)
    bo.sync("--allow-mass-delete")
    assert len(bo.paths()) == 30


def test_a_mass_rewrite_that_looks_encrypted_stops(folder):
    ana, bo = pair(folder)
    noise = random.Random(1)
    for path in list(tree(ana.data)):
        ana.write(path, noise.randbytes(4000))

    assert stopped(ana, folder.url)["code"] == "E211"

    bo.sync()
    assert bo.read("d0/f00.txt").startswith(b"content 0")
    ana.sync("--allow-mass-delete")


def test_a_mass_rewrite_under_new_names_that_looks_encrypted_stops(folder):
    ana, _ = pair(folder)
    noise = random.Random(1)
    for path in list(tree(ana.data)):
        ana.delete(path)
        ana.write(path + ".locked", noise.randbytes(4000))

    assert stopped(ana, folder.url)["code"] in {"E206", "E211"}


@pytest.mark.parametrize("left", ["", "\0" * 5000])
def test_files_that_a_crash_emptied_are_not_published(folder, left):
    ana, bo = pair(folder)
    before = tree(bo.data)
    for path in before:
        ana.write(path, left)

    assert stopped(ana, folder.url)["code"] == "E219"

    bo.sync()
    assert tree(bo.data) == before
    ana.run("restore", "-y", ".")
    assert not ana.sync()["published"]
    assert tree(ana.data) == before


def test_a_mass_edit_of_plain_text_is_believed(folder):
    ana, bo = pair(folder)
    for path in list(tree(ana.data)):
        ana.write(path, "edited, line by line\n" * 200)

    ana.sync()
    bo.sync()

    assert tree(bo.data) == tree(ana.data)


# -- a lost memory ------------------------------------------------------------------


def lose_state(person):
    shutil.rmtree(person.state)


def lose_base(person):
    (person.state / "versions_remote.csv").unlink()


def corrupt_base(person):
    path = person.state / "versions_remote.csv"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def truncate_base(person):
    path = person.state / "versions_remote.csv"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def corrupt_index(person):
    path = person.state / "versions_local.csv"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def corrupt_root(person):
    (person.state / "root.json").write_text("{")


def corrupt_everything(person):
    for path in person.state.iterdir():
        if path.is_file():
            path.write_bytes(b"\0" * 100)


BASE_LOST = [
    lose_state,
    lose_base,
    corrupt_base,
    truncate_base,
    corrupt_root,
    corrupt_everything,
]


@pytest.mark.parametrize("lose", BASE_LOST)
def test_a_lost_base_makes_a_union_and_deletes_nothing(folder, lose):
    ana, bo = pair(folder)
    bo.write("by bo", "new")
    bo.write("d1/f01.txt", "edited by bo")
    bo.sync()
    ana.delete("d0/f00.txt")
    ana.write("by ana", "new")
    lose(ana)
    if lose is lose_state:
        # A folder that was synced before and has lost its .S3 may be another folder.
        said = ana.sync(exit=None)
        if said["exit"] == 8:
            ana.run("reset", "--confirm", "--local")

    ana.sync(exit=None)
    ana.sync("--on-conflict", "keep-both")
    bo.sync()

    assert tree(ana.data) == tree(bo.data)
    assert "d0/f00.txt" in ana.paths()
    assert {"by ana", "by bo"} <= ana.paths()
    contents = {data for data, _ in tree(ana.data).values()}
    assert b"edited by bo" in contents
    assert ana.sync()["published"] is False


@pytest.mark.parametrize("lose", [corrupt_index])
def test_a_lost_index_costs_time_and_nothing_else(folder, lose):
    ana, bo = pair(folder)
    ana.delete("d0/f00.txt")
    ana.write("d0/f03.txt", "edited")
    lose(ana)

    summary = ana.sync()
    bo.sync()

    assert (summary["uploaded"], summary["deleted_remote"]) == (1, 1)
    assert tree(ana.data) == tree(bo.data)


def copy(person, folder, name):
    """Return a person who works in a copy of somebody's project, `.S3` and all."""
    other = folder.person(name)
    shutil.rmtree(other.project)
    shutil.copytree(person.project, other.project, symlinks=True)
    return other


def test_a_copied_folder_never_deletes_newer_files(folder):
    ana, bo = pair(folder)
    cy = copy(ana, folder, "cy")
    ana.write("new", "newer than the copy")
    ana.sync()
    bo.delete("d0/f00.txt")
    bo.write("d1/f01.txt", "edited by bo")
    bo.sync()

    cy.sync("--on-conflict", "keep-both")
    for each in (ana, bo, cy):
        each.sync()

    assert tree(ana.data) == tree(bo.data) == tree(cy.data)
    assert cy.read("new") == b"newer than the copy"
    assert b"edited by bo" in {data for data, _ in tree(cy.data).values()}


def test_a_folder_restored_from_an_old_backup_never_deletes_newer_files(folder):
    ana, bo = pair(folder)
    backup = ana.home / "backup"
    shutil.copytree(ana.data, backup, symlinks=True)
    ana.write("new", "newer than the backup")
    ana.write("d1/f01.txt", "edited by ana")
    ana.sync()
    bo.sync()
    shutil.rmtree(ana.data)
    backup.rename(ana.data)

    ana.sync(exit=None)
    ana.sync("--on-conflict", "keep-both")
    bo.sync()

    assert tree(ana.data) == tree(bo.data)
    assert bo.read("new") == b"newer than the backup"
    assert b"edited by ana" in {data for data, _ in tree(bo.data).values()}


def test_only_the_bookkeeping_restored_from_a_backup_deletes_nothing(folder):
    ana, bo = pair(folder)
    backup = ana.home / "backup"
    shutil.copytree(ana.state, backup)
    bo.write("new", "newer than the backup")
    bo.sync()
    ana.sync()
    shutil.rmtree(ana.state)
    shutil.copytree(backup, ana.state)

    ana.sync()
    bo.sync()

    assert tree(ana.data) == tree(bo.data)
    assert bo.read("new") == b"newer than the backup"


def test_a_store_that_went_back_in_time_is_noticed(folder):
    ana, _ = pair(folder)
    store = Path(folder.url)
    old = store.with_name("old store")
    shutil.copytree(store, old)
    ana.write("new", "new")
    ana.sync()
    shutil.rmtree(store)
    old.rename(store)

    assert stopped(ana, folder.url)["code"] == "E212"
    assert ana.read("new") == b"new"


def test_a_store_that_is_not_there_is_no_empty_store(folder):
    ana, _ = pair(folder)
    store = Path(folder.url)
    store.rename(store.with_name("unmounted"))
    before = tree(ana.data)

    said = ana.run("sync", "-y", "--json", exit=None)

    assert said.exit in (6, 8), said
    assert tree(ana.data) == before


def test_a_link_out_of_the_folder_is_never_written_through(folder):
    ana, bo = pair(folder, n=3)
    outside = ana.home / "outside"
    outside.mkdir()
    (outside / "f").write_text("not shared")
    bo.write("way-out/f", "gotcha")
    bo.write("way-out/g", "gotcha")
    bo.sync()
    os.symlink(outside, ana.data / "way-out")

    ana.sync(exit=None)
    ana.sync(exit=None)

    assert (outside / "f").read_text() == "not shared"
    assert sorted(os.listdir(outside)) == ["f"]


def test_a_link_that_leads_out_of_the_folder_is_not_made(folder):
    ana, bo = pair(folder, n=3)
    os.symlink("../../..", ana.data / "way-out")
    ana.sync()

    said = bo.sync(exit=3)

    assert said["skipped"] == ["way-out"]
    assert "way-out" not in os.listdir(bo.data)
    assert bo.sync(exit=3)["deleted_remote"] == 0


def test_a_link_that_leads_nowhere_is_no_sign_of_a_missing_drive(folder):
    ana = folder.person("ana")
    (ana.data / "d").mkdir(parents=True)
    (ana.data / "d" / "later").symlink_to("not-there-yet")
    ana.sync()
    shutil.rmtree(ana.state)

    assert ana.sync()["published"] is False
