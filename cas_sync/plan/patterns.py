"""gitignore patterns, compiled in one place."""

import re
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


def gitignore_spec(lines: Iterable[str]) -> "GitIgnoreSpec":
    """Return what matches paths against gitignore patterns.

    Raises:
        ValueError: One is no pattern.
    """
    # Imported here because most commands have no patterns and this takes 30 ms.
    from pathspec import GitIgnoreSpec  # noqa: PLC0415

    try:
        with warnings.catch_warnings():
            # Python warns of signs in brackets that may mean something to it one day.
            warnings.simplefilter("ignore", FutureWarning)
            return GitIgnoreSpec.from_lines(lines)
    except re.error as error:
        raise ValueError(str(error)) from error
