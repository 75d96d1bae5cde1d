"""Compression of stored objects: Zstandard (RFC 8878) where it helps, else as they are."""

import zstandard

from cas_sync.errors import FormatError
from cas_sync.model.pack import Codec

LEVEL = 2
"""The writer's own business: a reader does not know it."""

MAX_RAW = 16 << 20
"""No stored object is longer after decompression, in bytes; bounds what a reader allots."""

SHORTEST = 64
"""What is shorter is stored as it is, in bytes: its entry in an index takes as much."""

_PARTS = 3
_PART = 4096
_PROBED = 8 * _PART
"""What is longer is tried in parts first: a third of the time where nothing is saved."""


class Compressor:
    """Compresses and decompresses; one instance belongs to one thread at a time."""

    def __init__(self) -> None:
        self._deflate = zstandard.ZstdCompressor(level=LEVEL, write_checksum=False)
        self._inflate = zstandard.ZstdDecompressor()

    def compress(self, data: bytes | memoryview) -> tuple[Codec, bytes | memoryview]:
        """Return ``data`` as it is to be stored; raw unless at least 3 % is saved."""
        if len(data) < SHORTEST or (len(data) > _PROBED and self._is_noise(data)):
            return Codec.RAW, data
        packed = self._deflate.compress(data)
        if len(packed) > len(data) - len(data) // 32:
            return Codec.RAW, data
        return Codec.ZSTD, packed

    def _is_noise(self, data: bytes | memoryview) -> bool:
        """Say whether not one of a few parts, evenly spread, gets any shorter."""
        step = (len(data) - _PART) // _PARTS
        view = memoryview(data)
        return all(
            len(self._deflate.compress(view[at : at + _PART])) >= _PART
            for at in range(step // 2, step * _PARTS, step)
        )

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
