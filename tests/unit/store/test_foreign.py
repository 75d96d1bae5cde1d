"""What others left in a folder store is listed and read, and nothing else is touched."""

import os

import pytest

from cas_sync.errors import AccessError
from cas_sync.formats import keys
from cas_sync.model.foreign import ForeignObject
from cas_sync.model.ids import ObjectId
from cas_sync.store.bucket import Key, StoreAddress
from cas_sync.store.connect import open_bucket
from cas_sync.store.foreign import Nothing, open_foreign
from tests.support.samples import NONCE, ULID, oid

NAME = f"{oid('page')}_{NONCE}"


@pytest.fixture
def address(tmp_path):
    return StoreAddress(str(tmp_path / "store"))


@pytest.fixture
def put(tmp_path):
    def put(key, data=b"x"):
        path = tmp_path / "store" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    return put


def listed(address):
    return sorted(each.key for each in open_foreign(address).list_foreign())


def test_a_store_that_is_not_there_holds_nothing(address, tmp_path):
    assert listed(address) == []
    assert not (tmp_path / "store").exists()


def test_files_are_listed_with_size_and_time(address, put):
    path = put("sub/deep/data.csv", b"12345")
    os.utime(path, ns=(7, 1_650_000_000_123_456_700))

    (found,) = open_foreign(address).list_foreign()

    assert found == ForeignObject("sub/deep/data.csv", 5, path.stat().st_mtime_ns)


def test_what_is_ours_is_not_foreign(address, put):
    ours = [
        keys.FORMAT,
        keys.HEAD,
        keys.commit(1, ObjectId.of(b"c")),
        keys.versions(NAME),
        keys.deleted(NAME),
        keys.pack(f"{ULID}-{oid('p')}"),
        keys.index(NAME),
        ".S3/lock-head",
        ".S3/tmp/probe-1/x",
        ".S3/tmp/0123.part",
        ".S3/gc/list",
    ]
    theirs = [
        ".S3/versions.csv",
        ".S3/versions_remote.csv",
        ".S3/deleted/data.csv",
        ".S3/deleted/deleted_x.csv",
        ".S3/tmp/0123/data.csv",
        ".S3/logs/2022.txt",
        "versions/x",
        "head",
    ]
    for key in ours + theirs:
        put(key)

    assert all(map(keys.is_ours, ours))
    assert listed(address) == sorted(theirs)


def test_all_a_repository_writes_is_its_own(address):
    bucket = open_bucket(address)
    for key in (keys.HEAD, keys.versions(NAME), keys.pack(f"{ULID}-{oid('p')}")):
        bucket.put_if(Key(key), b"x", None)

    assert listed(address) == []


@pytest.mark.skipif(os.name == "nt", reason="links and pipes need a POSIX system")
def test_links_and_pipes_are_named_and_not_followed(address, put, tmp_path):
    put("a")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret").write_bytes(b"s")
    (tmp_path / "store" / "to-file").symlink_to(tmp_path / "elsewhere" / "secret")
    (tmp_path / "store" / "to-folder").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(tmp_path / "store" / "pipe")

    found = {each.key: each.problem for each in open_foreign(address).list_foreign()}

    assert set(found) == {"a", "to-file", "to-folder", "pipe"}
    assert found["a"] == ""
    assert found["to-file"] == found["to-folder"] == "it is a link"
    assert found["pipe"] == "it is no file"


def test_parts_are_read(address, put):
    put("a", b"0123456789")
    store = open_foreign(address)

    assert store.read_foreign("a", 0, 10) == b"0123456789"
    assert store.read_foreign("a", 3, 4) == b"3456"


def test_what_is_gone_or_shorter_is_no_longer_what_was_listed(address, put):
    put("a", b"0123456789")
    store = open_foreign(address)

    assert store.read_foreign("a", 8, 4) is None
    assert store.read_foreign("b", 0, 1) is None


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_an_error(address, put):
    path = put("locked/a").parent
    path.chmod(0)
    try:
        with pytest.raises(AccessError):
            listed(address)
    finally:
        path.chmod(0o700)


def test_a_store_of_another_kind_holds_nothing_of_others():
    store = open_foreign(StoreAddress("warehouse://team"))

    assert isinstance(store, Nothing)
    assert list(store.list_foreign()) == []
    assert store.read_foreign("a", 0, 1) is None
