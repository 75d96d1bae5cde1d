"""Commits, the head and format.json: small canonical JSON. docs/design.md, section 5.2.

Canonical means UTF-8, keys sorted, no spaces, one line feed at the end; so equal values
are equal bytes and the hash of the bytes can be a name.
"""

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

from cas_sync.errors import FormatError
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
from cas_sync.model.tree import Timestamp

VERSION = 1
KNOWN_INCOMPAT: frozenset[str] = frozenset()
"""Incompatible features this version knows; a repository that asks for others is refused."""

MAX_BYTES = 4 << 20
_HEX32 = re.compile(r"[0-9a-f]{32}")
_LINE = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]*")
_OBJECT = re.compile(r"[0-9a-f]{64}_[0-9a-f]{16}")
_PACK = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}-[0-9a-f]{64}")


class Format(NamedTuple):
    """What format.json says; written once, when a repository begins.

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


def canonical(value: object) -> bytes:
    """Return the one encoding of a JSON value."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode() + b"\n"


class _Fields:
    """Strict access to a JSON object: every field is there, of its type, and no other."""

    def __init__(self, value: object, what: str) -> None:
        if not isinstance(value, dict):
            raise FormatError(f"{what} is not a JSON object")
        self._left = dict(value)
        self._what = what

    def _take(self, name: str) -> object:
        try:
            return self._left.pop(name)
        except KeyError:
            raise FormatError(f"{self._what} lacks {name!r}") from None

    def text(self, name: str, pattern: re.Pattern[str] | None = None) -> str:
        value = self._take(name)
        if not isinstance(value, str) or (pattern and not pattern.fullmatch(value)):
            raise FormatError(f"{self._what}: {name!r} is malformed")
        return value

    def number(self, name: str) -> int:
        value = self._take(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
            raise FormatError(f"{self._what}: {name!r} is not a number")
        return value

    def oid(self, name: str) -> ObjectId:
        try:
            return ObjectId.parse(self.text(name))
        except ValueError:
            raise FormatError(f"{self._what}: {name!r} is no object id") from None

    def maybe_oid(self, name: str) -> ObjectId | None:
        if self._is_null(name):
            return None
        return self.oid(name)

    def _is_null(self, name: str) -> bool:
        if self._left.get(name, 0) is not None:
            return False
        self._take(name)
        return True

    def flag(self, name: str) -> bool:
        value = self._take(name)
        if not isinstance(value, bool):
            raise FormatError(f"{self._what}: {name!r} is neither true nor false")
        return value

    def items(self, name: str) -> list[object]:
        value = self._take(name)
        if not isinstance(value, list):
            raise FormatError(f"{self._what}: {name!r} is not a list")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        values = self.items(name)
        if not all(isinstance(each, str) for each in values):
            raise FormatError(f"{self._what}: {name!r} is not a list of texts")
        return tuple(map(str, values))

    def inner(self, name: str) -> "_Fields":
        return _Fields(self._take(name), f"{self._what}: {name!r}")

    def page(self, name: str) -> PageRef | None:
        if self._is_null(name):
            return None
        fields = self.inner(name)
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
        if ref.level > 8 or ref.length > 64 << 20:
            raise FormatError(f"{self._what}: {name!r} is out of bounds")
        return ref

    def roots(self, name: str) -> tuple[IndexRoot, ...]:
        roots = []
        for each in self.items(name):
            fields = _Fields(each, f"{self._what}: {name!r}")
            is_pack = fields.flag("pack")
            root = IndexRoot(
                fields.text("name", _PACK if is_pack else _OBJECT),
                is_pack,
                fields.number("entries"),
                fields.number("size"),
            )
            fields.end()
            roots.append(root)
        return tuple(roots)

    def end(self) -> None:
        # A field nobody knows would be dropped by the next writer: refuse it.
        if self._left:
            raise FormatError(f"{self._what} holds unknown {', '.join(sorted(self._left))!r}")


def _parse(data: bytes, what: str) -> _Fields:
    if len(data) > MAX_BYTES:
        raise FormatError(f"{what} is longer than {MAX_BYTES} bytes")
    try:
        value = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{what} is not JSON: {error}") from error
    fields = _Fields(value, what)
    version = fields.number("v")
    if version != VERSION:
        raise FormatError(
            f"{what} is of version {version}",
            cause=f"this is cas-sync for version {VERSION}",
            fix="pip install --upgrade cas-sync",
        )
    if not _is_canonical(data, value):
        raise FormatError(f"{what} is not in canonical form")
    return fields


def _is_canonical(data: bytes, value: object) -> bool:
    try:
        return canonical(value) == data
    except (ValueError, RecursionError):
        return False


def _self_hashed(fields: Mapping[str, object]) -> bytes:
    value = {"v": VERSION, **fields}
    return canonical({**value, "self": str(ObjectId.of(canonical(value)))})


def _check_self(data: bytes, fields: _Fields, what: str) -> None:
    claimed = fields.oid("self")
    value = json.loads(data)
    del value["self"]
    if ObjectId.of(canonical(value)) != claimed:
        raise FormatError(f"{what} does not match its own hash")


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
    return _self_hashed(
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
    fields = _parse(data, what)
    _check_self(data, fields, what)
    repo_id = fields.text("repo_id", _HEX32)
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
    return _self_hashed(
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
    fields = _parse(data, what)
    _check_self(data, fields, what)
    state = fields.text("state")
    try:
        recent = tuple(map(ObjectId.parse, fields.texts("recent")))
        head = Head(
            fields.text("repo_id", _HEX32),
            HeadState(state),
            fields.number("seq"),
            fields.maybe_oid("commit"),
            fields.page("versions"),
            fields.page("deleted"),
            fields.number("files"),
            fields.number("size"),
            fields.roots("index"),
            fields.number("gc_epoch"),
            fields.text("condemned"),
            fields.texts("features"),
            recent,
            fields.text("nonce", _HEX32),
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


def load_commit(data: bytes, oid: ObjectId) -> Commit:
    """Return the commit called ``oid``.

    Raises:
        FormatError: ``data`` is not that commit.
    """
    what = f"commit {str(oid)[:12]}"
    if ObjectId.of(data) != oid:
        raise FormatError(f"{what} does not match its id")
    fields = _parse(data, what)
    counts = fields.inner("counts")
    changes = []
    for row in fields.items("changes"):
        if not (isinstance(row, list) and len(row) == 4 and all(type(c) is str for c in row)):
            raise FormatError(f"{what}: a change is malformed")
        changes.append(ChangeRow(*row))
    commit = Commit(
        fields.text("repo_id", _HEX32),
        fields.number("seq"),
        fields.maybe_oid("parent"),
        fields.text("author", _LINE),
        fields.text("machine", _LINE),
        fields.text("client", _LINE),
        Timestamp(fields.text("time", _LINE)),
        fields.text("message", _LINE),
        fields.page("versions"),
        fields.page("deleted"),
        fields.number("files"),
        fields.number("size"),
        Counts(counts.number("added"), counts.number("modified"), counts.number("deleted")),
        tuple(changes),
        fields.roots("index_added"),
        fields.number("bytes_new"),
        fields.text("nonce"),
    )
    counts.end()
    fields.end()
    return commit
