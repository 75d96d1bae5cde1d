"""What can be reached from commits: pages by where they lie, stored objects by a mark each.

Memory: 51 bytes for each stored object, and what names the pages; no row is held.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from cas_sync.engine.repository import Repository
from cas_sync.formats import pieces
from cas_sync.formats.index import Segment, search_key
from cas_sync.model.commit import Commit
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Kind, Location
from cas_sync.model.tree import Content
from cas_sync.store.manifest import SeenPages, Spoilt
from cas_sync.store.objects import ObjectReader, missing

T = TypeVar("T")

LISTS = 64
"""So many lists of pieces are read together."""


class Reached:
    """What can be reached from the commits that were added so far.

    Args:
        repo: The repository.
        reader: Reads lists of pieces.
        index: Where all objects lie; not the trailer of a pack.
        tolerated: Ids of objects and contents that are known to be missing.

    Attributes:
        marks: A byte for each entry of the index, 1 where it can be reached.
        versions: Pages of the versions manifests.
        deleted: Pages of the deleted manifests.
    """

    def __init__(
        self,
        repo: Repository,
        reader: ObjectReader,
        index: Segment,
        tolerated: Iterable[ObjectId] = (),
    ) -> None:
        self._repo = repo
        self._reader = reader
        self._index = index
        self._tolerated = frozenset(tolerated)
        self.marks = bytearray(len(index))
        self.versions = SeenPages()
        self.deleted = SeenPages()

    def add(
        self,
        commit: Commit,
        horizon: int = 1,
        spoilt: Spoilt | None = None,
    ) -> None:
        """Mark what a commit needs.

        Args:
            commit: The commit.
            horizon: What was deleted by this commit or before it is not needed by its
                deletion.
            spoilt: Is told of each page that cannot be had.

        Raises:
            DamageError: Something cannot be read, so it is not known what is needed.
        """
        for rows in self._repo.versions.unseen(commit.versions, self.versions, spoilt):
            self._mark(row.content for row in rows)
        for gone in self._repo.deleted.unseen(commit.deleted, self.deleted, spoilt):
            self._mark(row.entry.content for row in gone if row.seq > horizon)

    def find(self, content: Content) -> int | None:
        """Return the number of the entry that a file's content begins at.

        `None` where no index names it.
        """
        i = self._index.search(search_key(content.id, Kind.CHUNK))
        # A list of pieces may have the id of a chunk, but not its length.
        if i is not None and self._index.at(i).raw == content.size:
            return i
        return self._index.search(search_key(content.id, Kind.FILE))

    def _mark(self, contents: Iterable[Content]) -> None:
        for group in groups_of(self._lists(contents)):
            roots = list(self._roots(group))
            self._mark_all(p.id for root in roots if not root.level for p in root.pieces)
            below = [p.id for root in roots if root.level for p in root.pieces]
            for some in groups_of(self._new(below, Kind.LIST)):
                for data in self._read(some).values():
                    self._mark_all(piece.id for piece in pieces.load(data).pieces)

    def _roots(self, group: list[tuple[Location, Content]]) -> Iterator[pieces.Pieces]:
        read = self._read([where for where, _ in group])
        for where, content in group:
            if where.id in read:
                root = pieces.load(read[where.id])
                if root.size != content.size:
                    raise missing(where.id)
                yield root

    def _read(self, places: list[Location]) -> dict[ObjectId, bytes]:
        """Return the lists of pieces that lie at some places."""
        return self._reader.read(places)

    def _lists(self, contents: Iterable[Content]) -> Iterator[tuple[Location, Content]]:
        """Mark contents; yield those of several chunks that were not marked before."""
        for content in contents:
            if not content.size:
                continue
            i = self.find(content)
            if i is None:
                self._miss(content.id)
            elif not self.marks[i]:
                self.marks[i] = 1
                where = self._index.at(i)
                if where.kind is Kind.FILE:
                    yield where, content

    def _mark_all(self, chunks: Iterable[ObjectId]) -> None:
        for _ in self._new(chunks, Kind.CHUNK):
            pass

    def _new(self, oids: Iterable[ObjectId], kind: Kind) -> Iterator[Location]:
        """Mark objects; yield those that were not marked before."""
        for oid in oids:
            i = self._index.search(search_key(oid, kind))
            if i is None:
                self._miss(oid)
            elif not self.marks[i]:
                self.marks[i] = 1
                yield self._index.at(i)

    def _miss(self, oid: ObjectId) -> None:
        """Take note of an object that no index names."""
        if oid not in self._tolerated:
            raise missing(oid)


def groups_of(each: Iterable[T]) -> Iterator[list[T]]:
    """Yield things in groups of `LISTS`."""
    left = iter(each)
    while group := list(islice(left, LISTS)):
        yield group
