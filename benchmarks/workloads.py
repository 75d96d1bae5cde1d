"""What is measured: made-up data, always the same, and what is done with it.

Bytes come from BLAKE3 as a stream: the same everywhere, fast, and no tool can compress
them. Every file's time is long ago, or tools would distrust what looks just written.
"""

import json
import math
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import blake3

OLD_NS = 1_600_000_000_000_000_000
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
PIECE = 16 * MIB


def noise(seed: str, size: int, begin: int = 0) -> bytes:
    """Return ``size`` bytes of the endless stream that ``seed`` names."""
    return blake3.blake3(seed.encode()).digest(length=size, seek=begin)


def write_file(path: str, pieces: Iterator[bytes] | list[bytes]) -> None:
    """Write a new file with an old time; its folder exists."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        for piece in pieces:
            os.write(descriptor, piece)
        os.utime(descriptor, ns=(OLD_NS, OLD_NS))
    finally:
        os.close(descriptor)


def make_small(root: Path, scale: float) -> None:
    """Write 20,000 files of 1 to 16 KiB, 111 MB, in 200 folders."""
    sizes = random.Random("small")
    for folder in range(_scaled(200, scale)):
        name = root / f"d{folder:03}"
        name.mkdir(parents=True)
        wanted = [_log_uniform(sizes, KIB, 16 * KIB) for _ in range(100)]
        data = memoryview(noise(f"small {folder}", sum(wanted)))
        for number, size in enumerate(wanted):
            write_file(f"{name}/f{number:03}.bin", [data[:size]])
            data = data[size:]


def edit_small(root: Path) -> None:
    """Rewrite one file, as long as it was."""
    path = root / "d000" / "f050.bin"
    path.write_bytes(noise("edit", path.stat().st_size))


def make_large(root: Path, scale: float) -> None:
    """Write one file of 2 GiB that nothing compresses."""
    root.mkdir(parents=True, exist_ok=True)
    size = max(4 * MIB, int(2 * GIB * scale))
    begins = range(0, size, PIECE)
    pieces = (noise("large", min(PIECE, size - begin), begin) for begin in begins)
    write_file(f"{root}/large.bin", pieces)


def edit_large(root: Path) -> None:
    """Insert 1 KiB at 1 MiB and overwrite 100 bytes in the middle, in a new file."""
    path, new = root / "large.bin", root / "large.new"
    middle = path.stat().st_size // 2
    with path.open("rb") as source, new.open("wb") as target:
        target.write(source.read(MIB))
        target.write(noise("inserted", KIB))
        while piece := source.read(PIECE):
            target.write(piece)
        target.seek(middle)
        target.write(noise("overwritten", 100))
    new.replace(path)


def make_mixed(root: Path, scale: float) -> None:
    """Write 2,000 files of 1 KiB to 8 MiB, 1.1 GB when full, a fifth of them duplicates."""
    chance = random.Random("mixed")
    made: list[tuple[int, int]] = []
    for folder in range(40):
        (root / f"d{folder:02}").mkdir(parents=True)
    for number in range(_scaled(2000, scale)):
        twin = chance.random() < 0.2 and made
        size = int(KIB * 8192 ** (chance.random() ** 1.8))
        what = chance.choice(made) if twin else (number, size)
        made.append(what)
        path = f"{root}/d{number % 40:02}/f{number:04}.bin"
        write_file(path, [noise(f"mixed {what[0]}", what[1])])


def make_many(root: Path, scale: float) -> None:
    """Write 300,000 tiny files in 3,000 folders."""
    for folder in range(_scaled(3000, scale)):
        name = root / f"d{folder:04}"
        name.mkdir(parents=True)
        for number in range(100):
            write_file(f"{name}/f{number:03}.txt", [b"%d %d\n" % (folder, number)])


def make_text(root: Path, scale: float) -> None:
    """Write 200 files of CSV and JSON, 1 MB each, that compress as real tables do."""
    root.mkdir(parents=True, exist_ok=True)
    for number in range(_scaled(200, scale)):
        if number % 2:
            lines = (",".join(map(str, row)) for row in _rows(number, 33_000))
            write_file(f"{root}/t{number:03}.csv", ["\n".join(lines).encode()])
        else:
            names = ("id", "region", "state", "value")
            records = (dict(zip(names, row, strict=True)) for row in _rows(number, 15_000))
            write_file(f"{root}/t{number:03}.json", [json.dumps(list(records)).encode()])


def _rows(seed: int, count: int) -> Iterator[tuple[int, str, str, float]]:
    chance = random.Random(f"text {seed}")
    regions = ("north", "south", "east", "west")
    states = ("active", "closed", "pending", "returned")
    for row in range(count):
        where, state = chance.choice(regions), chance.choice(states)
        yield seed * 100_000 + row, where, state, round(chance.gauss(50, 9), 3)


def _scaled(count: int, scale: float) -> int:
    return max(1, round(count * scale))


def _log_uniform(chance: random.Random, least: int, most: int) -> int:
    return int(math.exp(chance.uniform(math.log(least), math.log(most))))


class Step(Enum):
    """What is done with data, in this order."""

    PUSH = "push"
    NO_OP = "no-op"
    CHANGE = "change"
    CLONE = "clone"


@dataclass(frozen=True, slots=True)
class Dataset:
    """Data that several workloads are about.

    Attributes:
        name: Of the workload that pushes it.
        make: Writes it into a new folder, at a scale where 1 is the full size.
        edit: Changes it.
        room: Bytes that one tool needs for it at full size: for source, store and clone.
    """

    name: str
    make: Callable[[Path, float], None]
    edit: Callable[[Path], None] | None
    room: int


SMALL = Dataset("small", make_small, edit_small, 600_000_000)
LARGE = Dataset("large", make_large, edit_large, 8 * GIB)
MIXED = Dataset("mixed", make_mixed, None, 3_500_000_000)
MANY = Dataset("many", make_many, None, 2_600_000_000)
TEXT = Dataset("text", make_text, None, 450_000_000)
DATASETS = (SMALL, LARGE, MIXED, MANY, TEXT)


@dataclass(frozen=True, slots=True)
class Workload:
    """One row of what is measured."""

    name: str
    title: str
    data: Dataset
    step: Step


WORKLOADS = (
    Workload("W1", "push 20,000 small files, 111 MB", SMALL, Step.PUSH),
    Workload("W5", "no-op on the small files", SMALL, Step.NO_OP),
    Workload("W6", "one of the small files changed", SMALL, Step.CHANGE),
    Workload("C1", "clone of the small files", SMALL, Step.CLONE),
    Workload("W2", "push one file of 2 GiB", LARGE, Step.PUSH),
    Workload("W4", "1 KiB inserted in it, 100 bytes overwritten", LARGE, Step.CHANGE),
    Workload("C2", "clone of the large file", LARGE, Step.CLONE),
    Workload("W3", "push 2,000 mixed files, 1.1 GB, a fifth duplicates", MIXED, Step.PUSH),
    Workload("C3", "clone of the mixed files", MIXED, Step.CLONE),
    Workload("W8", "no-op on 300,000 tiny files", MANY, Step.NO_OP),
    Workload("W9", "push 200 CSV and JSON files, 200 MB", TEXT, Step.PUSH),
)
