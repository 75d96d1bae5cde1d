"""The chunks of a large file that lies here, for the file that is to replace it.

A teammate who edits a little of a large file leaves nearly all of its chunks as they were.
Nothing that is read here is believed: a chunk whose bytes do not match its id is read from
the store, as if there had been no old file.
"""

import io
import threading
from collections.abc import Iterator
from typing import NamedTuple, Self

from cas_sync.errors import DamageError
from cas_sync.formats.pieces import Piece
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Kind, Location
from cas_sync.model.tree import Content, Mode
from cas_sync.store.objects import ObjectReader
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.index import LocalRow

WORTH_BYTES = 4 << 20
"""Files that are shorter, before or after, are downloaded whole."""


def may_serve(row: LocalRow | None, content: Content) -> bool:
    """Say whether it pays to look for chunks of a content in the file it replaces."""
    return (
        row is not None
        and min(row.content.size, content.size) >= WORTH_BYTES
        and Mode.LINK not in {row.content.mode, content.mode}
    )


class Part(NamedTuple):
    """A chunk of a new file.

    Attributes:
        piece: The chunk.
        offset: Where the old file has it; `None` if it does not.
    """

    piece: Piece
    offset: int | None


class OldFile:
    """A file that lies here, open as long as its chunks are of use; a context manager.

    Several threads may read it.

    Args:
        folder: The data folder.
        row: The file as it was scanned.

    Raises:
        OSError: It cannot be read.
    """

    def __init__(self, folder: Folder, row: LocalRow) -> None:
        self.content = row.content
        fd, _ = folder.open_read(row.on_disk)
        self._file = io.FileIO(fd, "rb")
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, part: Part) -> bytes | None:
        """Return a chunk; `None` if the file does not have it there, or not any more."""
        if part.offset is None:
            return None
        try:
            with self._lock:
                self._file.seek(part.offset)
                data = self._file.read(part.piece.length)
        except OSError:
            return None
        return data if ObjectId.of(data) == part.piece.id else None


def parts_of(
    reader: ObjectReader, listed: Location, content: Content, old: Content | None
) -> Iterator[list[Part]]:
    """Yield the chunks of a file of several, in order, and where an old file has them.

    Args:
        reader: Reads their lists.
        listed: Where the list of the file's pieces lies.
        content: The file.
        old: The old file; where its list cannot be had it has no chunks.

    Raises:
        DamageError: A list of the file is missing or is not what it should be.
    """
    root = reader.root(listed, content)
    lists: dict[ObjectId, int] = {}
    chunks: dict[ObjectId, int] = {}
    if old is not None:
        # Lists that both have need not be read for the old file too.
        shared = {piece.id for piece in root.pieces} if root.level else set[ObjectId]()
        try:
            lists, chunks = _offsets(reader, old, shared)
        except DamageError:
            lists, chunks = {}, {}
    if root.level == 0:
        yield [Part(piece, chunks.get(piece.id)) for piece in root.pieces]
        return
    for piece, below in reader.expand(root.pieces):
        at = lists.get(piece.id)
        parts = []
        for chunk in below.pieces:
            parts.append(Part(chunk, chunks.get(chunk.id) if at is None else at))
            at = None if at is None else at + chunk.length
        yield parts


def _offsets(
    reader: ObjectReader, old: Content, shared: set[ObjectId]
) -> tuple[dict[ObjectId, int], dict[ObjectId, int]]:
    """Return where ``shared`` lists begin in an old file, and the chunks of the others."""
    lists: dict[ObjectId, int] = {}
    chunks: dict[ObjectId, int] = {}
    listed = reader.locate(old)
    if listed.kind is not Kind.FILE:
        return lists, chunks
    root = reader.root(listed, old)
    places = list(root.between(0, old.size))
    if root.level == 0:
        return lists, {piece.id: at for piece, at in places}
    lists = {piece.id: at for piece, at in places if piece.id in shared}
    others = {piece: at for piece, at in places if piece.id not in shared}
    for piece, below in reader.expand(list(others)):
        at = others[piece]
        for chunk in below.pieces:
            chunks[chunk.id] = at
            at += chunk.length
    return lists, chunks
