"""Platforms: what `smart_sync` syncs with, as classes that other packages may add to.

A platform is a child of `DataPlatformConnection`. Another package adds one by naming its
class in the entry point group ``cas_sync.platforms``; with ``schemes`` and ``open_bucket`` it
then serves the command line too: ``--store gcs://bucket/prefix``.
"""

import difflib
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, ClassVar

from blake3 import blake3

from cas_sync._version import __version__
from cas_sync.api.arguments import PathLike
from cas_sync.api.asking import Ask
from cas_sync.api.events import Listener
from cas_sync.api.project import Project, project_in
from cas_sync.api.results import ResetResult, SyncResult
from cas_sync.errors import ConfigError, UsageError
from cas_sync.formats.config_json import Config
from cas_sync.formats.seed_config import from_seed
from cas_sync.store import connect
from cas_sync.store.bucket import Bucket, StoreAddress

Tell = Callable[[str], object]
"""Is given sentences for people, such as `print`."""

_BLOCK = 1 << 20
_SEED_PLACES = ("aws_bkt", "aws_prfx", "remote_data_dir")
_FOLDERS = ("datafolder", "local_data_rel_dir", "data", "store")
"""Keywords that may name folders: as s3synchrony had it, from the one the caller is in."""


@dataclass(frozen=True)
class Terms:
    """How a platform is to sync or reset.

    Attributes:
        message: Why, for the log.
        on_conflict: What to do where both sides changed a file.
        adopt: Whether files that are there without a history become its first commit.
        ask: Is shown the plan and answers; `None` agrees to it.
        progress: Is told what happens.
        even_if_incomplete: Whether a reset goes on although files would be lost.
    """

    message: str = ""
    on_conflict: str = "ask"
    adopt: bool = True
    ask: Ask | None = None
    progress: Listener | None = None
    even_if_incomplete: bool = False


class DataPlatformConnection:
    """A place that `smart_sync` syncs with. Children override what differs.

    `smart_sync` calls, in this order, `intro_message`, `establish_connection`, `synchronize`
    and `close_message`; `reset_all` calls `reset_confirm` where that one calls
    `synchronize`, and then, unless its answer was false, `reset_remote` and `reset_local`.
    Messages are returned and not printed.

    Attributes:
        name: What it is called in `get_supported_platforms`.
        schemes: The beginnings of addresses it opens, as ``gcs`` of ``gcs://bucket``.
        kwargs: What `smart_sync` was given; `establish_connection` may still change it.
        terms: How to sync.
        approved: Whether `reset_all` may remove anything.
    """

    name: ClassVar[str] = ""
    schemes: ClassVar[tuple[str, ...]] = ()
    terms: Terms = Terms()
    approved: bool = False

    def __init__(self, **kwargs: Any) -> None:
        self.kwargs = kwargs

    @classmethod
    def open_bucket(cls, address: StoreAddress) -> Bucket:
        """Return the store at an address with one of `schemes`; nothing is sent yet.

        Raises:
            ConfigError: The platform has no stores of its own.
        """
        raise ConfigError(
            f"the platform {cls.name or cls.__name__} cannot open {address.url}", code="E108"
        )

    @cached_property
    def project(self) -> Project:
        """The project that `kwargs` make up; no file is needed, and none is written.

        Raises:
            NotAProjectError: Nothing names a store.
            ConfigError: A value cannot be.
        """
        return project_in(".", self._config(), self._connect)

    # -- what children override ---------------------------------------------------------

    def intro_message(self) -> str | None:
        """Return what is said first."""
        return f"cas-sync {__version__}: {self.name or type(self).__name__}"

    def close_message(self) -> str | None:
        """Return what is said last."""
        return "Done."

    def establish_connection(self) -> None:
        """Get ready, as by fetching credentials; the store itself is opened when needed."""

    def synchronize(self) -> SyncResult | None:
        """Make both sides the same and return what was done."""
        terms = self.terms
        return self.project.sync(
            message=terms.message,
            on_conflict=terms.on_conflict,
            adopt=terms.adopt,
            ask=terms.ask,
            progress=terms.progress,
        )

    def reset_confirm(self) -> ResetResult | bool | None:
        """Return what a reset would remove; a child may ask here, and `False` stops it."""
        return self.project.reset(confirm=False)

    def reset_remote(self) -> ResetResult | None:
        """Remove `.S3` under the prefix."""
        return self._reset(remote=True, local=False)

    def reset_local(self) -> ResetResult | None:
        """Remove `.S3` in the data folder; the last thing of a reset."""
        return self._reset(remote=False, local=True)

    # -- for children -------------------------------------------------------------------

    def _reset(self, *, remote: bool, local: bool) -> ResetResult:
        if not self.approved:
            raise UsageError(
                "the reset was not approved", fix="call cas_sync.reset_all(confirm=True)"
            )
        insists = self.terms.even_if_incomplete
        return self.project.reset(
            confirm=True, remote=remote, local=local, even_if_incomplete=insists
        )

    def _config(self) -> Config:
        values = _from_here(self.kwargs, _FOLDERS)
        bucket = values.get("aws_bkt")
        if self.schemes and not _is_built_in(self.schemes) and bucket:
            prefix = values.get("aws_prfx") or values.get("remote_data_dir") or ""
            values = {key: each for key, each in values.items() if key not in _SEED_PLACES}
            values["store"] = f"{self.schemes[0]}://{bucket}/{prefix}".rstrip("/")
        if isinstance(values.get("user"), str):
            values["user"] = {"name": values["user"]}
        config = from_seed(values, "smart_sync")
        if unknown := [each for each in config.warnings if "unknown key" in each]:
            raise UsageError(unknown[0], fix="see help(cas_sync.smart_sync)")
        return config

    def _connect(self, address: StoreAddress) -> Bucket:
        scheme, is_url, _ = address.url.partition("://")
        if is_url and scheme.lower() in self.schemes:
            return self.open_bucket(address)
        return connect.open_bucket(address)

    def _get_randomized_dirname(self) -> str:
        """Return a name for a folder that nobody else uses: 32 hex digits."""
        return secrets.token_hex(16)

    def _hash(self, path: PathLike) -> str:
        """Return what the Checksum column of our manifests says of a file: its BLAKE3."""
        hasher = blake3()
        with Path(path).open("rb") as file:
            while block := file.read(_BLOCK):
                hasher.update(block)
        return hasher.hexdigest()


class S3Platform(DataPlatformConnection):
    """A bucket and prefix on S3, or a server that speaks its language."""

    name = "S3"
    schemes = ("s3",)

    @classmethod
    def open_bucket(cls, address: StoreAddress) -> Bucket:
        """Return the bucket below a prefix."""
        return connect.open_bucket(address)


class LocalPlatform(DataPlatformConnection):
    """A folder that all can reach: ``store=`` or ``aws_prfx=`` names it."""

    name = "local"
    schemes = ("file",)

    @classmethod
    def open_bucket(cls, address: StoreAddress) -> Bucket:
        """Return the store in a folder."""
        return connect.open_bucket(address)

    def _config(self) -> Config:
        places = _from_here(self.kwargs, _SEED_PLACES[1:])
        self.kwargs = {"platform": self.name, **places}
        return super()._config()


BUILT_IN: Mapping[str, type[DataPlatformConnection]] = {
    each.name: each for each in (S3Platform, LocalPlatform)
}


def _from_here(kwargs: Mapping[str, Any], folders: Iterable[str]) -> dict[str, Any]:
    """Return what is said, with the folders among it as absolute paths."""
    values = {key: value for key, value in kwargs.items() if value is not None}
    for key in values.keys() & set(folders):
        text = os.fspath(values[key])
        # What is no address, or none of a folder, is for the engine to tell.
        if text.strip() and not connect.scheme_of(text.strip()):
            values[key] = str(Path(text).expanduser().absolute())
    return values


def _is_built_in(schemes: tuple[str, ...]) -> bool:
    return any(schemes == each.schemes for each in BUILT_IN.values())


def _installed() -> dict[str, EntryPoint]:
    known = {name.lower() for name in BUILT_IN}
    found = entry_points(group=connect.PLATFORMS)
    return {each.name: each for each in found if each.name.lower() not in known}


def get_supported_platforms() -> list[str]:
    """Return the names of all platforms, those of other packages included."""
    return [*BUILT_IN, *sorted(_installed(), key=str.lower)]


def find_platform(named: str | type[DataPlatformConnection]) -> type[DataPlatformConnection]:
    """Return a platform by its name, whatever the case, or as it was given.

    Raises:
        UsageError: There is none of that name.
        ConfigError: The package that brings it cannot be loaded.
    """
    if isinstance(named, type) and issubclass(named, DataPlatformConnection):
        return named
    wanted = str(named).lower()
    for name, built_in in BUILT_IN.items():
        if name.lower() == wanted:
            return built_in
    for name, each in _installed().items():
        if name.lower() == wanted:
            return _loaded(each)
    names = get_supported_platforms()
    by_lower = {name.lower(): name for name in names}
    near = difflib.get_close_matches(wanted, by_lower, 1)
    raise UsageError(
        f"there is no platform {named!r}",
        cause=f"the platforms are {', '.join(names)}",
        fix=f"did you mean {by_lower[near[0]]!r}?" if near else "",
    )


def _loaded(each: EntryPoint) -> type[DataPlatformConnection]:
    try:
        found = each.load()
    except Exception as error:
        raise ConfigError(
            f"the platform {each.name} cannot be loaded", cause=str(error), code="E108"
        ) from error
    if not (isinstance(found, type) and issubclass(found, DataPlatformConnection)):
        raise ConfigError(
            f"the platform {each.name} is no DataPlatformConnection",
            cause=f"{each.value} is {found!r}",
            code="E108",
        )
    return found
