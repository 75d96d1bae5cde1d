"""Which lines of two texts differ, found in bounded time.

Myers' algorithm takes time that grows with the lines and with the edits. So what the texts
begin and end with alike, and lines that only one of them has, are taken away first; and past
a number of steps there is no answer rather than a late one.
"""

from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple

MOST_STEPS = 4_000_000
"""About a second or two."""


class Hunk(NamedTuple):
    """Lines that differ, with some that do not around them.

    Attributes:
        old_start: Index of its first line in the old text.
        old_length: How many of its lines the old text has.
        new_start: Index of its first line in the new text.
        new_length: How many of its lines the new text has.
        lines: Each line after a mark: ``-`` only old, ``+`` only new, a space both.
    """

    old_start: int
    old_length: int
    new_start: int
    new_length: int
    lines: list[str]


def matching(
    old: Sequence[str], new: Sequence[str], most: int = MOST_STEPS
) -> list[tuple[int, int]] | None:
    """Return the indices of lines that stay, as many as there can be, ascending in both.

    `None` if ``most`` steps do not find them.
    """
    head = 0
    shortest = min(len(old), len(new))
    while head < shortest and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < shortest - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    a, b = range(head, len(old) - tail), range(head, len(new) - tail)
    in_both = {old[i] for i in a} & {new[j] for j in b}
    kept_a = [i for i in a if old[i] in in_both]
    kept_b = [j for j in b if new[j] in in_both]
    middle = _common([old[i] for i in kept_a], [new[j] for j in kept_b], most)
    if middle is None:
        return None
    found = [(i, i) for i in range(head)]
    found += [(kept_a[i], kept_b[j]) for i, j in middle]
    found += [(len(old) - n, len(new) - n) for n in range(tail, 0, -1)]
    return found


def hunks(
    old: Sequence[str], new: Sequence[str], pairs: Sequence[tuple[int, int]], around: int = 3
) -> Iterator[Hunk]:
    """Yield what differs, in order.

    Args:
        old: The old lines.
        new: The new lines.
        pairs: What stays, as `matching` tells.
        around: How many lines that stay are shown before and after.
    """
    hunk: Hunk | None = None
    i = j = 0
    for next_i, next_j in [*pairs, (len(old), len(new))]:
        if (i, j) != (next_i, next_j):
            if hunk is not None and i - _end(hunk) > 2 * around:
                yield _extended(hunk, old, around)
                hunk = None
            if hunk is None:
                n = min(around, i, j)
                hunk = Hunk(i - n, 0, j - n, 0, [])
            hunk = _extended(hunk, old, i - _end(hunk))
            hunk.lines.extend("-" + line for line in old[i:next_i])
            hunk.lines.extend("+" + line for line in new[j:next_j])
            hunk = hunk._replace(
                old_length=hunk.old_length + next_i - i, new_length=hunk.new_length + next_j - j
            )
        i, j = next_i + 1, next_j + 1
    if hunk is not None:
        yield _extended(hunk, old, min(around, len(old) - _end(hunk)))


def _end(hunk: Hunk) -> int:
    return hunk.old_start + hunk.old_length


def _extended(hunk: Hunk, old: Sequence[str], n: int) -> Hunk:
    """Return a hunk with the next ``n`` lines, which stay."""
    at = _end(hunk)
    hunk.lines.extend(" " + line for line in old[at : at + n])
    return hunk._replace(old_length=hunk.old_length + n, new_length=hunk.new_length + n)


def _common(a: list[str], b: list[str], most: int) -> list[tuple[int, int]] | None:
    """Return a longest common subsequence (Myers 1986, greedy), within ``most`` steps."""
    n_a, n_b, steps, n_edits = len(a), len(b), 0, 0
    # By diagonal k = x - y: how far x came with so many edits. Kept for the way back.
    trace: list[array[int]] = []
    furthest = array("l", [0, 0, 0])
    while steps <= most:
        trace.append(furthest)
        # One diagonal more on either side; `at` is where diagonal k lies in the new one.
        reached = array("l", [0]) * (2 * n_edits + 5)
        for k in range(-n_edits, n_edits + 1, 2):
            at = k + n_edits + 2
            x = _step(furthest, k, n_edits)
            y = x - k
            steps += 1
            while x < n_a and y < n_b and a[x] == b[y]:
                x, y, steps = x + 1, y + 1, steps + 1
            reached[at] = x
            if x >= n_a and y >= n_b:
                return _back(trace, n_a, n_b)
        furthest = reached
        n_edits += 1
    return None


def _step(furthest: "array[int]", k: int, n_edits: int) -> int:
    """Return how far the diagonal ``k`` is reached with one edit more than ``furthest``."""
    # There, diagonal k lies at k + n_edits + 1.
    below, above = furthest[k + n_edits], furthest[k + n_edits + 2]
    if k == -n_edits or (k != n_edits and below < above):
        return above
    return below + 1


def _back(trace: "list[array[int]]", x: int, y: int) -> list[tuple[int, int]]:
    """Return the pairs of equal lines on the way, from the first."""
    pairs = []
    for n_edits in range(len(trace) - 1, -1, -1):
        furthest, k = trace[n_edits], x - y
        below, above = furthest[k + n_edits], furthest[k + n_edits + 2]
        came_by_insert = k == -n_edits or (k != n_edits and below < above)
        before_x = above if came_by_insert else below
        before_y = before_x - (k + 1 if came_by_insert else k - 1)
        while x > before_x and y > before_y and x > 0 and y > 0:
            x, y = x - 1, y - 1
            pairs.append((x, y))
        x, y = before_x, before_y
    return pairs[::-1]
