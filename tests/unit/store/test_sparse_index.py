"""A few objects are found in large index segments by small reads, and never wrongly."""

import pytest

from cas_sync.errors import DamageError
from cas_sync.formats import index, keys
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import IndexRoot, Kind, Location
from cas_sync.store import sparse_index
from cas_sync.store.bucket import Key
from cas_sync.store.index import KIND, IndexSet
from cas_sync.store.packs import PackUploader
from cas_sync.store.sparse_index import SparseIndex
from tests.support import samples

N = 60_000
N_PACKS = 700


def place(i, pack):
    kind = Kind.FILE if i % 10 == 0 else Kind.CHUNK
    oid = samples.oid(f"{pack} {i}")
    return Location(oid, kind, f"{samples.ULID}-{samples.oid(pack)}", i, i + 1, i + 2, 1)


def segment_of(name, n, n_packs=N_PACKS):
    packs = [f"{name} {i}" for i in range(n_packs)]
    places = [place(i, packs[i % n_packs]) for i in range(n)]
    return places, index.dump(places)


@pytest.fixture(scope="module")
def segments():
    """Return two large segments and a small one: what they locate, and their bytes."""
    return [segment_of("first", N), segment_of("second", N), segment_of("small", 50, 3)]


def stored(bucket, segment, i=0):
    places, data = segment
    name = f"{ObjectId.of(data)}_{i:016x}"
    bucket.put_new(Key(keys.index(name)), data)
    return IndexRoot(name, False, len(places), len(data))


@pytest.fixture
def roots(bucket, segments):
    roots = [stored(bucket, each, i) for i, each in enumerate(segments)]
    bucket.meter.requests.clear()
    bucket.meter.bytes_down = 0
    return tuple(roots)


def sparse(bucket, cache, pool, roots):
    return SparseIndex(bucket, pool, IndexSet(bucket, cache, pool, roots))


def names(places):
    return [(each.id, each.kind) for each in places]


def test_one_object_of_many_takes_a_few_small_reads(bucket, cache, pool, roots, segments):
    found = sparse(bucket, cache, pool, roots)
    (places, data), *_ = segments

    assert found.find_all(names([places[4321]])) == [places[4321]]
    # The small segment, two windows at most in each large one, and a part of its packs.
    assert bucket.meter.requests["GET"] <= 1 + 2 * 2 + 1
    assert bucket.meter.bytes_down < len(data) / 8
    assert cache.get(KIND, roots[0].name) is None
    assert cache.get(KIND, roots[2].name) is not None


def test_each_of_many_is_found_with_a_window_or_two(bucket, cache, pool, roots, segments):
    for places, _ in segments[:2]:
        for each in places[:: N // 60]:
            found = sparse(bucket, cache, pool, roots)
            bucket.meter.requests.clear()

            assert found.find_all(names([each])) == [each]
            assert bucket.meter.requests["GET"] <= 6


def test_neighbours_share_what_is_read(bucket, cache, pool, roots, segments):
    found = sparse(bucket, cache, pool, roots)
    wanted = sorted(segments[0][0])[N // 2 : N // 2 + 20]

    assert found.find_all(names(wanted)) == wanted
    assert bucket.meter.requests["GET"] <= 1 + 2 * 2 + len({each.pack for each in wanted})


def test_what_was_read_serves_again(bucket, cache, pool, roots, segments):
    found = sparse(bucket, cache, pool, roots)
    wanted = names(segments[0][0][:1])
    first = found.find_all(wanted)
    before = bucket.meter.requests["GET"]

    assert found.find_all(wanted) == first
    assert bucket.meter.requests["GET"] == before


def test_what_no_segment_knows_is_not_found_and_none_is_loaded_for_it(
    bucket, cache, pool, roots, segments
):
    found = sparse(bucket, cache, pool, roots)
    chunk = next(each for each in segments[0][0] if each.kind is Kind.CHUNK)

    absent = [(samples.oid("absent"), Kind.CHUNK), (chunk.id, Kind.FILE)]
    assert found.find_all(absent) == [None, None]
    assert bucket.meter.bytes_down < len(segments[0][1]) / 4


def test_it_is_sure_that_something_is_unknown_once_all_is_loaded(bucket, cache, pool, roots):
    found = sparse(bucket, cache, pool, roots)

    assert found.find_all([(samples.oid("absent"), Kind.CHUNK)], sure=True) == [None]
    assert all(cache.get(KIND, root.name) for root in roots)


def test_whoever_asks_for_many_gets_them_from_whole_segments(
    bucket, cache, pool, roots, segments
):
    found = sparse(bucket, cache, pool, roots)
    wanted = segments[0][0][:: N // 300]

    assert found.find_all(names(wanted)) == wanted
    assert bucket.meter.requests["GET"] == len(roots)
    assert all(cache.get(KIND, root.name) for root in roots)


def test_many_questions_one_by_one_end_in_a_whole_segment(bucket, cache, pool, roots, segments):
    found = sparse(bucket, cache, pool, roots[:1])
    wanted = segments[0][0][:: N // 100]

    for each in wanted:
        assert found.find_all(names([each])) == [each]
    assert bucket.meter.requests["GET"] <= 3 * sparse_index.MANY
    assert cache.get(KIND, roots[0].name) is not None


def test_a_copy_of_a_large_segment_is_used_whole(bucket, cache, pool, roots, segments):
    IndexSet(bucket, cache, pool, roots).segments()
    bucket.meter.requests.clear()

    found = sparse(bucket, cache, pool, roots).find_all(names(segments[1][0][:3]))

    assert found == segments[1][0][:3]
    assert bucket.meter.requests["GET"] == 0


def test_the_trailer_of_a_pack_of_many_small_objects_is_read_in_parts(bucket, cache, pool):
    name = f"{samples.ULID}-{samples.oid('pack')}"
    places = [place(i, "x")._replace(pack=name) for i in range(20_000)]
    trailer = index.dump(places, trailer=True)
    data = bytes(5000) + trailer + bytes(12)
    bucket.put_new(Key(keys.pack(name)), data)
    root = IndexRoot(name, True, len(places), len(data))

    found = sparse(bucket, cache, pool, (root,)).find_all(names(places[77:78]))

    assert found == places[77:78]
    assert bucket.meter.requests["GET"] <= 2


@pytest.mark.parametrize("rounds", [1, 2, 4])
def test_narrow_windows_come_closer_and_end_in_the_whole(
    bucket, cache, pool, roots, segments, monkeypatch, rounds
):
    monkeypatch.setattr(sparse_index, "WINDOW", 8)
    monkeypatch.setattr(sparse_index, "ROUNDS", rounds)
    for each in segments[0][0][:: N // 20]:
        found = sparse(bucket, cache, pool, roots)

        assert found.find_all(names([each])) == [each]


def test_an_empty_repository_knows_nothing_and_asks_nothing(bucket, cache, pool):
    found = sparse(bucket, cache, pool, ())

    assert found.find_all([(samples.oid("any"), Kind.CHUNK)], sure=True) == [None]
    assert bucket.meter.requests["GET"] == 0


# -- what is not stored again ---------------------------------------------------------------


def test_what_is_unknown_is_stored_without_loading_a_large_segment(
    bucket, cache, pool, roots, segments
):
    known = sparse(bucket, cache, pool, roots)
    uploader = PackUploader(bucket, cache, pool, known, lambda: samples.ULID)

    uploader.add(samples.oid("new"), Kind.CHUNK, b"new")
    uploader.flush()

    assert sum(root.entries for root in uploader.roots) == 1
    assert bucket.meter.bytes_down < len(segments[0][1]) / 4


def test_what_is_known_is_not_stored_again_once_its_segment_was_checked(
    bucket, cache, pool, roots, segments
):
    known = sparse(bucket, cache, pool, roots)
    each = segments[0][0][4321]

    assert known.holds(each.id, each.kind)
    assert cache.get(KIND, roots[0].name) == segments[0][1]
    assert cache.get(KIND, roots[1].name) is None


def test_an_entry_that_somebody_put_there_keeps_nothing_from_being_stored(
    bucket, cache, pool, roots, segments
):
    places, data = segments[0]
    each = places[4321]
    forged = ObjectId(each.id[:-1] + bytes([each.id[-1] ^ 1]))
    replace(bucket, roots[0], data.replace(each.id, forged))
    known = sparse(bucket, cache, pool, roots)

    assert known.find_all([(forged, each.kind)]) != [None]
    with pytest.raises(DamageError, match=roots[0].name):
        known.holds(forged, each.kind)


# -- damage ---------------------------------------------------------------------------------


def replace(bucket, root, data):
    key = Key(keys.index(root.name))
    bucket.delete([key])
    bucket.put_new(key, data)


def test_a_missing_segment_is_named(bucket, cache, pool, roots, segments):
    bucket.delete([Key(keys.index(roots[0].name))])

    with pytest.raises(DamageError, match=roots[0].name):
        sparse(bucket, cache, pool, roots).find_all(names(segments[0][0][:1]))


def test_a_segment_that_is_cut_short_is_damage(bucket, cache, pool, roots, segments):
    replace(bucket, roots[0], segments[0][1][:40_000])
    last = max(segments[0][0])

    with pytest.raises(DamageError, match=roots[0].name):
        sparse(bucket, cache, pool, roots).find_all(names([last]))


def test_a_segment_that_cannot_be_of_its_size_is_refused(bucket, cache, pool, roots):
    odd = roots[0]._replace(size=roots[0].size + 1)

    with pytest.raises(DamageError, match=odd.name):
        sparse(bucket, cache, pool, (odd,)).find_all([(samples.oid("any"), Kind.CHUNK)])


def test_another_order_is_noticed_before_anything_is_believed(
    bucket, cache, pool, roots, segments
):
    places, data = segments[0]
    each = sorted(places)[N // 2]
    at = data.index(each.id)
    swapped = data[: at - 50] + data[at : at + 50] + data[at - 50 : at] + data[at + 50 :]
    replace(bucket, roots[0], swapped)

    bucket.meter.requests.clear()
    with pytest.raises(DamageError, match=roots[0].name):
        sparse(bucket, cache, pool, roots).find_all(names([each]))
    # What is out of order is not read on; the whole is.
    assert bucket.meter.requests["GET"] <= 1 + 2 * 2 + 1


def test_an_entry_is_confirmed_by_the_whole_segment(bucket, cache, pool, roots, segments):
    found = sparse(bucket, cache, pool, roots)
    places, data = segments[0]
    small = segments[2][0][0]

    (where,) = found.find_all(names(places[5:6]))
    assert found.confirm(where) == where
    assert cache.get(KIND, roots[0].name) == data
    assert cache.get(KIND, roots[1].name) is None
    assert found.confirm(*found.find_all(names([small]))) == small


@pytest.mark.parametrize("at", range(50))
def test_a_flipped_byte_of_an_entry_is_noticed_when_it_is_asked_for(
    bucket, cache, pool, roots, segments, at
):
    places, data = segments[0]
    each = places[4321]
    n = data.index(each.id) + at
    replace(bucket, roots[0], data[:n] + bytes([data[n] ^ 1]) + data[n + 1 :])
    found = sparse(bucket, cache, pool, roots)

    def ask():
        (where,) = found.find_all(names([each]))
        # Whoever reads there finds other bytes than it should, and asks again.
        assert where != each
        if where is None:
            found.find_all(names([each]), sure=True)
        else:
            found.confirm(where)

    with pytest.raises(DamageError, match=roots[0].name):
        ask()


def test_a_pack_that_is_not_in_the_list_is_noticed_at_once(
    bucket, cache, pool, roots, segments
):
    places, data = segments[0]
    n = data.index(places[4321].id) + 34
    replace(bucket, roots[0], data[:n] + b"\xff" + data[n + 1 :])

    with pytest.raises(DamageError, match=roots[0].name):
        sparse(bucket, cache, pool, roots).find_all(names(places[4321:4322]))


@pytest.mark.parametrize("at", [0, 3, 25, 40, 63])
def test_a_flipped_byte_in_the_name_of_a_pack_is_noticed(
    bucket, cache, pool, roots, segments, at
):
    places, data = segments[0]
    each = places[4321]
    ulid, _, digest = each.pack.partition("-")
    n = data.index(ulid.encode() + bytes(6) + bytes.fromhex(digest)) + at
    replace(bucket, roots[0], data[:n] + bytes([data[n] ^ 0x80]) + data[n + 1 :])
    found = sparse(bucket, cache, pool, roots)

    def ask():
        (where,) = found.find_all(names([each]))
        assert where != each
        found.confirm(where)

    with pytest.raises(DamageError, match=roots[0].name):
        ask()
