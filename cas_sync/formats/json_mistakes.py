"""What is wrong with JSON that people wrote, in words, with the corrected line.

Python's own words do not help an analyst: a comma too many, single quotes and a comment
are all "expecting something". So the text is read once more, by a reader that knows the
usual mistakes. What looks like a secret is never shown.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple


class Mistake(NamedTuple):
    """The first thing that is wrong.

    Attributes:
        line: Its line, from 1.
        column: Its column, from 1.
        what: What is wrong, in words.
        shown: The line, and below it a caret at the place.
        fix: The corrected line where that is certain, or what to do; may be empty.
    """

    line: int
    column: int
    what: str
    shown: str
    fix: str


def explain(text: str, position: int) -> Mistake:
    """Return the first mistake in a text that is not JSON.

    Args:
        text: The text.
        position: Where a JSON reader stopped, for mistakes that are not among the usual.
    """
    tokens = _tokens(text)
    safe = _masked(text, tokens)
    found = _Reader(text, safe, tokens).first_mistake()
    if found is None:
        found = _Found(min(position, len(text)), "it cannot be read from here on")
    begin = text.rfind("\n", 0, found.at) + 1
    line = _line_at(safe, begin)
    column = found.at - begin
    caret = "".join("\t" if each == "\t" else " " for each in line[:column]) + "^"
    return Mistake(
        text.count("\n", 0, begin) + 1,
        column + 1,
        found.what,
        f"{line}\n{caret}" if line else "",
        _fix(text, safe, found),
    )


class _Token(NamedTuple):
    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


class _Edit(NamedTuple):
    start: int
    end: int
    new: str


class _Found(NamedTuple):
    """A mistake: where the caret goes, and what on one line would mend it, if certain."""

    at: int
    what: str
    edits: tuple[_Edit, ...] = ()
    advice: str = ""


_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<odd_space>\s+|\ufeff)
    |(?P<comment>//[^\n]*|/\*(?:[^*]|\*(?!/))*\*/|\#[^\n]*)
    |(?P<text>"(?:[^"\\\n]|\\[^\n])*")
    |(?P<single>'(?:[^'\\\n]|\\[^\n])*')
    |(?P<curly>[\u201c\u201d\u201e][^\u201c\u201d"\n]*[\u201c\u201d"])
    |(?P<open>[{\[])|(?P<close>[}\]])|(?P<comma>,)|(?P<colon>:)|(?P<equals>=)
    |(?P<word>[^\s{}\[\],:="'\u201c\u201d\u201e]+)
    |(?P<unclosed>["'\u201c\u201d\u201e][^\n]*)""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')
_LITERAL = re.compile(
    r"(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|NaN|-?Infinity)"
)
_WORDS = {"true": "true", "false": "false", "null": "null", "none": "null"}
_CLOSES = {"{": "}", "[": "]"}
_SECRET = r"(?:access_?key|secret|session_?token|password)"  # noqa: S105 - a pattern
_SECRET_LINE = re.compile(_SECRET + r"\w*[\"'\u201d]?[\s:=,]*([^\n]*)", re.IGNORECASE)
_SECRET_NAME = re.compile(_SECRET, re.IGNORECASE)


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise AssertionError(at)  # pragma: no cover
        if match.lastgroup != "space":
            found.append(_Token(match.lastgroup, match[0], at))
        at = match.end()
    return found


def _masked(text: str, tokens: Sequence[_Token]) -> str:
    """Return the text with stars for what follows the name of a secret."""
    hidden = bytearray(len(text))
    for match in _SECRET_LINE.finditer(text):
        hidden[match.start(1) : match.end(1)] = b"*" * len(match[1])
    is_next = False
    for token in tokens:
        if token.kind in ("text", "single", "curly", "word", "unclosed"):
            if is_next:
                hidden[token.start : token.end] = b"*" * len(token.text)
            is_next = not is_next and _SECRET_NAME.search(token.text) is not None
    return "".join(
        "*" if hide and each != "\n" else each for each, hide in zip(text, hidden, strict=True)
    )


def _line_at(text: str, begin: int) -> str:
    end = text.find("\n", begin)
    return text[begin : len(text) if end < 0 else end].rstrip("\r")


def _fix(text: str, safe: str, found: _Found) -> str:
    if not found.edits:
        return found.advice
    begin = text.rfind("\n", 0, found.edits[0].start) + 1
    line = _line_at(text, begin)
    if line != _line_at(safe, begin):
        return found.advice
    mended, done = "", begin
    for start, end, new in found.edits:
        mended += text[done:start] + new
        done = end
    mended = (mended + text[done : begin + len(line)]).strip()
    number = text.count("\n", 0, begin) + 1
    told = f"line {number}:  {mended}" if mended else f"delete line {number}"
    return f"{told}\n{found.advice}" if found.advice else told


class _Reader:
    """Reads tokens as JSON has them, up to the first that does not fit."""

    def __init__(self, text: str, safe: str, tokens: Sequence[_Token]) -> None:
        self.text = text
        self.safe = safe
        self.tokens = tokens

    def first_mistake(self) -> _Found | None:
        """Return what is wrong first; `None` if it is not among the usual mistakes."""
        open_: list[_Token] = []
        wanted = "value"  # or "key", "colon", "more" (a comma or the end), "end"
        before: _Token | None = None
        for token in self.tokens:
            if found := self._alone(token):
                return found
            if token.kind == "close":
                if not open_:
                    return _Found(token.start, f"a {token.text} too many", _cut(token))
                if found := _closing(token, open_.pop(), before, wanted):
                    return found
                wanted = "more" if open_ else "end"
            elif found := self._misplaced(token, before, wanted):
                return found
            elif wanted == "key":
                wanted = "colon"
            elif wanted == "colon":
                wanted = "value"
            elif wanted == "more":
                wanted = "key" if open_[-1].text == "{" else "value"
            elif token.kind == "open":
                open_.append(token)
                wanted = "key" if token.text == "{" else "value"
            else:
                wanted = "more" if open_ else "end"
            before = token
        if before is None:
            return _Found(0, "it is empty", (), 'write  {"store": "s3://bucket/prefix"}')
        if open_:
            which = open_[-1]
            advice = f"write {_CLOSES[which.text]} where it ends"
            return _Found(which.start, f"the {which.text} here is never closed", (), advice)
        return None

    def _alone(self, token: _Token) -> _Found | None:
        """Return what is wrong with a token wherever it stands."""
        match token.kind:
            case "comment":
                note = 'JSON has no comments; a note may stand as  "_note": "..."'
                is_short = "\n" not in token.text
                return _Found(
                    token.start, "a comment", _cut(token) if is_short else (), advice=note
                )
            case "single":
                return _Found(token.start, "single quotes", self._requoted(token))
            case "curly":
                what = "curly quotes, as text programs write them"
                return _Found(token.start, what, self._requoted(token))
            case "odd_space":
                what = "a space of another kind, as web pages have them"
                return _Found(token.start, what, (_Edit(token.start, token.end, " "),))
            case "unclosed":
                advice = "write a double quote where the text ends"
                if '\\"' in token.text:
                    advice = 'a backslash before a quote hides it: write  \\\\"  there'
                return _Found(token.start, "the quote here is never closed", (), advice)
            case "text":
                return self._in_text(token)
            case _:
                return None

    def _in_text(self, token: _Token) -> _Found | None:
        at = 0
        while at < len(token.text):
            if token.text[at] < " ":
                return _Found(
                    token.start + at, "a tab or the like inside quotes", (), "write \\t for it"
                )
            if token.text[at] != "\\":
                at += 1
            elif escape := _ESCAPE.match(token.text, at):
                at += len(escape[0])
            else:
                edits = () if '\\"' in token.text else (_doubled(token),)
                return _Found(
                    token.start + at,
                    "a single backslash: in JSON it is written twice",
                    edits,
                    "or write / instead of it, also on Windows",
                )
        return None

    def _requoted(self, token: _Token) -> tuple[_Edit, ...]:
        """Return the edits that give all of a line's wrong quotes their right form."""
        begin = self.text.rfind("\n", 0, token.start) + 1
        end = begin + len(_line_at(self.text, begin))
        wrong = [
            each
            for each in self.tokens
            if begin <= each.start < end and each.kind in ("single", "curly")
        ]
        if any('"' in each.text[1:-1] or "\\" in each.text for each in wrong):
            return ()
        return tuple(_Edit(each.start, each.end, f'"{each.text[1:-1]}"') for each in wrong)

    def _misplaced(self, token: _Token, before: _Token | None, wanted: str) -> _Found | None:
        """Return what is wrong with a token where it stands."""
        kind, start = token.kind, token.start
        if wanted == "end":
            return _Found(start, "something follows after the end", (), "delete it")
        if kind == "comma" and wanted in ("key", "value"):
            return _Found(start, "a comma too many", _cut(token))
        if wanted == "key":
            if kind == "word":
                edit = _Edit(start, token.end, f'"{token.text}"')
                return _Found(start, "a key without double quotes", (edit,))
            if kind != "text":
                return _Found(start, 'a key is missing here, like "store"')
        elif wanted == "value":
            if kind == "word" and not _LITERAL.fullmatch(token.text):
                return self._bare(token)
            if kind not in ("text", "word", "open"):
                return _Found(start, "a value is missing here")
        elif before is None:
            return None  # pragma: no cover - colon and comma come after something
        elif wanted == "colon" and kind != "colon":
            if kind == "equals":
                return _Found(start, '"=" where ":" belongs', (_Edit(start, token.end, ":"),))
            told = self._named(before)
            return _Found(start, f"missing colon{told}", (_Edit(before.end, before.end, ":"),))
        elif wanted == "more" and kind != "comma":
            told = self._named(before)
            return _Found(start, f"missing comma{told}", (_Edit(before.end, before.end, ","),))
        return None

    def _named(self, token: _Token) -> str:
        shown = self.safe[token.start : token.end]
        return f" after {shown}" if shown == token.text and len(shown) < 60 else ""

    def _bare(self, token: _Token) -> _Found:
        if right := _WORDS.get(token.text.lower()):
            edit = _Edit(token.start, token.end, right)
            return _Found(token.start, f"{token.text} is written {right}", (edit,))
        begin = self.text.rfind("\n", 0, token.start) + 1
        rest = self.text[token.start : begin + len(_line_at(self.text, begin))]
        bare = rest.rstrip().removesuffix(",").rstrip()
        what = "a value without double quotes"
        if re.search(r'["\\{}\[\],]', bare):
            return _Found(token.start, what)
        edit = _Edit(token.start, token.start + len(bare), f'"{bare}"')
        return _Found(token.start, what, (edit,))


def _cut(token: _Token) -> tuple[_Edit, ...]:
    return (_Edit(token.start, token.end, ""),)


def _doubled(token: _Token) -> _Edit:
    """Return a path with each backslash written twice; those that are twice stay."""
    content = token.text[1:-1]
    # A share, \\server\data, begins with two that are both meant.
    share = content.startswith("\\\\") and "\\\\" not in content[2:]
    runs = r"\\" if share else r"(?<!\\)\\(?!\\)"
    doubled = re.sub(runs, r"\\\\", content)
    return _Edit(token.start, token.end, f'"{doubled}"')


def _closing(
    token: _Token, opened: _Token, before: _Token | None, wanted: str
) -> _Found | None:
    if token.text != _CLOSES[opened.text]:
        return _Found(token.start, f"{token.text} cannot close {opened.text}")
    if before is not None and before.kind == "comma":
        return _Found(before.start, f"a comma too many before {token.text}", _cut(before))
    if wanted == "colon" or (wanted == "value" and opened.text == "{"):
        return _Found(token.start, "a value is missing here")
    return None
