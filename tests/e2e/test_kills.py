"""Killed before any change it makes, nothing is lost and plain syncs finish it: a sample.

`python -m tests.campaigns.kills` tries every change of every scenario.
"""

import pytest

from tests.campaigns.kills import SCENARIOS, Stores, kill_at_random, kill_everywhere
from tests.support.killing import can_trace

STRIDE = {"first push": 97}


@pytest.mark.skipif(not can_trace(), reason="needs ptrace on Linux, x86-64")
@pytest.mark.parametrize("name", SCENARIOS)
def test_killed_before_a_change_nothing_is_lost(name, tmp_path):
    killed, changes = kill_everywhere(Stores(tmp_path), name, stride=STRIDE.get(name, 41))
    assert killed
    assert changes > 40


def test_killed_at_a_random_time_nothing_is_lost(tmp_path):
    assert kill_at_random(Stores(tmp_path), 12, seed=3)
