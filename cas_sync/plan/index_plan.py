"""Which index roots are worth merging, so that their number grows with log(chunks)."""

from collections import defaultdict
from collections.abc import Sequence

from cas_sync.model.pack import IndexRoot

TIER_BASE = 256
FANOUT = 8

LARGEST = 1 << 20
"""A segment of more entries is not merged again, and none gets more than twice as many.

So what is written at once, and held while it is, stays below some 110 MB.
"""


def tier(entries: int) -> int:
    """Return the tier of a segment: each holds `FANOUT` times what the one below does."""
    level = 0
    while entries > TIER_BASE:
        entries //= FANOUT
        level += 1
    return level


def roots_to_merge(roots: Sequence[IndexRoot]) -> list[tuple[IndexRoot, ...]]:
    """Return groups of roots, each of which is to be replaced by one segment.

    A tier that is full is merged together with every tier below it, so that a chunk's
    entry is rewritten about once a tier. There is more than one group only where more
    entries gather than one segment may have.
    """
    tiers: dict[int, list[IndexRoot]] = defaultdict(list)
    for root in roots:
        if root.entries <= LARGEST:
            tiers[tier(root.entries)].append(root)
    full = max((level for level, each in tiers.items() if len(each) >= FANOUT), default=-1)
    groups: list[list[IndexRoot]] = []
    entries = 2 * LARGEST
    for root in roots:
        if root.entries > LARGEST or tier(root.entries) > full:
            continue
        if entries + root.entries > 2 * LARGEST:
            groups.append([])
            entries = 0
        groups[-1].append(root)
        entries += root.entries
    return [tuple(group) for group in groups if len(group) > 1]
