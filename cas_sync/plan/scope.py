"""Which paths one sync is about. Out of scope is never deleted, here or there."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_JUNK = re.compile(
    r"\.DS_Store|\._.*|Thumbs\.db|desktop\.ini|~\$.*|\.~lock\..*#", re.IGNORECASE
)
"""What systems and office programs drop beside the data; names of files, not of folders."""


def is_junk(path: str) -> bool:
    """Say whether the file's name is one that no team wants to share."""
    return _JUNK.fullmatch(path.rpartition("/")[2]) is not None


class Scope:
    """Decides which paths are looked at and touched.

    Args:
        ignore: gitignore patterns of what is none of our business.
        paths: Files or folders the user named; empty means all.
        only: gitignore patterns, of which a path must match one; empty means all.
        exclude: gitignore patterns of what is left alone this time.
    """

    def __init__(
        self,
        ignore: Sequence[str] = (),
        paths: Sequence[str] = (),
        only: Sequence[str] = (),
        exclude: Sequence[str] = (),
    ) -> None:
        self._ignore = _spec(ignore)
        self._exclude = _spec(exclude)
        self._only = _spec(only)
        self._paths = tuple(path.strip("/") for path in paths)

    def is_ignored(self, path: str, is_dir: bool) -> bool:  # noqa: FBT001 - a walker's callback
        """Say whether a walk passes over ``path``, and over all that is below it."""
        if not is_dir and is_junk(path):
            return True
        return self._ignore is not None and self._ignore.match_file(path + "/" * is_dir)

    def ignores(self, path: str) -> bool:
        """Say whether the file ``path`` is none of our business, here or there."""
        return self.is_ignored(path, is_dir=False)

    def covers(self, path: str) -> bool:
        """Say whether this sync is about the file ``path``."""
        if self._paths and not any(
            path == named or path.startswith(named + "/") or named in {"", "."}
            for named in self._paths
        ):
            return False
        if self._only is not None and not self._only.match_file(path):
            return False
        return self._exclude is None or not self._exclude.match_file(path)


def _spec(patterns: Sequence[str]) -> "GitIgnoreSpec | None":
    if not patterns:
        return None
    # Imported here because most syncs have no patterns and this takes 30 ms.
    from pathspec import GitIgnoreSpec  # noqa: PLC0415

    return GitIgnoreSpec.from_lines(patterns)
