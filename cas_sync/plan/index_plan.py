"""Which index roots are worth merging, so that their number grows with log(chunks)."""

from collections import defaultdict
from collections.abc import Sequence

from cas_sync.model.pack import IndexRoot

TIER_BASE = 256
FANOUT = 8


def tier(entries: int) -> int:
    """Return the tier of a segment: each holds `FANOUT` times what the one below does."""
    level = 0
    while entries > TIER_BASE:
        entries //= FANOUT
        level += 1
    return level


def roots_to_merge(roots: Sequence[IndexRoot]) -> tuple[IndexRoot, ...]:
    """Return the roots that are to be replaced by one segment; empty when none is worth it.

    A tier that is full is merged together with every tier below it, so that one segment
    replaces them all and a chunk's entry is rewritten at most once a tier.
    """
    tiers: dict[int, list[IndexRoot]] = defaultdict(list)
    for root in roots:
        tiers[tier(root.entries)].append(root)
    full = [level for level, members in tiers.items() if len(members) >= FANOUT]
    if not full:
        return ()
    return tuple(root for root in roots if tier(root.entries) <= max(full))
