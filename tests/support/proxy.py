"""A proxy between a client and an S3 server that fails on demand.

Requests are passed on as they came, `Host` included, because it is signed. Rules look at
each request and say what shall go wrong; every request is remembered.
"""

import http.client
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.support.weed import S3Server


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent.

    Attributes:
        number: How many requests came before this one.
        path: With its query.
        headers: Names in lower case.
    """

    number: int
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class DropBefore:
    """Hang up; the server never hears of the request."""


@dataclass(frozen=True, slots=True)
class ApplyThenDrop:
    """Let the server do it, then hang up instead of answering."""


@dataclass(frozen=True, slots=True)
class Delay:
    """Pass the request on after a while."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ApplyLater:
    """Hang up, and let the server do it after a while, whoever wrote meanwhile."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Status:
    """Answer with an error of S3; the server never hears of the request."""

    status: int
    code: str = "InternalError"
    message: str = "made up by the test"


@dataclass(frozen=True, slots=True)
class Truncate:
    """Send only the first ``size`` bytes of the answer's body.

    Attributes:
        size: Bytes that are sent.
        announced: Whether the answer claims to be that short, or the connection breaks.
    """

    size: int
    announced: bool = False


@dataclass(frozen=True, slots=True)
class IgnoreConditions:
    """Take ``If-Match`` and ``If-None-Match`` out, as servers do that do not know them."""


@dataclass(frozen=True, slots=True)
class FlipBit:
    """Change one bit in the middle of the request's body."""


@dataclass(frozen=True, slots=True)
class FlipAnswer:
    """Change one bit in the middle of the answer's body."""


@dataclass(frozen=True, slots=True)
class Stale:
    """Answer a GET as the server answered the first one of its kind."""


@dataclass(frozen=True, slots=True)
class Portal:
    """Answer with a page to log in at, as networks of hotels do; nothing is passed on."""


Action = (
    DropBefore
    | ApplyThenDrop
    | ApplyLater
    | Delay
    | Status
    | Truncate
    | IgnoreConditions
    | FlipBit
    | FlipAnswer
    | Stale
    | Portal
)
Rule = Callable[[Request], Action | None]


@dataclass(frozen=True, slots=True)
class Record:
    """One request as it went.

    Attributes:
        status: Of the answer; 0 where the client got none.
        bytes_up: Size of the request's body.
        bytes_down: Size of the answer's body, as sent to the client.
    """

    method: str
    path: str
    status: int
    bytes_up: int
    bytes_down: int


class Proxy:
    """Runs while its `with` block does.

    Attributes:
        rules: Asked in order, one request at a time; the first answer counts. Tests add to
            it at any time.
        records: Every request so far, in the order of their ends.
        firsts: By path, how the first GET was answered: status, headers, body.
    """

    def __init__(self, server: S3Server) -> None:
        self.rules: list[Rule] = []
        self.records: list[Record] = []
        self._behind = server
        self._lock = threading.Lock()
        self._seen = 0
        self.firsts: dict[str, tuple[int, list[tuple[str, str]], bytes]] = {}
        self._closing = threading.Event()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()

    @property
    def endpoint(self) -> str:
        """Where clients find the proxy."""
        host, port = self._server.server_address[:2]
        return f"http://{host}:{port}"

    @property
    def requests(self) -> Counter[str]:
        """Number of requests by method."""
        with self._lock:
            return Counter(record.method for record in self.records)

    def forget(self) -> None:
        """Start counting anew."""
        with self._lock:
            self.records.clear()

    def _admit(self, method: str, path: str, headers: Mapping[str, str], body: bytes):
        with self._lock:
            request = Request(self._seen, method, path, headers, body)
            self._seen += 1
            actions = [rule(request) for rule in self.rules]  # each of them counts
            return request, next((action for action in actions if action is not None), None)

    def _note(self, request: Request, status: int, bytes_down: int) -> None:
        record = Record(request.method, request.path, status, len(request.body), bytes_down)
        with self._lock:
            self.records.append(record)


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for all of them
    request_queue_size = 128

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self._open = set()
        self._open_lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    def remember(self, connection) -> None:
        with self._open_lock:
            self._open.add(connection)

    def forget(self, connection) -> None:
        with self._open_lock:
            self._open.discard(connection)

    def hang_up(self) -> None:
        """End the connections that clients keep open."""
        with self._open_lock:
            for connection in self._open:
                _shut(connection)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.remember(self.connection)
        host = urlsplit(self.server.proxy._behind.endpoint).netloc
        self._upstream = http.client.HTTPConnection(host, timeout=60)

    def finish(self) -> None:
        self._upstream.close()
        self.server.forget(self.connection)
        try:
            super().finish()
        except OSError:
            self.close_connection = True  # the client went first

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True  # the client went first

    def log_message(self, *_) -> None:
        """Keep quiet; the records tell more."""

    def _relay(self) -> None:
        proxy = self.server.proxy
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True  # the client went first; the server would wait
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        request, action = proxy._admit(self.command, self.path, headers, body)
        match action:
            case DropBefore():
                self._hang_up(request)
                return
            case Status(status, code, message):
                xml = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
                self._answer(request, status, [("Content-Type", "application/xml")], xml)
                return
            case Portal():
                page = b"<!DOCTYPE html><title>Welcome</title>Room number, please."
                self._answer(request, 200, [("Content-Type", "text/html")], page)
                return
            case Stale() if self.command == "GET" and self.path in proxy.firsts:
                status, old, content = proxy.firsts[self.path]
                self._answer(request, status, old, content)
                return
            case ApplyLater(seconds):
                self._hang_up(request)
                proxy._closing.wait(seconds)
            case Delay(seconds):
                proxy._closing.wait(seconds)
            case IgnoreConditions():
                headers = self._without_conditions(request)
            case FlipBit():
                middle = len(body) // 2
                body = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
        self._upstream.putrequest(
            self.command, self.path, skip_host=True, skip_accept_encoding=True
        )
        for name, value in headers.items():
            if name not in ("expect", "connection", "keep-alive"):
                self._upstream.putheader(name, value)
        self._upstream.endheaders(body)
        response = self._upstream.getresponse()
        content = response.read()
        if isinstance(action, ApplyThenDrop):
            self._hang_up(request)
        if isinstance(action, ApplyThenDrop | ApplyLater):
            return
        skipped = ("connection", "keep-alive", "transfer-encoding", "content-length")
        kept = [
            (name, value)
            for name, value in response.getheaders()
            if name.lower() not in skipped
        ]
        if self.command == "GET":
            proxy.firsts.setdefault(self.path, (response.status, kept, content))
        if isinstance(action, FlipAnswer) and content:
            middle = len(content) // 2
            flipped = bytes([content[middle] ^ 1])
            content = content[:middle] + flipped + content[middle + 1 :]
        size = response.headers.get("Content-Length") if self.command == "HEAD" else None
        cut = action if isinstance(action, Truncate) else None
        self._answer(request, response.status, kept, content, size=size, cut=cut)

    do_DELETE = do_GET = do_HEAD = do_POST = do_PUT = _relay  # noqa: N815 (http.server's names)

    def _answer(self, request, status, headers, content, *, size=None, cut=None) -> None:
        announced = len(content) if cut is None or not cut.announced else cut.size
        sent = content if cut is None else content[: cut.size]
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", size or str(announced))
        if len(sent) < announced:
            self.close_connection = True
        # Before it is sent: who has the answer may look at the records at once.
        self.server.proxy._note(request, status, len(sent))
        self.end_headers()
        self.wfile.write(sent)
        if self.close_connection:
            _shut(self.connection)

    def _hang_up(self, request) -> None:
        self.server.proxy._note(request, 0, 0)
        self.close_connection = True
        _shut(self.connection)

    def _without_conditions(self, request: Request) -> dict[str, str]:
        """Return headers without the conditions, signed again for the server behind."""
        behind = self.server.proxy._behind
        left_out = (
            "if-match",
            "if-none-match",
            "authorization",
            "x-amz-date",
            "host",
            "expect",
        )
        kept = {name: text for name, text in request.headers.items() if name not in left_out}
        signed = AWSRequest(
            request.method, behind.endpoint + request.path, headers=kept, data=request.body
        )
        credentials = Credentials(behind.access_key, behind.secret_key)
        S3SigV4Auth(credentials, "s3", behind.region).add_auth(signed)
        return {**dict(signed.headers.items()), "Host": urlsplit(behind.endpoint).netloc}


def _shut(connection) -> None:
    try:
        connection.shutdown(SHUT_RDWR)
    except OSError:
        return  # it is shut already


def nth(number: int, action: Action, *, method: str = "", part: str = "") -> Rule:
    """Return a rule for one request, counted from 0, of those that `always` would take."""
    seen = [0]

    def rule(request: Request) -> Action | None:
        if method not in ("", request.method) or part not in request.path:
            return None
        seen[0] += 1
        return action if seen[0] == number + 1 else None

    return rule


def always(action: Action, *, method: str = "", part: str = "") -> Rule:
    """Return a rule for every request of ``method`` whose path has ``part``."""

    def rule(request: Request) -> Action | None:
        fits = method in ("", request.method) and part in request.path
        return action if fits else None

    return rule
