"""Killed anywhere, a plain `cas-sync sync` finishes the job and no byte is lost."""

import os
import random
import signal
import time

import pytest

from tests.support.people import Kill, Person
from tests.support.promises import Ledger, everybody_finishes

N_KILLS = int(os.environ.get("CAS_SYNC_KILLS", "15"))
SEED = int(os.environ.get("CAS_SYNC_SEED", "20260726"))


def noise(random_: random.Random, size: int) -> bytes:
    return random_.randbytes(size)


def kill_after(process, seconds: float) -> bool:
    """Kill a process after a while; say whether it still lived."""
    try:
        process.wait(seconds)
    except Exception:  # noqa: BLE001 - it has not ended by itself
        process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.returncode == -signal.SIGKILL


def edit(ledger: Ledger, random_: random.Random, person: Person, number: int) -> None:
    """Change one person's files as no other person does."""
    mine = sorted(path for path in person.paths() if path.startswith(person.name))
    for path in random_.sample(mine, min(len(mine), 4)):
        ledger.forget_unpublished(person, path)
        match random_.randrange(4):
            case 0:
                person.delete(path)
            case 1:
                target = f"{person.name}/moved {number} {random_.randrange(10**6)}"
                (person.data / path).rename(person.data / target)
            case _:
                ledger.write(person, path, noise(random_, random_.randrange(1, 60_000)))
    for i in range(6):
        path = f"{person.name}/{number}/{i}"
        ledger.write(person, path, noise(random_, random_.randrange(1, 200_000)))


@pytest.mark.parametrize("victim", ["uploading", "downloading", "both"])
def test_killed_at_any_moment_nothing_is_lost(folder, victim):
    random_ = random.Random(SEED)
    ledger = Ledger()
    ana, bo = people = folder.team("ana", "bo")
    for each in people:
        (each.data / each.name).mkdir(parents=True)
        edit(ledger, random_, each, 0)
        each.sync()
    began = time.monotonic()
    ana.process("sync", "-y")
    usual = time.monotonic() - began
    killed = 0
    for number in range(1, N_KILLS // 3 + 1):
        if victim in ("uploading", "both"):
            edit(ledger, random_, ana, number)
        if victim in ("downloading", "both"):
            edit(ledger, random_, bo, number)
            bo.sync()
        running = ana.start("sync", "-y", "--allow-mass-delete")
        killed += kill_after(running, random_.uniform(0.3 * usual, 1.6 * usual))
        ledger.insist(people)
        if number % 3 == 0:
            everybody_finishes(ledger, people)
    everybody_finishes(ledger, people)
    assert killed or N_KILLS < 9


def set_up(through, s3):
    ledger = Ledger()
    random_ = random.Random(SEED)
    ana, bo = through.person("ana"), s3.person("bo")
    for i in range(8):
        ledger.write(ana, f"d{i % 2}/f{i}", noise(random_, 3000))
    ledger.write(ana, "big", noise(random_, 3_000_000))
    ana.sync()
    bo.sync()
    ledger.write(bo, "d0/f0", noise(random_, 3000))
    ledger.write(bo, "d0/new", noise(random_, 3000))
    ledger.write(bo, "big", noise(random_, 3_000_000))
    bo.delete("d0/f2")
    (bo.data / "d0" / "f4").rename(bo.data / "d0" / "moved")
    bo.sync()
    ledger.write(ana, "d1/f1", noise(random_, 3000))
    ledger.write(ana, "d1/new", noise(random_, 3000))
    ana.delete("d1/f3")
    ana.write("d1/f5", b"", executable=True)
    return ledger, ana, bo


def run_and_kill(person: Person, kill: Kill, *args: str) -> None:
    with person.start("sync", "-y", *args) as running:
        kill.aim(running.pid)
        running.communicate()
    assert kill.hit.is_set(), "the request was never made"
    assert running.returncode == -signal.SIGKILL


@pytest.mark.s3
@pytest.mark.parametrize(
    ("method", "part", "number", "apply"),
    [
        ("GET", "/.S3/head", 0, False),
        ("PUT", "/packs/", 0, False),
        ("PUT", "/packs/", 0, True),
        ("PUT", "/versions/", 0, True),
        ("PUT", "/deleted/", 0, False),
        ("PUT", "/commits/", 0, True),
        ("PUT", "/.S3/head", 0, False),
        ("PUT", "/.S3/head", 0, True),
        ("GET", "/packs/", 0, False),
        ("GET", "/packs/", 1, False),
    ],
)
def test_killed_at_a_request_the_next_sync_finishes(
    through, s3, proxy, method, part, number, apply
):
    ledger, ana, bo = set_up(through, s3)
    kill = Kill(method, part, number, apply=apply)
    proxy.rules.append(kill)

    run_and_kill(ana, kill)

    proxy.rules.clear()
    ledger.insist([bo, ana])
    everybody_finishes(ledger, [ana, bo])
    assert [entry["author"] for entry in ana.log()] == ["ana", "bo", "ana"]


@pytest.mark.s3
@pytest.mark.parametrize("policy", ["keep-both", "mine", "theirs"])
def test_killed_after_a_conflict_was_settled_nothing_is_asked_again(through, s3, proxy, policy):
    ledger, ana, bo = set_up(through, s3)
    ledger.write(ana, "d0/f0", b"by ana")
    kill = Kill("PUT", "/.S3/head", apply=True)
    proxy.rules.append(kill)

    run_and_kill(ana, kill, "--on-conflict", policy)

    proxy.rules.clear()
    ledger.insist([bo, ana])
    everybody_finishes(ledger, [ana, bo])
    assert len(ana.log()) == 3


@pytest.mark.s3
@pytest.mark.parametrize("part", ["/.S3/format.json", "/.S3/head"])
@pytest.mark.parametrize("apply", [False, True])
def test_killed_while_a_repository_begins_the_next_sync_begins_it(
    through, s3, proxy, part, apply
):
    ledger = Ledger()
    ana, bo = through.person("ana"), s3.person("bo")
    ledger.write(ana, "a", b"a")
    kill = Kill("PUT", part, apply=apply)
    proxy.rules.append(kill)

    run_and_kill(ana, kill, "--store", s3.url)

    proxy.rules.clear()
    ledger.write(bo, "b", b"b")
    everybody_finishes(ledger, [ana, bo])


def test_terminated_politely_nothing_is_lost(folder):
    ledger = Ledger()
    random_ = random.Random(SEED)
    ana, bo = people = folder.team("ana", "bo")
    for each in people:
        (each.data / each.name).mkdir(parents=True)
    ana.sync()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        edit(ledger, random_, ana, int(number))
        running = ana.start("sync", "-y")
        running.send_signal(number)
        _, err = running.communicate()
        assert "Traceback" not in err
        everybody_finishes(ledger, people)
    assert bo.sync()["published"] is False
