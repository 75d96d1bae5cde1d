"""What "1,3, 5-7, !4, *.csv" means: a choice from a numbered list, as text.

    expression := item (separator item)*        separator := comma and/or white space
    item       := "all" | "a" | "*" | "yes" | "y" | "none" | "n"
                | N | N-M | N- | pattern | "!" item

Later items win. An expression that begins with ``!`` starts from all, any other from none.
A pattern is one of gitignore's and has ``*``, ``?``, ``[`` or ``/`` in it, or is the name of
something in the list; quotes keep blanks and commas together.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from cas_sync.plan.patterns import gitignore_spec

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_TOKEN = re.compile(r'!*"[^"]*"|[^\s,"]+')
_RANGE = re.compile(r"([0-9]+)(-)?([0-9]+)?")
_ALL = {"all", "a", "*", "yes", "y"}
_NONE = {"none", "n"}
_SHOWN = 40


class Misread(NamedTuple):
    """Why a text is no choice from the list.

    Attributes:
        message: One line that names the bad piece.
    """

    message: str


class _Term(NamedTuple):
    """One item: takes or drops a span of numbers, or what matches a pattern."""

    takes: bool
    first: int
    last: int
    pattern: "GitIgnoreSpec | None" = None

    def matches(self, number: int, path: str) -> bool:
        if self.pattern is not None:
            return self.pattern.match_file(path)
        return self.first <= number <= self.last


@dataclass(frozen=True)
class Selection:
    """A choice from a numbered list.

    Attributes:
        starts: Whether what no item names is taken.
        terms: The items, in the order in which they were given.
    """

    starts: bool
    terms: tuple[_Term, ...]

    def takes(self, number: int, path: str) -> bool:
        """Say whether ``path``, which is part of row ``number``, is taken."""
        verdict = self.starts
        for term in self.terms:
            if term.matches(number, path):
                verdict = term.takes
        return verdict


def parse_selection(text: str, n: int, names: Collection[str] = ()) -> Selection | Misread:
    """Return the choice that ``text`` makes from rows 1 to ``n``; never raises.

    Args:
        text: What the user typed.
        n: Number of rows.
        names: Paths in the list that may be typed as they are.
    """
    if text.count('"') % 2:
        return Misread("a quote is not closed")
    tokens = _TOKEN.findall(text)
    terms = []
    for token in tokens:
        term = _term(token, n, names)
        if isinstance(term, Misread):
            return term
        terms.append(term)
    return Selection(bool(tokens) and tokens[0].startswith("!"), tuple(terms))


def _term(token: str, n: int, names: Collection[str]) -> _Term | Misread:
    bare = token.lstrip("!")
    takes = (len(token) - len(bare)) % 2 == 0
    word = bare.strip('"')
    if not word:
        return Misread(f'"{_short(token)}" names nothing')
    if word.lower() in _ALL:
        return _Term(takes, 1, n)
    if word.lower() in _NONE:
        return _Term(not takes, 1, n)
    if (found := _RANGE.fullmatch(word)) and (found[2] or not found[3]):
        return _span(word, found, takes=takes, n=n)
    if word in names or any(mark in word for mark in "*?[/"):
        return _pattern(word, takes=takes, is_name=word in names)
    return Misread(f'"{_short(word)}" is not a number, range or pattern')


def _span(word: str, found: re.Match[str], *, takes: bool, n: int) -> _Term | Misread:
    # Digits beyond any list are cut short: Python refuses to read some thousands of them.
    first = int(found[1][:18])
    last = int(found[3][:18]) if found[3] else (n if found[2] else first)
    if not (1 <= first <= n and last <= n):
        return Misread(f'"{_short(word)}" is outside 1-{n}')
    if last < first:
        return Misread(f'"{_short(word)}" runs backwards')
    return _Term(takes, first, last)


def _pattern(word: str, *, takes: bool, is_name: bool) -> _Term | Misread:
    text = re.sub(r"([*?\[\]\\])", r"\\\1", word) if is_name else word
    text = f"\\{text}" if text.startswith("#") else text
    try:
        return _Term(takes, 0, 0, gitignore_spec([text]))
    except ValueError:
        return Misread(f'"{_short(word)}" is not a pattern')


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def spans(numbers: Collection[int]) -> str:
    """Return numbers as text, as a user would write them: ``1 3 5-7``."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)
