"""Three sorted streams in, a plan out. docs/design.md, sections 3 and 6.

A plan is an iterator of steps in path order, one for each path that is not the same
everywhere; it can be made again from the same streams and is then the same, so nothing
has to hold all of it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, Protocol, TypeVar

from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import RepoPath, sort_key
from cas_sync.model.tree import Content, Entry, Found, timestamp_of_ns
from cas_sync.plan.conflict import set_aside_name
from cas_sync.plan.merge import Outcome, merge
from cas_sync.plan.step import YES, Act, Answer, Declined, OnConflict, Step, Verdict, seen


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
        answer: What the user said when they were shown the plan.
        asked: Their tree when the user was shown the plan, if only that may be done.
        declined: What they said no to before, in path order; gone through again and again.
        reconsider: Whether what this sync is about is asked for again, declined or not.
        withholds: Says which new files of ours are ignored by rules that are on their way.
        is_past: Whether theirs is an older version than the latest, which the user said no to.
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
    answer: Answer = YES
    asked: Callable[[], Iterable[Entry]] | None = None
    declined: Callable[[], Iterable[Declined]] = tuple
    reconsider: bool = False
    withholds: Callable[[str], bool] | None = None
    is_past: bool = False


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
    bases, mines, theirses = iter(base), iter(ours), iter(theirs)
    b, o, t = next(bases, None), next(mines, None), next(theirses, None)
    blind: Found | None = None
    while b is not None or o is not None or t is not None:
        path = _first_path(b, o, t)
        mine = mine_base = mine_theirs = None
        if o is not None and o.path == path:
            mine, o = o, next(mines, None)
            if mine.subtree:
                blind = mine
        elif blind is not None and path.startswith(blind.path + "/"):
            mine = Found(path, None, 0, blind.problem)
        if b is not None and b.path == path:
            mine_base, b = b, next(bases, None)
        if t is not None and t.path == path:
            mine_theirs, t = t, next(theirses, None)
        yield Sides(path, mine_base, mine, mine_theirs)


def _first_path(b: Entry | None, o: Found | None, t: Entry | None) -> RepoPath:
    """Return the path that comes first; the usual cases at once."""
    rows = [row for row in (b, o, t) if row is not None]
    path = rows[0].path
    if all(row.path == path for row in rows):
        return path
    return min((row.path for row in rows), key=sort_key)


def decide_all(
    base: Iterable[Entry], ours: Iterable[Found], theirs: Iterable[Entry], rules: Rules
) -> Iterator[tuple[Sides, Step | None]]:
    """Yield every path and what must happen to it; `None` where nothing has to."""
    refusals = _Beside(rules.declined())
    asked = None if rules.asked is None else _Beside(rules.asked())
    for sides in align(base, ours, theirs):
        _, was, mine, there = sides
        if (
            was is not None
            and mine is not None
            and there is not None
            and was.content == mine.content == there.content
        ):
            yield sides, None
            continue
        refusal = refusals.at(sides.path)
        is_news = asked is not None and _content(asked.at(sides.path)) != _content(sides.theirs)
        yield sides, decide(sides, rules, refusal, is_news=is_news)


class _HasPath(Protocol):
    @property
    def path(self) -> RepoPath: ...


P = TypeVar("P", bound=_HasPath)


class _Beside(Generic[P]):
    """Finds rows of one stream for the paths of another; both are in path order."""

    def __init__(self, rows: Iterable[P]) -> None:
        self._rows = iter(rows)
        self._row = next(self._rows, None)

    def at(self, path: RepoPath) -> P | None:
        """Return the row at a path; paths are asked for in order."""
        if self._row is not None and self._row.path != path:
            key = sort_key(path)
            while self._row is not None and sort_key(self._row.path) < key:
                self._row = next(self._rows, None)
        return self._row if self._row is not None and self._row.path == path else None


def _content(entry: Entry | None) -> Content | None:
    return entry.content if entry is not None else None


def plan_sync(
    base: Iterable[Entry], ours: Iterable[Found], theirs: Iterable[Entry], rules: Rules
) -> Iterator[Step]:
    """Yield what must happen, in path order; nothing for paths that are the same everywhere."""
    for _, step in decide_all(base, ours, theirs, rules):
        if step is not None:
            yield step


def decide(
    sides: Sides, rules: Rules, refusal: Declined | None = None, *, is_news: bool = False
) -> Step | None:
    """Decide one path; `None` where it is the same everywhere or none of our business.

    Args:
        sides: What the three trees hold there.
        rules: What this sync may do.
        refusal: What the user said no to there, if they did.
        is_news: Whether theirs is not what it was when the user was asked.
    """
    path, base, ours, theirs = sides
    was = base.content if base is not None else None
    there = theirs.content if theirs is not None else None
    if ours is not None and ours.content is None:
        return None if rules.ignores(path) else _unreadable(sides, was, there)
    here = ours.content if ours is not None else None
    if was == here and was == there:
        return None
    if rules.ignores(path):
        return Step(Act.IGNORED, path, base, ours, theirs) if was != there else None
    covered = rules.covers(path)
    is_refused = refusal == Declined(path, seen(here), seen(there)) and here != there
    if is_refused and not (covered and rules.reconsider):
        return Step(Act.DECLINED, path, base, ours, theirs)
    if not covered:
        return Step(Act.LEAVE, path, base, ours, theirs)
    outcome = merge(was, here, there)
    act, reason = _act(sides, outcome, rules)
    verdict = rules.answer.verdicts.get(path)
    is_decided = verdict is not None and _binds(verdict, here, there)
    if verdict is not None and is_decided:
        act = verdict.act
    act, reason = _permitted(act, reason, sides, rules)
    step = Step(act, path, base, ours, theirs, _other_name(act, sides, rules), reason)
    takes = rules.answer.takes
    if act not in _ASKED or is_decided or (not is_news and (takes is None or takes(step))):
        return step
    rest = Act.UNSEEN if is_news else rules.answer.rest
    return step._replace(act=Act.CONFLICT if outcome is Outcome.CONFLICT else rest, copy=None)


def _binds(verdict: Verdict, here: Content | None, there: Content | None) -> bool:
    """Say whether what the user decided still is about what both sides hold."""
    if (verdict.ours, verdict.theirs) != (here, there):
        return False
    match verdict.act:
        case Act.TAKE_OURS | Act.TAKE_THEIRS | Act.KEEP_BOTH:
            return here is not None and there is not None
        case Act.UPLOAD:
            return here is not None and there is None
        case Act.DOWNLOAD:
            return here is None and there is not None
        case _:
            return False


def _unreadable(sides: Sides, was: Content | None, there: Content | None) -> Step | None:
    # A folder that cannot be read is told once, not for each file it may hold.
    path, base, ours, theirs = sides
    if ours is None or (ours.subtree and base is None and theirs is None):
        return Step(Act.SKIP, path, base, ours, theirs, reason=ours.problem if ours else "")
    if ours.edited_ns == 0 and was == there:
        return None
    return Step(Act.SKIP, path, base, ours, theirs, reason=ours.problem)


def _act(sides: Sides, outcome: Outcome, rules: Rules) -> tuple[Act, str]:
    ours = sides.ours.content if sides.ours else None
    if (
        ours is not None
        and sides.theirs is not None
        and outcome in {Outcome.CONFLICT, Outcome.OURS}
        and rules.settled.get(sides.path) == ours.id
    ):
        return Act.DOWNLOAD, ""
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
            return _conflict(rules), "changed on both sides"


def _conflict(rules: Rules) -> Act:
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
_ASIDE = {Act.SET_OURS_ASIDE, Act.SET_THEIRS_ASIDE}
_ASKED = _PUSHES | _PULLS | _BOTH_WAYS | _ASIDE


def _permitted(act: Act, reason: str, sides: Sides, rules: Rules) -> tuple[Act, str]:
    pushes = act in _PUSHES or act in _BOTH_WAYS
    pulls = act in _PULLS or act in _BOTH_WAYS
    if act in _BOTH_WAYS and not (rules.push and rules.pull):
        return Act.CONFLICT, reason
    is_new = sides.base is None and sides.theirs is None
    withholds = rules.withholds
    if act is Act.UPLOAD and is_new and withholds is not None and withholds(sides.path):
        return Act.LEAVE, reason
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


_UNDECIDED = {Act.LEAVE, Act.SKIP, Act.UNSEEN, Act.IGNORED}


def still_declined(
    before: Iterable[Declined], steps: Iterable[Step], ignores: Callable[[str], bool]
) -> Iterator[Declined]:
    """Yield what is declined once a plan was carried out.

    A "no" outlives a sync that is not about its path, or cannot look at it.

    Args:
        before: What was declined before, in path order.
        steps: The plan.
        ignores: Says which paths are none of our business.
    """
    old = iter(before)
    row = next(old, None)
    blind = "/"
    for step in steps:
        at = sort_key(step.path)
        while row is not None and sort_key(row.path) < at:
            if row.path.startswith(blind) or ignores(row.path):
                yield row
            row = next(old, None)
        is_old = row is not None and row.path == step.path
        if step.act is Act.DECLINED:
            yield Declined(step.path, seen(step.our_content), seen(step.their_content))
        elif is_old and row is not None and step.act in _UNDECIDED:
            yield row
        if is_old:
            row = next(old, None)
        if step.ours is not None and step.ours.subtree:
            blind = step.path + "/"
    while row is not None:
        if row.path.startswith(blind) or ignores(row.path):
            yield row
        row = next(old, None)


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


def keeps_name(step: Step) -> bool:
    """Say whether a commit that carries out the step has a row at its path."""
    match step.act:
        case Act.UPLOAD | Act.TAKE_OURS:
            return True
        case Act.DELETE_THERE | Act.SET_OURS_ASIDE | Act.SET_THEIRS_ASIDE:
            return False
        case _:
            return step.theirs is not None


def _our_entry(step: Step, path: RepoPath | None, author: str) -> Entry:
    if step.ours is None or step.ours.content is None or path is None:
        raise AssertionError(step)
    return Entry(path, step.ours.content, author, timestamp_of_ns(step.ours.edited_ns))
