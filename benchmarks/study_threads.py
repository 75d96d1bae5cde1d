"""Threads: what several of them bring for cutting, hashing and compressing."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from benchmarks.study_family import Family
from benchmarks.study_print import Table
from benchmarks.study_zstd import compressor
from cas_sync.chunking.cutter import split
from cas_sync.formats.codec import LEVEL
from cas_sync.model.ids import ObjectId
from cas_sync.model.params import ChunkParams


def _work(level: int | None, part: memoryview) -> None:
    z = None if level is None else compressor(level)
    for chunk in split([part], ChunkParams()):
        ObjectId.of(chunk)
        if z is not None:
            z.compress(chunk)


def thread_table(samples: dict[str, bytes]) -> Table:
    """Return MB per wall second of cutting, hashing and compressing on several threads."""
    counts = (1, 2, 3, 4)
    table = Table("Threads: MB a second (per CPU second)", [str(n) for n in counts])
    for name, data in samples.items():
        view = memoryview(data)
        parts = [view[at : at + (8 << 20)] for at in range(0, len(view), 8 << 20)]
        for level in (None, 1, LEVEL):
            cells = []
            for n in counts:
                wall, cpu = min(_timed(parts, level, n) for _ in range(3))
                cells.append(f"{len(data) / 1e6 / wall:,.0f} ({len(data) / 1e6 / cpu:,.0f})")
            what = "cut, hash" if level is None else f"cut, hash, level {level}"
            table.row(f"{name}: {what}", cells)
    return table


def _timed(parts: Sequence[memoryview], level: int | None, n: int) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(n) as pool:
        list(pool.map(partial(_work, level), parts))
    return time.perf_counter() - wall, time.process_time() - cpu


def small_thread_table(found: Sequence[Family]) -> Table:
    """Return files a second of reading, hashing and compressing small files on threads."""
    counts = (1, 2, 3, 4)
    table = Table(
        "Small files, read + hash + compress: files a second", [str(n) for n in counts]
    )
    for family in found:
        if family.name not in ("standard library", "django"):
            continue
        paths = [p for p in family.first.files() if p.stat().st_size <= 16 << 10]
        for batch in (1, 64):
            cells = []
            for n in counts:
                took = min(_files(paths, n, batch) for _ in range(3))
                cells.append(f"{len(paths) / took:,.0f}")
            table.row(f"{family.name}, {batch} a task", cells)
    return table


def _files(paths: list[Path], n: int, batch: int) -> float:
    def work(group: list[Path]) -> None:
        z = compressor(LEVEL)
        for path in group:
            data = path.read_bytes()
            ObjectId.of(data)
            z.compress(data)

    began = time.perf_counter()
    with ThreadPoolExecutor(n) as pool:
        list(pool.map(work, [paths[at : at + batch] for at in range(0, len(paths), batch)]))
    return time.perf_counter() - began


def library_table(data: bytes) -> Table:
    """Return plain threads against the library's own, MB per wall second of text."""
    size = 154 << 10  # the mean of real chunks
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    table = Table(f"Two ways to two threads, CSV at level {LEVEL}: MB a second", ["1", "2"])
    own, ours = [], []
    for n in (1, 2):
        took = min(_wall(partial(_library_threads, chunks, n)) for _ in range(3))
        own.append(f"{len(data) / 1e6 / took:,.0f}")
        took = min(_wall(partial(_plain_threads, chunks, n)) for _ in range(3))
        ours.append(f"{len(data) / 1e6 / took:,.0f}")
    table.row("multi_compress_to_buffer", own)
    table.row("Python threads", ours)
    return table


def _library_threads(chunks: list[bytes], n: int) -> None:
    compressor(LEVEL).multi_compress_to_buffer([*chunks], threads=n)


def _plain_threads(chunks: list[bytes], n: int) -> None:
    def work(first: int) -> None:
        z = compressor(LEVEL)
        for each in chunks[first::n]:
            z.compress(each)

    with ThreadPoolExecutor(n) as pool:
        list(pool.map(work, range(n)))


def _wall(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
