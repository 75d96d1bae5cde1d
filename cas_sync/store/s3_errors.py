"""What S3 and its library say, in the words of `cas_sync.errors`.

Works on names and codes alone, so that it needs no import of the AWS library and every
line of it can be tested without one. Nothing secret gets into a message: keys, tokens and
signed URLs are never quoted.
"""

from collections.abc import Mapping

from cas_sync.errors import (
    AccessError,
    CasSyncError,
    ConfigError,
    StoreError,
    UnavailableError,
    UnsafeStoreError,
)
from cas_sync.model.credentials import without_login

TRANSIENT = frozenset(
    {
        "ConditionalRequestConflict",
        "InternalError",
        "OperationAborted",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
    }
)
"""Answers after which a write may or may not have happened."""

CHANGED = frozenset({"BadDigest", "XAmzContentSHA256Mismatch"})
"""Answers to a body that is not the one that was sent."""

_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"}
_WRONG_KEY = {
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "InvalidToken",
    "InvalidClientTokenId",
}
_WRONG_REGION = {
    "PermanentRedirect",
    "TemporaryRedirect",
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
    "IllegalLocationConstraint",
    "301",
    "307",
}
_SSO = {
    "TokenRetrievalError",
    "UnauthorizedSSOTokenError",
    "SSOTokenLoadError",
    "SSOError",
    "CredentialRetrievalError",
    "LoginError",
    "LoginRefreshRequired",
    "LoginTokenLoadError",
}
_RIGHTS = {
    "read": "s3:GetObject and s3:ListBucket",
    "write": "s3:PutObject",
    "list": "s3:ListBucket",
    "delete": "s3:DeleteObject",
}


def code_of(error: BaseException) -> str:
    """Return the store's own error code; empty where the store did not answer."""
    return str(_part(error, "Error").get("Code", ""))


def status_of(error: BaseException) -> int:
    """Return the HTTP status of an error answer; 0 where the store did not answer."""
    status = _part(error, "ResponseMetadata").get("HTTPStatusCode", 0)
    return status if isinstance(status, int) else 0


def why(error: BaseException) -> str:
    """Return what happened in one line, for people."""
    if code := code_of(error):
        told = str(_part(error, "Error").get("Message", "")).strip()
        text = (
            f"{code} ({status_of(error)}): {told}" if told else f"{code} ({status_of(error)})"
        )
    else:
        text = f"{type(error).__name__}: {error}"
    return without_login(" ".join(text.split()))


def translate(
    error: BaseException, verb: str, *, url: str, key: str = "", endpoint: str = ""
) -> CasSyncError:
    """Return our own error for one of the AWS library, to be raised from it.

    Args:
        error: What was raised.
        verb: What was tried: ``read``, ``write``, ``list`` or ``delete``.
        url: The store, as the user wrote it.
        key: The object, where there is one.
        endpoint: The server that was asked, where it is known.
    """
    if code_of(error) or status_of(error):
        return _from_answer(error, verb, url, key)
    return _from_library(error, verb, url, endpoint)


def _from_answer(error: BaseException, verb: str, url: str, key: str) -> CasSyncError:
    code, status, cause = code_of(error), status_of(error), why(error)
    bucket = url.partition("://")[2].partition("/")[0]
    if code == "NoSuchBucket" or (status == 404 and verb in ("list", "write")):
        return ConfigError(
            f'bucket "{bucket}" does not exist (from {url})',
            cause=cause,
            fix="check the name and the region, or create the bucket",
            code="E107",
        )
    if code == "InvalidBucketName":
        return ConfigError(
            f'"{bucket}" is not a bucket name (from {url})',
            cause=cause,
            fix="give the store as s3://bucket/prefix",
            code="E108",
        )
    if code in _EXPIRED:
        return AccessError(
            f"your AWS session for {url} has expired",
            cause=cause,
            fix="aws sso login or aws login, with your profile",
            code="E104",
        )
    if code in _WRONG_KEY:
        return AccessError(
            f"the server behind {url} does not know this key, or the secret does not match",
            cause=cause,
            fix="check the key for spaces, and which profile or variable it was taken from",
            code="E105",
        )
    if code == "RequestTimeTooSkewed":
        return AccessError(
            f"this computer's clock is wrong, so {url} refuses its requests",
            cause=cause,
            fix="set the clock by a time server",
            code="E113",
        )
    if code in _WRONG_REGION or status in (301, 307):
        return ConfigError(
            f'bucket "{bucket}" is in another region (from {url})',
            cause=cause,
            fix="cas-sync config set region REGION      with the bucket's",
            code="E109",
        )
    if status in (401, 403) or code in ("AccessDenied", "AllAccessDisabled"):
        return AccessError(
            f"your identity lacks {_RIGHTS[verb]} on {_place(url, key)}",
            cause=f"{cause}. Without s3:ListBucket a missing object looks forbidden, too"
            if verb == "read"
            else cause,
            fix="ask your admin for s3:GetObject, s3:PutObject and s3:ListBucket on it; "
            "to read only:  cas-sync sync --pull-only",
        )
    if status == 501 or code in ("NotImplemented", "XAmzContentSHA256Mismatch"):
        return StoreError(
            f"the server behind {url} does not support what it was asked",
            cause=cause,
            fix="upgrade the server, or use another store",
            code="E114",
        )
    if status in (429, 503) or code in ("SlowDown", "ServiceUnavailable"):
        return UnavailableError(
            f"{url} asks to slow down",
            cause=cause,
            fix="run again, with --jobs 4",
            code="E402",
        )
    if code == "BadDigest":
        return UnavailableError(
            f"what was sent to {url} arrived there as something else",
            cause=cause,
            fix="run again; if it stays so, a proxy on the way changes what it passes on",
        )
    if status >= 500 or status in (408, 409) or code in TRANSIENT:
        return UnavailableError(
            f"{url} could not {verb} {key or 'anything'}", cause=cause, fix="run again"
        )
    return StoreError(
        f"{url} refused to {verb} {key or 'anything'}",
        cause=cause,
        fix="check the store's address, region and rights",
    )


def _from_library(error: BaseException, verb: str, url: str, endpoint: str) -> CasSyncError:
    names = {kind.__name__ for kind in type(error).__mro__}
    cause = why(error)
    server = without_login(endpoint) or url
    if names & {"NoCredentialsError", "NoAuthTokenError"}:
        return AccessError(
            f"no AWS credentials for {url}",
            cause="looked in: environment, ~/.aws/credentials, SSO cache, "
            "container/instance role - nothing found",
            fix="aws configure sso, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            code="E101",
        )
    if "PartialCredentialsError" in names:
        return AccessError(
            f"only half of the AWS key pair for {url} is set",
            cause=cause,
            fix="set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or unset both",
            code="E102",
        )
    if "ProfileNotFound" in names:
        return AccessError(
            f"no such AWS profile for {url}",
            cause=cause,
            fix="aws configure list-profiles; then --profile NAME or AWS_PROFILE,\n"
            "or to keep it here:  cas-sync config set profile NAME --local",
            code="E103",
        )
    if names & _SSO:
        return AccessError(
            f"your AWS session for {url} has expired",
            cause=cause,
            fix="aws sso login or aws login, with your profile",
            code="E104",
        )
    if names & {"ConfigParseError", "MissingDependencyException", "ConfigNotFound"}:
        return AccessError(
            f"the AWS configuration for {url} cannot be used",
            cause=cause,
            fix="mend the file that is named, or install what is missing",
            code="E116",
        )
    if "ProxyConnectionError" in names:
        return UnavailableError(
            f"cannot reach {server} through the proxy",
            cause=cause,
            fix="unset HTTPS_PROXY, or add the host to NO_PROXY",
            code="E117",
        )
    if "SSLError" in names:
        return UnavailableError(
            f"no secure connection to {server}",
            cause=cause,
            fix="use http:// if that is what the server speaks, or set AWS_CA_BUNDLE",
            code="E111",
        )
    if names & {"HTTPClientError", "HTTPError", "ConnectionError", "ResponseParserError"}:
        return UnavailableError(
            f"cannot reach {server}",
            cause=cause,
            fix="is the network up, the VPN on, the server running? then run again",
            code="E110",
        )
    if "ParamValidationError" in names or "InvalidBucketName" in cause:
        return ConfigError(
            f"{url} is not an address S3 can use",
            cause=cause,
            fix="give the store as s3://bucket/prefix",
            code="E108",
        )
    if isinstance(error, ValueError) and "endpoint" in str(error).lower():
        return ConfigError(
            f"endpoint_url {server} needs http:// or https://",
            cause=cause,
            fix=f"http://{server}" if endpoint else "begin it with http:// or https://",
            code="E112",
        )
    return StoreError(
        f"could not {verb} in {url}",
        cause=cause,
        fix="check the store's address, region and rights",
    )


def unsafe(url: str, cause: str) -> UnsafeStoreError:
    """Return the refusal of a store that cannot do conditional writes."""
    return UnsafeStoreError(
        f"{url} cannot keep two writers apart",
        cause=cause,
        fix='upgrade the server, or set "writers": "one" where only one machine writes',
    )


def _place(url: str, key: str) -> str:
    return f"{url}/{key}" if key else f"{url}/*"


def _part(error: BaseException, name: str) -> Mapping[str, object]:
    answer = getattr(error, "response", None)
    part = answer.get(name) if isinstance(answer, Mapping) else None
    return part if isinstance(part, Mapping) else {}
