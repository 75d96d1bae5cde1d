"""What simulated clients do with the real code of the store, and what must hold after it.

They publish, set tags, read, collect garbage with no grace at all, and now and then reset the
repository. None has a folder, so thousands of orders are tried in a minute.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cas_sync.engine import gc
from cas_sync.engine.publish import Author, Change, move_head, write_changes
from cas_sync.engine.repository import Connection, Repository, refuse_reset
from cas_sync.engine.reset import run_reset
from cas_sync.engine.settings import Settings
from cas_sync.engine.tags import set_tag
from cas_sync.errors import (
    DamageError,
    GuardError,
    OutcomeUnknownError,
    RaceLostError,
    RepositoryResetError,
    UnavailableError,
    UsageError,
)
from cas_sync.formats import pieces
from cas_sync.formats.pieces import Piece, Pieces
from cas_sync.model.commit import Commit, HeadState
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Kind
from cas_sync.model.paths import parse_repo_path, sort_key
from cas_sync.model.tree import Content, Deletion, Entry, Mode, timestamp
from cas_sync.plan.guards import GuardLimits
from cas_sync.progress import Silent
from cas_sync.store.bucket import Key, StoreAddress
from cas_sync.store.head import HeadRead, Won, read_head
from cas_sync.store.packs import PackUploader
from tests.support.chain import Acknowledged, check_chain
from tests.support.simulation import QUIET, Client, Rates, World

PATHS = ("a", "b", "d/e", "d/f", "g")
CHUNKS = [f"chunk {n} ".encode() * 6 for n in range(7)]
FILES = [(n,) for n in range(5)] + [(0, 5), (1, 6), (5, 6)]
"""What may be in a file: one chunk or two. Few, so that what was let go of comes back."""

RACES = 60


class ViolationError(AssertionError):
    """Something was broken that was promised."""


def must(holds: object, what: str) -> None:
    """Insist."""
    if not holds:
        raise ViolationError(what)


@dataclass
class Ledger:
    """What clients were told; it outlives them.

    Attributes:
        published: By repository, commits that their writers were told are made.
        lost: Commits that never will.
        tags: By name, the commit that has it and its repository.
        counts: How often things happened.
    """

    published: defaultdict[str, list[Acknowledged]] = field(
        default_factory=lambda: defaultdict(list)
    )
    lost: set[ObjectId] = field(default_factory=set)
    tags: dict[str, tuple[str, ObjectId]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, what: str) -> None:
        """Note that something happened."""
        self.counts[what] = self.counts.get(what, 0) + 1


Operation = Callable[["Session"], None]


class Session:
    """One client and what they still have to do.

    Args:
        world: Where.
        client: Who.
        ledger: Is told what they were told.
        todo: What they do, last first.
        minds_epoch: Whether a writer stores its contents again after a collection.
    """

    def __init__(
        self,
        world: World,
        client: Client,
        ledger: Ledger,
        todo: list[Operation],
        *,
        minds_epoch: bool = True,
    ) -> None:
        self.world, self.client, self.ledger, self.todo = world, client, ledger, todo
        self.minds_epoch = minds_epoch
        self.settings = settings_of(client.name)
        self.surroundings = world.surroundings(client)

    def __call__(self) -> None:
        """Do the rest; what a killed client was at is done again, or not."""
        while self.todo:
            doing = self.todo[-1]
            is_done_again = self.client.random.random() < 0.5
            if not is_done_again:
                self.todo.pop()
            try:
                doing(self)
            except TOLERATED as error:
                self.ledger.count(type(error).__name__)
            if is_done_again:
                self.todo.pop()

    # -- what they do ---------------------------------------------------------------

    def publish(self) -> None:
        """Publish a few changes, as `engine.sync` does."""
        mine = self.client.random
        wanted = {
            path: None if mine.random() < 0.25 else mine.choice(FILES)
            for path in mine.sample(PATHS, mine.randint(1, 3))
        }
        with Connection(self.settings, self.surroundings) as connection:
            begun = self.world.steps
            head = connection.read_head() or connection.begin(lambda _: None, is_tested=True)
            refuse_reset(head, None, "memory:")
            with _Knowing(self.world, head):
                self._publish(connection, head, wanted, begun)

    def _publish(
        self,
        connection: Connection,
        head: HeadRead,
        wanted: dict[str, tuple[int, ...] | None],
        begun: int,
    ) -> None:
        uploader: PackUploader | None = None
        repo = connection.repository(head.head.repo_id)
        repo.chunk_params(head.head)
        epoch = head.head.gc_epoch
        for _ in range(RACES):
            if uploader is None or (self.minds_epoch and head.head.gc_epoch != epoch):
                epoch = head.head.gc_epoch
                uploader = PackUploader(
                    repo.bucket,
                    repo.cache,
                    repo.pool,
                    repo.index(head.head),
                    self.surroundings.ulid,
                )
            for parts in wanted.values():
                if parts is not None:
                    _store(uploader, parts)
            uploader.flush()
            changes = self._changes(repo, head, wanted)
            if not changes:
                return
            author = Author(self.client.name, "tests", "here", "")
            new, oid, commit = write_changes(
                repo, head.head, changes, _gone(changes), uploader, author, self.surroundings
            )
            outcome = move_head(repo, head, new, oid, self.surroundings)
            if isinstance(outcome, Won):
                self.ledger.count("published")
                self.ledger.published[commit.repo_id].append(
                    Acknowledged(oid, commit.seq, begun, self.world.steps)
                )
                return
            self.ledger.count("races lost")
            self.ledger.lost.add(oid)
            head = outcome.now
            self.surroundings.clock.sleep(0)
        raise ViolationError(f"{self.client.name} lost {RACES} races")

    def _changes(
        self, repo: Repository, head: HeadRead, wanted: dict[str, tuple[int, ...] | None]
    ) -> list[Change]:
        now = timestamp(self.surroundings.clock.now())
        changes = []
        for path, parts in sorted(wanted.items()):
            key = sort_key(path)
            known = repo.versions.find(head.head.versions, key) if head.head.seq else None
            row = None
            if parts is not None:
                row = Entry(parse_repo_path(path), content_of(parts), self.client.name, now)
            if (known and known.content) != (row and row.content):
                changes.append(Change(key, known, row))
        changes.sort(key=lambda each: each.key)
        return changes

    def tag(self) -> None:
        """Give some commit a name of one's own."""
        back = self.client.random.choice([0, 0, 1, 2, 5])
        name = f"by-{self.client.name}"
        self.ledger.tags.pop(name, None)  # until this is answered, nobody knows
        rev = f"@~{back}" if back else "@"
        done = set_tag(self.settings, self.surroundings, name, rev, move=True)
        commit = done.commit
        if commit is not None and done.tag.commit is not None:
            self.ledger.count("tagged")
            self.ledger.tags[name] = commit.repo_id, done.tag.commit

    def read(self) -> None:
        """Read every file of the latest commit."""
        with Connection(self.settings, self.surroundings) as connection:
            head = connection.read_head()
            refuse_reset(head, None, "memory:")
            if head is not None and head.head.commit is not None:
                with _Knowing(self.world, head):
                    repo = connection.repository(head.head.repo_id)
                    reader = repo.reader(head.head)
                    for row in repo.versions.rows(head.head.versions):
                        read = b"".join(reader.stream(row.content))
                        must(ObjectId.of(read) == row.content.id, f"wrong bytes in {row.path}")
                    self.ledger.count("read")

    def collect(self) -> None:
        """Let go of what nobody needs, at once."""
        mine = self.client.random
        options = gc.GcOptions(
            prune=True,
            keep_days=mine.choice([None, 0, 1, 30, 3000]),
            grace_days=0,
            repack=mine.choice([1, 50, 100]),
            force=True,
        )
        report = gc.run_gc(self.settings, self.surroundings, options, Silent())
        self.ledger.count("collected")
        if report.n_deleted:
            self.ledger.count("swept")

    def reset(self) -> None:
        """Remove the repository."""
        self.ledger.count("reset begun")
        run_reset(
            self.settings,
            self.surroundings,
            Silent(),
            confirm=True,
            remote=True,
            local=False,
            even_if_incomplete=True,
        )
        self.ledger.count("reset")


TOLERATED = (
    DamageError,
    GuardError,
    OutcomeUnknownError,
    RaceLostError,
    RepositoryResetError,
    UnavailableError,
    UsageError,
)
"""What a client may be told. Damage is told to who was so slow that a collection without any
grace took what they were reading; `_Knowing` insists on that, and the end on the rest."""


class _Knowing:
    """Insists that damage is told only where a collection or a reset was faster."""

    def __init__(self, world: World, head: HeadRead) -> None:
        self._world, self._head = world, head.head

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Look at the store as it is."""
        if not isinstance(error, DamageError):
            return
        now = read_head(self._world.bucket)
        before = self._head
        if (
            now is not None
            and now.head.state is HeadState.OPEN
            and (now.head.repo_id, now.head.gc_epoch) == (before.repo_id, before.gc_epoch)
        ):
            raise ViolationError(f"damage without a collection: {error}") from error


def content_of(parts: tuple[int, ...]) -> Content:
    """Return the content that consists of some chunks."""
    data = b"".join(CHUNKS[n] for n in parts)
    return Content(ObjectId.of(data), len(data), Mode.FILE)


def _store(uploader: PackUploader, parts: tuple[int, ...]) -> None:
    for n in parts:
        uploader.add(ObjectId.of(CHUNKS[n]), Kind.CHUNK, CHUNKS[n])
    if len(parts) > 1:
        listed = tuple(Piece(ObjectId.of(CHUNKS[n]), len(CHUNKS[n])) for n in parts)
        uploader.add(content_of(parts).id, Kind.FILE, pieces.dump(Pieces(0, listed)))


def _gone(changes: list[Change]) -> Callable[..., Iterator[Deletion]]:
    def rows(when, seq):
        for each in changes:
            if each.after is None and each.before is not None:
                yield Deletion(each.before, "x", when, seq)

    return rows


@cache
def settings_of(name: str) -> Settings:
    """Return settings of somebody without any file."""
    nowhere = Path("/nowhere")
    return Settings(
        root=nowhere,
        data=nowhere / "Data",
        address=StoreAddress("memory:"),
        user_name=name,
        ignore=(),
        limits=GuardLimits(),
        jobs=1,
        single_writer=True,
        cache_dir=nowhere,
        state_dir=nowhere,
    )


@cache
def history(n: int) -> dict[Key, bytes]:
    """Return a store with a few commits; one of several."""
    world = World(n, QUIET)
    client = world.client("begin")
    todo: list[Operation] = [Session.publish] * (n % 6)
    world.run([(client, Session(world, client, Ledger(), todo))])
    return world.bucket._objects


def play(
    seed: int,
    *,
    minds_epoch: bool = True,
    watch: Callable[[World], object] = lambda _: None,
) -> tuple[World, Ledger]:
    """Let a team do what a seed says, and insist on what was promised.

    Args:
        seed: Decides everything.
        minds_epoch: See `Session`.
        watch: Is shown the world before anything happens.

    Raises:
        ViolationError: Something was broken that was promised.
    """
    draw = random.Random(f"team {seed}")
    rates = draw.choice([Rates(), Rates(killed=0.002, stays=0.2), Rates(unclear=0.5), CALM])
    world = World(seed, rates, history(draw.randrange(12)))
    watch(world)
    ledger = Ledger()
    plans: list[list[Operation]] = [
        [Session.publish] * draw.randint(1, 2),
        [Session.publish] * draw.randint(1, 2),
        [Session.collect] * draw.randint(1, 2),
    ]
    more: list[list[Operation]] = [
        [Session.tag, Session.publish],
        [Session.collect],
        [Session.publish, Session.tag],
        [Session.read, Session.publish, Session.read],
    ]
    plans += draw.sample(more, draw.randint(0, 2))
    if draw.random() < 0.06:
        plans.append([Session.publish, Session.reset])
    programs = []
    for n, todo in enumerate(plans):
        client = world.client(f"c{n}")
        session = Session(world, client, ledger, [*todo], minds_epoch=minds_epoch)
        programs.append((client, session))
    world.run(programs)
    check(world, ledger)
    return world, ledger


CALM = Rates(killed=0, failed=0, unclear=0, stays=0.4)


def check(world: World, ledger: Ledger) -> None:
    """Insist on a serial chain, all of which is there after one more collection."""
    world.rates = QUIET
    client = world.client("at rest")
    surroundings = world.surroundings(client)
    with Connection(settings_of("at rest"), surroundings) as connection:
        head = connection.read_head()
        if head is None or head.head.state is HeadState.CLOSED:
            is_lost = head is None and any(ledger.published.values())
            must(ledger.counts.get("reset begun") or not is_lost, "the head is gone")
            return
        if head.head.commit is None:
            must(not ledger.published[head.head.repo_id], "empty")
            return
    options = gc.GcOptions(prune=True, grace_days=0, force=True)
    gc.run_gc(settings_of("at rest"), surroundings, options, Silent())
    client.copies.clear()
    with Connection(settings_of("at rest"), surroundings) as connection:
        head = connection.read_head()
        must(head, "the head is gone")
        repo = connection.repository(head.head.repo_id)
        repo.chunk_params(head.head)
        _check_stored(repo, head, ledger)


def _check_stored(repo: Repository, head: HeadRead, ledger: Ledger) -> None:
    chain = check_chain(repo, head.head, ledger.published[repo.repo_id], ledger.lost)
    record = repo.upkeep.in_force(head.head)
    tagged = {oid for repo_id, oid in ledger.tags.values() if repo_id == repo.repo_id}
    reader = repo.reader(head.head)
    seen: set[ObjectId] = set()
    for oid, commit in chain:
        if not record.keeps(commit.seq, oid):
            must(oid not in tagged, f"#{commit.seq} has a tag and its contents are gone")
            continue
        for content in _contents(repo, commit, record.horizon):
            if content.id not in seen:
                seen.add(content.id)
                read = b"".join(reader.stream(content))
                must(ObjectId.of(read) == content.id, f"wrong bytes at #{commit.seq}")
    must(tagged <= {oid for oid, _ in chain}, "a tagged commit is not in the history")


def _contents(repo: Repository, commit: Commit, horizon: int) -> Iterator[Content]:
    for row in repo.versions.rows(commit.versions):
        yield row.content
    for gone in repo.deleted.rows(commit.deleted):
        if gone.seq > horizon:
            yield gone.entry.content
