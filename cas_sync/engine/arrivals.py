"""Files on their way in: read from the store or copied from here, proved, not yet named.

Some windows are on their way from the store while one is written under temporary names. What
is written is handed on in batches: a disk is told once to keep a batch, not once a file.
"""

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import NamedTuple

from cas_sync.engine.old_chunks import OldFile, may_serve
from cas_sync.engine.wanted import Group, Wanted, in_windows
from cas_sync.engine.windows import AHEAD, WINDOW_BYTES, Window, WindowReader, made_ahead
from cas_sync.errors import DamageError
from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import RepoPath
from cas_sync.model.tree import Content, ns_of_timestamp
from cas_sync.progress import Progress
from cas_sync.store.objects import ObjectReader
from cas_sync.worktree.local_contents import LocalContents, Repeats, pour
from cas_sync.worktree.staging import StagedFile
from cas_sync.worktree.writer import Writer

BATCH_BYTES = 64 << 20
BATCH_FILES = 5000
"""So much is written before the disk is told to keep it."""


class Arrived(NamedTuple):
    """A file under a temporary name, every byte of it proved.

    Attributes:
        wanted: What it is.
        staged: The file.
        is_copy: Whether its bytes were on this machine.
        n_told: How many of its bytes the listener was told of, while they came.
    """

    wanted: Wanted
    staged: StagedFile
    is_copy: bool
    n_told: int


@dataclass
class Batch:
    """Files that are brought to the disk together, in path order.

    Attributes:
        files: The files.
        size: Their bytes.
    """

    files: list[Arrived] = field(default_factory=list)
    size: int = 0

    @property
    def is_full(self) -> bool:
        """Say whether it is worth a sync of the disk."""
        return self.size >= BATCH_BYTES or len(self.files) >= BATCH_FILES

    def add(self, each: Arrived) -> None:
        """Add a file."""
        self.files.append(each)
        self.size += each.wanted.entry.content.size

    def abandon(self) -> None:
        """Remove the files that got no name."""
        for each in self.files:
            # What cannot be removed goes with the next sync.
            with contextlib.suppress(OSError):
                each.staged.abandon()


class _Fetched(NamedTuple):
    """What a window of files is made from.

    Attributes:
        here: Contents that seem to be on this machine.
        window: What was read for the others.
    """

    here: set[ObjectId]
    window: Window


class Arrivals:
    """Brings files in.

    Args:
        writer: Makes temporary files.
        reader: Reads stored objects.
        local: What lies on this machine; `None` where nobody looked.
        repeats: What was written already.
        progress: Is told of large files as they come; of others by who places them.
        failed: Is told which file is damaged in the store, and how.
    """

    def __init__(
        self,
        writer: Writer,
        reader: ObjectReader,
        local: LocalContents | None,
        repeats: Repeats,
        progress: Progress,
        failed: Callable[[Wanted, DamageError], None],
    ) -> None:
        self._writer = writer
        self._objects = reader
        self._windows = WindowReader(reader)
        self._local = local
        self._repeats = repeats
        self._progress = progress
        self._failed = failed

    def batches(
        self, wanted: Iterable[Wanted], unplaced: list[Batch]
    ) -> Generator[Batch, None, None]:
        """Yield the files, some at a time.

        Args:
            wanted: What is wanted, in path order.
            unplaced: Every batch is added to it before anything is written.

        Raises:
            DiskFullError: There is no room.
            WorktreeError: `.S3/tmp` cannot be written.
        """
        groups = in_windows(wanted, self._objects.locate_all, self._repeats)
        batch: Batch | None = None
        with (
            contextlib.closing(made_ahead(groups, self._fetch, AHEAD, "ahead")) as windows,
            ThreadPoolExecutor(1, thread_name_prefix="hash") as hashing,
        ):
            for group, fetched in windows:
                if batch is None:
                    batch = Batch()
                    unplaced.append(batch)
                self._stage_all(group.files, fetched, batch, hashing)
                del fetched
                if batch.is_full:
                    yield batch
                    batch = None
        if batch is not None:
            yield batch

    def _fetch(self, group: Group) -> _Fetched:
        """Read what a window of files needs, but for what is on this machine."""
        contents, here = [wanted.entry.content for wanted in group.files], group.again
        if self._local is not None:
            here |= {each.id for each in contents if self._local.has(each)}
        if here:
            contents = [each for each in contents if each.id not in here]
        apart = {
            wanted.entry.content.id
            for wanted in group.files
            if may_serve(wanted.row, wanted.entry.content)
        }
        return _Fetched(here, self._windows.fetch(contents, group.places, apart))

    def _stage_all(
        self, group: list[Wanted], fetched: _Fetched, batch: Batch, hashing: Executor
    ) -> None:
        """Write a window of files under temporary names."""
        here, window = fetched
        with ExitStack() as undo:
            copied = self._copy_all(group, here, undo) if here else {}
            if here:
                missed = (each for each in group if each.path not in copied)
                self._fetch_missed((each.entry.content for each in missed), here, window)
            for wanted in group:
                content = wanted.entry.content
                staged, n_told = copied.get(wanted.path), 0
                if staged is None:
                    # More was missing here than a window holds.
                    late = content.id in here and not window.has(content)
                    source = self._windows.fetch([content]) if late else window
                    try:
                        staged, n_told = self._stage(wanted, source, hashing)
                    except DamageError as error:
                        self._failed(wanted, error)
                        continue
                if self._local is not None:
                    self._local.wrote(content)
                self._repeats.lies_at(staged.temp, content)
                batch.add(Arrived(wanted, staged, wanted.path in copied, n_told))
            undo.pop_all()

    def _copy_all(
        self, group: list[Wanted], here: set[ObjectId], undo: ExitStack
    ) -> dict[RepoPath, StagedFile]:
        copied: dict[RepoPath, StagedFile] = {}
        for wanted in group:
            if wanted.entry.content.id in here and (staged := self._copy(wanted)):
                copied[wanted.path] = undo.enter_context(staged)
        return copied

    def _copy(self, wanted: Wanted) -> StagedFile | None:
        """Stage a file from what is on this machine; `None` if it is not there (any more)."""
        content = wanted.entry.content
        places = self._repeats.places(content)
        if self._local is not None:
            places += self._local.places(content)
        for place in places:
            staged = self.begin(wanted)
            try:
                if pour(place, content, staged.write):
                    with contextlib.suppress(DamageError):  # written to meanwhile
                        staged.finish()
                        return staged
            except BaseException:
                staged.abandon()
                raise
            staged.abandon()
            if self._local is not None:
                self._local.forget(content, place)
        return None

    def _fetch_missed(
        self, missed: Iterable[Content], here: set[ObjectId], window: Window
    ) -> None:
        """Read what seemed to be on this machine and is not; as much as a window holds."""
        wanted: dict[ObjectId, Content] = {}
        size = 0
        for content in missed:
            if content.id in here and content.id not in wanted:
                size += content.size
                if size > WINDOW_BYTES:
                    break
                wanted[content.id] = content
        if wanted:
            window.add(self._windows.fetch(wanted.values()))

    def _stage(
        self, wanted: Wanted, window: Window, hashing: Executor
    ) -> tuple[StagedFile, int]:
        """Write a file from a window; return also how many bytes were told of."""
        n_told = 0
        staged = self.begin(wanted)
        content = wanted.entry.content
        try:
            if (data := window.whole(content)) is not None:
                staged.write_proved(data)
            else:
                with self._old_file(wanted) as old:
                    for blocks in self._windows.blocks(content, window, old):
                        staged.write_blocks(blocks, hashing)
                        size = sum(map(len, blocks))
                        self._progress.advance(0, size)
                        n_told += size
                staged.finish()
        except BaseException:
            staged.abandon()
            raise
        return staged, n_told

    def begin(self, wanted: Wanted) -> StagedFile:
        """Make the temporary file of what is wanted.

        Raises:
            DiskFullError: There is no room.
            WorktreeError: `.S3/tmp` cannot be written.
        """
        edited_ns = ns_of_timestamp(wanted.entry.edited)
        return self._writer.stage(wanted.path, wanted.entry.content, edited_ns)

    @contextlib.contextmanager
    def _old_file(self, wanted: Wanted) -> Iterator[OldFile | None]:
        """Open the file that is to be replaced, where it may have chunks of the new one."""
        row = wanted.row
        with ExitStack() as stack:
            old: OldFile | None = None
            if row is not None and may_serve(row, wanted.entry.content):
                # What cannot be read any more serves nobody; the store does.
                with contextlib.suppress(OSError):
                    old = stack.enter_context(OldFile(self._writer.folder, row))
            yield old
