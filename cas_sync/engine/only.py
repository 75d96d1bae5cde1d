"""What is wanted on this machine: not wanted here is not deleted.

The `--only` of a folder's first sync is remembered in `.S3/local.json`. What it does not
name is neither downloaded, published nor deleted. A file that leaves the folder while it is
not wanted leaves the base too: once it is wanted again it is new, not deleted.
"""

import contextlib
import stat
from collections.abc import Callable, Iterable, Iterator

from cas_sync.engine.config_edit import remember_local
from cas_sync.engine.scanned import Scanned
from cas_sync.engine.session import Session
from cas_sync.engine.settings import LOCAL_FILE
from cas_sync.model.paths import sort_key
from cas_sync.model.tree import Entry, Found
from cas_sync.plan.scope import wants
from cas_sync.worktree.base import BaseTree, write_base

FILE = "scope.json"
"""In `.S3`: what was wanted when the base was written."""


@contextlib.contextmanager
def remembering(session: Session, *, dry_run: bool) -> Iterator[None]:
    """Remember the `--only` of a first sync, unless that comes to nothing; tell what holds."""
    state, only = session.state, session.wanted.only
    is_first = bool(only) and not state.exists()
    tell(session, is_first=is_first)
    if dry_run or not is_first:
        yield
        return
    before = (state.read_json(LOCAL_FILE) or {}).get("only")
    # At once: if this sync is killed, the next must not take the rest.
    remember_local(session.settings, "only", list(only))
    try:
        yield
    finally:
        if not state.exists() and state.read_intent() is None:
            remember_local(session.settings, "only", before)


def tell(session: Session, *, is_first: bool = False) -> None:
    """Say what of the folder this run is about, where that is not all of it."""
    note, scope = session.progress.note, session.scope
    if scope.remembered:
        source = session.settings.origins.get("only", "")
        where = "remembered" if is_first or source.endswith("local.json") else source
        note(
            f"Only {', '.join(scope.remembered)} here ({where}; "
            "change it with  cas-sync config set only PATTERN --local)"
        )
    if session.wanted.only and not is_first:
        kept = " ".join(f"'{each}'" for each in session.wanted.only)
        note(f"--only holds for this run. To keep it:  cas-sync config set only {kept} --local")
    for path in session.wanted.paths:
        found = session.folder.stat(path)
        is_dir = found is not None and stat.S_ISDIR(found.st_mode)
        verdict = scope.rules.explain(path, is_dir=is_dir)
        if verdict.is_ignored and verdict.rule is not None:
            note(f"{path} is ignored: {verdict.rule.where}:{verdict.rule.text}")


def without_unwanted(session: Session, base: BaseTree, ours: Scanned) -> BaseTree:
    """Return the base without the files that are not wanted here and not here.

    Wanted or not both now and when the base was written, so that a file which was removed
    while it was not wanted comes back when it is, instead of being deleted for everyone.
    """
    before = _remembered_before(session)
    if base.agreed is None or not (session.scope.remembered or before):
        return base
    now, then = wants(session.scope.remembered), wants(before)

    def rows() -> Iterator[Entry]:
        return still_here(base.rows(), ours.found(), lambda path: now(path) and then(path))

    if sum(1 for _ in rows()) == base.n_rows:
        return base
    path = session.new_spool()
    # It is no commit's tree any more.
    agreed = base.agreed._replace(n_pending=max(1, base.agreed.n_pending))
    write_base(path, session.state.tmp_dir, rows(), agreed)
    return BaseTree(path)


def note_remembered(session: Session) -> None:
    """Note what was wanted now that the base is written."""
    remembered = session.scope.remembered
    if remembered != _remembered_before(session):
        session.state.write_json(FILE, {"only": list(remembered)})


def _remembered_before(session: Session) -> tuple[str, ...]:
    found = (session.state.read_json(FILE) or {}).get("only", [])
    return tuple(map(str, found)) if isinstance(found, list) else ()


def still_here(
    rows: Iterable[Entry], found: Iterable[Found], is_kept: Callable[[str], bool]
) -> Iterator[Entry]:
    """Yield the rows that are kept in any case, or whose file is on the disk.

    Args:
        rows: Rows of the base, in path order.
        found: What the disk holds, in path order.
        is_kept: Says which paths are kept, on the disk or not.
    """
    here = iter(found)
    at = next(here, None)
    blind = ""
    for row in rows:
        if is_kept(row.path):
            yield row
            continue
        key = sort_key(row.path)
        while at is not None and sort_key(at.path) <= key:
            if at.subtree:
                blind = at.path + "/"
            if at.path == row.path:
                break
            at = next(here, None)
        is_there = at is not None and at.path == row.path
        if is_there or (blind and row.path.startswith(blind)):
            yield row
