"""Compression: levels, the rule that leaves chunks raw, checks before it, and threads."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import zstandard

from benchmarks.study_chunks import best_cpu
from benchmarks.study_family import Family
from benchmarks.study_made import SEED
from benchmarks.study_print import Table
from cas_sync.chunking.cutter import split
from cas_sync.formats.codec import LEVEL
from cas_sync.model.params import ChunkParams

STEPS = (-5, -1, 1, 2, 3, 4, 6, 9)
LONGEST = 48 << 20
"""Bytes of one kind that are looked at."""

SAMPLE = 16 << 20
"""Bytes of one kind that are compressed at every level."""


class Kind(NamedTuple):
    """Chunks of one kind of data, as the project cuts them."""

    name: str
    chunks: list[bytes]

    @property
    def size(self) -> int:
        """Return the bytes of all chunks."""
        return sum(map(len, self.chunks))


def kinds(found: Sequence[Family]) -> list[Kind]:
    """Return the chunks of the first version of each kind of data, and random bytes."""
    names = {
        "CSV, generated": "CSV",
        "CSV, from statsmodels": "CSV, real",
        "Parquet, snappy": "Parquet, snappy",
        "Parquet, zstd": "Parquet, zstd",
        "npy, float32": "npy, float32",
        "SQLite": "SQLite",
        "pyarrow": "libraries (pyarrow)",
        "standard library": "library of sources",
        "botocore": "gzipped JSON (botocore)",
    }
    out = [Kind("random", _cut([np.random.default_rng(SEED).bytes(LONGEST)]))]
    floats = np.random.default_rng(SEED).normal(size=LONGEST // 8).tobytes()
    out.append(Kind("npy, float64", _cut([floats])))
    for family in found:
        if family.name in names:
            files = (path.read_bytes() for path in family.first.files())
            out.append(Kind(names[family.name], _cut(files)))
    return out


def _cut(files: Iterable[bytes]) -> list[bytes]:
    chunks, size = [], 0
    for data in files:
        if data and size < LONGEST:
            found = [bytes(chunk) for chunk in split([data], ChunkParams())]
            chunks += found
            size += len(data)
    return chunks


def compressor(level: int) -> zstandard.ZstdCompressor:
    """Return a compressor that writes what the project writes."""
    return zstandard.ZstdCompressor(level=level, write_checksum=False)


def is_worth(packed: int, raw: int) -> bool:
    """Return whether the project would keep the compressed form."""
    return packed <= raw - raw // 32


def level_table(found: Sequence[Kind]) -> Table:
    """Return ratio after the rule, MB per CPU second, and MB per CPU second back."""
    title = "zstd level: ratio, MB per CPU second of one thread, and back"
    table = Table(title, [f"level {level}" for level in STEPS])
    for kind in found:
        # High levels are slow: every n-th chunk tells enough.
        chunks = kind.chunks[:: max(1, kind.size // SAMPLE)]
        size = sum(map(len, chunks))
        table.row(kind.name, [_level_cell(chunks, size, level) for level in STEPS])
    return table


def _level_cell(chunks: Sequence[bytes], size: int, level: int) -> str:
    z, back = compressor(level), zstandard.ZstdDecompressor()

    def there() -> None:
        for each in chunks:
            z.compress(each)

    seconds = best_cpu(there)
    kept, worth = 0, []
    for each in chunks:
        packed = z.compress(each)
        if is_worth(len(packed), len(each)):
            kept += len(packed)
            worth.append(packed)
        else:
            kept += len(each)
    text = f"{size / kept:.2f}, {size / 1e6 / seconds:,.0f}"
    if len(worth) < len(chunks) / 4:
        return text

    def again() -> None:
        for each in worth:
            back.decompress(each)

    unpacked = sum(zstandard.frame_content_size(each) for each in worth)
    return f"{text}, {unpacked / 1e6 / best_cpu(again):,.0f}"


Check = Callable[[bytes], bool]
"""Says of a chunk whether compressing it is worth a try."""


def _probe(length: int, places: int, level: int, least: int = 32) -> Check:
    """Return a check that compresses ``places`` parts of ``length`` bytes, spread evenly."""
    z = compressor(level)

    def check(data: bytes) -> bool:
        if len(data) <= 2 * length * places:
            return True
        view = memoryview(data)
        step = (len(data) - length) // max(1, places)
        for n in range(places):
            at = n * step + step // 2
            part = view[at : at + length]
            if len(z.compress(part)) <= length - length // least:
                return True
        return False

    return check


def _fast(level: int) -> Check:
    """Return a check that compresses all of the chunk at a fast level."""
    z = compressor(level)
    return lambda data: is_worth(len(z.compress(data)), len(data))


def checks() -> dict[str, Check]:
    """Return the checks that are compared, by name."""
    return {
        "none": lambda _: True,
        "first 4 KiB": lambda data: _first(data, 4 << 10),
        "first 16 KiB": lambda data: _first(data, 16 << 10),
        "middle 4 KiB": _probe(4 << 10, 1, LEVEL),
        "3 x 4 KiB": _probe(4 << 10, 3, LEVEL),
        "3 x 4 KiB, any saving": _probe(4 << 10, 3, LEVEL, 1 << 12),
        "all at level -1": _fast(-1),
        "all at level 1": _fast(1),
    }


_PLAIN = compressor(LEVEL)


def _first(data: bytes, length: int) -> bool:
    if len(data) <= 2 * length:
        return True
    return is_worth(len(_PLAIN.compress(memoryview(data)[:length])), length)


def check_table(found: Sequence[Kind]) -> Table:
    """Return what each check costs or saves at the project's level."""
    asked = checks()
    title = f"check before level {LEVEL}: CPU ms a 100 MB, bytes stored more than without"
    table = Table(title, list(asked))
    for kind in found:
        plain = _kept(kind, asked["none"])
        cells = []
        for name, check in asked.items():
            ms = best_cpu(partial(_kept, kind, check)) * 1e3 / (kind.size / 1e8)
            more = "" if name == "none" else f", {_kept(kind, check) / plain - 1:+.1%}"
            cells.append(f"{ms:,.0f}{more}")
        table.row(kind.name, cells)
    return table


def _kept(kind: Kind, check: Check) -> int:
    """Return the bytes stored of ``kind`` where only what passes ``check`` is compressed."""
    kept = 0
    for each in kind.chunks:
        n = len(each)
        if check(each):
            packed = len(_PLAIN.compress(each))
            n = packed if is_worth(packed, n) else n
        kept += n
    return kept


def rule_table(found: Sequence[Kind]) -> Table:
    """Return what the least saving that a chunk must bring costs in bytes."""
    least = (0.0, 0.03, 0.06, 0.10)
    title = f"least saving at level {LEVEL}: bytes stored of 100, chunks left raw"
    table = Table(title, [f"{share:.0%}" for share in least])
    z = compressor(LEVEL)
    for kind in found:
        pairs = [(len(each), len(z.compress(each))) for each in kind.chunks]
        cells = []
        for share in least:
            kept = sum(p if p <= n * (1 - share) else n for n, p in pairs)
            raw = sum(p > n * (1 - share) for n, p in pairs)
            cells.append(f"{100 * kept / kind.size:.1f}, {raw / len(pairs):.0%}")
        table.row(kind.name, cells)
    return table


def small_table(found: Sequence[Family]) -> Table:
    """Return what files of up to 16 KiB come to: alone, with a dictionary, in groups."""
    ways = ["files", "alone", "dictionary of 112 KiB", "groups of 128 KiB", "us a file alone"]
    table = Table(f"small files at level {LEVEL}: bytes stored of 100", ways)
    for family in found:
        if family.name not in ("standard library", "django", "pandas", "botocore"):
            continue
        files = [
            data
            for path in family.first.files()
            if 0 < len(data := path.read_bytes()) <= 16 << 10
        ]
        size, z = sum(map(len, files)), compressor(LEVEL)
        # Trained on one half, used on the other, as a team would use it on the next files.
        trained = zstandard.train_dictionary(112 << 10, [*files[::2]])
        by_dict = zstandard.ZstdCompressor(level=LEVEL, dict_data=trained, write_checksum=False)
        half = sum(map(len, files[1::2]))
        groups, group = [], bytearray()
        for each in files:
            group += each
            if len(group) >= 128 << 10:
                groups.append(bytes(group))
                group.clear()
        groups.append(bytes(group))
        took = best_cpu(partial(_alone, files))
        alone = sum(min(len(z.compress(each)), len(each)) for each in files)
        by_dictionary = sum(len(by_dict.compress(each)) for each in files[1::2])
        together = sum(len(z.compress(each)) for each in groups)
        table.row(
            family.name,
            [
                f"{len(files):,}, mean {size // len(files):,} B",
                f"{100 * alone / size:.1f}",
                f"{100 * by_dictionary / half:.1f}",
                f"{100 * together / size:.1f}",
                f"{took * 1e6 / len(files):.0f}",
            ],
        )
    return table


def _alone(files: Sequence[bytes]) -> None:
    for each in files:
        _PLAIN.compress(each)
