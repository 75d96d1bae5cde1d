"""What a path held at a revision, and one file of it as a real file, every byte checked."""

import contextlib
import difflib
import os
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

from cas_sync.engine.repository import Connection, Repository, refuse_reset
from cas_sync.engine.revisions import Revision, find_revision
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.errors import UsageError, WorktreeError
from cas_sync.model.commit import Head
from cas_sync.model.paths import (
    STATE_DIR,
    PathRefusedError,
    RepoPath,
    parse_repo_path,
    sort_key,
    unportable,
)
from cas_sync.model.tree import Content, Entry, Mode, ns_of_timestamp
from cas_sync.progress import Progress
from cas_sync.store.head import HeadRead
from cas_sync.store.objects import ObjectReader
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.hashing import FileHasher, content_id
from cas_sync.worktree.journal import BESIDE
from cas_sync.worktree.outcome import Placed
from cas_sync.worktree.trouble import translated
from cas_sync.worktree.writer import Writer

NEAR = 5000
"""How many rows of a folder are looked through for names near an unknown one."""


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


# -- paths at a revision ------------------------------------------------------------------


def history(
    connection: Connection, head: HeadRead | None, settings: Settings
) -> tuple[Repository, Head]:
    """Return the repository and its head.

    Raises:
        UsageError: Nothing was published yet.
        RepositoryResetError: It is being reset.
    """
    refuse_reset(head, None, settings.address.url)
    if head is None:
        raise UsageError(
            f"there is nothing at {settings.address.url} yet",
            fix="publish what is here first:  cas-sync sync",
        )
    return connection.repository(head.head.repo_id), head.head


def rows_at(repo: Repository, revision: Revision, paths: Iterable[str]) -> Iterator[Entry]:
    """Yield the files at or below ``paths`` at a revision, in path order, each of them once.

    Args:
        repo: The repository.
        revision: The commit.
        paths: Files or folders, relative to the data folder; empty text means all of it.

    Raises:
        UsageError: One of them was not there.
    """
    named = [_parsed(path) for path in paths]
    roots = sorted(
        {path for path in named if not any(path != n and _is_below(path, n) for n in named)},
        key=sort_key,
    )
    found = []
    for path in roots:
        rows = _below(repo, revision, path)
        first = next(rows, None)
        if first is None and path:
            raise _unknown(repo, revision, path)
        found.append(chain([first] if first is not None else (), rows))
    return chain.from_iterable(found)


def find_entry(repo: Repository, revision: Revision, path: str) -> Entry:
    """Return the row of the file ``path`` at a revision, reading a page a level.

    Raises:
        UsageError: There was none, or it was a folder or a link.
    """
    named = _parsed(path)
    found = repo.versions.find(revision.versions, sort_key(named)) if named else None
    if found is None:
        if next(_below(repo, revision, named), None) is not None:
            raise UsageError(f"{path} is a folder at {revision}", fix="name a file in it")
        raise _unknown(repo, revision, named)
    if found.content.mode is Mode.LINK:
        raise UsageError(f"{path} is a link at {revision}", fix="name the file it leads to")
    return found


def _parsed(path: str) -> str:
    text = unicodedata.normalize("NFC", path).strip("/")
    if text in {"", "."}:
        return ""
    try:
        return parse_repo_path(text)
    except PathRefusedError as error:
        raise UsageError(f"{path!r} names no file", cause=str(error)) from None


def _is_below(path: str, folder: str) -> bool:
    return not folder or path.startswith(folder + "/")


def _below(repo: Repository, revision: Revision, path: str) -> Iterator[Entry]:
    if not path:
        return repo.versions.rows(revision.versions)
    key = sort_key(path)
    # A path's own key, then those of what lies below it; no name holds such characters.
    return repo.versions.between(revision.versions, key, key + "\x01")


def _unknown(repo: Repository, revision: Revision, path: str) -> UsageError:
    """Return the error of a path that was not there, with names that are near it."""
    folder, slash, name = path.rpartition("/")
    rows = islice(_below(repo, revision, folder), NEAR)
    start = len(folder) + len(slash)
    names = {row.path[start:].partition("/")[0] for row in rows}
    near = difflib.get_close_matches(name, sorted(names), 3)
    return UsageError(
        f"there is no {path} at {revision} (#{revision.seq})",
        cause=f"near it: {', '.join(folder + slash + each for each in near)}" if near else "",
        fix=f"see when it was changed:  cas-sync log {path}",
    )
