"""Lines that keep data safe and that no story would miss until it is too late.

`python -m tests.campaigns.mutants` takes each of them out, and others.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cas_sync.engine.mending import _holds
from cas_sync.engine.reach import Reached
from cas_sync.engine.reset import run_reset
from cas_sync.engine.surroundings import Surroundings
from cas_sync.engine.upkeep import move_for_upkeep
from cas_sync.errors import DamageError, FormatError
from cas_sync.formats import keys
from cas_sync.formats.index import Segment, dump
from cas_sync.formats.index_merge import select, without_packs
from cas_sync.formats.pieces import Piece, Pieces
from cas_sync.formats.pieces import dump as dump_pieces
from cas_sync.formats.rows import VersionRows
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Codec, Kind, Location, PackName
from cas_sync.model.tree import Content, Mode, timestamp
from cas_sync.model.upkeep import no_upkeep
from cas_sync.progress import Silent
from cas_sync.store.bucket import Key
from cas_sync.store.folder import FolderBucket
from cas_sync.store.manifest import Manifest
from cas_sync.store.memory import MemoryBucket
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.local_contents import Place
from cas_sync.worktree.scan import is_racy
from tests.campaigns.mutants import MUTANTS, applies, is_killed
from tests.support import samples
from tests.support.engine import engine_sync
from tests.support.faulty import FaultyBucket
from tests.support.people import Person, settings_of
from tests.support.stored import CHUNK, StoredFiles

PACKS = [PackName(f"01J{'0' * 23}-{each * 64}") for each in "ab"]


def publish(person, bucket, n):
    person.write("f.csv", f"version {n}")
    return engine_sync(person, bucket)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda each: each.name)
def test_every_line_that_is_to_be_taken_out_is_there(mutant):
    assert applies(mutant)


@pytest.mark.parametrize("name", ["no path leads out", "the id of a commit"])
def test_a_line_that_is_taken_out_is_missed(name):
    (mutant,) = [each for each in MUTANTS if each.name == name]
    assert is_killed(mutant)


def test_every_value_of_the_head_has_a_nonce_of_its_own(tmp_path):
    ana, bucket = Person(tmp_path, "ana", "mem"), MemoryBucket()
    nonces = set()
    for n in range(3):
        publish(ana, bucket, n)
        with ana.repository(lambda _: bucket) as stored:
            nonces.add(stored.head.nonce)
            head = stored.connection.read_head()
            surroundings = Surroundings()
            record = no_upkeep(head.head.repo_id)._replace(
                epoch=head.head.gc_epoch,
                time=timestamp(surroundings.clock.now()),
                nonce=surroundings.nonce(),
            )
            move_for_upkeep(stored.repo, head, record, head.head.index_roots, surroundings)
        with ana.repository(lambda _: bucket) as stored:
            nonces.add(stored.head.nonce)
    assert len(nonces) == 6


@pytest.fixture
def flushed(monkeypatch):
    """Return the inodes that were brought to the disk."""
    found, fsync = set(), os.fsync

    def note(fd):
        found.add(os.fstat(fd).st_ino)
        fsync(fd)

    monkeypatch.setattr("os.fsync", note)
    return found


def test_the_base_is_brought_to_the_disk(tmp_path, flushed):
    ana, bucket = Person(tmp_path, "ana", "mem"), MemoryBucket()
    publish(ana, bucket, 1)
    assert (ana.state / "versions_remote.csv").stat().st_ino in flushed


def test_an_object_in_a_folder_is_brought_to_the_disk(tmp_path, flushed):
    bucket = FolderBucket(str(tmp_path / "store"))
    bucket.put_new(Key(".S3/objects/packs/x"), b"x" * 100)
    path = Path(tmp_path, "store", ".S3/objects/packs/x")
    assert path.stat().st_ino in flushed


def test_downloads_are_brought_to_the_disk_before_they_get_their_names(tmp_path, monkeypatch):
    ana, bo = Person(tmp_path / "a", "ana", "mem"), Person(tmp_path / "b", "bo", "mem")
    bucket, seen = MemoryBucket(), []
    publish(ana, bucket, 1)

    def note(folder):
        seen.append((Path(folder.root) / "f.csv").exists())

    monkeypatch.setattr("cas_sync.worktree.writer.sync_at_once", note)
    monkeypatch.setattr("cas_sync.worktree.writer.can_sync_at_once", lambda: True)
    engine_sync(bo, bucket)
    assert seen[0] is False


def test_a_reset_removes_the_head_after_all_else(tmp_path):
    ana, bucket = Person(tmp_path, "ana", "mem"), MemoryBucket()
    publish(ana, bucket, 1)
    seen = FaultyBucket(bucket, lambda _: None)
    surroundings = Surroundings(env=ana.env, connect=lambda _: seen)
    run_reset(
        settings_of(ana),
        surroundings,
        Silent(),
        confirm=True,
        remote=True,
        local=False,
        even_if_incomplete=False,
    )
    gone = [call.key for call in seen.calls if call.method == "delete"]
    assert gone[-1] == keys.HEAD
    assert gone.count(keys.HEAD) == 1


def place(text, kind, pack):
    return Location(ObjectId.of(text.encode()), kind, pack, 8, 10, 10, Codec.RAW)


def test_what_no_index_names_stops_a_collection():
    index = Segment(dump([place("a", Kind.CHUNK, PACKS[0])]))
    reached = Reached(None, None, index)
    with pytest.raises(DamageError):
        reached._mark([Content(ObjectId.of(b"b"), 10, Mode.FILE)])
    Reached(None, None, index, {ObjectId.of(b"b")})._mark(
        [Content(ObjectId.of(b"b"), 10, Mode.FILE)]
    )


def test_a_list_that_nothing_needs_leaves_the_index_with_what_it_lists():
    """Whoever finds the list of a file takes all of the file for stored."""
    places = [
        place("list", Kind.FILE, PACKS[0]),
        place("chunk", Kind.CHUNK, PACKS[0]),
        place("gone", Kind.CHUNK, PACKS[1]),
    ]
    index = Segment(dump(places))
    left = Segment(select(index, without_packs(index, {PACKS[1]}, bytes(3)))[0])
    assert {each.kind for each in left} == {Kind.CHUNK}
    assert left.packs == PACKS[:1]
    needed = bytes(each.kind is Kind.FILE for each in index)
    left = Segment(select(index, without_packs(index, {PACKS[1]}, needed))[0])
    assert {each.kind for each in left} == {Kind.CHUNK, Kind.FILE}


def test_a_file_of_the_right_size_is_not_believed(tmp_path):
    (tmp_path / "f").write_bytes(b"other")
    content = Content(ObjectId.of(b"right"), 5, Mode.FILE)
    with Folder(str(tmp_path)) as folder:
        assert not _holds(Place(folder, "f"), content)
        (tmp_path / "f").write_bytes(b"right")
        assert _holds(Place(folder, "f"), content)


def test_pages_that_do_not_make_up_the_object_are_not_written(tmp_path, monkeypatch):
    ana, bucket = Person(tmp_path, "ana", "mem"), MemoryBucket()
    publish(ana, bucket, 1)
    with ana.repository(lambda _: bucket) as stored:
        root, repo = stored.head.versions, stored.repo
        assert repo.versions.rebuild(root.object, [root]) is not None
        other = Manifest(bucket, repo.cache, repo.pool, _OtherRows(), keys.versions)
        assert other.rebuild(root.object, [root]) is None


class _OtherRows(VersionRows):
    header = "File,Other"


def test_the_list_of_another_file_is_not_believed(tmp_path):
    with ThreadPoolExecutor(2) as pool:
        stored = StoredFiles(tmp_path, pool)
        one, other = (samples.noise(name, 300_000) for name in ("one", "other"))
        stored.add(one)
        pieces_of = [ObjectId.of(one[:CHUNK]), ObjectId.of(one[CHUNK:])]
        listed = Pieces(0, (Piece(pieces_of[0], CHUNK), Piece(pieces_of[1], 100_000)))
        content = Content(ObjectId.of(other), len(other), Mode.FILE)
        stored._up.add(content.id, Kind.FILE, dump_pieces(listed))
        with pytest.raises(DamageError, match="damaged"):
            list(stored.reader().stream(content))


def test_an_index_is_what_its_checksum_says():
    data = bytearray(dump([place("a", Kind.CHUNK, PACKS[0])]))
    data[16 + 40] ^= 1  # where the object lies
    with pytest.raises(FormatError, match="checksum"):
        Segment(bytes(data))


def test_a_file_that_was_written_in_this_tick_is_read_again(tmp_path):
    """Its modification time was set back, as by an unpacker."""
    path = tmp_path / "f"
    path.write_bytes(b"x")
    os.utime(path, ns=(10**18, 10**18))
    found = path.stat()
    assert is_racy(found, found.st_ctime_ns)
    assert not is_racy(found, found.st_ctime_ns + 10 * 10**9)
