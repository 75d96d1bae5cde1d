"""cas-sync.json: what a team writes down once and keeps in git."""

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cas_sync.errors import ConfigError

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
    warnings: tuple[str, ...] = field(default=(), compare=False)


_TEXTS = ("store", "data", "profile", "region", "endpoint_url", "writers")
_KEYS = (*_TEXTS, "user", "ignore", "guard", "jobs")


def load(data: bytes, name: str) -> Config:
    """Return what the file ``name`` says.

    Raises:
        ConfigError: It is not JSON, or a value has the wrong type.
    """
    try:
        text = data.decode("utf-8-sig")
        value = json.loads(text)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name} is not UTF-8 text", code="E201") from error
    except json.JSONDecodeError as error:
        line = text.split("\n")[error.lineno - 1]
        raise ConfigError(
            f"{name} is not valid JSON, line {error.lineno}, column {error.colno}: {error.msg}",
            cause=f"{line}\n{' ' * (error.colno - 1)}^",
            fix=f"correct {name}",
            code="E201",
        ) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{name} cannot be read: {error}", code="E201") from error
    if not isinstance(value, dict):
        raise ConfigError(f"{name} does not hold a JSON object", code="E201")
    return _config(value, name)


def _config(value: Mapping[str, Any], name: str) -> Config:
    user = _take(value, "user", dict, name) or {}
    guard = _take(value, "guard", dict, name) or {}
    ignore = _take(value, "ignore", list, name) or []
    if not all(isinstance(each, str) for each in ignore):
        raise ConfigError(f'{name}: "ignore" must be a list of texts', code="E202")
    jobs = _take(value, "jobs", int, name)
    if jobs is not None and not 1 <= jobs <= 256:
        raise ConfigError(f'{name}: "jobs" must be from 1 to 256', code="E202")
    writers = _take(value, "writers", str, name)
    if writers not in {None, "one", "many"}:
        raise ConfigError(f'{name}: "writers" must be "one" or "many"', code="E202")
    ratio = _take(guard, "delete_ratio", (int, float), name)
    if ratio is not None and not 0 <= ratio <= 1:
        raise ConfigError(f'{name}: "delete_ratio" must be from 0 to 1', code="E202")
    return Config(
        store=_take(value, "store", str, name),
        data=_take(value, "data", str, name),
        profile=_take(value, "profile", str, name),
        region=_take(value, "region", str, name),
        endpoint_url=_take(value, "endpoint_url", str, name),
        user_name=_take(user, "name", str, name),
        ignore=tuple(ignore),
        delete_ratio=None if ratio is None else float(ratio),
        delete_min=_take(guard, "delete_min", int, name),
        jobs=jobs,
        writers=writers,
        warnings=tuple(_unknown(value, name)),
    )


def _take(value: Mapping[str, Any], key: str, kind: Any, name: str) -> Any:
    found = value.get(key)
    if found is None:
        return None
    if not isinstance(found, kind) or isinstance(found, bool):
        raise ConfigError(
            f'{name}: "{key}" has the wrong type ({type(found).__name__})',
            fix="see the keys and their types in README.md",
            code="E202",
        )
    return found


def _unknown(value: Mapping[str, Any], name: str) -> list[str]:
    warnings = []
    for key in value:
        if key in _KEYS or key.startswith(("_", "$", "x-")):
            continue
        near = difflib.get_close_matches(key, _KEYS, 1)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        warnings.append(f'{name}: unknown key "{key}"{hint}')
    return warnings


def dump(config: Config) -> bytes:
    """Return a new file's text: only what is said."""
    value: dict[str, object] = {
        key: getattr(config, key) for key in _TEXTS if getattr(config, key) is not None
    }
    if config.user_name is not None:
        value["user"] = {"name": config.user_name}
    if config.ignore:
        value["ignore"] = list(config.ignore)
    guard = {"delete_ratio": config.delete_ratio, "delete_min": config.delete_min}
    if said := {key: limit for key, limit in guard.items() if limit is not None}:
        value["guard"] = said
    if config.jobs is not None:
        value["jobs"] = config.jobs
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
