"""The history of one path: of a file through its renames, of a folder what happened below it.

Commits that repeat their changes are looked through without a page being read; of larger
ones only the pages around the path are, but where the file came or went: then the commit's
changes are gone through for the other end of a rename.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from cas_sync.engine.publish import MAX_CHANGES
from cas_sync.engine.repository import Repository
from cas_sync.model.commit import ChangeRow, Commit, Counts
from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import keys_below, sort_key
from cas_sync.model.tree import Entry
from cas_sync.plan.renames import TreeChange, find_renames


@dataclass(frozen=True)
class PathEvent:
    """What a commit did to a path.

    Attributes:
        path: Its name after the commit, or before it where it was deleted; that of a folder
            ends in ``/``.
        change: ``added``, ``modified`` or ``deleted``; of a folder ``modified``.
        rows: The changes of the commit at the path or below it, at most `MAX_CHANGES` of them.
        version: Its row after the commit; `None` where it is gone, or a folder.
        renamed_from: Of a file that was added, the path that its content left.
        renamed_to: Of a file that was deleted, the path that its content went to.
        below: Of a folder, how many files below it were changed; `None` of a file.
    """

    path: str
    change: str
    rows: tuple[ChangeRow, ...]
    version: Entry | None = None
    renamed_from: str = ""
    renamed_to: str = ""
    below: Counts | None = None


class Link(NamedTuple):
    """A commit of the chain, and the one it follows.

    Attributes:
        id: Its id.
        commit: The commit.
        parent: The one before; `None` for the first, or where nobody asked.
    """

    id: ObjectId
    commit: Commit
    parent: Commit | None = None


def links(walk: Iterable[tuple[ObjectId, Commit]]) -> Iterator[Link]:
    """Yield each commit of the history with the one before it, which comes next in the walk."""
    last: tuple[ObjectId, Commit] | None = None
    for oid, commit in walk:
        if last is not None:
            yield Link(*last, commit)
        last = oid, commit
    if last is not None:
        yield Link(*last)


def trace(
    repo: Repository, path: str, chain: Iterable[Link]
) -> Iterator[tuple[Link, PathEvent]]:
    """Yield the commits that changed a path, and what they did to it.

    Where a commit added the file and deleted another of the same content, the other one is
    looked for from there on. A rename that came with an edit is not seen as one.

    Args:
        repo: The repository.
        path: A file or folder, as manifests have it.
        chain: Newest first, without a gap, with parents.
    """
    name = path
    for link in chain:
        event = _file_event(repo, link, name) or _folder_event(repo, link, path)
        if event is not None:
            yield link, event
            name = event.renamed_from or name


def repeats_changes(commit: Commit) -> bool:
    """Say whether the commit itself tells all its changes."""
    return bool(commit.changes) or not any(commit.counts)


def changes_of(repo: Repository, link: Link, path: str | None = None) -> Iterator[ChangeRow]:
    """Yield what a commit changed, in path order, from the manifests where it does not say.

    Args:
        repo: The repository.
        link: The commit, with its parent.
        path: Only this file; what lies below it where it ends in ``/``; `None` for all.
    """
    commit = link.commit
    if repeats_changes(commit):
        yield from (row for row in commit.changes if _is_meant(row.path, path))
        return
    before = link.parent.versions if link.parent else None
    start, end = _range(path)
    for old, new in repo.versions.diff(before, commit.versions, start, end):
        if (row := TreeChange.between(old, new)) is not None:
            yield row.brief()


def _is_meant(path: str, named: str | None) -> bool:
    if named is None or path == named:
        return True
    return named.endswith("/") and path.startswith(named)


def _range(named: str | None) -> tuple[str, str | None]:
    """Return the first key of what is meant, and the first after it that is not."""
    if named is None:
        return "", None
    key = sort_key(named)
    return key, keys_below(named[:-1])[1] if named.endswith("/") else key + "\0"


def _file_event(repo: Repository, link: Link, name: str) -> PathEvent | None:
    row = next(changes_of(repo, link, name), None)
    if row is None:
        return None
    version = repo.versions.find(link.commit.versions, sort_key(name)) if row.new else None
    came = _other_end(repo, link, row) if row.change == "added" else ""
    went = _other_end(repo, link, row) if row.change == "deleted" else ""
    return PathEvent(name, row.change, (row,), version, renamed_from=came, renamed_to=went)


def _other_end(repo: Repository, link: Link, row: ChangeRow) -> str:
    """Return where a new file was, or a deleted one went; empty where it is no rename."""
    counts = link.commit.counts
    if not (counts.added and counts.deleted):
        return ""
    content = row.new or row.old
    alike = (each for each in changes_of(repo, link) if content in {each.old, each.new})
    came = find_renames(alike)
    if row.change == "added":
        return came.get(row.path, "")
    return next((new for new, old in came.items() if old == row.path), "")


def _folder_event(repo: Repository, link: Link, path: str) -> PathEvent | None:
    folder = f"{path}/"
    rows: list[ChangeRow] = []
    kinds: Counter[str] = Counter()
    for row in changes_of(repo, link, folder):
        kinds[row.change] += 1
        if len(rows) < MAX_CHANGES:
            rows.append(row)
    if not rows:
        return None
    counts = Counts(kinds["added"], kinds["modified"], kinds["deleted"])
    return PathEvent(folder, "modified", tuple(rows), below=counts)
