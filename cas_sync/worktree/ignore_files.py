"""The lists of what is ignored: the team's `.casignore`, and this machine's paths.

They are people's files: never rewritten, only added to, and refused where they cannot be
what somebody meant to write.
"""

import os
import stat
from collections.abc import Sequence

from cas_sync.errors import ConfigError
from cas_sync.model.paths import STATE_DIR
from cas_sync.plan.ignore_rules import TEAM_FILE, Rule, meaningful
from cas_sync.worktree.folder import Folder, is_link
from cas_sync.worktree.trouble import problem_of, translated

LOCAL_FILE = f"{STATE_DIR}/ignore_remote.txt"
"""Exact paths, one a line; s3synchrony's name for it, and what it means there too."""

_OLDER_FILE = f"{STATE_DIR}/ignores3.txt"
MAX_BYTES = 1 << 20


def read_team_rules(folder: Folder) -> tuple[Rule, ...]:
    """Return the patterns of `.casignore`; none where there is no such file.

    Raises:
        ConfigError: It is a link, a folder, too large, not UTF-8 text, or unreadable.
    """
    return tuple(meaningful(lines_of(_read(folder, TEAM_FILE)), TEAM_FILE))


def read_local_paths(folder: Folder) -> tuple[Rule, ...]:
    """Return the exact paths that this machine ignores.

    Raises:
        ConfigError: As `read_team_rules`.
    """
    return tuple(
        Rule(source, n, line)
        for source in (_OLDER_FILE, LOCAL_FILE)
        for n, line in enumerate(lines_of(_read(folder, source)), 1)
        if line.strip()
    )


def add_lines(folder: Folder, path: str, lines: Sequence[str]) -> None:
    """Add lines to a list, which is created if missing; its line ends are kept.

    Raises:
        ConfigError: As `read_team_rules`.
        WorktreeError: It cannot be written.
    """
    before = _read(folder, path)
    end = "\r\n" if "\r\n" in before else "\n"
    first = end if before and not before.endswith("\n") else ""
    text = first + "".join(line + end for line in lines)
    with translated(folder.real_path(path)), open(folder.open_append(path), "ab") as file:
        file.write(text.encode())


def lines_of(text: str) -> list[str]:
    """Return the lines of a list, whatever ends them."""
    return [line.removesuffix("\r") for line in text.split("\n")]


def _read(folder: Folder, path: str) -> str:
    try:
        found = folder.stat(path)
        if found is None:
            return ""
        _refuse(path, found)
        fd, _ = folder.open_read(path)
        with open(fd, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _refused(f"{path} cannot be read: {problem_of(error)}", "") from error
    if len(data) > MAX_BYTES:
        raise _too_large(path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _refused(
            f"{path}:{line}: this is not UTF-8 text", f"save {path} as UTF-8 in your editor"
        ) from error


def _refuse(path: str, found: os.stat_result) -> None:
    if is_link(found):
        raise _refused(f"{path} is a link", "put the rules themselves there, in a plain file")
    if not stat.S_ISREG(found.st_mode):
        what = "a folder" if stat.S_ISDIR(found.st_mode) else "no plain file"
        raise _refused(f"{path} is {what}", "give it another name: this one holds the rules")
    if found.st_size > MAX_BYTES:
        raise _too_large(path)


def _too_large(path: str) -> ConfigError:
    return _refused(
        f"{path} is larger than {MAX_BYTES:,} bytes",
        "ignore folders or patterns, not each file",
    )


def _refused(message: str, fix: str) -> ConfigError:
    return ConfigError(message, fix=fix, code="E214")
