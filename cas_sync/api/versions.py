"""Every version of a shared tree, to be looked at: nothing is changed, here or for others."""

from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from cas_sync.api.arguments import PathLike, Paths, named_in, one_of
from cas_sync.api.convert_history import (
    deleted_of,
    diff_of,
    entry_of,
    item_of,
    shown_of,
    tags_of,
    usage_of,
)
from cas_sync.api.history import Diff, Log, LogEntry
from cas_sync.api.looking import DeletedFiles, Item, Items, Usage
from cas_sync.api.tags import Tags
from cas_sync.engine.at_revision import Named
from cas_sync.engine.diff import Comparison
from cas_sync.engine.fetch import fetch_file
from cas_sync.engine.log import LogQuery, run_log
from cas_sync.engine.look import list_folder, read_files
from cas_sync.engine.settings import Settings, load_settings
from cas_sync.engine.show import open_commit
from cas_sync.engine.surroundings import Surroundings
from cas_sync.engine.tags import list_tags
from cas_sync.engine.undelete import find_deleted
from cas_sync.engine.usage import By, measure
from cas_sync.errors import UsageError
from cas_sync.formats.config_json import Config
from cas_sync.formats.moments import FORMS, parse_moment
from cas_sync.model.paths import RepoPath
from cas_sync.plan.renames import paired
from cas_sync.progress import Silent


class Versions:
    """What a project's store holds, at any revision.

    A revision is ``@`` (the latest), ``@~2`` (two before it), a tag, the beginning of an id, a
    number like ``#12``, a date (its end in UTC), ``yesterday``, ``3 days ago`` or ``2w``.
    """

    def __init__(self, folder: Path, said: Config, surroundings: Surroundings) -> None:
        self._folder = folder
        self._said = said
        self._surroundings = surroundings

    @property
    def data(self) -> Path:
        """The data folder."""
        return self._settings().data

    @property
    def store(self) -> str:
        """Address of the store."""
        return self._settings().address.url

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about the configuration."""
        return self._settings().warnings

    def __repr__(self) -> str:
        return f"<Project {self._folder}>"

    def _settings(self) -> Settings:
        # Read each time: a sync may note what is wanted here, and people edit files.
        return load_settings(self._folder, self._said, self._surroundings.env)

    # -- the history ------------------------------------------------------------------

    def log(
        self,
        path: PathLike | None = None,
        n: int | None = None,
        *,
        author: str = "",
        since: str | datetime | None = None,
        changes: bool = False,
    ) -> Log:
        """Return the history, newest first; of one path, what became of it.

        Args:
            path: Only the commits that changed this file, or something in this folder; a file
                is followed through its renames.
            n: At most so many.
            author: Only those whose author's name holds this text, whatever the case.
            since: Only those from then on, by their own clock: a time, a date, or ``2w``.
            changes: Whether every commit comes with its changes.

        Raises:
            UsageError: ``since`` is no time.
        """
        settings = self._settings()
        about = None if path is None else RepoPath(named_in(path, settings)[0])
        entries: list[LogEntry] = []
        run_log(
            settings,
            self._surroundings,
            LogQuery(about, n, author, self._moment(since)),
            lambda entry: entries.append(entry_of(entry, None, with_changes=changes)),
            with_changes=changes,
        )
        return Log(tuple(entries))

    def _moment(self, since: str | datetime | None) -> datetime | None:
        if since is None:
            return None
        if isinstance(since, datetime):
            return since if since.tzinfo else since.replace(tzinfo=UTC)
        found = parse_moment(since, self._surroundings.clock.now())
        if found is None:
            raise UsageError(f"{since!r} is no date", fix=f"write {FORMS}")
        return found

    def show(self, rev: str = "@") -> LogEntry:
        """Return one commit with its changes, which tell sizes and renames.

        Args:
            rev: The commit.

        Raises:
            UsageError: There is no such commit.
        """
        with open_commit(self._settings(), self._surroundings, rev) as shown:
            return shown_of(shown)

    def diff(self, old: str = "@", new: str | None = None, paths: Paths = ()) -> Diff:
        """Return what differs between two revisions, or between one and the data folder.

        Args:
            old: The one.
            new: The other; `None` stands for the data folder.
            paths: Files or folders it is about; empty means all.

        Raises:
            UsageError: There is no such revision, or neither side has such a path.
        """
        settings = self._settings()
        named = named_in(paths, settings)
        with Comparison(settings, self._surroundings, Silent()) as comparison:
            found = comparison.diff(old, new, named)
            return diff_of(found, paired(found.rows()))

    def tags(self) -> Tags:
        """Return the names of commits, the newest commit's first."""
        return tags_of(list_tags(self._settings(), self._surroundings))

    def deleted(self, *, everything: bool = False) -> DeletedFiles:
        """Return what was deleted and can be brought back, the newest first.

        Args:
            everything: Whether earlier deletions and what exists again count, too.
        """
        settings = self._settings()
        found = find_deleted(settings, self._surroundings, everything=everything)
        return deleted_of(found)

    # -- a version --------------------------------------------------------------------

    def ls(self, path: PathLike = "", rev: str = "@", *, recursive: bool = False) -> Items:
        """Return what lies in a folder at a revision.

        Args:
            path: A folder; a file stands for itself, and ``*.csv`` for the names like it.
            rev: The revision.
            recursive: Whether files in subfolders are told in place of the subfolders.

        Raises:
            UsageError: There is no such path or revision.
        """
        settings = self._settings()
        items: list[Item] = []
        done = list_folder(
            settings,
            self._surroundings,
            Named(rev, named_in(path, settings)[0]),
            lambda row: items.append(item_of(row)),
            recursive=recursive,
        )
        return Items(str(done.revision.id), done.revision.seq, tuple(items))

    def du(
        self, path: PathLike = "", rev: str = "@", *, by: str = "dir", depth: int = 1
    ) -> Usage:
        """Return what takes the room at a revision.

        Args:
            path: A folder.
            rev: The revision.
            by: What is told apart: ``dir``, ``author`` or ``ext``.
            depth: How many levels of folders.

        Raises:
            UsageError: There is no such path or revision.
        """
        settings = self._settings()
        named = Named(rev, named_in(path, settings)[0])
        how = one_of({each.value: each for each in By}, by)
        return usage_of(measure(settings, self._surroundings, named, how, depth), rev)

    def read(self, path: PathLike, rev: str = "@") -> bytes:
        """Return the bytes of a file at a revision, every one of them checked; see `open`.

        Args:
            path: A file.
            rev: The revision.

        Raises:
            UsageError: There is no such file or revision.
        """
        settings, parts = self._settings(), list[bytes]()

        def take(data: bytes) -> bool:
            parts.append(data)
            return True

        named = Named(rev, named_in(path, settings)[0])
        read_files(settings, self._surroundings, [named], take)
        return b"".join(parts)

    def fetch(self, path: PathLike, rev: str = "@", to: PathLike | None = None) -> Path:
        """Return a file that holds what ``path`` held at a revision, every byte checked.

        Args:
            path: A file.
            rev: The revision.
            to: The file to write, or a folder to write it into. Without it the file lies in
                the user's cache folder, read-only and named by its content, so that it is
                downloaded once.

        Raises:
            UsageError: There is no such file or revision, or ``to`` holds something else.
        """
        settings = self._settings()
        (named,) = named_in([path], settings)
        target = None if to is None else Path(to).absolute()
        return fetch_file(settings, self._surroundings, named, rev, target, Silent())

    def open_file(self, path: PathLike, rev: str = "@") -> BinaryIO:
        """Return what a file held at a revision, open for reading; see `fetch`."""
        return self.fetch(path, rev).open("rb")
