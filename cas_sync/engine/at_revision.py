"""What a path held at a revision: rows of the manifest, read page by page."""

import difflib
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from cas_sync.engine.repository import Connection, Repository, refuse_reset
from cas_sync.engine.revisions import Revision
from cas_sync.engine.settings import Settings
from cas_sync.errors import UsageError
from cas_sync.model.commit import Head
from cas_sync.model.paths import PathRefusedError, parse_repo_path, sort_key
from cas_sync.model.tree import Entry, Mode
from cas_sync.store.head import HeadRead

NEAR = 5000
"""How many rows of a folder are looked through for names near an unknown one."""


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
