"""Commits, what they changed, and what differs between two states, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cas_sync.api.status import Skipped
from cas_sync.api.tables import table
from cas_sync.api.values import Several


@dataclass(frozen=True)
class Change:
    """One change of a commit, as the log repeats it.

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

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"path": self.path, "change": self.change, "old": self.old, "new": self.new}


@dataclass(frozen=True)
class FileChange(Change):
    """One file that differs between two trees.

    Attributes:
        old_size: Its length in bytes before; `None` where it was not there.
        new_size: The same after; `None` where it is gone.
        renamed_from: Of a file that was added, the path that its content left, or empty.
        renamed_to: Of a file that was deleted, the path that its content went to, or empty.
    """

    old_size: int | None = None
    new_size: int | None = None
    renamed_from: str = ""
    renamed_to: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        value = super().to_dict() | {"old_size": self.old_size, "new_size": self.new_size}
        if self.renamed_from:
            value["renamed_from"] = self.renamed_from
        if self.renamed_to:
            value["renamed_to"] = self.renamed_to
        return value

    def cells(self) -> tuple[object, ...]:
        """Return it as a row of a table."""
        renamed = f"renamed from {self.renamed_from}" if self.renamed_from else ""
        renamed = renamed or (f"renamed to {self.renamed_to}" if self.renamed_to else "")
        return self.change, self.path, self.old_size, self.new_size, renamed


_CHANGE_HEADER = ("", "path", "bytes before", "bytes after", "")


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
        tags: The names it has.
        path: In the log of one path, its name then; of a folder it ends with ``/``.
        change: What became of that path: ``added``, ``modified`` or ``deleted``.
        renamed_from: Of a file that was added, the path that its content left, or empty.
        renamed_to: Of a file that was deleted, the path that its content went to, or empty.
        below: Of a folder, how many files below it were ``added``, ``modified``, ``deleted``.
        hash: Of a file, what it held then; `None` where it was deleted.
        file_size: Its length in bytes then.
        rows: The changes themselves; `None` where they were not asked for. `Project.show`
            returns them with sizes and renames, as `FileChange`.
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
    tags: tuple[str, ...] = ()
    path: str | None = None
    change: str | None = None
    renamed_from: str = ""
    renamed_to: str = ""
    below: Mapping[str, int] | None = field(default=None, hash=False)
    hash: str | None = None
    file_size: int | None = None
    rows: tuple[Change, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return what ``log --json`` gives of it, or ``show --json`` of a commit."""
        value: dict[str, Any] = {
            "id": self.id,
            "seq": self.seq,
            "parent": self.parent,
            "author": self.author,
            "machine": self.machine,
            "time": self.time,
            "message": self.message,
            "tags": list(self.tags),
            "changes": dict(self.changes),
            "files": self.files,
            "size": self.size,
            "bytes_new": self.bytes_new,
        }
        if self.path is not None:
            value |= {"path": self.path, "change": self.change}
        if self.renamed_from:
            value["renamed_from"] = self.renamed_from
        if self.renamed_to:
            value["renamed_to"] = self.renamed_to
        if self.below is not None:
            value["below"] = dict(self.below)
        if self.hash is not None:
            value |= {"hash": self.hash, "file_size": self.file_size}
        if self.rows is not None:
            value["rows"] = [row.to_dict() for row in self.rows]
        return value

    def __repr__(self) -> str:
        return f"<LogEntry {self._line()}>"

    def _line(self) -> str:
        about = self.message or ", ".join(f"{n} {what}" for what, n in self.changes.items())
        tags = f" ({', '.join(self.tags)})" if self.tags else ""
        return f"{self.id[:8]} #{self.seq} {self.time} {self.author}: {about}{tags}"

    def _repr_html_(self) -> str:
        rows = [
            row.cells() if isinstance(row, FileChange) else (row.change, row.path)
            for row in self.rows or ()
        ]
        return table(self._line(), _CHANGE_HEADER, rows, len(rows))


@dataclass(frozen=True)
class Log(Several[LogEntry]):
    """Commits, newest first."""

    entries: tuple[LogEntry, ...] = ()

    def _values(self) -> tuple[LogEntry, ...]:
        return self.entries

    def to_dict(self) -> list[dict[str, Any]]:
        """Return what ``log --json`` gives as its result."""
        return [each.to_dict() for each in self.entries]

    def __repr__(self) -> str:
        newest = f", the newest {self.entries[0]!r}" if self.entries else ""
        return f"<Log: {len(self):,} commits{newest}>"

    def _repr_html_(self) -> str:
        rows = (
            (
                each.id[:8],
                each.time,
                each.author,
                each.message,
                ", ".join(each.tags),
                *each.changes.values(),
            )
            for each in self.entries
        )
        header = ("id", "time", "author", "message", "tags", "added", "modified", "deleted")
        return table(f"{len(self):,} commits", header, rows, len(self))


@dataclass(frozen=True)
class Side:
    """One of the two states that are compared.

    Attributes:
        rev: The revision as it was asked for; `None` for the data folder.
        commit: Its id; `None` for the data folder.
        seq: Its number; `None` for the data folder.
    """

    rev: str | None = None
    commit: str | None = None
    seq: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"rev": self.rev, "commit": self.commit, "seq": self.seq}

    def __str__(self) -> str:
        return f"{self.commit[:8]} (#{self.seq})" if self.commit else "the data folder"


@dataclass(frozen=True)
class Diff(Several[FileChange]):
    """What differs between two states, in path order.

    Attributes:
        old: The earlier one.
        new: The later one.
        rows: The files that differ.
        skipped: Files of the data folder that could not be compared, and why.
    """

    old: Side
    new: Side
    rows: tuple[FileChange, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    def _values(self) -> tuple[FileChange, ...]:
        return self.rows

    def to_dict(self) -> dict[str, Any]:
        """Return what ``diff --json`` gives as its result."""
        return {
            "from": self.old.to_dict(),
            "to": self.new.to_dict(),
            "rows": [row.to_dict() for row in self.rows],
            "skipped": {each.path: each.reason for each in self.skipped},
        }

    def __repr__(self) -> str:
        return f"<Diff: {self._line()}>"

    def _line(self) -> str:
        n = len(self.rows)
        differ = "1 file differs" if n == 1 else f"{n:,} files differ"
        return f"{differ} from {self.old} to {self.new}"

    def _repr_html_(self) -> str:
        rows = [row.cells() for row in self.rows]
        rows += [("skipped", each.path, None, None, each.reason) for each in self.skipped]
        return table(self._line(), _CHANGE_HEADER, rows, len(rows))
