"""Checks that a history is one serial chain that holds what was acknowledged, once."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from cas_sync.engine.repository import Repository
from cas_sync.model.commit import Commit, Head
from cas_sync.model.ids import ObjectId


class Acknowledged(NamedTuple):
    """A commit that somebody was told is published.

    Attributes:
        id: Its id.
        seq: Its number.
        began: When its author began, by a clock that all share.
        told: When they were told.
    """

    id: ObjectId
    seq: int
    began: float = 0.0
    told: float = 0.0


def check_chain(
    repo: Repository,
    head: Head,
    acknowledged: Collection[Acknowledged] = (),
    lost: Iterable[ObjectId] = (),
) -> list[tuple[ObjectId, Commit]]:
    """Insist on one serial chain, and return it from the first commit on.

    Args:
        repo: The repository.
        head: Its head.
        acknowledged: Commits that somebody was told are published: each is in it, once, and
            none that began after another was told comes before it.
        lost: Commits that somebody was told are not: none is in it.
    """
    chain = list(repo.commits.walk(head))[::-1]
    assert [commit.seq for _, commit in chain] == list(range(1, head.seq + 1))
    assert (chain[-1][0] if chain else None) == head.commit
    before = None
    for oid, commit in chain:
        assert commit.parent == before, f"#{commit.seq} does not follow its parent"
        assert commit.repo_id == head.repo_id
        before = oid
    ids = [oid for oid, _ in chain]
    assert len(set(ids)) == len(ids)
    assert tuple(ids[::-1][: len(head.recent)]) == head.recent
    for each in acknowledged:
        assert ids[each.seq - 1] == each.id, f"#{each.seq} was told, and is another"
    assert len({each.id for each in acknowledged}) == len(acknowledged), "told twice"
    assert not set(lost) & set(ids), "what was told to be lost is there"
    in_time = sorted(acknowledged, key=lambda each: each.seq)
    latest_start = float("-inf")
    for each in in_time:
        # Whoever came before may not have begun after this one was told.
        assert latest_start <= each.told, f"#{each.seq} was told before one before it began"
        latest_start = max(latest_start, each.began)
    return chain
