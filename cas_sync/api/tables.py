"""Results as tables for notebooks; every text in them is escaped."""

from collections.abc import Iterable, Sequence
from html import escape
from itertools import islice

MOST_ROWS = 100
"""A table shows no more: the value itself holds them all."""


def table(title: str, header: Sequence[str], rows: Iterable[Sequence[object]], n: int) -> str:
    """Return an HTML table.

    Args:
        title: What it is of.
        header: Names of the columns.
        rows: Its rows; only the first `MOST_ROWS` are shown.
        n: Number of all rows.
    """
    parts = [f"<p>{escape(title)}</p>"]
    if n:
        parts.append(f"<table><thead>{_row('th', header)}</thead><tbody>")
        parts += [_row("td", row) for row in islice(rows, MOST_ROWS)]
        parts.append("</tbody></table>")
    if n > MOST_ROWS:
        parts.append(f"<p>... and {n - MOST_ROWS:,} more</p>")
    return "".join(parts)


def _row(tag: str, cells: Iterable[object]) -> str:
    shown = ("" if cell is None else cell for cell in cells)
    texts = (f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in shown)
    return f"<tr>{''.join(f'<{tag}>{escape(text)}</{tag}>' for text in texts)}</tr>"
