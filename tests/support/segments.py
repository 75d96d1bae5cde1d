"""Index segments as tests make them."""

from blake3 import blake3
from hypothesis import strategies as st

from cas_sync.model.pack import Codec, Kind, Location, PackName
from tests.support import samples

PACKS = [PackName(f"{samples.ULID}-{samples.oid(str(i))}") for i in range(4)]

_u32 = st.integers(0, (1 << 32) - 1)


def locations(max_size: int | None = None) -> st.SearchStrategy[list[Location]]:
    """Return lists of places, some of them of the same object."""
    place = st.builds(
        Location,
        st.integers(0, 40).map(str).map(samples.oid),
        st.sampled_from(Kind),
        st.sampled_from(PACKS),
        _u32,
        _u32,
        _u32,
        st.sampled_from(Codec),
    )
    return st.lists(place, max_size=max_size)


def sealed(body: bytes) -> bytes:
    """Return a segment with a checksum that fits."""
    return body + blake3(body).digest()
