"""Which files are none of our business: built-in names, gitignore patterns, exact paths.

The rules are git's: of the patterns that name a path the last one decides, and what lies
in an ignored folder is ignored whatever else is said about it. A pattern of the user wins
over a built-in name, an exact path of this machine over both.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from cas_sync.errors import ConfigError
from cas_sync.model.ids import ObjectId
from cas_sync.plan.patterns import gitignore_spec

TEAM_FILE = ".casignore"
"""At the top of the data folder; synced like any file, so that the team shares it."""

BUILT_IN = "built-in"

DEFAULTS = (
    ".DS_Store",
    "._*",
    "Thumbs.db",
    "desktop.ini",
    "~$*",
    ".~lock.*#",
    "*.crdownload",
    ".ipynb_checkpoints/",
    "__pycache__/",
    ".git/",
)
"""What systems and programs drop beside the data: names of files, and with a slash at the
end names of folders. Not ``*.tmp`` and ``*.part``, which are data to many."""

_KEPT_FOLDERS = 10_000


class Rule(NamedTuple):
    """One line that says what is ignored, or that something is not.

    Attributes:
        source: The file it is in.
        line: Its line there, from 1; in a list of the configuration its place.
        text: What it says.
    """

    source: str
    line: int
    text: str

    @property
    def where(self) -> str:
        """The file and the line."""
        return self.source if self.source == BUILT_IN else f"{self.source}:{self.line}"


class Verdict(NamedTuple):
    """What becomes of a path, and why.

    Attributes:
        is_ignored: Whether it is passed over.
        rule: What decides; `None` where nothing names the path.
        path: The path the rule names: the one asked for, or a folder it lies in.
    """

    is_ignored: bool
    rule: Rule | None
    path: str


_DEFAULT_RULES = tuple(Rule(BUILT_IN, n + 1, text) for n, text in enumerate(DEFAULTS))


def _names(defaults: Iterable[str]) -> re.Pattern[str]:
    parts = (re.escape(text.removesuffix("/")).replace(r"\*", ".*") for text in defaults)
    return re.compile("|".join(parts), re.IGNORECASE | re.DOTALL)


_FILES = _names(text for text in DEFAULTS if not text.endswith("/"))
_FOLDERS = _names(text for text in DEFAULTS if text.endswith("/"))


def exact_path(text: str) -> str:
    """Return the path that a line of ``ignore_remote.txt`` names; empty if it names none.

    There are no patterns, so that ``data[1].csv`` is a name. Older lists come from Windows
    too; no path in a manifest holds a backslash.
    """
    parts = text.replace("\\", "/").split("/")
    return unicodedata.normalize("NFC", "/".join(p for p in parts if p not in {"", "."}))


def escaped(path: str, *, is_dir: bool) -> str:
    """Return the pattern that names ``path``, seen from the data folder, and nothing else."""
    text = re.sub(r"([\\\[\]*?])", r"\\\1", path)
    if not is_dir and text.endswith(" "):
        text = text[:-1] + r"\ "
    return f"/{text}{'/' if is_dir else ''}"


class _Pattern(NamedTuple):
    """A pattern ready to be asked."""

    regex: re.Pattern[str]
    ignores: bool
    rule: Rule


class IgnoreRules:
    """Every rule in force.

    Args:
        patterns: gitignore patterns; where several name a path, the last one decides.
        exact: Paths, each with all that is below it.

    Raises:
        ConfigError: A pattern is none.
    """

    def __init__(self, patterns: Iterable[Rule] = (), exact: Iterable[Rule] = ()) -> None:
        self.patterns = tuple(patterns)
        self.exact = {path: rule for rule in exact if (path := exact_path(rule.text))}
        self._last_first = [*reversed(compile_patterns(self.patterns))]
        self._folders: dict[str, bool] = {}
        self._folder = ""
        self._is_below = False

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All of them, the weakest first."""
        return (*_DEFAULT_RULES, *self.patterns, *self.exact.values())

    @property
    def fingerprint(self) -> str:
        """A text that differs where the rules do."""
        said = [*DEFAULTS, "", *(rule.text for rule in self.patterns), "", *sorted(self.exact)]
        return ObjectId.of("\n".join(said).encode()).hex()[:32]

    def is_ignored(self, path: str, is_dir: bool) -> bool:  # noqa: FBT001 - a walker's callback
        """Say whether a walk passes over ``path``, and over all that is below it.

        The folders it lies in are not looked at: a walk is not in an ignored one.
        """
        if self._last_first or self.exact:
            return self._verdict(path, is_dir=is_dir).is_ignored
        names = _FOLDERS if is_dir else _FILES
        return names.fullmatch(path, path.rfind("/") + 1) is not None

    def ignores(self, path: str) -> bool:
        """Say whether the file ``path`` is ignored, by itself or with a folder above it.

        Cheap where the paths come in order, as those of a folder ask for it once.
        """
        cut = path.rfind("/")
        folder = path[:cut] if cut > 0 else ""
        if folder != self._folder:
            self._is_below = self._is_hidden(folder)
            self._folder = folder
        return self._is_below or self.is_ignored(path, False)

    def _is_hidden(self, folder: str) -> bool:
        if not folder:
            return False
        known = self._folders.get(folder)
        if known is None:
            above = self._is_hidden(folder.rpartition("/")[0])
            known = above or self.is_ignored(folder, True)
            if len(self._folders) >= _KEPT_FOLDERS:
                self._folders.clear()
            self._folders[folder] = known
        return known

    def explain(self, path: str, *, is_dir: bool) -> Verdict:
        """Return what becomes of ``path`` and which rule decides."""
        at = ""
        for name in path.split("/")[:-1]:
            at = f"{at}/{name}" if at else name
            above = self._verdict(at, is_dir=True)
            if above.is_ignored:
                return above
        return self._verdict(path, is_dir=is_dir)

    def _verdict(self, path: str, *, is_dir: bool) -> Verdict:
        """Decide ``path`` by what names it, not by what names a folder above it."""
        if path in self.exact:
            return Verdict(True, self.exact[path], path)
        if path == TEAM_FILE and not is_dir:
            # Rules that are not shared would not be the team's.
            return Verdict(False, None, path)
        asked = path + "/" if is_dir else path
        for regex, ignores, rule in self._last_first:
            if regex.fullmatch(asked):
                return Verdict(ignores, rule, path)
        names = _FOLDERS if is_dir else _FILES
        if names.fullmatch(path, path.rfind("/") + 1):
            return Verdict(True, _default_rule(path, is_dir=is_dir), path)
        return Verdict(False, None, path)


def _default_rule(path: str, *, is_dir: bool) -> Rule:
    name = path.rpartition("/")[2]
    return next(
        rule
        for rule in _DEFAULT_RULES
        if rule.text.endswith("/") is is_dir and _names([rule.text]).fullmatch(name)
    )


def compile_patterns(rules: Sequence[Rule]) -> list[_Pattern]:
    """Return the patterns as regular expressions that a whole path has to match.

    Raises:
        ConfigError: One is no pattern.
    """
    if not rules:
        return []
    found = []
    for rule in rules:
        if any(unicodedata.category(c) == "Cc" and c != "\t" for c in rule.text):
            raise _bad(rule)  # no path holds such a sign, and a terminal obeys it
        try:
            spec = gitignore_spec([_spelled_out(rule.text)])
        except ValueError as error:
            raise _bad(rule) from error
        for pattern in spec.patterns:
            if pattern.include is None or pattern.regex is None:
                raise _bad(rule)
            found.append(_Pattern(pattern.regex, pattern.include, rule))
    return found


def is_pattern(text: str) -> bool:
    """Say whether ``text`` is one pattern that can name something."""
    if not text.strip() or text.startswith("#") or "\n" in text or "\r" in text:
        return False
    try:
        compile_patterns([Rule("", 1, text)])
    except ConfigError:
        return False
    return True


def _spelled_out(text: str) -> str:
    """Return the pattern so that its expression matches just the paths it names.

    pathspec's expressions take a path's beginning: a folder for all that is below it. Asked
    for the whole path, ``fullmatch`` undoes that, but for patterns whose last part is ``*``
    or ``**``, for which pathspec has short cuts. Those are given their long form.
    """
    body = text if text.endswith("\\ ") else text.rstrip()
    sign = "!" if body.startswith("!") else ""
    parts = unicodedata.normalize("NFC", body.removeprefix("!")).split("/")
    last = len(parts) - 2 if len(parts) > 1 and not parts[-1] else len(parts) - 1
    if parts[last] == "**":
        parts.insert(last + 1, "?*")
    elif parts[last] == "*":
        parts[last] = "?*"
    return sign + "/".join(parts)


def _bad(rule: Rule) -> ConfigError:
    return ConfigError(
        f"{rule.where}: {rule.text!r} is not a pattern",
        cause="a bracket is not closed, a range is reversed, it holds a control character, "
        "or it names nothing at all",
        fix="correct it; a backslash before a sign takes the sign as it is",
        code="E214",
    )


def meaningful(lines: Iterable[str], source: str) -> Iterator[Rule]:
    """Yield the lines that are neither empty nor a comment."""
    for n, line in enumerate(lines, 1):
        if line.strip() and not line.startswith("#"):
            yield Rule(source, n, line)
