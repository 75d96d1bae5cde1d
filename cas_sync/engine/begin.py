"""The first steps in a folder: where things are to be, the store's test, what is written."""

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cas_sync.engine import layers
from cas_sync.engine.adopt import find_foreign
from cas_sync.engine.config_edit import remember_local
from cas_sync.engine.places import refuse_bad_data_folder
from cas_sync.engine.project_file import find_config
from cas_sync.engine.repository import Connection, refuse_reset
from cas_sync.engine.settings import (
    DEFAULT_DATA,
    LOCAL_FILE,
    Resolved,
    Settings,
    settings_of,
    user_file,
    write_config,
)
from cas_sync.engine.surroundings import Surroundings, find_author
from cas_sync.formats.config_json import Config
from cas_sync.model.commit import Commit
from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import STATE_DIR
from cas_sync.plan.adoption import Foreign
from cas_sync.progress import Progress
from cas_sync.store.qualify import ProbeResult
from cas_sync.worktree.folder import DELETED_DIR, TMP_DIR
from cas_sync.worktree.state import (
    INTENT_FILE,
    LOCK_FILE,
    LOGS_DIR,
    ROOT_FILE,
    forget_remembered,
)


@dataclass(frozen=True)
class Begun:
    """What was made for a first sync, in case that comes to nothing.

    Attributes:
        path: The cas-sync.json.
        data: The data folder.
        made: Folders that were not there before and may be now, the innermost first.
    """

    path: Path
    data: Path
    made: tuple[Path, ...]


def ensure_config(start: Path, flags: Config, env: Mapping[str, str]) -> Begun | None:
    """Write cas-sync.json where there is none and the flags name a store.

    Returns:
        What was made; `None` if no file was written.

    Raises:
        ConfigError: It cannot be written, the store has no address, or the data folder
            would be a bad one.
    """
    if flags.store is None or find_config(start, env) is not None:
        return None
    said = replace(flags, data=flags.data or layers.from_env(env).data)
    settings = plan_settings(start, said, env)
    data = settings.data
    folders = (data / STATE_DIR, data, *data.parents)
    made = tuple(each for each in folders if not os.path.lexists(each))
    return Begun(write_setup(settings, said, env), data, made)


def has_joined(data: Path) -> bool:
    """Say whether a data folder has met its repository, or was about to."""
    return any((data / STATE_DIR / name).exists() for name in (ROOT_FILE, INTENT_FILE))


def withdraw_config(begun: Begun) -> bool:
    """Take back what `ensure_config` made, if its store turned out not to be one.

    A file with a mistyped address would be found by the next command. No file is removed
    but those of our own that this command wrote, and no folder that holds anything.

    Returns:
        Whether it was taken back; not once anything was synced.
    """
    if has_joined(begun.data):
        return False
    begun.path.unlink(missing_ok=True)
    data, state = begun.data, begun.data / STATE_DIR
    with contextlib.suppress(OSError):
        if state in begun.made and not state.is_symlink():
            for name in (LOCK_FILE, LOCAL_FILE):
                (state / name).unlink(missing_ok=True)
            for path in (TMP_DIR, LOGS_DIR, DELETED_DIR):
                if (data / path).exists():
                    (data / path).rmdir()
        for each in begun.made:
            if each.exists():
                each.rmdir()
    return True


def plan_settings(root: Path, said: Config, env: Mapping[str, str]) -> Settings:
    """Return what would be in force in ``root`` with a file that says this.

    Nothing is written, and files that are there now are not read.

    Raises:
        ConfigError: The store has no address, or the data folder would be a bad one.
    """
    config = layers.overlay(said, layers.overlay(layers.from_env(env), _own()))
    data, folder = config.data or DEFAULT_DATA, root.resolve()
    found = Resolved(folder, (folder / data).absolute(), config, None)
    settings = settings_of(found, env)
    refuse_bad_data_folder(root, data, settings.address.url, config.origins)
    return settings


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
        for rule in surroundings.terms(settings.address).rules or ():
            progress.note(
                f"Beware: the bucket {rule.what} (lifecycle rule {rule.name}); "
                "take this prefix out of that rule."
            )
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
