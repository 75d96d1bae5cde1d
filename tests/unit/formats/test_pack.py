import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas_sync.errors import FormatError
from cas_sync.formats import pack
from cas_sync.formats.codec import Compressor
from cas_sync.formats.pack import PackBuilder
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Codec, Kind, PackName
from tests.support import samples


def build(*bodies):
    builder = PackBuilder()
    for data in bodies:
        codec, stored = Compressor().compress(data)
        builder.add(ObjectId.of(data), Kind.CHUNK, codec, bytes(stored), len(data))
    return builder.finish(samples.ULID)


def named(data):
    return PackName(f"{samples.ULID}-{ObjectId.of(data)}")


@given(st.lists(st.binary(max_size=200), unique=True, max_size=5))
def test_every_object_of_a_pack_is_where_the_trailer_says(bodies):
    name, data, trailer = build(*bodies)

    segment = pack.load_trailer(data, name)

    offset, length = pack.trailer_range(len(data), len(bodies))
    assert data[offset : offset + length] == trailer
    for body in bodies:
        where = segment.find(ObjectId.of(body), Kind.CHUNK)
        stored = data[where.offset : where.offset + where.stored]
        assert Compressor().decompress(where.codec, stored, where.raw) == body
        assert where.pack == name


def test_a_pack_knows_how_long_and_how_full_it_is():
    builder = PackBuilder()
    builder.add(samples.oid("a"), Kind.CHUNK, Codec.RAW, b"abc", 3)

    builder.add(samples.oid("b"), Kind.LIST, Codec.RAW, b"de", 2)

    assert len(builder) == 2
    size = builder.size
    assert size == len(builder.finish(samples.ULID)[1])
    assert len(builder) == 2


def test_a_pack_is_the_same_wherever_it_is_put_together():
    def finish(buffer):
        builder = PackBuilder(buffer)
        builder.add(samples.oid("list"), Kind.LIST, Codec.RAW, b"list", 4)
        for n in range(300):
            data = samples.noise(f"chunk {n}", 1000)
            builder.add(ObjectId.of(data), Kind.CHUNK, Codec.RAW, memoryview(data), 1000)
        return builder.finish(samples.ULID)

    old = bytearray(b"an old pack " * 50_000)
    fresh, reused, shorter = finish(None), finish(old), finish(bytearray(500))

    assert fresh == reused == shorter
    assert reused[1] is old


def test_lists_come_after_the_chunks_in_the_order_they_were_added():
    builder = PackBuilder()
    for kind, text in ((Kind.LIST, b"L1"), (Kind.CHUNK, b"c1"), (Kind.FILE, b"F2")):
        builder.add(ObjectId.of(text), kind, Codec.RAW, text, 2)
    builder.add(ObjectId.of(b"c2"), Kind.CHUNK, Codec.RAW, b"c2", 2)

    assert builder.finish(samples.ULID)[1].startswith(b"CASPACK1c1c2L1F2")


def test_the_bytes_that_were_added_may_change_afterwards():
    builder, mine = PackBuilder(), bytearray(b"before")
    builder.add(samples.oid("a"), Kind.CHUNK, Codec.RAW, memoryview(mine), 6)
    builder.add(samples.oid("b"), Kind.LIST, Codec.RAW, memoryview(mine), 6)
    mine[:] = b"after!"

    data = builder.finish(samples.ULID)[1]

    assert data.startswith(b"CASPACK1beforebefore")


@pytest.mark.parametrize(
    "edit",
    [
        lambda data: data[:19],
        lambda data: b"NOTAPACK" + data[8:],
        lambda data: data[:-8] + b"CASPEND2",
        lambda data: data[:-12] + struct.pack(">I", 1 << 31) + data[-8:],
        lambda data: data[:-12] + struct.pack(">I", 0) + data[-8:],
        lambda data: data[:8] + data[9:],
    ],
)
def test_what_is_no_pack_is_refused(edit):
    _, data, _ = build(b"one", b"two")

    with pytest.raises(FormatError):
        pack.load_trailer(edit(data), named(data))


def test_what_is_no_pack_is_refused_under_its_right_name_too():
    data = b"CASPACK1" + struct.pack(">I8s", 0, b"CASPEND1")

    with pytest.raises(FormatError):
        pack.load_trailer(data, named(data))


def test_another_pack_is_refused():
    _, data, _ = build(b"one")

    with pytest.raises(FormatError, match="does not match its name"):
        pack.load_trailer(data, named(b"other"))
