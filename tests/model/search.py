"""Searches every state that a protocol can reach, nearest first.

A protocol is a first state, what can happen in a state, and what must never be. So the
first violation that is found is one of the shortest.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, NamedTuple, TypeVar

S = TypeVar("S", bound=Hashable)


class Protocol(NamedTuple, Generic[S]):
    """What is searched.

    Attributes:
        first: The state it begins in.
        steps: Yields what can happen in a state, in words, and the state after it.
        wrong: Says what must never be in a state; empty if all is well.
    """

    first: S
    steps: Callable[[S], Iterable[tuple[str, S]]]
    wrong: Callable[[S], str]


class Found(NamedTuple):
    """What a search came to.

    Attributes:
        states: How many states were looked at.
        is_all: Whether there are no others.
        wrong: What must never be and was reached; empty if nothing.
        trace: How, step by step.
    """

    states: int
    is_all: bool
    wrong: str
    trace: tuple[str, ...]


def search(protocol: Protocol[S], most: int) -> Found:
    """Look at up to ``most`` states."""
    came: dict[S, tuple[S, str] | None] = {protocol.first: None}
    queue = deque([protocol.first])
    n = 0
    while queue:
        if n >= most:
            return Found(n, is_all=False, wrong="", trace=())
        state = queue.popleft()
        n += 1
        if wrong := protocol.wrong(state):
            return Found(n, is_all=False, wrong=wrong, trace=_trace(came, state))
        for what, after in protocol.steps(state):
            if after not in came:
                came[after] = state, what
                queue.append(after)
    return Found(n, is_all=True, wrong="", trace=())


def _trace(came: dict[S, tuple[S, str] | None], state: S) -> tuple[str, ...]:
    steps = []
    while (before := came[state]) is not None:
        state, what = before
        steps.append(what)
    return tuple(reversed(steps))
