"""Where a data folder and a store may be: neither in one another, nor around the project."""

import os
from collections.abc import Mapping
from pathlib import Path

from cas_sync.engine.settings import DEFAULT_DATA, DEFAULT_STORE, Settings
from cas_sync.errors import ConfigError
from cas_sync.formats import config_json
from cas_sync.store.bucket import StoreAddress
from cas_sync.store.connect import folder_of, open_bucket

_NO_ORIGINS: Mapping[str, str] = {}


def refuse_bad_data_folder(
    root: Path, data: str, store: str, origins: Mapping[str, str] = _NO_ORIGINS
) -> None:
    """Refuse a data folder that is chosen now and is none, or cannot be written to.

    Args:
        root: The project's folder, from which the other two start.
        data: The data folder.
        store: The store.
        origins: By key of cas-sync.json, where it was said.

    Raises:
        ConfigError: It holds the project, a git repository or the store, or lies in one.
    """
    _refuse(root, data, store, data_folder_problem(root, data), origins)


def refuse_misplaced(settings: Settings) -> None:
    """Refuse a data folder that is opened now, wherever it was said.

    Whether it can be written to is found out by writing.

    Raises:
        ConfigError: It holds the project, a git repository or the store, or lies in one.
    """
    root, data = settings.root, str(settings.data)
    _refuse(root, data, settings.address.url, _misplaced(root, data), settings.origins)


def data_folder_problem(root: Path, data: str) -> str:
    """Return why a folder must not be the data folder; empty if it may."""
    return _misplaced(root, data) or _unwritable(root, data)


def overlap_problem(root: Path, data: str, store: str) -> str:
    """Return how data folder and store lie in one another; empty if they do not.

    Raises:
        ConfigError: The store is no address at all.
    """
    named = folder_of(store)
    if named is None:
        return ""
    try:
        folder, place = (root / data).resolve(), (root / named).resolve()
        if _lies_in(place, folder) or _lies_in(folder, place):
            return f"and the store {place} lie in one another"
    except (OSError, RuntimeError) as error:  # a circle of links is a RuntimeError
        return f"and the store {named} cannot be told apart: {error}"
    return ""


def refuse_overlap(
    root: Path, data: str, store: str, origins: Mapping[str, str] = _NO_ORIGINS
) -> None:
    """Refuse a store that is chosen now and lies in the data folder, or around it.

    Raises:
        ConfigError: It does, or is no address at all.
    """
    _refuse(root, data, store, "", origins)


def store_problem(root: Path, data: str, store: str) -> str:
    """Return why ``store`` cannot be the store of a project in ``root``; empty if it may."""
    try:
        open_bucket(StoreAddress(store)).close()
        named = folder_of(store)
        if named is not None:
            place = root / named
            if place.exists() and not place.is_dir():
                return f"{place} is a file"
            if not (_looks_like_path(store) or place.exists()):
                return f"is that a folder here? type ./{store}; a bucket is s3://bucket/prefix"
        overlap = overlap_problem(root, data, store)
    except ConfigError as error:
        return f"{error.message}; {error.fix}" if error.fix else error.message
    except OSError as error:
        return f"{store} cannot be looked at: {error.strerror}"
    return overlap and f"the data folder {overlap}"


def _refuse(
    root: Path, data: str, store: str, problem: str, origins: Mapping[str, str]
) -> None:
    if why := problem or overlap_problem(root, data, store):
        raise ConfigError(
            f"the data folder {root / data} {why}",
            fix=_better(root, data, store, origins),
            code="E204",
        )


def _better(root: Path, data: str, store: str, origins: Mapping[str, str]) -> str:
    """Return what to say instead: the least change to what is usual that is fine."""
    choices = [(DEFAULT_DATA, store), (data, DEFAULT_STORE), (DEFAULT_DATA, DEFAULT_STORE)]
    if not _misplaced(root, data) and _holds(root, data, store):
        choices[:2] = reversed(choices[:2])
    for folder, place in choices:
        if not (data_folder_problem(root, folder) or overlap_problem(root, folder, place)):
            # The store first: it is what `config set data` is compared with.
            said = {"store": (store, place), "data": (data, folder)}
            new = [_say(key, b, origins) for key, (a, b) in said.items() if a != b]
            return "give each a folder of its own:\n" + "\n".join(new)
    return "name a data folder that you may write to, and a store beside it"


def _holds(root: Path, data: str, store: str) -> bool:
    """Say whether the store lies in the data folder."""
    named = folder_of(store)
    return named is not None and _lies_in((root / named).absolute(), (root / data).absolute())


def _say(key: str, value: str, origins: Mapping[str, str]) -> str:
    """Return how ``key`` is said to be ``value``, where it was said before."""
    origin = origins.get(key, "")
    if origin == config_json.FILE_NAME:
        return f"cas-sync config set {key} {value}"
    if origin.startswith("CAS_SYNC_"):
        return f"{origin}={value}"
    return f"--{key} {value}"


def _misplaced(root: Path, data: str) -> str:
    try:
        folder, project = (root / data).resolve(), root.resolve()
        if folder.exists() and not folder.is_dir():
            return "is a file"
        if _lies_in(project, folder):
            if _lies_in(folder, project):
                return "is the project itself: code and configuration would be synced too"
            return "holds the project itself"
        if (folder / ".git").exists():
            return "is a git repository"
        if within := {".git", ".S3"} & {*folder.parts}:
            return f"lies in a {within.pop()} folder"
    except (OSError, RuntimeError) as error:  # as above
        return f"cannot be looked at: {error}"
    return ""


def _unwritable(root: Path, data: str) -> str:
    folder = (root / data).resolve()
    there = next((each for each in (folder, *folder.parents) if each.exists()), None)
    if there is None:
        return f"cannot be made: there is no {folder.anchor}"
    if not there.is_dir():
        return f"cannot be made: {there} is a file"
    if not os.access(there, os.W_OK | os.X_OK):
        return f"is not writable: you may not write to {there}"
    return ""


def _looks_like_path(text: str) -> bool:
    return text.startswith((".", "/", "~", "\\", "file:")) or text[1:2] == ":"


def _lies_in(inner: Path, outer: Path) -> bool:
    """Say whether a folder is another or lies in it, however their names are spelled."""
    if inner.is_relative_to(outer):
        return True
    having = (each for each in (inner, *inner.parents) if each.exists())
    return outer.exists() and any(each.samefile(outer) for each in having)
