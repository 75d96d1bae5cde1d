"""A person at a terminal: a command in a real pseudo-terminal, asked and answered.

    with ana.terminal("sync") as t:
        t.answer("Apply these 2 changes?", "s")
        t.answer("Which?", "1")
        t.end(exit=0)
    assert "Published" in t.transcript

Nothing waits for a time: `expect` waits for words. POSIX only; elsewhere the test is skipped.
"""

import re
import signal
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import pytest

ROWS, COLUMNS = 40, 96
WAIT_S = 60
"""How long to wait for words before the test fails: long, for machines that are busy."""
AGAIN_S = 3
"""After how long a Ctrl-C that nothing came of is pressed again."""

_SEQUENCES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, erasing, moving
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC: titles, links
    r"|\x1b[ -/]*[0-~]"  # the rest
)
_UNFINISHED = re.compile(r"(?:\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?|[ -/]*)|\r+)\Z")
_UNWANTED = ("CI", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "GITHUB_ACTIONS")


def plain(raw: str) -> str:
    """Return what a terminal was sent, without sequences; what was overwritten stays."""
    whole = _UNFINISHED.sub("", raw)
    return re.sub(r"\r+\n?", "\n", _SEQUENCES.sub("", whole)).replace("\x07", "")


class Terminal:
    """A command that runs in a pseudo-terminal of 96 columns and 40 rows.

    Args:
        command: Program and arguments.
        cwd: Where it runs.
        env: Its environment; what would keep it from asking or drawing is left out.

    Attributes:
        exit: The exit code once it ended; minus the signal that killed it.
    """

    def __init__(self, command: list[str], cwd: Path, env: Mapping[str, str]) -> None:
        if sys.platform == "win32":
            pytest.skip("pseudo-terminals are for POSIX")
        import pexpect

        self.exit: int | None = None
        self._command = command
        self._raw = ""
        self._seen = 0
        self._insists = False
        kept = {name: value for name, value in env.items() if name not in _UNWANTED}
        size = {"COLUMNS": str(COLUMNS), "LINES": str(ROWS)}
        with warnings.catch_warnings():
            # The child runs another program at once: threads of ours do not matter.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._child = pexpect.spawn(
                command[0],
                command[1:],
                cwd=str(cwd),
                env={**kept, **size, "TERM": "xterm-256color"},
                dimensions=(ROWS, COLUMNS),
                encoding="utf-8",
                codec_errors="replace",
                timeout=WAIT_S,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Kill the command if it still runs."""
        if self.exit is None and self._child.isalive():
            self._child.kill(signal.SIGKILL)
        self._child.close(force=True)

    @property
    def transcript(self) -> str:
        """All that was seen so far, answers included; sequences removed, LF at line ends."""
        return plain(self._raw)

    def expect(self, words: str | re.Pattern[str]) -> str:
        """Wait for words (or a pattern), and return what was seen up to their end.

        The next call looks only at what comes after them.
        """
        pattern = re.compile(re.escape(words)) if isinstance(words, str) else words
        while True:
            text = self.transcript
            if found := pattern.search(text, self._seen):
                before, self._seen = text[self._seen : found.end()], found.end()
                return before
            if not self._read():
                raise AssertionError(
                    f"{self._command} ended without {pattern.pattern!r}:\n{self.transcript}"
                )

    def send(self, keys: str) -> None:
        """Type without Enter."""
        self._insists = False
        self._child.send(keys)

    def send_line(self, line: str = "") -> None:
        """Type a line and press Enter."""
        self.send(f"{line}\r")

    def answer(self, prompt: str | re.Pattern[str], line: str = "") -> str:
        """Wait for a prompt, type a line, and return what was seen up to the prompt."""
        before = self.expect(prompt)
        self.send_line(line)
        return before

    def interrupt(self, *, insist: bool = True) -> None:
        """Press Ctrl-C, and again whenever nothing comes of it for a while.

        Python loses one that comes right before it begins to read, as people know.

        Args:
            insist: Whether to press again; not where a second one means something else.
        """
        self._child.sendintr()
        self._insists = insist

    def eof(self) -> None:
        """Press Ctrl-D at the beginning of a line: the end of input."""
        self._child.sendeof()

    def resize(self, rows: int, columns: int) -> None:
        """Change the window's size."""
        self._child.setwinsize(rows, columns)

    def end(self, exit: int | None = 0) -> str:  # noqa: A002
        """Wait for the end, insist on an exit code (`None`: any), return the transcript."""
        while self._read():
            pass
        self._child.wait()
        code, killed = self._child.exitstatus, self._child.signalstatus
        self.exit = -killed if code is None else code
        if exit is not None and self.exit != exit:
            raise AssertionError(f"expected exit {exit}, not {self.exit}:\n{self.transcript}")
        return self.transcript

    def _read(self) -> bool:
        """Take what comes next; say whether anything can still come."""
        import pexpect

        wait = AGAIN_S if self._insists else WAIT_S
        for _ in range(WAIT_S // wait):
            try:
                self._raw += self._child.read_nonblocking(65536, timeout=wait)
            except pexpect.EOF:
                return False
            except pexpect.TIMEOUT:
                if self._insists:
                    self._child.sendintr()
            else:
                return True
        raise AssertionError(f"{self._command} said nothing for {WAIT_S} s:\n{self.transcript}")
