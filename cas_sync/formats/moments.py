"""Moments as people write them: a day, a time, how long ago."""

import re
from datetime import UTC, datetime, timedelta

STORED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
"""A time as rows and tags hold it."""

FORMS = "2026-11-20, 2026-11-20T14:00:00Z, yesterday, '3 days ago', 2w, 5h"

_AGO = re.compile(
    r"(\d+)\s*(min|minutes?|h|hours?|d|days?|w|weeks?)(\s+ago)?", re.ASCII | re.IGNORECASE
)
_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?",
    re.ASCII | re.IGNORECASE,
)
# More than what is read today, so that a name that is given today stays a name.
_RESERVED = re.compile(
    r"\d{4}-\d\d(-\d\d([T ].*)?)?"
    r"|\d{4}-?W\d\d(-?\d)?"
    r"|\d+\s*(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?|mo|months?"
    r"|y|years?)"
    r"|.*\sago|now|today|yesterday|tomorrow|(last|this|next)\s.*",
    re.ASCII | re.IGNORECASE | re.DOTALL,
)
_FIRST = datetime.min.replace(tzinfo=UTC)


def parse_moment(text: str, now: datetime, *, is_end: bool = False) -> datetime | None:
    """Return the moment that ``text`` means; `None` where it means none.

    Args:
        text: One of `FORMS`; a day is one of UTC, and so is a time that names no zone.
            ``yesterday`` is this time yesterday, as ``1 day ago`` is.
        now: The present, with a zone.
        is_end: Whether a day alone stands for its end, or else its beginning.
    """
    text = text.strip()
    if text.lower() == "yesterday":
        text = "1d"
    if match := _AGO.fullmatch(text):
        return _before(now, match[1], _UNITS[match[2][0].lower()])
    is_day = _DAY.fullmatch(text) is not None
    if not is_day and not _TIME.fullmatch(text):
        return None
    when = read_time(text.upper())
    if when is not None and is_day and is_end:
        return when.replace(hour=23, minute=59, second=59, microsecond=999_999)
    return when


def looks_like_moment(text: str) -> bool:
    """Say whether ``text`` is a moment or would be taken for one, a wrong one included."""
    return _RESERVED.fullmatch(text.strip()) is not None


def read_time(text: str) -> datetime | None:
    """Return an RFC 3339 time, in UTC where it names no zone; `None` where it is none."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)


def _before(now: datetime, count: str, unit: timedelta) -> datetime:
    # No calendar goes back so far: before everything.
    if len(count.lstrip("0")) > 9:
        return _FIRST
    try:
        return now - int(count[-9:]) * unit
    except OverflowError:
        return _FIRST
