"""What may come of changing one path of the data folder. All of these are expected."""

import errno
from dataclasses import dataclass
from enum import Enum

from cas_sync.model.paths import RepoPath
from cas_sync.worktree.index import LocalRow

_WINDOWS_NO_LINKS = 1314
_WINDOWS_IN_USE = frozenset({32, 33})  # sharing and lock violations
_WINDOWS_WINDOWS_NO_LINKS = 1314


@dataclass(frozen=True, slots=True)
class Placed:
    """The path holds the new content.

    Attributes:
        row: What the index is to remember of it.
        kept: Where the file it replaced lies now, below the data folder; empty if
            there was none or it was dropped.
    """

    row: LocalRow
    kept: str = ""


@dataclass(frozen=True, slots=True)
class Removed:
    """The path holds nothing any more.

    Attributes:
        path: The path.
        kept: Where the file lies now, below the data folder; empty if it was gone.
    """

    path: RepoPath
    kept: str = ""


@dataclass(frozen=True, slots=True)
class LocalEdit:
    """The user changed the path since the scan; their file is in place.

    Attributes:
        path: The path.
        reason: What was found.
        kept: Where an earlier one of several such edits was put; nearly always empty.
    """

    path: RepoPath
    reason: str
    kept: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """This machine cannot hold or change the path; it is as it was.

    Attributes:
        path: The path.
        reason: Why.
    """

    path: RepoPath
    reason: str


class Remedy(Enum):
    """What was done with a file that an interrupted sync left behind."""

    DROPPED = "our own download, fetched again when needed"
    KEPT = "moved to .S3/deleted/recovered"
    PUT_BACK = "put back where the user had it"


@dataclass(frozen=True, slots=True)
class Recovered:
    """One leftover of an interrupted sync.

    Attributes:
        remedy: What was done.
        path: The path it belongs to; empty if unknown.
        kept: Where it lies now, below the data folder; empty if dropped.
    """

    remedy: Remedy
    path: str
    kept: str = ""


def is_in_use(error: OSError) -> bool:
    """Return whether another program holds the file (Windows)."""
    return getattr(error, "winerror", None) in _WINDOWS_IN_USE


def refusal_of(error: OSError) -> str:
    """Return why a path cannot be changed; empty if ``error`` is not about the path."""
    if is_in_use(error) or error.errno in {errno.ETXTBSY, errno.EBUSY}:
        return "open in another program"
    if getattr(error, "winerror", None) == _WINDOWS_NO_LINKS:
        return "this system does not let you make links"
    match error.errno:
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return "permission denied"
        case errno.ENOTDIR | errno.ELOOP:
            return "a file or a link stands where a folder is needed"
        case errno.ENAMETOOLONG:
            return "the name is too long for this disk"
        case errno.EILSEQ | errno.EINVAL:
            return "this disk cannot hold the name"
        case _:
            return ""
