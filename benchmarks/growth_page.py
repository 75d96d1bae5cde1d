"""Tells, as a page and a picture, how cas-sync grows."""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.growth import OF_BYTES, READING, Point, by_bytes, by_commits, by_files
from benchmarks.pages import machine, table, told_bytes
from benchmarks.plot import Panel, draw

COMMITS, HISTORY_FILES = (10, 100, 500), 20_000
BYTES = (1 << 26, 1 << 28, 1 << 30)
SMOKE_COMMITS, SMOKE_HISTORY_FILES = (3, 12), 300
SMOKE_BYTES = (1 << 22, 1 << 23)


def grow(folder: Path, sizes: Sequence[int], drawing: Path | None, *, is_smoke: bool) -> str:
    """Measure and return the report.

    Args:
        folder: Where there is room.
        sizes: Numbers of files.
        drawing: Where to draw the curves.
        is_smoke: Whether history and bytes stay small, too.

    Raises:
        ValueError: A size is no multiple of the number of files in a folder.
    """
    if odd := [size for size in sizes if size < 100 or size % 100]:
        raise ValueError(f"{odd[0]} files do not fill folders of 100 files")
    commits = SMOKE_COMMITS if is_smoke else COMMITS
    history_files = SMOKE_HISTORY_FILES if is_smoke else HISTORY_FILES
    bytes_ = SMOKE_BYTES if is_smoke else BYTES
    files = _told_as_it_goes(by_files(folder, sizes))
    history = _told_as_it_goes(by_commits(folder, commits, history_files))
    data = _told_as_it_goes(by_bytes(folder, bytes_))
    if drawing:
        drawing.write_text(picture(files), encoding="utf-8")
    parts = [
        f"{machine()} SeaweedFS on the same machine. Medians of three.\n",
        "## With the number of files\n",
    ]
    if drawing:
        parts.append(f"![Seconds and requests by number of files]({drawing.name})\n")
    return "\n".join(
        [
            *parts,
            files_table(files),
            "## With the length of history\n",
            f"{history_files:,} files, 20 changed by each commit; the caches are empty.\n",
            _table("commits", history, "{:,}".format, ""),
            "## With bytes\n",
            "One file that nothing compresses.\n",
            _table("size", data, lambda size: f"{size >> 20} MiB", "s a GiB more"),
        ]
    )


def _told_as_it_goes(points: Iterator[Point]) -> list[Point]:
    found = []
    for point in points:
        found.append(point)
        sys.stderr.write(f"  {point.operation}, {point.size:,}: {point.cost.wall:.2f} s\n")
        sys.stderr.flush()
    return found


def files_table(points: Sequence[Point]) -> str:
    """Return a table by number of files."""
    return _table("files", points, "{:,}".format, "µs a file more")


def _table(what: str, points: Sequence[Point], told: Callable[[int], str], unit: str) -> str:
    first: dict[str, Point] = {}
    for point in points:
        first.setdefault(point.operation, point)
    ordered = [each for name in first for each in points if each.operation == name]
    columns = ["operation", what, "wall s", "CPU s", "peak MiB", "requests", "sent", "received"]
    columns += [f"{unit}, wall", "CPU"] if unit else []
    rows = (
        [*_cells(each, told), *(_slopes(each, first[each.operation]) if unit else [])]
        for each in ordered
    )
    return table(columns, rows)


def _cells(point: Point, told: Callable[[int], str]) -> list[str]:
    traffic = ["", "", ""]
    if point.traffic:
        sizes = told_bytes(point.traffic.up), told_bytes(point.traffic.down)
        traffic = [str(point.traffic.requests), *sizes]
    return [
        point.operation,
        told(point.size),
        f"{point.cost.wall:.2f}",
        f"{point.cost.cpu:.2f}",
        str(point.cost.peak >> 20),
        *traffic,
    ]


def _slopes(point: Point, first: Point) -> list[str]:
    """Return what each more took than at the smallest size, start-up left out."""
    if point is first or point.operation in READING:
        return ["", ""]
    more = point.size - first.size
    unit = 2**30 if point.operation in OF_BYTES else 1_000_000
    wall = (point.cost.wall - first.cost.wall) / more * unit
    cpu = (point.cost.cpu - first.cost.cpu) / more * unit
    return [f"{wall:.1f}", f"{cpu:.1f}"]


def picture(points: Sequence[Point]) -> str:
    """Return curves over the number of files, drawn."""

    def curves(value: Callable[[Point], float | None]) -> dict[str, list[tuple[float, float]]]:
        found: dict[str, list[tuple[float, float]]] = {}
        for point in points:
            if (y := value(point)) is not None:
                found.setdefault(point.operation, []).append((point.size, y))
        return found

    def requests(point: Point) -> float | None:
        return point.traffic.requests if point.traffic else None

    return draw(
        [
            Panel("Seconds", "files", curves(lambda point: point.cost.wall)),
            Panel("Requests", "files", curves(requests)),
        ]
    )
