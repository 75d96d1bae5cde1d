"""What files need from the store, read a window of files at a time: few and large reads.

Several windows are on their way while one is written, so that neither the network nor the
disk waits for the other; how many bounds the memory.
"""

from collections import deque
from collections.abc import Callable, Container, Generator, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from typing import TypeVar

from cas_sync.engine.old_chunks import OldFile, Part, parts_of
from cas_sync.errors import DamageError
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Kind, Location
from cas_sync.model.tree import Content
from cas_sync.store.objects import MAX_RANGE, Bytes, ObjectReader, missing

WINDOW_BYTES = 17 << 20
"""Holds what is in a pack where nothing could be compressed."""

WINDOW_FILES = 5000

AHEAD = 3
"""Windows that are on their way or being written at once."""

CHUNKS_AHEAD = 4
"""The same for parts of a large file, each of them one request."""

T = TypeVar("T")
U = TypeVar("U")


@dataclass
class Window:
    """What was fetched for some files at once.

    Attributes:
        chunks: Where the chunks lie of files that have several, by the file's id.
        streamed: Lists of the files that are too large to be held.
        data: Chunks by id; of a file that is one chunk, that is the file's id.
        damaged: Files and chunks that cannot be had, and why.
    """

    chunks: dict[ObjectId, list[ObjectId]] = field(default_factory=dict)
    streamed: dict[ObjectId, Location] = field(default_factory=dict)
    data: dict[ObjectId, Bytes] = field(default_factory=dict)
    damaged: dict[ObjectId, DamageError] = field(default_factory=dict)

    def whole(self, content: Content) -> Bytes | None:
        """Return the bytes of a file that is one chunk; they were checked against its id.

        `None` for a file of several chunks, one that cannot be had, and an empty one.
        """
        found = self.data.get(content.id)
        return found if found is not None and content.id not in self.chunks else None

    def has(self, content: Content) -> bool:
        """Say whether a file was asked for; what is damaged was."""
        held = self.data, self.chunks, self.streamed, self.damaged
        return any(content.id in each for each in held)

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

    def fetch(
        self,
        contents: Iterable[Content],
        places: Mapping[ObjectId, Location | None] | None = None,
        apart: Container[ObjectId] = (),
    ) -> Window:
        """Read all that a window of files needs: first their lists, then their chunks.

        What is damaged is noted, and keeps no other file from what it needs.

        Args:
            contents: What is needed.
            places: Where it lies, if that was looked up already.
            apart: Files of several chunks that are not to be held, however small.
        """
        window, reader = Window(), self._reader
        listed: dict[ObjectId, tuple[Location, Content]] = {}
        wanted = {content.id: content for content in contents if content.size}
        if places is None:
            found = reader.locate_all(list(wanted.values()))
            places = dict(zip(wanted, found, strict=True))
        chunks: dict[ObjectId, Location] = {}
        for oid, content in wanted.items():
            where = places[oid]
            if where is None:
                window.damaged[oid] = missing(oid)
            elif where.kind is Kind.CHUNK:
                chunks[oid] = where
            elif content.size > WINDOW_BYTES or oid in apart:
                window.streamed[oid] = where
            else:
                listed[oid] = where, content
        if listed:
            chunks |= self._chunks(window, listed)
        data, damaged = reader.load(chunks.values())
        window.data |= data
        window.damaged |= damaged
        return window

    def _chunks(
        self, window: Window, listed: dict[ObjectId, tuple[Location, Content]]
    ) -> dict[ObjectId, Location]:
        """Return where the chunks lie of files that have several."""
        reader = self._reader
        lists, damaged = reader.load(where for where, _ in listed.values())
        found: dict[ObjectId, Location] = {}
        for oid, (where, content) in listed.items():
            try:
                if oid in damaged:
                    raise damaged[oid]
                pieces = chain.from_iterable(reader.chunks(where, content, bytes(lists[oid])))
                cut = list(pieces)
                ids = [piece.id for piece in cut]
                places = reader.find_chunks(cut)
            except DamageError as error:
                window.damaged[oid] = error
            else:
                window.chunks[oid] = ids
                found.update(zip(ids, places, strict=True))
        return found

    def blocks(
        self, content: Content, window: Window, old: OldFile | None = None
    ) -> Iterator[list[Bytes]]:
        """Yield the bytes of a file of ``window`` in order, some chunks at a time.

        Args:
            content: The file.
            window: What was fetched.
            old: A file that may have some of its chunks, if it is read apart from others.

        Raises:
            DamageError: They cannot be had.
        """
        if not content.size:
            return
        if content.id in window.damaged:
            raise window.damaged[content.id]
        if content.id in window.streamed:
            # A bounded number of bytes ahead.
            groups = self._groups(window.streamed[content.id], content, old)
            read = partial(self._read, old)
            with closing(made_ahead(groups, read, CHUNKS_AHEAD, "chunks")) as made:
                for _, chunks in made:
                    yield chunks
            return
        ids = window.chunks.get(content.id, [content.id])
        for oid in ids:
            if oid in window.damaged:
                raise window.damaged[oid]
        yield [window.data[oid] for oid in ids]

    def _groups(
        self, listed: Location, content: Content, old: OldFile | None
    ) -> Iterator[list[tuple[Part, Location | None]]]:
        """Yield a file's chunks in groups worth one request, and where they lie.

        `None` stands for the place of a chunk that the old file has.
        """
        group: list[tuple[Part, Location | None]] = []
        size, pack = 0, None
        for parts in parts_of(self._reader, listed, content, old.content if old else None):
            missed = [part.piece for part in parts if part.offset is None]
            places = iter(self._reader.find_chunks(missed))
            for part in parts:
                where = next(places) if part.offset is None else None
                is_full = size + part.piece.length > MAX_RANGE
                if where is not None and where.pack != pack:
                    is_full = is_full or size >= MAX_RANGE // 4
                    pack = where.pack
                if group and is_full:
                    yield group
                    group, size = [], 0
                group.append((part, where))
                size += part.piece.length
        if group:
            yield group

    def _read(
        self, old: OldFile | None, group: list[tuple[Part, Location | None]]
    ) -> list[Bytes]:
        data: dict[ObjectId, Bytes] = {}
        if old is not None:
            for part, _ in group:
                if (chunk := old.read(part)) is not None:
                    data[part.piece.id] = chunk
        missed = [
            part.piece for part, where in group if where is None and part.piece.id not in data
        ]
        places = [where for _, where in group if where is not None]
        places += self._reader.find_chunks(missed) if missed else []
        found = self._reader.load(where for where in places if where.id not in data)
        for error in found.damaged.values():
            raise error
        data |= found.data
        return [data[part.piece.id] for part, _ in group]


def made_ahead(
    items: Iterable[T], make: Callable[[T], U], ahead: int, name: str
) -> Generator[tuple[T, U], None, None]:
    """Yield each item with what is made of it, in order; the next are made meanwhile.

    Args:
        items: Taken one by one, by the thread that takes what is yielded.
        make: Called in other threads.
        ahead: How many items are taken before the first is yielded.
        name: Of those threads.
    """
    source = iter(items)
    with ThreadPoolExecutor(ahead, thread_name_prefix=name) as pool:
        pending = deque((item, pool.submit(make, item)) for item in islice(source, ahead))
        try:
            while pending:
                item, made = pending.popleft()
                result = made.result()
                del made
                yield item, result
                del item, result
                pending.extend((more, pool.submit(make, more)) for more in islice(source, 1))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
