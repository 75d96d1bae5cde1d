"""A store that fails a part of all requests, from a seed; objects in an archive."""

import os
import random

import pytest

from tests.support.proxy import ApplyThenDrop, DropBefore, Status, always

SEED = int(os.environ.get("CAS_SYNC_SEED", "1"))
FAULTS = (DropBefore(), ApplyThenDrop(), Status(500), Status(503, "SlowDown"))


def storm(share: float, rng: random.Random, hits: list[object]):
    def rule(_request):
        if rng.random() >= share:
            return None
        hits.append(rng.choice(FAULTS))
        return hits[-1]

    return rule


@pytest.mark.s3
@pytest.mark.parametrize("share", [0.03, 0.3, 1.0])
def test_a_sync_in_a_storm_commits_once_or_says_that_it_could_not(through, s3, proxy, share):
    print(f"seed {SEED}")
    ana, bo = through.person("ana"), s3.person("bo")
    ana.write("f", "1")
    ana.sync()
    ana.write("f", "2")
    proxy.forget()
    ana.sync()
    calm = proxy.requests.total()
    bo.sync()
    ana.write("f", "3")
    proxy.forget()
    hits: list[object] = []
    rule = storm(share, random.Random(SEED), hits)
    proxy.rules.append(rule)

    done = ana.run("sync", "-y", "--json", exit=None)

    assert done.exit in (0, 6)
    assert done.exit == 6 or share < 1.0
    # Each fault costs one more request, and one more look at the head.
    assert proxy.requests.total() <= calm + 2 * len(hits) + 2
    proxy.rules.remove(rule)
    ana.sync()
    bo.sync()
    assert bo.read("f") == b"3"
    assert [entry["seq"] for entry in bo.log()] == [3, 2, 1]


@pytest.mark.s3
def test_an_object_in_an_archive_reaches_no_file_and_is_named(through, s3, proxy):
    ana, bo = through.person("ana"), s3.person("bo")
    bo.write("f", "1")
    bo.sync()
    rule = always(Status(403, "InvalidObjectState"), method="GET", part="/packs/")
    proxy.rules.append(rule)

    said = ana.sync(exit=4)

    assert "InvalidObjectState" in str(said)
    assert not (ana.data / "f").exists()
    proxy.rules.remove(rule)
    ana.sync()
    assert ana.read("f") == b"1"
