"""The first steps in a folder: where things are to be, the store's test, what is written."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cas_sync.engine import layers
from cas_sync.engine.adopt import find_foreign
from cas_sync.engine.config_edit import remember_local
from cas_sync.engine.repository import Connection, refuse_reset
from cas_sync.engine.settings import (
    DEFAULT_DATA,
    Resolved,
    Settings,
    find_config,
    settings_of,
    user_file,
    write_config,
)
from cas_sync.engine.surroundings import Surroundings, find_author
from cas_sync.errors import ConfigError
from cas_sync.formats.config_json import Config
from cas_sync.model.commit import Commit
from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import STATE_DIR
from cas_sync.plan.adoption import Foreign
from cas_sync.progress import Progress
from cas_sync.store.bucket import StoreAddress
from cas_sync.store.connect import folder_of, open_bucket
from cas_sync.store.qualify import ProbeResult
from cas_sync.worktree.state import INTENT_FILE, ROOT_FILE, forget_remembered

DEFAULT_STORE = "../cas-sync-store"
"""Where a team's files are kept if nobody says: a folder beside the project."""


def ensure_config(start: Path, flags: Config, env: Mapping[str, str]) -> Path | None:
    """Write cas-sync.json where there is none and the flags name a store.

    Returns:
        The file, if one was written.

    Raises:
        ConfigError: It cannot be written, or the data folder would be a bad one.
    """
    if flags.store is None or find_config(start, env) is not None:
        return None
    said = replace(flags, data=flags.data or layers.from_env(env).data)
    return write_setup(plan_settings(start, said, env), said, env)


def has_joined(data: Path) -> bool:
    """Say whether a data folder has met its repository, or was about to."""
    return any((data / STATE_DIR / name).exists() for name in (ROOT_FILE, INTENT_FILE))


def withdraw_config(path: Path, data: Path) -> bool:
    """Take back what `ensure_config` wrote, if its store turned out not to be one.

    A file with a mistyped address would be found by the next command.

    Returns:
        Whether it was taken back; not once anything was synced.
    """
    if has_joined(data):
        return False
    path.unlink(missing_ok=True)
    return True


def plan_settings(root: Path, said: Config, env: Mapping[str, str]) -> Settings:
    """Return what would be in force in ``root`` with a file that says this.

    Nothing is written, and files that are there now are not read.

    Raises:
        ConfigError: The data folder would be a bad one.
    """
    config = layers.overlay(said, layers.overlay(layers.from_env(env), _own()))
    data = config.data or DEFAULT_DATA
    refuse_bad_data_folder(root, data, config.store or DEFAULT_STORE)
    folder = root.resolve()
    return settings_of(Resolved(folder, (folder / data).absolute(), config, None), env)


def write_setup(settings: Settings, said: Config, env: Mapping[str, str]) -> Path:
    """Write cas-sync.json, and for this machine alone who works here; make the data folder.

    Raises:
        ConfigError: There is a file already, or it cannot be written.
    """
    path = write_config(settings.root, team_part(said))
    settings.data.mkdir(parents=True, exist_ok=True)
    # What an earlier project had at this place is no reason to stop.
    forget_remembered(str(settings.state_dir), str(settings.data))
    if said.user_name and said.user_name != find_name(settings, env):
        remember_local(settings, "user.name", said.user_name)
    return path


def team_part(said: Config) -> Config:
    """Return what the team's file says of this: neither who works here, nor any keys."""
    data = said.data or DEFAULT_DATA
    return replace(said, data=data, user_name=None, credentials=None, unsigned=None)


def find_name(settings: Settings, env: Mapping[str, str]) -> str:
    """Return who works here if nobody says so now."""
    left = layers.from_seed_folder(settings.data / STATE_DIR, STATE_DIR)
    said = layers.from_env(env).user_name or _own().user_name or left.user_name
    return find_author(said, settings.root, env)


def _own() -> Config:
    """Return what the user's own file says, for all projects."""
    return layers.read_file(user_file()) if user_file().is_file() else Config()


# -- where things may be ----------------------------------------------------------------


def refuse_bad_data_folder(root: Path, data: str, store: str) -> None:
    """Refuse a data folder that holds the project, a git repository, or the store.

    Raises:
        ConfigError: It is one.
    """
    if problem := data_folder_problem(root, data) or overlap_problem(root, data, store):
        raise ConfigError(
            f"the data folder {root / data} {problem}",
            fix="name a folder of its own:  --data Data",
            code="E204",
        )


def data_folder_problem(root: Path, data: str) -> str:
    """Return why a folder must not be the data folder; empty if it may."""
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
        there = next(each for each in (folder, *folder.parents) if each.exists())
        if not there.is_dir():
            return f"cannot be made: {there} is a file"
        if not os.access(there, os.W_OK | os.X_OK):
            return f"is not writable: you may not write to {there}"
    except (OSError, RuntimeError) as error:  # a circle of links is a RuntimeError
        return f"cannot be looked at: {error}"
    return ""


def overlap_problem(root: Path, data: str, store: str) -> str:
    """Return how data folder and store lie in one another; empty if they do not.

    Raises:
        ConfigError: The store is no address at all.
    """
    named = folder_of(store)
    if named is None:
        return ""
    folder, place = (root / data).resolve(), (root / named).resolve()
    if _lies_in(place, folder) or _lies_in(folder, place):
        return f"and the store {place} lie in one another"
    return ""


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


def _looks_like_path(text: str) -> bool:
    return text.startswith((".", "/", "~", "\\", "file:")) or text[1:2] == ":"


def _lies_in(inner: Path, outer: Path) -> bool:
    """Say whether a folder is another or lies in it, however their names are spelled."""
    if inner.is_relative_to(outer):
        return True
    having = (each for each in (inner, *inner.parents) if each.exists())
    return outer.exists() and any(each.samefile(outer) for each in having)


# -- the store --------------------------------------------------------------------------


@dataclass(frozen=True)
class StoreReport:
    """What was found in a store.

    Attributes:
        repo_id: The repository.
        is_new: Whether it was begun just now.
        files: Files in its tree.
        latest: Its latest commit, if there is one, and that one's id.
        tests: What was tested; empty where no test was wanted.
        foreign: What others left there, if there is no commit yet.
        seconds: How long the tests took.
    """

    repo_id: str
    is_new: bool
    files: int
    latest: tuple[ObjectId, Commit] | None
    tests: tuple[ProbeResult, ...]
    foreign: Foreign | None
    seconds: float


def run_init(settings: Settings, surroundings: Surroundings, progress: Progress) -> StoreReport:
    """Test the store, and begin a repository there if there is none.

    Raises:
        UnsafeStoreError: The store does not keep two writers apart.
        StoreError: It did not answer, or is not ours to use.
    """
    began = surroundings.clock.monotonic()
    latest, foreign = None, None
    with Connection(settings, surroundings) as connection:
        head = connection.read_head()
        refuse_reset(head, None, settings.address.url)
        tests = tuple(connection.check(progress.note))
        seconds = surroundings.clock.monotonic() - began
        is_new = head is None
        if head is None:
            head = connection.begin(progress.note, is_tested=True)
        now = head.head
        if now.commit is None:
            foreign = find_foreign(connection)
        else:
            commits = connection.repository(now.repo_id).commits
            latest = now.commit, commits.read(now.commit, now.seq)
    return StoreReport(now.repo_id, is_new, now.files, latest, tests, foreign, seconds)
