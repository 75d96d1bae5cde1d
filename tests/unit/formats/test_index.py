import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas_sync.errors import FormatError
from cas_sync.formats import index
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Kind
from tests.support import samples
from tests.support.segments import PACKS, locations, sealed

GOOD = index.dump(samples.LOCATIONS)


@given(locations())
def test_of_equals_the_first_stays_and_all_are_found(places):
    first = {}
    for each in places:
        first.setdefault((each.id, each.kind), each)

    segment = index.Segment(index.dump(places))

    assert len(segment) == len(first)
    assert list(segment) == [first[key] for key in sorted(first)]
    assert all(segment.find(*key) == each for key, each in first.items())
    assert segment.find(samples.oid("absent"), Kind.CHUNK) is None


@given(locations())
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


@given(
    st.sets(st.binary(min_size=1, max_size=2), min_size=1, max_size=150), st.binary(max_size=2)
)
def test_ids_that_begin_alike_are_told_apart(ends, absent):
    ids = [ObjectId(each.rjust(32, b"\x07")) for each in sorted(ends)]
    places = [samples.LOCATIONS[0]._replace(id=oid) for oid in ids]
    other = ObjectId(absent.rjust(32, b"\x07"))

    segment = index.Segment(index.dump(places))

    assert [segment.find(each.id, each.kind) for each in places] == places
    assert (segment.find(other, places[0].kind) is not None) == (other in ids)
    for head in (0, 0x07070707, 0xFFFFFFFF, int.from_bytes(other[:4])):
        expected = sum(int.from_bytes(oid[:4]) < head for oid in ids)
        assert segment.first_from(head) == expected


def test_bytes_within_an_entry_are_not_taken_for_the_entry_they_look_like():
    oid = ObjectId(bytes(16) + b"\xff" * 16)
    data = index.dump([samples.LOCATIONS[0]._replace(id=oid, raw=Kind.CHUNK)])
    inside = ObjectId(data[16 + 17 : 16 + 49])

    assert data[16 + 49] == Kind.CHUNK
    assert index.Segment(data).find(inside, Kind.CHUNK) is None


# -- parts of a segment ---------------------------------------------------------------------


@given(locations())
def test_a_layout_tells_where_entries_and_packs_lie(places):
    data = index.dump(places)
    segment = index.Segment(data)
    layout = index.Layout.of(len(data), len(segment))

    assert layout.size == len(data)
    first, length = layout.pack_range(0, layout.packs)
    packs = index.load_packs(data[first : first + length])
    assert packs == sorted({each.pack for each in segment})
    if places:
        first, length = layout.entry_range(0, layout.entries)
        window = index.Window(data[first : first + length], 0)
        for each in segment:
            entry = window.find(each.id, each.kind)
            assert entry.within(packs[entry.pack]) == each


@pytest.mark.parametrize(("size", "entries"), [(47, 0), (49, 0), (len(GOOD) + 1, 7)])
def test_a_size_that_no_segment_has_is_refused(size, entries):
    with pytest.raises(FormatError):
        index.Layout.of(size, entries)


def test_what_cannot_be_entries_of_a_segment_is_refused():
    entries = GOOD[16 : 16 + 350]
    for data in (b"", entries[:-1], entries[50:] + entries[:50], entries[:50] * 2):
        with pytest.raises(FormatError):
            index.Window(data, 0)


@given(
    st.sets(st.binary(min_size=32, max_size=32), min_size=1, max_size=200),
    st.binary(min_size=32, max_size=32),
    st.integers(1, 9),
)
def test_windows_come_closer_to_any_id_however_ids_are_spread(digests, absent, length):
    ids = sorted(map(ObjectId, digests))
    places = [samples.LOCATIONS[0]._replace(id=oid, kind=Kind.CHUNK) for oid in ids]
    data = index.dump(places)
    layout = index.Layout.of(len(data), len(ids))
    for oid in (ids[0], ids[len(ids) // 2], ids[-1], ObjectId(absent)):
        key = index.search_key(oid, Kind.CHUNK)
        windows = []
        while span := index.next_span(layout, windows, key, length):
            assert 0 <= span[0] < span[1] <= len(ids)
            assert span[1] - span[0] <= length
            start, n_bytes = layout.entry_range(*span)
            windows.append(index.Window(data[start : start + n_bytes], span[0]))

        found = any(window.find(oid, Kind.CHUNK) for window in windows)
        assert found == (oid in digests)
        assert len(windows) <= len(ids)
