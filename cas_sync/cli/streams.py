"""Standard streams that can be written to whatever happens to who reads them.

A name that a stream cannot encode, a pipe that was closed, a full disk or no stream at all
must not stop a sync half-way: what cannot be written is dropped, and told at the end.
"""

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO, cast

_CLOSED = {errno.EPIPE, errno.ESHUTDOWN}
if os.name == "nt":
    # What Windows says of a pipe that nobody reads any more.
    _CLOSED.add(errno.EINVAL)


class Outlet:
    """A text stream that never fails.

    It has no ``buffer``: click would write past it where the encoding is plain ASCII.

    Attributes:
        is_closed: Whether whoever read it has enough.
        trouble: Why the first text that was lost, was lost; `None` where nobody wanted it.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.is_closed = False
        self.trouble: OSError | None = None
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

    def write(self, text: str) -> int:
        """Write a text, or lose it."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._lose(error)
        return len(text)

    def write_bytes(self, data: bytes) -> None:
        """Write bytes as they are, or lose them."""
        try:
            self._stream.flush()
            self._stream.buffer.write(data)
        except OSError as error:
            self._lose(error)

    def flush(self) -> None:
        """Send what was written, or lose it."""
        try:
            self._stream.flush()
        except OSError as error:
            self._lose(error)

    @property
    def buffer(self) -> None:
        """Nothing: what is written goes through here."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _lose(self, error: OSError) -> None:
        if error.errno in _CLOSED:
            self.is_closed = True
        elif self.trouble is None:
            self.trouble = error
        # What is still in the buffer would fail again, at the latest when Python ends.
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            try:
                os.dup2(nowhere, self._stream.fileno())
            finally:
                os.close(nowhere)


@contextmanager
def safe_streams() -> Iterator[Outlet]:
    """Make the standard streams safe to use; yield standard output."""
    saved = sys.stdin, sys.stdout, sys.stderr
    if any(each is None for each in saved):
        _occupy()
    with Path(os.devnull).open("w", encoding="utf-8") as nothing:
        out = Outlet(saved[1] or nothing)
        sys.stdin = saved[0] or io.StringIO()
        sys.stdout, sys.stderr = cast(TextIO, out), cast(TextIO, Outlet(saved[2] or nothing))
        try:
            yield out
        finally:
            sys.stdin, sys.stdout, sys.stderr = saved


def _occupy() -> None:
    """Keep files that are opened from now on from getting the number of a standard stream."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)


def is_read() -> bool:
    """Say whether anybody still reads what is printed."""
    return not (isinstance(sys.stdout, Outlet) and sys.stdout.is_closed)


def write_bytes(data: bytes) -> bool:
    """Write bytes to standard output as they are; say whether it takes any more."""
    out = sys.stdout
    if not isinstance(out, Outlet):
        raise TypeError(out)
    out.write_bytes(data)
    return not out.is_closed and out.trouble is None
