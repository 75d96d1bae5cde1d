"""From what changes to a commit: index, pages, commit; contents are stored before."""

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from cas_sync._version import __version__
from cas_sync.engine.repository import Repository, refuse_reset
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings, find_author, machine_name
from cas_sync.formats.rows import deletion_key, tidy
from cas_sync.model.commit import RECENT, ChangeRow, Commit, Counts, Head
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import IndexRoot
from cas_sync.model.paths import sort_key
from cas_sync.model.tree import Deletion, Entry, Timestamp, timestamp, timestamp_of_ns
from cas_sync.plan.index_plan import roots_to_merge
from cas_sync.plan.step import Act, Step
from cas_sync.plan.sync_plan import tree_change
from cas_sync.store.head import Gone, HeadRead, Lost, Won, advance
from cas_sync.store.packs import PackUploader, merge_roots

MAX_CHANGES = 200
"""A commit that changes more files than this does not repeat them."""

Steps = Callable[[], Iterable[Step]]


@dataclass(frozen=True)
class Author:
    """Who commits, and what they say.

    Attributes:
        name: Who.
        client: Program and version.
        machine: Where.
        message: Why.
    """

    name: str
    client: str
    machine: str
    message: str


def author_of(settings: Settings, surroundings: Surroundings, message: str = "") -> Author:
    """Return us, as we sign commits."""
    return Author(
        find_author(settings.user_name, settings.root, surroundings.env),
        f"cas-sync {__version__}",
        surroundings.machine or machine_name(),
        tidy(message, 2000),
    )


@dataclass
class _Tally:
    """What the changes of a commit come to; complete once they have been gone through."""

    files: int
    size: int
    added: int = 0
    modified: int = 0
    deleted: int = 0
    rows: list[ChangeRow] = field(default_factory=list)

    def note(self, change: "Change") -> None:
        old, new = change.before, change.after
        if old is None:
            what = "added"
            self.added += 1
        elif new is None:
            what = "deleted"
            self.deleted += 1
        else:
            what = "modified"
            self.modified += 1
        self.files += (new is not None) - (old is not None)
        self.size += (new.content.size if new else 0) - (old.content.size if old else 0)
        row = new or old
        if len(self.rows) <= MAX_CHANGES and row is not None:
            before = old.content.id.hex() if old else ""
            self.rows.append(
                ChangeRow(row.path, what, before, new.content.id.hex() if new else "")
            )


class Change(NamedTuple):
    """One row of a tree that a commit changes.

    Attributes:
        key: What orders the rows: the path's `sort_key`.
        before: The row as it was; `None` where there was none.
        after: The row as it will be; `None` to remove it.
    """

    key: str
    before: Entry | None
    after: Entry | None


REMOVING = (Act.DELETE_THERE, Act.TAKE_THEIRS)
"""What adds to the deleted files."""


def write_commit(
    repo: Repository,
    head: Head,
    steps: Steps,
    removals: Iterable[Step],
    copies: Iterable[Step],
    uploader: PackUploader,
    author: Author,
    surroundings: Surroundings,
) -> tuple[Head, ObjectId, Commit]:
    """Store the manifests and the commit that ``steps`` make of ``head``.

    Args:
        repo: The repository.
        head: What is to be replaced.
        steps: The plan.
        removals: Those of its steps that `REMOVING` names.
        copies: Those that give a file another name.
        uploader: Has stored every content the plan publishes.
        author: Who commits, and what they say.
        surroundings: Time and randomness.

    Returns:
        As `write_changes`.
    """
    aside = _copy_changes(repo, head, copies, author.name)
    changes = heapq.merge(
        _main_changes(steps(), author.name), sorted(aside, key=_key), key=_key
    )

    def gone(now: Timestamp, seq: int) -> Iterator[Deletion]:
        return _deletions(removals, author.name, now, seq)

    return write_changes(repo, head, changes, gone, uploader, author, surroundings)


def write_changes(
    repo: Repository,
    head: Head,
    changes: Iterable[Change],
    gone: Callable[[Timestamp, int], Iterable[Deletion]],
    uploader: PackUploader,
    author: Author,
    surroundings: Surroundings,
) -> tuple[Head, ObjectId, Commit]:
    """Store the manifests and the commit that ``changes`` make of ``head``.

    Args:
        repo: The repository.
        head: What is to be replaced.
        changes: What becomes of the tree, ascending by key.
        gone: Given the commit's time and number, yields what is added to the deleted
            files, in path order.
        uploader: Has stored every content the changes and deletions name.
        author: Who commits, and what they say.
        surroundings: Time and randomness.

    Returns:
        The head that is to replace ``head``, and the commit it names. Nothing refers to
        them until the head moves.
    """
    tally = _Tally(head.files, head.size)
    now = timestamp(surroundings.clock.now())
    seq = head.seq + 1
    versions = repo.versions.write(head.versions, _counted(changes, tally), surroundings.nonce)
    deletions = iter(gone(now, seq))
    deleted = head.deleted
    if (first := next(deletions, None)) is not None:
        rows = ((deletion_key(d.entry.path, seq), d) for d in chain([first], deletions))
        deleted = repo.deleted.write(deleted, rows, surroundings.nonce)
    index, added = _index_roots(repo, head, uploader.roots, surroundings)
    commit = Commit(
        repo_id=head.repo_id,
        seq=seq,
        parent=head.commit,
        author=author.name,
        machine=author.machine,
        client=author.client,
        time=now,
        message=author.message,
        versions=versions,
        deleted=deleted,
        files=tally.files,
        size=tally.size,
        counts=Counts(tally.added, tally.modified, tally.deleted),
        changes=tuple(tally.rows) if len(tally.rows) <= MAX_CHANGES else (),
        index_added=added,
        bytes_new=uploader.bytes_new,
        nonce=surroundings.nonce(),
    )
    oid = repo.commits.write(commit)
    new = head._replace(
        seq=seq,
        commit=oid,
        versions=versions,
        deleted=deleted,
        files=tally.files,
        size=tally.size,
        index_roots=index,
        recent=(oid, *head.recent)[:RECENT],
        nonce=surroundings.entropy(16).hex(),
    )
    return new, oid, commit


def move_head(
    repo: Repository, head: HeadRead, new: Head, oid: ObjectId, surroundings: Surroundings
) -> Won | Lost:
    """Move the head to a commit that `write_changes` wrote.

    Args:
        repo: The repository.
        head: What it replaces.
        new: The new value.
        oid: The commit that the new value names.
        surroundings: Time and randomness.

    Raises:
        RepositoryResetError: The repository was reset meanwhile.
        OutcomeUnknownError: The store gave no definite answer.
    """
    return swap_head(
        repo, head, new, lambda at: repo.commits.holds(at, oid, new.seq), surroundings
    )


def swap_head(
    repo: Repository,
    head: HeadRead,
    new: Head,
    is_ours: Callable[[Head], bool],
    surroundings: Surroundings,
) -> Won | Lost:
    """Replace the head by a new value.

    Args:
        repo: The repository.
        head: What is replaced.
        new: The new value, with a nonce of its own.
        is_ours: Says whether a head came after ours.
        surroundings: Time and randomness.

    Raises:
        RepositoryResetError: The repository was reset meanwhile.
        OutcomeUnknownError: The store gave no definite answer.
    """
    outcome = advance(
        repo.bucket,
        new,
        head.etag,
        is_ours=is_ours,
        clock=surroundings.clock,
        jitter=surroundings.jitter,
    )
    if isinstance(outcome, Won):
        return outcome
    now = None if isinstance(outcome, Gone) else outcome.now
    refuse_reset(now, new.repo_id, repo.bucket.url)
    if now is None:
        raise AssertionError
    return Lost(now)


def _counted(changes: Iterable[Change], tally: _Tally) -> Iterator[tuple[str, Entry | None]]:
    for change in changes:
        tally.note(change)
        yield change.key, change.after


def _key(change: Change) -> str:
    return change.key


def _copy_changes(
    repo: Repository, head: Head, copies: Iterable[Step], author: str
) -> Iterator[Change]:
    """Yield what was and what will be at each other name, where that differs."""
    for step in copies:
        change = tree_change(step, author)
        if change is None or change[1] is None:
            continue
        new, key = change[1], sort_key(change[1].path)
        # The same version may have been set aside before.
        old = repo.versions.find(head.versions, key)
        if old is None or old.content != new.content:
            yield Change(key, old, new)


def _main_changes(steps: Iterable[Step], author: str) -> Iterator[Change]:
    for step in steps:
        change = tree_change(step, author)
        if change is not None and change[0] != step.theirs:
            yield Change(sort_key(step.path), step.theirs, change[0])


def _deletions(
    steps: Iterable[Step], deleter: str, now: Timestamp, seq: int
) -> Iterator[Deletion]:
    for step in steps:
        if step.act is Act.DELETE_THERE and step.theirs is not None:
            yield Deletion(step.theirs, deleter, now, seq)
        elif step.act is Act.TAKE_THEIRS and step.ours is not None and step.ours.content:
            # Ours was never in the tree: this row is what keeps it findable.
            edited = timestamp_of_ns(step.ours.edited_ns)
            lost = Entry(step.path, step.ours.content, deleter, edited)
            yield Deletion(lost, deleter, now, seq)


def _index_roots(
    repo: Repository, head: Head, packs: list[IndexRoot], surroundings: Surroundings
) -> tuple[tuple[IndexRoot, ...], tuple[IndexRoot, ...]]:
    """Return all index roots of the new head, and those that are new in it."""
    roots = (*head.index_roots, *packs)
    added: tuple[IndexRoot, ...] = tuple(packs)
    for group in roots_to_merge(roots):
        one = merge_roots(
            repo.bucket, repo.cache, repo.index(head), group, surroundings.nonce()
        )
        gone = set(group)
        roots = (*(root for root in roots if root not in gone), one)
        added = (*added, one)
    return roots, added
