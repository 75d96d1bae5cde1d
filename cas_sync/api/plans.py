"""A plan as a value: what a sync would do, to be looked at, narrowed and handed back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cas_sync.api.status import Skipped, ToAdopt, Version
from cas_sync.api.tables import table
from cas_sync.api.values import Several


@dataclass(frozen=True)
class PlanItem:
    """What is to be done about one path.

    Attributes:
        action: ``upload``, ``download``, ``delete-remote``, ``delete-local`` or ``conflict``.
        path: Where.
        bytes: What would travel, before deduplication.
        reason: Why, where it is not plain.
        base: What both sides last agreed on; `None` where it was not there.
        ours: What the data folder holds.
        theirs: What the shared tree holds.
        edited_by: Who published theirs.
        time_edited: When they last changed it.
        copy: The other name of a file that is set aside.
        act: What the engine calls it.
    """

    action: str
    path: str
    bytes: int = 0
    reason: str = ""
    base: Version | None = None
    ours: Version | None = None
    theirs: Version | None = None
    edited_by: str | None = None
    time_edited: str | None = None
    copy: str | None = None
    act: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return what ``sync --dry-run --json`` tells of it."""
        return {
            "action": self.action,
            "path": self.path,
            "bytes": self.bytes,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Plan(Several[PlanItem]):
    """What a sync would do, in path order.

    Handed to `Project.sync` it is binding: a path on which either side has changed since,
    or that was not in it, is left for the next sync.

    Attributes:
        items: What would change or needs a decision.
        skipped: What cannot be synced now, and why.
        declined: What differs and was said no to before.
        to_adopt: What others left in the store, where it holds no commit yet.
        paths: The files or folders it was made for; empty means all.
        only: The patterns it was made for; empty means all.
        exclude: The patterns that were left out.
    """

    items: tuple[PlanItem, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    declined: tuple[str, ...] = ()
    to_adopt: ToAdopt | None = None
    paths: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def _values(self) -> tuple[PlanItem, ...]:
        return self.items

    @property
    def counts(self) -> dict[str, int]:
        """Number of items by action, of those that occur."""
        found: dict[str, int] = {}
        for item in self.items:
            found[item.action] = found.get(item.action, 0) + 1
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "items": [item.to_dict() for item in self.items],
            "skipped": {each.path: each.reason for each in self.skipped},
            "declined": list(self.declined),
            "to_adopt": self.to_adopt.to_dict() if self.to_adopt else None,
        }

    def __repr__(self) -> str:
        return f"<Plan: {self._line()}>"

    def _line(self) -> str:
        return ", ".join(f"{n:,} {action}" for action, n in self.counts.items()) or "nothing"

    def _repr_html_(self) -> str:
        header = ("action", "path", "bytes", "by", "edited", "")
        return table(self._line(), header, self._rows(), len(self))

    def _rows(self) -> Iterator[Sequence[object]]:
        for item in self.items:
            told = (item.edited_by, item.time_edited) if item.theirs else ("", "")
            yield (item.action, item.path, item.bytes, *told, item.reason)
