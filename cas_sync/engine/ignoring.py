"""What is ignored in one data folder: asked about, listed, added to."""

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from cas_sync.engine.places import refuse_misplaced
from cas_sync.engine.settings import Settings
from cas_sync.errors import UsageError
from cas_sync.model.paths import STATE_DIR
from cas_sync.plan.ignore_rules import (
    BUILT_IN,
    TEAM_FILE,
    IgnoreRules,
    Rule,
    Verdict,
    is_pattern,
    meaningful,
)
from cas_sync.plan.scope import wants
from cas_sync.worktree.base import BaseTree
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.ignore_files import (
    LOCAL_FILE,
    add_lines,
    read_local_paths,
    read_team_rules,
)
from cas_sync.worktree.state import LocalState
from cas_sync.worktree.trouble import translated

_OURS = Rule(BUILT_IN, 0, f"/{STATE_DIR}/")


@dataclass(frozen=True)
class Added:
    """What was added to a list.

    Attributes:
        file: The list, from the data folder.
        lines: What is new in it.
        known: What was in it before.
        n_shared: Files that are shared already and are ignored now.
    """

    file: str
    lines: tuple[str, ...]
    known: tuple[str, ...]
    n_shared: int


@dataclass(frozen=True)
class Checked:
    """What becomes of one path.

    Attributes:
        path: From the data folder.
        verdict: Whether it is ignored, and what decides.
        is_wanted: Whether it is among what is wanted here.
    """

    path: str
    verdict: Verdict
    is_wanted: bool


def rules_of(settings: Settings, folder: Folder) -> IgnoreRules:
    """Return every rule in force in the data folder.

    Raises:
        ConfigError: A list cannot be read, or holds what is no pattern.
    """
    said = configured(settings)
    return IgnoreRules((*said, *read_team_rules(folder)), read_local_paths(folder))


def list_rules(settings: Settings) -> tuple[Rule, ...]:
    """Return every rule in force, the weakest first.

    Raises:
        ConfigError: As `rules_of`.
    """
    if not settings.data.is_dir():
        return IgnoreRules(configured(settings)).rules
    with _opened(settings) as folder:
        return rules_of(settings, folder).rules


def check(settings: Settings, paths: Sequence[tuple[str, bool]]) -> list[Checked]:
    """Return what becomes of each path, given from the data folder and with "is a folder".

    Raises:
        ConfigError: As `rules_of`.
    """
    if settings.data.is_dir():
        with _opened(settings) as folder:
            rules = rules_of(settings, folder)
    else:
        rules = IgnoreRules(configured(settings))
    is_wanted = wants(settings.only)
    found = []
    for path, is_dir in paths:
        usual = unicodedata.normalize("NFC", path)
        if usual == STATE_DIR or usual.startswith(STATE_DIR + "/"):
            verdict = Verdict(True, _OURS, STATE_DIR)
        else:
            verdict = rules.explain(usual, is_dir=is_dir)
        found.append(Checked(path, verdict, is_dir or is_wanted(usual)))
    return found


def add_patterns(settings: Settings, texts: Sequence[str]) -> Added:
    """Add patterns to the team's `.casignore`, which is created if missing.

    Raises:
        UsageError: One is no pattern.
        ConfigError: As `rules_of`.
        WorktreeError: The file cannot be written.
    """
    for text in texts:
        if not is_pattern(text):
            raise UsageError(
                f"{text!r} is not a pattern",
                cause="a bracket is not closed, it is a comment, or it names nothing",
                fix="a backslash before a sign takes it as it is",
            )
    return _add(settings, TEAM_FILE, texts)


def add_local_paths(settings: Settings, paths: Sequence[str]) -> Added:
    """Add exact paths to this machine's list, which is created if missing.

    Raises:
        ConfigError: As `rules_of`.
        WorktreeError: The file cannot be written.
    """
    return _add(settings, LOCAL_FILE, paths)


def _add(settings: Settings, file: str, texts: Sequence[str]) -> Added:
    refuse_misplaced(settings)
    with translated(str(settings.data)):
        settings.data.mkdir(parents=True, exist_ok=True)
    with _opened(settings) as folder:
        before = rules_of(settings, folder)
        state = LocalState(folder)
        state.create()
        known = {rule.text for rule in before.rules if rule.source == file}
        lines = tuple(text for text in dict.fromkeys(texts) if text not in known)
        if lines:
            add_lines(folder, file, lines)
        after = rules_of(settings, folder)
        rows = BaseTree(state.base_path).rows()
        n_shared = sum(after.ignores(row.path) and not before.ignores(row.path) for row in rows)
        return Added(file, lines, tuple(text for text in texts if text in known), n_shared)


def configured(settings: Settings) -> tuple[Rule, ...]:
    """Return the patterns of the configuration."""
    source = settings.origins.get("ignore", "configuration")
    return tuple(meaningful(settings.ignore, source))


@contextmanager
def _opened(settings: Settings) -> Iterator[Folder]:
    with translated(str(settings.data)):
        folder = Folder(str(settings.data))
    with folder:
        yield folder
