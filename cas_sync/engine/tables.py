"""Tables in files: which files are some, and what was found to differ between two versions."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")

Cell = str | None


class NotCompared(NamedTuple):
    """Two files that are not compared as tables.

    Attributes:
        why: What is in the way.
        is_missing: Whether it is that DuckDB is not installed.
    """

    why: str
    is_missing: bool = False


class ChangedRow(NamedTuple):
    """A row that is there before and after, with other cells.

    Attributes:
        key: The cells of its key.
        cells: By column: the cell before and after.
    """

    key: tuple[Cell, ...]
    cells: dict[str, tuple[Cell, Cell]]


@dataclass
class TableDiff:
    """What differs between two tables.

    Attributes:
        columns: The columns that both have: rows are compared by these.
        columns_added: Columns that only the new one has.
        columns_removed: Columns that only the old one has.
        types_changed: By column that both have: its type before and after.
        has_header: Whether the first line names the columns.
        key: The columns that say which row is which; may be empty.
        rows_old: Rows of the old table.
        rows_new: Rows of the new one.
        rows_added: Rows that came, without those that changed.
        rows_removed: Rows that went, likewise.
        rows_changed: Rows with the same key and other cells.
        repeated_keys: Keys of which rows both came and went, more than one on some side: these
            cannot be paired.
        cells_changed: By column: in how many of the changed rows it differs.
        added: The first of the rows that came, cells in the order of ``columns``.
        removed: The first of those that went.
        changed: The first of those that changed.
    """

    columns: tuple[str, ...]
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()
    types_changed: dict[str, tuple[str, str]] = field(default_factory=dict)
    has_header: bool = True
    key: tuple[str, ...] = ()
    rows_old: int = 0
    rows_new: int = 0
    rows_added: int = 0
    rows_removed: int = 0
    rows_changed: int = 0
    repeated_keys: int = 0
    cells_changed: dict[str, int] = field(default_factory=dict)
    added: list[tuple[Cell, ...]] = field(default_factory=list)
    removed: list[tuple[Cell, ...]] = field(default_factory=list)
    changed: list[ChangedRow] = field(default_factory=list)

    @property
    def is_same(self) -> bool:
        """Whether both hold the same rows and columns, in whatever order."""
        rows = self.rows_added or self.rows_removed or self.rows_changed
        return not (rows or self.columns_added or self.columns_removed or self.types_changed)

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as scripts get them."""
        return {
            "rows_old": self.rows_old,
            "rows_new": self.rows_new,
            "rows_added": self.rows_added,
            "rows_removed": self.rows_removed,
            "rows_changed": self.rows_changed,
            "columns_added": list(self.columns_added),
            "columns_removed": list(self.columns_removed),
            "types_changed": {name: list(both) for name, both in self.types_changed.items()},
            "cells_changed": dict(self.cells_changed),
            "key": list(self.key),
            "repeated_keys": self.repeated_keys,
        }


def is_table(path: str) -> bool:
    """Say whether files of such a name are compared as tables."""
    return path.lower().endswith(SUFFIXES)


def suffix_of(path: str) -> str:
    """Return the ending that says how the table in a file is written."""
    return next(each for each in SUFFIXES if path.lower().endswith(each))
