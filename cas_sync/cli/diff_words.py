"""What the words after `diff` mean: which are revisions and which are paths."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from cas_sync.cli.mistakes import is_revision
from cas_sync.engine.revisions import LATEST
from cas_sync.errors import UsageError


class Meant(NamedTuple):
    """What is to be compared.

    Attributes:
        old: A revision.
        new: Another; `None` for the folder here.
        paths: The words that are paths.
        doubts: By word that is a path, but might have been meant as a revision: why it is none.
    """

    old: str
    new: str | None
    paths: tuple[str, ...]
    doubts: dict[str, str]


def sort_words(
    words: Sequence[str],
    paths: Sequence[str] | None,
    why_no_revision: Callable[[str], str],
    is_here: Callable[[str], bool],
) -> Meant:
    """Tell revisions from paths: the first two words at most are revisions, if they can be.

    Args:
        words: What was typed, up to ``--``.
        paths: What was typed after ``--``: paths, whatever it looks like, and what comes
            before are revisions; `None` where nothing was said.
        why_no_revision: Says why a word is no revision; empty where it is one.
        is_here: Says whether the data folder holds something of that name.

    Raises:
        UsageError: A word is a revision and the name of a file or folder, or none before --.
    """
    revisions: list[str] = []
    doubts: dict[str, str] = {}
    rest = list(words)
    while rest and len(revisions) < 2 and not _is_plain_path(rest[0]):
        word = rest[0]
        parts = _parts(word)
        if why := next(filter(None, map(why_no_revision, parts)), ""):
            if is_revision(parts[0]) and not is_here(word):
                raise UsageError(why, fix="see them:  cas-sync log --oneline")
            doubts[word] = why
            break
        if len(revisions) + len(parts) > 2:
            break
        if paths is None and is_here(word):
            raise UsageError(
                f"{word} is a revision, and a name in the data folder",
                fix=f"for the file or folder:  cas-sync diff ./{word}\n"
                f"for the revision:  cas-sync diff {word} --",
            )
        revisions += parts
        del rest[0]
    if rest and paths is not None:
        raise UsageError(
            f"{rest[0]} stands before -- and is no revision",
            cause=doubts.get(rest[0], "before -- are one or two revisions"),
            fix="write revisions before -- and paths after it",
        )
    old, new = [*revisions, None, None][:2]
    return Meant(old or LATEST, new, (*rest, *(paths or ())), doubts)


def _is_plain_path(word: str) -> bool:
    """Say whether a word cannot be a revision: none holds a slash."""
    return "/" in word or "\\" in word or word in {"", ".", ".."}


def _parts(word: str) -> list[str]:
    """Return the two revisions of ``A..B``, of which one may be left out; else the word."""
    old, dots, new = word.partition("..")
    return [old or LATEST, new or LATEST] if dots else [word]
