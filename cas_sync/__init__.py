"""Keep a team's data folder the same on every machine through one bucket and prefix."""

from cas_sync._version import __version__

__all__ = ["__version__"]
