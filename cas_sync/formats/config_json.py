"""cas-sync.json: what a team writes down once and keeps in git.

The same keys are read from this machine's ``.S3/local.json`` and from the user's file.
"""

import difflib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cas_sync.errors import ConfigError
from cas_sync.formats import json_text
from cas_sync.model.credentials import Credentials

FILE_NAME = "cas-sync.json"


@dataclass(frozen=True)
class Config:
    """What one source of configuration says; `None` and empty mean "does not say".

    Attributes:
        store: ``s3://bucket/prefix``, ``file:///path`` or a path.
        data: The data folder, relative to the file.
        profile: AWS profile.
        region: AWS region.
        endpoint_url: Address of an S3-compatible server.
        user_name: Who we are in commits.
        ignore: gitignore patterns of what is not synced.
        delete_ratio: Share of files whose deletion is not believed.
        delete_min: Number of files below which every deletion is believed.
        jobs: Requests in flight at once.
        writers: ``one`` where a store without safe conditional writes is accepted.
        only: gitignore patterns of what is wanted here; empty means everything.
        checksums: ``when_required`` or ``when_supported``, as boto3 means them, or ``auto``.
        credentials: AWS keys, which belong into a profile and not here.
        unsigned: Whether requests may go unsigned where no AWS keys are found.
        warnings: What is odd about it, for people.
        origins: By key of cas-sync.json, where its value was said.
    """

    store: str | None = None
    data: str | None = None
    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    user_name: str | None = None
    ignore: tuple[str, ...] = ()
    delete_ratio: float | None = None
    delete_min: int | None = None
    jobs: int | None = None
    writers: str | None = None
    only: tuple[str, ...] | None = None
    checksums: str | None = None
    credentials: Credentials | None = None
    unsigned: bool | None = None
    warnings: tuple[str, ...] = field(default=(), compare=False)
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)


class Key(NamedTuple):
    """A key of cas-sync.json.

    Attributes:
        field: Its field of `Config`.
        expected: What its value must be, for people.
        read: Returns the value, or raises `ValueError` where it does not fit.
    """

    field: str
    expected: str
    read: Callable[[Any], object]


def one_line(value: Any) -> str | None:
    """Return a text without the space around it; `None` where nothing is left.

    Raises:
        ValueError: It is no text, or has characters that no name and no address has.
    """
    if not isinstance(value, str) or any(each < " " or each == "\x7f" for each in value):
        raise ValueError
    value.encode()  # half a surrogate pair cannot be written anywhere
    return value.strip() or None


def _address(value: Any) -> str:
    """Return an address as it is; that it is empty is told when it is used."""
    return one_line(value) or ""


def _patterns(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(one_line(each) for each in value):
        raise ValueError
    return tuple(value)


def _count(least: int, most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError
        return value

    return read


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError
    return float(value)


def _one_of(*choices: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError
        return str(value)

    return read


_ONE_LINE = "a text on one line"
_LIST = 'a list of texts, like ["scratch/**"]'

KEYS: Mapping[str, Key] = {
    "store": Key("store", _ONE_LINE, _address),
    "data": Key("data", _ONE_LINE, one_line),
    "profile": Key("profile", _ONE_LINE, one_line),
    "region": Key("region", _ONE_LINE, one_line),
    "endpoint_url": Key("endpoint_url", _ONE_LINE, one_line),
    "user.name": Key("user_name", _ONE_LINE, one_line),
    "only": Key("only", _LIST, _patterns),
    "ignore": Key("ignore", _LIST, _patterns),
    "guard.delete_ratio": Key("delete_ratio", "a number from 0 to 1", _share),
    "guard.delete_min": Key("delete_min", "a whole number, 0 or more", _count(0, 10**9)),
    "jobs": Key("jobs", "a whole number from 1 to 256", _count(1, 256)),
    "checksums": Key(
        "checksums",
        '"auto", "when_required" or "when_supported"',
        _one_of("auto", "when_required", "when_supported"),
    ),
    "writers": Key("writers", '"one" or "many"', _one_of("one", "many")),
}
"""Every key but ``credentials``, which is read and never written; inner ones with a dot."""

_GROUPS = {key.partition(".")[0] for key in KEYS if "." in key}
_SECRETS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
CREDENTIALS = "credentials"

_MOVED = {
    "aws_bkt": '"store": "s3://bucket/prefix"',
    "aws_prfx": '"store": "s3://bucket/prefix"',
    "remote_data_dir": '"store": "s3://bucket/prefix"',
    "datafolder": '"data"',
    "local_data_rel_dir": '"data"',
    "aws_role_shorthand": '"profile"',
    "_name": '"user": {"name": ...}',
}
"""Keys of s3synchrony.json, by what they are called here."""


def load(data: bytes, name: str) -> Config:
    """Return what the file ``name`` says.

    Raises:
        ConfigError: It is not JSON, or a value has the wrong type.
    """
    document = json_text.read(data, name)
    return from_value(document.value, name, document.lines)


def from_value(
    value: Mapping[str, Any],
    name: str,
    lines: Mapping[str, int] | None = None,
    also: Iterable[str] = (),
) -> Config:
    """Return what an object with the keys of cas-sync.json says.

    Args:
        value: The object.
        name: What it is called in messages and origins.
        lines: The line of each key, where it was read from a file.
        also: Further keys that exist, for suggestions.

    Raises:
        ConfigError: A value has the wrong type.
    """
    where = lines or {}
    flat: dict[str, Any] = {}
    for key, each in value.items():
        if key in _GROUPS and isinstance(each, Mapping):
            flat |= {f"{key}.{inner}": deep for inner, deep in each.items()}
        elif key in _GROUPS and each is not None:
            raise misfit(name, key, 'an object, like {"name": ...}', each, where)
        elif key not in _GROUPS:
            flat[key] = each
    fields: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for key, (field_name, expected, reader) in KEYS.items():
        if (found := flat.pop(key, None)) is None:
            continue
        try:
            fields[field_name] = reader(found)
        except ValueError:
            raise misfit(name, key, expected, found, where) from None
        if fields[field_name] is not None:
            origins[key] = name
    if keys := _credentials(flat, name, where):
        fields[CREDENTIALS] = keys
        origins[CREDENTIALS] = name
    warnings = tuple(_unknown(flat, name, where, also))
    return Config(**fields, warnings=warnings, origins=origins)


def misfit(
    name: str, key: str, expected: str, found: object, lines: Mapping[str, int]
) -> ConfigError:
    """Return the error of a value that is not what is expected; the value is not shown."""
    cause = f"it is {json_text.kind_of(found)}"
    if isinstance(found, str):
        if any(character < " " for character in found):
            cause = (
                "it holds a line break, tab or the like; a backslash is written \\\\ in JSON"
            )
        elif found.strip().lower() in {"true", "false", "null"} or found.strip().isdecimal():
            cause = "it is text: take the quotes away"
    return ConfigError(
        f'{name}: "{key}"{at_line(key, lines)} must be {expected}',
        cause=cause,
        fix=f"correct {name}",
        code="E202",
    )


def at_line(key: str, lines: Mapping[str, int]) -> str:
    """Return `` (line 3)``, or nothing where the line is not known."""
    return f" (line {lines[key]})" if key in lines else ""


def _credentials(
    flat: dict[str, Any], name: str, lines: Mapping[str, int]
) -> Credentials | None:
    found = flat.pop(CREDENTIALS, None)
    at_top = {key: flat.pop(key) for key in _SECRETS if key in flat}
    if found is None:
        found = at_top
    expected = f"an object with {' and '.join(_SECRETS[:2])}"
    if not isinstance(found, Mapping):
        raise misfit(name, CREDENTIALS, expected, found, lines)
    texts = {key: found[key] for key in _SECRETS if found.get(key) is not None}
    if not texts:
        return None
    for key, each in texts.items():
        try:
            texts[key] = one_line(each)
        except ValueError:
            raise misfit(name, f"{CREDENTIALS}.{key}", _ONE_LINE, each, lines) from None
    if not (texts.get(_SECRETS[0]) and texts.get(_SECRETS[1])):
        raise ConfigError(
            f'{name}: "{CREDENTIALS}"{at_line(CREDENTIALS, lines)} must be {expected}',
            cause="one of the two is missing",
            fix="better than keys in a file:  aws configure sso",
            code="E202",
        )
    return Credentials(texts[_SECRETS[0]], texts[_SECRETS[1]], texts.get(_SECRETS[2]))


def _unknown(
    flat: Mapping[str, Any], name: str, lines: Mapping[str, int], also: Iterable[str]
) -> Iterable[str]:
    known = (*KEYS, *_GROUPS, *also)
    for key in flat:
        here = f'{name}: unknown key "{key}"{at_line(key, lines)}'
        if key in _MOVED and not also:
            yield f"{here}, which belongs in s3synchrony.json; here it is {_MOVED[key]}"
        elif not key.rpartition(".")[2].startswith(json_text.NOTES):
            near = difflib.get_close_matches(key, known, 1)
            yield here + (f'; did you mean "{near[0]}"?' if near else "")


def dump(config: Config) -> bytes:
    """Return a new file's text: only what is said, and never a secret."""
    value: dict[str, Any] = {}
    for key, (field_name, _, _) in KEYS.items():
        found = getattr(config, field_name)
        if found is None or (key == "ignore" and not found):
            continue
        said = list(found) if isinstance(found, tuple) else found
        group, dot, inner = key.partition(".")
        if dot:
            value.setdefault(group, {})[inner] = said
        else:
            value[key] = said
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
