"""History, newest first; of one path, its versions."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from math import ceil

from cas_sync.engine.at_revision import look_around
from cas_sync.engine.path_history import Link, PathEvent, changes_of, links, trace
from cas_sync.engine.repository import Connection, Repository, refuse_reset
from cas_sync.engine.revisions import Revision
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.engine.tags import names_by_commit
from cas_sync.errors import AccessError
from cas_sync.formats.moments import read_time
from cas_sync.model.commit import RECENT, Commit, Head
from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import RepoPath
from cas_sync.model.tree import Entry

AHEAD = 16
"""Commits that are read together where nobody can say how many will be shown."""

OLDER = 64
"""So many commits in a row from before the time asked for end the search; one or a few may
only have been made where the clock was wrong."""


@dataclass(frozen=True)
class LogEntry:
    """One commit as the log shows it.

    Attributes:
        id: Its id.
        commit: The commit; with its changes if they were asked for (in the log of one path,
            those at or below it).
        tags: The names it has.
        event: In the log of one path, what the commit did to it.
        grown: By how many bytes the tree grew; `None` where that was not asked for.
    """

    id: ObjectId
    commit: Commit
    tags: tuple[str, ...] = ()
    event: PathEvent | None = None
    grown: int | None = None

    @property
    def version(self) -> Entry | None:
        """Return, in the log of one file, its row after this commit."""
        return self.event.version if self.event else None


@dataclass(frozen=True)
class LogQuery:
    """Which commits are asked for.

    Attributes:
        path: Only those that changed this file, or something in this folder; `None`
            or empty text for all.
        limit: At most so many; `None` for all.
        author: Only those whose author's name holds this text, whatever the case.
        since: Only those from then on, by their own clock.
    """

    path: RepoPath | None = None
    limit: int | None = None
    author: str = ""
    since: datetime | None = None


@dataclass(frozen=True)
class LogEnd:
    """What is known once all was shown.

    Attributes:
        has_commits: Whether there is any commit, asked for or not.
        near: Where no commit ever changed the path, what the latest tree holds near it.
    """

    has_commits: bool
    near: tuple[str, ...] = ()


def run_log(
    settings: Settings,
    surroundings: Surroundings,
    query: LogQuery,
    show: Callable[[LogEntry], None],
    *,
    with_changes: bool = False,
    with_growth: bool = False,
) -> LogEnd:
    """Call ``show`` with each commit that ``query`` asks for, newest first.

    One request for the head, one for each commit that is not in the cache (no more of them
    than asked for, unless the query must look for what matches), one for the list of tags
    and one for each new tag; a page or two for each version of a file.

    Args:
        settings: The configuration in force.
        surroundings: How to reach the store.
        query: Which commits.
        show: Takes one as soon as it is known.
        with_changes: Whether commits that do not repeat their changes get them from the
            manifests.
        with_growth: Whether `LogEntry.grown` is asked for.

    Raises:
        DamageError: The chain is broken.
    """
    with Connection(settings, surroundings) as connection:
        head = connection.read_head()
        refuse_reset(head, None, settings.address.url)
        if head is None or head.head.commit is None:
            return LogEnd(has_commits=False)
        if query.limit == 0:
            return LogEnd(has_commits=True)
        repo = connection.repository(head.head.repo_id)
        tags = tags_of(repo)
        never = True
        chain = _chain(repo, head.head, query, with_parents=with_changes or with_growth)
        for link, event in chain:
            never = False
            commit, grown = link.commit, None
            if with_growth:
                grown = commit.size - (link.parent.size if link.parent else 0)
            if with_changes:
                rows = changes_of(repo, link, event.path if event else None)
                commit = commit._replace(changes=tuple(rows))
            show(LogEntry(link.id, commit, tags.get(link.id, ()), event, grown))
        near: tuple[str, ...] = ()
        if never and query.path and not (query.author or query.since):
            latest = Revision(head.head.commit, head.head.seq, head.head.versions)
            near = tuple(look_around(repo, latest, query.path).near)
        return LogEnd(has_commits=True, near=near)


def tags_of(repo: Repository) -> dict[ObjectId, tuple[str, ...]]:
    """Return the tags of each commit; none where keys may not be listed.

    Listing is a right of its own, and the history is worth telling without it.
    """
    try:
        return names_by_commit(repo)
    except AccessError:
        return {}


def _chain(
    repo: Repository, head: Head, query: LogQuery, *, with_parents: bool
) -> Iterator[tuple[Link, PathEvent | None]]:
    """Yield what is asked for, and no more."""
    is_search = bool(query.path or query.author or query.since)
    with_parents = with_parents or bool(query.path)
    walk = repo.commits.walk(
        head, AHEAD if is_search else _together(query.limit, with_parents=with_parents)
    )
    chain = links(walk) if with_parents else (Link(*each) for each in walk)
    if query.since is not None:
        chain = _until_older(chain, query.since)
    found: Iterable[tuple[Link, PathEvent | None]]
    if not query.path:
        found = ((link, None) for link in chain)
    else:
        found = trace(repo, query.path, chain)
    return islice((each for each in found if _asked_for(each[0].commit, query)), query.limit)


def _together(limit: int | None, *, with_parents: bool) -> int:
    """Return how many commits to read together, so that hardly one is read in vain."""
    if limit is None:
        return AHEAD
    n = limit + with_parents
    # The walk begins a block anew where the ids that the head repeats end.
    n = n if n <= RECENT else n - RECENT
    return ceil(n / ceil(n / RECENT))


def _until_older(chain: Iterable[Link], since: datetime) -> Iterator[Link]:
    older = 0
    for link in chain:
        yield link
        older = older + 1 if _time(link.commit) < since else 0
        if older == OLDER:
            return


def _asked_for(commit: Commit, query: LogQuery) -> bool:
    if query.author and query.author.casefold() not in commit.author.casefold():
        return False
    return query.since is None or _time(commit) >= query.since


def _time(commit: Commit) -> datetime:
    # A time that is none is from before all: the commit is told where no time is asked for.
    return read_time(commit.time) or datetime.min.replace(tzinfo=UTC)
