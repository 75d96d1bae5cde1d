"""A part of a file is what HTTP would send for the same range."""

import pytest

from cas_sync.engine.look import Span


@pytest.mark.parametrize(
    ("span", "size", "offset_and_length"),
    [
        (Span(0, 0), 10, (0, 1)),
        (Span(0, 9), 10, (0, 10)),
        (Span(0, None), 10, (0, 10)),
        (Span(9, None), 10, (9, 1)),
        (Span(5, 99), 10, (5, 5)),
        (Span(None, 3), 10, (7, 3)),
        (Span(None, 99), 10, (0, 10)),
        (Span(10, None), 10, None),
        (Span(10, 12), 10, None),
        (Span(None, 0), 10, None),
        (Span(0, None), 0, None),
        (Span(None, 5), 0, None),
    ],
)
def test_a_span_is_an_offset_and_a_length(span, size, offset_and_length):
    assert span.within(size) == offset_and_length


@pytest.mark.parametrize(
    ("span", "text"), [(Span(0, 99), "0-99"), (Span(5, None), "5-"), (Span(None, 7), "-7")]
)
def test_a_span_reads_as_it_is_typed(span, text):
    assert str(span) == text
