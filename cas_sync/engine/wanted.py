"""Which files a plan wants written, and how many of them at a time."""

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from cas_sync.engine.windows import WINDOW_BYTES, WINDOW_FILES
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Location
from cas_sync.model.paths import RepoPath, sort_key
from cas_sync.model.tree import Content, Entry, Mode
from cas_sync.plan.step import Act, Step
from cas_sync.worktree.index import LocalRow
from cas_sync.worktree.local_contents import Repeats

Pairs = Iterable[tuple[Step, LocalRow | None]]
"""The steps of a plan in path order, each with the file as scanned."""

Locate = Callable[[Sequence[Content]], list[Location | None]]
"""Tells where contents lie; `ObjectReader.locate_all`."""

_AT_ONCE = 500
"""So many contents are looked up at once."""


class Wanted(NamedTuple):
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


class Group(NamedTuple):
    """Files that are read from the store together.

    Attributes:
        files: The files.
        places: Where each content lies; `None` for what the store does not know.
        again: Contents that an earlier group had.
    """

    files: list[Wanted]
    places: dict[ObjectId, Location | None]
    again: set[ObjectId]


def in_windows(wanted: Iterable[Wanted], locate: Locate, repeats: Repeats) -> Iterator[Group]:
    """Yield files in groups whose bytes can be held at once.

    A group ends where a pack does, as far as that makes sense: what lies in one pack is read
    by the fewest requests.

    Args:
        wanted: The files.
        locate: Tells where they lie.
        repeats: Knows what was in an earlier group.
    """
    group, size, pack = Group([], {}, set()), 0, None
    for each, where in _located(wanted, locate):
        content = each.entry.content
        is_again = repeats.has(content)
        # What is larger than a window is streamed and takes no room in one.
        is_held = not is_again and content.size <= WINDOW_BYTES
        held = content.size if is_held and content.id not in group.places else 0
        is_full = size + held > WINDOW_BYTES or len(group.files) >= WINDOW_FILES
        if not is_again and where is not None and where.pack != pack:
            is_full = is_full or size >= WINDOW_BYTES // 4
            pack = where.pack
        if group.files and is_full:
            repeats.note(wanted.entry.content for wanted in group.files)
            yield group
            group, size = Group([], {}, set()), 0
            is_again = repeats.has(content)
        if is_again:
            group.again.add(content.id)
        group.files.append(each)
        group.places[content.id] = where
        size += held
    if group.files:
        yield group


def _located(
    wanted: Iterable[Wanted], locate: Locate
) -> Iterator[tuple[Wanted, Location | None]]:
    source = iter(wanted)
    while some := list(islice(source, _AT_ONCE)):
        places = locate([each.entry.content for each in some])
        yield from zip(some, places, strict=True)


def with_rows(steps: Iterable[Step], rows: Callable[[], Iterable[LocalRow]]) -> Pairs:
    """Yield each step with the file as scanned, where there is one."""
    scanned = iter(rows())
    row = next(scanned, None)
    for step in steps:
        at = sort_key(step.path)
        while row is not None and sort_key(row.path) < at:
            row = next(scanned, None)
        yield step, row if row is not None and row.path == step.path else None
