"""Moments as people write them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas_sync.formats.moments import looks_like_moment, parse_moment, read_time

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("2w", timedelta(weeks=2)),
        ("3 days ago", timedelta(days=3)),
        ("3days", timedelta(days=3)),
        ("5h", timedelta(hours=5)),
        ("5H", timedelta(hours=5)),
        ("20 min ago", timedelta(minutes=20)),
        ("1 week", timedelta(weeks=1)),
        ("0h", timedelta()),
        ("0000000000001 day ago", timedelta(days=1)),
        (" Yesterday ", timedelta(days=1)),
    ],
)
def test_spans_count_back_from_now(text, ago):
    assert parse_moment(text, NOW) == NOW - ago
    assert parse_moment(text, NOW, is_end=True) == NOW - ago


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("2026-11-20T14:00", datetime(2026, 11, 20, 14, tzinfo=UTC)),
        ("2026-11-20T14:00:01Z", datetime(2026, 11, 20, 14, 0, 1, tzinfo=UTC)),
        ("2026-11-20 14:00:01.5z", datetime(2026, 11, 20, 14, 0, 1, 500_000, tzinfo=UTC)),
        ("2026-11-20t10:00:00+02:00", datetime(2026, 11, 20, 8, tzinfo=UTC)),
    ],
)
def test_a_time_without_a_zone_is_in_utc(text, expected):
    assert parse_moment(text, NOW) == expected


def test_a_day_is_its_beginning_or_its_end():
    first, last = parse_moment("2026-11-20", NOW), parse_moment("2026-11-20", NOW, is_end=True)

    assert last - first == timedelta(days=1, microseconds=-1)
    assert parse_moment("9999-12-31", NOW, is_end=True).year == 9999


@pytest.mark.parametrize("text", ["99999999w", "9" * 10_000 + " days ago", "2000000 weeks"])
def test_what_is_before_every_calendar_is_before_everything(text):
    assert parse_moment(text, NOW) == datetime.min.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "3 apples ago",
        "-3 days",
        "3.5 days",
        "2026-13-01",
        "2026-11-20T25:00",
        "2026-11-20T14:00:60Z",
        "2026-11-20T14:00+99:00",
        "2026-11-20T14",
        "2026-11",
        "20261120",
        "2026-W47-5",
        "\u0662026-11-20",
        "\u0663 days",
    ],
)
def test_anything_else_is_no_moment(text):
    assert parse_moment(text, NOW) is None


@given(
    st.one_of(
        st.text(),
        st.text(alphabet="0123456789-:TZ+. agodyswehmin", max_size=25),
        st.datetimes(timezones=st.timezones()).map(datetime.isoformat),
    )
)
def test_what_is_a_moment_looks_like_one(text):
    for is_end in (False, True):
        when = parse_moment(text, NOW, is_end=is_end)

        assert when is None or (when.tzinfo is not None and looks_like_moment(text))


@given(st.text())
def test_no_text_of_a_commit_crashes_its_reader(text):
    when = read_time(text)

    assert when is None or when.tzinfo is not None
