"""Upkeep: what a collection let go of, and what a check found missing."""

from typing import NamedTuple

from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Kind
from cas_sync.model.tree import Timestamp


class Condemned(NamedTuple):
    """A stored object that nothing refers to and that nobody may ever refer to again.

    Attributes:
        key: Its key below the prefix.
        size: Its size in bytes.
        since: When it was first condemned; tells only how long slow readers were given.
    """

    key: str
    size: int
    since: Timestamp


class Missing(NamedTuple):
    """An object that the store lacks, wanted from whoever has the file it belongs to.

    Attributes:
        id: Its name.
        kind: What it is.
        content: Id of a file's content it is part of.
        size: Size of that file, in bytes.
    """

    id: ObjectId
    kind: Kind
    content: ObjectId
    size: int


class Kept(NamedTuple):
    """A commit older than the horizon that is kept, because it has a tag.

    Attributes:
        seq: Its number.
        id: Its id.
    """

    seq: int
    id: ObjectId


class Upkeep(NamedTuple):
    """What the head says about the upkeep of its repository. docs/design.md, section 5.9.

    Attributes:
        repo_id: The repository.
        epoch: The head's `gc_epoch` that came with it.
        base: Name of the confirmed record it was made from; empty for the first.
        is_confirmed: Whether what it condemns may be deleted. A record that is not is only
            proposed: the next collection begins again at its base.
        author: Who made it.
        time: When, by their clock.
        horizon: Number of the first commit whose contents are kept; 1 keeps all.
        kept: Older commits whose contents are kept too, ascending.
        condemned: What may be deleted, ascending by key.
        missing: What is wanted from whoever has it, ascending.
        nonce: 64 random bits as hex, so that no two records have one name.
    """

    repo_id: str
    epoch: int
    base: str
    is_confirmed: bool
    author: str
    time: Timestamp
    horizon: int
    kept: tuple[Kept, ...]
    condemned: tuple[Condemned, ...]
    missing: tuple[Missing, ...]
    nonce: str

    def keeps(self, seq: int, oid: ObjectId) -> bool:
        """Say whether the contents of a commit are kept."""
        return seq >= self.horizon or Kept(seq, oid) in self.kept


def no_upkeep(repo_id: str) -> Upkeep:
    """Return what is so where there never was any: everything is kept."""
    return Upkeep(repo_id, 0, "", True, "", Timestamp(""), 1, (), (), (), "")
