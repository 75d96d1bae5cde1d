"""Index roots: looked up together, and believed only where they are what they say."""

import pytest

from cas_sync.errors import DamageError
from cas_sync.formats import index, keys
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import IndexRoot, Kind
from cas_sync.store import cache as cache_module
from cas_sync.store.bucket import Key
from cas_sync.store.index import KIND, IndexSet
from tests.support import samples


def stored(bucket, locations, nonce=samples.NONCE):
    data = index.dump(locations)
    name = f"{ObjectId.of(data)}_{nonce}"
    bucket.put_new(Key(keys.index(name)), data)
    return IndexRoot(name, False, len(index.Segment(data)), len(data))


ONE, *REST = samples.LOCATIONS


def test_the_latest_root_is_asked_first(bucket, cache, pool):
    moved = ONE._replace(offset=ONE.offset + 1)
    roots = stored(bucket, samples.LOCATIONS), stored(bucket, [moved])

    found = IndexSet(bucket, cache, pool, roots)

    assert found.find(ONE.id, ONE.kind) == moved
    assert found.find(REST[0].id, REST[0].kind) == REST[0]
    assert found.find(samples.oid("absent"), Kind.CHUNK) is None
    assert found.holds(REST[0].id, REST[0].kind)
    assert not found.holds(samples.oid("absent"), Kind.CHUNK)


def test_a_segment_is_fetched_once_for_this_machine(bucket, cache, pool):
    root = stored(bucket, samples.LOCATIONS)
    for _ in range(3):
        IndexSet(bucket, cache, pool, (root,)).find(ONE.id, ONE.kind)

    assert bucket.meter.requests["GET"] == 1


def test_an_empty_repository_knows_nothing_and_asks_nothing(bucket, cache, pool):
    assert IndexSet(bucket, cache, pool, ()).find(ONE.id, ONE.kind) is None
    assert bucket.meter.requests["GET"] == 0


@pytest.mark.parametrize("mapped", [0, 1 << 20])
def test_a_damaged_copy_is_fetched_again_and_replaced(bucket, cache, pool, monkeypatch, mapped):
    monkeypatch.setattr(cache_module, "MAPPED", mapped)
    root = stored(bucket, samples.LOCATIONS)
    good = bucket.get(Key(keys.index(root.name))).data
    for n in range(0, len(good), 7):
        cache.put(KIND, root.name, good[:n] + bytes([good[n] ^ 1]) + good[n + 1 :])

        assert IndexSet(bucket, cache, pool, (root,)).find(ONE.id, ONE.kind) == ONE
        assert cache.get(KIND, root.name) == good


def test_a_missing_segment_is_named(bucket, cache, pool):
    root = stored(bucket, samples.LOCATIONS)
    bucket.delete([Key(keys.index(root.name))])

    with pytest.raises(DamageError, match=root.name):
        IndexSet(bucket, cache, pool, (root,)).segments()


def test_another_segment_under_the_name_is_refused(bucket, cache, pool):
    root = stored(bucket, samples.LOCATIONS)
    others = [each._replace(offset=each.offset + 1) for each in samples.LOCATIONS]
    key = Key(keys.index(root.name))
    bucket.delete([key])
    bucket.put_new(key, index.dump(others))

    with pytest.raises(DamageError, match=root.name):
        IndexSet(bucket, cache, pool, (root,)).segments()
    assert cache.get(KIND, root.name) is None


def test_a_segment_of_another_number_of_entries_is_refused(bucket, cache, pool):
    root = stored(bucket, samples.LOCATIONS)._replace(entries=99)

    with pytest.raises(DamageError, match="99"):
        IndexSet(bucket, cache, pool, (root,)).segments()
