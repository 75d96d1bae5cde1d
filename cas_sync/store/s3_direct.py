"""One connection pool for all clients, and the first read of a sync through it.

Most syncs send one request, which reads the head. To make a client takes ten times as long
as that: the library loads the descriptions of all operations of S3 and of all regions. So
the first read is put together here from the library's own parts: its credentials, its
signature, its connection. It is used where it is plain what the library would send, and
whatever comes of it that is not an object or the clear word that there is none is left to
the client, which asks again and knows what to make of it.
"""

import os
import re
import socket
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
from botocore.session import Session
from botocore.utils import get_environ_proxies

CONNECT_TIMEOUT_S = 10
READ_TIMEOUT_S = 60

_UNUSUAL = ("s3", "use_dualstack_endpoint", "use_fips_endpoint", "auth_scheme_preference")
"""Settings that change where a request goes, or how it is signed."""

_REGION = re.compile(r"(af|ap|ca|eu|il|me|mx|sa|us)-[a-z]+-[0-9]")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_SPECIAL_BUCKET = ("-s3alias", "-x-s3", "-ol-s3", "-table-s3")


class Read(NamedTuple):
    """A clear answer to a read.

    Attributes:
        data: The object's bytes; `None` where there is no object.
        etag: Its version.
    """

    data: bytes | None
    etag: str = ""


def open_connections(session: Session, endpoint: str, most: int) -> Any:
    """Return a pool of connections as a client for ``endpoint`` would open it."""
    verify = session.get_config_variable("ca_bundle")
    if verify is None:
        verify = os.environ.get("REQUESTS_CA_BUNDLE")
    return URLLib3Session(
        verify=True if verify is None else verify,
        proxies=get_environ_proxies(endpoint),
        timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
        max_pool_connections=most,
        socket_options=[
            (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
            (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        ],
    )


def plain_url(session: Session, endpoint: str | None, bucket: str, key: str) -> str | None:
    """Return where an object is; `None` where only the library's own rules tell.

    Args:
        session: Knows the region, and what AWS's own files say.
        endpoint: Address of a server that was named; `None` for AWS's.
        bucket: Name of the bucket.
        key: Full name of the object.
    """
    settings, region = session.get_scoped_config(), session.get_config_variable("region")
    if not region or any(session.get_config_variable(name) for name in _UNUSUAL):
        return None
    if endpoint is None and ("services" in settings or "endpoint_url" in settings):
        return None
    if not _BUCKET.fullmatch(bucket) or bucket.endswith(_SPECIAL_BUCKET):
        return None
    path = quote(key, safe="/~")
    if endpoint is None:
        if not _REGION.fullmatch(region):
            return None
        place = "s3" if region == "us-east-1" else f"s3.{region}"
        return f"https://{bucket}.{place}.amazonaws.com/{path}"
    parts = urlsplit(endpoint)
    is_plain = parts.scheme in ("http", "https") and parts.path in ("", "/")
    if not is_plain or not parts.netloc or "@" in parts.netloc or parts.query or parts.fragment:
        return None
    return f"{parts.scheme}://{parts.netloc}/{bucket}/{path}"


def signed_get(session: Session, url: str) -> Any:
    """Return a request to read what is at ``url``; `None` where nobody says who we are."""
    credentials = session.get_credentials()
    if credentials is None:
        return None
    request = AWSRequest(
        "GET", url, headers={"User-Agent": session.user_agent()}, stream_output=True
    )
    region = session.get_config_variable("region")
    S3SigV4Auth(credentials.get_frozen_credentials(), "s3", region).add_auth(request)
    return request.prepare()


def understood(response: Any, data: bytes) -> Read | None:
    """Return what an answer says; `None` where somebody has to ask again who knows more."""
    etag = response.headers.get("ETag")
    if response.status_code == 404 and b"<Code>NoSuchKey</Code>" in data:
        return Read(None)
    is_whole = response.headers.get("Content-Length") in (None, str(len(data)))
    return Read(data, etag) if response.status_code == 200 and etag and is_whole else None
