"""Prefix to folder: names set aside, files removed, files written; in this order.

Every chunk and every whole file is checked before it gets its name, and a file that the
user changed meanwhile stays as it is. Whatever is not done is simply still to be done for
the next sync, because the base does not say otherwise.

Bytes that lie on this machine already are copied from there, by the same checks: a copy
that is not what was wanted is dropped, and the store is read.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cas_sync.engine.arrivals import Arrivals, Arrived, Batch
from cas_sync.engine.wanted import Wanted, only_mode, wanted_files
from cas_sync.engine.windows import made_ahead
from cas_sync.errors import DamageError
from cas_sync.model.paths import RepoPath, sort_key
from cas_sync.model.tree import Content, Entry
from cas_sync.plan.step import Act, Step
from cas_sync.progress import Progress
from cas_sync.store.objects import ObjectReader
from cas_sync.worktree.folder import DELETED_DIR, Folder
from cas_sync.worktree.hashing import FileHasher, content_id
from cas_sync.worktree.index import LocalRow, same_stat
from cas_sync.worktree.local_contents import LocalContents, Place, Repeats, pour
from cas_sync.worktree.moving import move
from cas_sync.worktree.outcome import LocalEdit, Placed, Refused, Removed, refusal_of
from cas_sync.worktree.writer import Writer

LocalChange = tuple[str, LocalRow | None]


@dataclass
class Checkout:
    """Brings the data folder to what a plan says.

    Attributes:
        folder: The data folder.
        writer: Puts files in place.
        reader: Reads stored objects.
        label: Folder below `.S3/deleted` for what this sync removes or replaces.
        progress: Is told of every file.
        local: What of it lies on this machine; `None` where nobody looked.
        failed: Paths that are not as the plan says, and why.
        n_downloaded: Files written.
        n_deleted: Files removed.
        n_local: Files written whose bytes were on this machine.
        bytes_local: Those bytes.
        kept: What was removed or replaced, by path, and where it lies now.
        damage: The first damaged object met.
    """

    folder: Folder
    writer: Writer
    reader: ObjectReader
    label: str
    progress: Progress
    local: LocalContents | None = None
    failed: dict[RepoPath, str] = field(default_factory=dict)
    n_downloaded: int = 0
    n_deleted: int = 0
    n_local: int = 0
    bytes_local: int = 0
    kept: dict[RepoPath, str] = field(default_factory=dict)
    damage: DamageError | None = None

    def __post_init__(self) -> None:
        """Get ready to write."""
        self._repeats = Repeats(self.folder)
        self._arrivals = Arrivals(
            self.writer,
            self.reader,
            self.local,
            self._repeats,
            self.progress,
            self._note_damage,
        )

    def _note_damage(self, wanted: Wanted, error: DamageError) -> None:
        self.failed[wanted.planned_at] = f"damaged: {error.message}"
        if self.damage is None:
            # Who meets the error knows files, not objects.
            error.message = f"{wanted.planned_at} cannot be had: {error.message}"
            self.damage = error

    def set_aside(self, pairs: Iterable[tuple[Step, LocalRow | None]]) -> Iterator[LocalChange]:
        """Give our files their other names; yields what changed in the folder."""
        for step, row in pairs:
            if step.act not in {Act.KEEP_BOTH, Act.SET_OURS_ASIDE}:
                continue
            if row is None or step.copy is None:
                raise AssertionError(step)
            problem = self._move(row, step.copy)
            if problem:
                self.failed[step.path] = problem
                continue
            found = self.folder.stat(step.copy)
            self._lies_at(step.copy, row.content)
            yield sort_key(step.path), None
            if found is not None:
                times = found.st_mtime_ns, found.st_ctime_ns, found.st_ino
                # Read again by the next scan: someone may have written to it just now.
                yield sort_key(step.copy), LocalRow(step.copy, row.content, *times, racy=True)

    def _move(self, row: LocalRow, to: RepoPath) -> str:
        found = self.folder.stat(row.on_disk)
        if found is None or not same_stat(row, found):
            return "it was changed during the sync"
        if self.folder.stat(to) is not None:
            if content_id(self.folder, to, FileHasher()) != row.content.id:
                return f"there is a file called {to} already"
            keep_as = f"{DELETED_DIR}/{self.label}/{row.on_disk}"
            removed = self.writer.remove(row, keep_as=keep_as)
            return "" if isinstance(removed, Removed) else removed.reason
        try:
            move(self.folder, row.on_disk, to)
        except OSError as error:
            return refusal_of(error) or str(error.strerror)
        return ""

    def remove(self, pairs: Iterable[tuple[Step, LocalRow | None]]) -> Iterator[LocalChange]:
        """Remove what teammates deleted, keeping it below `.S3/deleted`; yields as above."""
        for step, row in pairs:
            if step.act is not Act.DELETE_HERE or row is None:
                continue
            keep_as = f"{DELETED_DIR}/{self.label}/{row.on_disk}"
            match self.writer.remove(row, keep_as=keep_as):
                case Removed(kept=kept):
                    self.n_deleted += 1
                    if kept:
                        self.kept[step.path] = kept
                        self._lies_at(kept, row.content)
                    yield sort_key(step.path), None
                case LocalEdit(reason=reason) | Refused(reason=reason):
                    self.failed[step.path] = reason
            self.progress.advance(1, 0)

    def set_modes(self, pairs: Iterable[tuple[Step, LocalRow | None]]) -> Iterator[LocalChange]:
        """Change the mode of files whose bytes are here already; yields as above."""
        for step, row in pairs:
            if row is None or step.theirs is None or not only_mode(step, row):
                continue
            match self._set_mode(step.path, step.theirs, row):
                case Placed(row=placed):
                    self.n_downloaded += 1
                    yield sort_key(step.path), placed
                case LocalEdit(reason=reason) | Refused(reason=reason):
                    self.failed[step.path] = reason
            self.progress.advance(1, 0)

    def _set_mode(
        self, path: RepoPath, theirs: Entry, row: LocalRow
    ) -> Placed | LocalEdit | Refused:
        found = self.folder.stat(row.on_disk)
        if found is None or found.st_nlink < 2:
            return self.writer.set_mode(row, theirs.content.mode)
        # Another name of the same file must not change with it.
        copy = self._arrivals.begin(Wanted(path, path, theirs, row, unsaved=False))
        with copy:
            if not pour(Place(self.folder, row.on_disk), theirs.content, copy.write):
                return LocalEdit(path, "it was changed here")
            try:
                copy.finish()
            except DamageError:
                return LocalEdit(path, "it was changed here")
            return self.writer.put_in_place(copy, row)

    def write(
        self, pairs: Iterable[tuple[Step, LocalRow | None]], *, under_copies: bool
    ) -> Iterator[LocalChange]:
        """Write what teammates published, in path order; yields as above.

        All at the same time: some windows of files are on their way, one is written under
        temporary names, and the batch before it is brought to the disk.

        Args:
            pairs: The steps, each with the file as scanned.
            under_copies: Whether the files that get another name are meant, or the rest.
        """
        wanted = wanted_files(pairs, self.failed, under_copies=under_copies)
        lent: dict[str, os.stat_result] = {}
        unplaced: list[Batch] = []
        try:
            with (
                contextlib.closing(self._arrivals.batches(wanted, unplaced)) as batches,
                contextlib.closing(made_ahead(batches, self._sync, 2, "sync")) as synced,
            ):
                for batch, _ in synced:
                    for each in batch.files:
                        change = self._place(each, lent)
                        if change is not None:
                            yield change
                    unplaced.pop(0)
        finally:
            # What has no name by now never gets one.
            for batch in unplaced:
                batch.abandon()
            self._give_up(lent)
        self.writer.flush()

    def _sync(self, batch: Batch) -> None:
        """Bring a batch to the disk, all of it, before any of it gets its name."""
        del batch
        self.writer.sync_staged()

    def _lies_at(self, path: str, content: Content) -> None:
        """Note where a file of the data folder lies now."""
        if self.local is not None and self.local.is_left(content):
            self.local.came_to(Place(self.folder, path), content)

    def _lends(self, wanted: Wanted) -> bool:
        """Say whether what a file replaces is still to be copied from."""
        row = wanted.row
        return row is not None and self.local is not None and self.local.is_left(row.content)

    def _give_up(self, lent: dict[str, os.stat_result]) -> None:
        """Remove what was kept only to be copied from; the history has it."""
        for path, before in lent.items():
            # What cannot be removed, or was written to, is one more kept file.
            with contextlib.suppress(OSError):
                found = self.folder.stat(path)
                if found is None or found.st_mtime_ns != before.st_mtime_ns:
                    continue
                self.folder.unlink(path)
                while (path := path.rpartition("/")[0]) != DELETED_DIR:
                    self.folder.rmdir(path)

    def _place(self, arrived: Arrived, lent: dict[str, os.stat_result]) -> LocalChange | None:
        """Give a file its name; return what changed."""
        wanted, staged, is_copy, n_told = arrived
        content, before = wanted.entry.content, wanted.row
        keeps = wanted.unsaved or self._lends(wanted)
        keep_as = f"{DELETED_DIR}/{self.label}/{wanted.path}" if keeps else None
        placed = self.writer.put_in_place(staged, before, keep_as=keep_as)
        self.progress.advance(1, content.size - n_told)
        if not isinstance(placed, Placed):
            self.failed[wanted.planned_at] = placed.reason
            return None
        row, kept = placed.row, placed.kept
        self.n_downloaded += 1
        if is_copy:
            self.n_local += 1
            self.bytes_local += content.size
        if kept and before is not None:
            self._lies_at(kept, before.content)
        if kept and wanted.unsaved:
            self.kept[wanted.path] = kept
        elif kept.startswith(f"{DELETED_DIR}/") and (found := self.folder.stat(kept)):
            lent[kept] = found
        self._lies_at(row.on_disk, content)
        self._repeats.lies_at(row.on_disk, content)
        return sort_key(wanted.path), row
