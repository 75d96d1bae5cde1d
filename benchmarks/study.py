"""The study behind the sizes, levels and numbers of threads in docs/design.md.

    python -m benchmarks.study                     everything (some 15 minutes)
    python -m benchmarks.study chunks zstd         parts of it
    python -m benchmarks.study --work DIR          keep the data for the next run
    python -m benchmarks.study --packages 'django==5.2.18,5.2.19'

Prints tables as Markdown. Needs the extra ``test``, and PyPI for real packages in several
versions. What is made here is made from a seed; times are of the machine it runs on.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks import study_chunks, study_packs, study_threads, study_zstd
from benchmarks.study_data import PACKAGES, families
from benchmarks.study_family import Family
from benchmarks.study_made import SEED
from benchmarks.study_print import Table

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where Linux has a file system in memory
RANDOM = 128 << 20


def _csv(found: Sequence[Family]) -> bytes:
    family = next(each for each in found if each.name == "CSV, generated")
    return next(family.first.files()).read_bytes()


def _random() -> bytes:
    return np.random.default_rng(SEED).bytes(RANDOM)


def _chunks(found: Sequence[Family]) -> Iterator[Table]:
    choices = [*study_chunks.SIZES, *(p for p in study_chunks.LEVELS if p.normalization != 1)]
    yield from study_chunks.stored_table(found, choices)
    yield study_chunks.speed_table({"random": _random(), "CSV": _csv(found)}, choices)


def _edits(_: Sequence[Family]) -> Iterator[Table]:
    levels = [p for p in study_chunks.LEVELS if p.normalization != 1]
    yield study_chunks.edit_table([*study_chunks.SIZES, *levels])


def _zstd(found: Sequence[Family]) -> Iterator[Table]:
    kinds = study_zstd.kinds(found)
    yield study_zstd.level_table(kinds)
    yield study_zstd.rule_table(kinds)
    yield study_zstd.check_table(kinds)
    yield study_zstd.small_table(found)


def _threads(found: Sequence[Family]) -> Iterator[Table]:
    yield study_threads.thread_table({"random": _random(), "CSV": _csv(found)})
    yield study_threads.library_table(_csv(found))
    yield study_threads.small_thread_table(found)


PARTS: dict[str, Callable[[Sequence[Family]], Iterator[Table]]] = {
    "chunks": _chunks,
    "edits": _edits,
    "zstd": _zstd,
    "threads": _threads,
}
NEEDS_DATA = {"chunks", "zstd", "threads"}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.study",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", help=f"{', '.join(PARTS)}, packs (default: all)")
    parser.add_argument(
        "--work", type=Path, help="folder for the data, 1.5 GB (default: temporary)"
    )
    parser.add_argument(
        "--packages",
        nargs="*",
        default=PACKAGES,
        metavar="NAME==VERSION,VERSION",
        help="wheels to compare version by version; with none, nothing is downloaded",
    )
    parser.add_argument(
        "--server-dir",
        type=Path,
        default=SHARED_MEMORY if SHARED_MEMORY.is_dir() else Path(tempfile.gettempdir()),
        help="folder for the S3 server's data, at most 1 GB at once (default: %(default)s)",
    )
    parser.add_argument("--times", type=int, default=2, help="runs of each setting of packs")
    options = parser.parse_args()
    options.parts = options.parts or [*PARTS, "packs"]
    if unknown := set(options.parts) - {*PARTS, "packs"}:
        parser.error(f"no part is called {', '.join(sorted(unknown))}")
    return options


def _show(table: Table) -> None:
    sys.stdout.write("\n".join(table.lines()) + "\n")
    sys.stdout.flush()


def _run(options: argparse.Namespace, work: Path) -> None:
    needs = NEEDS_DATA.intersection(options.parts)
    found = families(work, options.packages) if needs else []
    for part in options.parts:
        if part == "packs":
            for table in study_packs.size_tables(options.server_dir, options.times):
                _show(table)
            for table in study_packs.far_tables(options.server_dir):
                _show(table)
            continue
        for table in PARTS[part](found):
            _show(table)


def main() -> None:
    """Run the study and print its tables."""
    options = _arguments()
    if options.work is not None:
        options.work.mkdir(parents=True, exist_ok=True)
        _run(options, options.work)
        return
    with tempfile.TemporaryDirectory(prefix="cas-sync-study-") as name:
        _run(options, Path(name))


if __name__ == "__main__":
    main()
