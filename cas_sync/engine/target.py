"""A version that the folder is to be brought to, instead of the latest; nothing is published.

The sync is the ordinary one: theirs is the tree of that version, and the base says so when
it is done. So the next plain sync goes on to the latest, and an edit made meanwhile is
merged as any other.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path

from cas_sync.engine.only import still_here
from cas_sync.engine.repository import Repository
from cas_sync.engine.revisions import Revision, find_revision, head_at
from cas_sync.engine.scanned import Scanned
from cas_sync.engine.session import Plan, Session
from cas_sync.engine.settings import Settings
from cas_sync.engine.sync_report import Target
from cas_sync.engine.upkeep import refuse_expired
from cas_sync.errors import ConfigError, DamageError, GuardError
from cas_sync.formats import lock_file
from cas_sync.formats.lock_file import NAME, Lock
from cas_sync.model.commit import Commit, Head
from cas_sync.model.tree import Entry
from cas_sync.plan.step import Act, Step
from cas_sync.store.head import HeadRead
from cas_sync.worktree.base import BaseTree, write_base

_SAID = 5
"""So many paths are named in an error."""


def lock_path(settings: Settings) -> Path:
    """Return where the lock file is: beside cas-sync.json."""
    return settings.root / NAME


def read_lock(settings: Settings) -> Lock:
    """Return what the lock file pins.

    Raises:
        ConfigError: There is none, or it is malformed.
    """
    path = lock_path(settings)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(
            f"there is no {NAME} in {settings.root}",
            fix="pin the version this folder holds:  cas-sync pin",
            code="E215",
        ) from None
    except OSError as error:
        raise ConfigError(f"cannot read {path}", cause=str(error.strerror)) from error
    return lock_file.load(data)


def as_of(repo: Repository, head: HeadRead, target: Target, now: datetime) -> HeadRead:
    """Return the head as if the target were the latest commit.

    Raises:
        UsageError: There is no such revision.
        ConfigError: The lock file is about another repository, or a commit that is not there.
    """
    lock = target.lock
    if lock is None:
        found = find_revision(repo, head.head, target.rev, now)
    else:
        found = Revision(lock.commit, lock.seq, pinned(repo, head.head, lock).versions)
    refuse_expired(repo, head.head, found)
    return HeadRead(head_at(head.head, found), head.etag)


def pinned(repo: Repository, head: Head, lock: Lock) -> Commit:
    """Return the commit that a lock file names; its id vouches for its bytes.

    Raises:
        ConfigError: It is of another repository, or not in the store.
    """
    if lock.repo_id != head.repo_id:
        raise ConfigError(
            f"{NAME} is about another repository than the one at {repo.bucket.url}",
            cause="the store was changed, or reset and begun anew",
            fix="cas-sync config get store   (is it the right one?)\n"
            "pin what is there now:  cas-sync pin @",
            code="E215",
        )
    missing = ConfigError(
        f"version {lock} of {NAME} is not in the history at {repo.bucket.url}",
        cause="it was removed there, or an old copy of the store was restored",
        fix="see what is there:  cas-sync log --oneline\npin another one:  cas-sync pin REV",
        code="E215",
    )
    if lock.seq > head.seq:
        raise missing
    try:
        return repo.commits.read(lock.commit, lock.seq)
    except DamageError as error:
        raise missing from error


def without_missing(session: Session, base: BaseTree, ours: Scanned) -> BaseTree:
    """Return the base without the files that were deleted here: they are to come back."""
    if base.agreed is None:
        return base
    leaves_out = session.scope.leaves_out

    def rows() -> Iterator[Entry]:
        return still_here(base.rows(), ours.found(), leaves_out)

    if sum(1 for _ in rows()) == base.n_rows:
        return base
    path = session.new_spool()
    # It is no commit's tree any more.
    agreed = base.agreed._replace(n_pending=max(1, base.agreed.n_pending))
    write_base(path, session.state.tmp_dir, rows(), agreed)
    return BaseTree(path)


def refuse_edits(plan: Plan, version: str) -> None:
    """Stop where the folder holds what is in no version: it could not be exactly that one.

    Raises:
        GuardError: It does.
    """
    acts = plan.survey.acts
    n = acts[Act.LEAVE] + acts[Act.CONFLICT]
    if not n:
        return
    edits = (step for step in plan.steps() if step.act in {Act.LEAVE, Act.CONFLICT})
    said = [f"{_what(step)} {step.path}" for step in islice(edits, _SAID)]
    if n > _SAID:
        said.append(f"... and {n - _SAID:,} more")
    files = "1 file here was" if n == 1 else f"{n:,} files here were"
    raise GuardError(
        f"{files} changed since the last sync; to be exactly version {version} would lose that",
        cause="\n".join(said),
        fix="publish them first:  cas-sync sync   (then this command again)\n"
        "or take the change back:  cas-sync restore PATH, or move the file elsewhere",
        code="E216",
    )


def _what(step: Step) -> str:
    return "new" if step.base is None and step.theirs is None else "changed"
