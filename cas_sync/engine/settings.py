"""Which configuration is in force, and where each value of it was said.

A flag goes before the environment, that before ``.S3/local.json`` (this machine, this
project), that before the project's file, that before the user's, that before the default.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from cas_sync.engine import layers
from cas_sync.engine.project_file import find_config
from cas_sync.errors import ConfigError, NotAProjectError
from cas_sync.formats import config_json, seed_config
from cas_sync.formats.config_json import CREDENTIALS, Config
from cas_sync.model.paths import STATE_DIR
from cas_sync.plan.guards import GuardLimits
from cas_sync.store.bucket import StoreAddress
from cas_sync.store.connect import read_address, scheme_of

DEFAULT_DATA = "Data"
DEFAULT_STORE = "../cas-sync-store"
"""Where a team's files are kept if nobody says: a folder beside the project."""

DEFAULT_JOBS = 8
LOCAL_FILE = "local.json"
"""In ``.S3``: what holds for this project on this machine."""

NOT_LOCAL = ("store", "data")
"""Keys that `LOCAL_FILE` cannot say: it lies in what they name."""


@dataclass(frozen=True)
class Settings:
    """Everything a project needs to know before it looks at anything.

    Attributes:
        root: Folder that holds cas-sync.json.
        data: The data folder.
        address: Where the store is.
        user_name: Who we are; `None` to find out when it is needed.
        ignore: gitignore patterns of what is not synced.
        limits: When a change is too large to be meant.
        jobs: Requests in flight at once.
        single_writer: Whether a store without safe conditional writes is accepted.
        cache_dir: Where copies of immutable objects are kept.
        state_dir: Where this machine remembers which folders were synced.
        warnings: What is odd about the configuration, for people.
        notices: What is worth knowing about it and not odd.
        only: gitignore patterns of what is wanted here; empty means everything.
        origins: By key of cas-sync.json, where its value was said.
        config_path: The project's file; `None` where flags and environment say all.
    """

    root: Path
    data: Path
    address: StoreAddress
    user_name: str | None
    ignore: tuple[str, ...]
    limits: GuardLimits
    jobs: int
    single_writer: bool
    cache_dir: Path
    state_dir: Path
    warnings: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)
    config_path: Path | None = None


@dataclass(frozen=True)
class Resolved:
    """All sources as one, before anything is made of them.

    Attributes:
        root: Folder that relative paths start from: that of the project's file.
        data: The data folder.
        config: What is said, with origins; defaults are not filled in.
        path: The project's file; `None` where there is none.
    """

    root: Path
    data: Path
    config: Config
    path: Path | None


def user_file() -> Path:
    """Return where the user's own configuration lies, for all projects."""
    return _dirs().user_config_path / "config.json"


def local_file(data: Path) -> Path:
    """Return where the configuration of this machine lies, for one data folder."""
    return data / STATE_DIR / LOCAL_FILE


def resolve(start: Path, flags: Config, env: Mapping[str, str]) -> Resolved:
    """Return what all sources say for folder ``start``.

    Raises:
        AccessError: A file holds AWS keys and git tracks it.
        ConfigError: A file is malformed.
    """
    path = find_config(start, env)
    root = path.parent if path else start.resolve()
    files = (
        layers.read_file(user_file(), str(user_file())) if user_file().is_file() else Config()
    )
    if path:
        files = layers.overlay(layers.read_file(path), files)
    above = layers.overlay(layers.named(flags, "command line"), layers.from_env(env))
    data = (root / (above.data or files.data or DEFAULT_DATA)).absolute()
    state_name = _shown(data / STATE_DIR, root)
    if local_file(data).is_file():
        files = layers.overlay(_read_local(local_file(data), state_name), files)
    if env.get("AWS_ACCESS_KEY_ID"):  # the environment goes before files, also in this
        files = layers.without(files, CREDENTIALS)
    left = layers.from_seed_folder(data / STATE_DIR, state_name)
    merged = layers.overlay(above, layers.overlay(files, left))
    return Resolved(root, data, merged, path)


def _read_local(path: Path, state_name: str) -> Config:
    config = layers.read_file(path, f"{state_name}/{LOCAL_FILE}")
    if not any(key in config.origins for key in NOT_LOCAL):
        return config
    told = f'{state_name}/{LOCAL_FILE} cannot say "store" or "data": it lies in what they name'
    return layers.overlay(Config(warnings=(told,)), layers.without(config, *NOT_LOCAL))


def load_settings(start: Path, flags: Config, env: Mapping[str, str]) -> Settings:
    """Return the configuration in force in folder ``start``.

    Raises:
        NotAProjectError: No file was found and no flag names a store.
        AccessError: A file holds AWS keys and git tracks it.
        ConfigError: A file is malformed.
    """
    return settings_of(resolve(start, flags, env), env)


def settings_of(found: Resolved, env: Mapping[str, str]) -> Settings:
    """Return the settings that all sources add up to.

    Raises:
        NotAProjectError: No file was found and no flag names a store.
        ConfigError: The file names no store, or what it names is no address.
    """
    said, root = found.config, found.root
    if said.store is None:
        raise _no_store(found)
    notices: tuple[str, ...] = ()
    if found.path and layers.is_seed_file(found.path):
        notices = (f"using {found.path.name}; cas-sync init imports it",)
    jobs = said.jobs or DEFAULT_JOBS
    defaults = GuardLimits()
    return Settings(
        root=root,
        data=found.data,
        address=StoreAddress(
            _address(said.store, root, said.origins.get("store", "")),
            said.profile,
            said.region,
            said.endpoint_url,
            jobs,
            said.checksums or "auto",
            said.credentials,
            said.unsigned or False,
        ),
        user_name=said.user_name,
        ignore=said.ignore,
        limits=GuardLimits(
            defaults.ratio if said.delete_ratio is None else said.delete_ratio,
            defaults.least if said.delete_min is None else said.delete_min,
        ),
        jobs=jobs,
        single_writer=said.writers == "one",
        cache_dir=Path(env.get("CAS_SYNC_CACHE_DIR") or _dirs().user_cache_path),
        state_dir=Path(env.get("CAS_SYNC_STATE_DIR") or _dirs().user_state_path),
        warnings=said.warnings,
        notices=notices,
        only=said.only or (),
        origins=said.origins,
        config_path=found.path,
    )


def no_project(start: Path, cause: str = "") -> NotAProjectError:
    """Return the error of a folder without a configuration."""
    return NotAProjectError(
        f"no {config_json.FILE_NAME} or {seed_config.FILE_NAME} in {start} or above",
        cause=cause,
        fix="cas-sync init\n"
        "or at once:  cas-sync sync --store s3://bucket/prefix --data Data\n"
        "with a shared folder:  cas-sync sync --store ../team-store --data Data\n"
        "if the project is elsewhere:  cas-sync -C PATH sync",
    )


def _no_store(found: Resolved) -> ConfigError:
    cause = "\n".join(found.config.warnings)  # as a mistyped "store"
    if found.path is None:
        return no_project(found.root, cause)
    is_seed = layers.is_seed_file(found.path)
    return ConfigError(
        f"{found.path} names no store",
        cause=cause,
        fix='add  "aws_bkt": "bucket",  "remote_data_dir": "prefix"'
        if is_seed
        else "cas-sync config set store s3://bucket/prefix",
        code="E202",
    )


def _dirs() -> platformdirs.PlatformDirs:
    return platformdirs.PlatformDirs("cas-sync", appauthor=False)


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _address(store: str, root: Path, origin: str) -> str:
    try:
        return anchored(store, root)
    except ConfigError as error:
        if origin and not error.cause:
            error.cause = f"{origin} says so"
        raise


def anchored(store: str, root: Path) -> str:
    """Return an address of a store; a plain relative path becomes one from ``root``.

    Raises:
        ConfigError: It is no address.
    """
    url = read_address(store)
    if scheme_of(url) or url.startswith(("~", "\\\\")):
        return url
    return os.path.normpath(root / url)


def write_config(root: Path, config: Config) -> Path:
    """Write a new cas-sync.json and return its path.

    Raises:
        ConfigError: There is one already, or it cannot be written.
    """
    path = root / config_json.FILE_NAME
    try:
        root.mkdir(parents=True, exist_ok=True)
        _write_new(path, config_json.dump(config))
    except FileExistsError:
        raise ConfigError(f"{path} exists already", fix=f"edit {path}", code="E204") from None
    except OSError as error:
        raise ConfigError(f"cannot write {path}", cause=str(error.strerror)) from error
    return path


def _write_new(path: Path, data: bytes) -> None:
    """Write a file that must not exist; killed at any moment, it is whole or not there."""
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with scratch.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(scratch, path)
        except FileExistsError:
            raise
        except OSError:  # a disk without links
            if path.exists():
                raise FileExistsError(path) from None
            scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
