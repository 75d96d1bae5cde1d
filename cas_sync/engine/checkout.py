"""Prefix to folder: names set aside, files removed, files written; in this order.

Every chunk and every whole file is checked before it gets its name, and a file that the
user changed meanwhile stays as it is. Whatever is not done is simply still to be done for
the next sync, because the base does not say otherwise.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain

from cas_sync.errors import DamageError
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Kind, Location
from cas_sync.model.paths import RepoPath, sort_key
from cas_sync.model.tree import Content, Entry, Mode, ns_of_timestamp
from cas_sync.plan.step import Act, Step
from cas_sync.progress import Progress
from cas_sync.store.objects import ObjectReader
from cas_sync.worktree.folder import DELETED_DIR, Folder
from cas_sync.worktree.hashing import FileHasher, content_id
from cas_sync.worktree.index import LocalRow, same_stat
from cas_sync.worktree.moving import move
from cas_sync.worktree.outcome import LocalEdit, Placed, Refused, Removed, refusal_of
from cas_sync.worktree.staging import StagedFile
from cas_sync.worktree.writer import Writer

WINDOW_BYTES = 12 << 20
WINDOW_FILES = 2000

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
        failed: Paths that are not as the plan says, and why.
        n_downloaded: Files written.
        n_deleted: Files removed.
        kept: What was removed or replaced, by path, and where it lies now.
        damage: The first damaged object met.
    """

    folder: Folder
    writer: Writer
    reader: ObjectReader
    label: str
    progress: Progress
    failed: dict[RepoPath, str] = field(default_factory=dict)
    n_downloaded: int = 0
    n_deleted: int = 0
    kept: dict[RepoPath, str] = field(default_factory=dict)
    damage: DamageError | None = None

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
                    yield sort_key(step.path), None
                case LocalEdit(reason=reason) | Refused(reason=reason):
                    self.failed[step.path] = reason
            self.progress.advance(1, 0)

    def set_modes(self, pairs: Iterable[tuple[Step, LocalRow | None]]) -> Iterator[LocalChange]:
        """Change the mode of files whose bytes are here already; yields as above."""
        for step, row in pairs:
            if row is None or step.theirs is None or not _only_mode(step, row):
                continue
            match self.writer.set_mode(row, step.theirs.content.mode):
                case Placed(row=placed):
                    self.n_downloaded += 1
                    yield sort_key(step.path), placed
                case LocalEdit(reason=reason) | Refused(reason=reason):
                    self.failed[step.path] = reason
            self.progress.advance(1, 0)

    def write(
        self, pairs: Iterable[tuple[Step, LocalRow | None]], *, under_copies: bool
    ) -> Iterator[LocalChange]:
        """Write what teammates published, in path order; yields as above.

        While one window of files is written, the next is on its way.

        Args:
            pairs: The steps, each with the file as scanned.
            under_copies: Whether the files that get another name are meant, or the rest.
        """
        with ThreadPoolExecutor(1, thread_name_prefix="ahead") as ahead:
            pending: tuple[list[_Wanted], Future[_Window]] | None = None
            for group in _windows(self._wanted(pairs, under_copies=under_copies)):
                started = (group, ahead.submit(self._fetch, group))
                if pending is not None:
                    yield from self._write_window(*pending)
                pending = started
            if pending is not None:
                yield from self._write_window(*pending)
        self.writer.flush()

    def _wanted(
        self, pairs: Iterable[tuple[Step, LocalRow | None]], *, under_copies: bool
    ) -> "Iterator[_Wanted]":
        for step, row in pairs:
            if step.path in self.failed or step.theirs is None:
                continue
            if under_copies:
                if step.act is Act.SET_THEIRS_ASIDE and step.copy:
                    yield _Wanted(step.path, step.copy, step.theirs, None, unsaved=False)
            elif row is not None and _only_mode(step, row):
                continue
            elif step.act in {Act.DOWNLOAD, Act.TAKE_THEIRS}:
                # What the base says, or what this sync published, is in history.
                known = step.base is not None or step.act is Act.TAKE_THEIRS
                yield _Wanted(step.path, step.path, step.theirs, row, unsaved=not known)
            elif step.act is Act.KEEP_BOTH:
                yield _Wanted(step.path, step.path, step.theirs, None, unsaved=False)

    def _fetch(self, group: "list[_Wanted]") -> "_Window":
        """Read all that a window of files needs: first their lists, then their chunks."""
        window = _Window()
        listed: dict[ObjectId, tuple[Location, Content]] = {}
        for wanted in group:
            content = wanted.entry.content
            if not content.size:
                continue
            try:
                where = self.reader.locate(content)
            except DamageError as error:
                window.damaged[content.id] = error
                continue
            if where.kind is Kind.CHUNK:
                window.chunks[content.id] = [where]
            elif content.size > WINDOW_BYTES:
                window.streamed[content.id] = where
            else:
                listed[content.id] = where, content
        self._read(window, (where for where, _ in listed.values()))
        for oid, (where, content) in listed.items():
            try:
                window.chunks[oid] = [
                    self.reader.find(piece.id, Kind.CHUNK)
                    for pieces in self.reader.chunks(where, content, window.data.get(oid))
                    for piece in pieces
                ]
            except DamageError as error:
                window.damaged[oid] = error
        self._read(window, chain.from_iterable(window.chunks.values()))
        return window

    def _read(self, window: "_Window", wanted: Iterable[Location]) -> None:
        locations = list(wanted)
        try:
            window.data.update(self.reader.read(locations))
        except DamageError:
            # One bad object must not keep the others from their files.
            for each in locations:
                try:
                    window.data.update(self.reader.read([each]))
                except DamageError as error:
                    window.damaged[each.id] = error

    def _write_window(
        self, group: "list[_Wanted]", fetched: "Future[_Window]"
    ) -> Iterator[LocalChange]:
        """Write a window of files: all of them staged, then synced, then put in place."""
        window = fetched.result()
        with ExitStack() as stack:
            staged = []
            for wanted in group:
                try:
                    each = stack.enter_context(self._stage(wanted, window))
                except DamageError as error:
                    self.failed[wanted.planned_at] = f"damaged: {error.message}"
                    self.damage = self.damage or error
                else:
                    staged.append((wanted, each))
            self.writer.sync_staged()
            for wanted, each in staged:
                yield from self._place(wanted, each)

    def _stage(self, wanted: "_Wanted", window: "_Window") -> StagedFile:
        content = wanted.entry.content
        staged = self.writer.stage(wanted.path, content, ns_of_timestamp(wanted.entry.edited))
        try:
            for block in self._content(content, window):
                staged.write(block)
            staged.finish()
        except BaseException:
            staged.abandon()
            raise
        return staged

    def _content(self, content: Content, window: "_Window") -> Iterator[bytes]:
        if content.id in window.damaged:
            raise window.damaged[content.id]
        if content.id in window.streamed:
            yield from self._blocks(window.streamed[content.id], content)
        for where in window.chunks.get(content.id, ()):
            if where.id in window.damaged:
                raise window.damaged[where.id]
            yield window.data[where.id]

    def _blocks(self, listed: Location, content: Content) -> Iterator[bytes]:
        """Yield a large file's chunks in order, a bounded number of bytes ahead."""
        with ThreadPoolExecutor(1, thread_name_prefix="chunks") as ahead:
            pending: Future[list[bytes]] | None = None
            for group in self._chunk_groups(listed, content):
                started = ahead.submit(self._read_chunks, group)
                if pending is not None:
                    yield from pending.result()
                pending = started
            if pending is not None:
                yield from pending.result()

    def _chunk_groups(self, listed: Location, content: Content) -> Iterator[list[ObjectId]]:
        group: list[ObjectId] = []
        size = 0
        for piece in chain.from_iterable(self.reader.chunks(listed, content)):
            if size + piece.length > WINDOW_BYTES and group:
                yield group
                group, size = [], 0
            group.append(piece.id)
            size += piece.length
        if group:
            yield group

    def _read_chunks(self, ids: list[ObjectId]) -> list[bytes]:
        found = self.reader.read(self.reader.find(oid, Kind.CHUNK) for oid in ids)
        return [found[oid] for oid in ids]

    def _place(self, wanted: "_Wanted", staged: StagedFile) -> Iterator[LocalChange]:
        keep_as = f"{DELETED_DIR}/{self.label}/{wanted.path}" if wanted.unsaved else None
        match self.writer.put_in_place(staged, wanted.row, keep_as=keep_as):
            case Placed(row=row, kept=kept):
                self.n_downloaded += 1
                if kept:
                    self.kept[wanted.path] = kept
                yield sort_key(wanted.path), row
            case LocalEdit(reason=reason) | Refused(reason=reason):
                self.failed[wanted.planned_at] = reason
        self.progress.advance(1, wanted.entry.content.size)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A file to be written.

    Attributes:
        planned_at: The path of its step: what has failed if this fails.
        path: Where it goes.
        entry: What it must hold.
        row: What the scan saw there.
        unsaved: Whether what it replaces is in no history.
    """

    planned_at: RepoPath
    path: RepoPath
    entry: Entry
    row: LocalRow | None
    unsaved: bool


@dataclass
class _Window:
    """What was fetched for some files at once.

    Attributes:
        chunks: The chunks of each file, by the file's id.
        streamed: Lists of the files that are too large to be held.
        data: Objects by id.
        damaged: Files and chunks that cannot be had, and why.
    """

    chunks: dict[ObjectId, list[Location]] = field(default_factory=dict)
    streamed: dict[ObjectId, Location] = field(default_factory=dict)
    data: dict[ObjectId, bytes] = field(default_factory=dict)
    damaged: dict[ObjectId, DamageError] = field(default_factory=dict)


def _windows(wanted: Iterable[_Wanted]) -> Iterator[list[_Wanted]]:
    group: list[_Wanted] = []
    size = 0
    for each in wanted:
        if group and (size >= WINDOW_BYTES or len(group) >= WINDOW_FILES):
            yield group
            group, size = [], 0
        group.append(each)
        # What is larger than a window is streamed and takes no room in one.
        if each.entry.content.size <= WINDOW_BYTES:
            size += each.entry.content.size
    if group:
        yield group


def _only_mode(step: Step, row: LocalRow) -> bool:
    if step.act is not Act.DOWNLOAD or step.theirs is None:
        return False
    ours, theirs = row.content, step.theirs.content
    return ours.id == theirs.id and Mode.LINK not in {ours.mode, theirs.mode}


def with_rows(
    steps: Iterable[Step], rows: Callable[[], Iterable[LocalRow]]
) -> Iterator[tuple[Step, LocalRow | None]]:
    """Yield each step with the file as scanned, where there is one."""
    scanned = iter(rows())
    row = next(scanned, None)
    for step in steps:
        at = sort_key(step.path)
        while row is not None and sort_key(row.path) < at:
            row = next(scanned, None)
        yield step, row if row is not None and row.path == step.path else None
