"""What changed inside one text file, as lines that are safe to show in a terminal."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice

from cas_sync.cli.render import plural, size, visible
from cas_sync.plan.line_diff import hunks, matching

MOST_BYTES = 8 << 20
"""Larger files are told by their size: both versions are held in memory."""

SHOWN_LINES = 60


def diff_lines(
    names: tuple[str, str],
    before: bytes | None,
    after: bytes | None,
    sizes: tuple[int, int],
    most: int | None = SHOWN_LINES,
) -> Iterator[str]:
    """Yield what is different between two versions of a file, indented.

    Args:
        names: What to call the old and the new version.
        before: The old bytes; `None` where they are too many or cannot be read.
        after: The new bytes, likewise.
        sizes: How many bytes each has.
        most: How many lines are shown; `None` for all.
    """
    old, new = _text(before), _text(after)
    if old is None or new is None:
        why = "too large to compare here" if None in (before, after) else "not text"
        yield f"  {names[0]}: {size(sizes[0])} -> {names[1]}: {size(sizes[1])} ({why})"
        return
    lines = _unified(names, old, new)
    yield from (f"  {visible(line)}" for line in islice(lines, most))
    if more := sum(1 for _ in lines):
        yield f"  ... and {plural(more, 'more line')}"
    if before != after and old == new:
        yield "  the same lines; only line ends or a byte order mark differ"


def _text(data: bytes | None) -> list[str] | None:
    """Return the lines of a text; only a last one that is not ended holds a line feed."""
    if data is None or b"\0" in data:
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    last = lines.pop()
    return [*lines, last + "\n"] if last else lines


def _unified(names: tuple[str, str], old: list[str], new: list[str]) -> Iterator[str]:
    """Yield a unified diff, as `diff -u` writes it."""
    if old == new:
        return
    pairs = matching(old, new)
    if pairs is None:
        went, came = Counter(old), Counter(new)
        yield (
            f"too many lines moved to show them: {(went - came).total():,} went and "
            f"{(came - went).total():,} came, of {len(old):,} and {len(new):,}"
        )
        return
    yield f"--- {names[0]}"
    yield f"+++ {names[1]}"
    for hunk in hunks(old, new, pairs):
        before = _range(hunk.old_start, hunk.old_length)
        yield f"@@ -{before} +{_range(hunk.new_start, hunk.new_length)} @@"
        for line in hunk.lines:
            yield line.removesuffix("\n")
            if line.endswith("\n"):
                yield "\\ No newline at end of file"


def _range(start: int, length: int) -> str:
    """Return a range of lines as a unified diff numbers them."""
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"
