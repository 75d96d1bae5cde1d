"""An undo and the data folder here, which has no part in what is undone.

What was undone for everyone is brought to it by an ordinary sync that publishes nothing and
takes only what the undo did. Other news, and what was edited here, wait for the next sync.
"""

from cas_sync.engine.asking import Question
from cas_sync.engine.repository import refuse_reset
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.engine.sync import run_sync
from cas_sync.engine.sync_report import SyncOptions, SyncReport
from cas_sync.errors import CasSyncError, GuardError
from cas_sync.model.paths import STATE_DIR, RepoPath
from cas_sync.model.tree import Content
from cas_sync.plan.adoption import Foreign
from cas_sync.plan.inverse import InversePlan
from cas_sync.plan.step import YES, Act, Answer, Step
from cas_sync.plan.survey import KEPT
from cas_sync.progress import Progress
from cas_sync.store.head import HeadRead
from cas_sync.worktree.base import Agreed, BaseTree
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.state import ROOT_FILE, LocalState
from cas_sync.worktree.trouble import translated

_LATER = "cas-sync sync   (brings it here; not undo, which would take it back)"


def is_synced(settings: Settings) -> bool:
    """Say whether the data folder was synced before."""
    return (settings.data / STATE_DIR / ROOT_FILE).exists()


def known_here(settings: Settings, head: HeadRead | None) -> Agreed | None:
    """Return what the data folder and the store last agreed on; `None` where nothing tells.

    Raises:
        RepositoryResetError: The store is not the one that the folder was synced with.
    """
    if not is_synced(settings):
        return None
    with translated(str(settings.data)), Folder(str(settings.data)) as folder:
        state = LocalState(folder)
        root, agreed = state.read_root(), BaseTree(state.base_path).agreed
    if root is None:
        return None
    refuse_reset(head, root.repo_id, settings.address.url, synced_with=root.store_url)
    return agreed if agreed is not None and agreed.repo_id == root.repo_id else None


Done = dict[RepoPath, Content | None]
"""What an undo made of each path it changed; `None`: removed it."""


def done_by(inverse: InversePlan) -> Done | None:
    """Return what an inverse does; `None` where that is too much to remember."""
    if inverse.n_acting > KEPT:
        return None
    return {
        each.path: each.before.content if each.before else None
        for each in inverse.inverses()
        if each.acts
    }


def bring_here(
    settings: Settings,
    surroundings: Surroundings,
    done: Done | None,
    undone: str,
    progress: Progress,
    *,
    allow_mass_delete: bool,
) -> SyncReport:
    """Bring the data folder to what was undone, and return what a sync told of it.

    An undone path that was edited here is an ordinary conflict.

    Args:
        settings: The configuration in force.
        surroundings: Time, randomness and names.
        done: What the undo did; `None` to take all there is.
        undone: Says so, for an error's state.
        progress: Is told what happens.
        allow_mass_delete: Whether the guards are passed, where all there is is taken.

    Raises:
        CasSyncError: The folder could not be brought to it; it is undone all the same.
    """
    options = SyncOptions(
        push=False,
        adopts=False,
        # What is taken was agreed to, path by path.
        allow_mass_delete=allow_mass_delete or done is not None,
    )
    state = f"{undone}; here the next sync brings it"
    try:
        report = run_sync(settings, surroundings, options, _Taking(done), progress)
    except CasSyncError as error:
        # Said first: it is done for everyone, whatever is the matter here.
        error.message = f"{undone}, but could not be brought here: {error.message}"
        error.state = state
        if not isinstance(error, GuardError):
            error.fix = _LATER
        raise
    except KeyboardInterrupt:
        progress.note(f"{state[0].upper()}{state[1:]}.")
        raise
    return report if done is None else _only_of(done, report)


def _only_of(done: Done, report: SyncReport) -> SyncReport:
    """Leave out what a sync told of other paths."""
    report.conflicts = [path for path in report.conflicts if path in done]
    report.skipped = {path: why for path, why in report.skipped.items() if path in done}
    for step in report.survey.steps if report.survey is not None else ():
        is_edit = step.act is Act.LEAVE and step.our_content is not None
        if is_edit and step.base is not None and step.theirs is None and step.path in done:
            report.skipped[step.path] = (
                "you changed it here: your edit stays, and the next sync publishes it"
            )
    return report


class _Taking:
    """Agrees to what the undo did and to nothing else.

    Args:
        done: What that was; `None` to agree to all there is.
    """

    agrees = False

    def __init__(self, done: Done | None) -> None:
        self._done = done

    def show(self, question: Question) -> None:
        """Take no notice: only dry runs show."""

    def apply(self, question: Question) -> Answer:
        """Agree to what was undone; the rest waits for the next sync."""
        del question
        return YES if self._done is None else Answer(takes=self._takes, rest=Act.LEAVE)

    def adopt(self, foreign: Foreign) -> bool:
        """Leave what others left alone."""
        del foreign
        return False

    def _takes(self, step: Step) -> bool:
        done = self._done or {}
        return step.path in done and done[step.path] == step.their_content
