"""What S3 says, in our words, without a server."""

import botocore.exceptions as theirs
import pytest
from botocore.exceptions import ClientError

from cas_sync.errors import (
    AccessError,
    ConfigError,
    StoreError,
    UnavailableError,
)
from cas_sync.store.s3_errors import translate, why

URL = "s3://team-data/churn"


def answer(code, status):
    return ClientError(
        {
            "Error": {"Code": code, "Message": "a message"},
            "ResponseMetadata": {"HTTPStatusCode": status},
        },
        "PutObject",
    )


@pytest.mark.parametrize(
    ("code", "status", "kind", "ours"),
    [
        ("ExpiredToken", 400, AccessError, "E104"),
        ("InvalidAccessKeyId", 403, AccessError, "E105"),
        ("SignatureDoesNotMatch", 403, AccessError, "E105"),
        ("AccessDenied", 403, AccessError, "E106"),
        ("403", 403, AccessError, "E106"),
        ("NoSuchBucket", 404, ConfigError, "E107"),
        ("InvalidBucketName", 400, ConfigError, "E108"),
        ("PermanentRedirect", 301, ConfigError, "E109"),
        ("AuthorizationHeaderMalformed", 400, ConfigError, "E109"),
        ("RequestTimeTooSkewed", 403, AccessError, "E113"),
        ("XAmzContentSHA256Mismatch", 400, StoreError, "E114"),
        ("BadDigest", 400, UnavailableError, "E110"),
        ("NotImplemented", 501, StoreError, "E114"),
        ("SlowDown", 503, UnavailableError, "E402"),
        ("InternalError", 500, UnavailableError, "E110"),
        ("SomethingNew", 400, StoreError, "E100"),
    ],
)
def test_an_answer_has_its_number(code, status, kind, ours):
    error = translate(answer(code, status), "write", url=URL, key=".S3/head")

    assert type(error) is kind
    assert error.code == ours
    assert "team-data" in error.message
    assert error.cause
    assert error.fix


@pytest.mark.parametrize(
    ("verb", "right"),
    [
        ("read", "s3:GetObject and s3:ListBucket"),
        ("write", "s3:PutObject"),
        ("list", "s3:ListBucket"),
        ("delete", "s3:DeleteObject"),
    ],
)
def test_a_refusal_names_the_right_that_is_needed(verb, right):
    error = translate(answer("AccessDenied", 403), verb, url=URL, key=".S3/head")

    assert f"lacks {right} on {URL}/.S3/head" in error.message


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (theirs.NoCredentialsError(), AccessError, "E101"),
        (theirs.PartialCredentialsError(provider="env", cred_var="x"), AccessError, "E102"),
        (theirs.ProfileNotFound(profile="team"), AccessError, "E103"),
        (theirs.UnauthorizedSSOTokenError(), AccessError, "E104"),
        (theirs.TokenRetrievalError(provider="sso", error_msg="x"), AccessError, "E104"),
        (theirs.EndpointConnectionError(endpoint_url="http://h"), UnavailableError, "E110"),
        (theirs.ConnectTimeoutError(endpoint_url="http://h"), UnavailableError, "E110"),
        (theirs.ReadTimeoutError(endpoint_url="http://h"), UnavailableError, "E110"),
        (theirs.ConnectionClosedError(endpoint_url="http://h"), UnavailableError, "E110"),
        (theirs.ResponseStreamingError(error="x"), UnavailableError, "E110"),
        (theirs.SSLError(endpoint_url="http://h", error="x"), UnavailableError, "E111"),
        (theirs.ConfigParseError(path="/x"), AccessError, "E116"),
        (theirs.MissingDependencyException(msg="awscrt"), AccessError, "E116"),
        (
            theirs.ProxyConnectionError(proxy_url="http://p", error="x"),
            UnavailableError,
            "E117",
        ),
        (theirs.ParamValidationError(report="x"), ConfigError, "E108"),
        (ValueError("Invalid endpoint: minio:9000"), ConfigError, "E112"),
        (theirs.BotoCoreError(), StoreError, "E100"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_a_failure_of_the_library_has_its_number(error, kind, code):
    ours = translate(error, "read", url=URL, endpoint="http://h")

    assert type(ours) is kind
    assert ours.code == code
    assert ours.cause
    assert ours.fix


def test_passwords_in_addresses_are_left_out():
    error = theirs.EndpointConnectionError(endpoint_url="http://ana:geheim@minio:9000/b")

    ours = translate(error, "read", url=URL, endpoint="http://ana:geheim@minio:9000")

    for text in (ours.message, ours.cause, ours.fix, why(error)):
        assert "geheim" not in text
        assert "ana" not in text
