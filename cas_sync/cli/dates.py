"""Moments as people write them."""

import re
from datetime import UTC, datetime, timedelta

import click

_AGO = re.compile(r"(\d{1,5})\s*(h|d|w|hours?|days?|weeks?)(\s+ago)?")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def parse_since(text: str, now: datetime) -> datetime:
    """Return the moment that ``text`` means: a date, ``2w``, ``3 days ago``, ``yesterday``.

    Raises:
        click.BadParameter: It means none.
    """
    plain = text.strip().lower()
    if plain == "yesterday":
        plain = "1d"
    if match := _AGO.fullmatch(plain):
        return now - int(match[1]) * _UNITS[match[2][0]]
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no date; try 2026-11-20, 2w or '3 days ago'", param_hint="--since"
        ) from None
    return when if when.tzinfo else when.astimezone(UTC)


def ago(when: datetime, now: datetime) -> str:
    """Return how long ago a moment was: ``2 h ago``; as a date past a week or in the future."""
    seconds = int((now - when).total_seconds())
    if seconds < 0 or seconds >= 7 * 86_400:
        return when.date().isoformat()
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return "just now"
