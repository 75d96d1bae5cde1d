"""What a sync asks, and who answers; the engine itself talks to nobody."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from cas_sync.engine.repository import Repository
from cas_sync.model.commit import Head
from cas_sync.model.tree import Content, Mode
from cas_sync.plan.adoption import Foreign
from cas_sync.plan.step import Answer, Step
from cas_sync.plan.survey import Survey
from cas_sync.worktree.folder import Folder


@dataclass(frozen=True)
class Question:
    """A plan to be agreed to.

    Attributes:
        survey: What it comes to.
        steps: Yields its steps in path order; may be called again and again.
        url: The store's address.
        read_ours: Returns the bytes our content of a step holds; `None` where it has more
            than a number of bytes, or cannot be read.
        read_stored: The same of a stored content.
    """

    survey: Survey
    steps: Callable[[], Iterator[Step]]
    url: str
    read_ours: Callable[[Step, int], bytes | None]
    read_stored: Callable[[Content, int], bytes | None]


class Asker(Protocol):
    """Answers for the user.

    Attributes:
        agrees: Whether every plan is agreed to, whatever it says.
    """

    @property
    def agrees(self) -> bool:
        """See above."""

    def show(self, question: Question) -> None:
        """Take notice of a plan that is only looked at."""

    def apply(self, question: Question) -> Answer:
        """Say what of a plan is to be done."""

    def adopt(self, foreign: Foreign) -> bool:
        """Say whether what others left below the prefix becomes the first commit."""


def read_text(folder: Folder, step: Step, most: int) -> bytes | None:
    """Return what our file of a step holds; `None` where that is more than ``most`` bytes."""
    content = step.ours.content if step.ours else None
    if content is None or content.size > most:
        return None
    try:
        if content.mode is Mode.LINK:
            return os.fsencode(folder.readlink(step.path))
        fd, _ = folder.open_read(step.path)
        with os.fdopen(fd, "rb") as source:
            return source.read(most)
    except OSError:
        return None


def read_stored(repo: Repository, head: Head, content: Content, most: int) -> bytes | None:
    """Return what a stored content holds; `None` where that is more than ``most`` bytes.

    Raises:
        DamageError: It is missing, or not what its name says.
    """
    if content.size > most:
        return None
    return b"".join(repo.reader(head, sparse=True).stream(content))
