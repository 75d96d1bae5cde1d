from datetime import UTC, datetime, timedelta

import click
import pytest

from cas_sync.cli.dates import parse_since

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_a_span_counts_back_and_a_day_is_its_beginning():
    assert parse_since("2w", NOW) == NOW - timedelta(weeks=2)
    assert parse_since("2026-11-20", NOW) == datetime(2026, 11, 20, tzinfo=UTC)


def test_what_is_no_moment_is_refused_with_what_is_one():
    with pytest.raises(click.BadParameter, match="'soon' is no date; write 2026-11-20"):
        parse_since("soon", NOW)
