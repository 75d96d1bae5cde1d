"""The uploader: packs of bounded size, a bounded number on their way, errors that surface."""

from concurrent.futures import Executor, Future, ThreadPoolExecutor
from itertools import count

import pytest

from cas_sync.errors import UnavailableError
from cas_sync.formats import keys
from cas_sync.formats.pack import load_trailer
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Codec, Kind
from cas_sync.store import packs
from cas_sync.store.bucket import Key
from cas_sync.store.index import IndexSet
from cas_sync.store.memory import MemoryBucket
from cas_sync.store.packs import PackUploader
from cas_sync.store.upload_window import UploadWindow
from tests.support.faulty import Fault, FaultyBucket
from tests.support.samples import noise


class Job(Future):
    """Is run by who waits for it."""

    def __init__(self, pool, deed):
        super().__init__()
        self.pool, self.deed = pool, deed

    def result(self, timeout=None):
        if not self.done():
            self.pool.n_running -= 1
            try:
                self.set_result(self.deed())
            except UnavailableError as error:
                self.set_exception(error)
        return super().result(timeout)


class Lazy(Executor):
    """Does nothing before somebody waits for it, and counts what is on its way."""

    n_running = most = 0

    def submit(self, deed, /, *args):
        self.n_running += 1
        self.most = max(self.most, self.n_running)
        return Job(self, lambda: deed(*args))


def chunk(i, size=1000):
    return noise(f"chunk {i}", size)


def uploader(bucket, cache, pool, **options):
    numbers = count()
    known = IndexSet(bucket, cache, pool, ())
    return PackUploader(
        bucket, cache, pool, known, lambda: keys.ulid(next(numbers), bytes(10)), **options
    )


def add(up, *chunks):
    for data in chunks:
        up.add(ObjectId.of(data), Kind.CHUNK, data)


def stored(bucket):
    """Return the whole packs by name."""
    return {key: bucket.get(key).data for key, _ in bucket.list_keys(Key(keys.PACKS))}


@pytest.fixture
def small_packs(monkeypatch):
    monkeypatch.setattr(packs, "PACK_SIZE", 5000)


def failing(bucket, when):
    return FaultyBucket(
        bucket,
        lambda call: Fault.FAIL_BEFORE if call.method == "put_new" and when(call.n) else None,
    )


def test_no_more_packs_are_on_their_way_than_allowed(bucket, cache, small_packs):
    pool = Lazy()
    up = uploader(bucket, cache, pool, window=UploadWindow(3, 3))

    add(up, *map(chunk, range(100)))
    up.flush()

    assert pool.most == 3
    assert len(up.roots) == 20
    assert up.bytes_new == sum(root.size for root in up.roots) == bucket.meter.bytes_up


def test_packs_whose_memory_is_used_again_are_whole_in_the_store(cache, small_packs):
    bucket = MemoryBucket()
    with ThreadPoolExecutor(8) as pool:
        up = uploader(bucket, cache, pool)
        add(up, *map(chunk, range(300)))
        up.flush()

    found = stored(bucket)

    assert [key.rpartition("/")[2] for key in found] == [f"{r.name}.pack" for r in up.roots]
    segments = [load_trailer(found[Key(keys.pack(root.name))], root.name) for root in up.roots]
    assert sum(map(len, segments)) == 300
    assert all(len(data) < 5000 + 1100 for data in found.values())


def test_many_tiny_objects_do_not_make_one_endless_pack(bucket, cache, pool, small_packs):
    up = uploader(bucket, cache, pool)

    add(up, *(b"%d" % i for i in range(1000)))
    up.flush()

    assert all(root.size < 5200 for root in up.roots)


def test_a_pack_that_could_not_be_stored_is_told_by_flush(bucket, cache, pool):
    up = uploader(failing(bucket, lambda n: True), cache, pool)
    add(up, chunk(1))

    with pytest.raises(UnavailableError):
        up.flush()


def test_after_an_upload_failed_nothing_more_is_sent(bucket, cache, small_packs):
    faulty = failing(bucket, lambda n: n == 1)
    up = uploader(faulty, cache, Lazy())

    with pytest.raises(UnavailableError):
        add(up, *map(chunk, range(100)))
    with pytest.raises(UnavailableError):
        up.flush()

    assert len(faulty.calls) == 2


def test_a_failure_that_was_told_once_is_not_forgotten(bucket, cache, pool):
    up = uploader(failing(bucket, lambda n: n == 0), cache, pool)
    add(up, chunk(1))

    for _ in range(2):
        with pytest.raises(UnavailableError):
            up.flush()


def test_what_was_added_before_is_not_added_again(bucket, cache, pool):
    up = uploader(bucket, cache, pool)
    oid = ObjectId.of(chunk(1))

    for _ in range(3):
        up.add_packed(oid, Kind.CHUNK, Codec.RAW, chunk(1), 1000)
    up.flush()

    assert [root.entries for root in up.roots] == [1]
