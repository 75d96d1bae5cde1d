"""Files of a revision as real files outside the data folder, every byte checked."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cas_sync.engine.at_revision import (
    History,
    Named,
    find_entry,
    open_history,
    parsed,
    refuse_link,
    rows_below,
    unknown,
)
from cas_sync.engine.checkout import Checkout
from cas_sync.engine.local import fetched_files
from cas_sync.engine.named import below_data
from cas_sync.engine.repository import Repository, Traffic
from cas_sync.engine.revisions import Revision
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.errors import UsageError, WorktreeError
from cas_sync.model.paths import STATE_DIR, RepoPath, unportable
from cas_sync.model.tree import Content, Entry, Mode, ns_of_timestamp
from cas_sync.plan.step import Act, Step
from cas_sync.progress import Progress
from cas_sync.worktree.compare import holds
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.hashing import FileHasher, content_id
from cas_sync.worktree.journal import BESIDE
from cas_sync.worktree.outcome import Placed
from cas_sync.worktree.trouble import translated
from cas_sync.worktree.writer import Writer

FEW = 16
"""Files that are worth being looked up one by one, without loading a large index."""


@dataclass
class Got:
    """What became of files that were asked for.

    Attributes:
        revision: Where they come from.
        path: The file or folder that was named.
        target: Where it is now.
        n_written: Files written.
        n_same: Files that were there already, just so.
        skipped: Files that were not written, and why.
        traffic: What it cost.
    """

    revision: Revision
    path: str
    target: Path
    n_written: int = 0
    n_same: int = 0
    skipped: dict[RepoPath, str] = field(default_factory=dict)
    traffic: Traffic = field(default_factory=lambda: Traffic({}, 0))


def fetch_file(
    settings: Settings,
    surroundings: Surroundings,
    path: str,
    rev: str,
    to: Path | None,
    progress: Progress,
) -> Path:
    """Return a file that holds what ``path`` held at ``rev``; its bytes were checked just now.

    Args:
        settings: The configuration in force.
        surroundings: How to reach the store.
        path: A file, relative to the data folder.
        rev: See `find_revision`.
        to: The file to write, or a folder to write it into; `None` keeps it in the user's
            cache folder, named by its content, read-only.
        progress: Is told what is received.

    Raises:
        UsageError: There is no such file or revision, or another file is at ``to``.
        DamageError: The stored bytes are not what was published.
    """
    with open_history(settings, surroundings) as past:
        entry = find_entry(past.repo, past.revision(rev), path)
        entry = entry._replace(content=entry.content._replace(mode=Mode.FILE))
        target = _kept_at(settings, past.repo, entry) if to is None else _target(to, entry)
        if os.path.lexists(target):
            if _holds(target, entry.content):
                return target
            if to is not None:
                raise _in_the_way(target)
            _remove(target)  # a damaged copy in the cache
        _write(past, surroundings, entry, target, progress)
        if to is None:
            with contextlib.suppress(OSError):
                target.chmod(0o444)  # whoever writes to a copy is told so at once
        return target


def get_path(
    settings: Settings,
    surroundings: Surroundings,
    named: Named,
    to: Path | None,
    progress: Progress,
    *,
    here: Path,
    into: bool = False,
) -> Got:
    """Write a file or a whole folder of a revision outside the data folder.

    Nothing that is there is replaced: what holds the same is left, and anything else too.

    Args:
        settings: The configuration in force.
        surroundings: How to reach the store.
        named: The file or folder.
        to: Of a file, the file to write or a folder to write it into; of a folder, the
            folder that takes what is in it. `None` means a file or folder of its own name
            in ``here``.
        progress: Is told what is received.
        here: An absolute path.
        into: Whether ``to`` is meant as a folder, even where there is none yet.

    Raises:
        UsageError: There is no such path or revision, another file is in the way of a
            single one, or it would be written into the data folder.
        DamageError: The stored bytes are not what was published.
    """
    path = parsed(named.path)
    with open_history(settings, surroundings) as past:
        revision = past.revision(named.rev)
        first = next(rows_below(past.repo, revision, path), None)
        if first is None and path:
            raise unknown(past.repo, revision, path)
        if to is None and not path:
            raise UsageError(
                "all of the data folder needs a place to be written to",
                fix="name a folder with -o, as in  cas-sync get @: -o as-of-now",
            )
        got = Got(revision, path, to or here / path.rpartition("/")[2])
        if first is not None and first.path == path:
            refuse_link(first, revision)
            got.target = _target(to or here, first, into=into or to is None)
            _refuse_data(got, settings, named)
            _get_file(past, surroundings, first, got, progress)
        else:
            _refuse_data(got, settings, named)
            _get_folder(past, surroundings, got, progress)
        got.traffic = past.traffic()
        return got


def _refuse_data(got: Got, settings: Settings, named: Named) -> None:
    if below_data(got.target, settings.data) is not None:
        raise UsageError(
            f"{got.target} lies in the data folder",
            cause="what is written there is synced, and has a way of its own to come back",
            fix=f"bring it back:  cas-sync restore {got.path or '.'} --rev '{named.rev}'\n"
            "or name a place elsewhere with -o",
        )


def _get_file(
    past: History, surroundings: Surroundings, entry: Entry, got: Got, progress: Progress
) -> None:
    if not os.path.lexists(got.target):
        _write(past, surroundings, entry, got.target, progress)
        got.n_written = 1
    elif _holds(got.target, entry.content):
        got.n_same = 1
    else:
        raise _in_the_way(got.target)


def _get_folder(
    past: History, surroundings: Surroundings, got: Got, progress: Progress
) -> None:
    n_files = size = 0
    for row in rows_below(past.repo, got.revision, got.path):
        n_files, size = n_files + 1, size + row.content.size
    progress.phase("Download", n_files, size)
    with adding_to(got.target, surroundings) as (folder, writer):
        reader = past.repo.reader(past.head, sparse=n_files <= FEW)
        checkout = Checkout(folder, writer, reader, "", progress)
        steps = ((step, None) for step in _missing(past, folder, got))
        for _ in checkout.write(steps, under_copies=False):
            pass
    got.n_written = checkout.n_downloaded
    got.skipped.update(checkout.failed)
    if checkout.damage is not None:
        checkout.damage.state = f"{got.n_written:,} files were written to {got.target}"
        raise checkout.damage


def _missing(past: History, folder: Folder, got: Got) -> Iterator[Step]:
    """Yield what is to be written below ``folder``; note what is not."""
    start = len(got.path) + 1 if got.path else 0
    for row in rows_below(past.repo, got.revision, got.path):
        entry = row._replace(path=RepoPath(row.path[start:]))
        found = folder.stat(entry.path)
        if found is None:
            yield Step(Act.DOWNLOAD, entry.path, None, None, entry)
        elif holds(folder, entry.path, entry.content, found):
            got.n_same += 1
        else:
            got.skipped[entry.path] = "something else of that name is there already"


def _target(to: Path, entry: Entry, *, into: bool = False) -> Path:
    name = entry.path.rpartition("/")[2]
    return to / name if into or to.is_dir() else to


def _in_the_way(target: Path) -> UsageError:
    return UsageError(
        f"{target} is there already and holds something else",
        fix="name another place, or remove it first",
    )


def _kept_at(settings: Settings, repo: Repository, entry: Entry) -> Path:
    digits = entry.content.id.hex()
    # The name keeps its ending: many programs tell by that what a file is.
    name = entry.path.rpartition("/")[2]
    name = digits if os.name == "nt" and unportable(name) else name
    return fetched_files(settings, repo.repo_id) / digits[:2] / digits / name


def _holds(target: Path, content: Content) -> bool:
    with translated(str(target)), Folder(str(target.parent)) as folder:
        return content_id(folder, target.name, FileHasher()) == content.id


def _remove(target: Path) -> None:
    with translated(str(target)):
        if not target.is_symlink():
            target.chmod(0o644)
        target.unlink()


def _write(
    past: History, surroundings: Surroundings, entry: Entry, target: Path, progress: Progress
) -> None:
    """Write one file to a name that is free."""
    content = entry.content
    progress.phase("Download", 1, content.size)
    reader = past.reader()
    path = RepoPath(target.name)
    with adding_to(target.parent, surroundings) as (folder, writer):
        with writer.stage(path, content, ns_of_timestamp(entry.edited)) as staged:
            for block in reader.stream(content):
                staged.write(block)
                progress.advance(0, len(block))
            staged.finish()
            placed = writer.put_in_place(staged, None)
        if not isinstance(placed, Placed):
            raise WorktreeError(
                f"{folder.real_path(path)} cannot be written", cause=placed.reason
            )
    progress.advance(1, 0)


@contextlib.contextmanager
def adding_to(target: Path, surroundings: Surroundings) -> Iterator[tuple[Folder, Writer]]:
    """Open a folder that is no data folder to add files to it; what is there stays.

    Raises:
        UsageError: It is part of the bookkeeping.
        WorktreeError: It cannot be made or written.
    """
    if STATE_DIR in target.resolve().parts:
        raise UsageError(
            f"{target} lies in {STATE_DIR}, which holds bookkeeping only",
            fix="name another folder",
        )
    staging = f"{BESIDE}{surroundings.nonce()}"
    with translated(str(target)):
        target.mkdir(parents=True, exist_ok=True)
        with Folder(str(target)) as folder:
            folder.mkdirs(staging)
            writer = Writer(folder, fsync=False, staging=staging)
            try:
                yield folder, writer
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    folder.rmdir(staging)
