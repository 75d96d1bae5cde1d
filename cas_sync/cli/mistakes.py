"""Words in the wrong order or form: what was probably meant, as the command to type."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from shlex import quote

from cas_sync.engine.revisions import split_named
from cas_sync.errors import UsageError
from cas_sync.formats.moments import looks_like_moment

_REVISION = re.compile(r"(@|#\d+)(~\d*)*")
_PATH_AT_REVISION = re.compile(r"([^@:]+)@([^@:/\\]+)")


@contextmanager
def meant(find: Callable[[], str]) -> Iterator[None]:
    """Let an error about what is not found tell first what may have been meant.

    Args:
        find: Returns the command to type; empty where nothing can be guessed.
    """
    try:
        yield
    except UsageError as error:
        # Questions without a terminal have a code of their own, and a fix.
        if error.code == UsageError.code and (fix := find()):
            error.fix = f"{fix}\n{error.fix}" if error.fix else fix
        raise


def is_revision(text: str) -> bool:
    """Say whether a text is a revision by its form alone: ``@~2``, ``#12``, ``yesterday``."""
    return bool(_REVISION.fullmatch(text)) or looks_like_moment(text)


def for_named(command: str, words: Sequence[str], data: Path) -> str:
    """Return what was meant where a command takes ``REV:PATH``."""
    for word, after in zip_longest(words, words[1:]):
        if ":" in word and os.path.lexists(data / word):
            return f"the file of that name:  cas-sync {command} {quote(':' + word)}"
        if match := _PATH_AT_REVISION.fullmatch(word):
            named = quote(f"{match[2]}:{match[1]}")
            return f"the version stands before the path:  cas-sync {command} {named}"
        if is_revision(word):
            path = after or ("" if command in {"ls", "du"} else "PATH")
            return f"of a version:  cas-sync {command} {quote(word + ':' + path)}"
    return ""


def for_path(words: Sequence[str], template: str) -> str:
    """Return what was meant where a command takes a path, and no ``REV:PATH``.

    Args:
        words: What was typed.
        template: The command to type, with ``{rev}``, ``{path}`` and ``{named}`` for both.
    """
    for word in words:
        rev, path = split_named(word)
        if path and rev.strip() and path != word and not word.startswith(":"):
            named = quote(f"{rev}:{path}")
            return template.format(rev=quote(rev), path=quote(path), named=named)
    return ""


def for_revision(word: str, data: Path) -> str:
    """Return what was meant where a whole commit is asked for, and a file was named."""
    if "/" not in word and "\\" not in word and not os.path.lexists(data / word):
        return ""
    return (
        "this is about whole commits; one file or folder as it was before:  "
        f"cas-sync restore {quote(word)} --rev @~1"
    )


def only_one(command: str, words: Sequence[str], data: Path) -> str:
    """Return the one word that a command takes; empty text where none was given.

    Raises:
        UsageError: More were given.
    """
    if len(words) > 1:
        fix = f"one after the other:  cas-sync {command} {quote(words[0])}"
        if len(words) == 2 and "/" not in words[0] and not os.path.lexists(data / words[0]):
            named = quote(":".join(words))
            fix = f"a version and a path are one word:  cas-sync {command} {named}"
        raise UsageError(f"{command} takes one path, not {len(words)}", fix=fix)
    return words[0] if words else ""
