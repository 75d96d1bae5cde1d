"""What a disk may hold after a power cut, synced: a sample.

`python -m tests.campaigns.power_cuts` makes 100,000 of them.
"""

import pytest

from tests.campaigns.power_cuts import run
from tests.support.killing import can_trace

pytestmark = pytest.mark.skipif(not can_trace(), reason="needs ptrace on Linux, x86-64")


def test_after_a_power_cut_nothing_is_lost(tmp_path):
    assert run(tmp_path / "team", 60, seed=4) > 40


def test_without_flushes_something_is(tmp_path, monkeypatch):
    """The record and the cuts are worth something."""
    monkeypatch.setattr("cas_sync.worktree.writer.sync_at_once", lambda _: None)
    monkeypatch.setattr("cas_sync.worktree.folder.Folder.fsync_dir", lambda *_: None)
    monkeypatch.setattr("os.fsync", lambda _: None)
    with pytest.raises(AssertionError):
        run(tmp_path / "team", 200, seed=4, names=("pull",))
