"""What the AWS library is told; nothing is sent."""

import pytest
from botocore import UNSIGNED

from cas_sync.model.credentials import Credentials
from cas_sync.store.bucket import StoreAddress
from cas_sync.store.s3 import S3Bucket


@pytest.fixture
def client():
    buckets = []

    def make(**values):
        values = {"region": "us-east-1", **values}
        buckets.append(S3Bucket(StoreAddress("s3://b/p", **values)))
        return buckets[-1]._client()

    yield make
    for bucket in buckets:
        bucket.close()


def keys_of(client):
    found = client._request_signer._credentials
    return found and (found.access_key, found.secret_key, found.token)


@pytest.mark.parametrize("token", [None, "T"])
def test_given_keys_go_before_all_others(client, monkeypatch, token):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "other")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "other")

    made = client(credentials=Credentials("AK", "SK", token))

    assert keys_of(made) == ("AK", "SK", token)


def test_without_given_keys_the_library_looks_for_itself(client, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AK")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "SK")

    assert keys_of(client()) == ("AK", "SK", None)


def test_requests_go_unsigned_only_where_that_is_allowed_and_nothing_is_found(
    client, monkeypatch
):
    assert client(unsigned=True).meta.config.signature_version is UNSIGNED
    assert client().meta.config.signature_version is not UNSIGNED

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AK")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "SK")
    assert client(unsigned=True).meta.config.signature_version is not UNSIGNED


@pytest.mark.parametrize(
    ("checksums", "endpoint", "expected"),
    [
        ("auto", None, "when_supported"),
        ("auto", "http://127.0.0.1:9", "when_required"),
        ("when_required", None, "when_required"),
        ("when_supported", "http://127.0.0.1:9", "when_supported"),
    ],
)
def test_checksums_are_sent_as_configured(client, checksums, endpoint, expected):
    config = client(checksums=checksums, endpoint_url=endpoint).meta.config

    assert config.request_checksum_calculation == expected
    assert config.response_checksum_validation == expected
