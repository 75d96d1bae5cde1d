"""Chunk sizes: what is stored of a first version and of each next one, and how fast."""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from blake3 import blake3

from benchmarks.study_data import blocks
from benchmarks.study_family import Family, Version
from benchmarks.study_made import SEED
from benchmarks.study_print import Table, mib
from cas_sync.chunking.cutter import split
from cas_sync.formats import pieces
from cas_sync.formats.codec import Compressor
from cas_sync.formats.index import segment_size
from cas_sync.formats.pieces import Piece, Pieces
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Kind
from cas_sync.model.params import ChunkParams

SIZES = (
    ChunkParams(16 << 10, 64 << 10, 256 << 10),
    ChunkParams(32 << 10, 128 << 10, 512 << 10),
    ChunkParams(64 << 10, 256 << 10, 1 << 20),
    ChunkParams(128 << 10, 512 << 10, 2 << 20),
    ChunkParams(256 << 10, 1 << 20, 4 << 20),
)
LEVELS = tuple(ChunkParams(normalization=level) for level in range(4))
LARGE = 2 << 30
ENTRY = segment_size(1, 0) - segment_size(0, 0)
"""Bytes of one object in the index."""


def label(params: ChunkParams) -> str:
    """Return the sizes in KiB, and the level where it is not the usual one."""
    sizes = (params.min_size, params.avg_size, params.max_size)
    text = "/".join(str(size >> 10) for size in sizes)
    return text if params.normalization == 1 else f"{text} n{params.normalization}"


@dataclass
class Stored:
    """What one version added to the store.

    Attributes:
        raw: Bytes of new chunks as they are.
        packed: Bytes of new chunks and lists as they are stored.
        objects: How many.
    """

    raw: int = 0
    packed: int = 0
    objects: int = 0

    @property
    def total(self) -> int:
        """Return all bytes that are sent and kept: contents and their index entries."""
        return self.packed + ENTRY * self.objects


@dataclass
class Simulated:
    """A store that only counts; cuts, lists and compression are the project's own."""

    params: ChunkParams
    compressor: Compressor = field(default_factory=Compressor)
    known: set[tuple[ObjectId, Kind]] = field(default_factory=set)

    def version(self, version: Version) -> Stored:
        """Store the files of ``version`` that are not there yet."""
        out = Stored()
        for path in version.files():
            data = path.read_bytes()
            if data:
                self.file([data], len(data), out)
        return out

    def file(self, data: Iterable[bytes], size: int, out: Stored) -> None:
        """Store one file, as `cas_sync.engine.contents` does."""
        if size <= self.params.min_size:
            content = b"".join(data)
            self._add(ObjectId.of(content), Kind.CHUNK, content, out)
            return
        whole, chunks = blake3(), []
        for chunk in split(data, self.params):
            whole.update(chunk)
            chunks.append(Piece(ObjectId.of(chunk), len(chunk)))
            self._add(chunks[-1].id, Kind.CHUNK, chunk, out)
        if len(chunks) > 1:
            self._lists(ObjectId(whole.digest()), chunks, out)

    def _lists(self, oid: ObjectId, chunks: list[Piece], out: Stored) -> None:
        top = Pieces(0, tuple(chunks))
        if len(chunks) > pieces.FLAT_MAX:
            lists = []
            for part in pieces.cut_lists(chunks):
                data = pieces.dump(part)
                lists.append(Piece(ObjectId.of(data), part.size))
                self._add(lists[-1].id, Kind.LIST, data, out)
            top = Pieces(1, tuple(lists))
        self._add(oid, Kind.FILE, pieces.dump(top), out)

    def _add(self, oid: ObjectId, kind: Kind, data: bytes | memoryview, out: Stored) -> None:
        if (oid, kind) in self.known:
            return
        self.known.add((oid, kind))
        out.objects += 1
        out.packed += len(self.compressor.compress(data)[1])
        if kind is Kind.CHUNK:
            out.raw += len(data)

    def fork(self) -> "Simulated":
        """Return a store that holds the same."""
        return Simulated(self.params, self.compressor, set(self.known))


def of_family(family: Family, params: ChunkParams) -> list[tuple[str, Stored]]:
    """Return what each version of ``family`` adds."""
    store = Simulated(params)
    out = [("first", store.version(family.first))]
    for version in family.later:
        onto = store if family.is_chain else store.fork()
        out.append((version.label, onto.version(version)))
    return out


def stored_table(found: Sequence[Family], choices: Sequence[ChunkParams]) -> list[Table]:
    """Return the tables: what is stored first, and what the next versions add."""
    first = Table("Stored of the first version, MiB (objects)", [label(p) for p in choices])
    usual, ratios = choices.index(ChunkParams()), [[0.0, 0.0] for _ in choices]
    later = Table("New in the next version, KiB", [label(p) for p in choices])
    for family in found:
        columns = [of_family(family, params) for params in choices]
        first.row(family.name, [_first(column[0][1]) for column in columns])
        for n, (what, _) in enumerate(columns[0][1:], 1):
            cells = [f"{column[n][1].total / 1024:,.0f}" for column in columns]
            later.row(f"{family.name}: {what}", cells)
            for sums, column in zip(ratios, columns, strict=True):
                sums[1] += math.log(column[n][1].total / columns[usual][n][1].total)
        for sums, column in zip(ratios, columns, strict=True):
            sums[0] += math.log(column[0][1].total / columns[usual][0][1].total)
        if family.is_chain:
            totals = [sum(each.total for _, each in column) for column in columns]
            first.row(f"{family.name}: {len(columns[0])} versions", [mib(n) for n in totals])
    for table, n in ((first, 0), (later, 1)):
        count = len(found) if n == 0 else sum(len(family.later) for family in found)
        means = [f"{math.exp(sums[n] / count):.3f}" for sums in ratios]
        table.row("mean ratio to today's size (geometric)", means)
    return [first, later]


def _first(stored: Stored) -> str:
    return f"{mib(stored.total)} ({stored.objects:,})"


def edit_table(choices: Sequence[ChunkParams]) -> Table:
    """Return what edits of a file of 2 GiB of random bytes send.

    The first row is one try, and luck; the second the mean of 64 edits.
    """
    table = Table("Edit of a 2 GiB file, KB sent with lists and index", [])
    rows: list[list[str]] = [[], [], []]
    every = range(16 << 20, LARGE, LARGE // 64)
    for params in choices:
        table.columns.append(label(params))
        store = Simulated(params, _Uncompressed())
        store.file(blocks(LARGE, SEED), LARGE, first := Stored())
        known = set(store.known)
        edited = blocks(LARGE, SEED, inserts=[1 << 20], overwrites=[1 << 30])
        store.file(edited, LARGE, once := Stored())
        store.known = known
        store.file(blocks(LARGE, SEED, inserts=every), LARGE, many := Stored())
        rows[0].append(f"{once.total / 1000:,.0f}")
        rows[1].append(f"{many.raw / len(every) / 1000:,.0f}")
        rows[2].append(f"{first.objects:,} / {ENTRY * first.objects / 1000:,.0f}")
    table.row("1 KiB put in at 1 MiB, 100 B overwritten at 1 GiB", rows[0])
    table.row("chunks a 1 KiB insert makes new, mean of 64", rows[1])
    table.row("objects / KB of index of the whole file", rows[2])
    return table


class _Uncompressed(Compressor):
    """Stands in where the bytes are known to be random, to save the time."""

    def compress(self, data: bytes | memoryview) -> tuple[object, bytes | memoryview]:  # type: ignore[override]
        return None, data


def speed_table(samples: dict[str, bytes], choices: Sequence[ChunkParams]) -> Table:
    """Return how fast one thread cuts and hashes: each chunk, and the whole file."""
    table = Table("Cut and hash, MB per CPU second of one thread", [label(p) for p in choices])
    for name, data in samples.items():
        seconds = [best_cpu(partial(_cut, data, params)) for params in choices]
        table.row(name, [f"{len(data) / 1e6 / each:,.0f}" for each in seconds])
    return table


def _cut(data: bytes, params: ChunkParams) -> None:
    view, whole = memoryview(data), blake3()
    parts = (view[at : at + (1 << 20)] for at in range(0, len(view), 1 << 20))
    for chunk in split(parts, params):
        whole.update(chunk)
        ObjectId.of(chunk)


def best_cpu(work: Callable[[], object], times: int = 3) -> float:
    """Return the CPU seconds of the cheapest of several runs."""
    found = []
    for _ in range(times):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)
