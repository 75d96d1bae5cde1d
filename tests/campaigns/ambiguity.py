"""Moves of the head of which the answer is lost or late: what is told has to be true.

    python -m tests.campaigns.ambiguity --moves 2000 --seed 7

Several clients publish to one prefix on a real S3 server, through a proxy that drops three
of ten requests that move the head: before the server has it, after it was done, or so that
it lands later, when somebody else may have written.
"""

import argparse
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from cas_sync.engine.publish import Author, Change, move_head, write_changes
from cas_sync.engine.repository import Connection
from cas_sync.engine.surroundings import Surroundings
from cas_sync.errors import OutcomeUnknownError, StoreError
from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import parse_repo_path, sort_key
from cas_sync.model.tree import Content, Entry, Mode, timestamp
from cas_sync.store.head import Won
from cas_sync.store.packs import PackUploader
from tests.support.chain import Acknowledged, check_chain
from tests.support.people import Instant, Person, settings_of
from tests.support.proxy import (
    Action,
    ApplyLater,
    ApplyThenDrop,
    DropBefore,
    Proxy,
    Request,
    Status,
)
from tests.support.weed import S3Server, weed

EMPTY = Content(ObjectId.of(b""), 0, Mode.FILE)


@dataclass
class Told:
    """What clients were told.

    Attributes:
        won: Commits that are published.
        lost: Commits that are not and never will be.
        unknown: Commits of which it is not known yet.
        faults: How often the proxy did what.
    """

    won: list[Acknowledged] = field(default_factory=list)
    lost: list[ObjectId] = field(default_factory=list)
    unknown: list[ObjectId] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)


def spoil(seed: int, share: float, told: Told):
    """Return a rule that spoils a share of the requests that move the head."""
    random_ = random.Random(seed)

    def rule(request: Request) -> Action | None:
        path = request.path.partition("?")[0]
        if request.method != "PUT" or not path.endswith("/.S3/head"):
            return None
        if random_.random() >= share:
            told.faults["passed on"] += 1
            return None
        later = ApplyLater(random_.uniform(0, 0.1))
        error = Status(random_.choice([500, 503, 409]), "SlowDown")
        action = random_.choice([ApplyThenDrop(), ApplyThenDrop(), DropBefore(), later, error])
        told.faults[type(action).__name__] += 1
        return action

    return rule


def run(root: Path, server: S3Server, moves: int, seed: int, clients: int = 3) -> Told:
    """Move the head so often, and insist that all that was told is true."""
    told, lock, left = Told(), threading.Lock(), iter(range(moves))
    with Proxy(server) as proxy, _environment(server.environment()):
        proxy.rules.append(spoil(seed, 0.3, told))
        env = {**server.environment(), "AWS_ENDPOINT_URL": proxy.endpoint}
        store = f"s3://team-data/ambiguity-{seed}"
        people = [Person(root / f"c{n}", f"c{n}", store, env) for n in range(clients)]

        def work(person: Person) -> None:
            surroundings = Surroundings(env=person.env, clock=Instant())
            settings = settings_of(person, endpoint_url=proxy.endpoint)
            with Connection(settings, surroundings) as connection:
                while True:
                    with lock:
                        number = next(left, None)
                    if number is None:
                        return
                    _move(connection, surroundings, person.name, number, told, lock)

        _begin(people[0], proxy.endpoint)
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(work, people))
        proxy.rules.clear()
        threading.Event().wait(0.3)  # what was to land later has landed
        settings = settings_of(people[0], endpoint_url=proxy.endpoint)
        with Connection(settings, Surroundings(env=people[0].env)) as connection:
            head = connection.read_head()
            assert head is not None
            repo = connection.repository(head.head.repo_id)
            chain = check_chain(repo, head.head, told.won, told.lost)
    ids = {oid for oid, _ in chain}
    claimed = {each.id for each in told.won} | set(told.unknown)
    assert ids <= claimed, "there is a commit of which nobody was told"
    return told


@contextmanager
def _environment(env: dict[str, str]) -> Iterator[None]:
    saved = dict(os.environ)
    os.environ.update(env)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(saved)


def _begin(person: Person, endpoint: str) -> None:
    settings = settings_of(person, endpoint_url=endpoint)
    with Connection(settings, Surroundings(env=person.env, clock=Instant())) as connection:
        connection.begin(lambda _: None, is_tested=True)


def _move(
    connection: Connection,
    surroundings: Surroundings,
    name: str,
    number: int,
    told: Told,
    lock: threading.Lock,
) -> None:
    began = time.monotonic()
    head = connection.read_head()
    assert head is not None
    repo = connection.repository(head.head.repo_id)
    uploader = PackUploader(
        repo.bucket, repo.cache, repo.pool, repo.index(head.head), surroundings.ulid
    )
    now = timestamp(surroundings.clock.now())
    path = parse_repo_path(f"{name}/{number:06}")
    changes = [Change(sort_key(path), None, Entry(path, EMPTY, name, now))]
    author = Author(name, "tests", "here", "")
    new, oid, commit = write_changes(
        repo, head.head, changes, lambda *_: (), uploader, author, surroundings
    )
    try:
        outcome = move_head(repo, head, new, oid, surroundings)
    except OutcomeUnknownError:
        with lock:
            told.unknown.append(oid)
        return
    except StoreError:
        with lock:
            told.lost.append(oid)
        return
    with lock:
        if isinstance(outcome, Won):
            told.won.append(Acknowledged(oid, commit.seq, began, time.monotonic()))
        else:
            told.lost.append(oid)


def main() -> None:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moves", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    with ExitStack() as stack:
        root = Path(stack.enter_context(TemporaryDirectory(prefix="ambiguity-")))
        server = stack.enter_context(weed(root / "weed"))
        server.make_bucket("team-data")
        told = run(root, server, args.moves, args.seed)
    print(
        f"{args.moves} moves: {len(told.won)} published, {len(told.lost)} lost, "
        f"{len(told.unknown)} unknown, all told right; requests: {dict(told.faults)}"
    )


if __name__ == "__main__":
    sys.exit(main())
