import math

from cas_sync.model.pack import IndexRoot
from cas_sync.plan.index_plan import FANOUT, LARGEST, roots_to_merge, tier


def grow(commits, entries=1):
    """Return roots after so many commits, the most there ever were, and entries rewritten."""
    roots, most, rewritten = [], 0, 0
    for n in range(commits):
        roots.append(IndexRoot(str(n), True, entries, 0))
        for i, merged in enumerate(roots_to_merge(roots)):
            total = sum(root.entries for root in merged)
            rewritten += total
            roots = [r for r in roots if r not in merged] + [
                IndexRoot(f"m{n}.{i}", False, total, 0)
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
    assert roots_to_merge([IndexRoot(str(i), True, 10, 0) for i in range(FANOUT - 1)]) == []


def test_a_small_change_of_a_large_index_rewrites_no_large_segment():
    large = [IndexRoot(f"large {i}", False, LARGEST + i, 0) for i in range(3 * FANOUT)]
    middle = [IndexRoot(f"middle {i}", False, 100_000, 0) for i in range(FANOUT - 1)]
    small = [IndexRoot(f"small {i}", True, 1, 0) for i in range(FANOUT)]

    assert roots_to_merge([*large, *middle, *small]) == [tuple(small)]


def test_the_first_index_of_sixteen_million_chunks_is_a_few_segments_of_bounded_length():
    packs = [IndexRoot(str(i), True, 4000, 0) for i in range(4000)]

    groups = roots_to_merge(packs)

    assert [root for group in groups for root in group] == packs
    sizes = [sum(root.entries for root in group) for group in groups]
    assert max(sizes) <= 2 * LARGEST
    assert all(size > LARGEST for size in sizes[:-1])


def test_the_number_of_roots_past_the_largest_grows_with_what_they_hold():
    n, entries = 3000, 5000
    roots, most, rewritten = grow(n, entries=entries)

    assert sum(root.entries for root in roots) == n * entries
    assert most <= FANOUT * (tier(LARGEST) + 1) + n * entries // LARGEST
    assert rewritten <= n * entries * (tier(LARGEST) + 1)
