"""Names of versions as values: tags, and what a lock file pins."""

from dataclasses import dataclass
from typing import Any

from cas_sync.api.status import Skipped
from cas_sync.api.tables import table
from cas_sync.api.values import Several


@dataclass(frozen=True)
class Tag:
    """A name of a commit.

    Attributes:
        name: The name.
        commit: Id of the commit; `None` of a tag that was taken back.
        seq: Its number.
        tagger: Who gave it the name.
        time: When, by their clock.
        message: Why; may be empty.
    """

    name: str
    commit: str | None
    seq: int
    tagger: str
    time: str
    message: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return what ``tag --json`` gives of it."""
        return {
            "name": self.name,
            "commit": self.commit,
            "seq": self.seq,
            "tagger": self.tagger,
            "time": self.time,
            "message": self.message,
        }

    def __repr__(self) -> str:
        commit = self.commit[:8] if self.commit else "taken back, was"
        return f"<Tag {self.name}: {commit} (#{self.seq})>"


@dataclass(frozen=True)
class Pin:
    """What `cas-sync.lock` names.

    Attributes:
        file: The lock file.
        commit: Id of the commit.
        seq: Its number.
        tags: Its tags.
        behind: How many commits the latest one is newer.
        written: Whether the file was changed.
    """

    file: str
    commit: str
    seq: int
    tags: tuple[str, ...] = ()
    behind: int = 0
    written: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return what ``pin --json`` gives as its result."""
        return {
            "file": self.file,
            "commit": self.commit,
            "seq": self.seq,
            "tags": list(self.tags),
            "behind": self.behind,
            "written": self.written,
        }


@dataclass(frozen=True)
class Tags(Several[Tag]):
    """The names of commits, the newest commit's first.

    Attributes:
        items: The tags.
        troubles: Tags that cannot be read or name a commit that is gone, and why.
    """

    items: tuple[Tag, ...] = ()
    troubles: tuple[Skipped, ...] = ()

    def _values(self) -> tuple[Tag, ...]:
        return self.items

    def to_dict(self) -> list[dict[str, Any]]:
        """Return what ``tag --json`` gives as its result."""
        return [each.to_dict() for each in self.items]

    def __repr__(self) -> str:
        return f"<Tags: {', '.join(each.name for each in self.items) or 'none'}>"

    def _repr_html_(self) -> str:
        rows = [
            (each.name, (each.commit or "")[:8], each.tagger, each.time, each.message)
            for each in self.items
        ]
        rows += [(each.path, "damaged", "", "", each.reason) for each in self.troubles]
        header = ("name", "commit", "by", "time", "message")
        return table(f"{len(self):,} tags", header, rows, len(rows))
