"""Which configuration is in force: flag, environment, project file, user file, default."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

import platformdirs

from cas_sync.errors import ConfigError, NotAProjectError
from cas_sync.formats import config_json
from cas_sync.formats.config_json import Config
from cas_sync.plan.guards import GuardLimits
from cas_sync.store.bucket import StoreAddress

DEFAULT_DATA = "Data"
DEFAULT_JOBS = 8


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


def find_config(start: Path, env: Mapping[str, str]) -> Path | None:
    """Return the nearest cas-sync.json at or above ``start``, up to a git root or home."""
    if named := env.get("CAS_SYNC_CONFIG"):
        path = Path(named)
        if not path.is_file():
            raise ConfigError(
                f"there is no file {path}", cause="CAS_SYNC_CONFIG names it", code="E203"
            )
        return path.resolve()
    folder = start.resolve()
    home = Path(env.get("HOME") or Path.home())
    for each in (folder, *folder.parents):
        candidate = each / config_json.FILE_NAME
        if candidate.is_file():
            return candidate
        if (each / ".git").exists() or each == home:
            return None
    return None


def _from_env(env: Mapping[str, str]) -> Config:
    jobs = env.get("CAS_SYNC_JOBS")
    if jobs is not None and not (jobs.isdecimal() and 1 <= int(jobs) <= 256):
        raise ConfigError("CAS_SYNC_JOBS must be a number from 1 to 256", code="E202")
    return Config(
        store=env.get("CAS_SYNC_STORE"),
        data=env.get("CAS_SYNC_DATA"),
        # AWS_PROFILE goes before a profile that a teammate committed.
        profile=env.get("CAS_SYNC_PROFILE") or env.get("AWS_PROFILE"),
        user_name=env.get("CAS_SYNC_USER"),
        jobs=int(jobs) if jobs else None,
    )


def _overlay(above: Config, below: Config) -> Config:
    said = {
        f.name: value
        for f in fields(Config)
        if (value := getattr(above, f.name)) not in (None, ())
    }
    both = (*above.warnings, *below.warnings)
    return replace(below, **{**said, "warnings": both})


def _read(path: Path) -> Config:
    try:
        return config_json.load(path.read_bytes(), path.name)
    except OSError as error:
        raise ConfigError(f"cannot read {path}", cause=str(error.strerror)) from error


def load_settings(start: Path, flags: Config, env: Mapping[str, str]) -> Settings:
    """Return the configuration in force in folder ``start``.

    Raises:
        NotAProjectError: No file was found and no flag names a store.
        ConfigError: A file is malformed.
    """
    dirs = platformdirs.PlatformDirs("cas-sync", appauthor=False)
    user_file = dirs.user_config_path / "config.json"
    merged = _read(user_file) if user_file.is_file() else Config()
    path = find_config(start, env)
    root = path.parent if path else start.resolve()
    if path:
        merged = _overlay(_read(path), merged)
    merged = _overlay(flags, _overlay(_from_env(env), merged))
    if merged.store is None:
        raise NotAProjectError(
            f"no {config_json.FILE_NAME} in {start.resolve()} or above",
            fix="cas-sync sync --store s3://bucket/prefix --data Data\n"
            "or, with a shared folder:  cas-sync sync --store ../team-store --data Data",
        )
    jobs = merged.jobs or DEFAULT_JOBS
    defaults = GuardLimits()
    return Settings(
        root=root,
        data=(root / (merged.data or DEFAULT_DATA)).absolute(),
        address=StoreAddress(
            _anchored(merged.store, root),
            merged.profile,
            merged.region,
            merged.endpoint_url,
            jobs,
        ),
        user_name=merged.user_name,
        ignore=merged.ignore,
        limits=GuardLimits(
            defaults.ratio if merged.delete_ratio is None else merged.delete_ratio,
            defaults.least if merged.delete_min is None else merged.delete_min,
        ),
        jobs=jobs,
        single_writer=merged.writers == "one",
        cache_dir=Path(env.get("CAS_SYNC_CACHE_DIR") or dirs.user_cache_path),
        state_dir=Path(env.get("CAS_SYNC_STATE_DIR") or dirs.user_state_path),
        warnings=merged.warnings,
    )


def _anchored(store: str, root: Path) -> str:
    """Make a plain relative path one from the folder of the configuration."""
    if "://" in store or store.startswith(("~", "\\\\")):
        return store
    return os.path.normpath(root / store)


def write_config(root: Path, config: Config) -> Path:
    """Write a new cas-sync.json and return its path.

    Raises:
        ConfigError: There is one already, or it cannot be written.
    """
    path = root / config_json.FILE_NAME
    try:
        root.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(config_json.dump(config))
    except FileExistsError:
        raise ConfigError(f"{path} exists already", fix=f"edit {path}", code="E204") from None
    except OSError as error:
        raise ConfigError(f"cannot write {path}", cause=str(error.strerror)) from error
    return path
