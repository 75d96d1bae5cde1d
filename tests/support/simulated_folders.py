"""Whole syncs of real folders beside collections, played from a seed.

What is drawn is as in `simulated_team`; here each client has a folder, and edits it between
syncs. Slower by a factor of ten, so fewer are played.
"""

import random
from dataclasses import replace
from pathlib import Path

from cas_sync.engine import gc
from cas_sync.engine.surroundings import Surroundings
from cas_sync.engine.sync import run_sync
from cas_sync.engine.sync_report import SyncOptions
from cas_sync.errors import RepositoryResetError
from cas_sync.plan.step import OnConflict
from cas_sync.progress import Silent
from tests.support.chain import check_chain
from tests.support.closure import read_all
from tests.support.engine import Agreeing
from tests.support.people import Person, settings_of, tree
from tests.support.simulated_team import TOLERATED, must
from tests.support.simulation import QUIET, Client, Rates, World

PATHS = ("a", "b.csv", "d/e", "d/f", "g")
SYNC = SyncOptions(on_conflict=OnConflict.KEEP_BOTH, allow_mass_delete=True)


class Owner:
    """Somebody with a folder, and what they still have to do.

    Args:
        world: Where.
        client: Who.
        person: Their folder.
        written: Is given every content anybody writes.
        n: How often they edit and sync.
    """

    def __init__(
        self, world: World, client: Client, person: Person, written: set[bytes], n: int
    ) -> None:
        self.world, self.client, self.person = world, client, person
        self.written, self.left = written, n
        self.is_edited = False

    def __call__(self) -> None:
        """Do the rest; a killed sync is run again."""
        while self.left:
            if not self.is_edited:
                self.edit()
                self.is_edited = True
            try:
                self.sync()
            except TOLERATED as error:
                must(not isinstance(error, RepositoryResetError), str(error))
            self.left -= 1
            self.is_edited = False

    def edit(self) -> None:
        """Change a few files."""
        mine = self.client.random
        for path in mine.sample(PATHS, mine.randint(1, 2)):
            if (before := self.person.data / path).is_file():
                # If nobody published it, its owner took it back.
                self.written.discard(before.read_bytes())
            if mine.random() < 0.2:
                before.unlink(missing_ok=True)
                continue
            data = mine.choice([b"same " * 20, f"{self.client.name} {mine.random()}".encode()])
            self.written.add(data)
            self.person.write(path, data)

    def surroundings(self) -> Surroundings:
        """Return what their commands are given."""
        return replace(self.world.surroundings(self.client), env=self.person.env)

    def sync(self) -> None:
        """Run a whole sync."""
        run_sync(
            settings_of(self.person, jobs=1, writers="one"),
            self.surroundings(),
            SYNC,
            Agreeing(),
            Silent(),
        )


class Janitor(Owner):
    """Somebody who collects."""

    def edit(self) -> None:
        """Change nothing."""

    def sync(self) -> None:
        """Let go of what nobody needs."""
        options = gc.GcOptions(prune=True, grace_days=0, force=True)
        gc.run_gc(
            settings_of(self.person, jobs=1, writers="one"),
            self.surroundings(),
            options,
            Silent(),
        )


def play(seed: int, root: Path) -> World:
    """Let a team do what a seed says, come to rest, and insist on what was promised."""
    draw = random.Random(f"folders {seed}")
    world = World(seed, draw.choice([Rates(), Rates(unclear=0.5, stays=0.2)]))
    written: set[bytes] = set()
    owners = []
    for n in range(draw.randint(2, 3)):
        person = Person(root / f"p{n}", f"p{n}", "/in memory")
        owners.append(Owner(world, world.client(person.name), person, written, 2))
    keeper = Person(root / "keeper", "keeper", "/in memory")
    janitor = Janitor(world, world.client("keeper"), keeper, written, 2)
    world.run([(each.client, each) for each in (*owners, janitor)])
    world.rates = QUIET
    for each in (*owners, *owners):
        each.sync()
    trees = [tree(each.person.data) for each in owners]
    must(all(each == trees[0] for each in trees), "folders differ at rest")
    puts = world.bucket.meter.requests["PUT"]
    for each in owners:
        each.sync()
    must(world.bucket.meter.requests["PUT"] == puts, "a sync at rest stores something")
    _check(world, owners, written)
    return world


def _check(world: World, owners: list[Owner], written: set[bytes]) -> None:
    left = set(written)
    for each in owners:
        left -= {data for data, _ in tree(each.person.data).values() if isinstance(data, bytes)}
        left -= each.person.kept()
    with owners[0].person.repository(lambda _: world.bucket) as stored:
        check_chain(stored.repo, stored.head)
        left -= stored.all_contents()
    must(not left, f"lost: {left}")
    read_all(owners[0].person, Surroundings(connect=lambda _: world.bucket))
