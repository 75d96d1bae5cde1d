"""What the AWS library is told; nothing is sent."""

import base64
import io
import zlib
from contextlib import closing, suppress

import pytest
from botocore import UNSIGNED
from botocore.awsrequest import AWSResponse
from botocore.httpsession import URLLib3Session
from botocore.session import get_session

from cas_sync.errors import AccessError, StoreError
from cas_sync.model.credentials import Credentials
from cas_sync.store import s3_client
from cas_sync.store.bucket import Key, StoreAddress, Stored
from cas_sync.store.s3 import S3Bucket
from cas_sync.store.s3_client import Clients
from cas_sync.store.s3_direct import plain_url


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


def test_an_endpoint_of_the_environment_needs_no_second_client(monkeypatch):
    made = []
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    create = s3_client._create
    monkeypatch.setattr(s3_client, "_create", lambda *args: made.append(args) or create(*args))
    clients = Clients(StoreAddress("s3://b/p", region="us-east-1"), lambda _: None)

    assert clients.get().meta.endpoint_url == clients.endpoint == "http://127.0.0.1:9"
    assert len(made) == 1
    clients.close()


def test_an_endpoint_of_awss_own_files_is_found_too(monkeypatch, tmp_path):
    config = tmp_path / "config"
    config.write_text("[default]\nendpoint_url = http://127.0.0.1:9\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    clients = Clients(StoreAddress("s3://b/p", region="us-east-1"), lambda _: None)

    made = clients.get()

    assert made.meta.endpoint_url == "http://127.0.0.1:9"
    assert made.meta.config.request_checksum_calculation == "when_required"
    clients.close()


# -- which bodies are signed ------------------------------------------------------------

LARGE = bytes(range(256)) * 512
SUM = base64.b64encode(zlib.crc32(LARGE).to_bytes(4, "big")).decode()


class _Body(io.BytesIO):
    def stream(self, **_):
        yield self.read()


class Server:
    """Stands where requests would leave; remembers their headers."""

    def __init__(self, monkeypatch, *, checks=True, refuses=()):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AK")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "SK")
        self.seen, self.urls = [], []
        self.checks, self.refuses = checks, list(refuses)
        monkeypatch.setattr(URLLib3Session, "send", lambda _, request: self._answer(request))

    def sent_to(self):
        """Return where the last request went and what it was signed for, and forget all."""
        urls, seen = self.urls[-1:], self.seen[-1:]
        self.urls, self.seen = [], []
        return urls, [each["authorization"].partition(",")[0] for each in seen]

    def _answer(self, request):
        self.urls.append(request.url)
        told = {name.lower(): text for name, text in request.headers.items()}
        told = {n: t.decode() if isinstance(t, bytes) else t for n, t in told.items()}
        self.seen.append(told)
        sent = told.get("x-amz-checksum-crc32")
        headers = {"ETag": '"1"'}
        if sent and self.checks:
            headers["x-amz-checksum-crc32"] = sent
        status = self.refuses.pop(0) if self.refuses else 200
        return AWSResponse(request.url, status, headers, _Body())

    @property
    def signed(self):
        return [each["x-amz-content-sha256"] != "UNSIGNED-PAYLOAD" for each in self.seen]

    @property
    def sums(self):
        return [each.get("x-amz-checksum-crc32") for each in self.seen]


@pytest.fixture
def server(monkeypatch):
    return Server(monkeypatch)


@pytest.fixture
def put():
    buckets = {}

    def bucket(**values):
        place = tuple(values.items())
        if place not in buckets:
            address = StoreAddress("s3://b/p", region="us-east-1", **values)
            buckets[place] = S3Bucket(address)
        return buckets[place]

    def put(data=LARGE, **values):
        return bucket(**values).put_new(Key(".S3/x"), data)

    put.bucket = bucket
    yield put
    for bucket in buckets.values():
        bucket.close()


def test_a_large_body_goes_to_aws_unsigned_with_a_checksum(put, monkeypatch):
    server = Server(monkeypatch)

    put()

    assert (server.signed, server.sums) == ([False], [SUM])
    assert "x-amz-checksum-crc32" in server.seen[0]["authorization"]


def test_over_tls_a_server_that_may_not_know_checksums_gets_none(put, monkeypatch):
    server = Server(monkeypatch)

    put(endpoint_url="https://minio.example")

    assert (server.signed, server.sums) == ([False], [None])


def test_in_the_clear_to_another_machine_every_body_is_signed(put, monkeypatch):
    server = Server(monkeypatch)

    for endpoint in ("http://minio.example:9000", "http://192.168.0.7", "http://1.2.3.4"):
        put(endpoint_url=endpoint)
        put(endpoint_url=endpoint)

    assert server.signed == [True] * 6
    assert server.sums == [SUM] * 6


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_on_this_machine_a_body_goes_unsigned_once_the_server_is_seen_to_check(
    put, monkeypatch, host
):
    server = Server(monkeypatch)

    for _ in range(3):
        put(endpoint_url=f"http://{host}:9000")

    assert server.signed == [True, False, False]
    assert server.sums == [SUM] * 3


def test_a_server_that_does_not_say_that_it_checks_gets_signed_bodies(put, monkeypatch):
    server = Server(monkeypatch, checks=False)

    for _ in range(3):
        put(endpoint_url="http://127.0.0.1:9000")

    assert server.signed == [True] * 3
    assert server.sums == [SUM, None, None]


@pytest.mark.parametrize("status", [400, 501])
def test_a_server_that_refuses_checksums_gets_signed_bodies(put, monkeypatch, status):
    server = Server(monkeypatch, refuses=[status])

    assert isinstance(put(endpoint_url="http://127.0.0.1:9000"), Stored)
    put(endpoint_url="http://127.0.0.1:9000")

    assert server.signed == [True] * 3
    assert server.sums == [SUM, None, None]


@pytest.mark.parametrize("said", ["true", "false"])
def test_what_the_users_aws_configuration_says_about_signing_counts(
    put, monkeypatch, tmp_path, said
):
    config = tmp_path / "config"
    config.write_text(f"[default]\ns3 =\n  payload_signing_enabled = {said}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    server = Server(monkeypatch)

    put(endpoint_url="https://minio.example")
    put(endpoint_url="http://minio.example")

    assert server.signed == [said == "true"] * 2


def test_a_small_body_is_signed_and_checked(put, monkeypatch):
    server = Server(monkeypatch)

    for endpoint in ("http://127.0.0.1:9000", "https://s3.us-east-1.amazonaws.com"):
        for _ in range(2):
            put(b"small", endpoint_url=endpoint)

    assert server.signed == [True] * 4
    assert None not in server.sums
    assert not any("expect" in each for each in server.seen)


def test_the_head_is_checked_by_a_server_that_is_seen_to_check(monkeypatch, put):
    server = Server(monkeypatch)
    bucket = put.bucket(endpoint_url="http://127.0.0.1:9000")

    bucket.put_if(Key(".S3/head"), b"1", None)
    put(b"small", endpoint_url="http://127.0.0.1:9000")
    bucket.put_if(Key(".S3/head"), b"1", None)

    assert server.signed == [True] * 3
    assert [each is not None for each in server.sums] == [False, True, True]


# -- the first read ---------------------------------------------------------------------

REGIONS = ("us-east-1", "ap-southeast-3", "cn-north-1")
BUCKETS = ("team-data", "team.data", "m-s3alias")
ENDPOINTS = (
    None,
    "http://127.0.0.1:9000",
    "https://minio.example/",
    "https://minio.example/base",
    "https://s3.eu-west-1.amazonaws.com",
)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("region", REGIONS)
def test_the_first_read_goes_where_a_client_would_send_it(server, endpoint, region):
    direct = set()
    for bucket in BUCKETS:
        sent = []
        for is_first in (True, False):
            url = f"s3://{bucket}/a b/\u00fc~+"
            address = StoreAddress(url, region=region, endpoint_url=endpoint)
            with closing(S3Bucket(address)) as opened:
                if not is_first:
                    opened._client()
                with suppress(AccessError, StoreError):
                    opened.get(Key(".S3/head"))
                sent.append(server.sent_to())
                if is_first and not opened._clients._made:
                    direct.add(bucket)
        assert sent[0] == sent[1]

    is_named = endpoint in ENDPOINTS[1:3]
    is_ours = endpoint is None and region != "cn-north-1"
    assert direct == ({"team-data"} if is_named or is_ours else set())


def test_a_directory_bucket_has_rules_of_its_own(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    assert plain_url(get_session(), None, "d--use1-az4--x-s3", "k") is None


@pytest.mark.parametrize(
    ("file", "env"),
    [
        ("s3 =\n  addressing_style = virtual", {}),
        ("use_dualstack_endpoint = true", {}),
        ("", {"AWS_USE_FIPS_ENDPOINT": "true"}),
        ("endpoint_url = http://127.0.0.1:9", {}),
        ("services = mine\n[services mine]\ns3 =\n  endpoint_url = http://127.0.0.1:9", {}),
        ("", {"AWS_S3_US_EAST_1_REGIONAL_ENDPOINT": "regional"}),
    ],
)
def test_where_aws_is_told_something_unusual_a_client_is_asked(
    server, monkeypatch, tmp_path, file, env
):
    (tmp_path / "config").write_text(f"[default]\nregion = us-east-1\n{file}\n")
    for name, value in {"AWS_CONFIG_FILE": str(tmp_path / "config"), **env}.items():
        monkeypatch.setenv(name, value)

    with closing(S3Bucket(StoreAddress("s3://team-data/p"))) as opened:
        opened.get(Key(".S3/head"))

        assert opened._clients._made
        assert len(server.seen) == 1


@pytest.mark.parametrize("status", [301, 307, 400, 403, 500, 503])
def test_an_odd_answer_to_the_first_read_is_left_to_a_client(server, status):
    server.refuses = [status]

    with closing(S3Bucket(StoreAddress("s3://team-data/p", region="eu-west-1"))) as opened:
        blob = opened.get(Key(".S3/head"))

        assert blob.etag == '"1"'
        assert len(server.seen) == 2
        assert opened.meter.requests == {"GET": 2}


def test_only_the_first_read_goes_without_a_client(server):
    with closing(S3Bucket(StoreAddress("s3://team-data/p", region="eu-west-1"))) as opened:
        opened.get(Key(".S3/head"))
        assert not opened._clients._made

        opened.get(Key(".S3/head"))
        assert opened._clients._made
        assert opened.meter.requests == {"GET": 2}
