"""What the reports share: the words on machine and numbers, and the pages they stand in."""

import os
import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import Spread


def write_between(page: Path, marker: str, text: str) -> None:
    """Replace what stands between a page's two markers; what is around them is kept."""
    begin, end = f"<!-- {marker}: written by a program -->", f"<!-- end of {marker} -->"
    old = page.read_text(encoding="utf-8") if page.exists() else ""
    if begin not in old:
        old = f"{old}\n{begin}\n{end}\n"
    before, _, rest = old.partition(begin)
    _, _, after = rest.partition(end)
    page.write_text(f"{before}{begin}\n\n{text}\n{end}{after}", encoding="utf-8")


def machine() -> str:
    """Return when and on what this runs, without names of hosts or people."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores "
        f"({platform.machine()}), {memory:.0f} GiB of memory, {platform.system()} "
        f"{platform.release().partition('-')[0]}, Python {platform.python_version()}."
    )


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    lines += ["| " + " | ".join(cells) + " |" for cells in rows]
    return "\n".join(lines) + "\n"


def told_spread(spread: Spread) -> str:
    """Return a median, and how far the values lie apart if there are several."""
    if spread.least == spread.most:
        return f"{spread.median:.2f}"
    return f"{spread.median:.2f} ({spread.least:.2f} to {spread.most:.2f})"


def told_bytes(size: int) -> str:
    """Return a size in the units that networks are told in."""
    for unit, value in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= value:
            return f"{size / value:.3g} {unit}"
    return f"{size} B"
