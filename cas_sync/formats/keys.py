"""Every key below the prefix: built here and nowhere else."""

import re

from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import PackName

ROOT = ".S3/"
FORMAT = ".S3/format.json"
HEAD = ".S3/head"
COMMITS = ".S3/commits/"
PACKS = ".S3/objects/packs/"

_OURS = re.compile(
    r"\.S3/(format\.json|head|lock-head|commits/.*|objects/.*|gc/.*|tmp/(probe-.*|.*\.part)"
    r"|(versions/versions|deleted/deleted)_[0-9a-f]{64}_[0-9a-f]{16}\.csv)",
    re.DOTALL,
)
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def commit(seq: int, commit_id: ObjectId) -> str:
    """Return the key of a commit."""
    return f"{COMMITS}{seq:016d}-{commit_id}.json"


def versions(name: str) -> str:
    """Return the key of an object of versions pages."""
    return f".S3/versions/versions_{name}.csv"


def deleted(name: str) -> str:
    """Return the key of an object of deleted pages."""
    return f".S3/deleted/deleted_{name}.csv"


def pack(name: PackName) -> str:
    """Return the key of a pack."""
    return f"{PACKS}{name}.pack"


def index(name: str) -> str:
    """Return the key of an index segment."""
    return f".S3/objects/index/{name}.idx"


def is_ours(key: str) -> bool:
    """Say whether an object called so is one of a repository's, or of a store's test."""
    return _OURS.fullmatch(key) is not None


def ulid(unix_ms: int, entropy: bytes) -> str:
    """Return a ULID (github.com/ulid/spec): 48 bits of time, 80 random bits, base 32.

    Args:
        unix_ms: Milliseconds since 1970; only makes names sort by age.
        entropy: Ten random bytes; they alone make the name unique.
    """
    value = (unix_ms & ((1 << 48) - 1)) << 80 | int.from_bytes(entropy)
    return "".join(_CROCKFORD[value >> shift & 31] for shift in range(125, -1, -5))


def is_ulid(text: str) -> bool:
    """Say whether ``text`` is a ULID in canonical form."""
    return len(text) == 26 and text[0] <= "7" and all(c in _CROCKFORD for c in text)
