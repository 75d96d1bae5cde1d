"""What changed inside one text file, as lines that are safe to show in a terminal."""

import difflib
from collections.abc import Iterator
from itertools import islice

from cas_sync.cli.render import size, visible

MOST_BYTES = 512 << 10
"""Larger files are told by their size: comparing lines takes time that grows faster."""

SHOWN_LINES = 60


def diff_lines(
    names: tuple[str, str],
    before: bytes | None,
    after: bytes | None,
    sizes: tuple[int, int],
) -> Iterator[str]:
    """Yield what is different between two versions of a file.

    Args:
        names: What to call the old and the new version.
        before: The old bytes; `None` where they are too many or cannot be read.
        after: The new bytes, likewise.
        sizes: How many bytes each has.
    """
    old, new = _text(before), _text(after)
    if old is None or new is None:
        why = "too large to compare here" if None in (before, after) else "not text"
        yield f"  {names[0]}: {size(sizes[0])} -> {names[1]}: {size(sizes[1])} ({why})"
        return
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), *names, lineterm="")
    yield from (f"  {visible(line)}" for line in islice(lines, SHOWN_LINES))
    if more := sum(1 for _ in lines):
        yield f"  ... and {more:,} more lines"


def _text(data: bytes | None) -> str | None:
    if data is None or b"\0" in data:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
