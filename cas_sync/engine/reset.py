"""Removes `.S3` here and under the prefix, and nothing else. docs/design.md, section 9.

In this order: prove that every file of the latest commit is here, close the head (which
fences every running client), delete the keys below `.S3/` with the head last, then the
local `.S3` but what the user says there. Killed anywhere, the same command goes on.
"""

import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field

from cas_sync.engine.repository import FORMAT, Connection, Repository, empty_head
from cas_sync.engine.session import LOCK_WAIT_S
from cas_sync.engine.settings import LOCAL_FILE, Settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.errors import ConfigError, GuardError, RaceLostError, WorktreeError
from cas_sync.formats import documents, keys
from cas_sync.formats.strict_json import MAX_BYTES
from cas_sync.model.commit import Head, HeadState
from cas_sync.model.paths import STATE_DIR
from cas_sync.model.tree import Mode
from cas_sync.progress import Progress
from cas_sync.store.bucket import Key
from cas_sync.store.head import HEAD, Gone, HeadRead, Lost, advance
from cas_sync.worktree.folder import TMP_DIR, Folder
from cas_sync.worktree.hashing import FileHasher, content_id
from cas_sync.worktree.recover import recover
from cas_sync.worktree.state import BASE_FILE, LocalState, forget_remembered

ROOT = Key(keys.ROOT)
SHOWN = 10
STAYS = (LOCAL_FILE, "ignore_remote.txt", "ignores3.txt")
"""In the local `.S3`: what the user says about this machine. Without the lists of what is
ignored, the next sync would publish what is private here."""


@dataclass
class ResetReport:
    """What a reset would remove, or has removed.

    Attributes:
        url: The store.
        data: The data folder.
        repo_id: The repository; empty where there is none.
        n_commits: Commits of its history.
        n_keys: Objects below the prefix's `.S3/` that go.
        size: Their bytes.
        n_foreign: How many of them s3synchrony left, or others.
        n_kept: Files in the local `.S3/deleted` that go with it.
        stays: Files of the local `.S3` that stay: what the user says about this machine.
        missing: Files of the latest commit that are not here, or not intact.
        changed: Those of them that are here with another content.
        remote: Whether the prefix is meant.
        local: Whether the local `.S3` is meant.
    """

    url: str
    data: str
    repo_id: str = ""
    n_commits: int = 0
    n_keys: int = 0
    size: int = 0
    n_foreign: int = 0
    n_kept: int = 0
    stays: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    remote: bool = True
    local: bool = True


def run_reset(
    settings: Settings,
    surroundings: Surroundings,
    progress: Progress,
    *,
    confirm: bool,
    remote: bool,
    local: bool,
    even_if_incomplete: bool,
) -> ResetReport:
    """Remove `.S3` here and under the prefix, or tell what would go.

    Args:
        settings: The configuration in force.
        surroundings: Time and randomness.
        progress: Is told what happens.
        confirm: Whether to do it.
        remote: Whether the prefix is meant.
        local: Whether the local `.S3` is meant.
        even_if_incomplete: Whether to go on although files of the latest commit are not
            here; they are lost then.

    Raises:
        GuardError: Files of the latest commit are not here.
        ConfigError: The prefix holds another repository than this folder knows, or a `.S3`
            that is no repository.
    """
    report = ResetReport(settings.address.url, str(settings.data), remote=remote, local=local)
    with ExitStack() as stack:
        folder = state = None
        if (settings.data / STATE_DIR).is_dir():
            folder = stack.enter_context(Folder(str(settings.data)))
            state = LocalState(folder)
            stack.enter_context(state.lock(LOCK_WAIT_S))
            if confirm and folder.stat(TMP_DIR) is not None:
                recover(folder)  # puts back what a killed sync had moved out of the way
            report.n_kept = _count_kept(settings)
            if local:
                here = settings.data / STATE_DIR
                report.stays = [name for name in STAYS if (here / name).exists()]
        if remote:
            connection = stack.enter_context(Connection(settings, surroundings))
            known = state.read_root() if state is not None else None
            _reset_remote(
                connection,
                settings,
                surroundings,
                progress,
                report,
                known_repo=known.repo_id if known else None,
                confirm=confirm,
                even_if_incomplete=even_if_incomplete,
            )
    if local and confirm:
        _remove_local(settings)
    return report


def _count_kept(settings: Settings) -> int:
    return sum(path.is_file() for path in (settings.data / STATE_DIR / "deleted").rglob("*"))


def _reset_remote(
    connection: Connection,
    settings: Settings,
    surroundings: Surroundings,
    progress: Progress,
    report: ResetReport,
    *,
    known_repo: str | None,
    confirm: bool,
    even_if_incomplete: bool,
) -> None:
    bucket = connection.bucket
    head = connection.read_head()
    found = list(bucket.list_keys(ROOT))
    foreign = {key for key, _ in found if not keys.is_ours(key)}
    _check_identity(connection, head, known_repo, len(foreign))
    if head is not None:
        report.repo_id, report.n_commits = head.head.repo_id, head.head.seq
        if head.head.state is HeadState.OPEN:
            progress.phase("Verify", head.head.files, head.head.size)
            repo = connection.repository(head.head.repo_id)
            for path, is_here in _missing(repo, head.head, settings, progress):
                report.missing.append(path)
                if is_here:
                    report.changed.append(path)
    stays: set[Key] = set()
    if head is None or head.head.commit is None:
        stays = foreign  # nothing was adopted yet: what others left is the only copy
    report.n_foreign = len(foreign - stays)
    report.n_keys = len(found) - len(stays)
    report.size = sum(size for key, size in found if key not in stays)
    if not confirm:
        return
    if report.missing and not even_if_incomplete:
        named = ", ".join(report.missing[:SHOWN])
        more = len(report.missing) - SHOWN
        raise GuardError(
            f"{len(report.missing):,} files of the latest commit are not here, or not intact: "
            + named
            + (f" and {more:,} more" if more > 0 else ""),
            cause="the shared history is the only other place that has them",
            fix="fetch or publish them first:  cas-sync sync\n"
            "or insist, and lose them:  cas-sync reset --confirm --even-if-incomplete",
            code="E213",
        )
    if head is None and not report.n_keys:
        return
    if head is None or head.head.state is HeadState.OPEN:
        report.repo_id = _close(connection, head, surroundings)
    progress.phase("Delete", report.n_keys, 0)
    # The head goes last: until then it says "closed" to everyone who asks.
    # Listed again: what teammates added before that goes too.
    stays |= {HEAD, FORMAT}
    listed = [key for key, _ in bucket.list_keys(ROOT) if key not in stays]
    _refuse_next(connection, report)
    bucket.delete(listed)
    # The next repository uses these two names again. Whoever else finishes this reset may
    # have done so meanwhile, and somebody may have begun.
    _refuse_next(connection, report)
    bucket.delete([FORMAT])
    bucket.delete([HEAD])


def _refuse_next(connection: Connection, report: ResetReport) -> None:
    """Stop unless the head that was closed still stands; what is there may be of the next."""
    now = connection.read_head()
    if now is None or now.head.state is HeadState.OPEN or now.head.repo_id != report.repo_id:
        raise _removed()


def _check_identity(
    connection: Connection, head: HeadRead | None, known_repo: str | None, n_foreign: int
) -> None:
    blob = connection.bucket.get(Key(keys.FORMAT), MAX_BYTES)
    there = documents.load_format(blob.data).repo_id if blob is not None else None
    if head is not None and head.head.commit is None:
        there = head.head.repo_id  # format.json counts from the first commit on
    if head is not None and there is None and head.head.state is HeadState.OPEN:
        raise ConfigError(
            f"{connection.bucket.url} has a head but no {keys.FORMAT}: not removing anything"
        )
    if head is None and there is None and n_foreign:
        raise ConfigError(
            f"the .S3 at {connection.bucket.url} is no repository of cas-sync: there is no "
            f"{keys.FORMAT}, and {n_foreign:,} of its objects are of another program",
            cause="s3synchrony keeps its lists and the files it deleted there; they were not "
            "adopted, so nothing else has them",
            fix="check the store in cas-sync.json; to forget only what is here:\n"
            "cas-sync reset --confirm --local",
            state="nothing was removed",
        )
    for found in (there, head.head.repo_id if head is not None else None):
        if known_repo is not None and found is not None and found != known_repo:
            raise ConfigError(
                f"the repository at {connection.bucket.url} is not the one this folder knows",
                cause=f"it is {found}, this folder was synced with {known_repo}",
                fix="check the store in cas-sync.json; to forget only what is here:\n"
                "cas-sync reset --confirm --local",
            )


def _missing(
    repo: Repository, head: Head, settings: Settings, progress: Progress
) -> Iterable[tuple[str, bool]]:
    """Yield each file that is not here byte for byte, and whether another of its name is."""
    if not settings.data.is_dir():
        yield from ((row.path, False) for row in repo.versions.rows(head.versions))
        return
    hasher = FileHasher()
    with Folder(str(settings.data)) as folder:
        for row in repo.versions.rows(head.versions):
            try:
                if row.content.mode is Mode.LINK:
                    target = folder.readlink(row.path).encode("utf-8", "surrogateescape")
                    intact = type(row.content.id).of(target) == row.content.id
                else:
                    intact = content_id(folder, row.path, hasher) == row.content.id
            except (OSError, WorktreeError):
                intact = False
            if not intact:
                yield row.path, folder.stat(row.path) is not None
            progress.advance(1, row.content.size)


def _close(connection: Connection, head: HeadRead | None, surroundings: Surroundings) -> str:
    """Close the head and return its repository; without a head, keep others from beginning."""
    nonce = surroundings.entropy(16).hex()
    old = head.head if head is not None else empty_head(surroundings.entropy(16).hex(), "")
    closed = old._replace(state=HeadState.CLOSED, nonce=nonce)
    outcome = advance(
        connection.bucket,
        closed,
        head.etag if head is not None else None,
        is_ours=lambda now: now.state is HeadState.CLOSED,
        clock=surroundings.clock,
        jitter=surroundings.jitter,
    )
    if isinstance(outcome, Lost):
        raise RaceLostError(
            "a teammate published while the reset began",
            fix="cas-sync sync, then cas-sync reset --confirm again",
            state="nothing was removed",
        )
    if isinstance(outcome, Gone):
        raise _removed()
    return closed.repo_id


def _removed() -> RaceLostError:
    return RaceLostError(
        "someone else removed the repository meanwhile, or began another",
        fix="cas-sync reset --confirm again",
        state="nothing was removed here",
    )


def _remove_local(settings: Settings) -> None:
    forget_remembered(str(settings.state_dir), str(settings.data))
    state = settings.data / STATE_DIR
    if state.is_symlink() or not state.is_dir():
        return
    try:
        # The base goes first: a sync that meets the rest makes a union and deletes nothing.
        (state / BASE_FILE).unlink(missing_ok=True)
        for path in [each for each in state.iterdir() if each.name not in STAYS]:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        if not any(state.iterdir()):
            state.rmdir()
    except OSError as error:
        raise WorktreeError(
            f"cannot remove {state}", cause=str(error.strerror), fix="remove it by hand"
        ) from error
