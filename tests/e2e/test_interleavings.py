"""Clients and collections in any order: a few hundred of what the campaign does by the 100,000.

`python -m tests.campaigns.interleavings --n 100000 --seed 1` is the long one.
"""

import os
import re

import pytest

from cas_sync.engine import gc
from cas_sync.engine.upkeep import move_for_upkeep
from cas_sync.store.head import Lost
from cas_sync.store.history import CommitLog
from tests.campaigns.interleavings import play_all, play_folders
from tests.support import simulated_folders
from tests.support.simulated_team import play

N = int(os.environ.get("CAS_SYNC_INTERLEAVINGS", "300"))
SEEDS = range(600)
SEED = int(os.environ.get("CAS_SYNC_SEED", "1"))


def test_whatever_the_order_nothing_is_lost_twice_or_out_of_reach():
    print(f"seed {SEED}")
    done = play_all(range(SEED, SEED + N))
    assert done.failed == {}
    assert done.n == N
    for what in ("published", "races lost", "collected", "swept", "read", "tagged", "reset"):
        assert done.counts[what] > 0, what


def test_the_same_seed_makes_the_same_trace():
    for seed in range(SEED, SEED + 15):
        assert play(seed)[0].trace == play(seed)[0].trace
    assert play(SEED)[0].trace != play(SEED + 1)[0].trace


def test_whole_syncs_in_any_order_beside_collections_lose_nothing():
    done = play_folders(range(SEED, SEED + N // 40))
    assert done.failed == {}


def test_whole_syncs_make_the_same_requests_again(tmp_path):
    for n in (1, 2):
        one, other = (
            [
                _without_names(line)
                for line in simulated_folders.play(n, tmp_path / f"{n}{k}").trace
            ]
            for k in "ab"
        )
        assert one == other


def _without_names(line):
    """Leave out what depends on the times that the disk gave files."""
    return re.sub(r"[0-9A-Za-z]{16,}", "#", line)


# -- the simulation finds what it is for: each safety line that is taken out breaks something --


def first_failure(seeds, **options):
    """Return the first number of which the interleaving breaks a promise."""
    for seed in seeds:
        try:
            play(seed, **options)
        except Exception:  # noqa: BLE001 - a broken promise shows in many ways
            return seed
    return None


def test_it_finds_writers_that_do_not_mind_a_collection():
    assert first_failure(SEEDS, minds_epoch=False) is not None


def without_fence(repo, head, record, roots, surroundings):
    """Go on as if nobody had published meanwhile."""
    moved = move_for_upkeep(repo, head, record, roots, surroundings)
    return head if isinstance(moved, Lost) else moved


def without_epoch(repo, head, record, roots, surroundings):
    """Condemn without telling writers."""
    record = record._replace(epoch=head.head.gc_epoch)
    return move_for_upkeep(repo, head, record, roots, surroundings)


@pytest.mark.parametrize("weak", [without_fence, without_epoch])
def test_it_finds_collections_that_are_not_ordered_against_writers(weak, monkeypatch):
    monkeypatch.setattr(gc, "move_for_upkeep", weak)
    assert first_failure(SEEDS) is not None


def test_it_finds_whole_syncs_that_do_not_hear_of_a_collection(monkeypatch):
    monkeypatch.setattr(gc, "move_for_upkeep", without_epoch)
    assert any(play_folders(range(n, n + 1)).failed for n in range(30, 330))


def test_it_finds_an_index_that_still_names_what_is_condemned(monkeypatch):
    monkeypatch.setattr(
        gc._Run, "_index_without", lambda _, __, found, ___: found.head.head.index_roots
    )
    assert first_failure(SEEDS) is not None


def test_it_finds_collections_that_do_not_look_for_tags_again(monkeypatch):
    monkeypatch.setattr(gc, "read_tagged", lambda _: set())
    assert first_failure(SEEDS) is not None


def test_it_finds_writers_that_take_a_won_commit_for_lost(monkeypatch):
    monkeypatch.setattr(CommitLog, "holds", lambda _, head, oid, __: head.commit == oid)
    assert first_failure(SEEDS) is not None
