"""Contents into the store: cut into chunks, each stored once, before anything names them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from blake3 import blake3

from cas_sync.chunking.cutter import split
from cas_sync.engine.repository import Repository
from cas_sync.errors import WorktreeError
from cas_sync.formats import pieces
from cas_sync.formats.pieces import Piece, Pieces
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Kind
from cas_sync.model.params import ChunkParams
from cas_sync.model.paths import RepoPath, sort_key
from cas_sync.plan.step import Step
from cas_sync.plan.sync_plan import published
from cas_sync.progress import Progress
from cas_sync.store.packs import PackUploader
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.index import LocalRow
from cas_sync.worktree.reader import read_blocks

BLOCK = 1 << 20


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
        blocks = read_blocks(self.folder, row, BLOCK)
        oid = store_content(self.uploader, self.params, blocks, row.content.size)
        if oid != row.content.id:
            raise WorktreeError("it changed while it was read")


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
    chunks: list[Piece] = []
    whole = blake3()
    for chunk in split(blocks, params):
        whole.update(chunk)
        piece = Piece(ObjectId.of(chunk), len(chunk))
        uploader.add(piece.id, Kind.CHUNK, chunk)
        chunks.append(piece)
    oid = ObjectId(whole.digest())
    if len(chunks) > 1:
        _store_pieces(uploader, oid, chunks)
    return oid


def _store_pieces(uploader: PackUploader, oid: ObjectId, chunks: list[Piece]) -> None:
    top = Pieces(0, tuple(chunks))
    if len(chunks) > pieces.FLAT_MAX:
        lists = []
        for part in pieces.cut_lists(chunks):
            data = pieces.dump(part)
            lists.append(Piece(ObjectId.of(data), part.size))
            uploader.add(lists[-1].id, Kind.LIST, data)
        top = Pieces(1, tuple(lists))
    uploader.add(oid, Kind.FILE, pieces.dump(top))
