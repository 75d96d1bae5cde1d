import struct

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from cas_sync.errors import FormatError
from cas_sync.formats import index
from cas_sync.model.pack import Codec, Kind, Location, PackName
from tests.support import samples

GOOD = index.dump(samples.LOCATIONS)
PACKS = [PackName(f"{samples.ULID}-{samples.oid(str(i))}") for i in range(3)]

u32 = st.integers(0, (1 << 32) - 1)
locations = st.lists(
    st.builds(
        Location,
        st.integers(0, 20).map(str).map(samples.oid),
        st.sampled_from(Kind),
        st.sampled_from(PACKS),
        u32,
        u32,
        u32,
        st.sampled_from(Codec),
    )
)


def sealed(body):
    """Return a segment with a checksum that fits."""
    return body + blake3(body).digest()


@given(locations)
def test_of_equals_the_first_stays_and_all_are_found(places):
    first = {}
    for each in places:
        first.setdefault((each.id, each.kind), each)

    segment = index.Segment(index.dump(places))

    assert len(segment) == len(first)
    assert list(segment) == [first[key] for key in sorted(first)]
    assert all(segment.find(*key) == each for key, each in first.items())
    assert segment.find(samples.oid("absent"), Kind.CHUNK) is None


@given(locations)
def test_what_is_read_is_written_as_it_was(places):
    data = index.dump(places)

    assert index.dump(index.Segment(data)) == data


def test_a_trailer_is_about_its_own_pack():
    places = [each._replace(pack=PACKS[0]) for each in samples.LOCATIONS]

    segment = index.Segment(index.dump(places, trailer=True), PACKS[0])

    assert {each.pack for each in segment} == {PACKS[0]}


def test_a_segment_and_a_trailer_are_not_taken_for_one_another():
    with pytest.raises(FormatError):
        index.Segment(GOOD, PACKS[0])
    with pytest.raises(FormatError):
        index.Segment(index.dump(samples.LOCATIONS, trailer=True))


@pytest.mark.parametrize(
    "body",
    [
        GOOD[:-32].replace(b"CASIDX1\n", b"CASIDX2\n"),
        GOOD[:8] + struct.pack(">I", 1 << 31) + GOOD[12:-32],
        GOOD[:-33],
        GOOD[:-32].replace(samples.ULID.encode(), b"I" * 26),
    ],
    ids=["signature", "length", "cut", "name of a pack"],
)
def test_a_segment_that_cannot_be_is_refused_though_its_checksum_is_right(body):
    with pytest.raises(FormatError):
        index.Segment(sealed(body))


@pytest.mark.parametrize(("at", "value"), [(32, 9), (33, 9), (34, 255)])
def test_an_entry_of_an_unknown_kind_codec_or_pack_is_refused(at, value):
    body = bytearray(GOOD[:-32])
    body[16 + at] = value

    with pytest.raises(FormatError, match="entry 0"):
        list(index.Segment(sealed(bytes(body))))
