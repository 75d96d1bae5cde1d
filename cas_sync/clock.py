"""The only reader of the wall clock, so that time is given and never taken.

No correctness rule depends on it: times are shown to people and decide how long to wait.
"""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the engine may know about time."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""

    def monotonic(self) -> float:
        """Return seconds since an arbitrary moment; never goes back."""

    def sleep(self, seconds: float) -> None:
        """Wait for about ``seconds``."""


class SystemClock:
    """The computer's own clock."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds since an arbitrary moment; never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait for about ``seconds``."""
        time.sleep(seconds)
