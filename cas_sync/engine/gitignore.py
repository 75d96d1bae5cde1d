"""Keeping the data folder out of git: found out with git where it is there, else by reading."""

import os
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cas_sync.engine.config_edit import replace_file
from cas_sync.errors import ConfigError
from cas_sync.formats import gitignore


@dataclass(frozen=True)
class Addition:
    """A line that a .gitignore lacks.

    Attributes:
        path: The file; it may not be there yet.
        line: The line.
    """

    path: Path
    line: str


def find_addition(root: Path, data: Path) -> Addition | None:
    """Return what keeps the data folder out of git; `None` where nothing is needed.

    Args:
        root: The project's folder.
        data: The data folder, as the configuration names it; it may not be there yet.
    """
    root = root.resolve()
    named = Path(os.path.normpath(root / data))
    # A link in the place of the folder stays one: git looks at the link.
    data = named.parent.resolve() / named.name
    top = _work_tree(root)
    if top is None or not data.is_relative_to(top) or _is_ignored(top, data):
        return None
    above = [each for each in (root, *root.parents) if each.is_relative_to(top)]
    homes = [each for each in above if data.is_relative_to(each) and each != data]
    having = (each for each in homes if (each / gitignore.FILE_NAME).is_file())
    home = next(having, homes[0])
    line = gitignore.pattern(data.relative_to(home).as_posix(), is_link=data.is_symlink())
    return Addition(home / gitignore.FILE_NAME, line)


def add(addition: Addition) -> None:
    """Write a line to the end of a .gitignore, at once or not at all.

    Raises:
        ConfigError: The file cannot be written; it is as it was.
    """
    path, line = addition.path, addition.line
    try:
        if path.exists():
            replace_file(path, gitignore.with_line(path.read_bytes(), line))
        else:
            path.write_bytes(gitignore.with_line(b"", line))
    except OSError as error:
        raise ConfigError(
            f"cannot write {path}",
            cause=str(error.strerror),
            fix="make it writable, or leave it alone:  cas-sync init --no-gitignore",
        ) from error


def count_tracked(root: Path, data: Path) -> int:
    """Return how many files of the data folder git keeps; 0 where there is no git."""
    if _work_tree(root.resolve()) is None:
        return 0
    _, listed = _git(root, "ls-files", "-z", "--", str(data))
    return listed.count(b"\0")


def _work_tree(root: Path) -> Path | None:
    """Return the top of the git work tree that ``root`` lies in."""
    return next((each for each in (root, *root.parents) if (each / ".git").exists()), None)


def _is_ignored(top: Path, data: Path) -> bool:
    # Asked of a file in it: `Data/*` ignores all of it, though not the folder itself.
    asked = data if data.is_symlink() else data / "any file"
    code, _ = _git(top, "check-ignore", "-q", "--", str(asked))
    if code in (0, 1):
        return code == 0
    for home in data.parents:
        with suppress(OSError):
            text = (home / gitignore.FILE_NAME).read_bytes()
            if gitignore.holds(text, data.relative_to(home).as_posix()):
                return True
        if home == top:
            break
    return False


def _git(folder: Path, *args: str) -> tuple[int, bytes]:
    """Return git's exit code and output; -1 where it did not run."""
    try:
        done = subprocess.run(  # noqa: S603 - arguments of our own
            ["git", *args],  # noqa: S607 - whichever git the user has
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return -1, b""
    return done.returncode, done.stdout
