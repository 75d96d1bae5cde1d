"""`.S3/journal`: which path a file in `.S3/tmp` belongs to, while two names are swapped.

A line is written before the swap. It is not forced to disk: after a power cut a lost
line costs the name of a leftover, never its bytes (`recover`).
"""

import contextlib
import json
import os
import re
import threading
from typing import NamedTuple

from cas_sync.model.paths import STATE_DIR
from cas_sync.worktree.folder import TMP_DIR, Folder

JOURNAL = f"{STATE_DIR}/journal"
BESIDE = ".cas-sync-"
"""Begins the name of a temporary file that lies beside its target: on another disk."""

_TEMP = re.compile(r"([0-9a-f]{64})-[0-9a-f]{8}-[0-9]+\.(part|new|old|away)")


class JournalLine(NamedTuple):
    """One swap that was about to happen.

    Attributes:
        temp: Where the displaced file lies afterwards, below the data folder.
        path: Where it was.
        new_id: Content that takes its place, in hex; empty for a removal.
        old_id: Content that was expected there, in hex.
    """

    temp: str
    path: str
    new_id: str
    old_id: str


def parse_temp(path: str) -> tuple[str, str]:
    """Return content id and kind from the name of a temporary file, or empty texts.

    The kinds: ``part`` was never anything but our download; ``new`` was about to be
    swapped in, so that it may be ours or what was displaced; ``old`` was the user's and
    is to be replaced, ``away`` was the user's and is to go.
    """
    name = path.rpartition("/")[2].removeprefix(BESIDE)
    match = _TEMP.fullmatch(name)
    return (match[1], match[2]) if match else ("", "")


class Journal:
    """Writes the journal; may be used by several threads."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._fd = -1
        self._n_open = 0

    def begin(self, line: JournalLine) -> None:
        """Note a swap before it happens.

        Raises:
            OSError: It cannot be noted; then the swap must not happen.
        """
        with self._lock:
            data = json.dumps(line).encode("ascii") + b"\n"
            if self._fd < 0:
                self._fd = self._folder.open_append(JOURNAL)
                data = b"\n" + data  # ends a line that was torn
            if os.write(self._fd, data) != len(data):
                raise OSError("the journal could not be written")
            self._n_open += 1

    def done(self) -> None:
        """Say that a swap is over and left nothing in `.S3/tmp`."""
        with self._lock:
            self._n_open -= 1

    def close(self) -> None:
        """Close the journal; it goes if no swap was left half done."""
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1
                if not self._n_open:
                    remove_journal(self._folder)


def read_journal(folder: Folder) -> list[JournalLine]:
    """Return the whole lines, oldest first; a torn one is left out."""
    try:
        fd, _ = folder.open_read(JOURNAL)
    except FileNotFoundError:
        return []
    lines = []
    with open(fd, "rb") as source:
        for raw in source:
            with contextlib.suppress(ValueError):
                cells = json.loads(raw)
                if isinstance(cells, list) and len(cells) == 4:
                    lines.append(JournalLine(*map(str, cells)))
    return lines


def remove_journal(folder: Folder) -> None:
    """Remove the journal, if there."""
    with contextlib.suppress(FileNotFoundError):
        folder.unlink(JOURNAL)


def temp_path(stem: str, kind: str, beside: str | None = None) -> str:
    """Return the path of a temporary file.

    Args:
        stem: Content id, a dash, and what makes it unique.
        kind: See `parse_temp`.
        beside: Folder to lie in; `None` for `.S3/tmp`.
    """
    if beside is None:
        return f"{TMP_DIR}/{stem}.{kind}"
    return f"{beside}/{BESIDE}{stem}.{kind}"
