"""What lies below a prefix where no commit was made, and what of it becomes files. Pure.

Nothing is left out silently: every object gets a place, and with it a reason where it does
not become a file. docs/design.md, section 3.2.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import NamedTuple

from cas_sync.model.foreign import ForeignObject
from cas_sync.model.paths import STATE_DIR, PathRefusedError, parse_repo_path, sort_key
from cas_sync.plan.ignore_rules import IgnoreRules

LIVE_MANIFESTS = ("versions.csv", "versions_remote.csv")
"""What s3synchrony's first version, and those after it, called the list of its files."""

DELETED_MANIFESTS = ("deletedS3.csv", "deleted_remote.csv")
"""What they called the list of deleted files."""

_DELETED = "deleted/"
_SAMPLE = 5


@dataclass(frozen=True)
class Foreign:
    """What lies below a prefix where no commit was made.

    Attributes:
        n_files: Objects that would become files.
        size: Their bytes.
        is_seed: Whether s3synchrony kept it: there is a manifest of its own.
        n_deleted: Deleted files that s3synchrony kept, and that could be restored.
        deleted_size: Their bytes.
        n_left_out: Objects that cannot become files, or are not meant to.
        sample: The first names among the files.
    """

    n_files: int
    size: int
    is_seed: bool
    n_deleted: int = 0
    deleted_size: int = 0
    n_left_out: int = 0
    sample: tuple[str, ...] = ()


class Part(Enum):
    """What an object is to us."""

    FILE = "a file"
    DELETED = "a deleted file that was kept"
    MANIFEST = "a list of files or of deleted files"
    LEFT_OUT = "none of these"


class Place(NamedTuple):
    """An object, and what it is to us.

    Attributes:
        object: It.
        part: What it is.
        name: Path of a file, or of what was one; name of a manifest; else empty.
        reason: Why it is left out.
    """

    object: ForeignObject
    part: Part
    name: str = ""
    reason: str = ""


class Kind(StrEnum):
    """What became of an object, or of a row that no object goes with."""

    VERIFIED = "verified"
    """Its row has the same checksum: taken with its editor and time."""
    UNVERIFIED = "unverified"
    """Its row has another checksum: what lies there was taken, its editor is unknown."""
    LOST_ROW = "lost-row"
    """s3synchrony has no row of it: taken, its editor is unknown."""
    PLAIN = "plain"
    """There are no rows at all: taken, in the name of whoever adopts."""
    SET_ASIDE = "set-aside"
    """Taken under another name."""
    DELETED = "deleted"
    """Deleted, and kept so that it can be restored."""
    LEFT_OUT = "left-out"
    """Not taken."""
    BOOKKEEPING = "bookkeeping"
    """A manifest: read, and needed no more."""
    GHOST = "ghost-row"
    """A row of a file that is not there."""
    DELETED_GONE = "deleted-gone"
    """A row of a deleted file whose content was not kept."""
    BAD_ROW = "bad-row"
    """A line of a manifest that cannot be read."""


class Finding(NamedTuple):
    """What became of one object or one row.

    Attributes:
        kind: It.
        key: The object; empty where there is none.
        path: The file, or what the row calls it.
        editor: Who edited it, as far as known.
        edited: When.
        md5: Checksum: of the object, or as the row has it.
        size: Length of the object in bytes; 0 where there is none.
        reason: Why, for people, where it is not plain.
    """

    kind: Kind
    key: str
    path: str
    editor: str = ""
    edited: str = ""
    md5: str = ""
    size: int = 0
    reason: str = ""


def sort_out(objects: Iterable[ForeignObject]) -> list[Place]:
    """Return the place of every object, in the order of the paths they have."""
    junk = IgnoreRules()
    return sorted(
        (_place(each, junk) for each in objects),
        key=lambda p: (sort_key(p.name), p.object.key),
    )


def sum_up(places: Sequence[Place]) -> Foreign | None:
    """Return what can be adopted; `None` where that is nothing."""
    files = [each for each in places if each.part is Part.FILE]
    deleted = [each for each in places if each.part is Part.DELETED]
    if not files and not deleted:
        return None
    return Foreign(
        n_files=len(files),
        size=sum(each.object.size for each in files),
        is_seed=is_seed(places),
        n_deleted=len(deleted),
        deleted_size=sum(each.object.size for each in deleted),
        n_left_out=sum(each.part is Part.LEFT_OUT for each in places),
        sample=tuple(each.name for each in files[:_SAMPLE]),
    )


def is_seed(places: Iterable[Place]) -> bool:
    """Say whether s3synchrony kept a manifest there."""
    return any(each.part is Part.MANIFEST for each in places)


def plain_name(text: str) -> str:
    """Return a name as paths are written: in Unicode NFC, and relative."""
    # A prefix that ended in a slash, or none at all, gave keys that begin with one.
    return unicodedata.normalize("NFC", text).lstrip("/")


def _place(found: ForeignObject, junk: IgnoreRules) -> Place:
    name = plain_name(found.key)
    if found.problem:
        return Place(found, Part.LEFT_OUT, reason=found.problem)
    if not name or name.endswith("/"):
        return Place(found, Part.LEFT_OUT, reason=_marker(found))
    top, _, rest = name.partition("/")
    if top != STATE_DIR:
        return _file(found, Part.FILE, name, junk)
    if rest in LIVE_MANIFESTS or rest in DELETED_MANIFESTS:
        return Place(found, Part.MANIFEST, rest)
    if rest.startswith(_DELETED):
        return _file(found, Part.DELETED, rest.removeprefix(_DELETED), junk)
    return Place(found, Part.LEFT_OUT, reason=f"it lies in {STATE_DIR}, where no data belongs")


def _file(found: ForeignObject, part: Part, name: str, junk: IgnoreRules) -> Place:
    try:
        path = parse_repo_path(name)
    except PathRefusedError as error:
        return Place(found, Part.LEFT_OUT, reason=str(error))
    if junk.ignores(path):
        # Whoever adopts may ignore more, but that is none of the team's business.
        return Place(found, Part.LEFT_OUT, reason="it is ignored: programs drop such files")
    return Place(found, part, path)


def _marker(found: ForeignObject) -> str:
    if found.size:
        return "its name ends with a slash, as that of a folder"
    return "it only marks a folder"
