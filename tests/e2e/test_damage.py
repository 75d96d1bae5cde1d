"""Damage is told with the file it concerns, and random bytes are refused in words.

The whole campaign of random bytes: `python -m tests.campaigns.fuzz`.
"""

import os
import shutil
from pathlib import Path

import pytest

from tests.campaigns import fuzz
from tests.support import samples, spoilt
from tests.support.people import tree

SEED = int(os.environ.get("CAS_SYNC_SEED", "1"))
FUZZ = int(os.environ.get("CAS_SYNC_FUZZ", "4000"))
SLOW = bool(os.environ.get("CAS_SYNC_SLOW"))


def test_two_objects_that_change_places_are_noticed_and_no_wrong_byte_arrives(tmp_path):
    truth = spoilt.small_repository(tmp_path)
    out = spoilt.Outcome()
    for n, (name, objects) in enumerate(spoilt.swaps(truth)):
        spoilt.judge(truth, objects, f"swap {name}", out)
        if SLOW or not n % 8:
            spoilt.clone(truth, objects, f"swap {name}", tmp_path, out)
    assert not out.violations, out.violations[:5]
    assert sum(out.counts.values()) > 90


def test_reading_notices_nothing_where_nothing_is_wrong(tmp_path):
    truth = spoilt.small_repository(tmp_path)
    assert spoilt.read_all(spoilt.Spoilt(truth.objects)) == truth.told
    assert spoilt.deep_findings(spoilt.Spoilt(truth.objects)) == 0


def test_random_and_mutated_bytes_are_refused_in_words_by_every_reader():
    n = FUZZ
    counts = fuzz.run(n, SEED, seconds=60)
    assert sum(counts.values()) == n
    assert all(f"{each.name}: " in " ".join(counts) for each in fuzz.targets(Path()))


@pytest.mark.parametrize("kind", ["packs", "commits", "versions", "head", "format.json"])
def test_damage_ends_a_clone_with_9_and_names_the_object(folder, kind):
    (ana,) = folder.team("ana")
    ana.write("a/table.csv", samples.noise("table", 3000))
    ana.sync()
    for path in sorted(Path(folder.url).rglob("*")):
        if path.is_file() and path.stat().st_size and kind in str(path.relative_to(folder.url)):
            data = bytearray(path.read_bytes())
            data[len(data) // 3] ^= 1
            path.chmod(0o644)
            path.write_bytes(data)
    bo = folder.person("bo")
    ended = bo.run("sync", "-y", "--store", bo.store, exit=None)
    shutil.rmtree(bo.home / "cache", ignore_errors=True)
    if kind in {"commits", "format.json"} and ended.exit == 0:
        # A first clone needs neither; who reads them is told.
        ended = bo.run("log" if kind == "commits" else "fsck", exit=None)
    assert ended.exit == 9, ended
    names = {"packs": "a/table.csv", "versions": "page", "format.json": "format.json"}
    assert names.get(kind, kind.rstrip("s")) in ended.stderr + ended.stdout
    assert tree(bo.data) in ({}, tree(ana.data))
