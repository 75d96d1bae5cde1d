"""What a collection lets go of: decided from what was found, with no I/O."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import PackName
from cas_sync.model.upkeep import Kept, Upkeep


class Made(NamedTuple):
    """A commit of the history.

    Attributes:
        seq: Its number.
        id: Its id.
        time: When, by its author's clock; `None` where that is no time.
    """

    seq: int
    id: ObjectId
    time: datetime | None


class Retention(NamedTuple):
    """Which commits keep their contents.

    Attributes:
        horizon: Number of the first of the youngest, all of which do.
        kept: Older ones that do, because they have a tag, ascending.
    """

    horizon: int
    kept: tuple[Kept, ...]

    def keeps(self, seq: int, oid: ObjectId) -> bool:
        """Say whether a commit keeps its contents."""
        return seq >= self.horizon or Kept(seq, oid) in self.kept


def retain(
    history: Sequence[Made], tagged: Iterable[Kept], base: Upkeep, cutoff: datetime | None
) -> Retention:
    """Return which commits keep their contents.

    The tree that was in force at the cutoff is kept, and so is every later one; by any
    author's clock, so a clock that is ahead keeps more and never less. What was let go of
    stays so: the horizon does not go back.

    Args:
        history: Every commit.
        tagged: The commits that have a tag.
        base: What was let go of before.
        cutoff: What is older may go; `None` lets nothing more go.
    """
    horizon = base.horizon
    if cutoff is not None and history:
        young = [each.seq for each in history if each.time is None or each.time >= cutoff]
        latest = max(each.seq for each in history)
        # The one before the first young one was in force at the cutoff.
        horizon = max(horizon, min(young) - 1 if young else latest)
    ours = {(each.seq, each.id) for each in history}
    kept = {
        each
        for each in tagged
        if each.seq < horizon and each in ours and base.keeps(each.seq, each.id)
    }
    return Retention(max(1, horizon), tuple(sorted(kept)))


def lets_go(base: Upkeep, now: Retention) -> bool:
    """Say whether a commit that ``base`` keeps is not kept now."""
    return now.horizon > base.horizon or not set(base.kept) <= {
        *now.kept,
        *(each for each in base.kept if each.seq >= now.horizon),
    }


class PackUse(NamedTuple):
    """A pack and how much of it is needed.

    Attributes:
        name: The pack.
        size: Its length, in bytes.
        live: Bytes of its objects that are needed.
        is_known: Whether an index names it.
        age_s: Seconds since it was written, by its writer's clock.
    """

    name: PackName
    size: int
    live: int
    is_known: bool
    age_s: float


class PackChoice(NamedTuple):
    """What becomes of packs.

    Attributes:
        gone: Nothing in them is needed.
        rewritten: What is needed of them is stored again, then they go too.
    """

    gone: tuple[PackUse, ...]
    rewritten: tuple[PackUse, ...]


def choose_packs(packs: Iterable[PackUse], min_age_s: float, percent: int) -> PackChoice:
    """Return which packs go.

    Args:
        packs: All packs.
        min_age_s: What no index names and is younger may belong to a sync that is under
            way. To condemn it would be safe, and would make that sync upload it again.
        percent: A pack is rewritten where more than so much of it is not needed.
    """
    gone, rewritten = [], []
    for each in packs:
        if not each.live:
            if each.is_known or each.age_s >= min_age_s:
                gone.append(each)
        elif (each.size - each.live) * 100 > each.size * percent:
            rewritten.append(each)
    return PackChoice(tuple(gone), tuple(rewritten))


LARGE_PERCENT = 20
LARGE_BYTES = 64 << 20


def is_large(condemned: int, stored: int) -> bool:
    """Say whether so much would go that somebody should say so twice; sizes in bytes."""
    return condemned >= LARGE_BYTES and condemned * 100 > stored * LARGE_PERCENT
