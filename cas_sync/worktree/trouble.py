"""What an `OSError` of the data folder's disk means, in our own words."""

import contextlib
import errno
from collections.abc import Iterator

from cas_sync.errors import DiskFullError, WorktreeError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC})
_WINDOWS_FULL = 112


def is_disk_full(error: OSError) -> bool:
    """Return whether ``error`` says that there is no room."""
    return error.errno in _FULL or getattr(error, "winerror", None) == _WINDOWS_FULL


def problem_of(error: OSError) -> str:
    """Return what went wrong, in the words of a report and without the path."""
    if isinstance(error, PermissionError):
        return "permission denied"
    text = error.strerror or type(error).__name__
    return text[:1].lower() + text[1:]


@contextlib.contextmanager
def translated(path: str) -> Iterator[None]:
    """Translate what the disk says about ``path``.

    Raises:
        DiskFullError: There is no room for it.
        WorktreeError: It cannot be written.
    """
    try:
        yield
    except OSError as error:
        if is_disk_full(error):
            raise DiskFullError(
                f"no room for {path}", fix="free some space, then run the same command again"
            ) from error
        cause = problem_of(error)
        if error.filename not in {None, path}:
            cause += f": {error.filename}"
        raise WorktreeError(f"{path} cannot be written", cause=cause) from error
