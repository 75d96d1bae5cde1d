"""Small JSON documents of which every byte counts: one encoding a value, no unknown field.

Canonical means UTF-8, keys sorted, no spaces, one line feed at the end; so equal values
are equal bytes and the hash of the bytes can be a name.
"""

import json
import re
from collections.abc import Mapping
from typing import Self

from cas_sync.errors import FormatError
from cas_sync.model.ids import ObjectId

VERSION = 1
MAX_BYTES = 4 << 20

HEX32 = re.compile(r"[0-9a-f]{32}")
"""A repository's id."""

LINE = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]*")
"""One line of text without control characters."""


def canonical(value: object) -> bytes:
    """Return the one encoding of a JSON value."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode() + b"\n"


class Fields:
    """Strict access to a JSON object: every field is there, of its type, and no other.

    Every method raises `FormatError` where that is not so.

    Args:
        value: What was read.
        what: What it is called in errors.
    """

    def __init__(self, value: object, what: str) -> None:
        if not isinstance(value, dict):
            raise FormatError(f"{what} is not a JSON object")
        self._left = dict(value)
        self._what = what

    @property
    def what(self) -> str:
        """What is read, for errors."""
        return self._what

    def _take(self, name: str) -> object:
        try:
            return self._left.pop(name)
        except KeyError:
            raise FormatError(f"{self._what} lacks {name!r}") from None

    def text(self, name: str, pattern: re.Pattern[str] | None = None) -> str:
        """Return a text, which matches ``pattern`` as a whole."""
        value = self._take(name)
        if not isinstance(value, str) or (pattern and not pattern.fullmatch(value)):
            raise FormatError(f"{self._what}: {name!r} is malformed")
        return value

    def number(self, name: str) -> int:
        """Return a number that is not negative and fits 63 bits."""
        value = self._take(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
            raise FormatError(f"{self._what}: {name!r} is not a number")
        return value

    def oid(self, name: str) -> ObjectId:
        """Return an object id."""
        try:
            return ObjectId.parse(self.text(name))
        except ValueError:
            raise FormatError(f"{self._what}: {name!r} is no object id") from None

    def maybe_oid(self, name: str) -> ObjectId | None:
        """Return an object id, or `None`."""
        if self.is_null(name):
            return None
        return self.oid(name)

    def is_null(self, name: str) -> bool:
        """Say whether a field is null; if so it is taken."""
        if self._left.get(name, 0) is not None:
            return False
        self._take(name)
        return True

    def flag(self, name: str) -> bool:
        """Return whether a flag is set."""
        value = self._take(name)
        if not isinstance(value, bool):
            raise FormatError(f"{self._what}: {name!r} is neither true nor false")
        return value

    def items(self, name: str) -> list[object]:
        """Return a list."""
        value = self._take(name)
        if not isinstance(value, list):
            raise FormatError(f"{self._what}: {name!r} is not a list")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts."""
        values = self.items(name)
        if not all(isinstance(each, str) for each in values):
            raise FormatError(f"{self._what}: {name!r} is not a list of texts")
        return tuple(map(str, values))

    def inner(self, name: str) -> Self:
        """Return the fields of an object within."""
        return type(self)(self._take(name), f"{self._what}: {name!r}")

    def objects(self, name: str) -> list[Self]:
        """Return the fields of each object of a list."""
        return [type(self)(each, f"{self._what}: {name!r}") for each in self.items(name)]

    def end(self) -> None:
        """Refuse fields that nobody asked for."""
        # A field nobody knows would be dropped by the next writer: refuse it.
        if self._left:
            raise FormatError(f"{self._what} holds unknown {', '.join(sorted(self._left))!r}")


def parse(data: bytes, what: str) -> Fields:
    """Return the fields of a document, of which ``v`` is read.

    Raises:
        FormatError: It is no JSON, of another version, or encoded in another way.
    """
    if len(data) > MAX_BYTES:
        raise FormatError(f"{what} is longer than {MAX_BYTES} bytes")
    try:
        value = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{what} is not JSON: {error}") from error
    fields = Fields(value, what)
    version = fields.number("v")
    if version != VERSION:
        raise FormatError(
            f"{what} is of version {version}",
            cause=f"this is cas-sync for version {VERSION}",
            fix="pip install --upgrade cas-sync",
        )
    if not _is_canonical(data, value):
        raise FormatError(f"{what} is not in canonical form")
    return fields


def self_hashed(fields: Mapping[str, object]) -> bytes:
    """Return the bytes of a document that carries its own hash."""
    value = {"v": VERSION, **fields}
    return canonical({**value, "self": str(ObjectId.of(canonical(value)))})


def check_self(data: bytes, fields: Fields, what: str) -> None:
    """Hold a document against the hash it carries.

    Raises:
        FormatError: They differ.
    """
    claimed = fields.oid("self")
    value = json.loads(data)
    del value["self"]
    if ObjectId.of(canonical(value)) != claimed:
        raise FormatError(f"{what} does not match its own hash")


def _is_canonical(data: bytes, value: object) -> bool:
    try:
        return canonical(value) == data
    except (ValueError, RecursionError):
        return False
