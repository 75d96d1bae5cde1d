"""A repair takes nothing away: what could be read before it can be read after it."""

import shutil
from pathlib import Path

import pytest

from cas_sync.formats import keys
from cas_sync.store.bucket import StoreAddress
from cas_sync.store.connect import open_bucket
from cas_sync.store.head import HEAD, read_head
from tests.e2e.test_fsck import began, flip, forget, objects
from tests.support import samples
from tests.support.collecting import collect
from tests.support.people import tree

LARGE = samples.noise("large", 3_000_000)


def merged(place, person):
    """Sync so often that the packs' indexes are merged into one."""
    for n in range(9):
        person.write("small.csv", f"{n}")
        person.sync()
    assert objects(place, "objects/index/*")


def large_and_more(place, *names):
    """Return people with a file of many chunks in one pack, and what came after in others."""
    first, *others = place.team(*names)
    first.write("large.bin", LARGE)
    first.sync()
    first.write("z.csv", "z")
    first.sync()
    for each in others:
        each.sync()
    return first, *others


def read_old(person):
    return person.run("cat", "#1:large.bin", exit=None)


def without_kept(person):
    shutil.rmtree(person.state / "deleted", ignore_errors=True)


@pytest.mark.parametrize("is_deep", [False, True])
def test_a_file_in_another_pack_is_not_taken_for_lost(folder, is_deep):
    (ana,) = large_and_more(folder, "ana")
    ana.delete("large.bin")
    ana.sync()
    without_kept(ana)
    objects(folder, "objects/packs/*")[1].unlink()

    ana.run("fsck", "--repair", *["--deep"] * is_deep)

    assert read_old(ana).printed == LARGE
    ana.run("gc", "--prune", "--confirm", "--grace", "0", "--force")
    assert read_old(ana).printed == LARGE


def test_a_damaged_index_brings_no_list_back_whose_file_was_let_go_of(folder):
    ana, bo = large_and_more(folder, "ana", "bo")
    other = samples.noise("other", 2_000_000)
    ana.write("other.bin", other)
    ana.sync()
    ana.delete("large.bin")
    ana.sync()
    without_kept(ana)
    collect(ana, days_later=40, keep_days=5, force=True, repack=1)
    for path in objects(folder, "objects/index/*"):
        flip(path)
    forget(ana)
    ana.run("fsck", "--repair")
    bo.run("reset", "--confirm", "--local")
    shutil.rmtree(bo.data)
    bo.write("again.bin", LARGE)

    bo.sync()

    assert bo.run("cat", "again.bin").printed == LARGE
    assert ana.run("fsck", "--deep").exit == 0
    ana.sync()
    assert tree(ana.data) == tree(bo.data)


def test_a_damaged_end_of_a_pack_takes_nothing_where_a_copy_tells_what_is_in_it(folder):
    (ana,) = large_and_more(folder, "ana")
    ana.delete("large.bin")
    ana.sync()
    without_kept(ana)
    path = objects(folder, "objects/packs/*")[0]
    data = bytearray(path.read_bytes())
    data[-200] ^= 1
    path.write_bytes(data)

    assert ana.run("fsck", "--repair").exit == 0

    assert read_old(ana).printed == LARGE


@pytest.mark.parametrize("has_copy", [True, False])
def test_a_record_that_cannot_be_read_is_brought_back_or_left_alone(folder, has_copy):
    (ana,) = began(folder, "ana")
    collect(ana, days_later=40, keep_days=5, force=True)
    record = folder.root / "store" / keys.upkeep(read_head_of(folder).condemned)
    before = record.read_bytes()
    flip(record)
    objects(folder, "objects/packs/*")[-1].unlink()
    if not has_copy:
        forget(ana)
    head = read_head_of(folder)

    ana.run("fsck", "--repair", exit=None)

    if has_copy:
        assert record.read_bytes() == before
        assert ana.run("fsck").exit == 0
    else:
        assert read_head_of(folder) == head
        record.write_bytes(before)
        assert ana.run("fsck", "--repair").exit == 0


def read_head_of(place):
    return read_head(open_bucket(StoreAddress(place.url))).head


def test_all_of_a_pack_that_is_gone_is_stored_again_at_once(folder):
    (ana,) = large_and_more(folder, "ana")
    merged(folder, ana)
    objects(folder, "objects/packs/*")[0].unlink()

    assert ana.run("fsck", "--repair").exit == 0

    assert ana.run("cat", "large.bin").printed == LARGE


def test_all_of_a_pack_that_is_gone_is_brought_by_who_has_it(folder):
    ana, bo = large_and_more(folder, "ana", "bo")
    merged(folder, ana)
    bo.sync()
    objects(folder, "objects/packs/*")[0].unlink()
    shutil.rmtree(bo.home)
    bo.project.mkdir(parents=True)
    bo.run("fsck", "--repair", "--store", bo.store, exit=9)

    ana.sync()

    assert ana.run("fsck", "--deep").exit == 0
    assert ana.run("cat", "large.bin").printed == LARGE


def test_a_pack_without_a_byte_is_damage_like_any_other(folder):
    (ana,) = large_and_more(folder, "ana")
    path = objects(folder, "objects/packs/*")[-1]
    path.write_bytes(b"")
    assert path.name in ana.run("fsck", exit=9).stderr

    assert ana.run("fsck", "--repair").exit == 0


def test_any_number_of_commits_comes_back(folder):
    (ana,) = folder.team("ana")
    for n in range(25):
        ana.write("f.csv", f"{n}")
        ana.sync()
    for path in objects(folder, "commits/*"):
        path.unlink()

    assert ana.run("fsck", "--repair").exit == 0

    assert len(ana.log()) == 25


def test_a_head_that_is_gone_is_damage(folder):
    (ana,) = began(folder, "ana")
    (Path(folder.url) / HEAD).unlink()

    for command in (["fsck"], ["fsck", "--repair"], ["doctor", "--quick"]):
        told = ana.run(*command, exit=9)
        assert "no head" in told.stdout + told.stderr
        assert "restore .S3/head" in told.stdout + told.stderr
