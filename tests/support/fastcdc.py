"""FastCDC 2020 as the paper tells it, slow and plain, to compare the library with.

Xia et al., IEEE TPDS 2020, algorithm 1 with normalized chunking. The gear table and the
masks are those of the authors' code, which both the Rust crate and the library took over.
"""

from pyfastcdc.py.constants import GEAR, MASKS


def cut(data: bytes, low: int, avg: int, high: int, level: int = 1) -> list[int]:
    """Return the lengths of the chunks of ``data``."""
    bits = avg.bit_length() - 1
    hard, easy = MASKS[bits + level], MASKS[bits - level]
    lengths, start = [], 0
    while start < len(data):
        lengths.append(_next(data, start, low, avg, high, hard, easy))
        start += lengths[-1]
    return lengths


def _next(data, start, low, avg, high, hard, easy):
    left = len(data) - start
    if left <= low:
        return left
    end, middle = min(left, high), min(left, avg)
    fingerprint = 0
    for i in range(low, end):
        fingerprint = ((fingerprint << 1) + GEAR[data[start + i]]) & 0xFFFFFFFFFFFFFFFF
        if not fingerprint & (hard if i < middle else easy):
            return i
    return end
