"""Compression of stored objects: Zstandard (RFC 8878) where it helps, else as they are."""

import zstandard

from cas_sync.errors import FormatError
from cas_sync.model.pack import Codec

LEVEL = 3
MAX_RAW = 64 << 20
"""No stored object is longer after decompression, in bytes; bounds what a reader allots."""


class Compressor:
    """Compresses and decompresses; one instance belongs to one thread at a time."""

    def __init__(self) -> None:
        self._deflate = zstandard.ZstdCompressor(level=LEVEL, write_checksum=False)
        self._inflate = zstandard.ZstdDecompressor()

    def compress(self, data: bytes | memoryview) -> tuple[Codec, bytes | memoryview]:
        """Return ``data`` as it is to be stored; raw unless at least 3 % is saved."""
        packed = self._deflate.compress(data)
        if len(packed) > len(data) - len(data) // 32:
            return Codec.RAW, data
        return Codec.ZSTD, packed

    def decompress(self, codec: Codec, stored: bytes | memoryview, raw: int) -> bytes:
        """Return the ``raw`` bytes that ``stored`` holds; never allots more.

        Raises:
            FormatError: ``stored`` is not what it is said to be.
        """
        if codec is Codec.RAW:
            if len(stored) != raw:
                raise FormatError(f"raw object of {len(stored)} bytes, not {raw}")
            return bytes(stored)
        try:
            if raw > MAX_RAW or zstandard.frame_content_size(stored) != raw:
                raise FormatError(f"compressed object does not unpack to {raw} bytes")
            data = self._inflate.decompress(stored, max_output_size=raw, allow_extra_data=False)
        except zstandard.ZstdError as error:
            raise FormatError(f"compressed object is damaged: {error}") from error
        if len(data) != raw:
            raise FormatError(f"compressed object gave {len(data)} bytes, not {raw}")
        return data
