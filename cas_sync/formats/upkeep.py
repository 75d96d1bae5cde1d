"""Records of upkeep: canonical JSON under a name that is its hash. docs/design.md, 5.9."""

import re
from typing import Any

from cas_sync.errors import FormatError
from cas_sync.formats.moments import STORED
from cas_sync.formats.strict_json import HEX32, LINE, VERSION, canonical, parse
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Kind
from cas_sync.model.tree import Timestamp
from cas_sync.model.upkeep import Condemned, Kept, Missing, Upkeep

MAX_CONDEMNED = 15_000
"""No record condemns more objects, so that none is too long to be read."""

MAX_MISSING = 8_000
"""No record asks for more objects."""

NAME = re.compile(r"\d{8,16}-[0-9a-f]{64}_[0-9a-f]{16}", re.ASCII)
"""What the name of a record matches."""

_NAME_OR_NONE = re.compile(rf"(?:{NAME.pattern})?", re.ASCII)
_NONCE = re.compile(r"[0-9a-f]{16}")
_KEY = re.compile(
    r"\.S3/(?:objects/(?:packs/[0-9A-Z]{26}-[0-9a-f]{64}\.pack|index/[0-9a-f]{64}_[0-9a-f]{16}\.idx)"
    r"|(?:versions/versions|deleted/deleted)_[0-9a-f]{64}_[0-9a-f]{16}\.csv"
    r"|commits/[0-9]{16}-[0-9a-f]{64}\.json)"
)


def is_collectable(key: str) -> bool:
    """Say whether a key is of a kind that a collection may ever delete."""
    return _KEY.fullmatch(key) is not None


def dump_upkeep(record: Upkeep) -> tuple[str, bytes]:
    """Return a record's name and its bytes."""
    data = canonical(
        {
            "v": VERSION,
            "repo_id": record.repo_id,
            "epoch": record.epoch,
            "base": record.base,
            "confirmed": record.is_confirmed,
            "author": record.author,
            "time": record.time,
            "horizon": record.horizon,
            "kept": [[seq, str(oid)] for seq, oid in record.kept],
            "condemned": [list(each) for each in record.condemned],
            "missing": [
                [str(each.id), each.kind.name.lower(), str(each.content), each.size]
                for each in record.missing
            ],
            "nonce": record.nonce,
        }
    )
    return f"{record.epoch:08d}-{ObjectId.of(data)}_{record.nonce}", data


def load_upkeep(data: bytes, name: str) -> Upkeep:
    """Return the record called ``name``.

    Raises:
        FormatError: ``data`` is not that record.
    """
    what = f"upkeep record {name[:21]}"
    if name.partition("-")[2].partition("_")[0] != str(ObjectId.of(data)):
        raise FormatError(f"{what} does not match its name")
    fields = parse(data, what)
    try:
        record = Upkeep(
            fields.text("repo_id", HEX32),
            fields.number("epoch"),
            fields.text("base", _NAME_OR_NONE),
            fields.flag("confirmed"),
            fields.text("author", LINE),
            Timestamp(fields.text("time", STORED)),
            fields.number("horizon"),
            tuple(_kept(row) for row in fields.items("kept")),
            tuple(_condemned(row) for row in fields.items("condemned")),
            tuple(_missing(row) for row in fields.items("missing")),
            fields.text("nonce", _NONCE),
        )
    except (ValueError, KeyError) as error:
        raise FormatError(f"{what} is malformed: {error}") from error
    fields.end()
    if dump_upkeep(record)[0] != name or not record.horizon:
        raise FormatError(f"{what} contradicts its name")
    if len(record.condemned) > MAX_CONDEMNED or len(record.missing) > MAX_MISSING:
        raise FormatError(f"{what} is out of bounds")
    return record


def _cells(row: object, *kinds: type) -> list[Any]:
    if not isinstance(row, list) or [type(each) for each in row] != list(kinds):
        raise ValueError("a row has other cells")
    if any(isinstance(each, int) and not 0 <= each < 1 << 63 for each in row):
        raise ValueError("a number is out of bounds")
    return row


def _kept(row: object) -> Kept:
    seq, oid = _cells(row, int, str)
    return Kept(seq, ObjectId.parse(oid))


def _condemned(row: object) -> Condemned:
    key, size, since = _cells(row, str, int, str)
    # What is to be deleted is held to the kinds that may be: the store is not trusted.
    if not is_collectable(key) or not STORED.fullmatch(since):
        raise ValueError("what is condemned is no object of that kind")
    return Condemned(key, size, Timestamp(since))


def _missing(row: object) -> Missing:
    oid, kind, content, size = _cells(row, str, str, str, int)
    return Missing(ObjectId.parse(oid), Kind[kind.upper()], ObjectId.parse(content), size)
