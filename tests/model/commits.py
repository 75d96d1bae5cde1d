"""Commits, collections and resets, as docs/design.md, sections 5.9, 7 and 9 have them.

Two writers store one content each and move the head; the network delays, drops or applies
each request at any later time, and loses any answer. Collections condemn what the head they
read does not need, through the head, and delete afterwards. `Rules` are the lines that make
it safe; each can be taken out, to see what goes wrong without it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tests.model.search import Protocol

MOST_TRIES = 2
Name = str
ETag = tuple[object, ...]


@dataclass(frozen=True)
class Rules:
    """The lines that make the protocol safe, and how large the world is.

    Attributes:
        unique_names: An upload has a name that was never used before.
        fenced: What is condemned goes through the head before anything is deleted.
        checks_epoch: A writer stores its content again if the epoch moved since.
        index_loses: The same move takes what is condemned out of the index.
        looks_again: What a writer found in the index is looked up again in a newer head.
        has_nonce: Each value of the head has a fresh nonce.
        asks_ancestry: Whether a commit is in the history is asked of all of it.
        keeps_uploads: What may have failed is not cleaned up.
        trusts_existence: An upload is left out where an object of the name exists.
        dedups: The first writer finds its content in the head; the second one drops it.
        resets: Whether there is a reset, and a new beginning after it.
        collectors: How many collections there are.
    """

    unique_names: bool = True
    fenced: bool = True
    checks_epoch: bool = True
    index_loses: bool = True
    looks_again: bool = True
    has_nonce: bool = True
    asks_ancestry: bool = True
    keeps_uploads: bool = True
    trusts_existence: bool = False
    dedups: bool = False
    resets: bool = False
    collectors: int = 1


class Head(NamedTuple):
    etag: ETag
    repo: int
    chain: tuple[tuple[str, Name | None], ...]
    index: frozenset[Name]
    epoch: int


class Writer(NamedTuple):
    id: str
    at: str = "begin"
    base: Head | None = None
    name: Name | None = None
    epoch: int = 0
    tries: int = 0
    sent: "Sent | None" = None
    is_told: bool = False


class Sent(NamedTuple):
    expected: ETag
    head: Head
    by: str


class Collector(NamedTuple):
    at: str = "idle"
    base: Head | None = None
    condemned: frozenset[Name] = frozenset()


class State(NamedTuple):
    head: Head | None
    objects: frozenset[Name]
    network: frozenset[Sent]
    writers: tuple[Writer, ...]
    collectors: tuple[Collector, ...]
    fresh: int
    resets: int


Steps = Iterator[tuple[str, State]]


class Commits:
    """The protocol under some rules."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules

    def protocol(self) -> Protocol[State]:
        """Return what is searched."""
        return Protocol(self._first(), self._steps, self._wrong)

    def _first(self) -> State:
        old = "p0" if self.rules.unique_names else "X"
        head = Head(self._etag(0, 0, (), frozenset(), 0), 0, (), frozenset(), 0)
        if self.rules.dedups:
            head = head._replace(chain=(("Z", old),), index=frozenset([old]))
        return State(
            head,
            frozenset([old]),
            frozenset(),
            (Writer("A"), Writer("B")),
            (Collector(),) * self.rules.collectors,
            1,
            0,
        )

    def _etag(
        self,
        fresh: int,
        repo: int,
        chain: tuple[tuple[str, Name | None], ...],
        index: frozenset[Name],
        epoch: int,
    ) -> ETag:
        return ("n", fresh) if self.rules.has_nonce else ("same", chain, index, epoch)

    def _new_head(self, state: State, **changes: object) -> Head:
        assert state.head is not None
        head = state.head._replace(**changes)  # type: ignore[arg-type]
        etag = self._etag(state.fresh, head.repo, head.chain, head.index, head.epoch)
        return head._replace(etag=etag)

    # -- what can happen --------------------------------------------------------------

    def _steps(self, state: State) -> Steps:
        for i, writer in enumerate(state.writers):
            yield from self._write(state, i, writer)
        for sent in state.network:
            yield from self._deliver(state, sent)
        for i, collector in enumerate(state.collectors):
            yield from self._collect(state, i, collector)
        if self.rules.resets:
            yield from self._reset(state)

    def _write(self, state: State, i: int, writer: Writer) -> Steps:
        def with_writer(after: Writer, **changes: object) -> State:
            writers = (*state.writers[:i], after, *state.writers[i + 1 :])
            return state._replace(writers=writers, **changes)  # type: ignore[arg-type]

        head = state.head
        if writer.at == "stop" or (writer.at == "begin" and head is None):
            return
        if writer.at == "begin":
            assert head is not None
            yield from self._begin(state, writer, head, with_writer)
        elif writer.at == "waits":
            yield f"{writer.id} hears nothing", with_writer(writer._replace(at="unknown"))
        elif writer.at == "unknown" and not self.rules.keeps_uploads:
            yield (
                f"{writer.id} takes silence for failure and deletes {writer.name}",
                with_writer(
                    writer._replace(at="stop"), objects=state.objects - {writer.name or ""}
                ),
            )
        elif head is None or (writer.base is not None and head.repo != writer.base.repo):
            yield f"{writer.id} meets a reset", with_writer(writer._replace(at="stop"))
        elif writer.at == "ready":
            yield from self._send(state, writer, head, with_writer)
        else:
            yield from self._resolve(state, writer, head, with_writer)

    def _begin(self, state: State, writer: Writer, head: Head, with_writer) -> Steps:
        name: Name | None = f"{writer.id}0" if self.rules.unique_names else "X"
        objects = state.objects
        what = f"stores {name}"
        if self.rules.dedups and writer.id == "B":
            name, what = None, "drops a file"
        elif self.rules.dedups and "p0" in head.index:
            name, what = "p0", "finds its content in the index"
        elif self.rules.trusts_existence and name in objects:
            what = f"finds that {name} exists"
        else:
            objects = objects | {name or ""}
        ready = writer._replace(at="ready", base=head, name=name, epoch=head.epoch)
        yield f"{writer.id} {what}", with_writer(ready, objects=objects)

    def _send(self, state: State, writer: Writer, head: Head, with_writer) -> Steps:
        rules = self.rules
        is_found = writer.name == "p0" and rules.dedups
        is_stale = rules.checks_epoch and head.epoch != writer.epoch
        if is_found and rules.looks_again:
            is_stale = "p0" not in head.index
        elif is_found or writer.name is None:
            is_stale = False
        if is_stale and rules.unique_names:
            if writer.tries >= MOST_TRIES:
                yield f"{writer.id} gives up", with_writer(writer._replace(at="stop"))
                return
            name = f"{writer.id}{writer.tries + 1}"
            again = writer._replace(tries=writer.tries + 1, name=name, epoch=head.epoch)
            objects = state.objects | {name}
            yield f"{writer.id} stores again, as {name}", with_writer(again, objects=objects)
            return
        chain = head.chain
        index = head.index
        objects = state.objects
        if rules.dedups and writer.id == "B":
            chain = tuple(each for each in chain if each[0] != "Z")
        if writer.name is not None:
            index = index | {writer.name}
            if not rules.unique_names and is_stale:
                objects = objects | {writer.name}
        new = self._new_head(state, chain=(*chain, (writer.id, writer.name)), index=index)
        sent = Sent(head.etag, new, writer.id)
        yield (
            f"{writer.id} asks to move the head from {head.etag}",
            with_writer(
                writer._replace(at="waits", base=head, sent=sent),
                network=state.network | {sent},
                objects=objects,
                fresh=state.fresh + 1,
            ),
        )

    def _resolve(self, state: State, writer: Writer, head: Head, with_writer) -> Steps:
        assert writer.base is not None
        assert writer.sent is not None
        ids = [each for each, _ in head.chain]
        is_there = writer.id in ids if self.rules.asks_ancestry else ids[-1:] == [writer.id]
        if is_there:
            after = writer._replace(at="stop", is_told=True)
            yield f"{writer.id} finds its commit", with_writer(after)
        elif head.etag == writer.base.etag:
            again = writer._replace(at="waits")
            network = state.network | {writer.sent}
            yield f"{writer.id} asks again", with_writer(again, network=network)
        elif writer.tries < MOST_TRIES:
            again = writer._replace(at="ready", tries=writer.tries + 1)
            yield f"{writer.id} has lost and makes its commit again", with_writer(again)

    def _deliver(self, state: State, sent: Sent) -> Steps:
        left = state.network - {sent}
        i = next(i for i, each in enumerate(state.writers) if each.id == sent.by)
        writer = state.writers[i]
        waits = writer.at == "waits" and writer.sent == sent

        def answered(after: Writer, base: State) -> State:
            writers = (*base.writers[:i], after, *base.writers[i + 1 :])
            return base._replace(writers=writers)

        yield f"the request of {sent.by} is lost", state._replace(network=left)
        if state.head is not None and state.head.etag == sent.expected:
            moved = state._replace(network=left, head=sent.head)
            yield f"the request of {sent.by} is done, the answer lost", moved
            if waits:
                told = writer._replace(at="stop", is_told=True)
                yield f"{sent.by} is told that it won", answered(told, moved)
        elif waits:
            refused = answered(writer._replace(at="lost"), state._replace(network=left))
            yield f"{sent.by} is told that the head has moved", refused

    def _collect(self, state: State, i: int, collector: Collector) -> Steps:
        def with_collector(after: Collector, **changes: object) -> State:
            collectors = (*state.collectors[:i], after, *state.collectors[i + 1 :])
            return state._replace(collectors=collectors, **changes)  # type: ignore[arg-type]

        head = state.head
        if collector.at == "idle" and head is not None:
            garbage = state.objects - needed(head)
            if garbage:
                seen = Collector("looked", head, garbage)
                yield f"gc {i} finds {sorted(garbage)}", with_collector(seen)
        elif collector.at == "looked" and not self.rules.fenced:
            yield f"gc {i} goes on", with_collector(collector._replace(at="deletes"))
        elif collector.at == "looked":
            assert collector.base is not None
            if head is None or head.etag != collector.base.etag:
                yield f"gc {i} has lost", with_collector(Collector("done"))
                return
            index = head.index
            if self.rules.index_loses:
                index = index - collector.condemned
            new = self._new_head(state, index=index, epoch=head.epoch + 1)
            after = collector._replace(at="deletes", base=None)
            yield (
                f"gc {i} condemns {sorted(collector.condemned)}",
                with_collector(after, head=new, fresh=state.fresh + 1),
            )
        elif collector.at == "deletes":
            for name in collector.condemned:
                left = collector.condemned - {name}
                after = collector._replace(condemned=left) if left else Collector("done")
                yield (
                    f"gc {i} deletes {name}",
                    with_collector(after, objects=state.objects - {name}),
                )

    def _reset(self, state: State) -> Steps:
        if state.head is not None and state.resets < 1:
            gone = state._replace(head=None, objects=frozenset(), resets=1)
            yield "a reset removes everything", gone
        if state.head is None:
            etag = self._etag(state.fresh, 1, (), frozenset(), 0)
            head = Head(etag, 1, (), frozenset(), 0)
            yield "a new repository begins", state._replace(head=head, fresh=state.fresh + 1)

    # -- what must never be -----------------------------------------------------------

    def _wrong(self, state: State) -> str:
        head = state.head
        if head is None:
            return ""
        if missing := needed(head) - state.objects:
            return f"the head needs {sorted(missing)}, which is gone"
        ids = [each for each, _ in head.chain]
        if len(ids) != len(set(ids)):
            return f"a commit is there twice: {ids}"
        for writer in state.writers:
            if writer.is_told and writer.id not in ids and not state.resets:
                return f"{writer.id} was told that it won, and is not there"
        return ""


def needed(head: Head) -> frozenset[Name]:
    """Return what the commits of a head need."""
    return frozenset(name for _, name in head.chain if name is not None)


SOUND = {
    "two writers, one collection": Rules(),
    "content that is found in the index": Rules(dedups=True),
    "two writers, two collections": Rules(collectors=2),
    "a reset and a new beginning": Rules(resets=True),
}
"""What has to hold."""

WEAKENED = {
    "list, subtract, delete": Rules(unique_names=False, fenced=False, checks_epoch=False),
    "an upload is left out where the name exists": Rules(
        unique_names=False, fenced=False, checks_epoch=False, trusts_existence=True
    ),
    "names are used again": Rules(unique_names=False),
    "the epoch is not looked at": Rules(checks_epoch=False),
    "what was found is not looked up again": Rules(dedups=True, looks_again=False),
    "what is condemned stays in the index": Rules(dedups=True, index_loses=False),
    "silence is taken for failure": Rules(keeps_uploads=False),
    "only the latest commit is compared": Rules(asks_ancestry=False),
    "no nonce": Rules(has_nonce=False, resets=True),
}
"""What has to go wrong: each without one of the lines."""
