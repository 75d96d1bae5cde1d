"""The AWS library, set up: a session, and clients that differ in what they promise.

It is used without boto3's own layer, which adds resources and transfers that nothing here
needs, and takes a quarter of the time to load.
"""

import ipaddress
import os
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.loaders import Loader
from botocore.session import Session, get_session
from urllib3.exceptions import HTTPError

from cas_sync.store.bucket import StoreAddress
from cas_sync.store.s3_direct import (
    CONNECT_TIMEOUT_S,
    READ_TIMEOUT_S,
    Read,
    open_connections,
    plain_url,
    signed_get,
    understood,
)

TRIES = 5
"""How often the library sends a request that may be repeated."""

_AWS = re.compile(
    r"(\.|^)(amazonaws\.com(\.cn)?|amazonaws\.eu|api\.aws|api\.amazonwebservices\.com\.cn)$"
)


class Kind(Enum):
    """What a client promises."""

    ORDINARY = "a request may be sent several times"
    ONCE = "a request is sent exactly once"
    UNSIGNED_BODY = "as ordinary, and the signature covers all but the body"


class Clients:
    """The clients of one address, each made at its first use; safe to use from any thread.

    They share their connections: to open one costs two or three times across the network.

    Args:
        address: Where to, and with which identity.
        on_made: Is given each client that is made.
    """

    def __init__(self, address: StoreAddress, on_made: Callable[[Any], None]) -> None:
        self._address = address
        self._on_made = on_made
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._has_read = False
        self._connections: Any = None
        self._made: dict[Kind, Any] = {}

    def get(self, kind: Kind = Kind.ORDINARY) -> Any:
        """Return a client; credentials may come from a network.

        Raises:
            BotoCoreError: The library cannot use what it was told.
            ValueError: The endpoint is no URL.
        """
        client = self._made.get(kind)
        if client is not None:
            return client
        with self._lock:
            if kind not in self._made:
                self._made[kind] = self._make(kind)
            return self._made[kind]

    def read_first(
        self,
        bucket: str,
        key: str,
        on_sent: Callable[[], None],
        on_answer: Callable[[int], None],
        most: int,
    ) -> Read | None:
        """Read an object without a client if it is the first; `None` where one is needed.

        Args:
            bucket: Name of the bucket.
            key: Full name of the object.
            on_sent: Called before the request leaves.
            on_answer: Is told how many bytes its answer had.
            most: A longer answer is left to the client.
        """
        # Whatever is wrong is told by a client, which meets it again.
        with suppress(BotoCoreError, HTTPError, ValueError):
            request = self._first_request(bucket, key)
            if request is not None:
                on_sent()
                response = self._connections.send(request)
                data = response.raw.read(most + 1)
                on_answer(len(data))
                if len(data) > most:
                    response.raw.close()
                    return None
                return understood(response, data)
        return None

    def _first_request(self, bucket: str, key: str) -> Any:
        with self._lock:
            if self._has_read or self._made or self._address.unsigned:
                return None
            self._has_read = True
            session = self._session = self._session or _session(self._address)
            endpoint = self._address.endpoint_url or _endpoint_said(session)
            url = plain_url(session, endpoint, bucket, key)
            if url is None or (endpoint and _is_aws(endpoint)):
                return None
            self._connections = self._connect(session, url)
            return signed_get(session, url)

    @property
    def endpoint(self) -> str:
        """Where requests go, as far as that is known yet."""
        made = list(self._made.values())  # another thread may add one meanwhile
        return str(made[0].meta.endpoint_url) if made else self._address.endpoint_url or ""

    @property
    def is_encrypted(self) -> bool:
        """Whether requests are encrypted; known once there is a client."""
        return urlsplit(self.endpoint).scheme == "https"

    @property
    def is_local(self) -> bool:
        """Whether requests stay on this machine; known once there is a client."""
        host = urlsplit(self.endpoint).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    @property
    def knows_checksums(self) -> bool:
        """Whether the server understands AWS's newer checksums, as far as we are told."""
        said = self._address.checksums
        return _is_aws(self.endpoint) if said == "auto" else said == "when_supported"

    @property
    def is_told_what_to_sign(self) -> bool:
        """Whether the user's AWS configuration says if bodies are to be signed."""
        said = self._session.get_scoped_config().get("s3") if self._session else None
        return isinstance(said, dict) and "payload_signing_enabled" in said

    def close(self) -> None:
        """Give connections back."""
        with self._lock:
            for client in self._made.values():
                client.close()
            self._made.clear()
            if self._connections is not None:
                self._connections.close()
                self._connections = None

    def _make(self, kind: Kind) -> Any:
        address = self._address
        session = self._session = self._session or _session(address)
        config = Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            retries={
                "mode": "standard",
                "total_max_attempts": 1 if kind is Kind.ONCE else TRIES,
            },
            parameter_validation=False,
        )
        if kind is Kind.UNSIGNED_BODY:
            config = config.merge(Config(s3={"payload_signing_enabled": False}))
        if address.unsigned and session.get_credentials() is None:
            config = config.merge(Config(signature_version=UNSIGNED))
        # Other servers often do not know AWS's newer checksums.
        endpoint = address.endpoint_url or _endpoint_said(session)
        checksums = address.checksums
        if checksums == "auto" and endpoint and not _is_aws(endpoint):
            checksums = "when_required"
        client = _create(session, config, endpoint, checksums)
        if checksums == "auto" and not _is_aws(client.meta.endpoint_url):
            # AWS's own files led elsewhere, which only the finished client tells.
            client.close()
            client = _create(session, config, endpoint, "when_required")
        self._on_made(client)
        self._connections = self._connections or self._connect(
            session, client.meta.endpoint_url
        )
        client.meta.events.register_last("before-send.s3", self._send)
        return client

    def _connect(self, session: Session, url: str) -> Any:
        # The pool's threads, the thread that reads the head, and the main one.
        return open_connections(session, url, max(self._address.jobs + 2, 10))

    def _send(self, request: Any, **_: object) -> Any:
        """Send a request of any client through the connections that all share."""
        return self._connections.send(request)


def find_profiles() -> list[str]:
    """Return the names of AWS profiles on this machine, as the library finds them.

    A file of AWS's that cannot be read has none here; the first request says what is wrong.
    """
    try:
        return list(get_session().available_profiles)
    except BotoCoreError:
        return []


def _session(address: StoreAddress) -> Session:
    """Return a session; only keys that were given to us go before its own."""
    session = get_session()
    if address.profile is not None:
        session.set_config_variable("profile", address.profile)
    if address.region is not None:
        session.set_config_variable("region", address.region)
    if keys := address.credentials:
        session.set_credentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
    more = session.get_config_variable("data_path") or ""
    paths = [os.path.expandvars(each) for each in more.split(os.pathsep) if each]
    session.register_component("data_loader", _Loader(list(map(os.path.expanduser, paths))))
    return session


def _endpoint_said(session: Session) -> str | None:
    """Return the endpoint that the environment says; AWS's own files may say another."""
    if session.get_config_variable("ignore_configured_endpoint_urls"):
        return None
    said = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return said or None


def _create(session: Session, config: Config, endpoint: str | None, checksums: str) -> Any:
    if checksums != "auto":
        said = Config(
            request_checksum_calculation=checksums, response_checksum_validation=checksums
        )
        config = config.merge(said)
    return session.create_client("s3", endpoint_url=endpoint, config=config)


class _Loader(Loader):  # type: ignore[misc]  # the library has no types
    """Loads descriptions of services.

    Before the library loads one it lists all there are, and looks into the folder of each of
    400. Their names are enough: one that is no service is found out when it is loaded.
    """

    def list_available_services(self, type_name: str) -> list[str]:
        """Return the names of services, and maybe of other folders."""
        del type_name
        there = filter(os.path.isdir, self.search_paths)
        return sorted({name for path in there for name in os.listdir(path)})  # noqa: PTH208


def _is_aws(endpoint: str) -> bool:
    return _AWS.search(urlsplit(endpoint).hostname or "") is not None
