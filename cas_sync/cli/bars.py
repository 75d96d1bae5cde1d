"""Progress: a bar on a terminal, a line now and then elsewhere, nothing when quiet."""

import sys
import threading

import click

from cas_sync.cli.render import plural, size
from cas_sync.clock import Clock

HEARTBEAT_S = 10.0
BAR_AFTER_S = 0.4


class Plain:
    """Prints a line when a long phase begins and a heartbeat while it lasts."""

    def __init__(self, clock: Clock, *, bars: bool, quiet: bool = False) -> None:
        self._clock = clock
        self._bars = bars
        self._quiet = quiet
        self._lock = threading.Lock()
        self._name = ""
        self._files = self._size = self._done_files = self._done_size = 0
        self._began = self._spoke = clock.monotonic()
        self._open_line = False

    def phase(self, name: str, files: int, size: int) -> None:
        """Begin a phase."""
        with self._lock:
            self._clear()
            self._name, self._files, self._size = name, files, size
            self._done_files = self._done_size = 0
            self._began = self._spoke = self._clock.monotonic()

    def advance(self, files: int, size: int) -> None:
        """Report progress."""
        with self._lock:
            self._done_files += files
            self._done_size += size
            now = self._clock.monotonic()
            wait = BAR_AFTER_S / 2 if self._bars else HEARTBEAT_S
            if now - self._spoke >= wait and now - self._began >= BAR_AFTER_S:
                self._spoke = now
                self._speak(now)

    def note(self, text: str) -> None:
        """Tell the user one sentence."""
        with self._lock:
            self._clear()
            if not self._quiet:
                click.echo(text, err=True)

    def close(self) -> None:
        """Leave the terminal as it should be."""
        with self._lock:
            self._clear()

    def _speak(self, now: float) -> None:
        done, total = self._done_size, self._size
        share = f"{100 * done // total:3d}%  " if total else ""
        speed = done / max(now - self._began, 1e-9)
        text = (
            f"{self._name:<9} {share}{size(done)}/{size(total)}  {size(int(speed))}/s  "
            f"({self._done_files:,}/{plural(self._files, 'file')})"
        )
        if self._bars:
            sys.stderr.write("\r\x1b[K" + text)
            sys.stderr.flush()
            self._open_line = True
        else:
            click.echo(text, err=True)

    def _clear(self) -> None:
        if self._open_line:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._open_line = False
