"""Moments of the history as people read them: short, or in full where that is asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def time_options(function: F) -> F:
    """Add the options that tell times in full."""
    for option in (
        click.option("--utc", is_flag=True, help="Times in full, in UTC."),
        click.option("--iso", is_flag=True, help="Times in full, as the clock is here."),
    ):
        function = option(function)
    return function


@dataclass(frozen=True)
class When:
    """How moments are told.

    Attributes:
        now: The current time.
        zone: Where; `None` for where this machine is.
        utc: In full, in UTC.
        iso: In full, in the zone.
    """

    now: datetime
    zone: tzinfo | None = None
    utc: bool = False
    iso: bool = False

    @property
    def width(self) -> int:
        """How many columns of a terminal a moment takes, at most."""
        return 25 if self.iso else 20 if self.utc else 15

    def text(self, moment: str) -> str:
        """Return an RFC 3339 time as ``today 11:02``, ``19 Nov 17:40`` or ``19 Nov 2025``."""
        if self.utc:
            return moment
        try:
            when = datetime.fromisoformat(moment).astimezone(self.zone)
            today = self.now.astimezone(self.zone).date()
        except (ValueError, OverflowError, OSError):
            # No calendar, or not that of this system, holds it here.
            return moment
        if self.iso:
            return when.isoformat(timespec="seconds")
        if when.date() == today:
            return f"today {when:%H:%M}"
        if when.date() == today - timedelta(days=1):
            return f"yesterday {when:%H:%M}"
        day = f"{when.day} {_MONTHS[when.month - 1]}"
        return f"{day} {when:%H:%M}" if when.year == today.year else f"{day} {when.year}"
