"""Stored objects: packed once, found again, and checked before anyone sees them."""

from itertools import count

import pytest

from cas_sync.errors import DamageError, FormatError
from cas_sync.formats import keys, pieces
from cas_sync.formats.pieces import Piece, Pieces
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Kind
from cas_sync.model.tree import Content, Mode
from cas_sync.store.bucket import Key
from cas_sync.store.cache import Cache
from cas_sync.store.index import IndexSet
from cas_sync.store.objects import ObjectReader
from cas_sync.store.packs import PackUploader, merge_roots
from tests.support.samples import NONCE, noise

numbers = count()


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


# -- files of several chunks --------------------------------------------------------------


def store_file(up, parts, lists=None):
    """Store a file of these chunks, in lists of so many where asked; return its content."""
    whole = b"".join(parts)
    rows = [Piece(ObjectId.of(part), len(part)) for part in parts]
    for part in parts:
        up.add(ObjectId.of(part), Kind.CHUNK, part)
    top = Pieces(0, tuple(rows))
    if lists:
        tops = []
        for at in range(0, len(rows), lists):
            group = Pieces(0, tuple(rows[at : at + lists]))
            data = pieces.dump(group)
            up.add(ObjectId.of(data), Kind.LIST, data)
            tops.append(Piece(ObjectId.of(data), group.size))
        top = Pieces(1, tuple(tops))
    up.add(ObjectId.of(whole), Kind.FILE, pieces.dump(top))
    up.flush()
    return Content(ObjectId.of(whole), len(whole), Mode.FILE)


PARTS = [chunk(i) for i in range(7)]


@pytest.mark.parametrize("lists", [None, 3])
def test_the_chunks_of_a_file_come_in_order(bucket, cache, pool, lists):
    up = uploader(bucket, cache, pool)
    content = store_file(up, PARTS, lists)
    read = reader(bucket, cache, pool, up.roots)

    listed = read.locate(content)
    groups = list(read.chunks(listed, content))

    assert listed.kind is Kind.FILE
    assert [p.id for group in groups for p in group] == [ObjectId.of(part) for part in PARTS]
    assert len(groups) == (3 if lists else 1)


def test_a_file_of_one_chunk_is_that_chunk(bucket, cache, pool):
    read = reader(bucket, cache, pool, store(uploader(bucket, cache, pool), chunk(1)))
    content = Content(ObjectId.of(chunk(1)), 1000, Mode.FILE)

    assert read.locate(content).kind is Kind.CHUNK


def test_a_file_no_index_names_is_told(bucket, cache, pool):
    read = reader(bucket, cache, pool, store(uploader(bucket, cache, pool), chunk(1)))

    with pytest.raises(DamageError, match=str(ObjectId.of(b"other"))):
        read.locate(Content(ObjectId.of(b"other"), 5, Mode.FILE))
    with pytest.raises(DamageError, match=str(ObjectId.of(b"other"))):
        read.find(ObjectId.of(b"other"), Kind.CHUNK)
    with pytest.raises(DamageError):
        read.locate(Content(ObjectId.of(chunk(1)), 999, Mode.FILE))


def test_a_list_that_is_not_the_one_referred_to_is_refused(bucket, cache, pool):
    up = uploader(bucket, cache, pool)
    content = store_file(up, PARTS)
    read = reader(bucket, cache, pool, up.roots)

    with pytest.raises(FormatError):
        list(read.chunks(read.locate(content), content._replace(size=content.size + 1)))


def test_a_list_of_lists_of_lists_is_refused(bucket, cache, pool):
    up = uploader(bucket, cache, pool)
    inner = pieces.dump(Pieces(1, (Piece(ObjectId.of(b"x"), 10),)))
    up.add(ObjectId.of(inner), Kind.LIST, inner)
    outer = pieces.dump(Pieces(1, (Piece(ObjectId.of(inner), 10),)))
    up.add(ObjectId.of(b"file"), Kind.FILE, outer)
    up.flush()
    read = reader(bucket, cache, pool, up.roots)
    content = Content(ObjectId.of(b"file"), 10, Mode.FILE)

    with pytest.raises(FormatError):
        list(read.chunks(read.locate(content), content))


def test_far_neighbours_are_not_read_with_what_lies_between(bucket, cache, pool):
    roots = store(uploader(bucket, cache, pool), *(chunk(i, 50_000) for i in range(40)))
    read = reader(bucket, cache, pool, roots)
    ends = [read.find(ObjectId.of(chunk(i, 50_000)), Kind.CHUNK) for i in (0, 2, 39)]
    requests, down = bucket.meter.requests["GET"], bucket.meter.bytes_down

    assert len(read.read(ends)) == 3
    assert bucket.meter.requests["GET"] - requests == 2
    assert bucket.meter.bytes_down - down == 4 * 50_000


def test_a_long_run_is_read_in_ranges_of_bounded_length(bucket, cache, pool):
    parts = [chunk(i, 1 << 20) for i in range(15)]
    roots = store(uploader(bucket, cache, pool), *parts)
    read = reader(bucket, cache, pool, roots)
    before = bucket.meter.requests["GET"]

    found = read.read([read.find(ObjectId.of(part), Kind.CHUNK) for part in parts])

    assert list(found.values()) == parts
    assert bucket.meter.requests["GET"] - before == 2


@pytest.mark.parametrize("at", range(0, 60, 7))
def test_a_changed_byte_of_a_compressed_object_is_named(bucket, cache, pool, at):
    text = b"".join(b"row %d,some text\n" % i for i in range(200))
    (root,) = store(uploader(bucket, cache, pool), text)
    damage(bucket, keys.pack(root.name), 8 + at)
    read = reader(bucket, cache, pool, [root])

    with pytest.raises(DamageError, match=str(ObjectId.of(text))):
        read.read([read.find(ObjectId.of(text), Kind.CHUNK)])


def test_a_pack_that_was_cut_short_is_damage(bucket, cache, pool):
    (root,) = store(uploader(bucket, cache, pool), chunk(1), chunk(2))
    read = reader(bucket, cache, pool, [root])
    where = read.find(ObjectId.of(chunk(2)), Kind.CHUNK)
    key = Key(keys.pack(root.name))
    short = bucket.get(key).data[:1500]
    bucket.delete([key])
    bucket.put_new(key, short)

    with pytest.raises(DamageError):
        read.read([where])


def test_the_same_bytes_may_be_a_chunk_and_a_list(bucket, cache, pool):
    up = uploader(bucket, cache, pool)
    oid = ObjectId.of(chunk(1))

    up.add(oid, Kind.CHUNK, chunk(1))

    assert up.has(oid, Kind.CHUNK)
    assert not up.has(oid, Kind.LIST)


def test_what_is_damaged_keeps_nobody_from_the_rest(bucket, cache, pool):
    (root,) = store(uploader(bucket, cache, pool), *map(chunk, range(20)))
    read = reader(bucket, cache, pool, [root])
    places = [read.find(ObjectId.of(chunk(i)), Kind.CHUNK) for i in range(20)]
    damage(bucket, keys.pack(root.name), places[7].offset)
    before = bucket.meter.requests["GET"]

    found = read.load(places)

    assert list(found.damaged) == [places[7].id]
    assert {oid: bytes(data) for oid, data in found.data.items()} == {
        ObjectId.of(chunk(i)): chunk(i) for i in range(20) if i != 7
    }
    assert bucket.meter.requests["GET"] == before + 1


def test_of_a_pack_that_was_cut_short_the_first_part_is_read(bucket, cache, pool):
    (root,) = store(uploader(bucket, cache, pool), *map(chunk, range(64)))
    read = reader(bucket, cache, pool, [root])
    places = [read.find(ObjectId.of(chunk(i)), Kind.CHUNK) for i in range(64)]
    key = Key(keys.pack(root.name))
    short = bytes(bucket.get(key).data[: places[40].offset + 10])
    bucket.delete([key])
    bucket.put_new(key, short)
    before = bucket.meter.requests["GET"]

    found = read.load(places)

    assert found.data.keys() == {where.id for where in places[:40]}
    assert found.damaged.keys() == {where.id for where in places[40:]}
    assert bucket.meter.requests["GET"] - before < 64


def test_contents_are_located_together(bucket, cache, pool):
    up = uploader(bucket, cache, pool)
    large = store_file(up, PARTS)
    small = [Content(ObjectId.of(chunk(i)), 1000, Mode.FILE) for i in range(5)]
    store(up, *map(chunk, range(5)))
    read = reader(bucket, cache, pool, up.roots)
    unknown = Content(ObjectId.of(b"other"), 5, Mode.FILE)
    wrong_size = small[0]._replace(size=999)

    found = read.locate_all([*small, unknown, large, wrong_size])

    assert [where and where.kind for where in found] == [
        *[Kind.CHUNK] * 5,
        None,
        Kind.FILE,
        None,
    ]
    assert [where.id for where in found[:5]] == [content.id for content in small]
