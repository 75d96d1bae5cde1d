"""Contents into the store: cut into chunks, each stored once, before anything names them.

What is read, hashed and compressed at the same time, on all cores and while uploads go on,
is added in path order and looked up in path order, by one thread: so packs are the same
each time, nothing is stored twice, and a checkout reads packs from front to back.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from blake3 import blake3

from cas_sync.chunking.cutter import split
from cas_sync.engine.parts import Part, PartReader
from cas_sync.engine.repository import Repository
from cas_sync.errors import WorktreeError
from cas_sync.formats import documents, pieces
from cas_sync.formats.pieces import PIECE_SIZE, Piece, Pieces
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Kind
from cas_sync.model.params import ChunkParams
from cas_sync.model.paths import RepoPath, sort_key
from cas_sync.model.tree import Mode
from cas_sync.plan.step import Step
from cas_sync.plan.sync_plan import published
from cas_sync.progress import Progress
from cas_sync.store.cache import Cache
from cas_sync.store.packs import PackUploader
from cas_sync.worktree.cutting import CutAhead
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.hashing import find_pieces
from cas_sync.worktree.index import LocalRow
from cas_sync.worktree.kept import Kept
from cas_sync.worktree.reader import FileChangedError, changed, read_part, read_whole

BLOCK = 1 << 20

_MOST_WAITING = 4096
_TOLD_FILES, _TOLD_BYTES = 64, 1 << 20


def likely_params(cache_dir: Path, repo_id: str | None) -> ChunkParams:
    """Return where files are cut in a repository as far as this machine knows it.

    Args:
        cache_dir: Where copies of immutable objects are kept.
        repo_id: Its identity; `None` for one that is yet to be begun.
    """
    data = None
    if repo_id is not None:
        data = Cache(cache_dir / repo_id).get("format", "format.json")
    return ChunkParams() if data is None else documents.load_format(data).chunker


@dataclass
class Contents:
    """Stores the contents a plan publishes, each of them once however often it is replanned.

    Attributes:
        repo: The repository.
        folder: The data folder.
        uploader: Where the chunks go.
        params: Where files are cut.
        progress: Is told of every file.
        kept: What the scan has read and kept.
        n_threads: How many threads read; as many as there are cores if not given.
        failed: Files that changed or vanished since the scan, and why.
    """

    repo: Repository
    folder: Folder
    uploader: PackUploader
    params: ChunkParams
    progress: Progress
    kept: Kept | None = None
    n_threads: int | None = None
    failed: dict[RepoPath, str] = field(default_factory=dict)

    def store(self, steps: Iterable[Step], rows: Iterable[LocalRow]) -> None:
        """Store what ``steps`` publish.

        Args:
            steps: In path order.
            rows: The files as scanned, in path order; those of all steps, if no others.

        Raises:
            StoreError: Something could not be stored.
        """
        with (
            PartReader(self.folder, self.params.max_size, self.n_threads) as parts,
            closing(_Line(self, parts)) as line,
        ):
            for row in _published(steps, rows):
                line.put(row)
            line.finish()
        self.uploader.flush()


def _published(steps: Iterable[Step], rows: Iterable[LocalRow]) -> Iterator[LocalRow]:
    """Yield the rows of what ``steps`` publish."""
    scanned = iter(rows)
    row = next(scanned, None)
    for step in steps:
        if published(step) is None:
            continue
        if row is not None and row.path != step.path:
            at = sort_key(step.path)
            while row is not None and sort_key(row.path) < at:
                row = next(scanned, None)
        if row is None or row.path != step.path:
            raise AssertionError(step.path)
        yield row
        row = next(scanned, None)


@dataclass
class _Large:
    """A file of several chunks on its way.

    Attributes:
        row: The file as scanned.
        pieces: Where it is cut, each piece as it is written in a list.
        borrowed: Offset and name of chunks that a file before it is to bring.
        problem: Why it cannot be stored, once that is known.
        told: Bytes that were reported as done.
    """

    row: LocalRow
    pieces: bytes
    borrowed: list[tuple[int, Piece]] = field(default_factory=list)
    problem: str = ""
    told: int = 0


class _Line:
    """Files on their way into packs, in path order.

    A file that is small is done when its turn comes. Of any other the chunks that are
    missing are read ahead, part by part; its end is in the line, too, where its list of
    pieces is stored. Whether a chunk is missing is decided as it is put into the line:
    it is not if the store has it, or if it is on its way with a file before. Should that
    file turn out to have changed, the chunk is read from the one that relied on it.
    """

    def __init__(self, contents: Contents, parts: PartReader) -> None:
        self._contents = contents
        self._uploader = contents.uploader
        self._parts = parts
        self._items: deque[LocalRow | tuple[_Large, Part] | _Large] = deque()
        self._files: set[ObjectId] = set()
        self._chunks: set[ObjectId] = set()
        self._cut: CutAhead | None = None
        self._n_done = self._size_done = 0

    def put(self, row: LocalRow) -> None:
        """Put a file at the end; waits until the first ones are done if many are in line."""
        is_small = self._is_small(row)
        if is_small and not self._items:
            self._store_small(row)
        elif is_small or row.content.id in self._files:
            self._items.append(row)
            if len(self._items) > _MOST_WAITING:
                self._take()
        else:
            self._put_large(row)

    def finish(self) -> None:
        """Wait for all of them."""
        while self._items:
            self._take()
        self._tell(0, 0, at_once=True)

    def close(self) -> None:
        """End the thread that looks where files are cut."""
        if self._cut is not None:
            self._cut.close()

    def _take(self) -> None:
        """Do what is to be done about the first in line."""
        item = self._items.popleft()
        if isinstance(item, _Large):
            self._end(item)
        elif isinstance(item, LocalRow):
            if self._is_small(item):
                self._store_small(item)
            else:
                self._put_large(item)
        else:
            self._add_part(*item)

    # -- small files and links ------------------------------------------------------

    def _is_small(self, row: LocalRow) -> bool:
        _, size, mode = row.content
        return size <= self._contents.params.min_size or mode is Mode.LINK

    def _store_small(self, row: LocalRow) -> None:
        oid, size, _ = row.content
        params, kept = self._contents.params, self._contents.kept
        if size and not self._uploader.has(oid, Kind.CHUNK):
            data = None if kept is None else kept.take(oid)
            if data is None:
                try:
                    data = read_whole(self._contents.folder, row)
                except WorktreeError as error:
                    self._contents.failed[row.path] = _why(error)
            if data is not None and size <= params.min_size:
                self._uploader.add_new(oid, Kind.CHUNK, data)
            elif data is not None:
                store_content(self._uploader, params, [data], size)
        self._tell(1, size)

    # -- all others -----------------------------------------------------------------

    def _put_large(self, row: LocalRow) -> None:
        oid, size, _ = row.content
        if self._uploader.has(oid, Kind.CHUNK) or self._uploader.has(oid, Kind.FILE):
            self._tell(1, size)
            return
        try:
            file = _Large(row, self._find_pieces(row))
        except WorktreeError as error:
            self._contents.failed[row.path] = _why(error)
            self._tell(1, size)
            return
        self._files.add(oid)
        run: list[Piece] = []
        begin = end = 0
        for piece in pieces.decode(file.pieces):
            is_on_way = piece.id in self._chunks
            is_missing = not is_on_way and not self._uploader.has(piece.id, Kind.CHUNK)
            if run and (not is_missing or end - begin + piece.length > self._parts.most):
                self._read(file, begin, run)
                run = []
            if is_missing:
                begin = begin if run else end
                run.append(piece)
                self._chunks.add(piece.id)
            elif is_on_way:
                file.borrowed.append((end, piece))
            end += piece.length
            if file.problem:
                break
        if run:
            self._read(file, begin, run)
        self._items.append(file)

    def _find_pieces(self, row: LocalRow) -> bytes:
        contents = self._contents
        found = None
        if contents.kept is not None and contents.kept.params == contents.params:
            found = contents.kept.take_pieces(row.content.id)
        if found is None:
            if self._cut is None:
                self._cut = CutAhead(contents.params)
            found = find_pieces(contents.folder, row, self._cut.begin())
        return found

    def _read(self, file: _Large, offset: int, run: list[Piece]) -> None:
        while self._parts.is_full:
            self._take()
        self._items.append((file, self._parts.read(file.row, offset, run)))

    def _add_part(self, file: _Large, part: Part) -> None:
        try:
            for piece, codec, stored in part.packed.result():
                self._uploader.add_packed(piece.id, Kind.CHUNK, codec, stored, piece.length)
        except WorktreeError as error:
            file.problem = _why(error)
        self._chunks.difference_update(piece.id for piece in part.pieces)
        self._parts.give_back(part)
        file.told += part.size
        self._tell(0, part.size)

    def _end(self, file: _Large) -> None:
        oid, size, _ = file.row.content
        self._files.discard(oid)
        if not file.problem:
            try:
                self._bring_borrowed(file)
            except WorktreeError as error:
                file.problem = _why(error)
        if file.problem:
            self._contents.failed[file.row.path] = file.problem
        elif len(file.pieces) > PIECE_SIZE:
            _store_pieces(self._uploader, oid, file.pieces)
        self._tell(1, size - file.told)

    def _bring_borrowed(self, file: _Large) -> None:
        """Store chunks that a file before was to bring and did not."""
        for offset, piece in file.borrowed:
            if not self._uploader.has(piece.id, Kind.CHUNK):
                data = bytearray(piece.length)
                read_part(self._contents.folder, file.row, offset, memoryview(data))
                if blake3(data).digest() != piece.id:
                    raise changed(file.row)
                self._uploader.add_new(piece.id, Kind.CHUNK, memoryview(data))

    def _tell(self, n: int, size: int, *, at_once: bool = False) -> None:
        self._n_done += n
        self._size_done += size
        is_much = self._n_done >= _TOLD_FILES or self._size_done >= _TOLD_BYTES
        if at_once or is_much:
            self._contents.progress.advance(self._n_done, self._size_done)
            self._n_done = self._size_done = 0


def _why(error: WorktreeError) -> str:
    if isinstance(error, FileChangedError):
        return "it changed while it was read"
    return error.cause or error.message


def store_content(
    uploader: PackUploader, params: ChunkParams, blocks: Iterable[bytes | memoryview], size: int
) -> ObjectId:
    """Store what ``blocks`` make up, and return its id; only a few chunks are held at once.

    Args:
        uploader: Where the chunks go.
        params: Where files are cut.
        blocks: The bytes.
        size: How many there should be; if there are not, the id tells.
    """
    if size <= params.min_size:
        data = b"".join(blocks)
        oid = ObjectId.of(data)
        if data:
            uploader.add(oid, Kind.CHUNK, data)
        return oid
    found = bytearray()
    whole = blake3()
    for chunk in split(blocks, params):
        whole.update(chunk)
        piece = Piece(ObjectId.of(chunk), len(chunk))
        uploader.add(piece.id, Kind.CHUNK, chunk)
        found += pieces.encode(piece)
    oid = ObjectId(whole.digest())
    if len(found) > PIECE_SIZE:
        _store_pieces(uploader, oid, bytes(found))
    return oid


def _store_pieces(uploader: PackUploader, oid: ObjectId, chunks: bytes) -> None:
    """Store the list of a file's pieces, given as they are written in a list."""
    if len(chunks) <= pieces.FLAT_MAX * PIECE_SIZE:
        top = Pieces(0, tuple(pieces.decode(chunks)))
    else:
        lists = []
        for part in pieces.cut_lists(pieces.decode(chunks)):
            data = pieces.dump(part)
            lists.append(Piece(ObjectId.of(data), part.size))
            uploader.add(lists[-1].id, Kind.LIST, data)
        top = Pieces(1, tuple(lists))
    uploader.add(oid, Kind.FILE, pieces.dump(top))
