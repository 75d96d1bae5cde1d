"""A look over a whole plan before any of it is done: totals, and names that clash."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import RepoPath, sort_key, unportable
from cas_sync.plan.conflict import SET_ASIDE
from cas_sync.plan.names import Names
from cas_sync.plan.step import Act, Step
from cas_sync.plan.sync_plan import Sides, keeps_name, published

KEPT = 20_000
"""How many steps a survey keeps; a longer plan is made again each time it is needed."""


class Moves:
    """Tells deletions from renames: content that goes at one path and comes at another.

    Remembers a bounded number of ids; past that, a rename counts as a deletion.
    """

    LIMIT = 200_000

    def __init__(self) -> None:
        self._came: set[ObjectId] = set()
        self._went: list[ObjectId] = []
        self._uncounted = 0

    def came(self, oid: ObjectId) -> None:
        """Note content at a new path."""
        if len(self._came) < self.LIMIT:
            self._came.add(oid)

    def went(self, oid: ObjectId) -> None:
        """Note content at a path that goes."""
        if len(self._went) < self.LIMIT:
            self._went.append(oid)
        else:
            self._uncounted += 1

    @property
    def n_lost(self) -> int:
        """Number of paths that go and whose content comes nowhere else."""
        return sum(oid not in self._came for oid in self._went) + self._uncounted


@dataclass
class Survey:
    """What a plan comes to.

    Attributes:
        acts: Number of paths by act.
        n_base: Files both sides last agreed on.
        n_ours: Files in the data folder.
        bytes_up: Sizes of the files to publish, in bytes, before deduplication.
        bytes_down: Sizes of the files to materialize, in bytes.
        steps: The first `KEPT` steps.
        n_steps: Number of all steps.
        copies: The steps that give a file another name; they are few.
        conflicts: Paths left alone because both sides changed them.
        skipped: Paths that cannot be synced now, and why.
        refused: Files and folders of ours that must not be published, and why.
        clashes: Files whose name a folder takes.
        warnings: Paths to be published that not every system can hold, and why.
        n_modified: Files of the shared tree that we would replace.
        n_emptied: Those of them that hold something there, and nothing here.
        n_added: Files that we would add.
        moves_there: Renames among our additions and deletions.
        moves_here: Renames among theirs.
    """

    acts: Counter[Act] = field(default_factory=Counter)
    n_base: int = 0
    n_ours: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    steps: list[Step] = field(default_factory=list)
    n_steps: int = 0
    copies: list[Step] = field(default_factory=list)
    conflicts: list[RepoPath] = field(default_factory=list)
    skipped: dict[RepoPath, str] = field(default_factory=dict)
    refused: dict[RepoPath, str] = field(default_factory=dict)
    clashes: set[RepoPath] = field(default_factory=set)
    warnings: dict[RepoPath, str] = field(default_factory=dict)

    n_modified: int = 0
    n_emptied: int = 0
    n_added: int = 0
    moves_there: Moves = field(default_factory=Moves)
    moves_here: Moves = field(default_factory=Moves)

    @property
    def is_whole(self) -> bool:
        """Whether `steps` holds the whole plan."""
        return self.n_steps <= KEPT

    @property
    def n_publish(self) -> int:
        """Number of paths the commit would change."""
        return sum(self.acts[act] for act in _PUBLISHING)

    @property
    def n_materialize(self) -> int:
        """Number of paths that would change in the data folder."""
        return sum(self.acts[act] for act in _MATERIALIZING)

    @property
    def n_pending(self) -> int:
        """Number of paths on which both sides will still differ."""
        return sum(self.acts[act] for act in _PENDING)


_PUBLISHING = (
    Act.UPLOAD,
    Act.DELETE_THERE,
    Act.KEEP_BOTH,
    Act.TAKE_OURS,
    Act.TAKE_THEIRS,
    Act.SET_OURS_ASIDE,
    Act.SET_THEIRS_ASIDE,
)
_MATERIALIZING = (
    Act.DOWNLOAD,
    Act.DELETE_HERE,
    Act.KEEP_BOTH,
    Act.TAKE_THEIRS,
    Act.SET_OURS_ASIDE,
    Act.SET_THEIRS_ASIDE,
)


_PENDING = (Act.CONFLICT, Act.SKIP, Act.LEAVE, Act.DECLINED, Act.IGNORED, Act.UNSEEN)


def take(
    decided: Iterable[tuple[Sides, Step | None]], beside: Iterable[RepoPath] = ()
) -> Survey:
    """Return what a plan comes to.

    Where `Survey.refused` or `Survey.clashes` hold anything the plan was not made by, it
    has to be made again with them.

    Args:
        decided: Every path, and what must happen to it.
        beside: Paths of the shared tree that are not among them and stay, in path order.

    """
    survey = Survey()
    names = Names(survey.refused, survey.clashes)
    aside: dict[RepoPath, tuple[Sides, Step | None]] = {}
    others = iter(beside)
    other = next(others, None)
    for sides, step in decided:
        while other is not None and sort_key(other) < sort_key(sides.path):
            names.add(other, is_new=False, movable=False)
            other = next(others, None)
        survey.n_base += sides.base is not None
        survey.n_ours += sides.ours is not None
        if step is not None:
            _count(survey, step)
        if sides.theirs is not None if step is None else keeps_name(step):
            movable = step is not None and step.act in {Act.UPLOAD, Act.DOWNLOAD}
            names.add(sides.path, is_new=sides.theirs is None, movable=movable)
        if SET_ASIDE in sides.path:
            aside[sides.path] = sides, step
    while other is not None:
        names.add(other, is_new=False, movable=False)
        other = next(others, None)
    for step in survey.copies:
        if step.copy in aside and not _is_copy(step, *aside[step.copy]):
            survey.refused[step.path] = f"there is a file called {step.copy} already"
    return survey


def _is_copy(step: Step, sides: Sides, there: Step | None) -> bool:
    """Say whether what is at the other name of ``step`` is what it would put there."""
    if there is not None and there.act not in {Act.AGREE, Act.DOWNLOAD}:
        return False
    kept = step.theirs if step.act is Act.SET_THEIRS_ASIDE else step.ours
    if kept is None or kept.content is None:
        return False
    known = {
        each.content.id
        for each in (sides.ours, sides.theirs)
        if each is not None and each.content is not None
    }
    return known == {kept.content.id}


def _count(survey: Survey, step: Step) -> None:
    survey.acts[step.act] += 1
    if step.act is Act.IGNORED:
        return  # there may be as many as in the whole tree, and nothing is done about them
    if step.act is Act.CONFLICT:
        survey.conflicts.append(step.path)
    elif step.act is Act.SKIP:
        survey.skipped[step.path] = step.reason
    if (content := published(step)) is not None:
        survey.bytes_up += content.size
        survey.n_modified += step.theirs is not None
        if step.theirs is not None and step.theirs.content.size and not content.size:
            survey.n_emptied += 1
        survey.n_added += step.theirs is None
        if why := unportable(step.path):
            survey.warnings[step.path] = why
    if step.act in _MATERIALIZING and step.theirs is not None:
        survey.bytes_down += step.theirs.content.size
    theirs, ours = step.theirs, step.ours
    if step.act is Act.DELETE_THERE and theirs is not None:
        survey.moves_there.went(theirs.content.id)
    elif step.act is Act.DELETE_HERE and ours is not None and ours.content is not None:
        survey.moves_here.went(ours.content.id)
    elif step.act is Act.DOWNLOAD and ours is None and theirs is not None:
        survey.moves_here.came(theirs.content.id)
    elif content is not None and theirs is None:
        survey.moves_there.came(content.id)
    survey.n_steps += 1
    if survey.n_steps <= KEPT:
        survey.steps.append(step)
    if step.copy is not None:
        survey.copies.append(step)
