"""Stored objects: packed once, found again, and checked before anyone sees them."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from cas_sync.errors import DamageError
from cas_sync.formats import keys
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Kind
from cas_sync.store.bucket import Key
from cas_sync.store.cache import Cache
from cas_sync.store.index import IndexSet
from cas_sync.store.memory import MemoryBucket
from cas_sync.store.objects import ObjectReader
from cas_sync.store.packs import PackUploader, merge_roots
from tests.support.samples import NONCE, noise

numbers = count()


@pytest.fixture
def pool():
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture
def bucket():
    return MemoryBucket()


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path)


def uploader(bucket, cache, pool, roots=()):
    known = IndexSet(bucket, cache, pool, tuple(roots))
    return PackUploader(bucket, cache, pool, known, lambda: keys.ulid(next(numbers), bytes(10)))


def store(up, *chunks):
    for data in chunks:
        up.add(ObjectId.of(data), Kind.CHUNK, data)
    up.flush()
    return up.roots


def chunk(i, size=1000):
    return noise(f"chunk {i}", size)


def reader(bucket, cache, pool, roots):
    return ObjectReader(bucket, IndexSet(bucket, cache, pool, tuple(roots)), pool)


def damage(bucket, key, at):
    data = bytearray(bucket.get(Key(key)).data)
    data[at] ^= 1
    bucket.delete([Key(key)])
    bucket.put_new(Key(key), bytes(data))


def test_what_was_stored_is_read(bucket, cache, pool):
    roots = store(uploader(bucket, cache, pool), *map(chunk, range(50)))
    read = reader(bucket, cache, pool, roots)

    found = read.read(read.find(ObjectId.of(chunk(i)), Kind.CHUNK) for i in range(50))

    assert found == {ObjectId.of(chunk(i)): chunk(i) for i in range(50)}


def test_neighbours_are_read_in_one_request(bucket, cache, pool):
    roots = store(uploader(bucket, cache, pool), *map(chunk, range(50)))
    read = reader(bucket, cache, pool, roots)
    wanted = [read.find(ObjectId.of(chunk(i)), Kind.CHUNK) for i in range(50)]
    before = bucket.meter.requests["GET"]

    read.read(wanted)

    assert bucket.meter.requests["GET"] == before + 1


def test_nothing_is_stored_twice(bucket, cache, pool):
    first = store(uploader(bucket, cache, pool), chunk(1), chunk(1))
    again = uploader(bucket, cache, pool, first)

    assert store(again, chunk(1)) == []
    assert [root.entries for root in first] == [1]


def test_packs_are_closed_when_they_are_large(bucket, cache, pool):
    roots = store(uploader(bucket, cache, pool), *(chunk(i, 5 << 20) for i in range(7)))

    assert [root.entries for root in roots] == [4, 3]


def test_a_changed_byte_is_named_and_never_returned(bucket, cache, pool):
    (root,) = store(uploader(bucket, cache, pool), chunk(1))
    damage(bucket, f".S3/objects/packs/{root.name}.pack", 100)
    read = reader(bucket, cache, pool, [root])

    with pytest.raises(DamageError, match=str(ObjectId.of(chunk(1)))):
        read.read([read.find(ObjectId.of(chunk(1)), Kind.CHUNK)])


def test_a_missing_pack_is_damage(bucket, cache, pool):
    (root,) = store(uploader(bucket, cache, pool), chunk(1))
    read = reader(bucket, cache, pool, [root])
    bucket.delete([Key(f".S3/objects/packs/{root.name}.pack")])

    with pytest.raises(DamageError):
        read.read([read.find(ObjectId.of(chunk(1)), Kind.CHUNK)])


def test_a_damaged_copy_of_the_index_is_fetched_again(bucket, cache, pool, tmp_path):
    roots = store(uploader(bucket, cache, pool), chunk(1))
    for copy in [p for p in tmp_path.rglob("*") if p.is_file()]:
        copy.write_bytes(b"damaged")

    assert reader(bucket, cache, pool, roots).find(ObjectId.of(chunk(1)), Kind.CHUNK)


def test_a_damaged_index_in_the_store_is_told(bucket, cache, pool, tmp_path):
    (root,) = store(uploader(bucket, cache, pool), chunk(1))
    damage(bucket, f".S3/objects/packs/{root.name}.pack", root.size - 40)
    fresh = Cache(tmp_path / "fresh")

    with pytest.raises(DamageError):
        reader(bucket, fresh, pool, [root]).find(ObjectId.of(chunk(1)), Kind.CHUNK)


def test_a_merged_segment_finds_what_its_parts_did(bucket, cache, pool):
    roots = []
    for i in range(5):
        roots += store(uploader(bucket, cache, pool, roots), chunk(i))
    known = IndexSet(bucket, cache, pool, tuple(roots))

    one = merge_roots(bucket, cache, known, tuple(roots), NONCE)

    merged = IndexSet(bucket, cache, pool, (one,))
    assert one.entries == 5
    for i in range(5):
        oid = ObjectId.of(chunk(i))
        assert merged.find(oid, Kind.CHUNK) == known.find(oid, Kind.CHUNK)
