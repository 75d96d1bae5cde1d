"""Power cuts: what a disk may hold after one, made again and again, and synced.

    python -m tests.campaigns.power_cuts --n 100000 --seed 7

A command's changes are recorded once; then the cut comes after any of them, and of what was
not forced to the disk any part is gone. After a plain sync everybody has the same, each byte
that anybody wrote is somewhere, and no file of the team is emptied or cut.
"""

import argparse
import json
import os
import random
import shutil
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.campaigns.kills import SCENARIOS, Team
from tests.support.people import Person, tree
from tests.support.promises import Ledger, everybody_finishes
from tests.support.recording import Change, Tree, after_cuts, read_tree, record

NAMES = ("push", "pull", "conflict", "restore", "gc")


class Recorded(NamedTuple):
    """A command, recorded.

    Attributes:
        name: The scenario.
        before: The disk before it.
        changes: What it changed.
        ledger: What was promised.
        finish: What syncs afterwards are told.
    """

    name: str
    before: Tree
    changes: list[Change]
    ledger: Ledger
    finish: tuple[str, ...]


def record_scenario(place: Path, name: str) -> Recorded:
    """Run a scenario once, and return what it changed on the disk."""
    shutil.rmtree(place, ignore_errors=True)
    team = Team(place, str(place / "store"), {}, 1)
    scenario = SCENARIOS[name]
    scenario.prepare(team)
    before = read_tree(place)
    changes = record(lambda: scenario.run(team), place)
    return Recorded(name, before, changes, team.ledger, scenario.finish)


def after(recorded: Recorded, left: list[Change]) -> Tree:
    """Return the disk after a cut."""
    disk = recorded.before.copy()
    for change in left:
        disk.change(change)
    return disk


def cut(place: Path, recorded: Recorded, disk: Tree) -> None:
    """Make what a cut left, sync, and insist that nothing was lost."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    disk.make(place)
    people = [Person(place / name, name, str(place / "store")) for name in ("ana", "bo")]
    for person in people:
        _same_folder(person)
    empty = {path for each in people for path, (data, _) in tree(each.data).items() if not data}
    everybody_finishes(recorded.ledger, people, *recorded.finish)
    for person in people:
        found = {path for path, (data, _) in tree(person.data).items() if not data}
        assert not found - empty, f"emptied: {found}"


def _same_folder(person: Person) -> None:
    """Let `.S3` be the one it was: its inode is new because the test made it anew."""
    path = person.state / "root.json"
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError):
        return
    value["inode"] = person.state.stat().st_ino
    path.write_text(json.dumps(value))


def run(place: Path, n: int, seed: int, names: tuple[str, ...] = NAMES) -> int:
    """Make so many cuts; return how many disks were unlike each other: each is tried once."""
    random_ = random.Random(seed)
    seen: set[tuple[str, str]] = set()
    for number, name in enumerate(names):
        recorded = record_scenario(place, name)
        # The store is on a disk of its own, which had no cut, or on the same.
        survives = random_.choice([_in_store, _nothing])
        cuts = after_cuts(recorded.changes, random_, survives)
        for left, k in zip(cuts, range(number, n, len(names)), strict=False):
            disk = after(recorded, left)
            if k // len(names) % 1000 == 999:
                print(f"{name}: {k // len(names) + 1:,} cuts", flush=True)
            key = name, disk.digest()
            if key in seen:
                continue
            seen.add(key)
            try:
                cut(place, recorded, disk)
            except BaseException:
                print(f"{name}: cut {k} of seed {seed}, {len(left)} changes", flush=True)
                raise
    return len(seen)


def _in_store(change: Change) -> bool:
    return change.path.startswith("store/") or change.other.startswith("store/")


def _nothing(change: Change) -> bool:
    del change
    return False


def main() -> None:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with TemporaryDirectory(prefix="cuts-", dir=memory) as place:
        unlike = run(Path(place) / "team", args.n, args.seed)
    print(f"{args.n} power cuts, {unlike:,} disks unlike each other: 0 bytes lost, 0 repairs")


if __name__ == "__main__":
    sys.exit(main())
