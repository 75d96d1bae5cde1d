"""Merged segments are, byte for byte, what would be written of all their entries at once."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas_sync.errors import FormatError
from cas_sync.formats import index, index_merge
from cas_sync.formats.index_merge import merge
from tests.support import samples
from tests.support.segments import PACKS, locations, sealed

PLACES = locations(max_size=40)


def trailer_of(places, pack):
    return index.Segment(
        index.dump([each._replace(pack=pack) for each in places], trailer=True), pack
    )


@pytest.mark.parametrize("part", [1, 7, 1 << 15])
@given(whole=st.lists(PLACES, max_size=5), packs=st.lists(PLACES, max_size=3))
def test_it_is_what_would_be_written_of_all_entries(part, whole, packs):
    segments = [index.Segment(index.dump(places)) for places in whole]
    segments += [trailer_of(places, PACKS[i]) for i, places in enumerate(packs)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_merge, "PART", part)

        data, n = merge(segments)

    assert data == index.dump(chain.from_iterable(segments))
    assert n == len(index.Segment(data))


def test_a_pack_of_which_all_lies_elsewhere_too_is_not_named():
    first, second = (trailer_of(samples.LOCATIONS, pack) for pack in PACKS[:2])

    data, n = merge([first, second])

    assert index.Segment(data).packs == PACKS[:1]
    assert n == len(first)


@pytest.mark.parametrize(("at", "value"), [(32, 9), (33, 9), (34, 255)])
def test_an_entry_of_an_unknown_kind_codec_or_pack_is_refused(at, value):
    body = bytearray(index.dump(samples.LOCATIONS)[:-32])
    body[16 + at] = value

    with pytest.raises(FormatError):
        merge([index.Segment(sealed(bytes(body)))])
