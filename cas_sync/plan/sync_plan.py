"""Three sorted streams in, a plan out. docs/design.md, sections 3 and 6.

A plan is an iterator of steps in path order, one for each path that is not the same
everywhere; it can be made again from the same streams and is then the same, so nothing
has to hold all of it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import RepoPath, sort_key
from cas_sync.model.tree import Content, Entry, Found, timestamp_of_ns
from cas_sync.plan.conflict import set_aside_name
from cas_sync.plan.merge import Outcome, merge


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
    SKIP = "cannot be done now"


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


@dataclass(frozen=True)
class Rules:
    """What this sync may do.

    Attributes:
        ignores: Says which paths are none of our business, here or there.
        covers: Says which of the others this sync is about.
        author: Who we are; part of the names of what is set aside.
        push: Whether our changes are published.
        pull: Whether their changes are materialized.
        deletes: Whether deletions are carried over.
        on_conflict: What to do about conflicts.
        refused: Files and folders that cannot be published, and why.
        settled: Our content at paths whose conflict an interrupted sync had settled.
        clashes: Files whose name a folder takes in the tree that would result.
    """

    ignores: Callable[[str], bool]
    covers: Callable[[str], bool]
    author: str
    push: bool = True
    pull: bool = True
    deletes: bool = True
    on_conflict: OnConflict = OnConflict.ASK
    refused: Mapping[RepoPath, str] = field(default_factory=dict)
    settled: Mapping[RepoPath, ObjectId] = field(default_factory=dict)
    clashes: frozenset[RepoPath] = frozenset()


class Sides(NamedTuple):
    """One path as the three streams know it."""

    path: RepoPath
    base: Entry | None
    ours: Found | None
    theirs: Entry | None


def align(
    base: Iterable[Entry], ours: Iterable[Found], theirs: Iterable[Entry]
) -> Iterator[Sides]:
    """Yield every path of the three streams once, in path order.

    A subtree that could not be read gives each path below it that the others know.
    """
    streams = (iter(base), iter(ours), iter(theirs))
    b, o, t = next(streams[0], None), next(streams[1], None), next(streams[2], None)
    blind: Found | None = None
    while b is not None or o is not None or t is not None:
        path = min((row.path for row in (b, o, t) if row is not None), key=sort_key)
        mine = mine_base = mine_theirs = None
        if o is not None and o.path == path:
            mine, o = o, next(streams[1], None)
            if mine.subtree:
                blind = mine
        elif blind is not None and path.startswith(blind.path + "/"):
            mine = Found(path, None, 0, blind.problem)
        if b is not None and b.path == path:
            mine_base, b = b, next(streams[0], None)
        if t is not None and t.path == path:
            mine_theirs, t = t, next(streams[2], None)
        yield Sides(path, mine_base, mine, mine_theirs)


def decide_all(
    base: Iterable[Entry], ours: Iterable[Found], theirs: Iterable[Entry], rules: Rules
) -> Iterator[tuple[Sides, Step | None]]:
    """Yield every path and what must happen to it; `None` where nothing has to."""
    for sides in align(base, ours, theirs):
        yield sides, decide(sides, rules)


def plan_sync(
    base: Iterable[Entry], ours: Iterable[Found], theirs: Iterable[Entry], rules: Rules
) -> Iterator[Step]:
    """Yield what must happen, in path order; nothing for paths that are the same everywhere."""
    for _, step in decide_all(base, ours, theirs, rules):
        if step is not None:
            yield step


def decide(sides: Sides, rules: Rules) -> Step | None:
    """Decide one path; `None` where it is the same everywhere or none of our business."""
    path, base, ours, theirs = sides
    was = base.content if base is not None else None
    there = theirs.content if theirs is not None else None
    if ours is not None and ours.content is None:
        return None if rules.ignores(path) else _unreadable(sides, was, there)
    here = ours.content if ours is not None else None
    if (was == here and was == there) or rules.ignores(path):
        return None
    if not rules.covers(path):
        return Step(Act.LEAVE, path, base, ours, theirs)
    act, reason = _act(sides, merge(was, here, there), rules)
    act, reason = _permitted(act, reason, sides, rules)
    copy = _other_name(act, sides, rules)
    return Step(act, path, base, ours, theirs, copy, reason)


def _unreadable(sides: Sides, was: Content | None, there: Content | None) -> Step | None:
    # A folder that cannot be read is told once, not for each file it may hold.
    path, base, ours, theirs = sides
    if ours is None or (ours.subtree and base is None and theirs is None):
        return Step(Act.SKIP, path, base, ours, theirs, reason=ours.problem if ours else "")
    if ours.edited_ns == 0 and was == there:
        return None
    return Step(Act.SKIP, path, base, ours, theirs, reason=ours.problem)


def _act(sides: Sides, outcome: Outcome, rules: Rules) -> tuple[Act, str]:
    match outcome:
        case Outcome.SAME:
            return Act.AGREE, ""
        case Outcome.OURS:
            return (Act.UPLOAD if sides.ours else Act.DELETE_THERE), ""
        case Outcome.THEIRS:
            return (Act.DOWNLOAD if sides.theirs else Act.DELETE_HERE), ""
        case Outcome.OUR_EDIT_SURVIVES:
            return Act.UPLOAD, "deleted by a teammate, but you changed it: your edit survives"
        case Outcome.THEIR_EDIT_SURVIVES:
            who = sides.theirs.editor if sides.theirs else ""
            return Act.DOWNLOAD, f"you deleted it, but {who} changed it: their edit survives"
        case Outcome.CONFLICT:
            return _conflict(sides, rules), "changed on both sides"


def _conflict(sides: Sides, rules: Rules) -> Act:
    ours = sides.ours.content if sides.ours else None
    if ours is not None and rules.settled.get(sides.path) == ours.id:
        return Act.DOWNLOAD
    match rules.on_conflict:
        case OnConflict.KEEP_BOTH:
            return Act.KEEP_BOTH
        case OnConflict.MINE:
            return Act.TAKE_OURS
        case OnConflict.THEIRS:
            return Act.TAKE_THEIRS
        case OnConflict.ASK | OnConflict.FAIL:
            return Act.CONFLICT


_PUSHES = {Act.UPLOAD, Act.DELETE_THERE, Act.TAKE_OURS}
_PULLS = {Act.DOWNLOAD, Act.DELETE_HERE}
_BOTH_WAYS = {Act.KEEP_BOTH, Act.TAKE_THEIRS}


def _permitted(act: Act, reason: str, sides: Sides, rules: Rules) -> tuple[Act, str]:
    pushes = act in _PUSHES or act in _BOTH_WAYS
    pulls = act in _PULLS or act in _BOTH_WAYS
    if act in _BOTH_WAYS and not (rules.push and rules.pull):
        return Act.CONFLICT, reason
    if (pushes and not rules.push) or (pulls and not rules.pull):
        return Act.LEAVE, reason
    if act in {Act.DELETE_THERE, Act.DELETE_HERE} and not rules.deletes:
        return Act.LEAVE, reason
    if pushes and (why := _refusal(sides.path, rules)):
        return Act.SKIP, why
    if sides.path in rules.clashes:
        if act is Act.DOWNLOAD and sides.path in rules.refused:
            return Act.SKIP, rules.refused[sides.path]
        if act is Act.UPLOAD and not rules.pull:
            return Act.SKIP, "a folder of this name was added; sync without --push-only"
        if act is Act.UPLOAD:
            return Act.SET_OURS_ASIDE, "a folder of this name was added"
        if act is Act.DOWNLOAD and sides.ours is None and rules.push:
            return Act.SET_THEIRS_ASIDE, "a folder of this name was added"
    return act, reason


def _refusal(path: str, rules: Rules) -> str:
    while rules.refused and path:
        if (why := rules.refused.get(RepoPath(path))) is not None:
            return why
        path = path.rpartition("/")[0]
    return ""


def _other_name(act: Act, sides: Sides, rules: Rules) -> RepoPath | None:
    if act in {Act.KEEP_BOTH, Act.SET_OURS_ASIDE} and sides.ours and sides.ours.content:
        return set_aside_name(sides.path, sides.ours.content, rules.author)
    if act is Act.SET_THEIRS_ASIDE and sides.theirs:
        return set_aside_name(sides.path, sides.theirs.content, sides.theirs.editor)
    return None


def published(step: Step) -> Content | None:
    """Return our content that the step puts into the store, if it does."""
    if step.act in {
        Act.UPLOAD,
        Act.TAKE_OURS,
        Act.TAKE_THEIRS,
        Act.KEEP_BOTH,
        Act.SET_OURS_ASIDE,
    }:
        return step.ours.content if step.ours else None
    return None


def tree_change(step: Step, author: str) -> tuple[Entry | None, Entry | None] | None:
    """Return what a commit makes of a step, or `None` where it changes nothing.

    Returns:
        The new row at the step's path (`None` to remove it), and the row to add at its
        other name, if it has one.
    """
    match step.act:
        case Act.UPLOAD | Act.TAKE_OURS:
            return _our_entry(step, step.path, author), None
        case Act.DELETE_THERE:
            return None, None
        case Act.KEEP_BOTH:
            return step.theirs, _our_entry(step, step.copy, author)
        case Act.SET_OURS_ASIDE:
            return None, _our_entry(step, step.copy, author)
        case Act.SET_THEIRS_ASIDE:
            if step.theirs is None or step.copy is None:
                raise AssertionError(step)
            return None, step.theirs._replace(path=step.copy)
        case _:
            return None


def _our_entry(step: Step, path: RepoPath | None, author: str) -> Entry:
    if step.ours is None or step.ours.content is None or path is None:
        raise AssertionError(step)
    return Entry(path, step.ours.content, author, timestamp_of_ns(step.ours.edited_ns))
