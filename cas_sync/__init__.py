"""Keep a team's data folder the same on every machine through one bucket and prefix.

    import cas_sync

    cas_sync.run()                                        # the project of this folder
    cas_sync.smart_sync(aws_bkt="team-data", aws_prfx="churn", datafolder="Data")

    project = cas_sync.Project.open(".")
    plan = project.plan()
    project.sync(plan, message="November targets", select=["clean/**"])
    path = project.fetch("raw/users.csv", rev="2026-11-20")

    path = cas_sync.fetch("raw/users.csv", rev="v1")      # the project of this folder
    pandas.read_csv("cas://v1@raw/users.csv")             # without any import of cas_sync

Nothing here prints, asks or exits. What went wrong is a `CasSyncError`, with ``code``,
``cause``, ``fix``, ``state`` and ``exit_code``; all that was done is a value.
"""

import importlib
from typing import TYPE_CHECKING

from cas_sync._version import __version__

if TYPE_CHECKING:
    from cas_sync.api.classic import reset_all, reset_confirm, run, smart_sync
    from cas_sync.api.history import Change, Diff, FileChange, Log, LogEntry, Side
    from cas_sync.api.looking import Deleted, DeletedFiles, Group, Item, Items, Usage
    from cas_sync.api.plans import Plan, PlanItem
    from cas_sync.api.platforms import DataPlatformConnection, get_supported_platforms
    from cas_sync.api.project import Project
    from cas_sync.api.results import (
        Adopted,
        Kept,
        ResetResult,
        RestoreResult,
        SyncResult,
        UndoResult,
    )
    from cas_sync.api.shortcuts import fetch, open  # noqa: A004, F401 - not in __all__
    from cas_sync.api.status import (
        Changes,
        Conflict,
        Conflicts,
        Skipped,
        Status,
        ToAdopt,
        Version,
    )
    from cas_sync.api.tags import Pin, Tag, Tags
    from cas_sync.errors import (
        AccessError,
        BusyError,
        CasSyncError,
        ConfigError,
        DamageError,
        DiskFullError,
        FormatError,
        GuardError,
        NotAProjectError,
        OutcomeUnknownError,
        RaceLostError,
        RepositoryResetError,
        StoreError,
        UnavailableError,
        UnsafeStoreError,
        UsageError,
        WorktreeError,
    )

_ROOMS = {
    "api.classic": "reset_all reset_confirm run smart_sync",
    "api.history": "Change Diff FileChange Log LogEntry Side",
    "api.looking": "Deleted DeletedFiles Group Item Items Usage",
    "api.plans": "Plan PlanItem",
    "api.platforms": "DataPlatformConnection get_supported_platforms",
    "api.project": "Project",
    "api.results": "Adopted Kept ResetResult RestoreResult SyncResult UndoResult",
    "api.shortcuts": "fetch open",
    "api.status": "Changes Conflict Conflicts Skipped Status ToAdopt Version",
    "api.tags": "Pin Tag Tags",
    "errors": "AccessError BusyError CasSyncError ConfigError DamageError DiskFullError "
    "FormatError GuardError NotAProjectError OutcomeUnknownError RaceLostError "
    "RepositoryResetError StoreError UnavailableError UnsafeStoreError UsageError "
    "WorktreeError",
}
_HOMES = {name: room for room, names in _ROOMS.items() for name in names.split()}

__all__ = [
    "AccessError",
    "Adopted",
    "BusyError",
    "CasSyncError",
    "Change",
    "Changes",
    "ConfigError",
    "Conflict",
    "Conflicts",
    "DamageError",
    "DataPlatformConnection",
    "Deleted",
    "DeletedFiles",
    "Diff",
    "DiskFullError",
    "FileChange",
    "FormatError",
    "Group",
    "GuardError",
    "Item",
    "Items",
    "Kept",
    "Log",
    "LogEntry",
    "NotAProjectError",
    "OutcomeUnknownError",
    "Pin",
    "Plan",
    "PlanItem",
    "Project",
    "RaceLostError",
    "RepositoryResetError",
    "ResetResult",
    "RestoreResult",
    "Side",
    "Skipped",
    "Status",
    "StoreError",
    "SyncResult",
    "Tag",
    "Tags",
    "ToAdopt",
    "UnavailableError",
    "UndoResult",
    "UnsafeStoreError",
    "Usage",
    "UsageError",
    "Version",
    "WorktreeError",
    "__version__",
    "fetch",
    "get_supported_platforms",
    "reset_all",
    "reset_confirm",
    "run",
    "smart_sync",
]


def __getattr__(name: str) -> object:
    """Import what is asked for; `import cas_sync` alone costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Return the names that are meant for others.

    `open` is one of them, but not in `__all__`: ``import *`` must not hide Python's own.
    """
    return sorted([*__all__, "open"])
