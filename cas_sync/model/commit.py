"""History: commits, the head that names the latest, and the format of a repository."""

from enum import StrEnum
from typing import NamedTuple

from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import IndexRoot
from cas_sync.model.tree import Timestamp

RECENT = 64
"""How many commit ids the head repeats, so that most questions need no walk."""


class PageRef(NamedTuple):
    """Where a manifest page lies and what it must be.

    Attributes:
        last: Key of the last row at or below this page.
        id: Hash of its rows; the same for the same rows, wherever the page lies.
        rows: Number of manifest rows at or below it.
        level: 0 for rows of files, n for rows that refer to pages of level n - 1.
        object: ``<hash>_<nonce>`` of the stored object that holds it.
        offset: First byte within that object.
        length: Length in bytes.
    """

    last: str
    id: ObjectId
    rows: int
    level: int
    object: str
    offset: int
    length: int


class Counts(NamedTuple):
    """How many files a commit added, modified and deleted."""

    added: int = 0
    modified: int = 0
    deleted: int = 0


class ChangeRow(NamedTuple):
    """One change of a commit, told in the commit itself while they are few.

    Attributes:
        path: The file.
        change: ``added``, ``modified`` or ``deleted``.
        old: Hash before, as hex, or empty.
        new: Hash after, as hex, or empty.
    """

    path: str
    change: str
    old: str
    new: str


class Commit(NamedTuple):
    """One sync that changed the shared tree.

    Attributes:
        repo_id: The repository, as 32 hex digits.
        seq: Its place in the chain; the first commit is 1.
        parent: Id of the commit it follows; `None` for the first.
        author: Who.
        machine: Where, as the author's machine calls itself.
        client: Program and version.
        time: When, by the author's clock; shown, never compared.
        message: Why, in the author's words; may be empty.
        versions: Root of the versions manifest; `None` when the tree is empty.
        deleted: Root of the deleted manifest; `None` when nothing was ever deleted.
        files: Number of files in the tree.
        size: Sum of their sizes, in bytes.
        counts: What it changed.
        changes: The changes themselves; empty when they are too many to repeat.
        index_added: Index roots that came with it.
        bytes_new: Bytes of new packs.
        nonce: 64 random bits as hex, so that no two clients ever make the same commit.
    """

    repo_id: str
    seq: int
    parent: ObjectId | None
    author: str
    machine: str
    client: str
    time: Timestamp
    message: str
    versions: PageRef | None
    deleted: PageRef | None
    files: int
    size: int
    counts: Counts
    changes: tuple[ChangeRow, ...]
    index_added: tuple[IndexRoot, ...]
    bytes_new: int
    nonce: str


class HeadState(StrEnum):
    """Whether the repository takes commits."""

    OPEN = "open"
    CLOSED = "closed"


class Head(NamedTuple):
    """The only object that is ever overwritten: what the repository is now.

    Attributes:
        repo_id: The repository, as 32 hex digits.
        state: Open, or closed by a reset.
        seq: Number of the latest commit; 0 before the first.
        commit: Its id; `None` before the first.
        versions: Root of its versions manifest.
        deleted: Root of its deleted manifest.
        files: Number of files in its tree.
        size: Sum of their sizes, in bytes.
        index_roots: Every index root, so that every chunk can be found.
        gc_epoch: How often entries left the index; who stored contents before stores again.
        condemned: Name of the upkeep record in force; empty where there is none.
        features: Incompatible features a client must know to go on.
        recent: The latest commits, newest first, at most `RECENT`.
        nonce: 128 random bits as hex, so that no two values are ever the same bytes.
    """

    repo_id: str
    state: HeadState
    seq: int
    commit: ObjectId | None
    versions: PageRef | None
    deleted: PageRef | None
    files: int
    size: int
    index_roots: tuple[IndexRoot, ...]
    gc_epoch: int
    condemned: str
    features: tuple[str, ...]
    recent: tuple[ObjectId, ...]
    nonce: str
