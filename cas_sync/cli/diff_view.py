"""What differs between two states, as lines of text."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from cas_sync.cli.change_view import MARKS, RENAMED, change_line
from cas_sync.cli.file_diff import MOST_BYTES, diff_lines
from cas_sync.cli.render import plural, size, visible
from cas_sync.cli.table_view import table_lines
from cas_sync.engine.diff_contents import Contents
from cas_sync.engine.table_diff import compare_versions
from cas_sync.engine.tables import NotCompared, TableDiff, is_table
from cas_sync.errors import UsageError, WorktreeError
from cas_sync.plan.renames import TreeChange

_WORDS = {"+": "added", "~": "modified", "-": "deleted", ">": "renamed"}


@dataclass
class Gathered:
    """What differs, as far as it is to be shown, and how much it is.

    Attributes:
        most: How many rows of each kind are kept; `None` for all.
        rows: Those that are kept, in path order.
        counts: How many there are, by mark.
        sizes: Their bytes before and after, by mark.
    """

    most: int | None
    rows: list[TreeChange] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, row: TreeChange) -> None:
        """Take one more."""
        mark = mark_of(row)
        if mark:
            self.counts[mark] += 1
            before, after = self.sizes.get(mark, (0, 0))
            self.sizes[mark] = (
                before + (row.before.size if row.before else 0),
                after + (row.after.size if row.after else 0),
            )
        if self.most is None or (mark and self.counts[mark] <= self.most):
            self.rows.append(row)

    @property
    def total(self) -> int:
        """How many files differ; a rename is one."""
        return self.counts.total()


def mark_of(row: TreeChange) -> str:
    """Return the mark of a row; empty for the old name of a file that was renamed."""
    if row.renamed_to:
        return ""
    return RENAMED if row.renamed_from else MARKS[row.change]


def list_lines(found: Gathered) -> Iterator[str]:
    """Yield a line for each row that was kept, kind by kind."""
    for mark, word in _WORDS.items():
        shown = [row for row in found.rows if mark_of(row) == mark]
        yield from map(change_line, shown)
        if more := found.counts[mark] - len(shown):
            yield f"    ... and {more:,} more {word} (-v shows all)"


def total_line(found: Gathered) -> str:
    """Return ``3 files differ: 1 added (1.2 KiB), 2 modified (2.1 MiB -> 2.4 MiB)``."""
    parts = []
    for mark, word in _WORDS.items():
        if n := found.counts[mark]:
            before, after = found.sizes[mark]
            sizes = {"+": size(after), "-": size(before), ">": size(after)}
            told = sizes.get(mark, f"{size(before)} -> {size(after)}")
            parts.append(f"{n:,} {word} ({told})")
    verb = "differs" if found.total == 1 else "differ"
    return f"{plural(found.total, 'file')} {verb}: {', '.join(parts)}"


@dataclass(frozen=True)
class Asked:
    """Of which files what is in them is to be shown, and how.

    Attributes:
        patch: Whether of all.
        named: Files that were named.
        tables: Whether of all tables.
        key: The columns that say which row of a table is which.
        rows: How many rows of each kind are shown of a table.
    """

    patch: bool = False
    named: frozenset[str] = frozenset()
    tables: bool = False
    key: tuple[str, ...] = ()
    rows: int = 10

    def wants(self, row: TreeChange) -> bool:
        """Say whether the content of a file is to be shown, and is another than before."""
        ids = {each.id for each in (row.before, row.after) if each is not None}
        if row.renamed_from or row.renamed_to or (row.change == "modified" and len(ids) < 2):
            return False
        if self.patch or row.path in self.named:
            return True
        return self.tables and is_table(row.path)


def table_of(
    contents: Contents, row: TreeChange, asked: Asked, *, is_alone: bool
) -> TableDiff | NotCompared | None:
    """Return what differs between two versions of a table; `None` for what is none.

    Raises:
        UsageError: It lacks a column of the key, and is all that was asked for.
    """
    if not is_table(row.path):
        return None
    try:
        return compare_versions(contents, row, key=asked.key, most=asked.rows)
    except UsageError as error:
        if is_alone:
            raise
        return NotCompared(f"{error.message} ({error.cause})")


def content_lines(
    contents: Contents, row: TreeChange, names: tuple[str, str], asked: Asked, *, is_alone: bool
) -> Iterator[str]:
    """Yield what changed in one file, indented: rows of a table, or lines of text.

    Args:
        contents: Reads it.
        row: The file.
        names: What to call the old and the new side.
        asked: How it is to be shown.
        is_alone: Whether it is all that was asked for.
    """
    try:
        found = table_of(contents, row, asked, is_alone=is_alone)
        if isinstance(found, TableDiff):
            yield from table_lines(found, asked.rows)
            return
        if found is not None:
            yield f"  {_why(found)}"
        versions = [_bytes(contents, row, of_new=of_new) for of_new in (False, True)]
    except WorktreeError as error:
        yield f"  {visible(error.message)} ({visible(error.cause)})"
        return
    sizes = [each.size if each else 0 for each in (row.before, row.after)]
    called = [
        f"{row.path} ({name})" if each else "nothing"
        for each, name in zip((row.before, row.after), names, strict=True)
    ]
    yield from diff_lines(
        (called[0], called[1]),
        versions[0],
        versions[1],
        (sizes[0], sizes[1]),
        most=None,
    )


def _why(found: NotCompared) -> str:
    if found.is_missing:
        return "to compare rows and columns:  pip install 'cas-sync[tables]'"
    return f"not compared as a table: {visible(found.why)}"


def _bytes(contents: Contents, row: TreeChange, *, of_new: bool) -> bytes | None:
    """Return one version of a file; `None` where it is too large to be compared."""
    content = row.after if of_new else row.before
    if content is not None and content.size > MOST_BYTES:
        return None
    return b"".join(contents.blocks(row, of_new=of_new))
