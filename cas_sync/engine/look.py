"""Looks at any version without a checkout: what lies in a folder, the bytes of a file."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import chain
from typing import NamedTuple

from cas_sync.engine.at_revision import (
    Named,
    Subfolder,
    find_entry,
    open_history,
    parsed,
    rows_below,
    rows_in,
    unknown,
)
from cas_sync.engine.repository import Repository, Traffic
from cas_sync.engine.revisions import Revision
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.errors import CasSyncError, UsageError
from cas_sync.model.tree import Entry
from cas_sync.store.objects import ObjectReader

Row = Entry | Subfolder

_PATTERN = re.compile(r"[*?\[]")


class Span(NamedTuple):
    """A part of a file, as in an HTTP range.

    Attributes:
        first: The first byte, counted from 0; `None` means the last ``last`` bytes.
        last: The last byte that is meant; `None` means to the end.
    """

    first: int | None
    last: int | None

    def within(self, size: int) -> tuple[int, int] | None:
        """Return offset and length in a file of ``size`` bytes; `None` if none is meant."""
        if self.first is None:
            length = min(self.last or 0, size)
            return (size - length, length) if length else None
        end = size if self.last is None else min(self.last + 1, size)
        return (self.first, end - self.first) if self.first < end else None

    def __str__(self) -> str:
        """Return it as it is typed: ``0-99``, ``100-``, ``-500``."""
        first, last = ("" if each is None else str(each) for each in self)
        return f"{first}-{last}"


@dataclass(frozen=True)
class Looked:
    """What a look came to.

    Attributes:
        revision: The commit that was looked at; of several, the last.
        n_shown: Rows that were shown, or bytes that were written.
        traffic: What it cost.
    """

    revision: Revision
    n_shown: int
    traffic: Traffic


def list_folder(
    settings: Settings,
    surroundings: Surroundings,
    named: Named,
    show: Callable[[Row], None],
    *,
    recursive: bool = False,
) -> Looked:
    """Call ``show`` with what lies in a folder at a revision, in path order.

    Args:
        settings: The configuration in force.
        surroundings: How to reach the store.
        named: A folder; a file stands for itself. If there is neither, the last part of it
            may be a pattern for names, such as ``*.csv``.
        show: Takes a row as soon as it is known: a file, or a folder in this one.
        recursive: Whether files in subfolders are shown in place of the subfolders.

    Raises:
        UsageError: There is no such file, folder or revision.
        DamageError: A page of the manifest is missing or damaged.
    """
    with open_history(settings, surroundings) as past:
        revision = past.revision(named.rev)
        n_shown = 0
        rows_of = rows_below if recursive else rows_in
        for row in _listed(past.repo, revision, parsed(named.path), rows_of):
            show(row)
            n_shown += 1
        return Looked(revision, n_shown, past.traffic())


def _listed(
    repo: Repository,
    revision: Revision,
    path: str,
    rows_of: Callable[[Repository, Revision, str], Iterator[Row]],
) -> Iterator[Row]:
    rows = rows_of(repo, revision, path)
    first = next(rows, None)
    folder, _, name = path.rpartition("/")
    if first is None and _PATTERN.search(name):
        # Compared with case on every system: these are names of the store.
        rows = (
            row
            for row in rows_of(repo, revision, folder)
            if fnmatchcase(row.path.rpartition("/")[2], name)
        )
        first = next(rows, None)
    if first is not None:
        return chain([first], rows)
    if path:
        raise unknown(repo, revision, path)
    return rows


def read_files(
    settings: Settings,
    surroundings: Surroundings,
    named: Sequence[Named],
    write: Callable[[bytes], bool],
    *,
    span: Span | None = None,
) -> Looked:
    """Hand the bytes of files at a revision to ``write``, one file after the other.

    They come in pieces of bounded size, each of which was checked. All files are found
    before the first is read.

    Args:
        settings: The configuration in force.
        surroundings: How to reach the store.
        named: The files; at least one.
        write: Takes the next bytes; says whether more are wanted.
        span: The part of each file that is meant; only what it needs is read.

    Raises:
        UsageError: There is no such file or revision, or no such part of it.
        DamageError: Stored bytes are missing, or are not what was published.
    """
    with open_history(settings, surroundings) as past:
        found = []
        for each in named:
            revision = past.revision(each.rev)
            entry = find_entry(past.repo, revision, each.path)
            found.append((entry, _part(entry, revision, span)))
        reader = past.reader()
        n_written = 0
        for entry, part in found:
            n_of_file = 0
            try:
                for data in _blocks(reader, entry, part):
                    wants_more = write(data)
                    n_of_file += len(data)
                    if not wants_more:
                        return Looked(revision, n_written + n_of_file, past.traffic())
            except CasSyncError as error:
                if n_of_file:
                    written = f"{n_of_file:,} bytes of {entry.path}"
                    error.state = f"what was written so far is incomplete: {written}"
                raise
            n_written += n_of_file
        return Looked(revision, n_written, past.traffic())


def _part(entry: Entry, revision: Revision, span: Span | None) -> tuple[int, int] | None:
    """Return offset and length of what is meant of a file; `None` for all of it."""
    if span is None:
        return None
    size = entry.content.size
    part = span.within(size)
    if part is None:
        raise UsageError(
            f"{entry.path} at {revision} has {size:,} bytes, and none in the range {span}",
            fix="count from 0, to the last byte that is meant: 0-99; or from the end: -100",
        )
    return part


def _blocks(
    reader: ObjectReader, entry: Entry, part: tuple[int, int] | None
) -> Iterator[bytes]:
    if part is None:
        return reader.stream(entry.content)
    return reader.read_range(entry.content, *part)
