"""Real and realistic data in several versions: what the study cuts, compresses and sends.

Everything made here is made from a seed; what is downloaded comes from PyPI by exact
version. Families are folders of plain files, so that the study reads them as a sync would.
"""

import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.study_family import Family, Version, edits_of, once
from benchmarks.study_made import ROWS, SEED, arrays, csv, parquet, sqlite, table, workbook

PACKAGES = (
    "numpy==2.4.4,2.4.5,2.4.6",
    "pandas==3.0.5,3.0.6,3.1.0",
    "pyarrow==26.0.0,26.0.1",
    "requests==2.32.5,2.33.0,2.33.1,2.34.0",
    "django==5.2.16,5.2.17,5.2.18,5.2.19",
    "sphinx==9.0.1,9.0.2,9.0.3,9.0.4",
    "botocore==1.43.124,1.43.125,1.43.126,1.43.127",
)
SHIPS_TABLES = "statsmodels==0.15.0"
"""A package that carries CSV files that people really analyse."""


def families(work: Path, packages: Sequence[str]) -> list[Family]:
    """Make, or find again, all data below ``work``.

    Args:
        work: Folder that may be kept for the next run.
        packages: Wheels to download, ``name==version,version``.
    """
    found = [_library(work)]
    for each in packages:
        family = _wheels(work, each)
        found.append(family)
        if family.name == "django":
            found.append(_tars(work, family))
    if packages:
        found.append(csv(work, "CSV, from statsmodels", _shipped(work)))
    frame = table(ROWS, SEED)
    lines = frame.to_csv(index=False).splitlines(keepends=True)
    found += [
        csv(work, "CSV, generated", lines),
        parquet(work, "Parquet, snappy", frame, {}),
        parquet(work, "Parquet, row groups of 100,000", frame, {"row_group_size": 100_000}),
        parquet(work, "Parquet, zstd", frame, {"compression": "zstd"}),
        parquet(
            work,
            "Parquet, content-defined pages",
            frame,
            {"use_content_defined_chunking": True},
        ),
        sqlite(work),
        arrays(work),
        workbook(work),
    ]
    return found


def _library(work: Path) -> Family:
    """Return the standard library, without what was installed into it."""

    def copy(root: Path) -> None:
        leave = shutil.ignore_patterns("site-packages", "__pycache__", "config-*")
        source = sysconfig.get_path("stdlib")
        shutil.copytree(source, root, dirs_exist_ok=True, ignore=leave)

    return edits_of(work, "standard library", {"": copy})


def _download(into: Path, requirement: str) -> None:
    command = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", f"--dest={into}"]
    subprocess.run([*command, requirement], check=True)


def _wheels(work: Path, asked: str) -> Family:
    name, _, versions = asked.partition("==")

    def unpack(version: str) -> Callable[[Path], None]:
        def make(root: Path) -> None:
            wheels = root.with_suffix(".wheel")
            _download(wheels, f"{name}=={version}")
            for wheel in wheels.glob("*.whl"):
                zipfile.ZipFile(wheel).extractall(root)
            shutil.rmtree(wheels)

        return make

    return edits_of(
        work, name, {each: unpack(each) for each in versions.split(",")}, is_chain=True
    )


def _shipped(work: Path) -> list[str]:
    """Return the lines of the largest CSV file that a package ships."""

    def unpack(root: Path) -> None:
        _download(root, SHIPS_TABLES)
        for wheel in root.glob("*.whl"):
            zipfile.ZipFile(wheel).extractall(root)

    files = once(work / "shipped", unpack).rglob("*.csv")
    largest = max(files, key=lambda path: path.stat().st_size)
    return largest.read_text(encoding="utf-8").splitlines(keepends=True)


def _tars(work: Path, family: Family) -> Family:
    """Return each version as one uncompressed archive."""

    def pack(version: Version) -> Callable[[Path], None]:
        def make(root: Path) -> None:
            with tarfile.open(root / "all.tar", "w") as archive:
                for path in version.files():
                    info = tarfile.TarInfo(str(path.relative_to(version.root)))
                    info.size = path.stat().st_size
                    with path.open("rb") as source:
                        archive.addfile(info, source)

        return make

    versions = (family.first, *family.later)
    edits = {each.label: pack(each) for each in versions}
    return edits_of(work, f"{family.name}, as tar", edits, is_chain=True)


def blocks(
    size: int, seed: int, *, inserts: Sequence[int] = (), overwrites: Sequence[int] = ()
) -> Iterator[bytes]:
    """Yield ``size`` random bytes, edited: the large file of the workloads, never held.

    Args:
        size: Bytes before the edits.
        seed: The same seed gives the same bytes.
        inserts: Multiples of 1 MiB before which 1 KiB is put in.
        overwrites: Multiples of 1 MiB at which 100 bytes are overwritten.
    """
    g = np.random.default_rng(seed)
    other = np.random.default_rng(seed + 1)
    for at in range(0, size, 1 << 20):
        data = g.bytes(1 << 20)
        if at in inserts:
            yield other.bytes(1 << 10)
        if at in overwrites:
            data = other.bytes(100) + data[100:]
        yield data
