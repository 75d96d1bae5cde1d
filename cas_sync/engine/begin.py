"""The first steps in a folder: its configuration, the store's test, a clone."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cas_sync.engine.repository import Connection, refuse_reset
from cas_sync.engine.settings import Settings, find_config, write_config
from cas_sync.engine.surroundings import Surroundings
from cas_sync.errors import ConfigError
from cas_sync.formats.config_json import Config
from cas_sync.progress import Progress
from cas_sync.worktree.state import forget_remembered


def ensure_config(start: Path, flags: Config, env: Mapping[str, str]) -> Path | None:
    """Write cas-sync.json where there is none and the flags name a store.

    Returns:
        The file, if one was written.

    Raises:
        ConfigError: It cannot be written, or the data folder would be a bad one.
    """
    if flags.store is None or find_config(start, env) is not None:
        return None
    said = replace(flags, data=flags.data or "Data")
    refuse_bad_data_folder(start, said.data or "Data", flags.store)
    return write_config(start, said)


def forget_folder(settings: Settings) -> None:
    """Forget what an earlier project had at this place: the folder is set up anew."""
    forget_remembered(str(settings.state_dir), str(settings.data))


def refuse_bad_data_folder(root: Path, data: str, store: str) -> None:
    """Refuse a data folder that holds the project, a git repository, or the store.

    Raises:
        ConfigError: It is one.
    """
    folder, project = (root / data).resolve(), root.resolve()
    problem = ""
    if project == folder:
        problem = "is the project itself: code and configuration would be synced too"
    elif project.is_relative_to(folder):
        problem = "holds the project itself"
    elif (folder / ".git").exists():
        problem = "is a git repository"
    elif "://" not in store:
        place = (root / os.path.expanduser(store)).resolve()  # noqa: PTH111 - text from a file
        if place == folder or place.is_relative_to(folder) or folder.is_relative_to(place):
            problem = f"and the store {place} lie in one another"
    if problem:
        raise ConfigError(
            f"the data folder {folder} {problem}",
            fix="name a folder of its own:  --data Data",
            code="E204",
        )


@dataclass(frozen=True)
class InitReport:
    """What `init` did.

    Attributes:
        config: The file that was written; `None` where one was there.
        is_new: Whether the repository was begun.
        repo_id: The repository.
        files: Files in the shared tree.
    """

    config: Path | None
    is_new: bool
    repo_id: str
    files: int


def run_init(
    settings: Settings, surroundings: Surroundings, progress: Progress, config: Path | None
) -> InitReport:
    """Test the store, and begin a repository there if there is none.

    Raises:
        UnsafeStoreError: The store does not keep two writers apart.
    """
    with Connection(settings, surroundings) as connection:
        head = connection.read_head()
        refuse_reset(head, None, settings.address.url)
        is_new = head is None
        if head is None:
            head = connection.begin(progress.note)
        else:
            connection.check(progress.note)
    settings.data.mkdir(parents=True, exist_ok=True)
    return InitReport(config, is_new, head.head.repo_id, head.head.files)
