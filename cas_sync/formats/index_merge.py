"""Many index segments made one, a part of the ids at a time. docs/design.md, section 5.6.

An entry is moved as bytes and never becomes an object of its own, so merging a million of
them takes half a second, and besides the result only a part of them is held.
"""

import struct
from array import array
from collections.abc import Collection, Iterator, Sequence
from itertools import chain, compress

from cas_sync.errors import FormatError
from cas_sync.formats.index import (
    CODECS,
    ENTRY_SIZE,
    KINDS,
    Bytes,
    Segment,
    begin,
    get_column,
    seal,
    set_column,
)
from cas_sync.model.pack import Kind, PackName

PART = 1 << 15
"""About so many entries are sorted together."""

_SPLIT = struct.Struct(">33s17s")  # what orders an entry, and the rest of it
_WHOLE = struct.Struct(f"{ENTRY_SIZE}s")
_KIND, _CODEC, _PACK, _STORED = 32, 33, 34, 42  # where these begin in an entry


def merge(segments: Sequence[Segment]) -> tuple[bytearray, int]:
    """Return the canonical segment of all that ``segments`` locate, and its entries' number.

    Of equals the first one stays.

    Raises:
        FormatError: An entry of theirs is malformed.
    """
    packs = sorted({name for each in segments for name in each.packs})
    data, used = _merge(segments, packs)
    if len(used) < len(packs):
        # Whatever is in one of the packs lies in an earlier one, too.
        packs = [packs[i] for i in sorted(used)]
        data, _ = _merge(segments, packs)
    return data, seal(data, packs)


def select(segment: Segment, wanted: bytes | bytearray) -> tuple[bytearray, int]:
    """Return the canonical segment of some entries of ``segment``, and their number.

    Args:
        segment: What is selected from; not the trailer of a pack.
        wanted: A byte for each entry, 0 where it is left out.

    Raises:
        FormatError: An entry is malformed.
    """
    parts = [range(at, min(at + PART, len(segment))) for at in range(0, len(segment), PART)]
    kept = [_selected(segment, part, wanted) for part in parts]
    used = sorted({number for each in kept for number in get_column(each, _PACK, ENTRY_SIZE)})
    table = [0] * len(segment.packs)
    for new, old in enumerate(used):
        if old >= len(table):
            raise FormatError("an index entry names no pack")
        table[old] = new
    data = begin()
    for each in kept:
        data += _renumbered(each, table)
    return data, seal(data, [segment.packs[number] for number in used])


def live_bytes(segment: Segment, marks: bytes | bytearray) -> dict[PackName, int]:
    """Return how many stored bytes of each pack are marked; 0 for packs with none.

    Args:
        segment: Locates them.
        marks: A byte for each entry, 0 where it does not count.
    """
    numbers = get_column(segment.entries, _PACK, ENTRY_SIZE)
    stored = get_column(segment.entries, _STORED, ENTRY_SIZE)
    total = [0] * len(segment.packs)
    for number, length in compress(zip(numbers, stored, strict=True), marks):
        total[number] += length
    return dict(zip(segment.packs, total, strict=True))


def marked_in(
    segment: Segment, packs: Collection[PackName], marks: bytes | bytearray
) -> Iterator[int]:
    """Yield the numbers of the entries that are marked and lie in some packs, pack by pack."""
    found = {i: array("I") for i, name in enumerate(segment.packs) if name in packs}
    numbers = get_column(segment.entries, _PACK, ENTRY_SIZE)
    for i in compress(range(len(numbers)), marks) if found else ():
        if (inside := found.get(numbers[i])) is not None:
            inside.append(i)
    return chain.from_iterable(found.values())


def without_packs(
    segment: Segment, gone: Collection[PackName], marks: bytes | bytearray
) -> bytearray:
    """Return what `select` is given to leave some packs out.

    Lists of pieces that are not marked are left out, too: what they list may be in those
    packs, and who finds a list takes all of it for stored.
    """
    out = {number for number, name in enumerate(segment.packs) if name in gone}
    numbers = get_column(segment.entries, _PACK, ENTRY_SIZE)
    kinds = segment.entries[_KIND::ENTRY_SIZE]
    return bytearray(
        number not in out and (mark != 0 or kind == Kind.CHUNK)
        for number, kind, mark in zip(numbers, kinds, marks, strict=True)
    )


def lists_in(segment: Segment) -> bytearray:
    """Return what `select` is given to take nothing but lists of pieces."""
    kinds = segment.entries[_KIND::ENTRY_SIZE]
    return bytearray(kind != Kind.CHUNK for kind in kinds)


def _selected(segment: Segment, part: range, wanted: bytes | bytearray) -> bytes:
    entries = segment.entries[part.start * ENTRY_SIZE : part.stop * ENTRY_SIZE]
    cells = (cell for (cell,) in _WHOLE.iter_unpack(entries))
    return b"".join(compress(cells, wanted[part.start : part.stop]))


def _merge(segments: Sequence[Segment], packs: list[PackName]) -> tuple[bytearray, set[int]]:
    """Return the entries, and which numbers of packs they use."""
    numbers = {name: i for i, name in enumerate(packs)}
    tables = [[numbers.get(name, 0) for name in each.packs] for each in segments]
    data, used = begin(), set[int]()
    for parts in _parts(segments):
        found: dict[bytes, bytes] = {}
        # Of equals the first one stays, so it comes last.
        for part, table in zip(reversed(parts), reversed(tables), strict=True):
            found.update(_SPLIT.iter_unpack(_renumbered(part, table)))
        merged = b"".join(chain.from_iterable(sorted(found.items())))
        used.update(get_column(merged, _PACK, ENTRY_SIZE))
        data += merged
    return data, used


def _parts(segments: Sequence[Segment]) -> Iterator[list[Bytes]]:
    """Yield the entries of each segment, a part of all ids at a time."""
    n = max(1, sum(len(each) for each in segments) // PART)
    starts = [0] * len(segments)
    for i in range(1, n + 1):
        ends = [len(each) if i == n else each.first_from((i << 32) // n) for each in segments]
        yield [
            each.entries[start * ENTRY_SIZE : end * ENTRY_SIZE]
            for each, start, end in zip(segments, starts, ends, strict=True)
        ]
        starts = ends


def _renumbered(part: Bytes, table: list[int]) -> bytearray:
    """Return entries with the numbers of packs replaced, having checked all their numbers."""
    entries = bytearray(part)
    kinds, codecs = set(entries[_KIND::ENTRY_SIZE]), set(entries[_CODEC::ENTRY_SIZE])
    packs = get_column(entries, _PACK, ENTRY_SIZE)
    if max(kinds, default=0) >= len(KINDS) or max(codecs, default=0) >= len(CODECS):
        raise FormatError("an index entry is of an unknown kind")
    if max(packs, default=-1) >= len(table):
        raise FormatError("an index entry names no pack")
    if table != list(range(len(table))):
        set_column(entries, _PACK, ENTRY_SIZE, array("I", [table[number] for number in packs]))
    return entries
