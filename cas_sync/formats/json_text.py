"""JSON that people wrote: read strictly, with the line of every key."""

import codecs
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cas_sync.errors import ConfigError
from cas_sync.formats import json_mistakes

NOTES = ("_", "$", "x-")
"""How keys begin that are for people or other tools, and not for us."""

SPACES = " \t\r\n"
"""What JSON has for space."""

_SPACE = re.compile(f"[{SPACES}]*")


class Document(NamedTuple):
    """An object as it was written.

    Attributes:
        text: The text, without a byte order mark.
        value: What it says.
        lines: The line of each key, from 1; keys of inner objects as ``outer.inner``.
    """

    text: str
    value: Mapping[str, Any]
    lines: Mapping[str, int]


class Member(NamedTuple):
    """One member of an object, as offsets into its text.

    Attributes:
        key: Its name.
        start: Where the name begins, at its quote.
        value: Where the value begins.
        end: Where the value ends.
    """

    key: str
    start: int
    value: int
    end: int


def read(data: bytes, name: str) -> Document:
    """Return the object in the file ``name``.

    Raises:
        ConfigError: It is no JSON object; the message has the place, the cause and, where
            that is certain, the corrected line.
    """
    text = _decode(data, name)
    lines: dict[str, int] = {}
    try:
        value = json.loads(text)
        if isinstance(value, dict):
            _note_lines(text, object_start(text), "", lines, name)
    except json.JSONDecodeError as error:
        found = json_mistakes.explain(text, error.pos)
        raise ConfigError(
            f"{name} is not valid JSON, line {found.line}, column {found.column}: {found.what}",
            cause=found.shown,
            fix=found.fix or f"correct {name}",
            code="E201",
        ) from None  # the error of the library holds the whole text, secrets included
    except RecursionError:
        raise ConfigError(f"{name} is nested too deep", code="E201") from None
    except ValueError:
        raise ConfigError(f"{name} holds a number that is too long", code="E201") from None
    if not isinstance(value, dict):
        raise ConfigError(
            f"{name} does not hold a JSON object",
            cause=f"it holds {kind_of(value)}",
            fix='begin it with { and end it with }:  {"store": "s3://bucket/prefix"}',
            code="E201",
        )
    return Document(text, value, lines)


def _decode(data: bytes, name: str) -> str:
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in data[:4]
    if wide:
        raise ConfigError(
            f"{name} is saved as UTF-16, which Notepad calls Unicode",
            fix="in Notepad: Save as, Encoding: UTF-8",
            code="E201",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{name} is not UTF-8 text, line {line}",
            cause="a letter there is in an older encoding, as some Windows programs save it",
            fix="save it with the encoding UTF-8",
            code="E201",
        ) from None  # the error of the library holds the whole text, secrets included


def kind_of(value: object) -> str:
    """Return what kind of JSON value this is, in words and without the value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "text"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, list | tuple):
        return "a list"
    return "an object" if isinstance(value, Mapping) else type(value).__name__


def object_start(text: str) -> int:
    """Return where the outermost object of valid JSON begins."""
    return _skip(text, 0)


def members(text: str, start: int) -> Iterator[Member]:
    """Yield the members of the object that begins at ``start`` of valid JSON."""
    decoder = json.JSONDecoder()
    at = _skip(text, start + 1)
    while text[at] == '"':
        key, end_of_key = decoder.raw_decode(text, at)
        value = _skip(text, _skip(text, end_of_key) + 1)  # the colon
        _, end = decoder.raw_decode(text, value)
        yield Member(key, at, value, end)
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _note_lines(text: str, start: int, above: str, lines: dict[str, int], name: str) -> None:
    line, counted = text.count("\n", 0, start) + 1, start
    for member in members(text, start):
        line += text.count("\n", counted, member.start)
        counted = member.start
        key = above + member.key
        if key in lines and not member.key.startswith(NOTES):
            raise ConfigError(
                f'{name}: "{key}" stands there twice, in line {lines[key]} and line {line}',
                fix="keep one of the two",
                code="E202",
            )
        lines[key] = line
        if text[member.value] == "{" and above.count(".") < 2:
            _note_lines(text, member.value, f"{key}.", lines, name)
