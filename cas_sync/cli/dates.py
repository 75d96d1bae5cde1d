"""Moments as people write them, and as they are told."""

from datetime import datetime

import click

from cas_sync.formats import moments


def parse_since(text: str, now: datetime) -> datetime:
    """Return the moment that ``text`` means; of a day, its beginning in UTC.

    Raises:
        click.BadParameter: It means none.
    """
    when = moments.parse_moment(text, now)
    if when is None:
        raise click.BadParameter(
            f"{text!r} is no date; write {moments.FORMS}", param_hint="--since"
        )
    return when


def ago(when: datetime, now: datetime) -> str:
    """Return how long ago a moment was: ``2 h ago``; as a date past a week or in the future."""
    seconds = int((now - when).total_seconds())
    if seconds < 0 or seconds >= 7 * 86_400:
        return when.date().isoformat()
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return "just now"
