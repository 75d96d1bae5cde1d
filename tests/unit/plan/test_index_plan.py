import math

from cas_sync.model.pack import IndexRoot
from cas_sync.plan.index_plan import FANOUT, roots_to_merge, tier


def grow(commits, entries=1):
    """Return roots after so many commits, the most there ever were, and entries rewritten."""
    roots, most, rewritten = [], 0, 0
    for n in range(commits):
        roots.append(IndexRoot(str(n), True, entries, 0))
        merged = roots_to_merge(roots)
        if merged:
            total = sum(root.entries for root in merged)
            rewritten += total
            roots = [r for r in roots if r not in merged] + [
                IndexRoot(f"m{n}", False, total, 0)
            ]
        most = max(most, len(roots))
    return roots, most, rewritten


def test_the_number_of_roots_grows_with_the_logarithm():
    _, most, _ = grow(5000)

    assert most <= FANOUT * (tier(5000) + 2)


def test_every_entry_is_kept():
    roots, _, _ = grow(3000, entries=7)

    assert sum(root.entries for root in roots) == 21_000


def test_an_entry_is_rewritten_a_bounded_number_of_times_a_tier():
    n = 20_000
    _, _, rewritten = grow(n, entries=300)

    assert rewritten <= 2 * n * 300 * math.log(n * 300, FANOUT)


def test_few_roots_are_left_alone():
    assert roots_to_merge([IndexRoot(str(i), True, 10, 0) for i in range(FANOUT - 1)]) == ()
