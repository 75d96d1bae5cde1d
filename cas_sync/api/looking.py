"""What lies at a revision, what takes the room, and what was deleted, as values."""

from dataclasses import dataclass
from typing import Any

from cas_sync.api.tables import table
from cas_sync.api.values import Several

FOLDER_MODE = "040000"


@dataclass(frozen=True)
class Item:
    """A file at a revision, or a folder.

    Attributes:
        path: Where, below the data folder; a folder ends with ``/``.
        hash: BLAKE3 of its bytes; `None` of a folder, as all that follows.
        size: Its length in bytes.
        mode: ``100644``, ``100755`` (executable), ``120000`` (link) or ``040000`` (folder).
        edited_by: Who published it.
        time_edited: When they last changed it.
    """

    path: str
    hash: str | None = None
    size: int | None = None
    mode: str = FOLDER_MODE
    edited_by: str | None = None
    time_edited: str | None = None

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.mode == FOLDER_MODE

    def to_dict(self) -> dict[str, Any]:
        """Return what ``ls --json`` gives of it."""
        return {
            "path": self.path,
            "hash": self.hash,
            "size": self.size,
            "mode": self.mode,
            "edited_by": self.edited_by,
            "time_edited": self.time_edited,
        }


@dataclass(frozen=True)
class Items(Several[Item]):
    """What lies in a folder at a revision, in path order.

    Attributes:
        commit: Id of the commit that was looked at.
        seq: Its number.
        items: The files and folders.
    """

    commit: str
    seq: int
    items: tuple[Item, ...] = ()

    def _values(self) -> tuple[Item, ...]:
        return self.items

    def to_dict(self) -> list[dict[str, Any]]:
        """Return what ``ls --json`` gives as its result."""
        return [each.to_dict() for each in self.items]

    def __repr__(self) -> str:
        return f"<Items: {self._line()}>"

    def _line(self) -> str:
        return f"{len(self.items):,} at {self.commit[:8]} (#{self.seq})"

    def _repr_html_(self) -> str:
        rows = ((each.path, each.size, each.edited_by, each.time_edited) for each in self.items)
        return table(self._line(), ("path", "bytes", "by", "edited"), rows, len(self))


@dataclass(frozen=True)
class Group:
    """Files that have something in common.

    Attributes:
        name: A folder, which ends with ``/`` (``/.`` where only the files directly in it are
            meant; ``.`` at the top); an author; or an extension.
        files: How many.
        size: Their bytes.
    """

    name: str
    files: int
    size: int

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"name": self.name, "files": self.files, "size": self.size}


@dataclass(frozen=True)
class Usage:
    """What takes the room at a revision.

    Attributes:
        rev: The revision as it was asked for.
        commit: Its id.
        seq: Its number.
        files: Files in all.
        size: Their bytes.
        groups: The largest first; every file is in one of them.
    """

    rev: str
    commit: str
    seq: int
    files: int = 0
    size: int = 0
    groups: tuple[Group, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return what ``du --json`` gives as its result."""
        return {
            "rev": self.rev,
            "commit": self.commit,
            "seq": self.seq,
            "files": self.files,
            "size": self.size,
            "rows": [each.to_dict() for each in self.groups],
        }

    def __repr__(self) -> str:
        return f"<Usage: {self._line()}>"

    def _line(self) -> str:
        at = f"at {self.commit[:8]} (#{self.seq})"
        return f"{self.files:,} files, {self.size:,} bytes {at}"

    def _repr_html_(self) -> str:
        rows = ((each.name, each.files, each.size) for each in self.groups)
        return table(self._line(), ("", "files", "bytes"), rows, len(self.groups))


@dataclass(frozen=True)
class Deleted:
    """What one commit deleted in one folder.

    Attributes:
        path: A file; or a folder, which ends with ``/``.
        is_folder: Whether it stands for several files.
        files: How many.
        size: Their bytes.
        existing: How many of them exist again.
        deleted_by: Who deleted them.
        time_deleted: When.
        seq: Number of the commit.
    """

    path: str
    is_folder: bool
    files: int
    size: int
    existing: int
    deleted_by: str
    time_deleted: str
    seq: int

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "path": self.path,
            "is_folder": self.is_folder,
            "files": self.files,
            "size": self.size,
            "existing": self.existing,
            "deleted_by": self.deleted_by,
            "time_deleted": self.time_deleted,
            "seq": self.seq,
        }


@dataclass(frozen=True)
class DeletedFiles(Several[Deleted]):
    """What was deleted and can be brought back, the newest first."""

    items: tuple[Deleted, ...] = ()

    def _values(self) -> tuple[Deleted, ...]:
        return self.items

    def to_dict(self) -> list[dict[str, Any]]:
        """Return what ``undelete --json`` gives as its result."""
        return [{"n": n, **each.to_dict()} for n, each in enumerate(self.items, 1)]

    def __repr__(self) -> str:
        return f"<DeletedFiles: {', '.join(each.path for each in self.items) or 'none'}>"

    def _repr_html_(self) -> str:
        rows = (
            (each.path, each.files, each.size, each.deleted_by, each.time_deleted)
            for each in self.items
        )
        n_files = sum(each.files for each in self.items)
        header = ("path", "files", "bytes", "by", "deleted")
        return table(f"{n_files:,} deleted files", header, rows, len(self))
