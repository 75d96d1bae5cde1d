"""Several clients in one process, of which one runs at a time, as a seed says.

A client stops before each request and each wait. Whoever goes on next, what becomes of the
request, who is killed and what time it is there are drawn from one seed; so the same seed
gives the same trace, and a failing one can be looked at again and again. The code under test
is the real one: it is given another clock, other randomness, a bucket that stops, and neither
threads nor files.
"""

import random
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from pathlib import Path
from typing import Any

from cas_sync.engine.surroundings import Surroundings
from cas_sync.errors import UnavailableError
from cas_sync.formats import keys
from cas_sync.store.bucket import MAX_WHOLE, Blob, Body, ETag, Key, Moved, Stored, Unclear
from cas_sync.store.cache import Cache
from cas_sync.store.head import HEAD
from cas_sync.store.memory import MemoryBucket
from tests.support.faulty import SimulatedCrash

START = datetime(2026, 1, 1, tzinfo=UTC)
FIXED = (keys.HEAD, keys.FORMAT)
"""Names that are used again. Nothing orders their removal against somebody who begins anew,
if it travels longer than it takes to reset twice and to begin; that is left out."""

YEARS = timedelta(days=3653)


@dataclass(frozen=True)
class Rates:
    """How often things go wrong, from 0 to 1 at each request.

    Attributes:
        killed: The client ends.
        stalled: It is stopped for a long while.
        failed: There is no answer.
        unclear: There is no answer to a move of the head.
        jump: The client's clock jumps.
        stays: It goes on at once, without anybody between.
    """

    killed: float = 0.01
    stalled: float = 0.02
    failed: float = 0.003
    unclear: float = 0.2
    jump: float = 0.003
    stays: float = 0.55


QUIET = Rates(0, 0, 0, 0, 0, 1)


class Lands(Enum):
    """When a request that is not answered is carried out."""

    NEVER = auto()
    NOW = auto()
    LATER = auto()


@dataclass
class Client:
    """Somebody at a computer.

    Attributes:
        name: Who.
        skew: How much their clock is ahead.
        copies: Their copies of immutable objects, which outlive a process.
        is_dead: Whether the process was killed, and no other begun.
        stalled: They do not go on before this many steps were made.
        turn: Is released when it is their turn.
    """

    name: str
    random: random.Random
    skew: timedelta = timedelta()
    copies: dict[tuple[str, str, str], bytes] = field(default_factory=dict)
    is_dead: bool = False
    stalled: int = 0
    turn: threading.Lock = field(default_factory=threading.Lock)


class World:
    """The store, the time, and who does what when.

    Args:
        seed: Decides everything.
        rates: How often things go wrong.
        objects: What the store holds at first.
    """

    def __init__(
        self, seed: int, rates: Rates, objects: dict[Key, bytes] | None = None
    ) -> None:
        self.random = random.Random(seed)
        self.rates = rates
        self.bucket = MemoryBucket()
        self.bucket._objects = dict(objects or {})
        self.steps = 0
        self.now = START
        self.trace: list[str] = []
        self.failure: BaseException | None = None
        self.held: list[tuple[str, Callable[[], object]]] = []
        self.clients: list[Client] = []
        self._ready: list[Client] = []
        self._idle = threading.Lock()
        self._idle.acquire()

    def client(self, name: str) -> Client:
        """Return somebody new, whose clock is wrong by up to ten years."""
        skew = YEARS * self.random.uniform(-1, 1) if self.random.random() < 0.3 else timedelta()
        found = Client(name, random.Random(self.random.random()), skew)
        found.turn.acquire()
        self.clients.append(found)
        return found

    def surroundings(self, client: Client) -> Surroundings:
        """Return what a client of this world is given."""
        return Surroundings(
            clock=SimulatedClock(self, client),
            entropy=client.random.randbytes,
            machine="simulated",
            env={},
            connect=lambda _: SimulatedBucket(self, client),
            pool=lambda _: Inline(),
            copies=lambda root: MemoryCache(client.copies, root.name),
        )

    def run(self, programs: Iterable[tuple[Client, Callable[[], None]]]) -> None:
        """Let clients do what they do until all are done, and raise what went wrong.

        Args:
            programs: By client; called again after the client was killed, until it returns.
        """
        programs = list(programs)
        threads = [
            threading.Thread(target=self._live, args=program, daemon=True)
            for program in programs
        ]
        for thread in threads:
            thread.start()
        self._ready = [client for client, _ in programs]
        if self._ready:
            self._next().turn.release()
            self._idle.acquire()
        for thread in threads:
            thread.join()
        self.land_all()
        if self.failure is not None:
            raise self.failure

    def _live(self, client: Client, program: Callable[[], None]) -> None:
        client.turn.acquire()
        while self.failure is None:
            try:
                program()
                break
            except SimulatedCrash:
                self.note(client, "begins again")
                client.is_dead = False
            except BaseException as error:  # noqa: BLE001 - `run` raises it
                self.failure = error
        self._ready.remove(client)
        if self._ready:
            self._next().turn.release()
        else:
            self._idle.release()

    def _next(self) -> Client:
        awake = [each for each in self._ready if each.stalled <= self.steps]
        return self.random.choice(awake or self._ready)

    def note(self, client: Client, what: str) -> None:
        """Write something into the trace."""
        self.trace.append(f"{self.steps} {client.name} {what}")

    def stop(self, client: Client) -> None:
        """Let others go first, perhaps."""
        self.steps += 1
        self.now += timedelta(seconds=self.random.random() * 3600)
        if self.failure is not None:
            raise SimulatedCrash("the simulation ends")
        if self.held and self.random.random() < 0.05:
            self.land(self.random.randrange(len(self.held)))
        rates = self.rates
        if rates.stalled and self.random.random() < rates.stalled:
            client.stalled = self.steps + self.random.randrange(5, 300)
        elif self.random.random() < rates.stays:
            return
        chosen = self._next()
        if chosen is not client:
            chosen.turn.release()
            client.turn.acquire()

    def land(self, n: int) -> None:
        """Carry out a request that was held."""
        what, step = self.held.pop(n)
        self.trace.append(f"{self.steps} {what} lands: {_short(step())}")

    def land_all(self) -> None:
        """Carry out all requests that are held."""
        while self.held:
            self.land(self.random.randrange(len(self.held)))

    def call(self, client: Client, method: str, key: str, step: Callable[[], Any]) -> Any:
        """Make a request when it is the client's turn, unless something goes wrong."""
        if client.is_dead:
            raise SimulatedCrash(client.name)
        self.stop(client)
        rates, draw = self.rates, self.random.random()
        is_write = method in {"put_new", "put_if", "delete"}
        if draw < rates.killed:
            client.is_dead = True
            how = self.random.choice([*Lands]) if is_write else Lands.NEVER
            self._lose(client, f"{method} {key}", step, how)
            raise SimulatedCrash(client.name)
        is_head = method == "put_if" and key == HEAD
        if draw - rates.killed < (rates.unclear if is_head else rates.failed):
            how = self.random.choice([*Lands] if is_write else [Lands.NEVER])
            self._lose(client, f"{method} {key}", step, how)
            if method == "put_if":
                return Unclear("simulated")
            raise UnavailableError(f"no answer to {method} {key}", cause="simulated")
        answer = step()
        self.note(client, f"{method} {key} {_short(answer)}")
        return answer

    def _lose(self, client: Client, what: str, step: Callable[[], object], how: Lands) -> None:
        dies = "dies at" if client.is_dead else "loses"
        self.note(client, f"{dies} {what} ({how.name.lower()})")
        if how is Lands.NOW:
            step()
        elif how is Lands.LATER and what.removeprefix("delete ") not in FIXED:
            self.held.append((f"{client.name} {what}", step))


def _short(answer: object) -> str:
    if answer is None or isinstance(answer, bool):
        return str(answer)
    return type(answer).__name__


class SimulatedClock:
    """A client's clock; waiting is one more moment for others to go first."""

    def __init__(self, world: World, client: Client) -> None:
        self._world, self._client = world, client

    def now(self) -> datetime:
        """Return what this client takes for the time."""
        world, client = self._world, self._client
        if world.rates.jump and world.random.random() < world.rates.jump:
            client.skew = YEARS * world.random.uniform(-1, 1)
        return world.now + client.skew

    def monotonic(self) -> float:
        """Return how much was done."""
        return float(self._world.steps)

    def sleep(self, seconds: float) -> None:
        """Let others go on."""
        del seconds
        if self._client.is_dead:
            raise SimulatedCrash(self._client.name)
        self._world.stop(self._client)


class SimulatedBucket:
    """The way of one client to the store all share."""

    url = "memory:"

    def __init__(self, world: World, client: Client) -> None:
        self._world, self._client, self._inner = world, client, world.bucket
        self.meter = world.bucket.meter

    def _call(self, method: str, key: str, step: Callable[[], Any]) -> Any:
        return self._world.call(self._client, method, key, step)

    def get(self, key: Key, most: int = MAX_WHOLE) -> Blob | None:
        """As `Bucket.get`."""
        found: Blob | None = self._call("get", key, lambda: self._inner.get(key, most))
        return found

    def get_range(self, key: Key, offset: int, length: int) -> bytes | None:
        """As `Bucket.get_range`."""
        found: bytes | None = self._call(
            "get_range", key, lambda: self._inner.get_range(key, offset, length)
        )
        return found

    def put_new(self, key: Key, data: Body) -> Stored | Moved:
        """As `Bucket.put_new`."""
        sent = bytes(data)
        answer: Stored | Moved = self._call(
            "put_new", key, lambda: self._inner.put_new(key, sent)
        )
        return answer

    def put_if(self, key: Key, data: bytes, expected: ETag | None) -> Stored | Moved | Unclear:
        """As `Bucket.put_if`."""
        answer: Stored | Moved | Unclear = self._call(
            "put_if", key, lambda: self._inner.put_if(key, data, expected)
        )
        return answer

    def list_keys(self, under: Key) -> Iterator[tuple[Key, int]]:
        """As `Bucket.list_keys`."""
        yield from self._call("list_keys", under, lambda: list(self._inner.list_keys(under)))

    def delete(self, keys: Iterable[Key]) -> None:
        """As `Bucket.delete`, one request each."""
        for key in list(keys):
            self._call("delete", key, lambda key=key: self._inner.delete([key]))

    def close(self) -> None:
        """Do nothing."""


class Inline(Executor):
    """Does everything at once, in the thread that asks for it."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do it; a simulated crash goes through."""
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - whoever asks for the answer gets it
            done.set_exception(error)
        return done

    def map(self, fn: Callable[..., Any], *iterables: Any, **_: Any) -> Iterator[Any]:
        """Do it for each."""
        return iter([fn(*each) for each in zip(*iterables, strict=False)])


class MemoryCache(Cache):
    """Copies in a dict."""

    def __init__(self, copies: dict[tuple[str, str, str], bytes], repo_id: str) -> None:
        super().__init__(Path("/nowhere"))
        self._copies, self._repo = copies, repo_id

    def get(self, kind: str, name: str) -> bytes | None:
        """Return the copy, or `None`."""
        return self._copies.get((self._repo, kind, name))

    def view(self, kind: str, name: str) -> memoryview | None:
        """Return the copy, or `None`."""
        found = self.get(kind, name)
        return None if found is None else memoryview(found)

    def put(self, kind: str, name: str, data: bytes | bytearray) -> None:
        """Keep a copy."""
        self._copies[self._repo, kind, name] = bytes(data)

    def drop(self, kind: str, name: str) -> None:
        """Forget a copy."""
        self._copies.pop((self._repo, kind, name), None)
