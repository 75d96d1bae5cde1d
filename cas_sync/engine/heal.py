"""An ordinary sync brings what a check found missing, if this folder has it.

What is asked for stands in the record of upkeep that the head names. A folder looks at each
record once; so a sync where nothing is asked for costs no request more.
"""

from cas_sync.engine.mending import Without, mend
from cas_sync.engine.publish import author_of
from cas_sync.engine.repository import Repository
from cas_sync.engine.scanned import Scanned
from cas_sync.engine.session import Session
from cas_sync.engine.upkeep import move_for_upkeep, whole_index
from cas_sync.errors import DamageError
from cas_sync.model.pack import Kind
from cas_sync.model.tree import Content, Mode, timestamp
from cas_sync.store.head import HeadRead, Lost
from cas_sync.worktree.deletions import REMOTE_FILE
from cas_sync.worktree.local_contents import LocalContents

SEEN_FILE = "upkeep.json"
RACES = 20


def heal(session: Session, repo: Repository, head: HeadRead, ours: Scanned) -> HeadRead:
    """Store again what a check found missing and this folder has; return the head then.

    Args:
        session: The data folder.
        repo: The repository.
        head: Its head.
        ours: The folder as scanned.

    Raises:
        RepositoryResetError: The repository was reset meanwhile.
        OutcomeUnknownError: The store gave no definite answer.
    """
    state = session.state
    for _ in range(RACES):
        name = head.head.condemned
        if not name or (state.read_json(SEEN_FILE) or {}).get("seen") == name:
            return head
        moved = _heal(session, repo, head, ours)
        if isinstance(moved, Lost):
            head = moved.now
            continue
        state.write_json(SEEN_FILE, {"seen": moved.head.condemned})
        return moved
    return head


def _heal(session: Session, repo: Repository, head: HeadRead, ours: Scanned) -> HeadRead | Lost:
    try:
        record = repo.upkeep.in_force(head.head)
    except DamageError:
        return head  # no sync needs it; `fsck` tells
    wanted = {Content(each.content, each.size, Mode.FILE) for each in record.missing}
    local = LocalContents(wanted)
    if wanted:
        local.look_in_index(session.folder, ours.rows())
        local.look_in_kept(session.folder, session.state.path_of(REMOTE_FILE))
    here = sorted(each for each in wanted if local.has(each))
    if not here:
        return head
    surroundings = session.surroundings
    # What is asked for is in no index; should it be, it was brought by somebody else. But a
    # list that is there may be what is damaged, so it is stored again.
    known = Without(whole_index(repo, head.head), {(each.id, Kind.FILE) for each in wanted})
    uploader, mended = mend(repo, head.head, known, local, here, surroundings)
    left = tuple(each for each in record.missing if each.content not in mended)
    if len(left) == len(record.missing):
        return head
    record = record._replace(
        epoch=head.head.gc_epoch,
        author=author_of(session.settings, surroundings).name,
        time=timestamp(surroundings.clock.now()),
        # One object may belong to several files.
        missing=tuple(each for each in left if not uploader.has(each.id, each.kind)),
        nonce=surroundings.nonce(),
    )
    roots = (*head.head.index_roots, *uploader.roots)
    moved = move_for_upkeep(repo, head, record, roots, surroundings)
    if not isinstance(moved, Lost):
        n = len(mended)
        files = "1 file was" if n == 1 else f"{n:,} files were"
        session.progress.note(f"The store lacked parts of what is here: {files} stored again.")
    return moved
