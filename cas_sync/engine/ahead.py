"""What a folder has more of goes up while the folder is still scanned.

Only where it can be said beforehand that it will be published: somebody agreed to whatever
the plan says, and there is nothing in the store that this folder has not seen, so no rule
or edit of a teammate can be in the way. Files that were changed wait for the plan: what a
guard would stop is not sent first. What is stored so is what any upload is before its
commit, and if no commit is made, garbage that no one refers to.
"""

from cas_sync.engine.adopt import find_foreign
from cas_sync.engine.repository import Repository
from cas_sync.engine.session import Session
from cas_sync.engine.surroundings import Surroundings
from cas_sync.engine.trees import is_agreed
from cas_sync.model.commit import Head
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Kind
from cas_sync.store.head import HeadRead
from cas_sync.store.packs import PackUploader
from cas_sync.store.sparse_index import FEW
from cas_sync.worktree.base import BaseTree

FROM_BYTES = 8 << 20
"""So much has to be added before anything is sent: a small change waits for its plan."""


def uploader_for(
    repo: Repository, head: Head, n_objects: int, surroundings: Surroundings
) -> PackUploader:
    """Return what stores what one head lacks.

    Args:
        repo: The repository.
        head: The head that the commit will replace.
        n_objects: About how many will be stored.
        surroundings: Gives names never used before.
    """
    known = repo.known(head, n_objects)
    return PackUploader(repo.bucket, repo.cache, repo.pool, known, surroundings.ulid)


class Ahead:
    """Takes the chunks of added files during a scan and stores those that the store lacks.

    Args:
        session: The data folder, the reading of its head begun.
        base: What both sides last agreed on.
        adopts: Whether what others left in a store without commits would be offered.

    Attributes:
        is_bare: Whether a store without commits was seen to hold nothing to be adopted.
    """

    def __init__(self, session: Session, base: BaseTree, *, adopts: bool) -> None:
        self._session = session
        self._base = base
        self._adopts = adopts
        self._size = 0
        self._head: HeadRead | None = None
        self._uploader: PackUploader | None = None
        self._is_decided = False
        self.is_bare = False

    def takes(self, size: int) -> bool:
        """Say whether the chunks of one more file are taken; ``size`` is how long it is.

        Raises:
            StoreError: The store did not answer.
            RepositoryResetError: The history this folder knew is gone.
        """
        self._size += size
        if not self._is_decided and self._size >= FROM_BYTES:
            self._is_decided = True
            self._begin()
        return self._uploader is not None

    def take(self, oid: ObjectId, chunk: bytes | memoryview) -> None:
        """Store a chunk unless the store has it.

        Raises:
            StoreError: An earlier pack could not be stored.
        """
        if self._uploader is not None:
            self._uploader.add(oid, Kind.CHUNK, chunk)

    def give(self, head: HeadRead) -> PackUploader | None:
        """Return what chunks were stored with, once, if what it relies on is in ``head``."""
        uploader, self._uploader = self._uploader, None
        return uploader if self._head is head else None

    def _begin(self) -> None:
        session = self._session
        declined = next(iter(session.declined()), None)
        if declined is not None or not session.scope.is_whole:
            return
        connection, head = session.head()
        agreed = self._base.agreed
        if head is None:
            return
        if head.head.commit is None and (agreed is None or agreed.commit is None):
            if self._adopts and find_foreign(connection) is not None:
                return
            self.is_bare = self._adopts
        elif not is_agreed(agreed, head):
            return
        repo = connection.repository(head.head.repo_id)
        if session.kept is None or session.kept.params != repo.chunk_params(head.head):
            return
        self._head = head
        self._uploader = uploader_for(repo, head.head, FEW + 1, session.surroundings)
