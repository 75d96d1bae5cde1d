"""Moments are told short, where the reader is, or in full."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from cas_sync.cli.when import When

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
BERLIN = timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    ("moment", "told"),
    [
        ("2026-11-22T10:02:11Z", "today 11:02"),
        ("2026-11-21T23:30:00Z", "today 00:30"),
        ("2026-11-21T09:05:00Z", "yesterday 10:05"),
        ("2026-11-19T16:40:59Z", "19 Nov 17:40"),
        ("2026-01-02T03:04:05Z", "2 Jan 04:04"),
        ("2025-12-31T22:59:59Z", "31 Dec 2025"),
        ("2025-12-31T23:00:00Z", "1 Jan 00:00"),
        ("2026-11-22T18:00:00Z", "today 19:00"),
        ("2027-02-01T00:00:00Z", "1 Feb 2027"),
    ],
)
def test_a_moment_is_short_and_as_the_clock_is_here(moment, told):
    assert When(NOW, BERLIN).text(moment) == told


def test_a_moment_is_in_full_where_that_is_asked_for():
    moment = "2026-11-22T10:02:11Z"

    assert When(NOW, BERLIN, utc=True).text(moment) == moment
    assert When(NOW, BERLIN, iso=True).text(moment) == "2026-11-22T11:02:11+01:00"


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
@pytest.mark.parametrize("hours", [-12, 12])
def test_a_moment_that_no_calendar_holds_here_is_told_all_the_same(moment, hours):
    zone = timezone(timedelta(hours=hours))

    assert When(NOW, zone).text(moment)
    assert When(NOW, zone, iso=True).text(moment)
