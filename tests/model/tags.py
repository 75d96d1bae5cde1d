"""Tags and collections that let old versions go, as docs/design.md, section 5.9 has them.

One old commit that a collection would let go of; people who tag it. A tag is written, then
the head is read again; a collection proposes, lists the tags again, confirms, deletes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tests.model.search import Protocol


@dataclass(frozen=True)
class Rules:
    """The lines that make it safe.

    Attributes:
        tagger_reads_again: Who tags reads the head again before they call it done.
        lists_again: A collection lists the tags again once its proposal stands.
        only_confirmed: Only what is confirmed is deleted.
        collectors: How many collections there are.
        taggers: How many people tag.
    """

    tagger_reads_again: bool = True
    lists_again: bool = True
    only_confirmed: bool = True
    collectors: int = 2
    taggers: int = 2


class Head(NamedTuple):
    """A head: how often it moved, whether the old commit is let go of, and for certain."""

    number: int = 0
    lets_go: bool = False
    is_confirmed: bool = True


class Tagger(NamedTuple):
    at: str = "begin"
    saw: int = 0


class Collector(NamedTuple):
    at: str = "begin"
    saw: int = 0


class State(NamedTuple):
    head: Head
    has_contents: bool
    n_tags: int
    taggers: tuple[Tagger, ...]
    collectors: tuple[Collector, ...]


Steps = Iterator[tuple[str, State]]


class Tags:
    """The protocol under some rules."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules

    def protocol(self) -> Protocol[State]:
        """Return what is searched."""
        rules = self.rules
        first = State(
            Head(),
            has_contents=True,
            n_tags=0,
            taggers=(Tagger(),) * rules.taggers,
            collectors=(Collector(),) * rules.collectors,
        )
        return Protocol(first, self._steps, _wrong)

    def _steps(self, state: State) -> Steps:
        for i, tagger in enumerate(state.taggers):
            yield from self._tag(state, i, tagger)
        for i, collector in enumerate(state.collectors):
            yield from self._collect(state, i, collector)

    def _tag(self, state: State, i: int, tagger: Tagger) -> Steps:
        def then(at: str, saw: int = 0, n_tags: int = state.n_tags) -> State:
            taggers = (*state.taggers[:i], Tagger(at, saw), *state.taggers[i + 1 :])
            return state._replace(taggers=taggers, n_tags=n_tags)

        head = state.head
        if tagger.at == "begin":
            if head.lets_go:
                yield f"tagger {i} is told that it is not kept", then("refused")
            else:
                yield f"tagger {i} reads the head", then("read", head.number)
        elif tagger.at == "read":
            at = "written" if self.rules.tagger_reads_again else "told"
            yield f"tagger {i} writes the tag", then(at, tagger.saw, state.n_tags + 1)
        elif tagger.at == "written":
            if head.number == tagger.saw:
                yield f"tagger {i} is told that it counts", then("told")
            else:
                yield f"tagger {i} is told to look again", then("begin")

    def _collect(self, state: State, i: int, collector: Collector) -> Steps:
        def then(at: str, saw: int = 0, head: Head = state.head) -> State:
            after = Collector(at, saw)
            collectors = (*state.collectors[:i], after, *state.collectors[i + 1 :])
            return state._replace(collectors=collectors, head=head)

        head = state.head
        match collector.at:
            case "begin":
                # A proposal of somebody else is begun again; what is confirmed stays.
                if head.lets_go and head.is_confirmed:
                    yield f"gc {i} finds it let go of", then("deletes")
                elif head.lets_go and not self.rules.only_confirmed:
                    yield f"gc {i} takes a proposal for decided", then("deletes")
                elif state.n_tags == 0:
                    yield f"gc {i} lists no tag", then("looked", head.number)
                elif head.lets_go:
                    new = Head(head.number + 1)
                    yield f"gc {i} lists a tag and takes the proposal back", then("end", 0, new)
            case "looked":
                if head.number != collector.saw:
                    yield f"gc {i} has lost", then("end")
                    return
                is_sure = not self.rules.lists_again
                new = Head(head.number + 1, lets_go=True, is_confirmed=is_sure)
                at = "deletes" if is_sure else "proposed"
                yield f"gc {i} proposes", then(at, new.number, new)
            case "proposed":
                if state.n_tags:
                    yield f"gc {i} lists a tag and begins again", then("begin")
                else:
                    yield f"gc {i} lists no tag again", then("listed", collector.saw)
            case "listed":
                if head.number != collector.saw:
                    yield f"gc {i} has lost", then("end")
                    return
                new = Head(head.number + 1, lets_go=True, is_confirmed=True)
                yield f"gc {i} confirms", then("deletes", 0, new)
            case "deletes":
                yield f"gc {i} deletes", then("end")._replace(has_contents=False)


def _wrong(state: State) -> str:
    if not state.has_contents and any(each.at == "told" for each in state.taggers):
        return "a tag counts, and what it stands for is gone"
    if not state.has_contents and not state.head.lets_go:
        return "the head says that it is kept, and it is gone"
    return ""


SOUND = {"tags": Rules(), "tags, three collections": Rules(collectors=3, taggers=1)}
WEAKENED = {
    "who tags does not read the head again": Rules(tagger_reads_again=False),
    "tags are listed once": Rules(lists_again=False),
    "a proposal is taken for decided": Rules(only_confirmed=False),
}
