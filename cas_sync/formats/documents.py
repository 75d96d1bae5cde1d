"""Commits, the head and format.json: small canonical JSON. docs/design.md, section 5.2."""

import re
from typing import NamedTuple

from cas_sync.errors import FormatError
from cas_sync.formats.moments import STORED
from cas_sync.formats.strict_json import (
    HEX32,
    LINE,
    VERSION,
    Fields,
    canonical,
    check_self,
    parse,
    self_hashed,
)
from cas_sync.formats.upkeep import NAME
from cas_sync.model.commit import (
    RECENT,
    ChangeRow,
    Commit,
    Counts,
    Head,
    HeadState,
    PageRef,
)
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import IndexRoot
from cas_sync.model.params import ChunkParams
from cas_sync.model.paths import PathRefusedError, parse_repo_path
from cas_sync.model.tree import Timestamp

KNOWN_INCOMPAT: frozenset[str] = frozenset()
"""Incompatible features this version knows; a repository that asks for others is refused."""

MAX_LEVEL = 8
"""No manifest has more levels of pages above its rows."""

MAX_ROOTS = 1024
"""No head has more index roots: merging keeps them to some dozens."""

MAX_INDEXED = 256 << 20
"""No pack and no segment of the index is longer, in bytes; honest ones end at 110 MB."""

_OBJECT = re.compile(r"[0-9a-f]{64}_[0-9a-f]{16}")
_RECORD = re.compile(rf"(?:{NAME.pattern})?", re.ASCII)
_CHANGES = frozenset({"added", "modified", "deleted"})
_HASH = re.compile(r"(?:[0-9a-f]{64})?")
_PACK = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}-[0-9a-f]{64}")


class Format(NamedTuple):
    """What format.json says; written once, before the first commit.

    Attributes:
        repo_id: 128 random bits as hex: this repository and no other.
        chunker: Where files are cut.
        compat: Features any client may ignore.
        ro_compat: Features a client must know to write.
        incompat: Features a client must know to read.
    """

    repo_id: str
    chunker: ChunkParams
    compat: tuple[str, ...] = ()
    ro_compat: tuple[str, ...] = ()
    incompat: tuple[str, ...] = ()


def _read_page(owner: Fields, name: str) -> PageRef | None:
    if owner.is_null(name):
        return None
    fields = owner.inner(name)
    ref = PageRef(
        fields.text("last").replace("/", "\0"),
        fields.oid("id"),
        fields.number("rows"),
        fields.number("level"),
        fields.text("object", _OBJECT),
        fields.number("offset"),
        fields.number("length"),
    )
    fields.end()
    if ref.level > MAX_LEVEL or ref.length > 32 << 20:
        raise FormatError(f"{owner.what}: {name!r} is out of bounds")
    return ref


def _read_roots(owner: Fields, name: str) -> tuple[IndexRoot, ...]:
    roots = []
    if len(listed := owner.objects(name)) > MAX_ROOTS:
        raise FormatError(f"{owner.what}: {name!r} is out of bounds")
    for fields in listed:
        is_pack = fields.flag("pack")
        root = IndexRoot(
            fields.text("name", _PACK if is_pack else _OBJECT),
            is_pack,
            fields.number("entries"),
            fields.number("size"),
        )
        fields.end()
        if root.size > MAX_INDEXED:
            raise FormatError(f"{owner.what}: {name!r} is out of bounds")
        roots.append(root)
    return tuple(roots)


def _page(ref: PageRef | None) -> dict[str, object] | None:
    if ref is None:
        return None
    return {
        "last": ref.last.replace("\0", "/"),
        "id": str(ref.id),
        "rows": ref.rows,
        "level": ref.level,
        "object": ref.object,
        "offset": ref.offset,
        "length": ref.length,
    }


def _roots(roots: tuple[IndexRoot, ...]) -> list[dict[str, object]]:
    return [
        {"name": r.name, "pack": r.is_pack, "entries": r.entries, "size": r.size} for r in roots
    ]


def _maybe(oid: ObjectId | None) -> str | None:
    return None if oid is None else str(oid)


def dump_format(value: Format) -> bytes:
    """Return the bytes of format.json."""
    chunker = value.chunker
    return self_hashed(
        {
            "repo_id": value.repo_id,
            "hash": "blake3",
            "chunker": {
                "name": "fastcdc2020",
                "min": chunker.min_size,
                "avg": chunker.avg_size,
                "max": chunker.max_size,
                "normalization": chunker.normalization,
            },
            "features": {
                "compat": list(value.compat),
                "ro_compat": list(value.ro_compat),
                "incompat": list(value.incompat),
            },
        }
    )


def load_format(data: bytes) -> Format:
    """Return what format.json says.

    Raises:
        FormatError: It is malformed, or asks for what this version does not know.
    """
    what = "format.json"
    fields = parse(data, what)
    check_self(data, fields, what)
    repo_id = fields.text("repo_id", HEX32)
    if fields.text("hash") != "blake3":
        raise FormatError(f"{what} names an unknown hash")
    chunker = fields.inner("chunker")
    if chunker.text("name") != "fastcdc2020":
        raise FormatError(f"{what} names an unknown chunker")
    low, avg, high = chunker.number("min"), chunker.number("avg"), chunker.number("max")
    level = chunker.number("normalization")
    chunker.end()
    bounded = 64 <= low <= 1 << 20 and 256 <= avg <= 4 << 20 and 1024 <= high <= 16 << 20
    if not (bounded and low < avg < high and avg.bit_count() == 1 and level <= 3):
        raise FormatError(f"{what}: the chunker's sizes are out of bounds")
    features = fields.inner("features")
    found = Format(
        repo_id,
        ChunkParams(low, avg, high, level),
        features.texts("compat"),
        features.texts("ro_compat"),
        features.texts("incompat"),
    )
    features.end()
    fields.end()
    check_features(found.incompat + found.ro_compat, what)
    return found


def check_features(names: tuple[str, ...], what: str) -> None:
    """Refuse what this version cannot handle.

    Raises:
        FormatError: One of ``names`` is unknown here.
    """
    if unknown := sorted(set(names) - KNOWN_INCOMPAT):
        raise FormatError(
            f"{what} needs {', '.join(unknown)}, which this version does not know",
            fix="pip install --upgrade cas-sync",
            code="E503",
        )


def dump_head(head: Head) -> bytes:
    """Return the bytes of the head."""
    return self_hashed(
        {
            "repo_id": head.repo_id,
            "state": str(head.state),
            "seq": head.seq,
            "commit": _maybe(head.commit),
            "versions": _page(head.versions),
            "deleted": _page(head.deleted),
            "files": head.files,
            "size": head.size,
            "index": _roots(head.index_roots),
            "gc_epoch": head.gc_epoch,
            "condemned": head.condemned,
            "features": list(head.features),
            "recent": [str(oid) for oid in head.recent],
            "nonce": head.nonce,
        }
    )


def load_head(data: bytes) -> Head:
    """Return the head.

    Raises:
        FormatError: It is malformed, or asks for what this version does not know.
    """
    what = "head"
    fields = parse(data, what)
    check_self(data, fields, what)
    state = fields.text("state")
    try:
        recent = tuple(map(ObjectId.parse, fields.texts("recent")))
        head = Head(
            fields.text("repo_id", HEX32),
            HeadState(state),
            fields.number("seq"),
            fields.maybe_oid("commit"),
            _read_page(fields, "versions"),
            _read_page(fields, "deleted"),
            fields.number("files"),
            fields.number("size"),
            _read_roots(fields, "index"),
            fields.number("gc_epoch"),
            fields.text("condemned", _RECORD),
            fields.texts("features"),
            recent,
            fields.text("nonce", HEX32),
        )
    except ValueError as error:
        raise FormatError(f"{what} is malformed: {error}") from error
    fields.end()
    check_features(head.features, what)
    first = head.recent[0] if head.recent else None
    if len(head.recent) > RECENT or first != head.commit or (head.seq == 0) != (first is None):
        raise FormatError(f"{what} contradicts itself")
    return head


def dump_commit(commit: Commit) -> tuple[ObjectId, bytes]:
    """Return a commit's id and its bytes, of which the id is the hash."""
    data = canonical(
        {
            "v": VERSION,
            "repo_id": commit.repo_id,
            "seq": commit.seq,
            "parent": _maybe(commit.parent),
            "author": commit.author,
            "machine": commit.machine,
            "client": commit.client,
            "time": commit.time,
            "message": commit.message,
            "versions": _page(commit.versions),
            "deleted": _page(commit.deleted),
            "files": commit.files,
            "size": commit.size,
            "counts": dict(commit.counts._asdict()),
            "changes": [list(row) for row in commit.changes],
            "index_added": _roots(commit.index_added),
            "bytes_new": commit.bytes_new,
            "nonce": commit.nonce,
        }
    )
    return ObjectId.of(data), data


def _change(row: ChangeRow, what: str) -> ChangeRow:
    """Return a row of changes that may be told and acted upon."""
    try:
        parse_repo_path(row.path)
    except PathRefusedError as error:
        raise FormatError(f"{what}: {error}") from error
    if not (row.change in _CHANGES and _HASH.fullmatch(row.old) and _HASH.fullmatch(row.new)):
        raise FormatError(f"{what}: a change is malformed")
    return row


def load_commit(data: bytes, oid: ObjectId) -> Commit:
    """Return the commit called ``oid``.

    Raises:
        FormatError: ``data`` is not that commit.
    """
    what = f"commit {str(oid)[:12]}"
    if ObjectId.of(data) != oid:
        raise FormatError(f"{what} does not match its id")
    fields = parse(data, what)
    counts = fields.inner("counts")
    changes = []
    for row in fields.items("changes"):
        if not (isinstance(row, list) and len(row) == 4 and all(type(c) is str for c in row)):
            raise FormatError(f"{what}: a change is malformed")
        changes.append(_change(ChangeRow(*row), what))
    commit = Commit(
        fields.text("repo_id", HEX32),
        fields.number("seq"),
        fields.maybe_oid("parent"),
        fields.text("author", LINE),
        fields.text("machine", LINE),
        fields.text("client", LINE),
        Timestamp(fields.text("time", STORED)),
        fields.text("message", LINE),
        _read_page(fields, "versions"),
        _read_page(fields, "deleted"),
        fields.number("files"),
        fields.number("size"),
        Counts(counts.number("added"), counts.number("modified"), counts.number("deleted")),
        tuple(changes),
        _read_roots(fields, "index_added"),
        fields.number("bytes_new"),
        fields.text("nonce"),
    )
    counts.end()
    fields.end()
    return commit
