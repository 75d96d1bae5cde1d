"""One file of a revision as a real file, every byte checked."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from cas_sync.engine.at_revision import find_entry, history
from cas_sync.engine.repository import Connection, Repository
from cas_sync.engine.revisions import find_revision
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.errors import UsageError, WorktreeError
from cas_sync.model.paths import STATE_DIR, RepoPath, unportable
from cas_sync.model.tree import Content, Entry, Mode, ns_of_timestamp
from cas_sync.progress import Progress
from cas_sync.store.objects import ObjectReader
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.hashing import FileHasher, content_id
from cas_sync.worktree.journal import BESIDE
from cas_sync.worktree.outcome import Placed
from cas_sync.worktree.trouble import translated
from cas_sync.worktree.writer import Writer


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
    with Connection(settings, surroundings) as connection:
        repo, head = history(connection, connection.read_head(), settings)
        entry = find_entry(repo, find_revision(repo, head, rev), path)
        content = entry.content._replace(mode=Mode.FILE)
        name = entry.path.rpartition("/")[2]
        target = _kept_at(settings, repo, content, name) if to is None else to
        if to is not None and to.is_dir():
            target = to / name
        if os.path.lexists(target):
            if _holds(target, content):
                return target
            if to is not None:
                raise UsageError(
                    f"{target} is there already and holds something else",
                    fix="name another place, or remove it first",
                )
            _remove(target)  # a damaged copy in the cache
        progress.phase("Download", 1, content.size)
        entry = entry._replace(path=RepoPath(target.name), content=content)
        with adding_to(target.parent, surroundings) as (folder, writer):
            _write(folder, writer, repo.reader(head), entry, progress)
        if to is None:
            with contextlib.suppress(OSError):
                target.chmod(0o444)  # whoever writes to a copy is told so at once
        return target


def _kept_at(settings: Settings, repo: Repository, content: Content, name: str) -> Path:
    digits = content.id.hex()
    # The name keeps its ending: many programs tell by that what a file is.
    name = digits if os.name == "nt" and unportable(name) else name
    return settings.cache_dir / repo.repo_id / "files" / digits[:2] / digits / name


def _holds(target: Path, content: Content) -> bool:
    with translated(str(target)), Folder(str(target.parent)) as folder:
        return content_id(folder, target.name, FileHasher()) == content.id


def _remove(target: Path) -> None:
    with translated(str(target)):
        if not target.is_symlink():
            target.chmod(0o644)
        target.unlink()


def _write(
    folder: Folder, writer: Writer, reader: ObjectReader, entry: Entry, progress: Progress
) -> None:
    path, content = entry.path, entry.content
    with writer.stage(path, content, ns_of_timestamp(entry.edited)) as staged:
        for block in reader.stream(content):
            staged.write(block)
            progress.advance(0, len(block))
        staged.finish()
        placed = writer.put_in_place(staged, None)
    if not isinstance(placed, Placed):
        raise WorktreeError(f"{folder.real_path(path)} cannot be written", cause=placed.reason)
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
