"""A bucket on S3, or on a server that speaks like it.

Every request but one kind may be repeated by the library. The exception is `put_if`: it
goes through a client of its own that sends exactly one try, because the library's second
try would meet our own first one and report a write that was won as lost.

To sign a body means to hash it with SHA-256, which takes longer than all else that is done
with it. A large body goes without where nobody on the way can change it; see `_put`.

Nothing is sent, and no credential is looked up, before the first request.
"""

import re
import secrets
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from itertools import islice, pairwise
from typing import Any
from zlib import crc32

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from cas_sync.clock import Clock, SystemClock
from cas_sync.errors import ConfigError, DamageError, StoreError, UnavailableError
from cas_sync.formats import keys
from cas_sync.model.foreign import ForeignObject
from cas_sync.store.bucket import (
    MAX_WHOLE,
    Blob,
    Body,
    ETag,
    Key,
    Meter,
    Moved,
    StoreAddress,
    Stored,
    Unclear,
    too_long,
)
from cas_sync.store.s3_client import TRIES, Clients, Kind
from cas_sync.store.s3_errors import (
    CHANGED,
    TRANSIENT,
    code_of,
    status_of,
    translate,
    unsafe,
    why,
)
from cas_sync.store.s3_terms import keeps_versions, rules_of
from cas_sync.store.terms import Terms

_FOREIGN = (BotoCoreError, ClientError, HTTPError)
_RESTORE = "run again; if it stays so, restore the object from the bucket's versions"
_READ_TRIES = 3
_DELETE_BATCH = 1000
_SMALL_BODY = 1 << 16


class WireMeter(Meter):
    """A meter that learns of an answer's body only after the request was counted."""

    def received(self, size: int) -> None:
        """Add ``size`` bytes of a response body."""
        with self._lock:
            self.bytes_down += size


class S3Bucket:
    """Keeps objects on S3; see `Bucket` for what each method promises.

    Attributes:
        url: Where it is, as the user wrote it.
        meter: Every HTTP request that left, also the library's own retries.
    """

    meter: Meter

    def __init__(self, address: StoreAddress, *, clock: Clock | None = None) -> None:
        """Remember the address.

        Raises:
            ConfigError: The address names no bucket.
        """
        self.url = address.url
        self._bucket, self._prefix = split_s3_url(address.url)
        self._wire = WireMeter()
        self.meter = self._wire
        self._clock = clock or SystemClock()
        self._clients = Clients(address, self._watch)
        self._checks_sums: bool | None = None

    def get(self, key: Key, most: int = MAX_WHOLE) -> Blob | None:
        """Return the whole object, or `None` where there is none.

        Raises:
            DamageError: It is longer than ``most`` bytes.
        """
        at = self._at(key)
        read = self._clients.read_first(
            at["Bucket"], at["Key"], lambda: self._wire.count("GET"), self._wire.received, most
        )
        if read is not None:
            return None if read.data is None else Blob(read.data, ETag(read.etag))
        answer = self._fetch(at, key, {}, most)
        if answer is None:
            return None
        response, data = answer
        return Blob(data, self._etag_in(response, "read", key))

    def get_range(self, key: Key, offset: int, length: int) -> bytes | None:
        """Return exactly ``length`` bytes from ``offset``; `None` where there is no object.

        Raises:
            DamageError: The object is shorter, or the store sent other than was asked.
        """
        if length == 0:  # what a Range header cannot say
            blob = self.get(key)
            return None if blob is None else b""
        return self._range(self._at(key), key, offset, length)

    def _range(self, at: Mapping[str, str], key: str, offset: int, length: int) -> bytes | None:
        asked = f"bytes={offset}-{offset + length - 1}"
        answer = self._fetch(at, key, {"Range": asked}, length)
        if answer is None:
            return None
        response, data = answer
        told = response.get("ContentRange")
        partial = response["ResponseMetadata"]["HTTPStatusCode"] == 206
        # Asked for all of an object, some servers send it as a whole, which is the same.
        whole = not partial and offset == 0
        if len(data) != length or not (whole or _begins_at(told, offset)):
            raise DamageError(
                f"{key} in {self.url} is too short, or its store sent another part of it",
                cause=f"asked for {asked}, got {len(data)} bytes as {told or 'a whole'}",
                fix=_RESTORE,
            )
        return data

    def put_new(self, key: Key, data: Body) -> Stored | Moved:
        """Store an object that must not exist yet."""
        for attempt in range(TRIES):
            try:
                response = self._put(self._at(key), data)
                return Stored(self._etag_in(response, "write", key))
            except _FOREIGN as error:
                if _is_refusal(error):
                    return Moved()
                if status_of(error) == 501:
                    raise unsafe(self.url, why(error)) from error
                # Two writers met: S3 asks both to come again. Or it was changed on its way.
                again = status_of(error) == 409 or code_of(error) in CHANGED
                if not again or attempt == TRIES - 1:
                    raise self._translated(error, "write", key) from error
            self._clock.sleep(secrets.randbelow(100 << attempt) / 1000)
        raise AssertionError("unreachable")  # pragma: no cover

    def _put(self, at: Mapping[str, str], data: Body) -> Any:
        """Store an object with a CRC-32, which some servers check that trust a signed body.

        Whether one does is asked of the first body that goes in the clear, and told by its
        answer. The body is not signed where it is large and nobody can change it on its way:
        where it is encrypted, or stays on this machine and its CRC-32 is checked. The
        request is always signed, with its key, its condition and its CRC-32.
        """
        ordinary, clients = self._client(), self._clients
        what = {**at, "Body": data, "IfNoneMatch": "*"}
        checks, is_safe = self._is_checking(), clients.is_encrypted
        if checks is None and not is_safe:
            told = _sum(data)
            try:
                answer = ordinary.put_object(**what, **told)
            except ClientError as error:
                if status_of(error) not in (400, 501) or code_of(error) in CHANGED:
                    raise
                self._checks_sums = False
                return ordinary.put_object(**what)
            self._checks_sums = answer.get("ChecksumCRC32") == told["ChecksumCRC32"]
            return answer
        if checks:
            what.update(_sum(data))
        is_safe = is_safe or (bool(checks) and clients.is_local)
        if is_safe and len(data) > _SMALL_BODY and not clients.is_told_what_to_sign:
            return self._client(Kind.UNSIGNED_BODY).put_object(**what)
        return ordinary.put_object(**what)

    def _is_checking(self) -> bool | None:
        """Say whether the store compares a body with its CRC-32; `None` if nobody knows."""
        return self._clients.knows_checksums or self._checks_sums

    def put_if(self, key: Key, data: bytes, expected: ETag | None) -> Stored | Moved | Unclear:
        """Store ``data`` only while the object is at ``expected``: exactly one try is sent."""
        client = self._client(Kind.ONCE)
        condition: dict[str, str] = (
            {"IfNoneMatch": "*"} if expected is None else {"IfMatch": expected}
        )
        if self._is_checking():
            condition.update(_sum(data))
        try:
            response = client.put_object(**self._at(key), Body=data, **condition)
        except ClientError as error:
            code, status = code_of(error), status_of(error)
            if _is_refusal(error) or (code == "NoSuchKey" and expected is not None):
                return Moved()
            if status == 501:
                raise unsafe(self.url, why(error)) from error
            # What arrived as something else was not stored, so it may be sent again.
            is_open = status in (408, 409, 429) or status >= 500 or code == "BadDigest"
            if is_open or code in TRANSIENT:
                return Unclear(why(error))
            raise self._translated(error, "write", key) from error
        except (BotoCoreError, HTTPError) as error:
            ours = self._translated(error, "write", key)
            # Whatever broke on the wire may have broken after the store had it.
            if isinstance(ours, UnavailableError):
                return Unclear(why(error))
            raise ours from error
        etag = response.get("ETag")
        return Stored(ETag(etag)) if etag else Unclear("the answer was not one of S3")

    def list_keys(self, under: Key) -> Iterator[tuple[Key, int]]:
        """Yield every key that starts with ``under`` and its size in bytes, in key order."""
        # Not every server lists in key order (SeaweedFS goes folder by folder), so all
        # pages are read before the first key is passed on.
        above = self._full("")
        found = sorted(
            (Key(item["Key"].removeprefix(above)), int(item["Size"]))
            for item in self._list_items(under)
        )
        for (key, _), (following, _) in pairwise(found):
            if key == following:
                raise self._bad_listing(f"{key} is in it twice")
        yield from found

    def _list_items(self, under: str) -> Iterator[Mapping[str, Any]]:
        token: dict[str, str] = {}
        while True:
            try:
                page = self._client().list_objects_v2(
                    Bucket=self._bucket, Prefix=self._full(under), **token
                )
            except _FOREIGN as error:
                raise self._translated(error, "list", under) from error
            for item in page.get("Contents", ()):
                if not item["Key"].startswith(self._full(under)):
                    raise self._bad_listing(f"{item['Key']} does not belong to it")
                yield item
            if not page.get("IsTruncated"):
                return
            following = page.get("NextContinuationToken")
            if not following or following == token.get("ContinuationToken"):
                raise self._bad_listing("it was cut short and cannot be continued")
            token = {"ContinuationToken": following}

    def list_foreign(self) -> Iterator[ForeignObject]:
        """Yield every object below the prefix that is not ours; see `ForeignStore`."""
        above = self._full("")
        for item in self._list_items(""):
            key = str(item["Key"]).removeprefix(above)
            if not keys.is_ours(key):
                modified_ns = int(item["LastModified"].timestamp()) * 1_000_000_000
                etag = str(item.get("ETag", ""))
                yield ForeignObject(key, int(item["Size"]), modified_ns, etag)

    def read_foreign(self, key: str, offset: int, length: int) -> bytes | None:
        """Return a part of any object below the prefix; see `ForeignStore`."""
        at = {"Bucket": self._bucket, "Key": self._full(key)}
        try:
            return self._range(at, key, offset, length)
        except DamageError:
            return None  # shorter than it was when it was listed

    def delete(self, keys: Iterable[Key]) -> None:
        """Delete the objects; those that are gone already are no error.

        Raises:
            StoreError: At least one object could not be deleted; the message names it.
        """
        rest = iter(keys)
        while batch := list(islice(rest, _DELETE_BATCH)):
            if len(batch) == 1 or not self._delete_together(batch):
                for key in batch:
                    self._delete_one(key)

    def terms(self) -> Terms:
        """Return what the bucket does with objects by itself; see `read_terms`."""
        below = self._full(".S3/")
        try:
            client = self._client()
            rules = rules_of(client, self._bucket, below)
            versions = keeps_versions(client, self._bucket)
            return Terms(rules, versions, self._refuses_damage())
        except _FOREIGN as error:
            raise self._translated(error, "read", "") from error

    def _refuses_damage(self) -> bool | None:
        """Send a body that is not what its CRC-32 says; return whether it was refused."""
        key = Key(f".S3/tmp/probe-sum-{secrets.token_hex(8)}")
        wrong = _sum(b"damaged") | {"Body": b"as it was sent"}
        try:
            self._client(Kind.ONCE).put_object(**self._at(key), **wrong)
        except ClientError as error:
            return None if status_of(error) == 403 else status_of(error) == 400
        self.delete([key])
        return False

    def close(self) -> None:
        """Give connections back."""
        self._clients.close()

    def _fetch(
        self, at: Mapping[str, str], key: str, extra: Mapping[str, str], most: int
    ) -> tuple[Mapping[str, Any], bytes] | None:
        """Return answer and body, read to its end; the library does not retry bodies.

        Raises:
            DamageError: The body has more than ``most`` bytes; they are not read.
        """
        failure: Exception | None = None
        for _ in range(_READ_TRIES):
            try:
                response = self._client().get_object(**at, **extra)
            except _FOREIGN as error:
                # A bare 404 may come from anything between the store and here.
                if code_of(error) == "NoSuchKey":
                    return None
                if status_of(error) == 416:
                    raise DamageError(
                        f"{key} in {self.url} is too short",
                        cause=f"asked for {extra.get('Range', 'all')}: {why(error)}",
                        fix=_RESTORE,
                    ) from error
                raise self._translated(error, "read", key) from error
            data = b""
            try:
                with closing(response["Body"]) as body:
                    # One byte more, so that nobody can send without end.
                    data = body.read(most + 1)
            except _FOREIGN as error:
                failure = error
                continue
            finally:
                self._wire.received(len(data))
            if len(data) > most:
                raise too_long(key, self.url, most)
            if len(data) == response.get("ContentLength", len(data)):
                return response, data
        raise UnavailableError(
            f"{self.url} broke off while {key} was read",
            cause=why(failure) if failure else "fewer bytes came than were announced",
            fix="run again",
        ) from failure

    def _delete_together(self, batch: list[Key]) -> bool:
        """Delete up to 1000 objects by one request; `False` where the store cannot."""
        objects = [{"Key": self._full(key)} for key in batch]
        try:
            answer = self._client().delete_objects(
                Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True}
            )
        except _FOREIGN as error:
            if status_of(error) in (405, 501) or code_of(error) in (
                "NotImplemented",
                "MethodNotAllowed",
                "MissingContentMD5",
            ):
                return False
            raise self._translated(error, "delete", batch[0]) from error
        for wrong in answer.get("Errors", ()):
            if wrong.get("Code") == "NoSuchKey":
                continue
            key = str(wrong.get("Key", "")).removeprefix(self._full(""))
            raise self._translated(ClientError({"Error": wrong}, ""), "delete", key)
        return True

    def _delete_one(self, key: Key) -> None:
        try:
            self._client().delete_object(**self._at(key))
        except _FOREIGN as error:
            if code_of(error) != "NoSuchKey":
                raise self._translated(error, "delete", key) from error

    def _full(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key

    def _at(self, key: Key) -> dict[str, str]:
        if not key.startswith(".S3/"):
            raise ValueError(f"{key!r} is not a key")
        return {"Bucket": self._bucket, "Key": self._full(key)}

    def _etag_in(self, response: Mapping[str, Any], verb: str, key: Key) -> ETag:
        """Return the version told; an answer without one did not come from a store."""
        if not (etag := response.get("ETag")):
            raise UnavailableError(
                f"what answered for {self.url} when asked to {verb} {key} is no S3 store",
                fix="a login page of the network? then log in, and run again",
            )
        return ETag(etag)

    def _bad_listing(self, cause: str) -> StoreError:
        return UnavailableError(
            f"the listing of {self.url} cannot be trusted", cause=cause, fix="run again"
        )

    def _translated(self, error: BaseException, verb: str, key: str) -> Exception:
        endpoint = self._clients.endpoint
        return translate(error, verb, url=self.url, key=key, endpoint=endpoint)

    def _client(self, kind: Kind = Kind.ORDINARY) -> Any:
        """Return a client, made at its first use: credentials may come from a network."""
        try:
            return self._clients.get(kind)
        except (BotoCoreError, ValueError) as error:
            raise self._translated(error, "read", "") from error

    def _watch(self, client: Any) -> None:
        client.meta.events.register("before-send.s3", self._before_send)
        client.meta.events.register("response-received.s3", self._after_answer)

    def _before_send(self, request: Any, **_: object) -> None:
        headers = request.headers
        size = headers.get("Content-Length") or headers.get("X-Amz-Decoded-Content-Length") or 0
        # Asking before sending costs a round trip, more than a small body itself does.
        if int(size) <= _SMALL_BODY and "Expect" in headers:
            del headers["Expect"]
        self._wire.count(str(request.method), up=int(size))

    def _after_answer(self, response_dict: Mapping[str, Any] | None, **_: object) -> None:
        body = response_dict.get("body") if response_dict else None
        if response_dict:
            self.meter.server_date = str(response_dict.get("headers", {}).get("date", ""))
        if isinstance(body, bytes):  # a stream is counted when it is read
            self._wire.received(len(body))


def _sum(data: Body) -> dict[str, str]:
    return {"ChecksumCRC32": b64encode(crc32(data).to_bytes(4, "big")).decode("ascii")}


def split_s3_url(url: str) -> tuple[str, str]:
    """Return bucket and prefix; the prefix may be empty and has no slash at its ends.

    Raises:
        ConfigError: ``url`` names no bucket.
    """
    scheme, separator, rest = url.strip().partition("://")
    bucket, _, prefix = rest.partition("/")
    if scheme.lower() != "s3" or not separator or not re.fullmatch(r"[A-Za-z0-9._:-]+", bucket):
        raise ConfigError(
            f"{url} names no bucket", fix="give the store as s3://bucket/prefix", code="E108"
        )
    return bucket, prefix.strip("/")


def _is_refusal(error: BaseException) -> bool:
    return status_of(error) == 412 or code_of(error) == "PreconditionFailed"


def _begins_at(content_range: str | None, offset: int) -> bool:
    match = re.match(r"bytes (\d+)-", content_range or "")
    return match is not None and int(match[1]) == offset
