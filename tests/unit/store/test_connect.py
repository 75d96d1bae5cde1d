"""From an address to a bucket, without a network."""

import subprocess
import sys

import pytest

from cas_sync.errors import ConfigError
from cas_sync.store.bucket import StoreAddress
from cas_sync.store.connect import open_bucket
from cas_sync.store.folder import FolderBucket
from cas_sync.store.s3 import S3Bucket, split_s3_url


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("s3://team-data/churn", ("team-data", "churn")),
        ("s3://team-data/a/b/", ("team-data", "a/b")),
        ("s3://team-data", ("team-data", "")),
        ("s3://team-data/", ("team-data", "")),
        ("S3://team-data/x y", ("team-data", "x y")),
    ],
)
def test_an_s3_url_has_a_bucket_and_a_prefix(url, parts):
    assert split_s3_url(url) == parts


@pytest.mark.parametrize("url", ["s3://", "s3:///", "s3:", "s3://te am/x"])
def test_an_s3_url_without_a_bucket_is_refused(url):
    with pytest.raises(ConfigError) as caught:
        open_bucket(StoreAddress(url))

    assert caught.value.code == "E108"
    assert "s3://bucket/prefix" in caught.value.fix


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("s3:/demo/q", "s3://demo/q"),
        ("s3:demo", "s3://demo"),
        ("S3:demo/q/", "s3://demo/q"),
        ("s3:///demo/q", "s3://demo/q"),
        (" s3:\\demo\\q ", "s3://demo/q"),
        ("gs:demo", "./gs:demo"),
        ("data:old", "./data:old"),
        ("https:/demo", "s3://bucket/prefix"),
    ],
)
def test_what_begins_as_a_url_and_is_none_is_refused_with_what_was_meant(url, meant):
    with pytest.raises(ConfigError) as caught:
        open_bucket(StoreAddress(url))

    assert caught.value.code == "E108"
    assert meant in caught.value.fix.split()


@pytest.mark.parametrize("url", ["gs://b/p", "https://b.s3.amazonaws.com/p", "sftp://h/p", ""])
def test_other_addresses_are_refused_with_what_is_supported(url):
    with pytest.raises(ConfigError, match="store") as caught:
        open_bucket(StoreAddress(url))

    assert "s3://bucket/prefix" in caught.value.fix


@pytest.mark.skipif(sys.platform == "win32", reason="paths of other systems")
@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("/srv/data", "/srv/data"),
        ("file:///srv/my%20data", "/srv/my data"),
        ("file://localhost/srv/data", "/srv/data"),
        ("/srv/a#b?c", "/srv/a#b?c"),
    ],
)
def test_a_path_is_a_folder(url, path):
    bucket = open_bucket(StoreAddress(url))

    assert isinstance(bucket, FolderBucket)
    assert bucket._base == path
    assert bucket.url == url


def test_a_tilde_is_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))

    assert open_bucket(StoreAddress("~/store"))._base == str(tmp_path / "store")


@pytest.mark.parametrize(
    "url", ["C:\\data", "c:/data", "\\\\server\\share\\data", "data/store", "./s3:x", "a/s3:x"]
)
def test_drives_and_shares_are_folders(url):
    assert isinstance(open_bucket(StoreAddress(url)), FolderBucket)


@pytest.mark.parametrize("url", ["file:relative", "file:///a?b", "file:///a#b"])
def test_a_file_url_must_name_a_folder(url):
    with pytest.raises(ConfigError):
        open_bucket(StoreAddress(url))


def test_opening_sends_and_looks_up_nothing():
    bucket = open_bucket(StoreAddress("s3://team-data/p", profile="no such profile"))

    assert isinstance(bucket, S3Bucket)
    assert bucket.meter.requests == {}
    bucket.close()


def test_a_folder_user_never_imports_boto3():
    program = (
        "import sys; from cas_sync.store.connect import open_bucket;"
        "from cas_sync.store.bucket import StoreAddress; open_bucket(StoreAddress('x'));"
        "sys.exit(any(name in sys.modules for name in ('boto3', 'botocore')))"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
