"""Puts downloads in place and takes files away, without ever losing the user's bytes.

No file is overwritten and none is unlinked by its own name. A path is changed by one
rename that either needs the name to be free or swaps two files; then the file that came
out is compared with the one that was expected. If the user was faster, theirs goes back.
So there is no moment at which a file could be lost, and none at which a path is missing
(but on systems that cannot swap, for an instant: `recover` ends that after a crash).
"""

import contextlib
import errno
import itertools
import os
import stat
from collections.abc import Callable
from typing import TypeVar

from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import RepoPath, unportable
from cas_sync.model.tree import Content, Mode
from cas_sync.worktree.compare import came_out, holds, is_expected, row_of
from cas_sync.worktree.durable import can_sync_at_once, sync_at_once
from cas_sync.worktree.folder import DELETED_DIR, TMP_DIR, Folder
from cas_sync.worktree.index import LocalRow
from cas_sync.worktree.journal import Journal, JournalLine, temp_path
from cas_sync.worktree.moving import RECOVERED_DIR, move
from cas_sync.worktree.names import disk_name_of
from cas_sync.worktree.outcome import (
    LocalEdit,
    Placed,
    Refused,
    Removed,
    is_in_use,
    refusal_of,
)
from cas_sync.worktree.scan import RACY_NS
from cas_sync.worktree.staging import StagedFile
from cas_sync.worktree.trouble import translated

ATTEMPTS = 3

_T = TypeVar("_T")


class Writer:
    """Changes the data folder, one path at a time; may be used by several threads.

    Different threads must not work on the same path.
    """

    def __init__(
        self,
        folder: Folder,
        *,
        fsync: bool = True,
        windows_names: bool = os.name == "nt",
        staging: str | None = None,
    ) -> None:
        """Get ready to write below ``folder``.

        Args:
            folder: The data folder; with ``staging``, any folder to which files are added.
            fsync: Whether what was put in place shall survive a power cut once
                `flush` has returned.
            windows_names: Whether names that Windows cannot hold are refused.
            staging: Folder of unfinished downloads, on the same disk; `None` for `.S3/tmp`.
                It must exist.
        """
        self.folder = folder
        self._fsync = fsync
        self._windows_names = windows_names
        self._staging = staging
        self._journal = Journal(folder)
        self._token = os.urandom(4).hex()
        self._numbers = itertools.count()
        self._dirty: set[str] = set()

    def why_not(self, path: RepoPath) -> str:
        """Return why this system can never hold ``path``; empty if it can."""
        return unportable(path) if self._windows_names else ""

    def stage(self, path: RepoPath, content: Content, edited_ns: int) -> StagedFile:
        """Begin a download of ``content`` for ``path``.

        Args:
            path: Where it will go.
            content: What it must hold; of a link, the bytes are its target.
            edited_ns: The modification time it gets.

        Raises:
            DiskFullError: There is no room.
            WorktreeError: `.S3/tmp` cannot be written.
        """
        return StagedFile(
            self.folder,
            path,
            content,
            edited_ns,
            stem=self._stem(content.id),
            fsync=self._fsync and not can_sync_at_once(),
            beside=self._staging,
        )

    def sync_staged(self) -> None:
        """Make every finished download survive a power cut, before any gets its name.

        Raises:
            WorktreeError: The disk failed.
        """
        if self._fsync and can_sync_at_once():
            with translated(TMP_DIR):
                sync_at_once(self.folder)

    def put_in_place(
        self, staged: StagedFile, expected: LocalRow | None, *, keep_as: str | None = None
    ) -> Placed | LocalEdit | Refused:
        """Give a finished download its name. The staged file is used up.

        Args:
            staged: The download, after ``finish``.
            expected: What the scan saw at the path; `None` if nothing.
            keep_as: Where the replaced file goes, below `.S3/deleted/`; `None` drops
                it, which is right only if its content is in the history.

        Raises:
            DiskFullError: There is no room for the name.
            WorktreeError: The disk failed. Nothing is lost; `recover` tidies up.
        """
        _check_kept(keep_as)
        path = staged.path
        try:
            if refusal := staged.refusal or self.why_not(path):
                return Refused(path, refusal)
            if expected is None:
                return self._place_new(staged, disk_name_of(self.folder, path))
            return self._place_over(staged, expected, keep_as)
        except OSError as error:
            if reason := refusal_of(error):
                return Refused(path, reason)
            with translated(path):
                raise
        finally:
            if staged.temp:
                with contextlib.suppress(OSError):
                    staged.abandon()

    def remove(self, expected: LocalRow, *, keep_as: str) -> Removed | LocalEdit | Refused:
        """Move a file to `.S3/deleted/`, if it is still the one expected.

        Args:
            expected: The file as the scan saw it.
            keep_as: Where it goes, below `.S3/deleted/`; a free name like it if taken.

        Raises:
            DiskFullError: There is no room for the name.
            WorktreeError: The disk failed. Nothing is lost; `recover` tidies up.
        """
        _check_kept(keep_as)
        with translated(expected.path):
            try:
                return self._remove(expected, keep_as)
            except OSError as error:
                if reason := refusal_of(error):
                    return Refused(expected.path, reason)
                raise

    def set_mode(self, expected: LocalRow, mode: Mode) -> Placed | LocalEdit | Refused:
        """Make a file executable or plain, if it is still the one expected.

        Raises:
            WorktreeError: The disk failed.
        """
        path, disk = expected.path, expected.on_disk
        with translated(path):
            try:
                found = self.folder.stat(disk)
                if found is None or not is_expected(self.folder, disk, expected, found):
                    return LocalEdit(path, "it was changed here")
                self.folder.set_executable(disk, executable=mode is Mode.EXEC)
                after = self.folder.stat(disk)
            except OSError as error:
                if reason := refusal_of(error):
                    return Refused(path, reason)
                raise
        content = expected.content._replace(mode=mode)
        if after is None:
            return LocalEdit(path, "it was deleted here")
        racy = expected.racy or after.st_mtime_ns != found.st_mtime_ns
        return Placed(row_of(path, content, after, disk, racy=racy))

    def flush(self) -> None:
        """Make every name given or taken so far survive a power cut.

        Raises:
            WorktreeError: The disk failed.
        """
        dirty, self._dirty = self._dirty, set()
        if not self._fsync:
            return
        if can_sync_at_once():
            with translated(TMP_DIR):
                sync_at_once(self.folder)
            return
        for path in sorted(dirty):
            with translated(path), contextlib.suppress(FileNotFoundError):
                self.folder.fsync_dir(path)

    def close(self) -> None:
        """Flush, and remove the journal if nothing was left half done.

        Raises:
            WorktreeError: The disk failed.
        """
        self.flush()
        with translated(DELETED_DIR):
            self._journal.close()

    def _stem(self, content: ObjectId) -> str:
        return f"{content}-{self._token}-{next(self._numbers)}"

    def _make_parents(self, path: str) -> None:
        parent = path.rpartition("/")[0]
        if parent:
            for made in self.folder.mkdirs(parent):
                self._dirty.add(made.rpartition("/")[0])
        self._dirty.add(parent)

    def _place_new(self, staged: StagedFile, disk: str) -> Placed | LocalEdit | Refused:
        path = staged.path
        for n_try in range(ATTEMPTS):
            try:
                # A folder that got a file just now is there, or the rename says it is not.
                if n_try or disk.rpartition("/")[0] not in self._dirty:
                    self._make_parents(disk)
                self._same_disk(
                    staged, disk, lambda: self.folder.rename_noreplace(staged.temp, disk)
                )
            except FileNotFoundError:
                self.folder.forget()  # the parent was removed under us
                continue
            except FileExistsError:
                found = self.folder.stat(disk)
                if found is None:
                    continue
                if stat.S_ISDIR(found.st_mode):
                    if self.folder.remove_empty_tree(disk):
                        continue
                    return Refused(path, "a folder with files stands there")
                if holds(self.folder, disk, staged.content, found):
                    # Read just now, while anything may write to it: not to be trusted
                    # by the next scan.
                    return Placed(row_of(path, staged.content, found, disk, racy=True))
                return LocalEdit(path, "a file of that name appeared here")
            return self._placed(staged, disk)
        return Refused(path, "the folder keeps changing")

    def _place_over(
        self, staged: StagedFile, expected: LocalRow, keep_as: str | None
    ) -> Placed | LocalEdit | Refused:
        folder, path, disk = self.folder, staged.path, expected.on_disk
        before = folder.stat(disk)
        if before is None:
            return LocalEdit(path, "it was deleted here")
        if not is_expected(self.folder, disk, expected, before):
            return LocalEdit(path, "it was changed here")
        self._dirty.update((disk.rpartition("/")[0], TMP_DIR))
        try:
            if not self._same_disk(staged, disk, lambda: self._swap(staged, disk, expected)):
                return self._place_by_backup(staged, expected, before, keep_as)
        except FileNotFoundError:
            if folder.stat(disk) is not None:
                raise
            return LocalEdit(path, "it was deleted here")
        if not came_out(self.folder, staged.temp, expected, before):
            return self._give_back(staged, disk)
        displaced, staged.temp = staged.temp, ""
        kept = self._settle_or_leave(displaced, keep_as)
        return self._placed(staged, disk, kept)

    def _swap(self, staged: StagedFile, disk: str, expected: LocalRow) -> bool:
        staged.promote()
        self._begin(staged.temp, disk, str(staged.content.id), expected)
        return self._insist(lambda: self.folder.exchange(staged.temp, disk))

    def _give_back(self, staged: StagedFile, disk: str) -> LocalEdit:
        """Swap again: what came out was not what we meant to replace.

        What comes out now should be ours. If it is not, the user saved yet again, or
        into our file: that newest one goes back in place and the one before is kept.
        """
        folder, temp = self.folder, staged.temp
        for n_try in itertools.count():
            try:
                folder.exchange(temp, disk)
            except FileNotFoundError:
                # Ours is gone from the path, so the name is free for theirs.
                kept = "" if self._take(temp, disk) else self._keep(temp, staged.path)
                break
            if staged.is_at(temp):
                folder.unlink(temp)
                kept = ""
                break
            if n_try:
                kept = self._keep(temp, staged.path)
                break
        staged.temp = ""
        self._journal.done()
        return LocalEdit(staged.path, "it was changed here just now", kept)

    def _place_by_backup(
        self,
        staged: StagedFile,
        expected: LocalRow,
        before: os.stat_result,
        keep_as: str | None,
    ) -> Placed | LocalEdit:
        """Replace in two renames, for systems that cannot swap."""
        folder, path, disk = self.folder, staged.path, expected.on_disk
        self._journal.done()  # of the swap that did not happen
        backup = temp_path(staged.stem, "old", staged.beside)
        self._begin(backup, disk, str(staged.content.id), expected)
        self._insist(lambda: folder.displace(disk, backup))
        if not came_out(self.folder, backup, expected, before):
            kept = "" if self._take(backup, disk) else self._keep(backup, path)
            self._journal.done()
            return LocalEdit(path, "it was changed here just now", kept)
        try:
            self._insist(lambda: folder.rename_noreplace(staged.temp, disk))
        except FileExistsError:
            kept = self._settle_or_leave(backup, keep_as)
            return LocalEdit(path, "a file of that name appeared here", kept)
        except OSError:
            self._take(backup, disk)
            raise
        kept = self._settle_or_leave(backup, keep_as)
        return self._placed(staged, disk, kept)

    def _remove(self, expected: LocalRow, keep_as: str) -> Removed | LocalEdit:
        folder, path, disk = self.folder, expected.path, expected.on_disk
        before = folder.stat(disk)
        if before is None:
            return Removed(path)
        if not is_expected(self.folder, disk, expected, before):
            return LocalEdit(path, "it was changed here")
        parent = disk.rpartition("/")[0]
        away = temp_path(self._stem(expected.content.id), "away")
        try:
            self._begin(away, disk, "", expected)
            self._insist(lambda: folder.displace(disk, away))
        except FileNotFoundError:
            if folder.stat(disk) is not None:
                raise
            return Removed(path)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            self._journal.done()
            away = temp_path(self._stem(expected.content.id), "away", parent)
            self._begin(away, disk, "", expected)
            self._insist(lambda: folder.displace(disk, away))
        if not came_out(self.folder, away, expected, before):
            kept = "" if self._take(away, disk) else self._keep(away, path)
            self._journal.done()
            return LocalEdit(path, "it was changed here just now", kept)
        try:
            kept = self._settle(away, keep_as)
        except OSError:
            self._take(away, disk)
            raise
        self._journal.done()
        self._dirty.add(parent)
        folder.remove_empty_parents(disk)
        return Removed(path, kept)

    def _begin(self, temp: str, disk: str, new_id: str, expected: LocalRow) -> None:
        self._journal.begin(JournalLine(temp, disk, new_id, str(expected.content.id)))

    def _settle(self, displaced: str, keep_as: str | None) -> str:
        """Keep or drop a file that was replaced as planned; return where it is kept."""
        if keep_as is None:
            self.folder.unlink(displaced)
            return ""
        try:
            kept = move(self.folder, displaced, keep_as)
        except OSError as error:
            if error.errno not in {errno.ENAMETOOLONG, errno.ENOTDIR}:
                raise
            name = displaced.rpartition("/")[2]
            kept = move(self.folder, displaced, f"{RECOVERED_DIR}/{name}")
        self._dirty.add(kept.rpartition("/")[0])
        return kept

    def _settle_or_leave(self, displaced: str, keep_as: str | None) -> str:
        """Like `_settle`, for when the new file is in place already.

        What cannot be moved stays where it is, and in the journal: `recover` moves it.
        """
        try:
            kept = self._settle(displaced, keep_as)
        except OSError:
            return displaced
        self._journal.done()
        return kept

    def _keep(self, temp: str, path: RepoPath) -> str:
        return self._settle(temp, f"{RECOVERED_DIR}/{path}")

    def _take(self, temp: str, disk: str) -> bool:
        """Put the user's file back under its name; `False` if that is taken again."""
        try:
            self.folder.rename_noreplace(temp, disk)
        except (FileExistsError, FileNotFoundError):
            return False
        return True

    def _same_disk(self, staged: StagedFile, disk: str, rename: Callable[[], _T]) -> _T:
        """Run ``rename``; if the target lies on another disk, go there first."""
        try:
            return self._insist(rename)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
        parent = disk.rpartition("/")[0]
        beside = temp_path(staged.stem, "part", parent)
        line = JournalLine(beside, disk, str(staged.content.id), "")
        self._journal.begin(line)
        staged.go_beside(parent)
        return self._insist(rename)

    def _insist(self, rename: Callable[[], _T]) -> _T:
        """Try again where a virus scanner or an editor is in the way for an instant."""
        for _ in range(ATTEMPTS - 1):
            try:
                return rename()
            except OSError as error:
                if not (isinstance(error, PermissionError) or is_in_use(error)):
                    raise
        return rename()

    def _placed(self, staged: StagedFile, disk: str, kept: str = "") -> Placed:
        staged.temp = ""
        found = self.folder.stat(disk)
        ours = found is not None and staged.is_same(found)
        if found is None or staged.stat is None:
            found = staged.stat
        assert found is not None  # noqa: S101 - finish() has looked at it
        # The change time is now, by the disk's own clock.
        racy = not ours or found.st_mtime_ns >= found.st_ctime_ns - RACY_NS
        return Placed(row_of(staged.path, staged.content, found, disk, racy=racy), kept)


def _check_kept(keep_as: str | None) -> None:
    if keep_as is not None and not keep_as.startswith(f"{DELETED_DIR}/"):
        raise ValueError(f"not below {DELETED_DIR}: {keep_as}")
