"""A part of a file: the bytes that were asked for, from the chunks that hold them."""

import struct
from itertools import count, product

import pytest

from cas_sync.errors import DamageError
from cas_sync.formats import keys, pieces
from cas_sync.formats.pieces import Piece, Pieces
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Kind
from cas_sync.model.tree import Content, Mode
from cas_sync.store import objects, sparse_index
from cas_sync.store.bucket import Key
from cas_sync.store.cache import Cache
from cas_sync.store.index import IndexSet
from cas_sync.store.objects import ObjectReader
from cas_sync.store.packs import PackUploader, merge_roots
from cas_sync.store.sparse_index import SparseIndex
from tests.support.samples import NONCE, noise

numbers = count()
PARTS = [noise(f"part {i}", 400 + 37 * i) for i in range(11)]
WHOLE = b"".join(PARTS)
PLACES = sorted(
    {
        place + near
        for place in (0, 400, len(PARTS[0]) + len(PARTS[1]), 2500, len(WHOLE))
        for near in (-1, 0, 1)
    }
)


def put(up, parts, lists=None):
    """Store a file of these chunks, in lists of so many where asked; return its content."""
    whole = b"".join(parts)
    rows = []
    for part in parts:
        up.add(ObjectId.of(part), Kind.CHUNK, part)
        rows.append(Piece(ObjectId.of(part), len(part)))
    if lists:
        groups = [Pieces(0, tuple(rows[n : n + lists])) for n in range(0, len(rows), lists)]
        rows = [Piece(ObjectId.of(pieces.dump(each)), each.size) for each in groups]
        for each in groups:
            up.add(ObjectId.of(pieces.dump(each)), Kind.LIST, pieces.dump(each))
    if len(parts) > 1:
        top = Pieces(1 if lists else 0, tuple(rows))
        up.add(ObjectId.of(whole), Kind.FILE, pieces.dump(top))
    return Content(ObjectId.of(whole), len(whole), Mode.FILE)


class Store:
    """Some files in a store, and readers that know nothing yet."""

    def __init__(self, bucket, root, pool):
        self.bucket, self.root, self.pool = bucket, root, pool
        self.caches = count()
        cache = Cache(root / "writer")
        known = IndexSet(bucket, cache, pool, ())
        up = PackUploader(
            bucket, cache, pool, known, lambda: keys.ulid(next(numbers), bytes(10))
        )
        self.flat = put(up, PARTS)
        self.listed = put(up, [*PARTS, b"more"], 3)
        self.one = put(up, PARTS[:1])
        for i in range(40):
            up.add(ObjectId.of(noise(f"other {i}", 50)), Kind.CHUNK, noise(f"other {i}", 50))
        up.flush()
        self.packs = tuple(up.roots)
        known = IndexSet(bucket, cache, pool, self.packs)
        self.merged = (merge_roots(bucket, cache, known, self.packs, NONCE),)

    def reader(self, *, sparse=False, merged=False, cache=None):
        cache = cache or Cache(self.root / str(next(self.caches)))
        roots = self.merged if merged else self.packs
        places = IndexSet(self.bucket, cache, self.pool, roots)
        if sparse:
            places = SparseIndex(self.bucket, self.pool, places)
        self.bucket.meter.requests.clear()
        return ObjectReader(self.bucket, places, self.pool)

    @property
    def requests(self):
        return self.bucket.meter.requests["GET"]


@pytest.fixture
def store(bucket, tmp_path, pool):
    return Store(bucket, tmp_path, pool)


@pytest.fixture
def all_large(monkeypatch):
    """Take every segment for a large one."""
    monkeypatch.setattr(sparse_index, "SMALL", 0)
    monkeypatch.setattr(sparse_index, "WINDOW", 1)
    monkeypatch.setattr(sparse_index, "ROUNDS", 30)
    monkeypatch.setattr(sparse_index, "PACKS", 1)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("at_once", [1, 64])
def test_every_part_is_that_slice(store, all_large, monkeypatch, sparse, merged, at_once):
    monkeypatch.setattr(objects, "STREAMED", at_once)
    reader = store.reader(sparse=sparse, merged=merged)
    for content, data in (
        (store.flat, WHOLE),
        (store.listed, WHOLE + b"more"),
        (store.one, PARTS[0]),
    ):
        for start, end in product(PLACES, PLACES):
            found = b"".join(reader.read_range(content, start, end - start))

            assert found == data[max(0, start) : max(0, end)]


def test_outside_of_a_file_there_is_nothing(store):
    reader = store.reader()
    empty = Content(ObjectId.of(b""), 0, Mode.FILE)

    assert list(reader.read_range(empty, 0, 10)) == []
    assert list(reader.read_range(store.flat, len(WHOLE), 10)) == []
    assert list(reader.read_range(store.flat, 5, 0)) == []
    assert list(reader.read_range(store.flat, 5, -3)) == []
    assert list(reader.read_range(store.flat, -10, 5)) == []
    assert store.requests == 0


def test_only_the_list_and_the_chunks_that_cover_a_part_are_read(store):
    reader = store.reader()
    store.bucket.meter.bytes_down = 0

    assert b"".join(reader.read_range(store.listed, 0, 10)) == WHOLE[:10]
    # The index, the list of lists, one list, one chunk.
    assert store.requests == 4
    assert b"".join(reader.read_range(store.listed, 390, 20)) == WHOLE[390:410]
    # What was listed is known: two chunks that are neighbours.
    assert store.requests == 5


def test_no_more_lists_are_kept_than_allowed(store, monkeypatch):
    monkeypatch.setattr(objects, "LISTS", 2)
    reader = store.reader()
    for start in range(0, len(WHOLE), 700):
        assert b"".join(reader.read_range(store.listed, start, 9)) == WHOLE[start:][:9]
        assert len(reader._lists) <= 2


def test_a_part_of_one_file_is_read_with_a_few_small_requests(store, all_large):
    cache = Cache(store.root / "mine")
    reader = store.reader(sparse=True, merged=True, cache=cache)

    assert b"".join(reader.read_range(store.one, 5, 5)) == PARTS[0][5:10]
    # Some of 60 entries, one by one; the pack's name, the chunk.
    assert store.requests <= 8
    assert asked(store, reader, 3) == RIGHT[:3]
    assert cache.get("index", store.merged[0].name) is None


# -- damage ---------------------------------------------------------------------------------


def replace(bucket, key, data):
    bucket.delete([Key(key)])
    bucket.put_new(Key(key), data)


def asked(store, reader, n=4):
    """Ask for several things; return what came of each: bytes, or `None` for damage."""
    found = []
    questions = [
        (store.one, 3, 300),
        (store.flat, 500, 900),
        (store.listed, 500, 900),
        (store.listed, 0, 1 << 20),
    ]
    for content, start, length in questions[:n]:
        try:
            found.append(b"".join(reader.read_range(content, start, length)))
        except DamageError:
            found.append(None)
    return found


RIGHT = [PARTS[0][3:303], WHOLE[500:1400], WHOLE[500:1400], WHOLE + b"more"]


@pytest.mark.parametrize("shift", range(0, 61, 20))
def test_a_flipped_byte_anywhere_in_an_index_never_gives_wrong_bytes(store, all_large, shift):
    key = keys.index(store.merged[0].name)
    good = store.bucket.get(Key(key)).data
    n_noticed = 0
    for n in range(shift, len(good), 61):
        replace(store.bucket, key, good[:n] + bytes([good[n] ^ 1]) + good[n + 1 :])

        found = asked(store, store.reader(sparse=True, merged=True))

        assert all(got in (None, right) for got, right in zip(found, RIGHT, strict=True))
        n_noticed += None in found
    assert n_noticed


@pytest.mark.parametrize("shift", range(0, 89, 30))
def test_a_flipped_byte_anywhere_in_a_pack_never_gives_wrong_bytes(store, all_large, shift):
    key = keys.pack(store.packs[0].name)
    good = store.bucket.get(Key(key)).data
    n_noticed = 0
    for n in range(shift, len(good), 89):
        replace(store.bucket, key, good[:n] + bytes([good[n] ^ 1]) + good[n + 1 :])
        for merged in (False, True):
            found = asked(store, store.reader(sparse=True, merged=merged))

            assert all(got in (None, right) for got, right in zip(found, RIGHT, strict=True))
            n_noticed += None in found
    assert n_noticed


@pytest.mark.parametrize("sparse", [False, True])
def test_a_missing_pack_is_damage(store, all_large, sparse):
    store.bucket.delete([Key(keys.pack(store.packs[0].name))])
    reader = store.reader(sparse=sparse, merged=True)

    assert asked(store, reader) == [None] * 4


def test_a_file_no_index_names_is_told_once_all_was_looked_through(store, all_large):
    cache = Cache(store.root / "mine")
    reader = store.reader(sparse=True, merged=True, cache=cache)

    with pytest.raises(DamageError, match=str(ObjectId.of(b"other"))):
        list(reader.read_range(Content(ObjectId.of(b"other"), 5, Mode.FILE), 0, 3))
    assert cache.get("index", store.merged[0].name) is not None


class Wrong:
    """Gives the entries of an index wrong, unless the whole of it is asked for."""

    def __init__(self, inner, change):
        self.inner, self.change = inner, change
        self.get, self.meter = inner.get, inner.meter

    def get_range(self, key, offset, length):
        data = self.inner.get_range(key, offset, length)
        if "/index/" not in key or length % 50:
            return data
        return b"".join(self.change(data[n : n + 50]) for n in range(0, length, 50))


@pytest.mark.parametrize("at", [31, 33, 37, 41, 45, 49])
def test_a_window_that_came_wrong_is_put_right_by_the_whole_index(store, all_large, at):
    store.bucket = Wrong(
        store.bucket, lambda entry: entry[:at] + bytes([entry[at] ^ 1]) + entry[at + 1 :]
    )

    assert asked(store, store.reader(sparse=True, merged=True)) == RIGHT


def test_one_object_that_windows_hide_is_found_in_the_whole_index(store, all_large):
    store.bucket = Wrong(store.bucket, lambda entry: entry[:31] + b"\0" + entry[32:])
    oid = ObjectId.of(PARTS[3])

    where = store.reader(sparse=True, merged=True).find(oid, Kind.CHUNK)

    assert where == store.reader(merged=True).find(oid, Kind.CHUNK)


def test_a_list_that_lies_elsewhere_than_a_window_says_is_read_where_it_is(store, all_large):
    reader = store.reader(merged=True)
    where = reader.locate(store.one)
    there = struct.pack(">BIIII", where.codec, 0, where.offset, where.stored, where.raw)
    store.bucket = Wrong(
        store.bucket,
        lambda entry: entry[:33] + there if entry[32] == Kind.FILE else entry,
    )

    assert asked(store, store.reader(sparse=True, merged=True)) == RIGHT


def test_pieces_that_are_not_as_long_as_listed_are_refused(bucket, tmp_path, pool):
    store = Store(bucket, tmp_path, pool)
    cache = Cache(tmp_path / "wrong")
    known = IndexSet(bucket, cache, pool, store.packs)
    up = PackUploader(bucket, cache, pool, known, lambda: keys.ulid(next(numbers), bytes(10)))
    a, b = PARTS[:2]
    lying = Pieces(0, (Piece(ObjectId.of(a), len(b)), Piece(ObjectId.of(b), len(a))))
    up.add(ObjectId.of(b"file"), Kind.FILE, pieces.dump(lying))
    up.flush()
    store.packs += tuple(up.roots)

    content = Content(ObjectId.of(b"file"), len(a) + len(b), Mode.FILE)
    with pytest.raises(DamageError):
        list(store.reader().read_range(content, 3, 10))
