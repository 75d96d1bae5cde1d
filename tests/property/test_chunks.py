"""Laws of cutting: nothing is lost, and only the bytes decide."""

from hypothesis import given
from hypothesis import strategies as st

from cas_sync.chunking.cutter import split
from cas_sync.model.params import ChunkParams
from tests.support.fastcdc import cut
from tests.support.samples import noise

SMALL = ChunkParams(min_size=64, avg_size=256, max_size=1024)

streams = st.one_of(
    st.binary(max_size=6000),
    st.builds(noise, st.text(max_size=3), st.integers(0, 20_000)),
    st.builds(lambda byte, n: bytes([byte]) * n, st.integers(0, 255), st.integers(0, 9000)),
)


def chunks(data, sizes=(), window=0):
    blocks, rest = [], data
    for size in sizes:
        blocks.append(rest[:size])
        rest = rest[size:]
    return [bytes(c) for c in split([*blocks, rest], SMALL, window=window)]


@given(streams)
def test_chunks_joined_are_the_stream(data):
    assert b"".join(chunks(data)) == data


@given(streams, st.lists(st.integers(0, 3000)), st.integers(0, 20_000))
def test_chunks_depend_on_the_bytes_alone(data, sizes, window):
    assert chunks(data, sizes, window) == chunks(data)


@given(streams)
def test_chunks_keep_their_bounds(data):
    *firsts, last = chunks(data) or [b"x"]

    assert all(SMALL.min_size <= len(c) <= SMALL.max_size for c in firsts)
    assert 0 < len(last) <= SMALL.max_size


@given(streams)
def test_chunks_are_those_of_the_paper(data):
    expected = cut(data, SMALL.min_size, SMALL.avg_size, SMALL.max_size)

    assert [len(c) for c in chunks(data)] == expected


@given(st.text(max_size=3), st.integers(0, 60_000), st.binary(min_size=1, max_size=100))
def test_an_insertion_changes_few_chunks(seed, at, inserted):
    data = noise(seed, 60_000)

    before, after = chunks(data), chunks(data[:at] + inserted + data[at:])

    assert len(set(after) - set(before)) <= 12
