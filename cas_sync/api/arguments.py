"""What callers hand in, checked and as the engine has it."""

import difflib
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict, TypeVar

from cas_sync.engine.named import below_data
from cas_sync.engine.settings import Settings
from cas_sync.errors import UsageError
from cas_sync.formats import config_json
from cas_sync.formats.config_json import Config

T = TypeVar("T")

PathLike = str | os.PathLike[str]
Paths = PathLike | Iterable[PathLike]
"""Files or folders, relative to the data folder or absolute; one of them stands for itself."""


class Overrides(TypedDict, total=False):
    """What goes before everything that files and the environment say.

    Attributes:
        store: ``s3://bucket/prefix``, ``file:///path`` or a path.
        data: The data folder, relative to the project.
        profile: AWS profile.
        region: AWS region.
        endpoint_url: Address of an S3-compatible server.
        user: Your name in commits.
        jobs: Requests in flight at once.
        ignore: gitignore patterns of what is not synced.
        single_writer: Whether a store that cannot keep two writers apart is accepted.
        credentials: ``aws_access_key_id``, ``aws_secret_access_key`` and, where there is one,
            ``aws_session_token``.
    """

    store: PathLike
    data: PathLike
    profile: str
    region: str
    endpoint_url: str
    user: str
    jobs: int
    ignore: Sequence[str]
    single_writer: bool
    credentials: Mapping[str, str]


def config_of(said: Mapping[str, Any], name: str) -> Config:
    """Return the configuration that overrides make up.

    Args:
        said: The overrides; `None` stands for "not said".
        name: Of the function that was called, for messages.

    Raises:
        UsageError: There is no such override.
        ConfigError: A value cannot be.
    """
    for key in said:
        if key not in Overrides.__annotations__:
            near = difflib.get_close_matches(key, Overrides.__annotations__, 1)
            raise UsageError(
                f"{name}() has no argument {key!r}",
                fix=f"did you mean {near[0]!r}?" if near else "see help(cas_sync.Project)",
            )
    value: dict[str, Any] = {
        key: os.fspath(found) if isinstance(found, os.PathLike) else found
        for key, found in said.items()
        if found is not None
    }
    if "user" in value:
        value["user"] = {"name": value["user"]}
    if value.pop("single_writer", False):
        value["writers"] = "one"
    return config_json.from_value(value, name)


def named_in(paths: Paths, settings: Settings) -> tuple[str, ...]:
    """Return paths relative to the data folder, as manifests write them; empty for all of it.

    Raises:
        UsageError: One is not in the data folder.
    """
    several = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    found = []
    for path in several:
        named = below_data(settings.data / path, settings.data)
        if named is None:
            raise UsageError(f"{path} is not in the data folder {settings.data}")
        found.append(named)
    return tuple(found)


def one_of(choices: Mapping[str, T], said: str) -> T:
    """Return what a caller's word stands for.

    Raises:
        UsageError: It is none of the choices.
    """
    if said not in choices:
        raise UsageError(f"{said!r} is no choice", fix=f"use one of {', '.join(choices)}")
    return choices[said]
