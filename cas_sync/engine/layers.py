"""What each source of configuration says: files, the environment, what the seed left."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from cas_sync.errors import AccessError, ConfigError
from cas_sync.formats import config_json, seed_config
from cas_sync.formats.config_json import CREDENTIALS, KEYS, Config
from cas_sync.formats.rows import tidy

SEED_NAME_FILE = "user_name.txt"
SEED_KEYS_FILE = "aws.txt"

_NOT_SAID = {"warnings", "origins"}


def overlay(above: Config, below: Config) -> Config:
    """Return both as one: what ``above`` says, and the rest from ``below``.

    Who we are to AWS is one thing: a profile said above goes before keys said below.
    """
    if above.profile is not None and above.credentials is None:
        below = without(below, CREDENTIALS)
    said = {
        each.name: value
        for each in fields(Config)
        if each.name not in _NOT_SAID
        and (value := getattr(above, each.name)) is not None
        and (value != () or each.name == "only")
    }
    return replace(
        below,
        **said,
        warnings=(*above.warnings, *below.warnings),
        origins={**below.origins, **above.origins},
    )


def without(config: Config, *keys: str) -> Config:
    """Return the configuration as if it did not say these keys."""
    origins = {key: each for key, each in config.origins.items() if key not in keys}
    unsaid: dict[str, Any] = {KEYS[key].field if key in KEYS else key: None for key in keys}
    return replace(config, origins=origins, **unsaid)


def named(config: Config, origin: str) -> Config:
    """Return the configuration with an origin for everything it says."""
    said = {key for key, each in KEYS.items() if getattr(config, each.field) not in (None, ())}
    return replace(config, origins={**dict.fromkeys(said, origin), **config.origins})


def from_env(env: Mapping[str, str]) -> Config:
    """Return what the environment says.

    Raises:
        ConfigError: A variable has a value that cannot be.
    """
    jobs = env.get("CAS_SYNC_JOBS")
    if jobs and not (jobs.isdecimal() and 1 <= int(jobs[:4]) <= 256):
        raise ConfigError("CAS_SYNC_JOBS must be a number from 1 to 256", code="E202")
    # AWS_PROFILE goes before a profile that a teammate committed.
    profile = "CAS_SYNC_PROFILE" if env.get("CAS_SYNC_PROFILE") else "AWS_PROFILE"
    names = {
        "store": "CAS_SYNC_STORE",
        "data": "CAS_SYNC_DATA",
        "profile": profile,
        "user.name": "CAS_SYNC_USER",
        "jobs": "CAS_SYNC_JOBS",
    }
    return Config(
        # Empty is not unsaid here: a script's unset variable must not choose the store.
        store=env.get("CAS_SYNC_STORE"),
        data=env.get("CAS_SYNC_DATA") or None,
        profile=env.get(profile) or None,
        user_name=env.get("CAS_SYNC_USER") or None,
        jobs=int(jobs) if jobs else None,
        origins={
            key: name
            for key, name in names.items()
            if env.get(name) or (key == "store" and name in env)
        },
    )


def is_seed_file(path: Path) -> bool:
    """Return whether a file has the seed's keys, by its name."""
    return path.name == seed_config.FILE_NAME


def read_file(path: Path, name: str = "") -> Config:
    """Return what a file says; it is called ``name`` in messages.

    Raises:
        AccessError: It holds AWS keys and git tracks it.
        ConfigError: It cannot be read, or says what cannot be.
    """
    name = name or path.name
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path}", cause=str(error.strerror)) from error
    load = seed_config.load_seed if is_seed_file(path) else config_json.load
    config = load(data, name)
    if config.credentials is None:
        return config
    if _is_in_git(path):
        raise AccessError(
            f"{name} is in git and holds an AWS secret key",
            cause="whoever can read the repository, now or later, has the key",
            fix="make a new key and delete this one: it must count as known\n"
            "aws configure --profile NAME     keeps the new one outside the project\n"
            f'then name the profile in {name} and delete "{CREDENTIALS}" from it',
            code="E208",
        )
    warning = (
        f"{name} HOLDS AN AWS SECRET KEY, for everyone who reads the file. Move it out: "
        f"aws configure --profile NAME, name that profile in {name}, delete the key from it"
    )
    return replace(config, warnings=(warning, *config.warnings))


def _is_in_git(path: Path) -> bool:
    try:
        found = subprocess.run(  # noqa: S603 - a list, no shell
            ["git", "ls-files", "--error-unmatch", "--", path.name],  # noqa: S607 - the user's
            cwd=path.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return found.returncode == 0


def from_seed_folder(state: Path, name: str) -> Config:
    """Return what s3synchrony left in the ``.S3`` of this machine: who we are.

    Its AWS keys are not read: that they lie there is a warning.
    """
    keys = state / SEED_KEYS_FILE
    warnings: tuple[str, ...] = ()
    if os.path.lexists(keys):
        told = (
            f"{keys} holds AWS KEYS in plain text; s3synchrony put them there and cas-sync "
            "does not read them. Move them to ~/.aws/credentials and delete the file"
        )
        warnings = (told,)
    try:
        with (state / SEED_NAME_FILE).open("rb") as file:
            user = _text_of(file.readline(1000))
    except OSError:
        user = ""
    if user in ("", seed_config.NO_NAME):
        return Config(warnings=warnings)
    origins = {"user.name": f"{name}/{SEED_NAME_FILE}"}
    return Config(user_name=user, warnings=warnings, origins=origins)


def _text_of(line: bytes) -> str:
    try:
        return tidy(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return tidy(line.decode("cp1252", "replace"))
