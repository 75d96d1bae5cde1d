"""Whoever was stopped for long, as a laptop is that sleeps, does no harm when they go on."""

import json
import signal

import pytest

from cas_sync.worktree.state import LOCK_FILE
from tests.support.collecting import collect
from tests.support.people import Stop
from tests.support.promises import Ledger, everybody_finishes

pytestmark = [
    pytest.mark.s3,
    pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="signals of POSIX"),
]

MOMENTS = [
    ("GET", "/.S3/head"),
    ("PUT", "/packs/"),
    ("PUT", "/versions/"),
    ("PUT", "/commits/"),
    ("PUT", "/.S3/head"),
    ("GET", "/packs/"),
]


def two(through, s3):
    """Return two people who have the same; ana has something to publish and to fetch."""
    ledger = Ledger()
    ana, bo = through.person("ana"), s3.person("bo")
    for n in range(3):
        ledger.write(ana, f"f{n}", b"%d of ana" % n * 9000)
    ana.sync()
    bo.sync()
    ledger.write(bo, "f0", b"again, of bo" * 9000)
    bo.sync()
    ledger.write(ana, "f1", b"again, of ana" * 9000)
    ledger.write(ana, "f3", b"2 of ana" * 9000)
    return ledger, ana, bo


def sync_stopped(proxy, person, moment, meanwhile):
    """Sync in a process that is stopped at a request while something else is done."""
    stop = Stop(*moment, meanwhile)
    proxy.rules.append(stop)
    with person.start("sync", "-y", "--json") as running:
        stop.aim(running.pid)
        out, err = running.communicate()
    proxy.rules.clear()
    assert stop.hit.is_set(), "the request was never made"
    assert "Traceback" not in err, err
    return running.returncode, json.loads(out.splitlines()[-1])


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_sync_that_slept_through_three_collections_relies_on_nothing_that_went(
    through, s3, proxy, moment
):
    ledger, ana, bo = two(through, s3)

    def meanwhile():
        for n in range(3):
            ledger.write(bo, "g", b"%d of bo" % n * 9000)
            bo.sync()
            # Old versions may go, so what is condemned is what anybody might still count on.
            collect(bo, days_later=40 * (n + 1), keep_days=1, repack=100, force=True)

    code, _ = sync_stopped(proxy, ana, moment, meanwhile)

    assert code in {0, 9} if moment == ("GET", "/packs/") else code == 0
    for each in (ana, bo, ana):
        each.sync()
    here = {path: ana.read(path) for path in ana.paths()}
    assert here == {path: bo.read(path) for path in bo.paths()}
    assert here["f1"] == b"again, of ana" * 9000
    assert here["f0"] == b"again, of bo" * 9000
    assert here["g"] == b"2 of bo" * 9000
    assert ana.run("fsck", "--deep").exit == 0


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_sync_that_slept_through_a_reset_leaves_the_next_repository_alone(
    through, s3, proxy, moment
):
    ledger, ana, bo = two(through, s3)

    def meanwhile():
        bo.run("reset", "--confirm")
        bo.sync()

    code, told = sync_stopped(proxy, ana, moment, meanwhile)

    assert (code, told["code"]) in {(8, "E209"), (9, told["code"])}
    assert bo.run("fsck", "--deep").exit == 0
    assert not bo.sync()["published"]
    ana.run("reset", "--confirm", "--local")
    everybody_finishes(ledger, [ana, bo], "--on-conflict", "keep-both")


def test_without_its_lock_a_second_sync_of_the_same_folder_does_no_harm(through, s3, proxy):
    ledger, ana, bo = two(through, s3)
    again = s3.person("ana")

    def meanwhile():
        (ana.state / LOCK_FILE).unlink()
        again.sync()

    code, told = sync_stopped(proxy, ana, ("PUT", "/.S3/head"), meanwhile)

    # The second takes away what it thinks a killed sync left, which the first still needs.
    assert code == 0 or ".S3/tmp" in told["cause"]
    everybody_finishes(ledger, [ana, bo])
    assert [entry["author"] for entry in ana.log()].count("ana") == 2
