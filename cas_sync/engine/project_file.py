"""Where the configuration of a project lies; found without loading anything else."""

from collections.abc import Mapping
from pathlib import Path

from cas_sync.errors import ConfigError
from cas_sync.formats import config_json, seed_config


def find_config(start: Path, env: Mapping[str, str]) -> Path | None:
    """Return the nearest file at or above ``start``, up to a git root or home.

    In one folder cas-sync.json goes before s3synchrony.json.
    """
    if given := env.get("CAS_SYNC_CONFIG"):
        path = Path(given)
        if not path.is_file():
            raise ConfigError(
                f"there is no file {path}", cause="CAS_SYNC_CONFIG names it", code="E203"
            )
        return path.absolute()
    folder = start.resolve()
    home = Path(env.get("HOME") or Path.home())
    for each in (folder, *folder.parents):
        for name in (config_json.FILE_NAME, seed_config.FILE_NAME):
            if (each / name).is_file():
                return each / name
        if (each / ".git").exists() or each == home:
            return None
    return None
