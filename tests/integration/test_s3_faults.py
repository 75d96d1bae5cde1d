"""A real server behind a bad network: what is told is true, and nothing is sent twice."""

import os
import socket
from contextlib import closing

import pytest

from cas_sync.errors import (
    AccessError,
    ConfigError,
    DamageError,
    StoreError,
    UnavailableError,
    UnsafeStoreError,
)
from cas_sync.store.bucket import Key, Moved, StoreAddress, Stored, Unclear
from cas_sync.store.connect import open_bucket
from tests.support.proxy import (
    ApplyThenDrop,
    DropBefore,
    FlipBit,
    Proxy,
    Status,
    Truncate,
    always,
    nth,
)
from tests.support.weed import SECRET_KEY

pytestmark = pytest.mark.s3

HEAD = Key(".S3/head")


@pytest.fixture
def proxy(s3_prefix):
    with Proxy(s3_prefix.server) as proxy:
        yield proxy


@pytest.fixture
def bucket(s3_prefix, proxy):
    bucket = open_bucket(StoreAddress(s3_prefix.url, endpoint_url=proxy.endpoint))
    yield bucket
    bucket.close()


def test_the_proxy_and_the_meter_count_alike(bucket, proxy):
    bucket.put_new(HEAD, b"12345")
    bucket.put_if(HEAD, b"no", None)
    bucket.get(HEAD)
    list(bucket.list_keys(Key(".S3/")))
    bucket.delete([HEAD])
    bucket.get(HEAD)

    assert bucket.meter.requests == proxy.requests
    assert bucket.meter.bytes_up == sum(record.bytes_up for record in proxy.records)
    assert bucket.meter.bytes_down == sum(record.bytes_down for record in proxy.records)


@pytest.mark.parametrize("expected", ["nothing", "a version"])
def test_a_win_whose_answer_is_lost_is_unclear_and_sent_once(bucket, proxy, expected):
    etag = None if expected == "nothing" else bucket.put_if(HEAD, b"old", None).etag
    proxy.forget()
    proxy.rules.append(nth(0, ApplyThenDrop(), method="PUT"))

    outcome = bucket.put_if(HEAD, b"won", etag)

    assert isinstance(outcome, Unclear)
    assert [record.method for record in proxy.records] == ["PUT"]
    assert bucket.get(HEAD).data == b"won"


@pytest.mark.parametrize(
    "action",
    [
        DropBefore(),
        Status(500),
        Status(502, "BadGateway"),
        Status(503, "SlowDown"),
        Status(503, "ServiceUnavailable"),
        Status(504, "GatewayTimeout"),
        Status(429, "TooManyRequests"),
        Status(409, "ConditionalRequestConflict"),
        Status(400, "RequestTimeout"),
    ],
    ids=str,
)
def test_what_may_have_happened_is_unclear_and_sent_once(bucket, proxy, action):
    proxy.rules.append(nth(0, action, method="PUT"))

    assert isinstance(bucket.put_if(HEAD, b"x", None), Unclear)
    assert proxy.requests == {"PUT": 1}


@pytest.mark.parametrize(
    ("action", "error", "code"),
    [
        (Status(403, "AccessDenied"), AccessError, "E106"),
        (Status(403, "RequestTimeTooSkewed"), AccessError, "E113"),
        (Status(400, "ExpiredToken"), AccessError, "E104"),
        (Status(404, "NoSuchBucket"), ConfigError, "E107"),
        (Status(501, "NotImplemented"), UnsafeStoreError, "E115"),
        (Status(400, "InvalidArgument"), StoreError, "E100"),
    ],
    ids=str,
)
def test_a_clear_no_to_the_head_is_an_error(bucket, proxy, action, error, code):
    proxy.rules.append(always(action, method="PUT"))

    with pytest.raises(error) as caught:
        bucket.put_if(HEAD, b"x", None)

    assert caught.value.code == code
    assert bucket.url in caught.value.message


def test_a_head_that_is_gone_has_moved(bucket, proxy):
    proxy.rules.append(always(Status(404, "NoSuchKey"), method="PUT"))

    assert bucket.put_if(HEAD, b"x", '"abc"') == Moved()


@pytest.mark.parametrize("status", [500, 503])
def test_ordinary_requests_are_repeated(bucket, proxy, status):
    for number in (0, 2):
        proxy.rules.append(nth(number, Status(status, "InternalError")))

    assert isinstance(bucket.put_new(HEAD, b"x"), Stored)
    assert bucket.get(HEAD).data == b"x"
    assert proxy.requests == {"PUT": 2, "GET": 2}
    assert bucket.meter.requests == proxy.requests


def test_a_creation_whose_answer_is_lost_is_there(bucket, proxy):
    proxy.rules.append(nth(0, ApplyThenDrop(), method="PUT"))

    assert bucket.put_new(HEAD, b"x") == Moved()  # our own first try
    assert bucket.get(HEAD).data == b"x"


def test_two_creations_that_met_are_repeated(bucket, proxy):
    proxy.rules.append(nth(0, Status(409, "ConditionalRequestConflict"), method="PUT"))

    assert isinstance(bucket.put_new(HEAD, b"x"), Stored)


def test_a_store_that_stays_busy_is_unavailable(bucket, proxy):
    proxy.rules.append(always(Status(409, "ConditionalRequestConflict"), method="PUT"))

    with pytest.raises(UnavailableError):
        bucket.put_new(HEAD, b"x")


def test_a_store_that_throttles_for_long_is_unavailable(bucket, proxy):
    proxy.rules.append(always(Status(503, "SlowDown")))

    with pytest.raises(UnavailableError) as caught:
        bucket.get(HEAD)

    assert caught.value.code == "E402"
    assert proxy.requests == {"GET": 6}  # the first read, and what the library makes of it


@pytest.mark.parametrize("before", [0, 1], ids=["signed", "unsigned"])
def test_a_bit_that_flips_on_the_way_is_refused_and_sent_again(bucket, proxy, before):
    data = os.urandom(200_000)
    bodies = []
    proxy.rules.append(
        lambda request: (
            bodies.append(request.headers["x-amz-content-sha256"])
            if request.method == "PUT"
            else None
        )
    )
    proxy.rules.append(nth(before, FlipBit(), method="PUT"))

    for number in range(before + 1):
        assert isinstance(bucket.put_new(Key(f".S3/{number}"), data), Stored)

    assert bucket.get(Key(f".S3/{before}")).data == data
    assert proxy.requests["PUT"] == before + 2
    assert (bodies[before] == "UNSIGNED-PAYLOAD") is bool(before)


@pytest.mark.parametrize("size", [100, 200_000])
def test_what_never_arrives_as_it_was_sent_is_not_stored(bucket, proxy, size):
    bucket.put_new(Key(".S3/before"), os.urandom(200_000))
    proxy.rules.append(always(FlipBit(), method="PUT"))

    with pytest.raises(UnavailableError, match="something else"):
        bucket.put_new(HEAD, os.urandom(size))
    assert isinstance(bucket.put_if(HEAD, os.urandom(size), None), Unclear)

    assert bucket.get(HEAD) is None


def test_a_body_that_breaks_off_is_fetched_again(bucket, proxy):
    data = os.urandom(100_000)
    bucket.put_new(HEAD, data)
    proxy.rules += [nth(0, Truncate(70_000), method="GET"), nth(1, Truncate(0), method="GET")]

    assert bucket.get(HEAD).data == data
    assert proxy.requests["GET"] == 3


def test_a_body_that_always_breaks_off_is_an_error(bucket, proxy):
    bucket.put_new(HEAD, b"x" * 1000)
    proxy.rules.append(always(Truncate(999), method="GET"))

    with pytest.raises(UnavailableError, match="broke off"):
        bucket.get(HEAD)
    with pytest.raises(UnavailableError, match="broke off"):
        bucket.get_range(HEAD, 0, 1000)


def test_a_part_that_is_too_short_is_damage(bucket, proxy):
    bucket.put_new(HEAD, b"x" * 1000)
    proxy.rules.append(always(Truncate(99, announced=True), method="GET"))

    with pytest.raises(DamageError):
        bucket.get_range(HEAD, 10, 100)


def test_a_listing_that_breaks_off_is_an_error(bucket, proxy):
    bucket.put_new(HEAD, b"x")
    proxy.rules.append(always(Truncate(80), method="GET"))

    with pytest.raises(UnavailableError):
        list(bucket.list_keys(Key(".S3/")))


def test_a_listing_cut_short_is_an_error(bucket, proxy):
    bucket.put_new(HEAD, b"x")
    proxy.rules.append(always(Truncate(80, announced=True), method="GET"))

    with pytest.raises(StoreError):
        list(bucket.list_keys(Key(".S3/")))


def test_forbidden_is_not_missing(bucket, proxy):
    proxy.rules.append(always(Status(403, "AccessDenied"), method="GET"))

    for ask in (
        lambda: bucket.get(HEAD),
        lambda: bucket.get_range(HEAD, 0, 1),
        lambda: list(bucket.list_keys(Key(".S3/"))),
    ):
        with pytest.raises(AccessError, match="s3:ListBucket") as caught:
            ask()
        assert caught.value.code == "E106"


def test_a_404_of_somebody_else_is_not_missing(bucket, proxy):
    proxy.rules.append(always(Status(404, "PageNotFound"), method="GET"))

    with pytest.raises(StoreError):
        bucket.get(HEAD)


def test_a_store_without_batch_deletion_deletes_one_by_one(bucket, proxy):
    keys = [Key(f".S3/{number}") for number in range(3)]
    for key in keys:
        bucket.put_new(key, b"")
    proxy.rules.append(always(Status(501, "NotImplemented"), method="POST"))

    bucket.delete(keys)

    assert list(bucket.list_keys(Key(".S3/"))) == []
    assert proxy.requests["DELETE"] == 3


def test_a_deletion_that_is_forbidden_names_the_right(bucket, proxy):
    for action, method, keys in (
        (Status(403, "AccessDenied"), "DELETE", [HEAD]),
        (Status(403, "AccessDenied"), "POST", [HEAD, Key(".S3/other")]),
    ):
        proxy.rules.append(always(action, method=method))
        with pytest.raises(AccessError, match="s3:DeleteObject"):
            bucket.delete(keys)


def refused(url, *, write=True, **address):
    """Return the error of a first request there, and check that it is fit to be shown."""
    with closing(open_bucket(StoreAddress(url, **address))) as bucket:
        with pytest.raises((StoreError, ConfigError)) as caught:
            bucket.get(HEAD)
        # Whoever writes the head is told the same, unless it broke on the wire.
        if not write:
            pass
        elif caught.value.code in ("E110", "E111"):
            assert isinstance(bucket.put_if(HEAD, b"x", None), Unclear)
        else:
            with pytest.raises(type(caught.value)) as again:
                bucket.put_if(HEAD, b"x", None)
            assert again.value.code == caught.value.code
    error = caught.value
    for text in (error.message, error.cause, error.fix):
        assert text
        assert SECRET_KEY not in text
        assert "wrong-secret" not in text
    return error


def test_an_unknown_key_is_told(s3_prefix, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "unknown")

    assert refused(s3_prefix.url).code == "E105"


def test_a_wrong_secret_is_told(s3_prefix, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret")

    error = refused(s3_prefix.url)

    assert error.code == "E105"
    assert isinstance(error, AccessError)


def test_a_missing_bucket_is_told(s3_prefix):
    # Not written to: this server makes a bucket of the first object.
    error = refused("s3://no-such-bucket/p", write=False)

    assert error.code == "E107"
    assert "no-such-bucket" in error.message


def test_a_closed_port_is_told(s3_prefix):
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    error = refused(s3_prefix.url, endpoint_url=f"http://127.0.0.1:{port}")

    assert error.code == "E110"
    assert f"127.0.0.1:{port}" in error.message


def test_https_at_a_plain_server_is_told(s3_prefix):
    error = refused(s3_prefix.url, endpoint_url=s3_prefix.endpoint.replace("http:", "https:"))

    assert error.code == "E111"


def test_missing_credentials_are_told(s3_prefix, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    assert refused(s3_prefix.url).code == "E101"


def test_half_a_key_pair_is_told(s3_prefix, monkeypatch):
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    assert refused(s3_prefix.url).code == "E102"


def test_an_unknown_profile_is_told(s3_prefix):
    assert refused(s3_prefix.url, profile="nobody").code == "E103"


def test_an_endpoint_without_a_scheme_is_told(s3_prefix):
    error = refused(s3_prefix.url, endpoint_url="minio:9000")

    assert error.code == "E112"
    assert error.fix == "http://minio:9000"
