"""One commit with its changes; one version of a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cas_sync.engine.at_revision import History, find_entry, open_history, parsed
from cas_sync.engine.log import LogEntry, tags_of
from cas_sync.engine.path_history import links, trace
from cas_sync.engine.repository import Repository
from cas_sync.engine.revisions import Revision, head_at
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.engine.upkeep import refuse_expired
from cas_sync.errors import DamageError
from cas_sync.model.commit import Commit, PageRef
from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import sort_key
from cas_sync.model.tree import Entry
from cas_sync.plan.renames import MOST, TreeChange, pair_renames


@dataclass(frozen=True)
class Shown:
    """A commit and its changes.

    Attributes:
        id: Its id.
        commit: The commit.
        tags: The names it has.
        grown: By how many bytes the tree grew.
        n_renamed: How many of the files it added were renamed. Renames are not looked for
            among more than `MOST` changes.
        rows: The changes in path order, both ends of renames told; once, and only while the
            commit is open.
    """

    id: ObjectId
    commit: Commit
    tags: tuple[str, ...]
    grown: int
    n_renamed: int
    rows: Iterator[TreeChange]


@dataclass(frozen=True)
class ShownVersion:
    """A file as it was at a revision.

    Attributes:
        revision: The commit that was asked for.
        entry: The file's row.
        came: The commit in which this content came to this name.
    """

    revision: Revision
    entry: Entry
    came: LogEntry


@contextmanager
def open_commit(settings: Settings, surroundings: Surroundings, rev: str) -> Iterator[Shown]:
    """Open the commit that ``rev`` means, to be shown; no data folder is needed.

    The head, the commit, its parent, the list of tags and each new one, and the pages that
    differ from the parent's are read; these as the rows are taken, unless renames are among
    them.

    Raises:
        UsageError: There is no such commit, or more than one.
    """
    with open_history(settings, surroundings) as past:
        repo, revision = past.repo, past.revision(rev)
        commit = repo.commits.read(revision.id, revision.seq)
        parent = None
        if commit.parent is not None:
            parent = repo.commits.read(commit.parent, commit.seq - 1)
            before = Revision(commit.parent, parent.seq, parent.versions)
            refuse_expired(repo, past.head, before)
        rows = _rows(repo, parent.versions if parent else None, commit.versions)
        counts, n_renamed = commit.counts, 0
        if counts.added and counts.deleted and sum(counts) <= MOST:
            told = pair_renames(list(rows))
            n_renamed = sum(bool(row.renamed_from) for row in told)
            rows = iter(told)
        tags = tags_of(repo).get(revision.id, ())
        grown = commit.size - (parent.size if parent else 0)
        yield Shown(revision.id, commit, tags, grown, n_renamed, rows)


def _rows(repo: Repository, old: PageRef | None, new: PageRef | None) -> Iterator[TreeChange]:
    for before, after in repo.versions.diff(old, new):
        if (row := TreeChange.between(before, after)) is not None:
            yield row


def show_version(
    settings: Settings, surroundings: Surroundings, rev: str, path: str
) -> ShownVersion:
    """Return what is known of a file at a revision.

    The head, the commit, the list of tags, a page a level, and commits back to the one in
    which the version came are read.

    Args:
        settings: The configuration in force.
        surroundings: How to reach the store.
        rev: See `find_revision`.
        path: A file, relative to the data folder.

    Raises:
        UsageError: There is no such commit, or no such file in it.
    """
    with open_history(settings, surroundings) as past:
        repo, revision, name = past.repo, past.revision(rev), parsed(path)
        entry = repo.versions.find(revision.versions, sort_key(name)) if name else None
        if entry is None:
            entry = find_entry(repo, revision, path)
        return ShownVersion(revision, entry, _origin(past, revision, name))


def _origin(past: History, revision: Revision, path: str) -> LogEntry:
    repo = past.repo
    walk = repo.commits.walk(head_at(past.head, revision))
    found = next(trace(repo, path, links(walk)), None)
    if found is None:
        raise DamageError(
            f"no commit brought {path}, which is there at {revision}",
            fix="look for what else is damaged:  cas-sync log",
        )
    link, event = found
    tags = tags_of(repo).get(link.id, ())
    return LogEntry(link.id, link.commit, tags, event)
