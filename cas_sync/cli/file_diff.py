"""What changed inside one text file, as lines that are safe to show in a terminal."""

import difflib
import re
from collections.abc import Iterator
from itertools import islice

from cas_sync.cli.render import size

MOST_BYTES = 512 << 10
"""Larger files are told by their size: comparing lines takes time that grows faster."""

SHOWN_LINES = 60
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


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
    yield from (f"  {_safe(line)}" for line in islice(lines, SHOWN_LINES))
    if more := sum(1 for _ in lines):
        yield f"  ... and {more:,} more lines"


def _text(data: bytes | None) -> str | None:
    if data is None or b"\0" in data:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _safe(line: str) -> str:
    """Make control characters visible: a file's text must not command the terminal."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", line)
