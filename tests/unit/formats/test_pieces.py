import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas_sync.errors import FormatError
from cas_sync.formats import pieces
from cas_sync.formats.pieces import LIST_MAX, LIST_MIN, Piece, Pieces, cut_lists
from tests.support.samples import oid

GOOD = pieces.dump(Pieces(1, (Piece(oid("a"), 10), Piece(oid("b"), 20))))


def piece(i):
    return Piece(oid(f"piece {i}"), i)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"CASFIL2\n" + data[8:],
        lambda data: data[:8] + b"\2" + data[9:],
        lambda data: data[:10] + b"\1" + data[11:],
        lambda data: data + bytes(40),
        lambda data: data[:12] + struct.pack(">I", 1 << 31) + data[16:],
        lambda data: data[:23] + b"\x1f" + data[24:],
    ],
)
def test_a_list_that_cannot_be_is_refused(damage):
    with pytest.raises(FormatError):
        pieces.load(damage(GOOD))


def test_a_list_may_be_empty():
    assert pieces.load(pieces.dump(Pieces(0, ()))).size == 0


def test_lengths_that_overflow_are_refused():
    most = (1 << 64) - 1
    rows = struct.pack(">32sQ32sQ", bytes(32), most, bytes(32), 1)

    with pytest.raises(FormatError, match="add up"):
        pieces.load(struct.pack(">8sB3xIQ", b"CASFIL1\n", 0, 2, 0) + rows)


@given(st.integers(0, 2999), st.integers(1, 3))
def test_an_edit_in_the_middle_leaves_most_lists_as_they_were(at, n):
    before = [piece(i) for i in range(3000)]
    after = [*before[:at], *(piece(-i) for i in range(1, n + 1)), *before[at + 1 :]]

    changed = {*cut_lists(after)} - {*cut_lists(before)}

    assert len(changed) <= 4


def test_a_list_of_pieces_that_never_say_so_ends_all_the_same():
    odd = Piece(type(oid("a"))(bytes(31) + b"\1"), 1)

    assert [len(p.pieces) for p in cut_lists([odd] * 2500)] == [LIST_MAX, LIST_MAX, 452]


def test_a_list_of_pieces_that_always_say_so_is_not_too_short():
    even = Piece(type(oid("a"))(bytes(32)), 1)

    assert [len(p.pieces) for p in cut_lists([even] * 130)] == [LIST_MIN, LIST_MIN, 2]


@given(st.lists(st.integers(0, 9), max_size=20), st.integers(-20, 200), st.integers(-20, 200))
def test_the_pieces_between_two_places_are_those_with_bytes_there(lengths, start, end):
    listed = Pieces(0, tuple(Piece(piece(i).id, n) for i, n in enumerate(lengths)))
    owners = [(each, at) for each, at in _offsets(listed) for _ in range(each.length)]

    found = list(listed.between(start, end))

    met = owners[max(0, start) : max(0, end)]
    assert found == list(dict.fromkeys(met))


def _offsets(listed):
    at = 0
    for each in listed.pieces:
        yield each, at
        at += each.length
