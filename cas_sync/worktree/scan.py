"""Walks the data folder in manifest order and says what every path holds.

The walk is merged with the index of the last scan, so that a file whose size, times and
inode are as they were is not opened, and its row not even taken apart. What is there but
cannot be read is said to be there: it must never look deleted. Memory grows with the
largest folder, not the tree.
"""

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from cas_sync.errors import WorktreeError
from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import (
    STATE_DIR,
    PathRefusedError,
    RepoPath,
    parse_repo_path,
    sort_key,
)
from cas_sync.model.tree import Content, Found, Mode
from cas_sync.worktree.folder import TMP_DIR, Folder, is_link
from cas_sync.worktree.hashing import FileHasher
from cas_sync.worktree.index import Gone, LocalRow, parse, same_stat, unchanged
from cas_sync.worktree.kept import News
from cas_sync.worktree.listing import Level, list_folder
from cas_sync.worktree.names import shown
from cas_sync.worktree.trouble import problem_of

RACY_NS = 2_000_000_000
FINE_TICK_NS = 100_000_000
MIN_SAMPLED = 256

_DAY_NS = 86_400_000_000_000
_MAX_NAMED = 1000
_MAX_IGNORED_NAMES = 20
_HAS_EXEC = os.name != "nt"

Ignored = Callable[[str, bool], bool]
OnSample = Callable[[RepoPath, bytes], None]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A name that no manifest can hold, left alone.

    Attributes:
        name: The path, with what cannot be shown escaped.
        reason: Why.
    """

    name: str
    reason: str


@dataclass(slots=True)
class ScanReport:
    """What a scan counted; complete when its rows have been taken to the end.

    Attributes:
        n_files: Files that have a row.
        size: Their bytes.
        n_unchanged: Files that were not opened.
        n_hashed: Files that were read.
        size_hashed: Their bytes.
        n_changed: Files that were read and are not what the index held, or are new.
        n_gone: Rows of the index that have no file any more.
        n_racy: Files that the next scan reads again.
        n_problems: `Found` records: there, but unreadable.
        n_skipped: Names that no manifest can hold.
        skipped: The first of them.
        n_ignored: Files and folders that were passed over.
        ignored: How many of them had which name; the first few names, a folder's with a
            slash at its end.
    """

    n_files: int = 0
    size: int = 0
    n_unchanged: int = 0
    n_hashed: int = 0
    size_hashed: int = 0
    n_changed: int = 0
    n_gone: int = 0
    n_racy: int = 0
    n_problems: int = 0
    n_skipped: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    n_ignored: int = 0
    ignored: dict[str, int] = field(default_factory=dict)

    def skip(self, path: str, reason: str) -> None:
        """Name a path that was left alone."""
        self.n_skipped += 1
        if len(self.skipped) < _MAX_NAMED:
            self.skipped.append(Skipped(shown(path), reason))

    def ignore(self, name: str, *, is_dir: bool) -> None:
        """Count what is passed over."""
        self.n_ignored += 1
        name = shown(name) + "/" * is_dir
        if name in self.ignored or len(self.ignored) < _MAX_IGNORED_NAMES:
            self.ignored[name] = self.ignored.get(name, 0) + 1


def fs_now_ns(folder: Folder) -> int:
    """Return the time by the clock that stamps files in ``folder``.

    On a network disk that is the server's clock. `.S3/tmp` must exist.

    Raises:
        WorktreeError: No file can be made there.
    """
    path = f"{TMP_DIR}/state-clock-{os.urandom(8).hex()}"
    try:
        fd = folder.open_new(path)
        try:
            os.write(fd, b"\n")
            now = os.fstat(fd).st_mtime_ns
        finally:
            os.close(fd)
            folder.unlink(path)
    except OSError as error:
        raise WorktreeError(
            f"no file can be written to {folder.real_path(STATE_DIR)}",
            cause=problem_of(error),
        ) from error
    return now


def is_racy(found: os.stat_result, now_ns: int) -> bool:
    """Return whether a change right after ``now_ns`` might leave these times as they are.

    A write sets the change time, which nobody can set back: so only one in the same tick
    of the file system's clock can hide. Where there is no change time (Windows), or it
    has whole seconds, the modification time within two seconds counts (git's racy-clean
    rule). Times far in the future were set by hand; a write would not repeat them.
    """
    tick = FINE_TICK_NS if found.st_ctime_ns % 1_000_000_000 else RACY_NS
    if found.st_ctime_ns >= now_ns - tick:
        return True
    return now_ns - RACY_NS <= found.st_mtime_ns <= now_ns + _DAY_NS


def scan(
    folder: Folder,
    index: Iterable[str],
    *,
    fs_now_ns: int,
    every: bool = False,
    is_ignored: Ignored | None = None,
    on_sample: OnSample | None = None,
    hasher: FileHasher | None = None,
    report: ScanReport | None = None,
) -> Iterator[LocalRow | Found | Gone]:
    """Yield what is below ``folder`` and not as its index says, in manifest order.

    Args:
        folder: The data folder; another set of open folders is used for the walk.
        index: Rows of the last scan as text, in manifest order; they may be none.
        fs_now_ns: `fs_now_ns(folder)` from before the walk.
        every: Whether every file is meant, each path once, be it as the index says or not.
        is_ignored: Asked with the path and whether it is a folder; an ignored folder
            is not entered.
        on_sample: Called with the first bytes of regular files that changed.
        hasher: Reads the files.
        report: Filled while the rows are taken.

    Yields:
        `LocalRow` for what could be read, `Found` with a ``problem`` for what is there
        and could not, `Gone` for a row of the index that has no such file any more (not
        with ``every``). Names that no manifest can hold are in ``report.skipped`` only.

    Raises:
        WorktreeError: The data folder itself cannot be listed.
    """
    try:
        own = folder.clone()
    except OSError as error:
        raise _unlistable(folder, error) from error
    walk = _Walk(
        folder=own,
        lines=iter(index),
        every=every,
        now_ns=fs_now_ns,
        is_ignored=is_ignored,
        on_sample=on_sample,
        hasher=hasher or FileHasher(),
        report=report if report is not None else ScanReport(),
    )
    try:
        yield from walk.run()
    finally:
        walk.folder.close()


@dataclass(slots=True)
class _Walk:
    folder: Folder
    lines: Iterator[str]
    every: bool
    now_ns: int
    is_ignored: Ignored | None
    on_sample: OnSample | None
    hasher: FileHasher
    report: ScanReport

    def run(self) -> Iterator[LocalRow | Found | Gone]:
        """Walk the tree. One long loop: it runs once per file of the folder."""
        report, lines, is_ignored, stat_of = self.report, self.lines, self.is_ignored, os.stat
        every = self.every
        line = next(lines, None)
        row: LocalRow | None = None  # of that line, once it was taken apart
        levels = [self._top()]
        while levels:
            level = levels[-1]
            prefix, disk_prefix = level.prefix, level.disk_prefix
            dirs, aliases, plain = level.dirs, level.aliases, prefix == disk_prefix
            reach = self._reach(level)
            if isinstance(reach, str):
                levels.pop()
                yield from self._lost(level, reach)
                continue
            at, fd = reach
            for name in level.names:
                path = prefix + name
                is_dir = name in dirs
                if is_ignored is not None and is_ignored(path, is_dir):
                    report.ignore(name, is_dir=is_dir)
                    continue
                if is_dir:
                    below = self._enter(level, name)
                    if isinstance(below, Found):
                        yield self._count(below)
                    elif below is not None:
                        levels.append(below)
                    break  # opening that folder may have closed this one
                disk_name = aliases.get(name, name) if aliases else name
                try:
                    found = stat_of(at + disk_name, dir_fd=fd, follow_symlinks=False)
                except FileNotFoundError:
                    continue
                except OSError as error:
                    yield self._count(Found(RepoPath(path), None, 0, problem_of(error)))
                    continue
                if (
                    line is not None
                    and plain
                    and disk_name == name
                    and line.startswith(unchanged(path, found))
                ):
                    report.n_files += 1
                    report.n_unchanged += 1
                    report.size += found.st_size
                    if every:
                        yield row or _row_of(line)
                    line, row = next(lines, None), None
                    continue
                key, known = sort_key(path), None
                while line is not None:
                    row = row or _row_of(line)
                    if row.path == path:
                        known = row
                    elif sort_key(row.path) < key:
                        report.n_gone += 1
                        if not every:
                            yield Gone(row.path)
                    else:
                        break
                    line, row = next(lines, None), None
                    if known is not None:
                        break
                on_disk = None if plain and disk_name == name else disk_prefix + disk_name
                if (
                    known is not None
                    and same_stat(known, found)
                    and not known.racy
                    and known.disk_path == on_disk
                ):
                    report.n_files += 1
                    report.n_unchanged += 1
                    report.size += found.st_size
                    if every:
                        yield known
                    continue
                seen = self._look(path, disk_prefix + disk_name, found, known)
                if known is not None and not isinstance(seen, LocalRow):
                    report.n_gone += 1
                    if not every:
                        yield Gone(known.path)
                if seen is not None:
                    yield seen
            else:
                levels.pop()
        while line is not None:
            report.n_gone += 1
            if not every:
                yield Gone((row or _row_of(line)).path)
            line, row = next(lines, None), None

    def _top(self) -> Level:
        try:
            return list_folder(self.folder, "", "", self.report.skip)
        except OSError as error:
            raise _unlistable(self.folder, error) from error

    def _reach(self, level: Level) -> tuple[str, int | None] | str:
        """Open a listed folder (again); a text says why it is not what was listed."""
        try:
            return self.folder.inside(level.disk_prefix[:-1])
        except FileNotFoundError:
            level.names = iter(())
            return ""
        except OSError as error:
            return problem_of(error)

    def _lost(self, level: Level, problem: str) -> Iterator[Found]:
        """Tell of the names of a folder that was listed and cannot be reached any more."""
        for name in level.names:
            path = level.prefix + name
            is_dir = name in level.dirs
            if self.is_ignored is not None and self.is_ignored(path, is_dir):
                self.report.ignore(name, is_dir=is_dir)
                continue
            if self._accept(path):
                yield self._count(Found(RepoPath(path), None, 0, problem, subtree=is_dir))

    def _enter(self, level: Level, name: str) -> Level | Found | None:
        """List a folder; `Found` if it cannot be, `None` if it is not part of the tree."""
        path = level.prefix + name
        if not self._accept(path):
            return None
        problem = "two names are the same after Unicode normalisation"
        if name not in level.twins:
            disk_path = level.disk_prefix + level.aliases.get(name, name)
            try:
                return list_folder(self.folder, path + "/", disk_path + "/", self.report.skip)
            except FileNotFoundError:
                return None
            except OSError as error:
                problem = problem_of(error)
        return Found(RepoPath(path), None, 0, problem, subtree=True)

    def _accept(self, path: str) -> bool:
        """Run the path policy; what it refuses is named."""
        try:
            parse_repo_path(path)
        except PathRefusedError as error:
            self.report.skip(path, str(error))
            return False
        return True

    def _count(self, found: Found) -> Found:
        self.report.n_problems += 1
        return found

    def _look(
        self, path: str, disk_path: str, found: os.stat_result, known: LocalRow | None
    ) -> LocalRow | Found | None:
        """Read what is new or may have changed; `None` if it is gone or has no path."""
        if known is None and not self._accept(path):
            return None
        repo_path, mtime = RepoPath(path), found.st_mtime_ns
        if is_link(found):
            try:
                target = self.folder.readlink(disk_path).encode("utf-8")
            except FileNotFoundError:
                return None
            except UnicodeEncodeError:
                problem = "the target of the link is not valid UTF-8"
                return self._count(Found(repo_path, None, mtime, problem))
            except OSError as error:
                return self._count(Found(repo_path, None, mtime, problem_of(error)))
            content = Content(ObjectId.of(target), len(target), Mode.LINK)
        elif stat.S_ISREG(found.st_mode):
            try:
                hashed = self.hasher.hash(self.folder, disk_path, _news(found, known))
            except FileNotFoundError:
                return None
            if isinstance(hashed, str):
                return self._count(Found(repo_path, None, mtime, hashed))
            found = hashed.stat
            content = Content(hashed.id, found.st_size, _mode(found, known))
            if (
                self.on_sample is not None
                and found.st_size >= MIN_SAMPLED
                and (known is None or known.content.id != hashed.id)
            ):
                self.on_sample(repo_path, hashed.sample)
        else:
            is_dir = stat.S_ISDIR(found.st_mode)
            problem = "changed while it was read" if is_dir else f"it is {_kind(found)}"
            return self._count(Found(repo_path, None, mtime, problem, subtree=is_dir))
        racy = is_racy(found, self.now_ns)
        report = self.report
        report.n_files += 1
        report.size += content.size
        report.n_hashed += 1
        report.size_hashed += content.size
        report.n_racy += racy
        report.n_changed += known is None or known.content != content
        return LocalRow(
            repo_path,
            content,
            found.st_mtime_ns,
            found.st_ctime_ns,
            found.st_ino,
            racy,
            None if disk_path == path else disk_path,
        )


def _row_of(line: str) -> LocalRow:
    return next(parse([line]))


def _unlistable(folder: Folder, error: OSError) -> WorktreeError:
    return WorktreeError(
        f"the data folder {folder.root} cannot be listed", cause=problem_of(error)
    )


def _mode(found: os.stat_result, known: LocalRow | None) -> Mode:
    if _HAS_EXEC:
        return Mode.EXEC if found.st_mode & stat.S_IXUSR else Mode.FILE
    # The disk cannot say; a file that was executable elsewhere stays so.
    if known is not None and known.content.mode is not Mode.LINK:
        return known.content.mode
    return Mode.FILE


def _news(found: os.stat_result, known: LocalRow | None) -> News:
    if known is None:
        return News.ADDED
    return News.NONE if same_stat(known, found) else News.CHANGED


def _kind(found: os.stat_result) -> str:
    mode = found.st_mode
    if stat.S_ISFIFO(mode):
        return "a named pipe"
    if stat.S_ISSOCK(mode):
        return "a socket"
    return "a device"
