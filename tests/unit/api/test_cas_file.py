"""What is held and read ahead of a file that is read in parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas_sync.api.cas_file import FIRST_AHEAD, LEAST_READ, MOST_AHEAD, AheadCache, CasFile
from cas_sync.engine.revisions import Revision
from cas_sync.errors import DamageError
from cas_sync.model.ids import ObjectId
from cas_sync.model.tree import Content, Mode

SIZE = 40 << 20


class Reads:
    """A file of zeros that notes which parts of it are fetched."""

    def __init__(self, size=SIZE):
        self.fetched = []
        self.cache = AheadCache(MOST_AHEAD, self.fetch, size)

    def fetch(self, start, end):
        self.fetched.append((start, end))
        return bytes(end - start)

    def read(self, start, end):
        assert len(self.cache._fetch(start, end)) == max(0, min(end, self.cache.size) - start)


def test_who_jumps_gets_what_was_asked_for_and_no_more():
    reads = Reads()

    for start in (30 << 20, 10 << 20, 20 << 20):
        reads.read(start, start + (1 << 20))

    assert [end - start for start, end in reads.fetched] == [1 << 20] * 3


def test_who_reads_straight_on_is_read_ahead_of_the_further_the_longer():
    reads = Reads()

    for start in range(0, SIZE, 8192):
        reads.read(start, start + 8192)

    lengths = [end - start for start, end in reads.fetched]
    assert lengths[:3] == [LEAST_READ, FIRST_AHEAD + 8192, 2 * FIRST_AHEAD + 8192]
    assert max(lengths) <= MOST_AHEAD + 8192
    assert len(lengths) < 14
    assert sum(lengths) == SIZE


def test_the_end_of_a_file_brings_what_lies_before_it():
    """Parquet says at its end how long the footer before it is."""
    reads = Reads()

    reads.read(SIZE - 8, SIZE)
    reads.read(SIZE - 20_000, SIZE - 8)

    assert reads.fetched == [(SIZE - LEAST_READ, SIZE)]


@pytest.mark.parametrize("size", [0, 1, 100])
def test_a_small_file_is_fetched_once(size):
    reads = Reads(size)

    for start in (0, 50, 0, 200):
        reads.read(start, start + 20)

    assert len(reads.fetched) == (1 if size else 0)


class Liar:
    """A filesystem whose pieces of a file are whole, and those of another."""

    def __init__(self, data):
        self.tree = self
        self.data = data

    def read(self, content, offset, length):
        return self.data[offset : offset + length]


def opened(data, claimed):
    content = Content(ObjectId.of(claimed), len(data), Mode.FILE)
    return CasFile(
        Liar(data),
        "x",
        block_size=MOST_AHEAD,
        info={"name": "x", "size": len(data)},
        content=content,
        revision=Revision(content.id, 1, None),
    )


def test_who_reads_all_of_a_file_has_the_whole_checked():
    data, other = bytes(3_000_000), bytes(2_999_999) + b"1"

    with opened(data, data) as file:
        assert b"".join(iter(lambda: file.read(100_000), b"")) == data
    with opened(data, other) as file, pytest.raises(DamageError, match="is damaged"):
        list(iter(lambda: file.read(100_000), b""))
    with opened(data, other) as file, pytest.raises(DamageError, match="is damaged"):
        file.read()


@given(
    st.integers(0, 400_000),
    st.lists(st.tuples(st.integers(0, 400_000), st.integers(0, 200_000)), max_size=20),
)
def test_whatever_is_read_in_whatever_order_are_the_bytes_of_the_file(size, reads):
    data = bytes(i * i % 251 for i in range(size))
    cache = AheadCache(100_000, lambda start, end: data[start:end], size)

    for start, length in reads:
        assert cache._fetch(start, start + length) == data[start : start + length]
    assert cache._fetch(None, None) == data
