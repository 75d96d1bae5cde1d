"""The user's pager, between what is printed and a terminal; never between it and a script."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import Any, TextIO, TypeVar, cast

import click

from cas_sync.cli.streams import Outlet

F = TypeVar("F", bound=Callable[..., Any])

NAMES = ("CAS_SYNC_PAGER", "PAGER")
"""Environment variables that name a pager; the first that is set counts, also if empty."""

_LESS = "FRX"
"""What less is told unless the user has: leave one screen alone, let colours through."""


def pager_option(function: F) -> F:
    """Add the option that does without."""
    option = click.option("--no-pager", is_flag=True, help="Do not wait for a pager.")
    return option(function)


@contextmanager
def paged(*, wanted: bool = True) -> Iterator[None]:
    """Show what is printed inside in a pager where standard output is a terminal.

    It starts with the first text, so errors that come before it are printed as ever. Who
    leaves it early makes `is_read` false. The end waits for it.

    Args:
        wanted: Whether to page at all.
    """
    terminal, env = sys.stdout, os.environ
    command = pager_command(env) if wanted and terminal.isatty() else None
    if command is None:
        yield
        return
    context = click.get_current_context()
    colour = context.color
    context.color = True if colour is None else colour
    pipe = _Pipe(command, env, terminal)
    sys.stdout = cast(TextIO, Outlet(cast(TextIO, pipe)))
    try:
        yield
    finally:
        # From here on a Ctrl-C is for the pager: it stops a search in it.
        with _ignoring_interrupts():
            sys.stdout = terminal
            context.color = colour
            pipe.end()


@contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:
        # Only the main thread is interrupted, and this is another one.
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)


def pager_command(env: Mapping[str, str]) -> list[str] | None:
    """Return the pager to run and its arguments; `None` where nothing is to be paged.

    An empty list stands for what click does where there is none.
    """
    if env.get("TERM") == "dumb":
        return None
    said = next((env[name] for name in NAMES if name in env), None)
    if said is not None:
        words = _words(said)
        return None if words in ([], ["cat"]) else words
    if shutil.which("less", path=env.get("PATH")):
        return ["less"]
    return [] if os.name == "nt" else None


def _words(command: str) -> list[str]:
    try:
        # A backslash is part of a path on Windows, and quotes stay: they are taken off.
        words = shlex.split(command, posix=os.name != "nt")
    except ValueError:
        return [command]
    return [word.strip('"') for word in words] if os.name == "nt" else words


class _Pipe:
    """Leads to a pager that starts with the first text.

    Args:
        command: The pager and its arguments; empty for what click does.
        env: The environment variables.
        terminal: Where the text goes if the pager cannot be started.
    """

    def __init__(self, command: list[str], env: Mapping[str, str], terminal: TextIO) -> None:
        self._command = command
        self._env = env
        self._terminal = terminal
        self._process: subprocess.Popen[bytes] | None = None
        self._out: TextIO | None = None
        self._kept: list[str] = []

    @property
    def encoding(self) -> str:
        """Return the encoding of the terminal, which is that of its programs."""
        return self._terminal.encoding

    def isatty(self) -> bool:
        """Say that it is none."""
        return False

    def fileno(self) -> int:
        """Return the number of what is written to."""
        return self._terminal.fileno() if self._out is None else self._out.fileno()

    def write(self, text: str) -> int:
        """Show a text."""
        if not self._command:
            self._kept.append(text)
            return len(text)
        if self._out is None:
            self._out = self._start()
        return self._out.write(text)

    def flush(self) -> None:
        """Send what was written on its way."""
        if self._out is not None:
            self._out.flush()

    def end(self) -> None:
        """Say that nothing more comes, and wait until the user has seen it."""
        if not self._command:
            if self._kept:
                click.echo_via_pager("".join(self._kept).removesuffix("\n"))
            return
        if self._process is None or self._out is None:
            return
        with suppress(OSError):
            self._out.close()
        self._process.wait()

    def _start(self) -> TextIO:
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the user names it
                self._command,
                stdin=subprocess.PIPE,
                env={"LESS": _LESS, **self._env},
            )
        except OSError:
            return self._terminal
        pipe = self._process.stdin
        if pipe is None:
            raise AssertionError
        return TextIOWrapper(pipe, encoding=self.encoding, errors="backslashreplace")
