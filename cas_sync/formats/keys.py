"""Every key below the prefix: built here and nowhere else."""

import re

from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import PackName

ROOT = ".S3/"
FORMAT = ".S3/format.json"
HEAD = ".S3/head"
COMMITS = ".S3/commits/"
PACKS = ".S3/objects/packs/"
INDEX = ".S3/objects/index/"
VERSIONS = ".S3/versions/"
DELETED = ".S3/deleted/"
TAGS = ".S3/tags/"
UPKEEP = ".S3/gc/"

ULID = "[0-7][0-9A-HJKMNP-TV-Z]{25}"
"""What a ULID in canonical form matches."""

_OURS = re.compile(
    r"\.S3/(format\.json|head|lock-head|commits/.*|objects/.*|gc/.*|tmp/(probe-.*|.*\.part)"
    r"|(versions/versions|deleted/deleted)_[0-9a-f]{64}_[0-9a-f]{16}\.csv"
    r"|tags/[0-9a-f]{16}/[a-z0-9._=A-F-]+/\d{8}\.json)",
    re.DOTALL | re.ASCII,
)
_PACK = re.compile(rf"\.S3/objects/packs/({ULID}-[0-9a-f]{{64}})\.pack", re.ASCII)
_NAMED = re.compile(
    r"\.S3/(?:objects/index/|versions/versions_|deleted/deleted_)([0-9a-f]{64}_[0-9a-f]{16})\."
    r"(?:idx|csv)",
    re.ASCII,
)
_COMMIT = re.compile(r"\.S3/commits/(\d{16})-([0-9a-f]{64})\.json", re.ASCII)
_TAG = re.compile(r"\.S3/tags/([0-9a-f]{16})/([^/]+)/(\d{8})\.json", re.ASCII)
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-_")
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.ASCII)
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


def upkeep(name: str) -> str:
    """Return the key of a record of upkeep."""
    return f"{UPKEEP}{name}.json"


def tags(repo_id: str) -> str:
    """Return what the keys of a repository's tags begin with.

    The id is part of it, so what somebody writes late, after a reset, is in no repository.
    """
    return f"{TAGS}{repo_id[:16]}/"


def tag(repo_id: str, name: str, number: int) -> str:
    """Return the key of what a tag's name was given to the ``number``-th time."""
    return f"{tags(repo_id)}{safe_name(name)}/{number:08d}.json"


def parse_tag(key: str, repo_id: str) -> tuple[str, int] | None:
    """Return name and number of a tag's key; `None` where it is not one of ``repo_id``."""
    match = _TAG.fullmatch(key)
    if match is None or match[1] != repo_id[:16]:
        return None
    name = _plain_name(match[2])
    return None if name is None or safe_name(name) != match[2] else (name, int(match[3]))


def safe_name(name: str) -> str:
    """Return a name as part of a key that every store and disk takes, and tells from others.

    Lower-case letters, digits, ``.``, ``-`` and ``_`` stay; all else is ``=XX``, a byte of
    its UTF-8. So no two names differ by case only. What Windows takes for a device, and a
    dot at the end, are written so too.
    """
    kept = [char if char in _SAFE else _escaped(char) for char in name]
    if kept and (_DEVICE.fullmatch(name) or not name.strip(".")):
        kept[0] = _escaped(name[0])
    if name.endswith("."):
        kept[-1] = _escaped(".")
    return "".join(kept)


def _escaped(char: str) -> str:
    return "".join(f"={byte:02X}" for byte in char.encode())


def _plain_name(safe: str) -> str | None:
    first, *rest = safe.split("=")
    try:
        data = first.encode() + b"".join(
            bytes.fromhex(each[:2]) + each[2:].encode() for each in rest
        )
        return data.decode()
    except ValueError:
        return None


def parse_pack(key: str) -> PackName | None:
    """Return the name of the pack that a key is of; `None` where it is of none."""
    match = _PACK.fullmatch(key)
    return None if match is None else PackName(match[1])


def parse_named(key: str) -> str | None:
    """Return the name in the key of an index segment or of an object of pages."""
    match = _NAMED.fullmatch(key)
    return None if match is None else match[1]


def parse_commit(key: str) -> tuple[int, ObjectId] | None:
    """Return number and id of the commit that a key is of."""
    match = _COMMIT.fullmatch(key)
    return None if match is None else (int(match[1]), ObjectId.parse(match[2]))


def is_ours(key: str) -> bool:
    """Say whether an object called so is one of a repository's, or of a store's test."""
    return _OURS.fullmatch(key) is not None


def ulid_ms(name: str) -> int:
    """Return when what a ULID begins the name of was written: milliseconds since 1970.

    By its writer's clock, so it tells only how young a thing claims to be.
    """
    ms = 0
    for char in name[:10]:
        ms = ms << 5 | _CROCKFORD.index(char)
    return ms


def ulid(unix_ms: int, entropy: bytes) -> str:
    """Return a ULID (github.com/ulid/spec): 48 bits of time, 80 random bits, base 32.

    Args:
        unix_ms: Milliseconds since 1970; only makes names sort by age.
        entropy: Ten random bytes; they alone make the name unique.
    """
    value = (unix_ms & ((1 << 48) - 1)) << 80 | int.from_bytes(entropy)
    return "".join(_CROCKFORD[value >> shift & 31] for shift in range(125, -1, -5))
