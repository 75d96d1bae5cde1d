import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas_sync.errors import ConfigError
from cas_sync.formats import lock_file
from cas_sync.formats.lock_file import Lock
from cas_sync.model.commit import Commit, Counts
from cas_sync.model.ids import ObjectId

LOCK = Lock("0a" * 16, ObjectId.of(b"commit"), 12)


def commit(message: str) -> Commit:
    return Commit(
        repo_id=LOCK.repo_id,
        seq=LOCK.seq,
        parent=None,
        author="Ana Ru\u00edz",
        machine="here",
        client="tests",
        time="2026-11-22T10:02:11Z",
        message=message,
        versions=None,
        deleted=None,
        files=3,
        size=7,
        counts=Counts(3, 0, 0),
        changes=(),
        index_added=(),
        bytes_new=0,
        nonce="0" * 16,
    )


@given(st.text())
def test_what_is_pinned_comes_back_whatever_the_message(message):
    assert lock_file.load(lock_file.dump(LOCK, commit(message), ("v1",))) == LOCK


def test_it_reads_well_in_a_diff():
    text = lock_file.dump(LOCK, commit("first"), ("v1",)).decode()

    assert text.splitlines()[:5] == [
        "{",
        '  "lock": 1,',
        f'  "repo_id": "{"0a" * 16}",',
        f'  "commit": "{LOCK.commit}",',
        '  "seq": 12,',
    ]
    assert '"author": "Ana Ru\u00edz"' in text
    assert text.endswith("}\n")


@given(st.binary())
def test_nothing_but_a_lock_file_is_read_as_one(data):
    with pytest.raises(ConfigError):
        lock_file.load(data)


@pytest.mark.parametrize("key", ["lock", "repo_id", "commit", "seq"])
@pytest.mark.parametrize("value", [None, True, 0, -1, "", "x", [], {}, 1.5, "0" * 63])
def test_each_key_that_decides_is_held_to_its_form(key, value):
    document = json.loads(lock_file.dump(LOCK, commit(""), ()))
    with pytest.raises(ConfigError, match=key):
        lock_file.load(json.dumps({**document, key: value}).encode())


def test_what_windows_editors_add_is_no_mistake():
    data = lock_file.dump(LOCK, commit(""), ())
    assert lock_file.load(b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n")) == LOCK
