"""History, newest first; of one path, its versions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from cas_sync.engine.repository import Connection, Repository, refuse_reset
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.model.commit import ChangeRow, Commit
from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import RepoPath, sort_key
from cas_sync.model.tree import Content, Entry


@dataclass(frozen=True)
class LogEntry:
    """One commit as the log shows it.

    Attributes:
        id: Its id.
        commit: The commit.
        version: Of the log of one path, its row in this commit; `None` where it is gone.
    """

    id: ObjectId
    commit: Commit
    version: Entry | None = None


@dataclass(frozen=True)
class LogQuery:
    """Which commits are asked for.

    Attributes:
        path: Only those that changed this file; `None` for all.
        limit: At most so many; `None` for all.
        author: Only those whose author's name holds this text, whatever the case.
        since: Only those from then on, by their own clock.
    """

    path: RepoPath | None = None
    limit: int | None = None
    author: str = ""
    since: datetime | None = None


def run_log(
    settings: Settings,
    surroundings: Surroundings,
    query: LogQuery,
    show: Callable[[LogEntry], None],
    *,
    with_changes: bool = False,
) -> bool:
    """Call ``show`` with each commit that ``query`` asks for, newest first.

    Args:
        settings: The configuration in force.
        surroundings: How to reach the store.
        query: Which commits.
        show: Takes one as soon as it is known.
        with_changes: Whether commits that do not repeat their changes get them from the
            manifests.

    Returns:
        Whether there is any commit, asked for or not.

    Raises:
        DamageError: The chain is broken.
    """
    with Connection(settings, surroundings) as connection:
        head = connection.read_head()
        refuse_reset(head, None, settings.address.url)
        if head is None or head.head.commit is None:
            return False
        repo = connection.repository(head.head.repo_id)
        walk = repo.commits.walk(head.head)
        entries: Iterator[LogEntry] = (LogEntry(oid, commit) for oid, commit in walk)
        if query.path is not None:
            entries = _of_path(repo, entries, query.path)
        n = 0
        for entry in entries:
            if n == query.limit:
                break
            if not _asked_for(entry.commit, query):
                continue
            n += 1
            show(_with_changes(repo, entry) if with_changes else entry)
        return True


def _asked_for(commit: Commit, query: LogQuery) -> bool:
    if query.author and query.author.casefold() not in commit.author.casefold():
        return False
    return query.since is None or datetime.fromisoformat(commit.time) >= query.since


def _of_path(
    repo: Repository, entries: Iterator[LogEntry], path: RepoPath
) -> Iterator[LogEntry]:
    """Yield the commits in which ``path`` is not what it was in the one before."""
    key = sort_key(path)
    later: LogEntry | None = None
    for entry in entries:
        row = repo.versions.find(entry.commit.versions, key)
        if later is not None and _content(later.version) != _content(row):
            yield later
        later = LogEntry(entry.id, entry.commit, row)
    if later is not None and later.version is not None:
        yield later


def _content(row: Entry | None) -> Content | None:
    return row.content if row is not None else None


def _with_changes(repo: Repository, entry: LogEntry) -> LogEntry:
    commit = entry.commit
    if commit.changes or not any(commit.counts):
        return entry
    parent = None
    if commit.parent is not None:
        parent = repo.commits.read(commit.parent, commit.seq - 1).versions
    rows = tuple(
        _change_row(old, new) for old, new in repo.versions.diff(parent, commit.versions)
    )
    return LogEntry(entry.id, commit._replace(changes=rows), entry.version)


def _change_row(old: Entry | None, new: Entry | None) -> ChangeRow:
    if old is None and new is not None:
        return ChangeRow(new.path, "added", "", str(new.content.id))
    if new is None and old is not None:
        return ChangeRow(old.path, "deleted", str(old.content.id), "")
    if old is None or new is None:
        raise AssertionError
    return ChangeRow(new.path, "modified", str(old.content.id), str(new.content.id))
