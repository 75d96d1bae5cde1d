"""Several writers, readers, taggers and collections on one store, in any order a seed says.

    python -m tests.campaigns.interleavings --n 100000 --seed 1
    python -m tests.campaigns.interleavings --seed 4711 --n 1 --trace
    python -m tests.campaigns.interleavings --n 1000 --seed 1 --folders

Each number is one interleaving; one that fails is played again by its number alone. With
`--folders` each client is a whole sync of a folder on disk, else what a sync does to a store.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support import simulated_folders
from tests.support.simulated_team import World, play

BATCH = 100


@dataclass
class Played:
    """What became of some interleavings.

    Attributes:
        n: How many there were.
        steps: Requests and waits in them.
        counts: How often things happened.
        failed: By number, what was broken.
    """

    n: int = 0
    steps: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    failed: dict[int, str] = field(default_factory=dict)

    def add(self, other: "Played") -> None:
        """Add what became of others."""
        self.n += other.n
        self.steps += other.steps
        self.counts.update(other.counts)
        self.failed.update(other.failed)


def play_all(seeds: range) -> Played:
    """Play some interleavings one after the other."""
    done = Played()
    for seed in seeds:
        done.n += 1
        try:
            world, ledger = play(seed)
        except Exception as error:  # noqa: BLE001 - whatever it is, its number is told
            done.failed[seed] = f"{type(error).__name__}: {error}"
        else:
            done.steps += world.steps
            done.counts.update(ledger.counts)
    return done


def play_folders(seeds: range) -> Played:
    """Play some with folders one after the other."""
    done = Played()
    for seed in seeds:
        done.n += 1
        try:
            with TemporaryDirectory() as root:
                done.steps += simulated_folders.play(seed, Path(root).resolve()).steps
        except Exception as error:  # noqa: BLE001 - whatever it is, its number is told
            done.failed[seed] = f"{type(error).__name__}: {error}"
    return done


def batches(first: int, n: int) -> Iterator[range]:
    """Yield the numbers in parts."""
    for start in range(first, first + n, BATCH):
        yield range(start, min(start + BATCH, first + n))


def trace(seed: int) -> None:
    """Print all that happens in one interleaving, and raise what is broken."""
    worlds: list[World] = []
    try:
        play(seed, watch=worlds.append)
    finally:
        print(*worlds[0].trace, sep="\n")


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--trace", action="store_true", help="print the first one")
    parser.add_argument("--folders", action="store_true", help="whole syncs of folders")
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    if args.trace:
        trace(args.seed)
        return 0
    playing = play_folders if args.folders else play_all
    total, began = Played(), time.monotonic()
    with ProcessPoolExecutor(args.processes) as pool:
        for n, done in enumerate(pool.map(playing, batches(args.seed, args.n)), 1):
            total.add(done)
            for seed, why in done.failed.items():
                print(f"FAILED --seed {seed}: {why}", flush=True)
            if n % 50 == 0:
                print(f"{total.n:,} in {time.monotonic() - began:.0f} s", flush=True)
    print(
        f"{total.n:,} interleavings, {total.steps:,} steps, {len(total.failed)} failed, "
        f"{time.monotonic() - began:.0f} s"
    )
    print(", ".join(f"{what} {n:,}" for what, n in total.counts.most_common()))
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
