"""The configuration as people ask about it: what is in force, and whether it is sound."""

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cas_sync.engine import layers
from cas_sync.engine.places import refuse_bad_data_folder
from cas_sync.engine.project_file import find_config
from cas_sync.engine.settings import (
    DEFAULT_DATA,
    DEFAULT_JOBS,
    Resolved,
    local_file,
    resolve,
    settings_of,
    user_file,
)
from cas_sync.engine.surroundings import find_author
from cas_sync.errors import CasSyncError, ConfigError
from cas_sync.formats.config_json import CREDENTIALS, KEYS, Config
from cas_sync.plan.guards import GuardLimits
from cas_sync.store.connect import open_bucket, scheme_of

_WEB_ADDRESS = re.compile(r"https?://[^/\s]", re.IGNORECASE)


@dataclass(frozen=True)
class Value:
    """One value in force.

    Attributes:
        key: Its key in cas-sync.json.
        value: As JSON has it; `None` where nothing is said and there is no default.
        origin: Where it was said.
    """

    key: str
    value: object
    origin: str


def values_of(found: Resolved, env: Mapping[str, str]) -> list[Value]:
    """Return every value in force, with defaults filled in and no secret."""
    limits = GuardLimits()
    defaults: dict[str, object] = {
        "data": DEFAULT_DATA,
        "only": [],
        "ignore": [],
        "guard.delete_ratio": limits.ratio,
        "guard.delete_min": limits.least,
        "jobs": DEFAULT_JOBS,
        "checksums": "auto",
        "writers": "many",
    }
    values = []
    for key, (field_name, _, _) in KEYS.items():
        said = getattr(found.config, field_name)
        if key not in found.config.origins:
            values.append(Value(key, defaults.get(key), "default"))
        else:
            value = list(said) if isinstance(said, tuple) else said
            values.append(Value(key, value, found.config.origins[key]))
        if key == "user.name" and values[-1].value is None:
            name = find_author(None, found.root, env)
            values[-1] = Value(key, name, "git's user.name, else login@machine")
    values.append(_credentials(found.config, env))
    return values


def _credentials(config: Config, env: Mapping[str, str]) -> Value:
    """Return where AWS keys come from, as boto3 will look for them, and never what they are."""
    if origin := config.origins.get(CREDENTIALS):
        return Value(CREDENTIALS, f"from {origin}", origin)
    if config.store is not None and scheme_of(config.store.strip()) != "s3":
        return Value(CREDENTIALS, None, "default")
    if config.profile is not None:
        told = f"from the AWS profile {config.profile}"
        return Value(CREDENTIALS, told, config.origins.get("profile", "default"))
    if env.get("AWS_ACCESS_KEY_ID"):
        return Value(CREDENTIALS, "from the environment", "AWS_ACCESS_KEY_ID")
    return Value(CREDENTIALS, "from ~/.aws, SSO or the machine's role", "default")


def refuse_bad_endpoint(url: str, origin: str = "") -> None:
    """Refuse the address of a server that is not one.

    Raises:
        ConfigError: It does not begin with ``http://`` or ``https://``, and a name.
    """
    if not _WEB_ADDRESS.match(url):
        where = f"{origin}: " if origin else ""
        raise ConfigError(
            f'{where}"endpoint_url" must begin with https:// or http://',
            cause="it does not say how the server is spoken to",
            fix="cas-sync config set endpoint_url https://HOST:PORT",
            code="E112",
        )


def check(start: Path, env: Mapping[str, str]) -> tuple[list[str], list[CasSyncError]]:
    """Return the files that were read, and all that is wrong with the configuration.

    What is only a warning elsewhere, as an unknown key, is an error here. Nothing is asked
    of the store.
    """
    read: list[str] = []
    wrong: list[CasSyncError] = []
    path = find_config(start, env)
    data = (path.parent if path else start) / DEFAULT_DATA
    with contextlib.suppress(CasSyncError):  # found again below, with all else
        data = resolve(start, Config(), env).data
    candidates = (path, local_file(data), user_file())
    for each in candidates:
        if each is None or not each.is_file():
            continue
        name = each.name if each == path else str(each)
        read.append(name)
        try:
            warnings = layers.read_file(each, name).warnings
        except CasSyncError as error:
            wrong.append(error)
        else:
            wrong += [ConfigError(warning, code="E202") for warning in warnings]
    if not wrong:
        try:
            found = resolve(start, Config(), env)
            address, said = settings_of(found, env).address, found.config
            if address.endpoint_url:
                origin = said.origins.get("endpoint_url", "")
                refuse_bad_endpoint(address.endpoint_url, origin)
            open_bucket(address).close()
            data_said = said.data or DEFAULT_DATA
            refuse_bad_data_folder(found.root, data_said, address.url, said.origins)
        except CasSyncError as error:
            wrong.append(error)
    return read, wrong
