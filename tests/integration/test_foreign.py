"""What others left below an S3 prefix, on a real server."""

from contextlib import closing

import pytest

from cas_sync.formats import keys
from cas_sync.store.bucket import Key, StoreAddress
from cas_sync.store.connect import open_bucket
from cas_sync.store.foreign import open_foreign

pytestmark = pytest.mark.s3


@pytest.fixture
def address(s3_prefix):
    return StoreAddress(s3_prefix.url, endpoint_url=s3_prefix.endpoint)


@pytest.fixture
def put(s3_prefix):
    with closing(s3_prefix.server.client()) as client:

        def put(key, data=b"x"):
            full = f"{s3_prefix.prefix}/{key}"
            client.put_object(Bucket=s3_prefix.bucket, Key=full, Body=data)

        yield put


def listed(address):
    with closing(open_foreign(address)) as store:
        return {each.key: each.size for each in store.list_foreign()}


def test_more_objects_than_one_page_holds_are_listed(address, put):
    expected = {}
    for n in range(1_010):
        key = f"d{n % 3}/{n:04}"
        put(key, b"x" * (n % 7))
        expected[key] = n % 7

    assert listed(address) == expected


def test_only_what_is_below_the_prefix_and_not_ours_is_listed(address, put, s3_prefix):
    with closing(s3_prefix.server.client()) as client:
        beside = f"{s3_prefix.prefix}backup/x"
        client.put_object(Bucket=s3_prefix.bucket, Key=beside, Body=b"x")
    with closing(open_bucket(address)) as bucket:
        bucket.put_new(Key(keys.FORMAT), b"x")
        bucket.put_if(Key(keys.HEAD), b"x", None)
    names = ["a", 'sub/Ünï, "q" & <x>.csv', ".S3/versions.csv", ".S3/deleted/a", "a b+c%20d"]
    for key in names:
        put(key)

    assert set(listed(address)) == set(names)


def test_a_new_version_shows(address, put):
    put("a", b"1")
    with closing(open_foreign(address)) as store:
        (before,) = store.list_foreign()
        put("a", b"2")
        (after,) = store.list_foreign()

    assert before.version != after.version
    assert before.modified_ns > 1_600_000_000_000_000_000


def test_parts_are_read_and_what_changed_is_told(address, put):
    put("a", b"0123456789")
    with closing(open_foreign(address)) as store:
        assert store.read_foreign("a", 0, 10) == b"0123456789"
        assert store.read_foreign("a", 3, 4) == b"3456"
        assert store.read_foreign("a", 8, 4) is None
        assert store.read_foreign("a", 20, 4) is None
        assert store.read_foreign("b", 0, 1) is None
        assert store.meter.requests["GET"] == 5
