"""Disks that are too small: nothing is lost, and with room the next sync goes on."""

import os
import subprocess
from contextlib import contextmanager

import pytest

from tests.support import samples
from tests.support.people import tree


@contextmanager
def small_disk(place, size):
    place.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("only root may mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def team(folder):
    """Return two people; the first has published 3 MB in 12 files."""
    if not hasattr(os, "geteuid") or os.geteuid():
        pytest.skip("only root may mount a small disk")
    ana, bo = folder.team("ana", "bo")
    for n in range(12):
        ana.write(f"d{n % 3}/{n}.bin", samples.noise(str(n), 250_000))
    ana.sync()
    return ana, bo


@pytest.mark.parametrize("size", ["1m", "2m", "3500k"])
@pytest.mark.parametrize("what", ["home", "data"])
def test_a_sync_without_room_loses_nothing_and_goes_on_with_room(team, size, what):
    ana, bo = team
    small = bo.home if what == "home" else bo.data
    with small_disk(small, size):
        bo.project.mkdir(parents=True, exist_ok=True)
        bo.write("mine.csv", "only here")
        said = bo.sync(exit=None)
        assert said["exit"] in {0, 3, 8}, said
        for path, (data, _) in tree(bo.data).items():
            assert path == "mine.csv" or data == ana.read(path), "half a file"
        subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True)
        bo.sync()
        bo.sync()
        assert bo.read("mine.csv") == b"only here"
        ana.sync()
        assert tree(ana.data) == tree(bo.data)
        assert bo.leftovers() == []


@pytest.mark.parametrize("size", ["64k", "1m", "2m"])
def test_a_store_without_room_gets_no_half_commit(folder, size):
    if not hasattr(os, "geteuid") or os.geteuid():
        pytest.skip("only root may mount a small disk")
    ana, bo = folder.team("ana", "bo")
    store = folder.root / "store"
    with small_disk(store, size):
        for n in range(12):
            ana.write(f"{n}.bin", samples.noise(str(n), 250_000))
        said = ana.sync(exit=None)
        assert said["exit"] in {4, 6, 8}, said
        subprocess.run(["mount", "-o", "remount,size=64m", str(store)], check=True)
        ana.sync()
        bo.sync()
        assert tree(ana.data) == tree(bo.data)
        ana.run("fsck", "--deep")
