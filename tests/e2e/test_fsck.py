"""Damage in the store: found, named by file and version, mended by whoever has the bytes."""

import contextlib
import shutil
from pathlib import Path

import pytest

from cas_sync.store.bucket import Key
from cas_sync.store.connect import open_bucket
from tests.support import samples
from tests.support.closure import read_all
from tests.support.collecting import collect
from tests.support.people import settings_of, tree


def began(place, *names):
    """Return people with a history of edits, a deletion and a file of several chunks."""
    first, *others = place.team(*names)
    for n in range(3):
        first.write("f.csv", f"version {n}")
        first.write("big.bin", samples.noise(f"big {n}", 500_000))
        first.write(f"sub/only-{n}.csv", f"only in {n} " * 50)
        if n:
            (first.data / f"sub/only-{n - 1}.csv").unlink()
        first.sync()
    for each in others:
        each.sync()
    return first, *others


def objects(place, pattern):
    return sorted(Path(place.url).glob(f".S3/{pattern}"))


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 4
    path.chmod(0o644)
    path.write_bytes(data)


def forget(*people):
    """Let people have no copies of what the store holds."""
    for person in people:
        shutil.rmtree(person.home / "cache", ignore_errors=True)


def test_a_whole_store_has_no_findings(place):
    (ana,) = began(place, "ana")
    for args in ([], ["--deep"], ["--deep", "--repair"]):
        told = ana.run("fsck", *args)
        assert "Nothing is missing or damaged." in told.stdout
    answer = ana.run("fsck", "--deep", "--json").answer
    assert answer["commits"] == 3
    assert answer["findings"] == answer["lost"] == []


def test_a_pack_that_is_gone_is_named_by_file_and_version(folder):
    (ana,) = began(folder, "ana")
    objects(folder, "objects/packs/*")[0].unlink()

    told = ana.run("fsck", "--json", exit=9).answer

    assert {each["code"] for each in told["findings"]} == {"E501", "E507"}
    lost = {(each["path"], each["seq"]) for each in told["lost"]}
    assert ("f.csv", 1) in lost
    assert ("big.bin", 1) in lost
    assert not any(seq == 3 for _, seq in lost)
    assert ana.run("fsck", exit=9).stderr.count("as of #1") == 3


def test_one_flipped_bit_in_a_pack_is_found_by_a_deep_check_only_where_it_is_needed(folder):
    (ana,) = began(folder, "ana")
    flip(objects(folder, "objects/packs/*")[-1])
    ana.run("fsck")
    told = ana.run("fsck", "--deep", "--json", exit=9).answer
    assert [each["path"] for each in told["lost"]] == ["big.bin"]
    assert told["lost"][0]["seq"] == 3


@pytest.mark.parametrize("spoil", [flip, Path.unlink], ids=["flipped", "gone"])
@pytest.mark.parametrize("n", [0, 1, 2])
def test_what_this_machine_has_of_a_pack_is_put_back(folder, spoil, n):
    ana, bo = began(folder, "ana", "bo")
    spoil(objects(folder, "objects/packs/*")[n])
    forget(ana, bo)

    ana.run("fsck", "--deep", "--repair", exit=None)
    told = ana.run("fsck", "--deep", "--json", exit=None).answer

    lost = {(each["path"], each["seq"]) for each in told["lost"]}
    kept = {f"sub/only-{k}.csv" for k in range(3)}  # the deleted ones lie in .S3/deleted
    assert not {path for path, _ in lost} & kept or n != 2
    assert not any(seq == 3 for _, seq in lost)
    cleo = folder.person("cleo")
    cleo.sync()
    assert tree(cleo.data) == tree(ana.data)


def test_whoever_has_a_missing_file_brings_it_by_an_ordinary_sync(place):
    ana, bo = began(place, "ana", "bo")
    packs = [key for key in place_keys(ana) if "/packs/" in key]
    remove(ana, packs[-1])
    cleo = place.person("cleo")
    cleo.run("init", "--store", cleo.store, "--data", "Data", "-y", exit=None)

    told = cleo.run("fsck", "--repair", "--json", exit=9).last
    assert told["wanted"] >= 2
    assert told["mended"] == 0
    assert cleo.run("fsck", exit=9)

    said = bo.sync()
    assert said["requests"].get("PUT", 0) >= 2
    assert cleo.run("fsck", "--deep").exit == 0
    cleo.sync()
    assert tree(cleo.data) == tree(bo.data)
    assert bo.sync()["requests"] == {"GET": 1}
    assert ana.sync()["downloaded"] == 0
    assert ana.sync()["requests"] == {"GET": 1}
    read_all(cleo)


def place_keys(person):
    with contextlib.closing(open_bucket(settings_of(person).address)) as bucket:
        return sorted(key for key, _ in bucket.list_keys(Key(".S3/")))


def remove(person, key):
    with contextlib.closing(open_bucket(settings_of(person).address)) as bucket:
        bucket.delete([key])


@pytest.mark.parametrize("spoil", [flip, Path.unlink], ids=["flipped", "gone"])
@pytest.mark.parametrize("pattern", ["commits/*", "versions/*", "deleted/*", "format.json"])
def test_commits_pages_and_the_format_come_back_from_copies_here(folder, spoil, pattern):
    (ana,) = began(folder, "ana")
    before = {path: path.read_bytes() for path in objects(folder, pattern)}
    for path in before:
        spoil(path)

    told = ana.run("fsck", "--deep", "--json", exit=9).answer
    assert {each["object"] for each in told["findings"]} & {
        path.relative_to(folder.url).as_posix() for path in before
    }
    ana.run("fsck", "--deep", "--repair")

    assert {path: path.read_bytes() for path in objects(folder, pattern)} == before
    ana.run("fsck", "--deep")


@pytest.mark.parametrize("spoil", [flip, Path.unlink], ids=["flipped", "gone"])
def test_an_index_that_is_damaged_is_made_again_from_the_packs(folder, spoil):
    (ana,) = began(folder, "ana")
    collect(ana, days_later=100, keep_days=90, repack=1)  # leaves one merged segment
    (segment,) = objects(folder, "objects/index/*")
    spoil(segment)
    forget(ana)

    assert "E506" in ana.run("fsck", exit=9).stderr
    ana.run("fsck", "--repair")

    ana.run("fsck", "--deep")
    bo = folder.person("bo")
    bo.sync()
    assert tree(bo.data) == tree(ana.data)


def test_a_check_deletes_nothing(folder):
    (ana,) = began(folder, "ana")
    objects(folder, "objects/packs/*")[0].unlink()
    flip(objects(folder, "objects/packs/*")[0])
    before = {path for path in Path(folder.url).rglob("*") if path.is_file()}
    ana.run("fsck", "--deep", "--repair", exit=None)
    assert before <= {path for path in Path(folder.url).rglob("*") if path.is_file()}


def test_collections_go_on_where_what_is_missing_is_known(folder):
    (ana,) = began(folder, "ana")
    forget(ana)
    objects(folder, "objects/packs/*")[0].unlink()
    shutil.rmtree(ana.state / "deleted", ignore_errors=True)
    ana.run("fsck", "--repair", exit=9)
    assert collect(ana).n_deleted >= 0
    assert {each["seq"] for each in ana.run("fsck", "--json", exit=9).answer["lost"]} == {1}
