"""Many processes publish to one prefix at once: one serial chain, nothing lost or twice.

python -m tests.campaigns.races --store folder --processes 32 --commits 25
python -m tests.campaigns.races --store s3 --processes 8 --commits 25
"""

import argparse
import json
import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from cas_sync.model.ids import ObjectId
from tests.support.chain import Acknowledged, check_chain
from tests.support.closure import read_all
from tests.support.people import Person, tree
from tests.support.weed import weed


class Outcome(NamedTuple):
    """How a race went.

    Attributes:
        commits: Commits in the chain.
        again: How often somebody lost so often that they were told to run again.
        seconds: How long it took.
    """

    commits: int
    again: int
    seconds: float


def race(root: Path, store: str, env: dict[str, str], processes: int, commits: int) -> Outcome:
    """Let processes race; insist that nothing was lost."""
    people = [Person(root / f"p{n:02}", f"p{n:02}", store, env) for n in range(processes)]
    first = people[0]
    first.write("shared.csv", "begin")
    first.sync()
    began = time.monotonic()
    children = [_start(person, root / f"{person.name}.log", commits) for person in people]
    failed = [pid for pid in children if os.waitpid(pid, 0)[1]]
    assert not failed, f"{len(failed)} of {processes} did not finish"
    seconds = time.monotonic() - began
    told, again = [], 0
    for person in people:
        for line in (root / f"{person.name}.log").read_text().splitlines():
            value = json.loads(line)
            again += value["again"]
            oid = ObjectId.parse(value["commit"])
            told.append(Acknowledged(oid, value["seq"], value["began"], value["told"]))
    assert len(told) == processes * commits
    with first.repository() as stored:
        chain = check_chain(stored.repo, stored.head, told)
    assert len(chain) == 1 + processes * commits
    os.environ.update(env)  # for the readers below
    read_all(first)
    for person in people[:4]:
        person.sync()
        person.sync()
    first.sync()
    assert all(tree(person.data) == tree(first.data) for person in people[:4])
    for person in people:
        for n in range(commits):
            assert first.read(f"{person.name}/{n}.csv") == f"{person.name} {n}".encode()
    return Outcome(len(chain), again, seconds)


def _start(person: Person, log: Path, commits: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        with log.open("w") as file:
            for n in range(commits):
                file.write(json.dumps(_commit(person, n)) + "\n")
        code = 0
    finally:
        os._exit(code)


def _commit(person: Person, n: int) -> dict[str, object]:
    person.write(f"{person.name}/{n}.csv", f"{person.name} {n}")
    began, again = time.monotonic(), 0
    while True:
        said = person.sync("--on-conflict", "theirs", exit=None)
        if said.get("published"):
            told = time.monotonic()
            return {
                "commit": said["commit"],
                "seq": said["seq"],
                "began": began,
                "told": told,
                "again": again,
            }
        assert said["exit"] == 7, said
        again += 1


def main() -> None:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=["folder", "s3"], default="folder")
    parser.add_argument("--processes", type=int, default=32)
    parser.add_argument("--commits", type=int, default=25)
    args = parser.parse_args()
    with ExitStack() as stack:
        root = Path(stack.enter_context(TemporaryDirectory(prefix="races-")))
        store, env = str(root / "store"), dict[str, str]()
        if args.store == "s3":
            server = stack.enter_context(weed(root / "weed"))
            server.make_bucket("races")
            store, env = "s3://races/team", server.environment()
        found = race(root, store, env, args.processes, args.commits)
        print(
            f"{args.store}: {args.processes} processes, {found.commits} commits in one chain, "
            f"told to run again {found.again} times, {found.seconds:.0f} s"
        )


if __name__ == "__main__":
    sys.exit(main())
