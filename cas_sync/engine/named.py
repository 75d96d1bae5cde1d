"""What the user named: below the data folder, and there at all."""

import os
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from cas_sync.engine.scanned import Scanned
from cas_sync.engine.session import Session
from cas_sync.errors import UsageError
from cas_sync.model.tree import Entry
from cas_sync.plan.matches import Matches
from cas_sync.plan.near import near_paths
from cas_sync.plan.scope import matcher
from cas_sync.worktree.base import BaseTree

_MOST_SAID = 3


def below_data(path: Path, data: Path) -> str | None:
    """Return an absolute path relative to the data folder, ``""`` for all of it.

    Either may lead through links; the last name of the path is taken as it is. `None` where
    it is not in the data folder.
    """
    at, top = (Path(os.path.normpath(each)) for each in (path, data))
    if not at.is_relative_to(top):
        real_top = Path(os.path.realpath(top))
        real_at = Path(os.path.realpath(at.parent), at.name)
        if not real_at.is_relative_to(real_top):
            real_at = Path(os.path.realpath(at))
        if not real_at.is_relative_to(real_top):
            return None
        at, top = real_at, real_top
    named = at.relative_to(top).as_posix()
    return "" if named == "." else unicodedata.normalize("NFC", named)


def matches_for(session: Session) -> Matches | None:
    """Return what finds out whether all that the user named is there; `None` if it is known."""
    wanted = session.wanted
    names = [name for each in wanted.paths if (name := each.strip("/")) not in {"", "."}]
    missing = [name for name in names if session.folder.stat(name) is None]
    if not (missing or wanted.only):
        return None
    return Matches(missing, matcher(wanted.only) if wanted.only else None)


def refuse_missing(
    session: Session,
    matches: Matches,
    base: BaseTree,
    ours: Scanned,
    theirs: Iterable[Entry],
) -> None:
    """Refuse names that are nowhere; tell where patterns match nothing.

    Args:
        session: The command.
        matches: What a whole plan was looked at by.
        base: What both sides last agreed on.
        ours: The data folder.
        theirs: The shared tree.

    Raises:
        UsageError: A path is in none of them, nor on the disk.
    """
    if matches.nothing_meant:
        patterns = " ".join(f"'{each}'" for each in session.wanted.only)
        session.progress.note(f"warning: --only {patterns} matches no file, here or there")
    if not matches.missing:
        return

    def paths() -> Iterator[str]:
        yield from (row.path for row in chain(base.rows(), theirs))
        yield from (found.path for found in ours.found())

    missing = sorted(matches.missing)
    said = ", ".join(missing[:_MOST_SAID]) + (", ..." if missing[_MOST_SAID:] else "")
    found = " or ".join(near_paths(missing[0], paths()))
    raise UsageError(
        f"{said}: neither in {session.settings.data} nor in the store",
        fix=f"did you mean {found}?" if found else "see what differs:  cas-sync status",
    )
