"""What only a store or a disk of the test's own can bring about."""

import shutil

import pytest

from cas_sync.errors import DiskFullError
from cas_sync.formats import documents, keys
from cas_sync.plan.step import OnConflict
from cas_sync.store.memory import MemoryBucket
from tests.support.engine import engine_sync
from tests.support.faulty import Fault, FaultyBucket, SimulatedCrash
from tests.support.people import Person


class Collected(MemoryBucket):
    """A store in which garbage is condemned just before a sync moves the head."""

    epoch = 0

    def put_if(self, key, data, expected):
        now = self.get(key)
        if self.epoch and now is not None:
            self.epoch = 0
            head = documents.load_head(now.data)
            later = head._replace(gc_epoch=head.gc_epoch + 1, nonce="e" * 32)
            super().put_if(key, documents.dump_head(later), now.etag)
        return super().put_if(key, data, expected)


def packs(bucket):
    return {key for key, _ in bucket.list_keys(keys.PACKS)}


def test_what_was_uploaded_before_garbage_was_condemned_is_uploaded_anew(tmp_path):
    bucket = Collected()
    ana, bo = (Person(tmp_path / name, name, "/memory") for name in ("ana", "bo"))
    ana.write("f", "base")
    engine_sync(ana, bucket)
    before = packs(bucket)
    ana.write("f", "new content")
    bucket.epoch = 1

    engine_sync(ana, bucket)

    head = documents.load_head(bucket.get(keys.HEAD).data)
    known = {keys.pack(root.name) for root in head.index_roots}
    (condemned,) = packs(bucket) - before - known
    bucket.delete([condemned])  # as a collection may
    engine_sync(bo, bucket)
    assert bo.read("f") == b"new content"


def test_a_download_that_has_no_room_is_refused_before_it_begins(tmp_path, monkeypatch):
    memory = MemoryBucket()
    ana, bo = (Person(tmp_path / name, name, "/memory") for name in ("ana", "bo"))
    ana.write("f", "x" * 1000)
    engine_sync(ana, memory)
    room = shutil.disk_usage(tmp_path)._replace(free=999)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: room)

    with pytest.raises(DiskFullError, match="1,000 bytes are to be downloaded, 999 are free"):
        engine_sync(bo, memory)

    assert bo.paths() == set()
    monkeypatch.undo()
    engine_sync(bo, memory)
    assert bo.paths() == {"f"}


def test_a_sync_of_something_else_forgets_no_settled_conflict(tmp_path):
    bucket = MemoryBucket()
    ana, ben = (Person(tmp_path / name, name, "/memory") for name in ("ana", "ben"))
    ana.write("c", "0")
    engine_sync(ana, bucket)
    engine_sync(ben, bucket)
    ana.write("c", "ana")
    engine_sync(ana, bucket)
    ben.write("c", "ben")

    def crash(call):
        return Fault.CRASH_AFTER if call.method == "put_if" else None

    with pytest.raises(SimulatedCrash):
        engine_sync(ben, FaultyBucket(bucket, crash), on_conflict=OnConflict.THEIRS)
    ben.write("y", "new")
    engine_sync(ben, bucket, paths=("y",))
    report = engine_sync(ben, bucket)

    assert report.conflicts == []
    assert ben.read("c") == b"ana"
