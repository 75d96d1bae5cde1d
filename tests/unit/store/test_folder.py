"""The folder bucket where the disk is against it."""

import errno
import os
import subprocess
import sys
from itertools import count

import pytest

from cas_sync.errors import (
    AccessError,
    ConfigError,
    DiskFullError,
    UnavailableError,
    UnsafeStoreError,
)
from cas_sync.store.bucket import Key, Moved, Stored
from cas_sync.store.folder import FolderBucket

HEAD = Key(".S3/head")


@pytest.fixture
def bucket(tmp_path):
    return FolderBucket(str(tmp_path / "store"))


def fail_with(number):
    def step(*_args, **_kwargs):
        raise OSError(number, os.strerror(number))

    return step


def files_below(path):
    return sorted(str(file.relative_to(path)) for file in path.rglob("*") if file.is_file())


def test_reading_does_not_make_the_folder(bucket, tmp_path):
    assert bucket.get(HEAD) is None
    assert list(bucket.list_keys(Key(".S3/"))) == []
    bucket.delete([HEAD])

    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_the_folder_is_not_an_empty_store(tmp_path):
    (tmp_path / "store").write_bytes(b"")
    bucket = FolderBucket(str(tmp_path / "store"))

    for ask in (
        lambda: bucket.get(HEAD),
        lambda: list(bucket.list_keys(Key(".S3/"))),
        lambda: bucket.put_new(HEAD, b""),
    ):
        with pytest.raises((ConfigError, UnavailableError)):
            ask()


def test_nothing_but_the_object_remains(bucket, tmp_path):
    bucket.put_new(Key(".S3/a/b/c"), b"x")
    bucket.put_if(HEAD, b"x", None)

    assert files_below(tmp_path) == sorted(
        os.path.join("store", ".S3", *name.split("/"))
        for name in ("a/b/c", "head", "lock-head")
    )


def test_a_folder_that_is_empty_is_removed_but_not_the_store(bucket, tmp_path):
    bucket.put_new(Key(".S3/a/b/c"), b"x")
    bucket.put_new(Key(".S3/a/d"), b"x")
    bucket.put_if(HEAD, b"x", None)
    (tmp_path / "store" / "mine.txt").write_text("not yours")

    bucket.delete([Key(".S3/a/b/c")])
    assert sorted(os.listdir(tmp_path / "store" / ".S3" / "a")) == ["d"]

    bucket.delete([Key(".S3/a/d"), HEAD])
    assert os.listdir(tmp_path / "store") == ["mine.txt"]


def test_what_a_crash_left_is_not_listed_and_goes_with_the_last_object(bucket, tmp_path):
    bucket.put_new(HEAD, b"x")
    left = tmp_path / "store" / ".S3" / "tmp" / "0123.part"
    left.write_bytes(b"half")

    assert list(bucket.list_keys(Key(".S3/"))) == [(HEAD, 1)]
    bucket.delete([HEAD])
    assert os.listdir(tmp_path / "store") == []


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.ENOSYS])
def test_a_disk_without_links_will_do(bucket, monkeypatch, number):
    monkeypatch.setattr(os, "link", fail_with(number))

    assert isinstance(bucket.put_new(HEAD, b"old"), Stored)
    assert bucket.put_new(HEAD, b"new") == Moved()
    assert isinstance(bucket.put_if(Key(".S3/other"), b"x", None), Stored)
    assert bucket.get(HEAD).data == b"old"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("method", ["put_new", "put_if"])
def test_a_full_disk_is_told_and_leaves_nothing(bucket, tmp_path, monkeypatch, number, method):
    monkeypatch.setattr(os, "fsync", fail_with(number))

    with pytest.raises(DiskFullError):
        bucket.put_new(HEAD, b"x") if method == "put_new" else bucket.put_if(HEAD, b"x", None)

    monkeypatch.undo()
    assert bucket.get(HEAD) is None
    assert [name for name in files_below(tmp_path) if name.endswith(".part")] == []


def test_a_failing_disk_is_no_answer(bucket, monkeypatch):
    bucket.put_new(HEAD, b"x")
    monkeypatch.setattr(os, "scandir", fail_with(errno.EIO))

    with pytest.raises(UnavailableError, match="list"):
        list(bucket.list_keys(Key(".S3/")))


def test_a_replacement_that_fails_changes_nothing(bucket, monkeypatch):
    etag = bucket.put_new(HEAD, b"old").etag
    monkeypatch.setattr(os, "replace", fail_with(errno.EIO))

    with pytest.raises(UnavailableError):
        bucket.put_if(HEAD, b"new", etag)

    assert bucket.get(HEAD).data == b"old"


def test_a_refusal_names_the_folder(bucket, monkeypatch):
    monkeypatch.setattr(os, "mkdir", fail_with(errno.EACCES))

    with pytest.raises(AccessError, match="store"):
        bucket.put_new(HEAD, b"x")


def test_a_disk_without_locks_is_refused(bucket, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr(fcntl, "flock", fail_with(errno.ENOLCK))

    with pytest.raises(UnsafeStoreError, match="two writers"):
        bucket.put_if(HEAD, b"x", None)


def test_a_folder_taken_away_in_between_is_made_again(bucket, monkeypatch):
    real, calls = os.link, count()

    def link(source, target):
        if next(calls) == 0:
            os.remove(source)
            raise FileNotFoundError(target)
        real(source, target)

    monkeypatch.setattr(os, "link", link)

    assert isinstance(bucket.put_new(Key(".S3/a/b"), b"x"), Stored)


WORKER = """
import sys
from cas_sync.store.bucket import Key, Stored
from cas_sync.store.folder import FolderBucket
bucket, key = FolderBucket(sys.argv[1]), Key(".S3/head")
sys.stdin.readline()
wins = 0
while wins < 5:
    blob = bucket.get(key)
    mark = f"{sys.argv[2]}.{wins} ".encode()
    wins += isinstance(bucket.put_if(key, blob.data + mark, blob.etag), Stored)
"""


@pytest.mark.slow
def test_32_processes_lose_no_update(bucket, tmp_path):
    bucket.put_if(HEAD, b"", None)
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tmp_path / "store"), str(me)],
            stdin=subprocess.PIPE,
        )
        for me in range(32)
    ]
    for worker in workers:
        worker.stdin.write(b"\n")
        worker.stdin.flush()
    for worker in workers:
        worker.communicate(timeout=120)

    assert [worker.returncode for worker in workers] == [0] * 32
    marks = bucket.get(HEAD).data.decode().split()
    assert sorted(marks) == sorted(f"{me}.{win}" for me in range(32) for win in range(5))


def test_a_lock_is_dropped_when_its_holder_dies(bucket, tmp_path):
    bucket.put_if(HEAD, b"old", None)
    program = (
        "import sys; from cas_sync.store.folder import FolderBucket\n"
        "with FolderBucket(sys.argv[1])._exclusive():\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "store")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout.readline().split() == [b"held"]
        holder.kill()
        holder.wait()

    assert isinstance(bucket.put_if(HEAD, b"new", bucket.get(HEAD).etag), Stored)
