"""Folder to prefix: chunks, packs, index, pages, commit, head; in this order."""

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from blake3 import blake3

from cas_sync.chunking.cutter import split
from cas_sync.engine.repository import Repository
from cas_sync.engine.surroundings import Surroundings
from cas_sync.errors import WorktreeError
from cas_sync.formats import pieces
from cas_sync.formats.pieces import Piece, Pieces
from cas_sync.formats.rows import deletion_key
from cas_sync.model.commit import RECENT, ChangeRow, Commit, Counts, Head
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import IndexRoot, Kind
from cas_sync.model.params import ChunkParams
from cas_sync.model.paths import RepoPath, sort_key
from cas_sync.model.tree import Deletion, Entry, Timestamp, timestamp, timestamp_of_ns
from cas_sync.plan.index_plan import roots_to_merge
from cas_sync.plan.step import Act, Step
from cas_sync.plan.sync_plan import published, tree_change
from cas_sync.progress import Progress
from cas_sync.store.packs import PackUploader, merge_roots
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.index import LocalRow
from cas_sync.worktree.reader import read_blocks

BLOCK = 1 << 20
MAX_CHANGES = 200
"""A commit that changes more files than this does not repeat them."""

Steps = Callable[[], Iterable[Step]]


@dataclass
class Contents:
    """Stores the contents a plan publishes, each of them once however often it is replanned.

    Attributes:
        repo: The repository.
        folder: The data folder.
        uploader: Where the chunks go.
        params: Where files are cut.
        progress: Is told of every file.
        failed: Files that changed or vanished since the scan, and why.
    """

    repo: Repository
    folder: Folder
    uploader: PackUploader
    params: ChunkParams
    progress: Progress
    failed: dict[RepoPath, str] = field(default_factory=dict)

    def store(self, steps: Iterable[Step], rows: Iterable[LocalRow]) -> None:
        """Store what ``steps`` publish.

        Args:
            steps: In path order.
            rows: The files as scanned, in path order.
        """
        scanned = iter(rows)
        row = next(scanned, None)
        for step in steps:
            content = published(step)
            if content is None:
                continue
            at = sort_key(step.path)
            while row is not None and sort_key(row.path) < at:
                row = next(scanned, None)
            if row is None or row.path != step.path:
                raise AssertionError(step.path)
            if not self._has(content.id):
                try:
                    self._store_file(row)
                except WorktreeError as error:
                    self.failed[step.path] = error.cause or error.message
            self.progress.advance(1, content.size)
        self.uploader.flush()

    def _has(self, oid: ObjectId) -> bool:
        return self.uploader.has(oid, Kind.CHUNK) or self.uploader.has(oid, Kind.FILE)

    def _store_file(self, row: LocalRow) -> None:
        content = row.content
        blocks = read_blocks(self.folder, row, BLOCK)
        if content.size <= self.params.min_size:
            data = b"".join(blocks)
            if ObjectId.of(data) != content.id:
                raise WorktreeError("it changed while it was read")
            if data:
                self.uploader.add(content.id, Kind.CHUNK, data)
            return
        chunks: list[Piece] = []
        whole = blake3()
        for chunk in split(blocks, self.params):
            whole.update(chunk)
            piece = Piece(ObjectId.of(chunk), len(chunk))
            self.uploader.add(piece.id, Kind.CHUNK, chunk)
            chunks.append(piece)
        if whole.digest() != content.id:
            raise WorktreeError("it changed while it was read")
        if len(chunks) > 1:
            self._store_pieces(content.id, chunks)

    def _store_pieces(self, oid: ObjectId, chunks: list[Piece]) -> None:
        top = Pieces(0, tuple(chunks))
        if len(chunks) > pieces.FLAT_MAX:
            lists = []
            for part in pieces.cut_lists(chunks):
                data = pieces.dump(part)
                lists.append(Piece(ObjectId.of(data), part.size))
                self.uploader.add(lists[-1].id, Kind.LIST, data)
            top = Pieces(1, tuple(lists))
        self.uploader.add(oid, Kind.FILE, pieces.dump(top))


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


@dataclass
class _Tally:
    """What the changes of a commit come to; complete once they have been gone through."""

    files: int
    size: int
    added: int = 0
    modified: int = 0
    deleted: int = 0
    rows: list[ChangeRow] = field(default_factory=list)

    def note(self, path: RepoPath, old: Entry | None, new: Entry | None) -> None:
        if old is None:
            change = "added"
            self.added += 1
        elif new is None:
            change = "deleted"
            self.deleted += 1
        else:
            change = "modified"
            self.modified += 1
        self.files += (new is not None) - (old is not None)
        self.size += (new.content.size if new else 0) - (old.content.size if old else 0)
        if len(self.rows) <= MAX_CHANGES:
            before = old.content.id.hex() if old else ""
            self.rows.append(
                ChangeRow(path, change, before, new.content.id.hex() if new else "")
            )


def write_commit(
    repo: Repository,
    head: Head,
    steps: Steps,
    copies: Iterable[Step],
    uploader: PackUploader,
    author: Author,
    surroundings: Surroundings,
) -> tuple[Head, ObjectId, Commit]:
    """Store the manifests and the commit that ``steps`` make of ``head``.

    Returns:
        The head that is to replace ``head``, and the commit it names. Nothing refers to
        them until the head moves.
    """
    tally = _Tally(head.files, head.size)
    now = timestamp(surroundings.clock.now())
    seq = head.seq + 1
    aside = list(_copy_changes(repo, head, copies, author.name))
    versions = repo.versions.write(
        head.versions, _tree_changes(steps, aside, author.name, tally), surroundings.nonce
    )
    gone = _deletions(steps(), author.name, now, seq)
    deleted = head.deleted
    if (first := next(gone, None)) is not None:
        rows = ((deletion_key(d.entry.path, seq), d) for d in chain([first], gone))
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


def _copy_changes(
    repo: Repository, head: Head, copies: Iterable[Step], author: str
) -> Iterator[tuple[Entry | None, Entry]]:
    """Yield what was and what will be at each other name, where that differs."""
    for step in copies:
        change = tree_change(step, author)
        if change is None or change[1] is None:
            continue
        new = change[1]
        # The same version may have been set aside before.
        old = repo.versions.find(head.versions, sort_key(new.path))
        if old is None or old.content != new.content:
            yield old, new


def _tree_changes(
    steps: Steps, aside: Iterable[tuple[Entry | None, Entry]], author: str, tally: _Tally
) -> Iterator[tuple[str, Entry | None]]:
    added = []
    for old, new in aside:
        tally.note(new.path, old, new)
        added.append((sort_key(new.path), new))
    added.sort()
    yield from heapq.merge(
        _main_changes(steps(), author, tally), added, key=lambda each: each[0]
    )


def _main_changes(
    steps: Iterable[Step], author: str, tally: _Tally
) -> Iterator[tuple[str, Entry | None]]:
    for step in steps:
        change = tree_change(step, author)
        if change is None or change[0] == step.theirs:
            continue
        tally.note(step.path, step.theirs, change[0])
        yield sort_key(step.path), change[0]


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
    merged = roots_to_merge(roots)
    added: tuple[IndexRoot, ...] = tuple(packs)
    if merged:
        one = merge_roots(
            repo.bucket, repo.cache, repo.index(head), merged, surroundings.nonce()
        )
        roots = (*(root for root in roots if root not in merged), one)
        added = (*added, one)
    return roots, added
