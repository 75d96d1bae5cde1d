from datetime import UTC, datetime, timedelta

import click
import pytest

from cas_sync.cli.dates import parse_since

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("2w", timedelta(weeks=2)),
        ("3 days ago", timedelta(days=3)),
        ("5h", timedelta(hours=5)),
        ("1 week", timedelta(weeks=1)),
        ("Yesterday", timedelta(days=1)),
    ],
)
def test_spans_count_back_from_now(text, ago):
    assert parse_since(text, NOW) == NOW - ago


def test_a_date_with_its_zone_is_taken_as_written():
    assert parse_since("2026-11-20T10:00:00+02:00", NOW) == datetime(
        2026, 11, 20, 8, tzinfo=UTC
    )


def test_a_plain_date_has_a_zone():
    assert parse_since("2026-11-20", NOW).tzinfo is not None


@pytest.mark.parametrize("text", ["", "soon", "3 apples ago", "2026-13-01"])
def test_anything_else_is_refused(text):
    with pytest.raises(click.BadParameter):
        parse_since(text, NOW)
