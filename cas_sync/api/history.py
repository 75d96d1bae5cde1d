"""The log as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

from cas_sync.api.tables import table


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a commit.

    Attributes:
        path: The file.
        change: ``added``, ``modified`` or ``deleted``.
        old: Hash before, or empty.
        new: Hash after, or empty.
    """

    path: str
    change: str
    old: str
    new: str


@dataclass(frozen=True)
class LogEntry:
    """One commit.

    Attributes:
        id: Its id.
        seq: Its number; the first is 1.
        parent: Id of the one before; `None` for the first.
        author: Who.
        machine: Where.
        time: When, by the author's clock.
        message: Why; may be empty.
        changes: How many files it ``added``, ``modified`` and ``deleted``.
        files: Files in its tree.
        size: Their bytes.
        bytes_new: Bytes it added to the store.
        hash: In the log of one file, what it held then; `None` where it was deleted.
        file_size: Its length in bytes then.
        rows: The changes themselves; `None` where they were not asked for.
    """

    id: str
    seq: int
    parent: str | None
    author: str
    machine: str
    time: str
    message: str
    changes: Mapping[str, int] = field(hash=False)
    files: int = 0
    size: int = 0
    bytes_new: int = 0
    hash: str | None = None
    file_size: int | None = None
    rows: tuple[Change, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return what ``log --json`` gives of it."""
        value: dict[str, Any] = {
            "id": self.id,
            "seq": self.seq,
            "parent": self.parent,
            "author": self.author,
            "machine": self.machine,
            "time": self.time,
            "message": self.message,
            "changes": dict(self.changes),
            "files": self.files,
            "size": self.size,
            "bytes_new": self.bytes_new,
        }
        if self.hash is not None:
            value |= {"hash": self.hash, "file_size": self.file_size}
        if self.rows is not None:
            value["rows"] = [
                {"path": row.path, "change": row.change, "old": row.old, "new": row.new}
                for row in self.rows
            ]
        return value

    def __repr__(self) -> str:
        about = self.message or ", ".join(f"{n} {what}" for what, n in self.changes.items())
        return f"<LogEntry {self.id[:8]} #{self.seq} {self.time} {self.author}: {about}>"


@dataclass(frozen=True)
class Log(Sequence[LogEntry]):
    """Commits, newest first."""

    entries: tuple[LogEntry, ...] = ()

    @overload
    def __getitem__(self, index: int) -> LogEntry: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[LogEntry]: ...
    def __getitem__(self, index: int | slice) -> LogEntry | Sequence[LogEntry]:
        return self.entries[index]

    def __len__(self) -> int:
        return len(self.entries)

    def to_dict(self) -> list[dict[str, Any]]:
        """Return what ``log --json`` gives as its result."""
        return [each.to_dict() for each in self.entries]

    def __repr__(self) -> str:
        newest = f", the newest {self.entries[0]!r}" if self.entries else ""
        return f"<Log: {len(self):,} commits{newest}>"

    def _repr_html_(self) -> str:
        rows = (
            (each.id[:8], each.time, each.author, each.message, *each.changes.values())
            for each in self.entries
        )
        header = ("id", "time", "author", "message", "added", "modified", "deleted")
        return table(f"{len(self):,} commits", header, rows, len(self))
