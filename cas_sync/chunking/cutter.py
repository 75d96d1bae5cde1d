"""Content-defined boundaries.

FastCDC as in Xia et al., "The Design of Fast Content-Defined Chunking for Data
Deduplication Based Storage Systems" (IEEE TPDS 2020), through `pyfastcdc`, which cuts as
the Rust crate `fastcdc` (v2020) does. The cuts are part of the format: tests/vectors pins
them, and tests/support/fastcdc.py is a plain reading of the paper to compare with.
"""

from collections.abc import Iterable, Iterator

import pyfastcdc

from cas_sync.errors import ConfigError
from cas_sync.model.params import ChunkParams

_WINDOW = 4 << 20


def _fastcdc(params: ChunkParams) -> pyfastcdc.FastCDC:
    if pyfastcdc.FastCDC.__module__.startswith("pyfastcdc.py"):
        raise ConfigError(
            "pyfastcdc is installed without its compiled part, which is 200 times slower",
            cause="no wheel for this system was found and nothing could compile it",
            fix="pip install --force-reinstall --only-binary :all: pyfastcdc",
            code="E210",
        )
    return pyfastcdc.FastCDC(
        params.avg_size,
        min_size=params.min_size,
        max_size=params.max_size,
        normalized_chunking=params.normalization,  # type: ignore[arg-type] # range checked on reading
    )


class Cutter:
    """Finds the chunks of one stream, of which a part lies in memory at a time.

    Args:
        params: Where files are cut.

    Raises:
        ConfigError: Only the slow fallback of the cutting library is installed.
    """

    def __init__(self, params: ChunkParams) -> None:
        self._fastcdc = _fastcdc(params)
        self._max_size = params.max_size

    def cut(self, view: memoryview, *, is_last: bool) -> Iterator[memoryview]:
        """Yield the chunks of ``view`` that are certain.

        What is left at its end, less than the longest chunk, has to be put before the bytes
        that follow; where ``is_last``, nothing follows and nothing is left.
        """
        sure = len(view) if is_last else len(view) - self._max_size
        for chunk in self._fastcdc.cut_buf(view):
            start = chunk.offset
            # Nearer to the end than the longest chunk, the bytes still to come could move
            # the cut.
            if start > sure:
                return
            yield view[start : start + chunk.length]


def split(
    blocks: Iterable[bytes | memoryview], params: ChunkParams, *, window: int = _WINDOW
) -> Iterator[memoryview]:
    """Yield the chunks of the stream made of ``blocks``.

    The chunks depend on the bytes alone, never on how they were cut into blocks. Each
    yielded view is valid only until the next one is asked for: the buffer is reused.

    Raises:
        ConfigError: Only the slow fallback of the cutting library is installed.
    """
    cutter = Cutter(params)
    capacity = max(window, 4 * params.max_size)
    buffer = bytearray(capacity)
    view = memoryview(buffer)
    filled = 0
    for block in blocks:
        taken = 0
        while taken < len(block):
            n = min(len(block) - taken, capacity - filled)
            view[filled : filled + n] = block[taken : taken + n]
            taken += n
            filled += n
            if filled == capacity:
                end = 0
                for chunk in cutter.cut(view, is_last=False):
                    end += len(chunk)
                    yield chunk
                rest = filled - end
                view[:rest] = bytes(view[end:filled])
                filled = rest
    if filled:
        yield from cutter.cut(view[:filled], is_last=True)
