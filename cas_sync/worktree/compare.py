"""Says whether a file is the one that a scan saw; by its bytes where stat leaves a doubt."""

import os
import stat

from cas_sync.model.paths import RepoPath
from cas_sync.model.tree import Content, Mode
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.hashing import FileHasher, content_id
from cas_sync.worktree.index import LocalRow, same_stat

_HAS_EXEC = os.name != "nt"


def holds(folder: Folder, disk: str, content: Content, found: os.stat_result) -> bool:
    """Return whether a file has this content and mode, by reading it."""
    if stat.S_ISLNK(found.st_mode) != (content.mode is Mode.LINK):
        return False
    if content.mode is not Mode.LINK:
        if found.st_size != content.size:
            return False
        executable = bool(found.st_mode & stat.S_IXUSR)
        if _HAS_EXEC and executable != (content.mode is Mode.EXEC):
            return False
    return content_id(folder, disk, FileHasher()) == content.id


def is_expected(folder: Folder, disk: str, expected: LocalRow, found: os.stat_result) -> bool:
    """Return whether what ``found`` looked at is still the file ``expected``."""
    if not expected.racy and same_stat(expected, found):
        return True
    return holds(folder, disk, expected.content, found)


def came_out(folder: Folder, temp: str, expected: LocalRow, before: os.stat_result) -> bool:
    """Return whether the file displaced to ``temp`` is what was looked at just before.

    The rename itself sets the change time, so that one cannot be compared.
    """
    found = folder.stat(temp)
    if found is None:
        return False
    if (
        not expected.racy
        and found.st_ino == before.st_ino
        and found.st_size == before.st_size
        and found.st_mtime_ns == before.st_mtime_ns
        and found.st_mode == before.st_mode
    ):
        return True
    return holds(folder, temp, expected.content, found)


def row_of(
    path: RepoPath, content: Content, found: os.stat_result, disk: str, *, racy: bool
) -> LocalRow:
    """Return the row for a file whose content is known."""
    return LocalRow(
        path,
        content,
        found.st_mtime_ns,
        found.st_ctime_ns,
        found.st_ino,
        racy,
        None if disk == path else disk,
    )
