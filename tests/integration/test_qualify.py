"""Which stores are trusted with several writers, and which are refused."""

import pytest

from cas_sync.clock import SystemClock
from cas_sync.errors import AccessError
from cas_sync.store.bucket import Key, Moved, StoreAddress, Stored
from cas_sync.store.connect import open_bucket
from cas_sync.store.memory import MemoryBucket, etag_of
from cas_sync.store.qualify import first_failure, run_probes
from tests.support.proxy import IgnoreConditions, Proxy, always


def qualify(bucket, clock, token):
    return first_failure(run_probes(bucket, clock, token))


def objects_in(bucket):
    return list(bucket.list_keys(Key(".S3/")))


def test_memory_is_safe_and_left_clean():
    bucket = MemoryBucket()

    assert qualify(bucket, SystemClock(), "t") == ""
    assert objects_in(bucket) == []


def test_a_folder_is_safe_and_left_clean(tmp_path):
    bucket = open_bucket(StoreAddress(str(tmp_path / "store")))

    assert qualify(bucket, SystemClock(), "t") == ""
    assert list((tmp_path / "store").iterdir()) == []


def test_a_folder_is_safe_under_a_longer_race(tmp_path):
    bucket = open_bucket(StoreAddress(str(tmp_path)))

    results = run_probes(bucket, SystemClock(), "t", writers=8, rounds=10, increments=5)

    assert first_failure(results) == ""
    assert all(result.ok for result in results)


@pytest.mark.s3
def test_a_real_server_is_safe_and_left_clean(s3_prefix):
    bucket = open_bucket(StoreAddress(s3_prefix.url))

    assert qualify(bucket, SystemClock(), "t") == ""
    assert objects_in(bucket) == []
    bucket.close()


@pytest.mark.s3
def test_a_server_that_ignores_conditions_is_refused(rclone_server, monkeypatch):
    for name, value in rclone_server.environment().items():
        monkeypatch.setenv(name, value)
    bucket = open_bucket(StoreAddress("s3://team-data/p"))

    results = run_probes(bucket, SystemClock(), "t")
    bucket.close()

    assert "If-None-Match is ignored" in first_failure(results)
    assert [result.ok for result in results] == [False, False, False, True, True, False, False]


@pytest.mark.s3
def test_a_gateway_that_takes_conditions_away_is_refused(s3_prefix):
    with Proxy(s3_prefix.server) as proxy:
        proxy.rules.append(always(IgnoreConditions(), method="PUT"))
        bucket = open_bucket(StoreAddress(s3_prefix.url, endpoint_url=proxy.endpoint))

        reason = qualify(bucket, SystemClock(), "t")
        bucket.close()

    assert "If-None-Match is ignored" in reason


class ForgetsIfMatch(MemoryBucket):
    """Honours creation, but replaces whatever is there."""

    def put_if(self, key, data, expected):
        if expected is None:
            return super().put_if(key, data, expected)
        with self._lock:
            self._objects[key] = data
        return Stored(etag_of(data))


class WritesWhatItRefuses(MemoryBucket):
    """Says no and does it all the same."""

    def put_new(self, key, data):
        outcome = super().put_new(key, data)
        with self._lock:
            self._objects[key] = data
        return outcome


class ListsLate(MemoryBucket):
    """Reads at once but lists nothing."""

    def list_keys(self, under):
        return iter(())


class NeverWins(MemoryBucket):
    """Refuses every replacement."""

    def put_if(self, key, data, expected):
        return Moved() if expected is not None else super().put_if(key, data, expected)


class MayNotDelete(MemoryBucket):
    """Belongs to an identity without that right."""

    def delete(self, keys):
        raise AccessError("your identity lacks s3:DeleteObject")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (ForgetsIfMatch, "If-Match is ignored"),
        (WritesWhatItRefuses, "changed the object"),
        (ListsLate, "not listed"),
        (NeverWins, "current version was refused"),
    ],
)
def test_a_store_that_breaks_one_promise_is_refused(kind, reason, quick_clock):
    assert reason in qualify(kind(), quick_clock, "t")


def test_the_right_to_delete_is_not_needed():
    results = run_probes(MayNotDelete(), SystemClock(), "t")

    assert first_failure(results) == ""
    assert [result.detail for result in results if result.detail] == [
        "not tested: deleting is not allowed"
    ]


@pytest.fixture
def quick_clock():
    """Return a clock that does not wait."""

    class QuickClock(SystemClock):
        def sleep(self, seconds):
            assert seconds >= 0

    return QuickClock()
