"""What differs between two versions of a table, as lines of text."""

from collections.abc import Iterator, Sequence

from cas_sync.cli.change_view import coloured
from cas_sync.cli.render import padded, plural, visible, width
from cas_sync.engine.tables import Cell, ChangedRow, TableDiff

CELL_WIDTH = 24
ROW_WIDTH = 92
_NULL = "NULL"
_SHOWN_NAMES = 12


def table_lines(found: TableDiff, most: int) -> Iterator[str]:
    """Yield what differs, indented.

    Args:
        found: It.
        most: How many rows of each kind it gives at most.
    """
    yield f"  rows: {found.rows_old:,} -> {found.rows_new:,}   {_rows_text(found)}"
    yield from _column_lines(found)
    if found.cells_changed:
        told = (f"{_plain(name)} in {n:,}" for name, n in found.cells_changed.items())
        yield f"  changed cells: {_some(list(told))}"
    if found.repeated_keys:
        yield (
            f"  {plural(found.repeated_keys, 'key')} of several rows: those are counted as "
            "added and removed"
        )
    if not found.has_header and found.columns:
        yield "  the first line names no columns: it is a row like the others"
    yield from _example_lines(found)
    kinds = (found.rows_removed, found.rows_added, found.rows_changed)
    if more := sum(max(0, n - most) for n in kinds) if found.columns else 0:
        yield f"    ... and {plural(more, 'more row')} (--rows {max(kinds)} shows all)"


def _rows_text(found: TableDiff) -> str:
    numbers = [
        (found.rows_added, "added"),
        (found.rows_removed, "removed"),
        (found.rows_changed, f"changed (by {', '.join(map(_plain, found.key))})"),
    ]
    told = ", ".join(f"{n:,} {what}" for n, what in numbers if n)
    if told:
        return told
    if found.is_same:
        return "the same rows; only their order or how they are written differs"
    return "the same in the columns that both have"


def _column_lines(found: TableDiff) -> Iterator[str]:
    told = [coloured("+", f" {_plain(name)}") for name in found.columns_added]
    told += [coloured("-", f" {_plain(name)}") for name in found.columns_removed]
    told += [
        coloured("~", f" {_plain(name)} {old} -> {new}")
        for name, (old, new) in found.types_changed.items()
    ]
    if told:
        yield f"  columns: {_some(told)}"
    if found.columns and (found.columns_added or found.columns_removed):
        matched = f"matched by {', '.join(map(_plain, found.key))} and " if found.key else ""
        common = plural(len(found.columns), "column")
        yield f"  rows are {matched}compared by the {common} of both"


def _some(texts: Sequence[str]) -> str:
    more = len(texts) - _SHOWN_NAMES
    return ", ".join(texts[:_SHOWN_NAMES]) + (f", ... {more:,} more" if more > 0 else "")


def _example_lines(found: TableDiff) -> Iterator[str]:
    rows = [("-", row) for row in found.removed] + [("+", row) for row in found.added]
    if rows:
        table = [list(map(_cell, row)) for _, row in rows]
        head = [_cut(_plain(name)) for name in found.columns]
        widths = [max(map(width, column)) for column in zip(head, *table, strict=True)]
        yield _row(" ", head, widths)
        for (mark, _), cells in zip(rows, table, strict=True):
            yield _row(mark, cells, widths)
    yield from map(_changed_line, found.changed)


def _row(mark: str, cells: Sequence[str], widths: Sequence[int]) -> str:
    """Return one line; cells that have no room on it are left out."""
    text = ""
    for cell, columns in zip(cells, widths, strict=True):
        if text and len(text) + columns > ROW_WIDTH:
            text += "..."
            break
        text += padded(cell, columns + 2)
    return f"    {coloured(mark, ' ' + text.rstrip())}"


def _changed_line(row: ChangedRow) -> str:
    key = ", ".join(map(_cell, row.key))
    cells = [
        f"{_cut(_plain(name))} {_cell(old)} -> {_cell(new)}"
        for name, (old, new) in row.cells.items()
    ]
    return f"    {coloured('~', f' {key}: {_some(cells)}')}"


def _cell(value: Cell) -> str:
    if value is None:
        return _NULL
    if not value or value == _NULL or value != value.strip():
        value = f'"{value}"'
    return _cut(_plain(value))


def _plain(text: str) -> str:
    """Return ``text`` without what would break a line of a table."""
    return visible(text).replace("\t", "\\t")


def _cut(text: str) -> str:
    return text if len(text) <= CELL_WIDTH else text[: CELL_WIDTH - 3] + "..."
