"""Progress as small dictionaries, handed to whoever wants them."""

import threading
from collections.abc import Callable

from cas_sync.clock import Clock

Event = dict[str, object]
Listener = Callable[[Event], object]

TELL_EVERY_S = 0.1


class Events:
    """Turns the engine's progress into events; one at a time, whatever the thread.

    ``{"event": "phase", "phase": "upload", "files": 60, "bytes": 1932735283}`` begins a
    phase, ``{"event": "progress", "phase": ..., "files": 21, "bytes": ...}`` says how far it
    is, and ``{"event": "note", "text": ...}`` is a sentence for people.

    Args:
        clock: Spaces the events of a phase.
        listener: Gets them; `None` for nobody.

    Attributes:
        notes: The sentences so far.
    """

    def __init__(self, clock: Clock, listener: Listener | None) -> None:
        self.notes: list[str] = []
        self._clock = clock
        self._listener = listener
        self._lock = threading.Lock()
        self._phase = ""
        self._files = self._bytes = 0
        self._told = clock.monotonic()

    def phase(self, name: str, files: int, size: int) -> None:
        """Begin a phase."""
        with self._lock:
            self._phase, self._files, self._bytes = name.lower(), 0, 0
            self._told = self._clock.monotonic()
            self._tell({"event": "phase", "phase": self._phase, "files": files, "bytes": size})

    def advance(self, files: int, size: int) -> None:
        """Report progress."""
        if self._listener is None:
            return
        with self._lock:
            self._files += files
            self._bytes += size
            now = self._clock.monotonic()
            if now - self._told >= TELL_EVERY_S:
                self._told = now
                done = {"files": self._files, "bytes": self._bytes}
                self._tell({"event": "progress", "phase": self._phase, **done})

    def note(self, text: str) -> None:
        """Pass on a sentence."""
        with self._lock:
            self.notes.append(text)
            self._tell({"event": "note", "text": text})

    def _tell(self, event: Event) -> None:
        if self._listener is not None:
            self._listener(event)
