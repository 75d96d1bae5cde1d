"""Moving the head for upkeep: the commit stays, the index and the record change.

A collection and a repair change what the head says about stored objects, through the same
compare-and-swap as a commit; so each of them is ordered against every commit and every
other, without locks or clocks. docs/design.md, section 5.9.
"""

from cas_sync.engine.publish import swap_head
from cas_sync.engine.repository import Repository, refuse_reset
from cas_sync.engine.revisions import Revision
from cas_sync.engine.surroundings import Surroundings
from cas_sync.errors import UsageError
from cas_sync.formats.index import Segment
from cas_sync.formats.index_merge import merge, select
from cas_sync.model.commit import Head
from cas_sync.model.pack import IndexRoot
from cas_sync.model.upkeep import Upkeep
from cas_sync.plan.index_plan import LARGEST
from cas_sync.store.head import HeadRead, Lost, read_head
from cas_sync.store.packs import store_segment


def move_for_upkeep(
    repo: Repository,
    head: HeadRead,
    record: Upkeep,
    index_roots: tuple[IndexRoot, ...],
    surroundings: Surroundings,
) -> HeadRead | Lost:
    """Put a record in force.

    Args:
        repo: The repository.
        head: What it was made from, and replaces.
        record: The record. Its epoch is one more than the head's where an entry leaves the
            index: writers that relied on it then store their contents again.
        index_roots: The index of the new head.
        surroundings: Time and randomness.

    Returns:
        The head as it is now; `Lost` where somebody else moved it, and nothing was changed.

    Raises:
        RepositoryResetError: The repository was reset meanwhile.
        OutcomeUnknownError: The store gave no definite answer.
    """
    name = repo.upkeep.write(record)
    new = head.head._replace(
        index_roots=index_roots,
        gc_epoch=record.epoch,
        condemned=name,
        nonce=surroundings.entropy(16).hex(),
    )
    outcome = swap_head(repo, head, new, lambda at: at.condemned == name, surroundings)
    if isinstance(outcome, Lost):
        return outcome
    if outcome.etag is not None:
        return HeadRead(new, outcome.etag)
    now = read_head(repo.bucket)
    refuse_reset(now, new.repo_id, repo.bucket.url)
    if now is None:
        raise AssertionError
    return now if now.head.condemned == name else Lost(now)


def whole_index(repo: Repository, head: Head, more: list[Segment] | None = None) -> Segment:
    """Return one segment of all that a head's index locates, and what ``more`` does besides.

    Raises:
        DamageError: A segment is missing or not what its name says.
    """
    data, _ = merge([*repo.index(head).segments(), *(more or [])])
    return Segment(data)


def write_index(
    repo: Repository, segment: Segment, surroundings: Surroundings
) -> tuple[IndexRoot, ...]:
    """Store an index anew, in segments that no reader finds too long; return their roots."""
    roots = []
    for first in range(0, len(segment), LARGEST):
        part = bytearray(len(segment))
        part[first : first + LARGEST] = b"\1" * len(part[first : first + LARGEST])
        data, n = select(segment, part)
        nonce = surroundings.nonce()
        roots.append(store_segment(repo.bucket, repo.cache, data, n, nonce))
    return tuple(roots)


def refuse_expired(repo: Repository, head: Head, revision: Revision) -> None:
    """Stop where the contents of a commit were let go of.

    Costs a request the first time this machine meets a record, and none where there is none.

    Raises:
        UsageError: They were.
    """
    if not head.condemned or revision.seq == head.seq:
        return
    record = repo.upkeep.in_force(head)
    if record.keeps(revision.seq, revision.id):
        return
    raise UsageError(
        f"the files of {revision} (#{revision.seq}) are not kept any more",
        cause=f"{record.author} let go of what is older than #{record.horizon} and has no "
        f"tag, {record.time}",
        fix="see what is kept:  cas-sync log --oneline",
        code="E217",
    )
