"""The inverse of a commit: what becomes of each path it changed, as the tree is now.

Two sorted streams of changed rows go in: what the commit did, and what was done since. So
no path that neither changed is looked at, and only the names in one folder are remembered.
Names that clash are found the same way: the tree before the commit held no two that do, so
one of them came with the commit or since.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from cas_sync.model.paths import RepoPath, sort_key
from cas_sync.model.tree import Content, Entry
from cas_sync.plan.guards import GuardLimits, Suspicion
from cas_sync.plan.names import Names
from cas_sync.plan.survey import KEPT, Moves

Changed = tuple[Entry | None, Entry | None]
"""A row before and after; `None` where there was none."""

Changes = Callable[[], Iterator[Changed]]
"""Yields changed rows in path order; may be called again and again."""


class Turn(Enum):
    """What the inverse of a commit makes of a path the commit changed."""

    BRING_BACK = "the commit deleted it: it is there again"
    PUT_BACK = "the commit changed it: it is as before"
    TAKE_OUT = "the commit added it: it goes"
    ALREADY = "it is as before the commit already"
    LEAVE = "it was changed since: it is left alone"
    CANNOT = "something is in the way: it is left alone"


ACTING = (Turn.BRING_BACK, Turn.PUT_BACK, Turn.TAKE_OUT)
"""What changes the tree."""


class Inverse(NamedTuple):
    """What becomes of one path.

    Attributes:
        turn: What.
        path: Where.
        before: The row before the commit.
        after: The row after the commit.
        now: The row as it is now.
        reason: Why, for what is left alone.
    """

    turn: Turn
    path: RepoPath
    before: Entry | None
    after: Entry | None
    now: Entry | None
    reason: str = ""

    @property
    def acts(self) -> bool:
        """Whether it changes the tree."""
        return self.turn in ACTING

    @property
    def size(self) -> int:
        """The size of the file that comes, or of the one that goes or stays, in bytes."""
        rows = (self.now, self.after, self.before)
        row = next((each for each in rows if each is not None), None)
        if self.turn in {Turn.BRING_BACK, Turn.PUT_BACK}:
            row = self.before
        return row.content.size if row is not None else 0


class Seen(NamedTuple):
    """What is known when the inverse of a commit is made.

    Attributes:
        done: What the commit changed.
        since: What was changed since.
        hindered: Files and folders that cannot be brought back, and why.
        asked: What had been changed since when the user was asked; `None` before that. What
            is not to be done about a path as it was then is not done at all.
    """

    done: Changes
    since: Changes
    hindered: Mapping[RepoPath, str] = {}
    asked: Changes | None = None


@dataclass
class InversePlan:
    """The inverse of a commit, and what it comes to.

    Attributes:
        seen: What it was made from.
        n: Number of paths by turn.
        size: Sizes of their files by turn, in bytes.
        left: What is left alone.
        moves: Renames among what comes and what goes.
        kept: The first `KEPT` of all.
    """

    seen: Seen
    n: Counter[Turn] = field(default_factory=Counter)
    size: Counter[Turn] = field(default_factory=Counter)
    left: list[Inverse] = field(default_factory=list)
    moves: Moves = field(default_factory=Moves)
    kept: list[Inverse] = field(default_factory=list)

    @property
    def n_acting(self) -> int:
        """Number of paths that would change."""
        return sum(self.n[turn] for turn in ACTING)

    def inverses(self) -> Iterator[Inverse]:
        """Yield all in path order; may be called again and again."""
        if self.n.total() <= KEPT:
            return iter(self.kept)
        return (each for _, each in _decided(self.seen) if each is not None)


def plan_inverse(seen: Seen, is_stored: Callable[[Content], bool]) -> InversePlan:
    """Return the inverse of a commit.

    Args:
        seen: What the commit did, and what was done since.
        is_stored: Says whether a content can still be had.
    """
    plan, hindered = InversePlan(seen), dict[RepoPath, str]()
    clashes: set[RepoPath] = set()
    names = Names(hindered, clashes)
    for path, each in _decided(seen):
        if each is None:
            names.add(path, is_new=False, movable=False)
            continue
        _count(plan, each)
        comes = each.turn is Turn.BRING_BACK
        there = each.before if each.acts else each.now
        if each.acts and there is not None and not is_stored(there.content):
            hindered[path] = "its content is in the store no more"
        elif there is not None:
            names.add(path, is_new=comes, movable=comes)
    hindered.update(dict.fromkeys(clashes, "there is a folder of this name now"))
    if not hindered:
        return plan
    # What is not brought back is in nobody's way, so this comes to an end.
    hindered = {**seen.hindered, **hindered}
    return plan_inverse(seen._replace(hindered=hindered), is_stored)


def suspect_inverse(
    plan: InversePlan, n_files: int, limits: GuardLimits, rev: str
) -> Suspicion | None:
    """Return why an inverse must not be carried out without a human's word, or `None`.

    Args:
        plan: It.
        n_files: How many files the tree holds now.
        limits: When a change is too large to be meant.
        rev: The commit, as people name it.
    """
    gone = plan.moves.n_lost
    if gone < limits.too_many(n_files):
        return None
    return Suspicion(
        "E206",
        f"this would delete {gone:,} of {n_files:,} files for everyone",
        f"commit {rev} added more than half of the files there are now",
        f"look first:  cas-sync show {rev}\n"
        f"really do it for everyone:  cas-sync undo {rev} --allow-mass-delete",
    )


def why_left(each: Inverse, changed_in: Mapping[RepoPath, tuple[str, int]]) -> str:
    """Return why a path is left alone.

    Args:
        each: What becomes of it.
        changed_in: By path, who changed it last and in which commit, where that is known.
    """
    if each.turn is Turn.LEAVE and (known := changed_in.get(each.path)) is not None:
        author, seq = known
        return f"{each.reason} by {author} in #{seq}"
    return each.reason


def _count(plan: InversePlan, each: Inverse) -> None:
    if plan.n.total() < KEPT:
        plan.kept.append(each)
    plan.n[each.turn] += 1
    plan.size[each.turn] += each.size
    if each.turn in {Turn.LEAVE, Turn.CANNOT}:
        plan.left.append(each)
    elif each.turn is Turn.TAKE_OUT and each.now is not None:
        plan.moves.went(each.now.content.id)
    elif each.turn is Turn.BRING_BACK and each.before is not None:
        plan.moves.came(each.before.content.id)


def _decided(seen: Seen) -> Iterator[tuple[RepoPath, Inverse | None]]:
    """Yield what becomes of each path that the commit changed.

    With `None` goes what only came or was changed since: a name that may be in the way.
    """
    since, asked = _Beside(seen.since()), _Beside(seen.asked()) if seen.asked else None
    for done in seen.done():
        path = _path(done)
        for later in since.before(path):
            if later[1] is not None:
                yield _path(later), None
        if _content(done[0]) == _content(done[1]):
            continue  # only who and when
        now = since.at(path, done[1])
        each = _inverse(path, done, now, seen.hindered)
        if asked is not None and each.acts:
            then = _inverse(path, done, asked.at(path, done[1]), seen.hindered)
            if then.turn is not each.turn:
                each = each._replace(turn=Turn.LEAVE, reason="changed meanwhile")
        yield path, each
    for later in since.rest():
        if later[1] is not None:
            yield _path(later), None


def _inverse(
    path: RepoPath, done: Changed, now: Entry | None, hindered: Mapping[RepoPath, str]
) -> Inverse:
    before, after = done
    there = _content(now)
    if there == _content(before):
        return Inverse(Turn.ALREADY, path, before, after, now)
    if there != _content(after):
        return Inverse(Turn.LEAVE, path, before, after, now, _since(after, now))
    if before is None:
        return Inverse(Turn.TAKE_OUT, path, before, after, now)
    if why := _hindrance(path, hindered):
        return Inverse(Turn.CANNOT, path, before, after, now, why)
    turn = Turn.BRING_BACK if after is None else Turn.PUT_BACK
    return Inverse(turn, path, before, after, now)


def _since(after: Entry | None, now: Entry | None) -> str:
    if now is None:
        return "deleted since"
    return "added again since" if after is None else "changed since"


def _hindrance(path: str, hindered: Mapping[RepoPath, str]) -> str:
    while hindered and path:
        if (why := hindered.get(RepoPath(path))) is not None:
            return why
        path = path.rpartition("/")[0]
    return ""


def _content(row: Entry | None) -> Content | None:
    return row.content if row is not None else None


def _path(changed: Changed) -> RepoPath:
    row = changed[0] if changed[0] is not None else changed[1]
    if row is None:
        raise AssertionError
    return row.path


class _Beside:
    """Goes through changed rows beside another stream; both are in path order."""

    def __init__(self, rows: Iterator[Changed]) -> None:
        self._rows = rows
        self._row = next(rows, None)

    def before(self, path: RepoPath) -> Iterator[Changed]:
        """Yield the rows before a path."""
        key = sort_key(path)
        while self._row is not None and sort_key(_path(self._row)) < key:
            yield self._row
            self._row = next(self._rows, None)

    def at(self, path: RepoPath, unchanged: Entry | None) -> Entry | None:
        """Return the row at a path as it became; ``unchanged`` if it did not change."""
        for _ in self.before(path):
            pass
        if self._row is None or _path(self._row) != path:
            return unchanged
        row = self._row[1]
        self._row = next(self._rows, None)
        return row

    def rest(self) -> Iterator[Changed]:
        """Yield the rows that are left."""
        while self._row is not None:
            yield self._row
            self._row = next(self._rows, None)
