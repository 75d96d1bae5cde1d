"""The merge rule, alone: no path, file or store in it. docs/design.md, section 6."""

from enum import Enum
from typing import TypeVar

T = TypeVar("T")


class Outcome(Enum):
    """What becomes of one path that has a base, an our and a their value."""

    SAME = "both sides agree"
    OURS = "ours is new: publish it"
    THEIRS = "theirs is new: materialize it"
    OUR_EDIT_SURVIVES = "they deleted what we changed: publish ours"
    THEIR_EDIT_SURVIVES = "we deleted what they changed: materialize theirs"
    CONFLICT = "both changed it"


def merge(base: T | None, ours: T | None, theirs: T | None) -> Outcome:
    """Decide one path from its last agreed, local and remote values.

    `None` means the path does not exist on that side, so adding, editing and deleting
    need no cases of their own, but for one: an edit survives a deletion.
    """
    if ours == theirs:
        return Outcome.SAME
    if theirs == base:
        return Outcome.OURS
    if ours == base:
        return Outcome.THEIRS
    if theirs is None:
        return Outcome.OUR_EDIT_SURVIVES
    if ours is None:
        return Outcome.THEIR_EDIT_SURVIVES
    return Outcome.CONFLICT
