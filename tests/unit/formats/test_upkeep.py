"""Records of upkeep: one encoding each, under a name that is its hash."""

import json

import pytest

from cas_sync.errors import FormatError
from cas_sync.formats.strict_json import canonical
from cas_sync.formats.upkeep import dump_upkeep, is_collectable, load_upkeep
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Kind
from cas_sync.model.tree import Timestamp
from cas_sync.model.upkeep import Condemned, Kept, Missing, Upkeep, no_upkeep

PACK = f".S3/objects/packs/01J{'0' * 23}-{'a' * 64}.pack"
NOW = Timestamp("2026-11-23T10:00:00Z")
OID = ObjectId.of(b"x")
RECORD = Upkeep(
    "5" * 32,
    3,
    f"00000002-{'b' * 64}_{'c' * 16}",
    True,
    "Mia",
    NOW,
    17,
    (Kept(4, OID),),
    (Condemned(PACK, 5, NOW),),
    (Missing(OID, Kind.LIST, OID, 9),),
    "d" * 16,
)


def sealed(**changes):
    """Return name and bytes of the record with fields of its document changed."""
    value = {**json.loads(dump_upkeep(RECORD)[1]), **changes}
    data = canonical(value)
    return f"{value['epoch']:08d}-{ObjectId.of(data)}_{value['nonce']}", data


def test_a_record_is_read_as_it_was_written():
    name, data = dump_upkeep(RECORD)
    assert name.startswith("00000003-")
    assert load_upkeep(data, name) == RECORD


def test_without_a_record_everything_is_kept():
    assert no_upkeep("5" * 32).keeps(1, OID)


def test_a_record_keeps_what_is_young_or_tagged():
    assert RECORD.keeps(17, OID)
    assert RECORD.keeps(4, OID)
    assert not RECORD.keeps(4, ObjectId.of(b"y"))
    assert not RECORD.keeps(16, OID)


def test_a_changed_byte_is_noticed():
    name, data = dump_upkeep(RECORD)
    for i in range(len(data)):
        with pytest.raises(FormatError):
            load_upkeep(data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :], name)


@pytest.mark.parametrize(
    "changes",
    [
        {"condemned": [[".S3/head", 5, NOW]]},
        {"condemned": [[".S3/format.json", 5, NOW]]},
        {"condemned": [["mine.csv", 5, NOW]]},
        {"condemned": [[f"{PACK}/../../head", 5, NOW]]},
        {"condemned": [[PACK, -5, NOW]]},
        {"condemned": [[PACK, True, NOW]]},
        {"condemned": [[PACK, 5, "soon"]]},
        {"condemned": [[PACK, 5]]},
        {"condemned": PACK},
        {"kept": [[str(OID), 4]]},
        {"missing": [[str(OID), "pack", str(OID), 9]]},
        {"missing": [["x", "list", str(OID), 9]]},
        {"horizon": 0},
        {"base": "elsewhere"},
        {"more": 1},
    ],
    ids=str,
)
def test_what_no_client_would_write_is_refused(changes):
    name, data = sealed(**changes)
    with pytest.raises(FormatError):
        load_upkeep(data, name)


def test_only_what_nothing_may_refer_to_twice_is_collectable():
    assert is_collectable(PACK)
    for key in (".S3/head", ".S3/format.json", ".S3/gc/x.json", ".S3/tags/a/b/00000001.json"):
        assert not is_collectable(key)
