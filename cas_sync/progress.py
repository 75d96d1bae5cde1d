"""How the engine tells what it is doing, without knowing who listens."""

from typing import Protocol


class Progress(Protocol):
    """Listener to one run; every call may come from any thread."""

    def phase(self, name: str, files: int, size: int) -> None:
        """Begin phase ``name``: ``files`` files and ``size`` bytes are ahead (0: unknown)."""

    def advance(self, files: int, size: int) -> None:
        """Report ``files`` more files and ``size`` more bytes of the current phase."""

    def note(self, text: str) -> None:
        """Tell the user one sentence about something that was gone around."""


class Silent:
    """Listens to nothing."""

    def phase(self, name: str, files: int, size: int) -> None:
        """Ignore the phase."""

    def advance(self, files: int, size: int) -> None:
        """Ignore the progress."""

    def note(self, text: str) -> None:
        """Ignore the sentence."""
