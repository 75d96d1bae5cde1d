"""Kill -9 everywhere: at each system call that changes anything, and at random times.

    python -m tests.campaigns.kills --store folder
    python -m tests.campaigns.kills --store s3 --random 2000 --seed 7

After each kill plain syncs have to finish what was begun, without a question and without
a hand; each byte that anybody ever wrote has to be in a tree, in the history or below
`.S3/deleted`. What was written is remembered outside of all trees.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.support.killing import run_and_kill
from tests.support.people import Person
from tests.support.promises import Ledger, everybody_finishes
from tests.support.weed import weed


class Team:
    """Two people with a store of their own, made anew for each scenario.

    Args:
        root: Where they live.
        store: Address of their store.
        env: Leads to it.
        seed: Decides what they write.
    """

    def __init__(self, root: Path, store: str, env: dict[str, str], seed: int) -> None:
        self.random = random.Random(seed)
        self.ledger = Ledger()
        self.root = root
        self.ana = Person(root / "ana", "ana", store, env)
        self.bo = Person(root / "bo", "bo", store, env)
        self.env = env

    def write(self, person: Person, path: str, size: int = 0) -> None:
        """Let somebody write a file."""
        self.ledger.forget_unpublished(person, path) if (person.data / path).exists() else None
        self.ledger.write(person, path, self.random.randbytes(size or 20 + len(path)))

    def begin(self) -> None:
        """Let both have six files."""
        for n in range(5):
            self.write(self.ana, f"d{n % 2}/f{n}")
        self.write(self.ana, "large", 100_000)
        self.ana.sync()
        self.bo.sync()

    def edit(self, person: Person, number: int) -> None:
        """Let somebody edit, add, rename and delete."""
        self.write(person, "d0/f0")
        self.write(person, "large", 90_000)
        self.write(person, f"{person.name}/new{number}")
        (person.data / "d1/f1").rename(person.data / f"d1/moved{number}")
        (person.data / "d0/f2").unlink()


class Scenario(NamedTuple):
    """A command that is killed.

    Attributes:
        prepare: Brings a team to where it is about to be run.
        run: Runs it.
        finish: What the plain syncs afterwards are told.
    """

    prepare: Callable[[Team], None]
    run: Callable[[Team], object]
    finish: tuple[str, ...] = ()


def _first_push(team: Team) -> None:
    for n in range(4):
        team.write(team.ana, f"d{n % 2}/f{n}")
    team.write(team.ana, "large", 100_000)


def _push(team: Team) -> None:
    team.begin()
    team.edit(team.ana, 1)


def _pull(team: Team) -> None:
    team.begin()
    team.edit(team.bo, 1)
    team.bo.sync()


def _both(team: Team) -> None:
    team.begin()
    team.edit(team.bo, 1)
    team.bo.sync()
    team.write(team.ana, "d0/f0")
    team.write(team.ana, "d1/f3")


def _joining(team: Team) -> None:
    _pull(team)
    shutil.rmtree(team.ana.home)
    team.ana = Person(team.ana.home, "ana", team.bo.store, team.env)
    team.write(team.ana, "d0/f0")
    team.write(team.ana, "mine")


def _old(team: Team) -> None:
    _pull(team)
    team.ana.sync()
    team.bo.sync()


KEEP = ("--on-conflict", "keep-both")
SCENARIOS = {
    "first push": Scenario(_first_push, lambda team: team.ana.sync()),
    "push": Scenario(_push, lambda team: team.ana.sync()),
    "pull": Scenario(_pull, lambda team: team.ana.sync()),
    "conflict": Scenario(_both, lambda team: team.ana.sync(*KEEP), KEEP),
    "join": Scenario(_joining, lambda team: team.ana.sync(*KEEP), KEEP),
    "undo": Scenario(_old, lambda team: team.bo.run("undo", "-y")),
    "restore": Scenario(_old, lambda team: team.ana.run("restore", "-y", ".", "--rev", "#1")),
    "gc": Scenario(
        _old, lambda team: team.ana.run("gc", "--prune", "--confirm", "--grace", "0")
    ),
    "fsck": Scenario(_old, lambda team: team.ana.run("fsck", "--repair")),
}


class Stores:
    """Makes a store for each try.

    Args:
        folder: Below which everybody lives.
        server: An S3 server; `None` for stores that are folders.
    """

    def __init__(self, folder: Path, server=None) -> None:
        self._folder = folder
        self._server = server
        self._n = 0

    @contextmanager
    def team(self, seed: int) -> Iterator[Team]:
        """Yield two people with a store of their own."""
        self._n += 1
        root = self._folder / str(self._n)
        if self._server is None:
            store, env = str(root / "store"), {}
        else:
            store = f"s3://kills/{os.getpid()}-{self._n}"
            env = self._server.environment()
        try:
            yield Team(root, store, env, seed)
        finally:
            shutil.rmtree(root, ignore_errors=True)


def kill_everywhere(
    stores: Stores, name: str, *, first: int = 1, stride: int = 1
) -> tuple[int, int]:
    """Kill a scenario at every ``stride``-th change; return how often, and of how many."""
    scenario, n, killed = SCENARIOS[name], first, 0
    while True:
        with stores.team(n) as team:
            scenario.prepare(team)
            died = run_and_kill(lambda team=team: scenario.run(team), n)
            try:
                everybody_finishes(team.ledger, [team.ana, team.bo], *scenario.finish)
            except BaseException:
                print(f"{name}: killed at change {n} ({died})", flush=True)
                raise
        if died is None:
            return killed, n - 1
        killed += 1
        n += stride


def kill_at_random(stores: Stores, number: int, seed: int) -> int:
    """Kill scenarios at random times; return how many were killed."""
    random_ = random.Random(seed)
    usual: dict[str, float] = {}
    killed = 0
    for n in range(number):
        name = random_.choice(list(SCENARIOS))
        scenario = SCENARIOS[name]
        with stores.team(seed + n) as team:
            scenario.prepare(team)
            before = time.monotonic()
            died = _kill_after(
                lambda team=team, scenario=scenario: scenario.run(team),
                random_.uniform(0, 1.1) * usual.get(name, 10),
            )
            if not died:
                usual[name] = time.monotonic() - before
            killed += died
            try:
                everybody_finishes(team.ledger, [team.ana, team.bo], *scenario.finish)
            except BaseException:
                print(f"{name}: number {n} of seed {seed}, killed: {died}", flush=True)
                raise
        if n % 100 == 99:
            print(f"{n + 1:,} tries, {killed:,} killed", flush=True)
    return killed


def _kill_after(step: Callable[[], object], seconds: float) -> bool:
    pid = os.fork()
    if not pid:
        code = 1
        try:
            step()
            code = 0
        finally:
            os._exit(code)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return False
        time.sleep(0.0005)
    os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    return os.WIFSIGNALED(status)


def main() -> None:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=["folder", "s3"], default="folder")
    parser.add_argument("--random", type=int, default=0, help="so many kills at random times")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", choices=list(SCENARIOS))
    parser.add_argument("--stride", type=int, default=1)
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="kills-")))
        server = None
        if args.store == "s3":
            server = stack.enter_context(weed(folder / "weed"))
            server.make_bucket("kills")
        stores = Stores(folder, server)
        if args.random:
            killed = kill_at_random(stores, args.random, args.seed)
            print(f"{args.store}: {killed} of {args.random} killed; 0 bytes lost, 0 repairs")
            return
        total = 0
        for name in [args.only] if args.only else SCENARIOS:
            killed, changes = kill_everywhere(stores, name, stride=args.stride)
            total += killed
            print(f"{args.store}, {name}: {killed} kills, {changes} changes", flush=True)
        print(f"{args.store}: {total} kills; 0 bytes lost, 0 repairs")


if __name__ == "__main__":
    sys.exit(main())
