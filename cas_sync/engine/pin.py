"""`cas-sync.lock` beside the code: written, and held against the data folder."""

from dataclasses import dataclass
from pathlib import Path

from cas_sync.engine.asking import Question
from cas_sync.engine.at_revision import history
from cas_sync.engine.config_edit import replace_file
from cas_sync.engine.repository import Connection
from cas_sync.engine.revisions import Revision, find_revision
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
    with Connection(settings, surroundings) as connection:
        repo, head = history(connection, connection.read_head(), settings)
        if held is not None and held.repo_id == head.repo_id:
            found = Revision(held.commit, held.seq, None)
        else:
            held = None
            found = find_revision(repo, head, rev or "@", surroundings.clock.now())
        lock = Lock(head.repo_id, found.id, found.seq)
        commit = pinned(repo, head, lock)
        tags = names_by_commit(repo).get(lock.commit, ())
    if held is not None and (why := differs(settings, surroundings, lock, progress)):
        raise GuardError(
            f"the data folder is not exactly version {lock}, so that is not pinned",
            cause=why,
            fix="cas-sync sync   (then pin)\nor pin a version as it is in the store:  "
            f"cas-sync pin {str(lock.commit)[:8]}",
            code="E216",
        )
    path, data = lock_path(settings), lock_file.dump(lock, commit, tags)
    is_new = not path.is_file() or path.read_bytes() != data
    if is_new:
        replace_file(path, data)
    return Pinned(path, lock, commit, tags, head.seq, is_new)


def check_pin(
    settings: Settings, surroundings: Surroundings, progress: Progress
) -> tuple[Pinned, str]:
    """Return what the lock file says, and how the folder differs from it; empty if it does not.

    Raises:
        ConfigError: There is no lock file, or its version is not in the store.
    """
    lock = read_lock(settings)
    with Connection(settings, surroundings) as connection:
        repo, head = history(connection, connection.read_head(), settings)
        commit = pinned(repo, head, lock)
        tags = names_by_commit(repo).get(lock.commit, ())
    found = Pinned(lock_path(settings), lock, commit, tags, head.seq)
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

    def show(self, question: Question) -> None:
        del question

    def apply(self, question: Question) -> Answer:
        del question
        return NO

    def adopt(self, foreign: Foreign) -> bool:
        del foreign
        return False
