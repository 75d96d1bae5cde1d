"""Contents are stored under the hash of what was read, whatever the scan believed."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from cas_sync.chunking.cutter import split
from cas_sync.engine import contents as contents_module
from cas_sync.engine import parts
from cas_sync.engine.contents import Contents
from cas_sync.engine.parts import PartReader
from cas_sync.errors import UnavailableError
from cas_sync.formats import keys
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Kind
from cas_sync.model.params import ChunkParams
from cas_sync.model.tree import Content, Found, Mode
from cas_sync.plan.step import Act, Step
from cas_sync.progress import Silent
from cas_sync.store import packs
from cas_sync.store.bucket import Key
from cas_sync.store.cache import Cache
from cas_sync.store.index import IndexSet
from cas_sync.store.memory import MemoryBucket
from cas_sync.store.objects import ObjectReader
from cas_sync.store.packs import PackUploader
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.hashing import FileHasher, find_pieces
from cas_sync.worktree.kept import Kept
from cas_sync.worktree.scan import scan
from tests.support.faulty import Fault, FaultyBucket
from tests.support.samples import noise, oid

ONE_CHUNK, A_MIDDLING_CHUNK, MANY_CHUNKS = 1000, 40_000, 3_000_000
SMALL_CHUNKS = ChunkParams(min_size=64, avg_size=256, max_size=1024)


class Publisher:
    """A data folder, a store, and what publishes one to the other."""

    def __init__(self, home, pool, *, bucket=None, params=None, n_threads=None):
        self.root = home / "Data"
        self.root.mkdir(parents=True, exist_ok=True)
        self.params = params or ChunkParams()
        self.folder = Folder(str(self.root))
        self.bucket = bucket or MemoryBucket()
        self.cache, self.pool = Cache(home / "cache"), pool
        numbers = count()
        known = IndexSet(self.bucket, self.cache, pool, ())
        self.uploader = PackUploader(
            self.bucket, self.cache, pool, known, lambda: keys.ulid(next(numbers), bytes(10))
        )
        self.kept = Kept(self.params)
        self.contents = Contents(
            None, self.folder, self.uploader, self.params, Silent(), n_threads=n_threads
        )

    def close(self):
        self.kept.close()
        self.folder.close()

    def write(self, files):
        for name, data in files.items():
            (self.root / name).write_bytes(data)

    def scan(self, *, keep=False):
        """Look at the folder; what is read is kept for `store` where ``keep``."""
        hasher = FileHasher(self.kept) if keep else None
        self.contents.kept = self.kept if keep else None
        return list(scan(self.folder, [], fs_now_ns=0, every=True, hasher=hasher))

    def store(self, rows):
        steps = [
            Step(Act.UPLOAD, row.path, None, Found(row.path, row.content, 0), None)
            for row in rows
        ]
        self.contents.store(steps, rows)

    def is_stored(self, name):
        return any(self.uploader.has(name, kind) for kind in (Kind.CHUNK, Kind.FILE))

    def read(self, row):
        """Read a file back from the store, every byte checked."""
        places = IndexSet(self.bucket, self.cache, self.pool, tuple(self.uploader.roots))
        reader = ObjectReader(self.bucket, places, self.pool)
        return b"".join(reader.stream(row.content))

    def packs(self):
        return [self.bucket.get(key).data for key, _ in self.bucket.list_keys(Key(keys.PACKS))]


@pytest.fixture
def pool():
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def make(tmp_path, pool):
    made = []

    def new(name="one", **options):
        made.append(Publisher(tmp_path / name, pool, **options))
        return made[-1]

    yield new
    for each in made:
        each.close()


def claim(row, name):
    """Return the row as if the scan had seen other bytes."""
    return row._replace(content=Content(name, row.content.size, Mode.FILE))


# Small and large files, some of them twice, some alike, some empty.
MIXED = {
    "a-small": noise("small", 900),
    "b-large": noise("large", 400_000),
    "c-empty": b"",
    "d-small-again": noise("small", 900),
    "e-large-again": noise("large", 400_000),
    "f-alike": noise("large", 400_000)[:200_000] + noise("tail", 200_000),
    "g-text": b"one line after the other\n" * 20_000,
    "h-zeros": bytes(300_000),
    "i-small": noise("another", 700),
    "j-small-text": b"text " * 100,
}


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("size", [ONE_CHUNK, A_MIDDLING_CHUNK, MANY_CHUNKS])
def test_a_file_is_stored_under_its_hash(make, size, keep):
    person = make()
    person.write({"f": noise("file", size)})
    (row,) = person.scan(keep=keep)

    person.store([row])

    assert person.contents.failed == {}
    assert row.content.id == ObjectId.of(noise("file", size))
    assert person.read(row) == noise("file", size)


@pytest.mark.parametrize("size", [ONE_CHUNK, A_MIDDLING_CHUNK, MANY_CHUNKS])
def test_bytes_that_are_not_what_the_scan_saw_are_never_named_so(make, size):
    person = make()
    person.write({"f": noise("file", size)})
    (row,) = person.scan()
    wrong = oid("what the scan saw")

    person.store([claim(row, wrong)])

    assert person.contents.failed == {"f": "it changed while it was read"}
    assert not person.is_stored(wrong)


@pytest.mark.parametrize("keep", [False, True])
def test_a_large_file_that_changed_since_the_scan_is_not_published(make, keep):
    person = make()
    person.write({"f": noise("file", MANY_CHUNKS), "g": noise("good", MANY_CHUNKS)})
    rows = person.scan(keep=keep)
    person.write({"f": noise("other", MANY_CHUNKS)})

    person.store(rows)

    assert person.contents.failed == {"f": "it changed while it was read"}
    assert not person.is_stored(rows[0].content.id)
    assert person.read(rows[1]) == noise("good", MANY_CHUNKS)


def test_of_a_small_file_that_changed_since_the_scan_what_was_scanned_is_published(make):
    person = make()
    person.write({"f": b"what the scan saw"})
    rows = person.scan(keep=True)
    person.write({"f": b"what it never saw"})

    person.store(rows)

    assert person.read(rows[0]) == b"what the scan saw"
    assert not person.is_stored(ObjectId.of(b"what it never saw"))


def test_contents_are_stored_once_however_often_the_plan_is_made(make):
    person = make()
    person.write(MIXED)
    rows = person.scan()
    person.store(rows)
    before = person.uploader.bytes_new

    person.store(rows)

    assert person.uploader.bytes_new == before


@pytest.mark.parametrize("keep", [False, True])
def test_no_chunk_is_stored_twice_in_one_publish(make, keep):
    person = make(params=SMALL_CHUNKS)
    person.write(MIXED)

    person.store(person.scan(keep=keep))

    different = {
        ObjectId.of(chunk)
        for data in MIXED.values()
        for chunk in ([data] if len(data) <= 64 else split([data], SMALL_CHUNKS))
        if data
    }
    segments = IndexSet(
        person.bucket, person.cache, person.pool, tuple(person.uploader.roots)
    ).segments()
    chunks = [each.id for s in segments for each in s if each.kind is Kind.CHUNK]
    assert len(chunks) == len(set(chunks))
    assert set(chunks) == different


@pytest.mark.parametrize("params", [ChunkParams(), SMALL_CHUNKS])
def test_packs_are_the_same_however_many_threads_read_and_whatever_was_kept(
    make, monkeypatch, params
):
    monkeypatch.setattr(parts, "PART", 20_000)
    monkeypatch.setattr(packs, "PACK_SIZE", 150_000)
    found = []
    for n_threads, keep in ((1, False), (1, True), (4, False), (4, True)):
        person = make(f"{n_threads} {keep}", params=params, n_threads=n_threads)
        person.write(MIXED)
        rows = person.scan(keep=keep)
        person.store(rows)
        found.append(person.packs())
        assert [person.read(row) for row in rows] == list(MIXED.values())

    assert len(found[0]) > 3
    assert found[0] == found[1] == found[2] == found[3]


def test_chunks_lie_in_packs_in_path_order(make, monkeypatch):
    monkeypatch.setattr(parts, "PART", 10_000)
    person = make(params=SMALL_CHUNKS, n_threads=4)
    person.write(MIXED)

    person.store(person.scan())

    (pack,) = person.packs()
    places = [
        pack.find(data[:64])
        for name, data in MIXED.items()
        if name in ("a-small", "b-large", "i-small")
    ]
    assert sorted(places) == places
    assert min(places) > 0


@pytest.mark.parametrize("part", [2_000, 10_000, 1 << 20])
@pytest.mark.parametrize("relying", [noise("shared", 200_000) + b"a", noise("shared", 200_000)])
def test_what_relies_on_a_file_that_turns_out_to_have_changed_is_stored_whole(
    make, monkeypatch, part, relying
):
    monkeypatch.setattr(parts, "PART", part)
    person = make(params=SMALL_CHUNKS, n_threads=2)
    person.write({"a": noise("shared", 200_000) + b"a", "b": relying})
    rows = person.scan(keep=True)
    # The same size and the same times as far as anyone can see: only the bytes tell.
    monkeypatch.setattr("cas_sync.worktree.reader.same_stat", lambda row, found: True)
    person.write({"a": noise("changed", 200_001)})

    person.store(rows)

    assert person.contents.failed == {"a": "it changed while it was read"}
    assert person.read(rows[1]) == relying


def test_a_chunk_is_read_once_and_a_copy_of_a_file_not_at_all(make, monkeypatch):
    read, cut = [], []

    class Noting(PartReader):
        def read(self, row, offset, pieces):
            read.extend(piece.id for piece in pieces)
            return super().read(row, offset, pieces)

    def noting(folder, row, ahead):
        cut.append(row.path)
        return find_pieces(folder, row, ahead)

    monkeypatch.setattr(contents_module, "PartReader", Noting)
    monkeypatch.setattr(contents_module, "find_pieces", noting)
    person = make(params=SMALL_CHUNKS)
    large = noise("large", 100_000)
    person.write({"a": large, "b": large, "c": b"c" + large, "d": bytes(100_000)})

    person.store(person.scan())

    assert cut == ["a", "c", "d"]
    assert len(read) == len(set(read))


def test_a_file_that_vanishes_stops_no_other(make):
    person = make(params=SMALL_CHUNKS)
    person.write(MIXED)
    rows = person.scan(keep=True)
    os.unlink(person.root / "b-large")

    person.store(rows)

    assert person.contents.failed == {"b-large": "it changed while it was read"}
    assert [person.read(row) for row in rows if row.path != "b-large"] == [
        data for name, data in MIXED.items() if name != "b-large"
    ]


def test_a_link_is_stored_however_short_chunks_are(make):
    person = make(params=SMALL_CHUNKS)
    (person.root / "l").symlink_to("some/where/" * 20)
    (row,) = person.scan(keep=True)

    person.store([row])

    assert person.read(row) == b"some/where/" * 20


def test_no_more_is_read_ahead_than_there_is_room_for(make, monkeypatch):
    monkeypatch.setattr(parts, "PART", 20_000)
    at_once = []

    class Counting(PartReader):
        n = 0

        def read(self, *args):
            self.n += 1
            at_once.append(self.n)
            return super().read(*args)

        def give_back(self, part):
            self.n -= 1
            super().give_back(part)

    monkeypatch.setattr(contents_module, "PartReader", Counting)
    person = make(params=SMALL_CHUNKS, n_threads=2)
    person.write({f"f{i}": noise(str(i), 300_000) for i in range(10)})

    person.store(person.scan())

    assert len(at_once) > 100
    assert max(at_once) == 2 + 2


def test_an_upload_that_fails_stops_the_rest(make, monkeypatch):
    monkeypatch.setattr(packs, "PACK_SIZE", 10_000)
    failing = FaultyBucket(MemoryBucket(), lambda call: Fault.FAIL_BEFORE)
    person = make(bucket=failing, params=SMALL_CHUNKS, n_threads=2)
    person.write({f"f{i:02}": noise(str(i), 100_000) for i in range(50)})
    rows = person.scan()

    with pytest.raises(UnavailableError):
        person.store(rows)

    assert len(failing.calls) <= 5
    assert not [t for t in threading.enumerate() if t.name.startswith(("parts", "cut"))]


def test_everything_is_told_once(make, monkeypatch):
    person = make(params=SMALL_CHUNKS)
    person.write(MIXED)
    told = [0, 0]

    class Counting(Silent):
        def advance(self, files, size):
            told[0] += files
            told[1] += size

    person.contents.progress = Counting()
    person.store(person.scan())

    assert told == [len(MIXED), sum(map(len, MIXED.values()))]
