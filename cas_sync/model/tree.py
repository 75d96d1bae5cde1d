"""A tree: what every path of a folder holds, as a stream of rows in path order."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, NewType

from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import RepoPath

Timestamp = NewType("Timestamp", str)
"""RFC 3339 in UTC with whole seconds, ``2026-11-22T10:02:11Z``; shown, never compared."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS = len("1970-01-01T00:00:00")


def timestamp(when: datetime) -> Timestamp:
    """Return ``when`` as text."""
    text = when.astimezone(UTC).isoformat(timespec="seconds")
    return Timestamp(text.removesuffix("+00:00") + "Z")


def timestamp_of_ns(ns: int) -> Timestamp:
    """Return nanoseconds since 1970 as text; times no calendar holds are clamped."""
    seconds = min(max(ns // 1_000_000_000, -62_135_596_800), 253_402_300_799)
    when = _EPOCH + timedelta(seconds=seconds)
    return Timestamp(when.isoformat()[:_SECONDS] + "Z")


def ns_of_timestamp(text: Timestamp) -> int:
    """Return nanoseconds since 1970; 0 for a time that no calendar holds."""
    try:
        return (datetime.fromisoformat(text) - _EPOCH) // timedelta(seconds=1) * 1_000_000_000
    except ValueError:
        return 0


class Mode(StrEnum):
    """What kind of file it is; the values are git's."""

    FILE = "100644"
    EXEC = "100755"
    LINK = "120000"


class Content(NamedTuple):
    """What decides whether two files are the same.

    Attributes:
        id: BLAKE3 of the bytes; of a symlink, of its target text in UTF-8.
        size: Length in bytes.
        mode: Plain, executable or link.
    """

    id: ObjectId
    size: int
    mode: Mode


class Entry(NamedTuple):
    """One row of a manifest: a path, its content, and who made it so, when.

    Attributes:
        path: Where the file lies, below the data folder.
        content: What it holds.
        editor: Who published this content.
        edited: When the file was last changed on the editor's machine.
    """

    path: RepoPath
    content: Content
    editor: str
    edited: Timestamp


class Deletion(NamedTuple):
    """One row of the deleted manifest: the row that a commit removed, and by whom.

    Attributes:
        entry: The row as it was.
        deleter: Who removed it.
        deleted: When, by the clock of the deleter's machine.
        seq: Number of the commit that removed it.
    """

    entry: Entry
    deleter: str
    deleted: Timestamp
    seq: int


class Found(NamedTuple):
    """A file seen in the data folder.

    Attributes:
        path: Its name in manifests (Unicode NFC).
        content: What it holds; `None` where it is there but could not be read.
        edited_ns: Its modification time, in nanoseconds since 1970.
        problem: Why it could not be read; empty where it could.
        subtree: True where everything below ``path`` is unknown too.
    """

    path: RepoPath
    content: Content | None
    edited_ns: int
    problem: str = ""
    subtree: bool = False
