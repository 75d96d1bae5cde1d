"""How both sides stand, as frozen values that know nothing of how they were made.

Paths are texts relative to the data folder with ``/``, ids are 64 hex digits, times are
RFC 3339 in UTC, sizes are bytes. `to_dict` gives what the command line prints as JSON.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cas_sync.api.tables import table
from cas_sync.api.values import Several


@dataclass(frozen=True, slots=True)
class Version:
    """What a file holds.

    Attributes:
        hash: BLAKE3 of its bytes; of a link, of its target.
        size: Its length in bytes.
        mode: ``100644``, ``100755`` (executable) or ``120000`` (link).
    """

    hash: str
    size: int
    mode: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"hash": self.hash, "size": self.size, "mode": self.mode}


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was left alone or needs a look, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Changes:
    """Paths that differ from what both sides last agreed on."""

    new: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.new) + len(self.modified) + len(self.deleted)

    def __iter__(self) -> Iterator[str]:
        yield from (*self.new, *self.modified, *self.deleted)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "new": list(self.new),
            "modified": list(self.modified),
            "deleted": list(self.deleted),
        }


@dataclass(frozen=True, slots=True)
class ToAdopt:
    """What others left in a store that holds no commit yet.

    Attributes:
        files: Objects that would become files.
        size: Their bytes.
        s3synchrony: Whether it kept them.
        deleted: Deleted files that it kept.
        left_out: Objects that cannot become files, or are not meant to.
    """

    files: int
    size: int
    s3synchrony: bool
    deleted: int
    left_out: int

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "files": self.files,
            "size": self.size,
            "s3synchrony": self.s3synchrony,
            "deleted": self.deleted,
            "left_out": self.left_out,
        }


@dataclass(frozen=True)
class Status:
    """What a sync would meet.

    Attributes:
        store: Address of the store.
        local: What changed in the data folder.
        remote: What teammates changed.
        conflicts: What both changed, differently.
        skipped: What cannot be synced now.
        declined: What differs and was said no to.
        ignored: Files and folders here that were passed over.
        to_adopt: What others left in the store, where it holds no commit yet.
        head: Id of the latest commit that is known; `None` before the first.
        seq: Its number.
        files: Files in the data folder.
        size: Their bytes.
        offline: Whether the store was not asked.
    """

    store: str
    local: Changes = Changes()
    remote: Changes = Changes()
    conflicts: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    declined: tuple[str, ...] = ()
    ignored: int = 0
    to_adopt: ToAdopt | None = None
    head: str | None = None
    seq: int = 0
    files: int = 0
    size: int = 0
    offline: bool = False

    @property
    def is_clean(self) -> bool:
        """Whether a sync would find nothing to do."""
        return not (len(self.local) or len(self.remote) or self.conflicts)

    def to_dict(self) -> dict[str, Any]:
        """Return what ``status --json`` gives as its result."""
        return {
            "local": self.local.to_dict(),
            "remote": self.remote.to_dict(),
            "conflicts": list(self.conflicts),
            "skipped": {each.path: each.reason for each in self.skipped},
            "declined": list(self.declined),
            "ignored": self.ignored,
            "to_adopt": self.to_adopt.to_dict() if self.to_adopt else None,
            "head": self.head,
            "seq": self.seq,
            "files": self.files,
            "size": self.size,
            "offline": self.offline,
        }

    def __repr__(self) -> str:
        return f"<Status: {self._line()}>"

    def _line(self) -> str:
        team = "not asked" if self.offline else f"{len(self.remote):,} changed"
        return (
            f"you {len(self.local):,} changed, team {team}, {len(self.conflicts):,} "
            f"conflicts{at(self.head)}"
        )

    def _repr_html_(self) -> str:
        sides = (("you", self.local), ("team", self.remote))
        rows = [
            (what, who, path)
            for who, changes in sides
            for what in ("new", "modified", "deleted")
            for path in getattr(changes, what)
        ]
        rows += [("conflict", "both", path) for path in self.conflicts]
        rows += [("skipped", each.reason, each.path) for each in self.skipped]
        return table(f"{self.store}: {self._line()}", ("", "who", "path"), rows, len(rows))


@dataclass(frozen=True)
class Conflict:
    """A file that both sides changed, differently.

    Attributes:
        path: Where.
        base: What both last agreed on; `None` where it was not there.
        ours: What the data folder holds.
        theirs: What the shared tree holds.
        edited_by: Who published theirs.
        time_edited: When they last changed it.
    """

    path: str
    base: Version | None = None
    ours: Version | None = None
    theirs: Version | None = None
    edited_by: str | None = None
    time_edited: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return what ``conflicts --json`` gives of it."""
        return {
            "path": self.path,
            "base": self.base.to_dict() if self.base else None,
            "ours": self.ours.to_dict() if self.ours else None,
            "theirs": self.theirs.to_dict() if self.theirs else None,
            "edited_by": self.edited_by,
            "time_edited": self.time_edited,
        }


@dataclass(frozen=True)
class Conflicts(Several[Conflict]):
    """The files that both sides changed, in path order."""

    items: tuple[Conflict, ...] = ()

    def _values(self) -> tuple[Conflict, ...]:
        return self.items

    def to_dict(self) -> list[dict[str, Any]]:
        """Return what ``conflicts --json`` gives as its result."""
        return [each.to_dict() for each in self.items]

    def __repr__(self) -> str:
        return f"<Conflicts: {', '.join(each.path for each in self.items) or 'none'}>"

    def _repr_html_(self) -> str:
        rows = (
            (
                each.path,
                each.ours.size if each.ours else "deleted",
                each.theirs.size if each.theirs else "deleted",
                each.edited_by,
                each.time_edited,
            )
            for each in self.items
        )
        header = ("path", "your bytes", "their bytes", "by", "edited")
        return table(f"{len(self):,} conflicts", header, rows, len(self))


def at(commit: str | None) -> str:
    """Return `` at 3f9c1a2b``, or nothing where there is no commit."""
    return f" at {commit[:8]}" if commit else ""
