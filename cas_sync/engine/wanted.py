"""Which files a plan wants written, and how many of them at a time."""

from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass

from cas_sync.engine.windows import WINDOW_BYTES, WINDOW_FILES
from cas_sync.model.paths import RepoPath, sort_key
from cas_sync.model.tree import Entry, Mode
from cas_sync.plan.step import Act, Step
from cas_sync.worktree.index import LocalRow

Pairs = Iterable[tuple[Step, LocalRow | None]]
"""The steps of a plan in path order, each with the file as scanned."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to be written.

    Attributes:
        planned_at: The path of its step: what has failed if this fails.
        path: Where it goes.
        entry: What it must hold.
        row: What the scan saw there.
        unsaved: Whether what it replaces is in no history.
    """

    planned_at: RepoPath
    path: RepoPath
    entry: Entry
    row: LocalRow | None
    unsaved: bool


def wanted_files(
    pairs: Pairs, failed: Container[RepoPath], *, under_copies: bool
) -> Iterator[Wanted]:
    """Yield the files that a plan wants written.

    Args:
        pairs: The plan.
        failed: Paths that are left alone.
        under_copies: Whether the files that get another name are meant, or the rest.
    """
    for step, row in pairs:
        if step.path in failed or step.theirs is None:
            continue
        if under_copies:
            if step.act is Act.SET_THEIRS_ASIDE and step.copy:
                yield Wanted(step.path, step.copy, step.theirs, None, unsaved=False)
        elif row is not None and only_mode(step, row):
            continue
        elif step.act in {Act.DOWNLOAD, Act.TAKE_THEIRS}:
            # What the base says, or what this sync published, is in history.
            known = step.base is not None or step.act is Act.TAKE_THEIRS
            yield Wanted(step.path, step.path, step.theirs, row, unsaved=not known)
        elif step.act is Act.KEEP_BOTH:
            yield Wanted(step.path, step.path, step.theirs, None, unsaved=False)


def only_mode(step: Step, row: LocalRow) -> bool:
    """Say whether a file has all its bytes already, and only its mode differs."""
    if step.act is not Act.DOWNLOAD or step.theirs is None:
        return False
    ours, theirs = row.content, step.theirs.content
    return ours.id == theirs.id and Mode.LINK not in {ours.mode, theirs.mode}


def in_windows(wanted: Iterable[Wanted]) -> Iterator[list[Wanted]]:
    """Yield files in groups whose bytes can be held at once."""
    group: list[Wanted] = []
    size = 0
    for each in wanted:
        if group and (size >= WINDOW_BYTES or len(group) >= WINDOW_FILES):
            yield group
            group, size = [], 0
        group.append(each)
        # What is larger than a window is streamed and takes no room in one.
        if each.entry.content.size <= WINDOW_BYTES:
            size += each.entry.content.size
    if group:
        yield group


def with_rows(steps: Iterable[Step], rows: Callable[[], Iterable[LocalRow]]) -> Pairs:
    """Yield each step with the file as scanned, where there is one."""
    scanned = iter(rows())
    row = next(scanned, None)
    for step in steps:
        at = sort_key(step.path)
        while row is not None and sort_key(row.path) < at:
            row = next(scanned, None)
        yield step, row if row is not None and row.path == step.path else None
