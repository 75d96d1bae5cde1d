"""One step of a plan, and what a user may say about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from cas_sync.model.paths import RepoPath
from cas_sync.model.tree import Content, Entry, Found


class Act(Enum):
    """What is to be done about one path."""

    AGREE = "both sides hold the same: note it"
    UPLOAD = "publish our content"
    DELETE_THERE = "publish our deletion"
    DOWNLOAD = "materialize their content"
    DELETE_HERE = "materialize their deletion"
    CONFLICT = "left alone on both sides until someone decides"
    KEEP_BOTH = "theirs keeps the name, ours is set aside under another; both published"
    TAKE_OURS = "ours replaces theirs, which stays in history"
    TAKE_THEIRS = "theirs replaces ours, which goes into history first"
    SET_OURS_ASIDE = "a folder takes the name of our file, which is kept under another"
    SET_THEIRS_ASIDE = "a folder takes the name of their file, which is kept under another"
    LEAVE = "not asked for this time"
    DECLINED = "the user said no to it, and neither side changed since"
    IGNORED = "theirs is new, but none of this machine's business"
    UNSEEN = "came from a teammate after the user was asked"
    SKIP = "cannot be done now"

    # Enum's own hash runs in Python; acts are looked up several times for every path.
    __hash__ = object.__hash__


class OnConflict(Enum):
    """What to do about a path that both sides changed."""

    ASK = "ask"
    KEEP_BOTH = "keep-both"
    MINE = "mine"
    THEIRS = "theirs"
    FAIL = "fail"


class Step(NamedTuple):
    """What is to be done about one path, and what was seen of it.

    Attributes:
        act: What to do.
        path: Where.
        base: What both sides last agreed on.
        ours: What the data folder holds.
        theirs: What the shared tree holds.
        copy: The other name, where one is needed.
        reason: Why, for people, where it is not plain.
    """

    act: Act
    path: RepoPath
    base: Entry | None
    ours: Found | None
    theirs: Entry | None
    copy: RepoPath | None = None
    reason: str = ""

    @property
    def our_content(self) -> Content | None:
        """What our file holds; `None` where there is none, or it cannot be read."""
        return self.ours.content if self.ours is not None else None

    @property
    def their_content(self) -> Content | None:
        """What their file holds; `None` where there is none."""
        return self.theirs.content if self.theirs is not None else None


class Verdict(NamedTuple):
    """What the user decided about one path.

    Attributes:
        act: What is to be done instead of what the plan says.
        ours: Our content when they were asked.
        theirs: Their content when they were asked.
    """

    act: Act
    ours: Content | None
    theirs: Content | None


class Declined(NamedTuple):
    """A change the user said no to, and what both sides held then.

    Attributes:
        path: Where.
        ours: What `seen` says of our content.
        theirs: What it says of theirs.
    """

    path: RepoPath
    ours: str
    theirs: str


def seen(content: Content | None) -> str:
    """Return what tells one content from another, as text; empty for "is not there"."""
    return "" if content is None else f"{content.id.hex()} {content.mode}"


@dataclass(frozen=True)
class Answer:
    """What the user said when a plan was shown.

    Attributes:
        go: Whether anything is to be done at all.
        takes: Says whether a step is to be done; `None` means all of them.
        verdicts: What was decided path by path; binding while both sides are as shown.
        rest: What becomes of what is not taken: `Act.DECLINED` is remembered, and asked for
            again once either side changes; `Act.LEAVE` is left for the next sync.
        binds: Whether only what was shown may be done, should a teammate publish meanwhile.
    """

    go: bool = True
    takes: Callable[[Step], bool] | None = None
    verdicts: Mapping[RepoPath, Verdict] = field(default_factory=dict)
    rest: Act = Act.DECLINED
    binds: bool = False


YES = Answer()
NO = Answer(go=False)
