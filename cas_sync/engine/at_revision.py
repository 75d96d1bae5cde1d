"""What a path held at a revision: rows of the manifest, read page by page."""

import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from shlex import quote
from typing import NamedTuple

from cas_sync.engine.repository import Connection, Repository, Traffic, refuse_reset
from cas_sync.engine.revisions import Revision, find_revision
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.engine.upkeep import refuse_expired
from cas_sync.errors import UsageError
from cas_sync.model.commit import Head
from cas_sync.model.paths import (
    PathRefusedError,
    RepoPath,
    keys_below,
    parse_repo_path,
    sort_key,
)
from cas_sync.model.tree import Entry, Mode
from cas_sync.plan.named_paths import NamedPaths
from cas_sync.plan.near import near_it, near_paths
from cas_sync.store.head import HeadRead
from cas_sync.store.objects import ObjectReader

NEAR = 5000
"""How many names of a folder are looked through for those near an unknown one."""


class Named(NamedTuple):
    """A path at a revision, as a user names it.

    Attributes:
        rev: See `find_revision`.
        path: A file or folder, relative to the data folder; empty text means all of it.
    """

    rev: str
    path: str


class Subfolder(NamedTuple):
    """A folder that lies in the one that is looked at.

    Attributes:
        path: Where, below the data folder; no slash at its end.
    """

    path: RepoPath


@dataclass(frozen=True)
class History:
    """A history that is open to be read.

    Attributes:
        connection: Leads to the store.
        repo: The repository.
        head: Its head.
        now: When it was opened.
    """

    connection: Connection
    repo: Repository
    head: Head
    now: datetime

    def revision(self, text: str, *, of_any_age: bool = False) -> Revision:
        """Return the commit that ``text`` means.

        Args:
            text: See `find_revision`.
            of_any_age: Whether its files need not be kept any more.

        Raises:
            UsageError: It means none, or several, or its files are not kept any more.
        """
        found = find_revision(self.repo, self.head, text, self.now)
        if not of_any_age:
            refuse_expired(self.repo, self.head, found)
        return found

    def holds(self, path: str) -> bool:
        """Say whether the latest tree holds a path, or something below it."""
        found = self.repo.versions.between(self.head.versions, *keys_below(path))
        return next(found, None) is not None

    def reader(self) -> ObjectReader:
        """Return what reads single objects, without loading a large index for them."""
        return self.repo.reader(self.head, sparse=True)

    def traffic(self) -> Traffic:
        """Return what was sent and received so far."""
        return self.connection.traffic()


@contextmanager
def open_history(settings: Settings, surroundings: Surroundings) -> Iterator[History]:
    """Open the history of a store; no data folder is needed.

    Raises:
        UsageError: Nothing was published yet.
        RepositoryResetError: It is being reset.
    """
    with Connection(settings, surroundings) as connection:
        repo, head = history(connection, connection.read_head(), settings)
        yield History(connection, repo, head, surroundings.clock.now())


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
    found = []
    for path in NamedPaths(tuple(parsed(path) for path in paths)).roots():
        rows = rows_below(repo, revision, path)
        first = next(rows, None)
        if first is None and path:
            raise unknown(repo, revision, path)
        found.append(chain([first] if first is not None else (), rows))
    return chain.from_iterable(found)


def find_entry(repo: Repository, revision: Revision, path: str) -> Entry:
    """Return the row of the file ``path`` at a revision, reading a page a level.

    Raises:
        UsageError: There was none, or it was a folder or a link.
    """
    named = parsed(path)
    found = repo.versions.find(revision.versions, sort_key(named)) if named else None
    if found is None:
        if not named or next(rows_in(repo, revision, named), None) is not None:
            raise UsageError(
                f"{named or 'the top'} is a folder at {revision}",
                fix=f"name a file in it; see them:  cas-sync ls {quote(f'{revision}:{named}')}",
            )
        raise unknown(repo, revision, named)
    refuse_link(found, revision)
    return found


def refuse_link(entry: Entry, revision: Revision) -> None:
    """Refuse a link where a file is wanted: what it leads to may be of another time.

    Raises:
        UsageError: It is one.
    """
    if entry.content.mode is Mode.LINK:
        raise UsageError(
            f"{entry.path} is a link at {revision}", fix="name the file it leads to"
        )


def rows_in(repo: Repository, revision: Revision, path: str) -> Iterator[Entry | Subfolder]:
    """Yield the file ``path``, or what lies in the folder ``path``, in path order.

    What lies in the folder's subfolders is neither yielded nor read; where there is nothing
    of that name, nothing is.

    Args:
        repo: The repository.
        revision: The commit.
        path: As from `parsed`; empty text means the top of the data folder.
    """
    below = len(path) + 1 if path else 0

    def after_subfolder(row: Entry) -> str | None:
        at = row.path.find("/", below)
        return None if at < 0 else keys_below(row.path[:at])[1]

    start, end = keys_below(path)
    for row in repo.versions.jumping(revision.versions, start, end, after_subfolder):
        at = row.path.find("/", below)
        yield row if at < 0 else Subfolder(RepoPath(row.path[:at]))


def rows_below(repo: Repository, revision: Revision, path: str) -> Iterator[Entry]:
    """Yield the file ``path``, or all files below the folder ``path``, in path order.

    Args:
        repo: The repository.
        revision: The commit.
        path: As from `parsed`; empty text means all of the data folder.
    """
    return repo.versions.between(revision.versions, *keys_below(path))


def parsed(path: str) -> str:
    """Return a path as manifests have it; empty text for all of the data folder.

    Raises:
        UsageError: No file can be called so.
    """
    text = unicodedata.normalize("NFC", path).strip("/")
    if text in {"", "."}:
        return ""
    try:
        return parse_repo_path(text)
    except PathRefusedError as error:
        raise UsageError(f"{path!r} names no file", cause=str(error)) from None


class Around(NamedTuple):
    """What there is where a path is not.

    Attributes:
        folder: The lowest folder on the way to the path that is there; `None` if none is.
        near: Up to three names that may have been meant.
    """

    folder: str | None
    near: list[str]


def look_around(repo: Repository, revision: Revision, path: str) -> Around:
    """Return what there is near a path that was not there, in the lowest folder that was."""
    while path:
        folder = path.rpartition("/")[0]
        names = [each.path for each in islice(rows_in(repo, revision, folder), NEAR)]
        if names:
            return Around(folder, near_paths(path, names))
        path = folder
    return Around(None, [])


def unknown(repo: Repository, revision: Revision, path: str) -> UsageError:
    """Return the error of a path that was not there, with names that are near it."""
    around = look_around(repo, revision, path)
    cause = near_it(around.near)
    fix = f"see when it was changed:  cas-sync log {quote(path)}"
    if around.folder is not None:
        fix += f"\nsee what is there:  cas-sync ls {quote(f'{revision}:{around.folder}')}"
    if "/" not in path and path in repo.tags.read_all().tags:
        fix = f"{path} is a tag; see that version:  cas-sync ls {quote(path + ':')}\n{fix}"
    return UsageError(
        f"there is no {path} at {revision} (#{revision.seq})", cause=cause, fix=fix
    )
