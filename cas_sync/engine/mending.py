"""Contents that the store lacks, stored again from what lies on this machine."""

import io
from collections.abc import Collection, Iterable, Iterator

from blake3 import blake3

from cas_sync.engine.contents import BLOCK, store_content
from cas_sync.engine.repository import Repository
from cas_sync.engine.surroundings import Surroundings
from cas_sync.formats.index import Segment
from cas_sync.model.commit import Head
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Kind
from cas_sync.model.tree import Content
from cas_sync.store.packs import PackUploader
from cas_sync.worktree.local_contents import LocalContents, Place, pour


class Without:
    """Knows what an index names, but for some objects.

    Args:
        index: Where everything lies.
        bad: What is not to be relied on.
    """

    def __init__(self, index: Segment, bad: Collection[tuple[ObjectId, Kind]]) -> None:
        self._index = index
        self._bad = bad

    def holds(self, oid: ObjectId, kind: Kind) -> bool:
        """Say whether an object is stored and good."""
        return (oid, kind) not in self._bad and self._index.find(oid, kind) is not None


def mend(
    repo: Repository,
    head: Head,
    known: Without,
    local: LocalContents,
    contents: Iterable[Content],
    surroundings: Surroundings,
) -> tuple[PackUploader, set[ObjectId]]:
    """Store again what is missing of some contents, where this machine has them.

    Nothing that lies here is believed: a file counts once all of its bytes were hashed.

    Args:
        repo: The repository.
        head: What it is now.
        known: What need not be stored.
        local: Where contents may lie.
        contents: What is wanted.
        surroundings: Gives names never used before.

    Returns:
        What stored them, and the ids of the contents that are whole now.

    Raises:
        StoreError: Something could not be stored.
    """
    uploader = PackUploader(repo.bucket, repo.cache, repo.pool, known, surroundings.ulid)
    params = repo.chunk_params(head)
    mended = set[ObjectId]()
    for content in contents:
        for place in local.places(content):
            if _holds(place, content):
                found = store_content(uploader, params, _blocks(place), content.size)
                if found == content.id:
                    mended.add(content.id)
                    break
    uploader.flush()
    return uploader, mended


def _holds(place: Place, content: Content) -> bool:
    whole = blake3()

    def take(block: memoryview) -> None:
        whole.update(block)

    return pour(place, content, take) and whole.digest() == content.id


def _blocks(place: Place) -> Iterator[bytes]:
    fd, _ = place.folder.open_read(place.path)
    with io.FileIO(fd, "rb") as file:
        while block := file.read(BLOCK):
            yield block
