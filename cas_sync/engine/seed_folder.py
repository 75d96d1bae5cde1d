"""A data folder that s3synchrony kept: what was not edited here since then is no conflict.

Without a base, a file that differs here and there is a conflict. But where the file still
is what s3synchrony noted on both sides at its last sync, theirs is simply newer. Ours is
kept when it is replaced, as it may be in no history. Nothing more is concluded from those
notes, and never a deletion.
"""

import hashlib
from collections.abc import Iterator

from cas_sync.engine.contents import BLOCK
from cas_sync.engine.repository import Repository
from cas_sync.engine.scanned import Scanned
from cas_sync.engine.session import Session
from cas_sync.errors import WorktreeError
from cas_sync.formats import seed_manifest
from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import RepoPath, sort_key
from cas_sync.model.tree import Mode
from cas_sync.plan.adoption import plain_name
from cas_sync.plan.sync_plan import align
from cas_sync.store.head import HeadRead
from cas_sync.worktree.base import BaseTree
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.index import LocalRow
from cas_sync.worktree.reader import read_blocks
from cas_sync.worktree.seed_files import (
    LAST_LOCAL,
    LAST_SHARED,
    SEED_DIR,
    put_aside,
    read_seed_file,
)


def put_seed_files_aside(session: Session) -> None:
    """Move s3synchrony's bookkeeping out of the way of ours, in a folder new to us."""
    if not session.state.exists() and (moved := put_aside(session.folder)):
        session.progress.note(
            f"s3synchrony kept this folder; {len(moved)} of its lists lie in {SEED_DIR} now."
        )


def unedited_since_seed(
    session: Session, repo: Repository, base: BaseTree, ours: Scanned, head: HeadRead
) -> dict[RepoPath, ObjectId]:
    """Return our files that differ from theirs only because theirs went on.

    None where there is a base, which knows better.
    """
    if base.agreed is not None or head.head.commit is None:
        return {}
    noted = _noted(session)
    return dict(_unedited(session, repo, ours, head, noted)) if noted else {}


def _noted(session: Session) -> dict[str, str]:
    """Return the checksums, by path, that the folder and the shared manifest had in common."""
    local = _checksums(session, LAST_LOCAL)
    shared = _checksums(session, LAST_SHARED) if local else {}
    return {path: md5 for path, md5 in local.items() if shared.get(path) == md5}


def _checksums(session: Session, names: tuple[str, ...]) -> dict[str, str]:
    data = read_seed_file(session.folder, names)
    if data is None:
        return {}
    found = seed_manifest.load(data, session.surroundings.to_utc)
    return {plain_name(row.name): row.md5 for row in found.rows}


def _unedited(
    session: Session, repo: Repository, ours: Scanned, head: HeadRead, noted: dict[str, str]
) -> Iterator[tuple[RepoPath, ObjectId]]:
    """Yield our files that differ from theirs and still are what was noted."""
    rows = ours.rows()
    row = next(rows, None)
    theirs = repo.versions.rows(head.head.versions)
    for sides in align((), ours.found(), theirs):
        here, there = sides.ours, sides.theirs
        if here is None or there is None or here.content in {None, there.content}:
            continue
        at = sort_key(sides.path)
        while row is not None and sort_key(row.path) < at:
            row = next(rows, None)
        md5 = noted.get(sides.path)
        if row is None or row.path != sides.path or md5 is None:
            continue
        if row.content.mode is not Mode.LINK and _md5(session.folder, row) == md5:
            yield row.path, row.content.id


def _md5(folder: Folder, row: LocalRow) -> str:
    md5 = hashlib.md5(usedforsecurity=False)
    try:
        for block in read_blocks(folder, row, BLOCK):
            md5.update(block)
    except WorktreeError:
        return ""
    return md5.hexdigest()
