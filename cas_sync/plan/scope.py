"""Which paths one sync is about. Out of scope is never deleted, here or there."""

from collections.abc import Callable, Sequence

from cas_sync.errors import UsageError
from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import is_below
from cas_sync.plan.ignore_rules import (
    TEAM_FILE,
    IgnoreRules,
    Rule,
    compile_patterns,
    is_pattern,
)
from cas_sync.plan.patterns import gitignore_spec


class Scope:
    """Decides which paths are looked at and touched.

    Args:
        rules: What is ignored.
        paths: Files or folders the user named; empty means all.
        only: gitignore patterns, of which a path must match one; empty means all.
        exclude: gitignore patterns of what is left alone this time.
        remembered: gitignore patterns of what is wanted here at all, of which a path must
            match one; empty means all. What the user named is wanted this time.

    Raises:
        UsageError: One of ``only`` or ``exclude`` is no pattern.
        ConfigError: One of ``remembered`` is none.
    """

    def __init__(
        self,
        rules: IgnoreRules | None = None,
        paths: Sequence[str] = (),
        only: Sequence[str] = (),
        exclude: Sequence[str] = (),
        remembered: Sequence[str] = (),
    ) -> None:
        self.rules = rules if rules is not None else IgnoreRules()
        self.remembered = tuple(remembered)
        self.is_ignored = self.rules.is_ignored
        refuse_bad_patterns(only, "--only")
        refuse_bad_patterns(exclude, "--exclude")
        self._only = gitignore_spec(only) if only else None
        self._exclude = gitignore_spec(exclude) if exclude else None
        self._is_wanted = wants(remembered)
        named = [path.strip("/") for path in paths]
        self._named = tuple(path for path in named if path not in {"", "."})
        self._covered = self._named if len(self._named) == len(named) else ()

    @property
    def fingerprint(self) -> str:
        """A text that differs where what is ignored or wanted does."""
        said = "\n".join([self.rules.fingerprint, *self.remembered])
        return ObjectId.of(said.encode()).hex()[:32]

    @property
    def goes_beyond(self) -> bool:
        """Whether the user may have named what is not wanted here."""
        return bool(self.remembered and self._named)

    @property
    def is_whole(self) -> bool:
        """Whether all is meant that is not ignored."""
        named = self._covered or self._only is not None or self._exclude is not None
        return not (named or self.remembered)

    def ignores(self, path: str) -> bool:
        """Say whether the file ``path`` is ignored, as a walk would find it."""
        return self.rules.ignores(path)

    def leaves_out(self, path: str) -> bool:
        """Say whether the file ``path`` is none of our business, here or there."""
        if self.rules.ignores(path):
            return True
        if not self.remembered or self._is_wanted(path):
            return False
        return not any(is_below(path, each) for each in self._named)

    def covers(self, path: str) -> bool:
        """Say whether this sync is about the file ``path``."""
        if self._covered and not any(is_below(path, each) for each in self._covered):
            return False
        if self._only is not None and not self._only.match_file(path):
            return False
        return self._exclude is None or not self._exclude.match_file(path)


def wants(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Return what says whether a file is wanted where ``patterns`` say what is.

    The team's rules always are: they are in force here too.

    Raises:
        ConfigError: A pattern is none.
    """
    if not patterns:
        return lambda _: True
    compile_patterns([Rule("only", n, text) for n, text in enumerate(patterns, 1)])
    matches = matcher(patterns)
    return lambda path: path == TEAM_FILE or matches(path)


def matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Return what says whether a path matches one of some gitignore patterns."""
    return gitignore_spec(patterns).match_file


def refuse_bad_patterns(patterns: Sequence[str], option: str) -> None:
    """Refuse what a user gave for an option and what is no pattern.

    Raises:
        UsageError: One is none.
    """
    for each in patterns:
        if not is_pattern(each):
            raise UsageError(f"{option} {each!r} is not a pattern")
