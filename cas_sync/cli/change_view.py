"""What differs between two trees, as lines of text."""

from collections.abc import Iterable

import click

from cas_sync.cli.render import padded, size, visible
from cas_sync.model.commit import ChangeRow, Counts
from cas_sync.model.tree import Content
from cas_sync.plan.renames import TreeChange

MARKS = {"added": "+", "modified": "~", "deleted": "-"}
RENAMED = ">"
_COLOURS = {"+": "green", "~": "yellow", "-": "red", ">": "cyan"}
_WIDEST = 44


def coloured(mark: str, text: str = "") -> str:
    """Return a mark (and what goes with it) in its colour."""
    return click.style(mark + text, fg=_COLOURS.get(mark))


def change_line(row: TreeChange) -> str:
    """Return one change: its mark, path and sizes; a rename with both paths."""
    mark, name = MARKS[row.change], visible(row.path)
    if row.renamed_from:
        mark, name = RENAMED, f"{visible(row.renamed_from)} -> {name}"
    return f"{coloured(mark)} {padded(name, _WIDEST)}  {_sizes(row):>20}".rstrip()


def counts_text(counts: Counts, n_renamed: int = 0) -> str:
    """Return ``+1 ~1 -1 >1``, without what there is none of."""
    numbers = zip(
        "+~->",
        (
            counts.added - n_renamed,
            counts.modified,
            counts.deleted - n_renamed,
            n_renamed,
        ),
        strict=True,
    )
    return " ".join(coloured(mark, f"{n:,}") for mark, n in numbers if n)


def counts_words(counts: Counts, n_renamed: int = 0) -> str:
    """Return ``1 added, 2 modified``, without what there is none of."""
    numbers = (
        (counts.added - n_renamed, "added"),
        (counts.modified, "modified"),
        (counts.deleted - n_renamed, "deleted"),
        (n_renamed, "renamed"),
    )
    return ", ".join(f"{n:,} {what}" for n, what in numbers if n) or "nothing changed"


def growth_text(grown: int, bytes_new: int) -> str:
    """Return by how much the tree grew, and how much of it the store did not hold before."""
    sign = "-" if grown < 0 else "+"
    return f"{sign}{size(abs(grown))} ({size(bytes_new)} new)"


def names_text(rows: Iterable[ChangeRow], came: dict[str, str], most: int, total: int) -> str:
    """Return the first names among some changes, and how many more there are.

    Args:
        rows: The changes, or the first of them.
        came: The renames among them, old path by new path: they are told by the new one.
        most: So many names.
        total: How many there are.
    """
    gone = set(came.values())
    names = [visible(row.path) for row in rows if row.path not in gone][:most]
    more = total - len(came) - len(names)
    told = ", ".join(names)
    return f"{told}, ... {more:,} more" if told and more > 0 else told


def _sizes(row: TreeChange) -> str:
    before, after = row.before, row.after
    if row.renamed_from or before is None:
        return _size(after)
    if after is None:
        return _size(before)
    if before.mode != after.mode and before.id == after.id:
        return f"mode {before.mode} -> {after.mode}"
    return f"{_size(before)} -> {_size(after)}"


def _size(content: Content | None) -> str:
    return size(content.size) if content else ""
