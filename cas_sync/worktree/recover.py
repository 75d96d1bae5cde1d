"""Tidies up after a sync that was killed; run first, under the lock.

Every leftover in `.S3/tmp` says by its name what it can be (`journal.parse_temp`). What
is surely our own download goes; what may be the user's goes back to its path if that is
free or holds our download, and to `.S3/deleted/recovered/` if not. Being killed in here
changes nothing about that: the next run finds what is left.
"""

import contextlib
import stat

from cas_sync.errors import WorktreeError
from cas_sync.worktree.folder import TMP_DIR, Folder
from cas_sync.worktree.hashing import FileHasher, content_id
from cas_sync.worktree.journal import (
    BESIDE,
    JournalLine,
    parse_temp,
    read_journal,
    remove_journal,
)
from cas_sync.worktree.moving import RECOVERED_DIR, move
from cas_sync.worktree.outcome import Recovered, Remedy
from cas_sync.worktree.trouble import problem_of

OWN_PREFIX = "state-"
"""Begins the names of unfinished bookkeeping files; they never hold a user's bytes."""


def recover(folder: Folder) -> list[Recovered]:
    """Settle what an interrupted sync left; return what was done, in no order.

    Files of our own bookkeeping go without being told. `.S3/tmp` must exist.

    Raises:
        WorktreeError: The disk failed; nothing is lost and it may be called again.
    """
    try:
        lines = {line.temp: line for line in read_journal(folder)}
        with folder.scandir(TMP_DIR) as entries:
            temps = [f"{TMP_DIR}/{entry.name}" for entry in entries]
        # Those that had to lie beside their target are known by the journal only.
        temps += [
            temp
            for temp in lines
            if temp.rpartition("/")[2].startswith(BESIDE) and folder.stat(temp) is not None
        ]
        found = [_settle(folder, temp, lines.get(temp)) for temp in temps]
        remove_journal(folder)
    except OSError as error:
        raise WorktreeError(
            "what an interrupted sync left in .S3/tmp could not be settled",
            cause=problem_of(error),
        ) from error
    return [one for one in found if one is not None]


def _settle(folder: Folder, temp: str, line: JournalLine | None) -> Recovered | None:
    name = temp.rpartition("/")[2]
    if name.startswith(OWN_PREFIX):
        folder.unlink(temp)
        return None
    path = line.path if line else ""
    new_id, kind = parse_temp(temp)
    if kind == "part":
        folder.unlink(temp)
        return Recovered(Remedy.DROPPED, path)
    if kind == "new":
        return _settle_swapped(folder, temp, new_id, line)
    if kind in {"old", "away"} and line is not None:
        if _same_file(folder, temp, path):
            folder.unlink(temp)  # the two names of one file: it never left
            return Recovered(Remedy.PUT_BACK, path, path)
        with contextlib.suppress(FileExistsError, FileNotFoundError, NotADirectoryError):
            folder.rename_noreplace(temp, path)
            return Recovered(Remedy.PUT_BACK, path, path)
    return _keep(folder, temp, path)


def _settle_swapped(
    folder: Folder, temp: str, new_id: str, line: JournalLine | None
) -> Recovered:
    hasher = FileHasher()
    path = line.path if line else ""
    displaced = content_id(folder, temp, hasher)
    if displaced is not None and str(displaced) == new_id:
        folder.unlink(temp)
        return Recovered(Remedy.DROPPED, path)
    if line is not None and str(displaced) != line.old_id:
        # The user saved in the instant before the swap and we were killed before we
        # could swap back.
        placed = content_id(folder, line.path, hasher)
        if placed is not None and str(placed) == new_id:
            with contextlib.suppress(FileNotFoundError):
                if folder.exchange(temp, line.path):
                    if str(content_id(folder, temp, hasher)) == new_id:
                        folder.unlink(temp)
                        return Recovered(Remedy.PUT_BACK, path, path)
                    return _keep(folder, temp, path)
    return _keep(folder, temp, path)


def _keep(folder: Folder, temp: str, path: str) -> Recovered:
    wanted = path or temp.rpartition("/")[2]
    return Recovered(Remedy.KEPT, path, move(folder, temp, f"{RECOVERED_DIR}/{wanted}"))


def _same_file(folder: Folder, a: str, b: str) -> bool:
    first, second = folder.stat(a), folder.stat(b)
    return (
        first is not None
        and second is not None
        and not stat.S_ISDIR(first.st_mode)
        and first.st_ino == second.st_ino
        and first.st_dev == second.st_dev
    )
