"""s3synchrony.json and the keywords of `smart_sync`: the seed's names, in all generations.

2022 had keywords only (``aws_bkt``, ``aws_prfx``, ``datafolder``), then a flat file
(``remote_data_dir``, ``local_data_rel_dir``, ``aws_role_shorthand``), then one with
``platforms: {s3: {...}}``. One reader takes them all, and the keys of cas-sync.json too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from cas_sync.errors import ConfigError
from cas_sync.formats import config_json, json_text
from cas_sync.formats.config_json import KEYS, Config, at_line, misfit, one_line

FILE_NAME = "s3synchrony.json"

PLATFORMS = ("S3", "local")
"""Kinds of stores that need no other package; case does not matter."""

DEFAULT_PREFIX = "Data"
"""Where s3synchrony put files when no key named a prefix."""

NO_NAME = "NONAME"
"""Who did not say a name, in s3synchrony's words."""

_BUCKET = "aws_bkt"
_PREFIX = ("aws_prfx", "remote_data_dir")
_SAME_AS = {
    "data": ("datafolder", "local_data_rel_dir"),
    "profile": ("aws_role_shorthand",),
    "user.name": ("_name",),
}
_OTHERS = ("platform", "template", "reset")
_ALL = (_BUCKET, *_PREFIX, *(key for keys in _SAME_AS.values() for key in keys), *_OTHERS)


def load_seed(data: bytes, name: str) -> Config:
    """Return what the s3synchrony.json called ``name`` says.

    Raises:
        ConfigError: It is not JSON, or says what cannot be.
    """
    document = json_text.read(data, name)
    return _read(document.value, name, document.lines)


def from_seed(value: Mapping[str, Any], name: str) -> Config:
    """Return what keywords or an object with the seed's keys say.

    Args:
        value: The keys of any generation, and of cas-sync.json; paths may be path objects.
        name: What to call it in messages and origins.

    Raises:
        ConfigError: A value cannot be, or two keys contradict each other.
    """
    return _read(value, name, {})


class _Said(NamedTuple):
    """A value, and the key it was said under, written in full."""

    value: Any
    key: str


class _Source(NamedTuple):
    """What the seed's keys say, by the last part of each key."""

    name: str
    lines: Mapping[str, int]
    said: Mapping[str, _Said]

    def text(self, *synonyms: str, trim: str = " ") -> tuple[str, str] | None:
        """Return the text that the synonyms have, and the key of it; `None` if none has.

        Raises:
            ConfigError: It is no text, or they say different things.
        """
        found: list[tuple[str, str]] = []
        for synonym in synonyms:
            entry = self.said.get(synonym)
            if entry is None or entry.value is None:
                continue
            key = entry.key
            try:
                text = (one_line(entry.value) or "").strip(trim)
            except ValueError:
                expected = "a text on one line"
                raise misfit(self.name, key, expected, entry.value, self.lines) from None
            if found and text != found[0][0]:
                raise self.contradiction(found[0][1], key)
            found.append((text, key))
        return found[0] if found else None

    def contradiction(self, one: str, other: str) -> ConfigError:
        """Return the error of two keys that mean the same and do not say the same."""
        return ConfigError(
            f'{self.name}: "{one}"{at_line(one, self.lines)} and '
            f'"{other}"{at_line(other, self.lines)} mean the same, but say different things',
            fix="keep one of the two",
            code="E202",
        )


def _read(value: Mapping[str, Any], name: str, lines: Mapping[str, int]) -> Config:
    said: dict[str, _Said] = {}
    source = _Source(name, lines, said)
    for short, key, raw in _spread(value, name, lines):
        if short.startswith(json_text.NOTES) and short not in _ALL:
            continue
        found = raw.__fspath__() if hasattr(raw, "__fspath__") else raw
        before = said.get(short)
        if before is None or before.value is None:
            said[short] = _Said(found, key)
        elif found not in (None, before.value):
            raise source.contradiction(before.key, key)
    rest = {short: each.value for short, each in said.items() if short not in _ALL}
    where = {short: lines[each.key] for short, each in said.items() if each.key in lines}
    new = config_json.from_value(rest, name, {**lines, **where}, also=_ALL)
    fields: dict[str, Any] = {}
    origins = dict(new.origins)
    for key, text, origin in _meanings(source):
        field_name = KEYS[key].field
        if getattr(new, field_name) not in (None, text):
            raise source.contradiction(origin, key)
        fields[field_name] = text
        origins[key] = f"{name}: {origin}"
    if _value(said, "template") == "no_creds_needed":
        fields["unsigned"] = True
    warnings = (*_oddities(source, {**fields, **rest}), *new.warnings)
    return replace(new, **fields, origins=origins, warnings=warnings)


def _spread(
    value: Mapping[str, Any], name: str, lines: Mapping[str, int]
) -> Iterator[tuple[str, str, Any]]:
    """Yield each key without what it is nested in, the key in full, and its value."""
    for key, each in value.items():
        if key != "platforms":
            yield key.removeprefix("platforms.s3."), key, each
            continue
        if not isinstance(each, Mapping | None):
            raise misfit(name, key, 'an object, like {"s3": {...}}', each, lines)
        for platform, inside in (each or {}).items():
            full = f"{key}.{platform}"
            if platform.lower() != "s3" or inside is None:
                continue
            if not isinstance(inside, Mapping):
                raise misfit(name, full, "an object", inside, lines)
            for inner, deep in inside.items():
                yield inner, f"{full}.{inner}", deep


def _value(said: Mapping[str, _Said], key: str) -> Any:
    return said[key].value if key in said else None


def _meanings(source: _Source) -> Iterator[tuple[str, str, str]]:
    """Yield keys of cas-sync.json, their values, and the seed's keys that say so."""
    if store := _store(source):
        yield "store", *store
    for key, synonyms in _SAME_AS.items():
        found = source.text(*synonyms)
        if found and found[0] not in ("", NO_NAME):
            yield key, *found


def _store(source: _Source) -> tuple[str, str] | None:
    platform = source.text("platform")
    if platform and platform[0].lower() == "local":
        return source.text(*_PREFIX)
    if platform and platform[0].lower() not in ("", "s3"):
        raise ConfigError(
            f"{source.name}: there is no platform {platform[0]!r}"
            f"{at_line(platform[1], source.lines)}",
            cause=f"the platforms are {' and '.join(PLATFORMS)}",
            fix='say "S3", or leave "platform" out',
            code="E202",
        )
    bucket, prefix = source.text(_BUCKET), source.text(*_PREFIX, trim="/")
    if not bucket or not bucket[0]:
        return None
    if "/" in bucket[0] or ":" in bucket[0]:
        raise _no_bucket(source, bucket, prefix)
    if prefix:
        where = f"s3://{bucket[0]}/{prefix[0]}".rstrip("/")
        return where, f"{bucket[1]} + {prefix[1]}"
    if any(key in source.said for key in _PREFIX):  # null: all of the bucket
        return f"s3://{bucket[0]}", bucket[1]
    return f"s3://{bucket[0]}/{DEFAULT_PREFIX}", f"{bucket[1]}; s3synchrony's own prefix"


def _no_bucket(
    source: _Source, bucket: tuple[str, str], prefix: tuple[str, str] | None
) -> ConfigError:
    """Return the error of an address where a bucket's name belongs, with both told apart."""
    address, key = bucket
    name, _, below = address.partition("://")[2 if "://" in address else 0].partition("/")
    folder = "/".join(part for part in (below.strip("/"), prefix[0] if prefix else "") if part)
    prefix_key = prefix[1].rpartition(".")[2] if prefix else _PREFIX[1]
    in_json = source.name.endswith(".json")
    if not in_json and not prefix:
        prefix_key = _PREFIX[0]
    pairs = (("aws_bkt", name), (prefix_key, folder))
    lines = [f'"{k}": "{v}"' if in_json else f'{k}="{v}"' for k, v in pairs]
    is_certain = address.lower().startswith("s3://") or ":" not in address
    return ConfigError(
        f'{source.name}: {key}{at_line(key, source.lines)} is "{address}": '
        "give the bucket's name only",
        fix=",\n".join(lines) if is_certain else "the name alone, without https:// and /",
        code="E108",
    )


def _oddities(source: _Source, used: Mapping[str, Any]) -> Iterator[str]:
    name, lines, said = source
    if _value(said, "reset"):
        yield (
            f'{name}: "reset"{at_line("reset", lines)} resets nothing by itself; '
            "to reset, type:  cas-sync reset --confirm"
        )
    for key in _PREFIX:
        if _value(said, key) and not used.get("store"):
            yield f'{name}: "{key}"{at_line(key, lines)} means nothing without "{_BUCKET}"'
