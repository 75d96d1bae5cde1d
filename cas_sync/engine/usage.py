"""What takes the room: files of a revision in groups, and what the history added."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import NamedTuple

from cas_sync.engine.at_revision import (
    Named,
    open_history,
    parsed,
    rows_below,
    unknown,
)
from cas_sync.engine.repository import Traffic
from cas_sync.engine.revisions import Revision, head_at
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.model.tree import Entry


class By(StrEnum):
    """What files are grouped by."""

    DIR = "dir"
    AUTHOR = "author"
    EXT = "ext"


class Group(NamedTuple):
    """Files that have something in common.

    Attributes:
        name: What. A folder's ends in ``/``, and in ``/.`` (at the top it is ``.``) where
            only the files directly in it are meant; an extension begins with a dot, and is
            empty for files without one.
        files: How many.
        size: Their bytes.
    """

    name: str
    files: int
    size: int


@dataclass(frozen=True)
class Usage:
    """What takes the room at a revision.

    Attributes:
        revision: The commit.
        files: Files in all.
        size: Their bytes.
        groups: The largest first; every file is in one of them.
        traffic: What it cost to find out.
    """

    revision: Revision
    files: int
    size: int
    groups: list[Group]
    traffic: Traffic


class Added(NamedTuple):
    """What some commits added to the store.

    Attributes:
        name: Whose commits, or of which month (``2026-11``, by the authors' clocks).
        commits: How many.
        size: Bytes of the new packs, as stored.
    """

    name: str
    commits: int
    size: int


@dataclass(frozen=True)
class HistoryUsage:
    """What a history holds up to a revision.

    Attributes:
        revision: The commit.
        files: Files in its tree.
        size: Their bytes, as they are in a data folder.
        commits: Commits up to it.
        stored: Bytes that all of them added to the store.
        by_author: The same by author, the largest first.
        by_month: The same by month, the newest first.
        traffic: What it cost to find out.
    """

    revision: Revision
    files: int
    size: int
    commits: int
    stored: int
    by_author: list[Added]
    by_month: list[Added]
    traffic: Traffic


class _Sum:
    """Counts and bytes by name."""

    def __init__(self) -> None:
        self.by_name: dict[str, tuple[int, int]] = {}

    def add(self, name: str, size: int) -> None:
        n, total = self.by_name.get(name, (0, 0))
        self.by_name[name] = n + 1, total + size

    def largest_first(self) -> Iterable[tuple[str, int, int]]:
        ordered = sorted(self.by_name.items(), key=lambda each: (-each[1][1], each[0]))
        return ((name, n, size) for name, (n, size) in ordered)


def measure(
    settings: Settings, surroundings: Surroundings, named: Named, by: By, depth: int = 1
) -> Usage:
    """Return what the files at or below a path take, in groups.

    Memory grows with the groups, not with the files.

    Args:
        settings: The configuration in force.
        surroundings: How to reach the store.
        named: A file or folder.
        by: What they are grouped by.
        depth: How many levels of folders below the one that is named are told apart.

    Raises:
        UsageError: There is no such path or revision.
        DamageError: A page of the manifest is missing or damaged.
    """
    path = parsed(named.path)
    with open_history(settings, surroundings) as past:
        revision = past.revision(named.rev)
        rows = rows_below(past.repo, revision, path)
        first = next(rows, None)
        if first is None and path:
            raise unknown(past.repo, revision, path)
        name_of = _namer(by, path, depth)
        sums = _Sum()
        files = size = 0
        for row in chain([first] if first is not None else (), rows):
            sums.add(name_of(row), row.content.size)
            files, size = files + 1, size + row.content.size
        groups = [Group(*each) for each in sums.largest_first()]
        return Usage(revision, files, size, groups, past.traffic())


def _namer(by: By, path: str, depth: int) -> Callable[[Entry], str]:
    match by:
        case By.DIR:
            above = path.count("/") + 1 if path else 0
            return lambda row: folder_of(row.path, above + depth)
        case By.AUTHOR:
            return lambda row: row.editor
        case By.EXT:
            return lambda row: extension(row.path)


def folder_of(path: str, depth: int) -> str:
    """Return the group of a file: its folder, or the one above it that is ``depth`` deep."""
    folders = path.split("/")[:-1]
    if len(folders) >= depth:
        return "".join(f"{each}/" for each in folders[:depth])
    return "".join(f"{each}/" for each in folders) + "."


def extension(path: str) -> str:
    """Return what a file's name ends with, from its last dot, in small letters."""
    stem, dot, last = path.rpartition("/")[2].rpartition(".")
    return f".{last.lower()}" if dot and stem.strip(".") and last else ""


def measure_history(settings: Settings, surroundings: Surroundings, rev: str) -> HistoryUsage:
    """Return what the commits up to a revision added to the store.

    Args:
        settings: The configuration in force.
        surroundings: How to reach the store.
        rev: See `find_revision`.

    Raises:
        UsageError: There is no such revision.
        DamageError: The chain is broken.
    """
    with open_history(settings, surroundings) as past:
        revision = past.revision(rev, of_any_age=True)
        authors, months = _Sum(), _Sum()
        files = size = stored = 0
        for oid, commit in past.repo.commits.walk(head_at(past.head, revision)):
            if oid == revision.id:
                files, size = commit.files, commit.size
            stored += commit.bytes_new
            authors.add(commit.author, commit.bytes_new)
            months.add(commit.time[:7], commit.bytes_new)
        newest_first = sorted(months.by_name.items(), reverse=True)
        return HistoryUsage(
            revision,
            files,
            size,
            revision.seq,
            stored,
            [Added(*each) for each in authors.largest_first()],
            [Added(name, n, total) for name, (n, total) in newest_first],
            past.traffic(),
        )
