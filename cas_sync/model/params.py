"""Parameters that a repository is begun with and keeps for ever."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChunkParams:
    """Where chunks may end. Part of the format: changing it breaks deduplication.

    Attributes:
        min_size: No chunk but the last of a file is shorter, in bytes.
        avg_size: Where the cut condition gets easier, in bytes; a power of two.
        max_size: No chunk is longer, in bytes.
        normalization: FastCDC's level of normalized chunking.
    """

    min_size: int = 32 << 10
    avg_size: int = 128 << 10
    max_size: int = 512 << 10
    normalization: int = 1
