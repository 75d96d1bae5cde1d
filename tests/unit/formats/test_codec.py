import pytest
import zstandard

from cas_sync.errors import FormatError
from cas_sync.formats.codec import MAX_RAW, Compressor
from cas_sync.model.pack import Codec
from tests.support.samples import noise


def test_what_does_not_get_shorter_is_stored_as_it_is():
    data = noise("noise", 10_000)

    assert Compressor().compress(data) == (Codec.RAW, data)


def test_text_is_compressed():
    codec, stored = Compressor().compress(b"text " * 1000)

    assert codec is Codec.ZSTD
    assert len(stored) < 100


def test_raw_bytes_of_another_length_are_refused():
    with pytest.raises(FormatError):
        Compressor().decompress(Codec.RAW, b"abc", 4)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data[:7],
        lambda data: b"",
        lambda data: data + b"x",
        lambda data: b"\0" + data[1:],
        lambda data: data[:-5] + bytes([data[-5] ^ 255]) + data[-4:],
    ],
)
def test_a_damaged_frame_is_never_taken_for_the_object(damage):
    data = noise("half", 500) + bytes(500)
    _, stored = Compressor().compress(data)

    try:
        found = Compressor().decompress(Codec.ZSTD, damage(bytes(stored)), len(data))
    except FormatError:
        return

    assert found != data  # and its hash tells


def test_a_bomb_is_refused_before_it_goes_off():
    bomb = zstandard.ZstdCompressor().compress(bytes(MAX_RAW + 1))

    with pytest.raises(FormatError):
        Compressor().decompress(Codec.ZSTD, bomb, MAX_RAW + 1)


def test_a_frame_that_hides_its_size_is_refused():
    packer = zstandard.ZstdCompressor(write_content_size=False)

    with pytest.raises(FormatError):
        Compressor().decompress(Codec.ZSTD, packer.compress(bytes(1000)), 1000)


def test_a_frame_that_lies_about_its_size_is_refused():
    honest = bytearray(zstandard.ZstdCompressor().compress(bytes(1000)))
    at = honest.index((1000 - 256).to_bytes(2, "little"))
    honest[at : at + 2] = (900 - 256).to_bytes(2, "little")

    with pytest.raises(FormatError):
        Compressor().decompress(Codec.ZSTD, bytes(honest), 900)
