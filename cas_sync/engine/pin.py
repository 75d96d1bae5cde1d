"""`cas-sync.lock` beside the code: written, and held against the data folder."""

from dataclasses import dataclass, replace
from pathlib import Path

from cas_sync.engine.asking import Question
from cas_sync.engine.at_revision import History, open_history
from cas_sync.engine.config_edit import replace_file
from cas_sync.engine.revisions import LATEST
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.engine.sync import run_sync
from cas_sync.engine.sync_report import SyncOptions, Target
from cas_sync.engine.tags import names_by_commit
from cas_sync.engine.target import lock_path, pinned, read_lock
from cas_sync.errors import GuardError
from cas_sync.formats import lock_file
from cas_sync.formats.lock_file import Lock
from cas_sync.model.commit import Commit
from cas_sync.plan.adoption import Foreign
from cas_sync.plan.step import NO, Answer
from cas_sync.progress import Progress
from cas_sync.worktree.base import BaseTree
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.state import LocalState


@dataclass(frozen=True)
class Pinned:
    """What a lock file says.

    Attributes:
        path: The file.
        lock: The version.
        commit: Its commit.
        tags: What it is called.
        latest: Number of the latest commit.
        is_new: Whether the file was changed.
    """

    path: Path
    lock: Lock
    commit: Commit
    tags: tuple[str, ...]
    latest: int
    is_new: bool = False


def run_pin(
    settings: Settings, surroundings: Surroundings, rev: str | None, progress: Progress
) -> Pinned:
    """Write the lock file.

    Args:
        settings: The configuration in force.
        surroundings: How to reach the store.
        rev: Which version; `None` is the one this folder holds, which it must do exactly, or
            the latest where nothing was synced yet.
        progress: Is told what happens.

    Raises:
        GuardError: The folder holds what is in no version.
        UsageError: There is no such revision.
    """
    held = None if rev is not None else _held(settings)
    with open_history(settings, surroundings) as past:
        if held is None or held.repo_id != past.head.repo_id:
            held = None
            found = past.revision(rev or LATEST)
            lock = Lock(past.head.repo_id, found.id, found.seq)
        else:
            lock = held
        of_file = _told(past, settings, lock)
    if held is not None and (why := differs(settings, surroundings, lock, progress)):
        raise GuardError(
            f"the data folder is not exactly version {lock}, so that is not pinned",
            cause=why,
            fix="cas-sync sync   (then pin)\nor pin a version as it is in the store:  "
            f"cas-sync pin {str(lock.commit)[:8]}",
            code="E216",
        )
    path, data = of_file.path, lock_file.dump(lock, of_file.commit, of_file.tags)
    if path.is_file() and path.read_bytes() == data:
        return of_file
    replace_file(path, data)
    return replace(of_file, is_new=True)


def check_pin(
    settings: Settings, surroundings: Surroundings, progress: Progress
) -> tuple[Pinned, str]:
    """Return what the lock file says, and how the folder differs from it; empty if it does not.

    Raises:
        ConfigError: There is no lock file, or its version is not in the store.
    """
    lock = read_lock(settings)
    with open_history(settings, surroundings) as past:
        found = _told(past, settings, lock)
    return found, differs(settings, surroundings, lock, progress)


def differs(
    settings: Settings, surroundings: Surroundings, lock: Lock, progress: Progress
) -> str:
    """Return in what the data folder is not the version of ``lock``; empty where it is."""
    options = SyncOptions(dry_run=True, target=Target(lock=lock))
    try:
        report = run_sync(settings, surroundings, options, _Nobody(), progress)
    except GuardError as error:
        if error.code != "E216":
            raise
        return f"{error.message}:\n{error.cause}"
    if report.skipped:
        return "\n".join(f"{path}: {why}" for path, why in list(report.skipped.items())[:5])
    n = report.survey.n_materialize if report.survey else 0
    return "" if not n else f"{n:,} files are to be written or removed:  cas-sync sync --locked"


def _told(past: History, settings: Settings, lock: Lock) -> Pinned:
    """Return all there is to say of a version, for people."""
    commit = pinned(past.repo, past.head, lock)
    tags = names_by_commit(past.repo).get(lock.commit, ())
    return Pinned(lock_path(settings), lock, commit, tags, past.head.seq)


def _held(settings: Settings) -> Lock | None:
    """Return the version that the last sync brought the folder to."""
    if not settings.data.is_dir():
        return None
    with Folder(str(settings.data)) as folder:
        agreed = BaseTree(LocalState(folder).base_path).agreed
    if agreed is None or agreed.commit is None:
        return None
    return Lock(agreed.repo_id, agreed.commit, agreed.seq)


class _Nobody:
    """Agrees to nothing; a look needs no answer."""

    agrees = False

    def show(self, question: Question) -> None:
        del question

    def apply(self, question: Question) -> Answer:
        del question
        return NO

    def adopt(self, foreign: Foreign) -> bool:
        del foreign
        return False
