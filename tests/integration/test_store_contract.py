"""One suite for all buckets: what `bucket.py` promises, each of them keeps."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier

import pytest

from cas_sync.errors import DamageError
from cas_sync.store.bucket import ETag, Key, Moved, StoreAddress, Stored, Unclear
from cas_sync.store.connect import open_bucket
from cas_sync.store.memory import MemoryBucket

HEAD = Key(".S3/head")
WRITERS = 8
UNKNOWN = ETag('"00000000000000000000000000000000"')

KINDS = ["memory", "folder", pytest.param("s3", marks=pytest.mark.s3)]


@pytest.fixture(params=KINDS)
def open_at(request, tmp_path):
    """Return a function that opens the store at a name; same name, same store."""
    opened = []
    if request.param == "memory":
        stores: dict[str, MemoryBucket] = {}
        yield lambda name: stores.setdefault(name, MemoryBucket())
        return
    if request.param == "s3":
        base = request.getfixturevalue("s3_prefix").url
    else:
        base = str(tmp_path / "store")

    def open_store(name):
        opened.append(open_bucket(StoreAddress(f"{base}/{name}", jobs=WRITERS)))
        return opened[-1]

    yield open_store
    for bucket in opened:
        bucket.close()


@pytest.fixture
def bucket(open_at):
    return open_at("p")


def keys_in(bucket, under=".S3/"):
    return [key for key, _ in bucket.list_keys(Key(under))]


def race(step):
    """Run ``step(0..7)`` at the same moment and return the outcomes."""
    start = Barrier(WRITERS)

    def run(me):
        start.wait()
        return step(me)

    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(run, range(WRITERS)))


def test_an_empty_store_has_nothing(bucket):
    assert bucket.get(HEAD) is None
    assert bucket.get_range(HEAD, 0, 1) is None
    assert keys_in(bucket) == []


def test_what_was_written_is_read_at_once(bucket):
    for number in range(10):
        key = Key(f".S3/objects/{number}")
        stored = bucket.put_new(key, b"%d" % number)
        blob = bucket.get(key)

        assert isinstance(stored, Stored)
        assert blob.data == b"%d" % number
        assert blob.etag == stored.etag
        assert key in keys_in(bucket)


def test_another_connection_sees_it_too(open_at):
    open_at("p").put_new(HEAD, b"one")

    assert open_at("p").get(HEAD).data == b"one"


def test_an_object_is_created_once(bucket):
    bucket.put_new(HEAD, b"old")

    assert bucket.put_new(HEAD, b"new") == Moved()
    assert bucket.get(HEAD).data == b"old"


def test_a_creation_by_one_try_happens_once(bucket):
    first = bucket.put_if(HEAD, b"old", None)

    assert isinstance(first, Stored)
    assert bucket.put_if(HEAD, b"new", None) == Moved()
    assert bucket.get(HEAD).data == b"old"
    assert bucket.get(HEAD).etag == first.etag


def test_only_the_current_version_can_be_replaced(bucket):
    first = bucket.put_if(HEAD, b"one", None)
    second = bucket.put_if(HEAD, b"two", first.etag)

    assert isinstance(second, Stored)
    assert second.etag != first.etag
    assert bucket.put_if(HEAD, b"three", first.etag) == Moved()
    assert bucket.get(HEAD).data == b"two"


def test_what_is_gone_cannot_be_replaced(bucket):
    first = bucket.put_if(HEAD, b"one", None)
    bucket.delete([HEAD])

    assert bucket.put_if(HEAD, b"two", first.etag) == Moved()
    assert bucket.put_if(HEAD, b"two", UNKNOWN) == Moved()
    assert bucket.get(HEAD) is None
    assert keys_in(bucket) == []


def test_what_was_deleted_can_be_created_again(bucket):
    bucket.put_new(HEAD, b"one")
    bucket.delete([HEAD])

    assert isinstance(bucket.put_new(HEAD, b"two"), Stored)
    assert bucket.get(HEAD).data == b"two"


def test_deleting_what_is_not_there_is_fine(bucket):
    bucket.put_new(HEAD, b"kept")

    bucket.delete([Key(".S3/none"), Key(".S3/no/such/folder"), Key(".S3/head2")])
    bucket.delete([])

    assert keys_in(bucket) == [HEAD]


def test_an_empty_object_is_an_object(bucket):
    bucket.put_new(HEAD, b"")

    assert bucket.get(HEAD).data == b""
    assert bucket.get_range(HEAD, 0, 0) == b""
    assert list(bucket.list_keys(Key(".S3/"))) == [(HEAD, 0)]


ODD = [
    "a b",
    "a+b",
    "a%20b",
    "a%b",
    "ä",
    "a\u0308",
    "日本",
    "it's",
    "a,b",
    "a(b)[c]{d}",
    "=1+1",
    "A",
    "a",
]
if sys.platform != "win32":
    ODD += ['say "hi"', "a&b", "a?b", "a#b", "a<b>", "a:b", "a*b"]
if sys.platform in ("win32", "darwin"):
    ODD = [name for name in ODD if name not in ("A", "a\u0308")]  # they fold names


def test_keys_may_have_odd_characters(bucket):
    for number, name in enumerate(ODD):
        assert isinstance(bucket.put_new(Key(f".S3/odd/{name}"), b"%d" % number), Stored)

    assert keys_in(bucket) == sorted(f".S3/odd/{name}" for name in ODD)
    assert [bucket.get(Key(f".S3/odd/{name}")).data for name in ODD] == [
        b"%d" % number for number in range(len(ODD))
    ]
    bucket.delete([Key(f".S3/odd/{name}") for name in ODD])
    assert keys_in(bucket) == []


def test_a_listing_is_in_key_order_with_sizes(bucket):
    names = ["a/b", "a-b", "a.b", "a/b/c"[:3] + "2/c", "a0", "b/a", "B"]
    for size, name in enumerate(names):
        bucket.put_new(Key(f".S3/{name}"), b"x" * size)

    listed = list(bucket.list_keys(Key(".S3/")))

    assert listed == sorted((f".S3/{name}", size) for size, name in enumerate(names))


def test_a_listing_takes_any_beginning_of_a_key(bucket):
    for name in ["packs/a", "packs/b", "pages/a", "pack"]:
        bucket.put_new(Key(f".S3/{name}"), b"")

    assert keys_in(bucket, ".S3/packs/") == [".S3/packs/a", ".S3/packs/b"]
    assert keys_in(bucket, ".S3/pack") == [".S3/pack", ".S3/packs/a", ".S3/packs/b"]
    assert keys_in(bucket, ".S3/packs/b") == [".S3/packs/b"]
    assert keys_in(bucket, ".S3/packs/c") == []
    assert keys_in(bucket, ".S3/nothing/here/") == []


def test_a_listing_has_more_than_one_page(bucket):
    keys = [Key(f".S3/many/{number:04}") for number in range(1010)]
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda key: bucket.put_new(key, b"x"), keys))

    assert keys_in(bucket) == keys
    bucket.delete(keys)
    assert keys_in(bucket) == []


def test_a_range_is_exact(bucket):
    bucket.put_new(HEAD, b"0123456789")

    assert bucket.get_range(HEAD, 0, 10) == b"0123456789"
    assert bucket.get_range(HEAD, 0, 1) == b"0"
    assert bucket.get_range(HEAD, 3, 4) == b"3456"
    assert bucket.get_range(HEAD, 9, 1) == b"9"


@pytest.mark.parametrize(("offset", "length"), [(0, 11), (5, 6), (9, 2), (10, 1), (99, 1)])
def test_a_range_beyond_the_end_is_damage(bucket, offset, length):
    bucket.put_new(HEAD, b"0123456789")

    with pytest.raises(DamageError, match="short"):
        bucket.get_range(HEAD, offset, length)


def test_a_large_object_comes_back_whole(bucket):
    data = os.urandom(5_000_000)
    bucket.put_new(HEAD, data)

    assert bucket.get(HEAD).data == data
    assert bucket.get_range(HEAD, 4_000_000, 999_999) == data[4_000_000:4_999_999]


def test_a_sibling_prefix_is_not_seen(open_at):
    ours, theirs = open_at("p"), open_at("p2")
    theirs.put_new(HEAD, b"theirs")
    theirs.put_new(Key(".S3/other"), b"theirs")

    assert ours.get(HEAD) is None
    assert keys_in(ours) == []
    ours.put_new(HEAD, b"ours")
    ours.delete([HEAD, Key(".S3/other")])
    assert keys_in(theirs) == [".S3/head", ".S3/other"]


def test_of_many_creating_one_wins(bucket):
    outcomes = race(lambda me: bucket.put_new(HEAD, b"%d" % me))

    winners = [me for me, outcome in enumerate(outcomes) if isinstance(outcome, Stored)]
    assert len(winners) == 1
    assert bucket.get(HEAD).data == b"%d" % winners[0]
    assert outcomes.count(Moved()) == WRITERS - 1


def test_of_many_replacing_one_wins(bucket):
    first = bucket.put_if(HEAD, b"start", None)

    outcomes = race(lambda me: bucket.put_if(HEAD, b"%d" % me, first.etag))

    winners = [me for me, outcome in enumerate(outcomes) if isinstance(outcome, Stored)]
    assert len(winners) == 1
    assert bucket.get(HEAD).data == b"%d" % winners[0]
    assert all(isinstance(outcome, Stored | Moved | Unclear) for outcome in outcomes)


def test_no_update_of_a_contended_object_is_lost(bucket):
    bucket.put_if(HEAD, b"", None)

    def append(me):
        for _ in count():
            blob = bucket.get(HEAD)
            if isinstance(bucket.put_if(HEAD, blob.data + b"%d" % me, blob.etag), Stored):
                return

    race(append)

    assert sorted(bucket.get(HEAD).data) == sorted(b"01234567")


def test_the_meter_counts_requests_and_bodies(bucket):
    bucket.put_new(HEAD, b"12345")
    bucket.put_new(HEAD, b"123")
    bucket.get(HEAD)
    bucket.get_range(HEAD, 1, 2)
    before = bucket.meter.bytes_down

    assert bucket.meter.requests == {"PUT": 2, "GET": 2}
    assert bucket.meter.bytes_up == 8
    assert before >= 7  # and the text of refusals, where there is one
    bucket.get(HEAD)
    assert bucket.meter.bytes_down == before + 5


@pytest.mark.parametrize("key", ["head", "S3/head", "../.S3/head", "/.S3/head"])
def test_what_is_not_a_key_is_a_mistake_of_ours(open_at, key, request):
    if "memory" in request.node.name:
        pytest.skip("memory has no outside")

    with pytest.raises(ValueError, match="not a key"):
        open_at("p").put_new(Key(key), b"")
