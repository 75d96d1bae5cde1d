import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas_sync.formats import keys
from tests.support.samples import NONCE, ULID, oid

NAME = f"{oid('page')}_{NONCE}"


def test_every_key_is_the_one_the_design_lists():
    assert keys.commit(7, oid("c")) == f".S3/commits/0000000000000007-{oid('c')}.json"
    assert keys.versions(NAME) == f".S3/versions/versions_{NAME}.csv"
    assert keys.deleted(NAME) == f".S3/deleted/deleted_{NAME}.csv"
    assert keys.pack(f"{ULID}-{oid('p')}") == f".S3/objects/packs/{ULID}-{oid('p')}.pack"
    assert keys.index(NAME) == f".S3/objects/index/{NAME}.idx"


@given(st.integers(0, 1 << 60), st.binary(min_size=10, max_size=10))
def test_what_is_made_is_a_ulid(ms, entropy):
    assert re.fullmatch(keys.ULID, keys.ulid(ms, entropy))


def test_ulids_are_those_of_the_specification_and_sort_by_time():
    assert keys.ulid(1_469_918_176_385, bytes(10))[:10] == "01ARYZ6S41"
    assert keys.ulid(1, b"\xff" * 10) < keys.ulid(2, bytes(10))


@pytest.mark.parametrize(
    "text", ["", ULID[:-1], ULID + "0", ULID.lower(), "8" + ULID[1:], "I" * 26]
)
def test_nothing_else_is_a_ulid(text):
    assert not re.fullmatch(keys.ULID, text)
