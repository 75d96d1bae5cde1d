"""What files need from the store, read a window of files at a time: few and large reads."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain

from cas_sync.errors import DamageError
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Kind, Location
from cas_sync.model.tree import Content
from cas_sync.store.objects import ObjectReader

WINDOW_BYTES = 12 << 20
WINDOW_FILES = 2000


@dataclass
class Window:
    """What was fetched for some files at once.

    Attributes:
        chunks: The chunks of each file, by the file's id.
        streamed: Lists of the files that are too large to be held.
        data: Objects by id.
        damaged: Files and chunks that cannot be had, and why.
    """

    chunks: dict[ObjectId, list[Location]] = field(default_factory=dict)
    streamed: dict[ObjectId, Location] = field(default_factory=dict)
    data: dict[ObjectId, bytes] = field(default_factory=dict)
    damaged: dict[ObjectId, DamageError] = field(default_factory=dict)

    def add(self, other: "Window") -> None:
        """Take in what was fetched later."""
        self.chunks |= other.chunks
        self.streamed |= other.streamed
        self.data |= other.data
        self.damaged |= other.damaged


class WindowReader:
    """Reads what files need.

    Args:
        reader: Reads stored objects.
    """

    def __init__(self, reader: ObjectReader) -> None:
        self._reader = reader

    def fetch(self, contents: Iterable[Content]) -> Window:
        """Read all that a window of files needs: first their lists, then their chunks.

        What is damaged is noted, and keeps no other file from what it needs.
        """
        window, reader = Window(), self._reader
        listed: dict[ObjectId, tuple[Location, Content]] = {}
        for content in contents:
            if not content.size:
                continue
            try:
                where = reader.locate(content)
            except DamageError as error:
                window.damaged[content.id] = error
                continue
            if where.kind is Kind.CHUNK:
                window.chunks[content.id] = [where]
            elif content.size > WINDOW_BYTES:
                window.streamed[content.id] = where
            else:
                listed[content.id] = where, content
        self._read(window, (where for where, _ in listed.values()))
        for oid, (where, content) in listed.items():
            try:
                window.chunks[oid] = [
                    reader.find(piece.id, Kind.CHUNK)
                    for pieces in reader.chunks(where, content, window.data.get(oid))
                    for piece in pieces
                ]
            except DamageError as error:
                window.damaged[oid] = error
        self._read(window, chain.from_iterable(window.chunks.values()))
        return window

    def _read(self, window: Window, wanted: Iterable[Location]) -> None:
        locations = list(wanted)
        try:
            window.data.update(self._reader.read(locations))
        except DamageError:
            # One bad object must not keep the others from their files.
            for each in locations:
                try:
                    window.data.update(self._reader.read([each]))
                except DamageError as error:
                    window.damaged[each.id] = error

    def blocks(self, content: Content, window: Window) -> Iterator[bytes]:
        """Yield the bytes of a file of ``window``, in order.

        Raises:
            DamageError: They cannot be had.
        """
        if content.id in window.damaged:
            raise window.damaged[content.id]
        if content.id in window.streamed:
            yield from self._streamed(window.streamed[content.id], content)
        for where in window.chunks.get(content.id, ()):
            if where.id in window.damaged:
                raise window.damaged[where.id]
            yield window.data[where.id]

    def _streamed(self, listed: Location, content: Content) -> Iterator[bytes]:
        """Yield a large file's chunks in order, a bounded number of bytes ahead."""
        with ThreadPoolExecutor(1, thread_name_prefix="chunks") as ahead:
            pending: Future[list[bytes]] | None = None
            for group in self._chunk_groups(listed, content):
                started = ahead.submit(self._read_chunks, group)
                if pending is not None:
                    yield from pending.result()
                pending = started
            if pending is not None:
                yield from pending.result()

    def _chunk_groups(self, listed: Location, content: Content) -> Iterator[list[ObjectId]]:
        group: list[ObjectId] = []
        size = 0
        for piece in chain.from_iterable(self._reader.chunks(listed, content)):
            if size + piece.length > WINDOW_BYTES and group:
                yield group
                group, size = [], 0
            group.append(piece.id)
            size += piece.length
        if group:
            yield group

    def _read_chunks(self, ids: list[ObjectId]) -> list[bytes]:
        found = self._reader.read(self._reader.find(oid, Kind.CHUNK) for oid in ids)
        return [found[oid] for oid in ids]
