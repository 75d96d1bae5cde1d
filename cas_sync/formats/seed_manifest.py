"""The CSV files of s3synchrony, as they are found: what parses is used, the rest is told.

They were written by pandas, raced, cut short and opened in spreadsheets, so nothing is
believed that is not plainly there: a line stands for itself, and a damaged one costs
itself alone. Every cell is text; a name is never guessed from what pandas made of it.
"""

import csv
import re
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from cas_sync.formats.rows import MAX_LINE, tidy
from cas_sync.model.foreign import UNKNOWN, SeedRow
from cas_sync.model.tree import Timestamp, timestamp

COLUMNS = ("File", "Edited By", "Time Edited", "Checksum")

_MD5 = re.compile(r"[0-9a-fA-F]{32}")

ToUtc = Callable[[datetime], datetime]
"""Gives a time without a zone the zone it was written in."""


class BadLine(NamedTuple):
    """A line that stands for no row.

    Attributes:
        number: Of the line, from 1.
        text: The line, shortened.
        reason: Why not.
    """

    number: int
    text: str
    reason: str


class SeedManifest(NamedTuple):
    """What a manifest holds.

    Attributes:
        rows: In the order of the file; a name may come several times.
        bad: The lines that stand for none.
    """

    rows: list[SeedRow]
    bad: list[BadLine]


def is_manifest(first_line: bytes) -> bool:
    """Say whether a file that begins so is one of s3synchrony's manifests and not ours."""
    header = _cells(_text(first_line.removeprefix(b"\xef\xbb\xbf")))
    return header is not None and _is_header(header)


def load(data: bytes, to_utc: ToUtc) -> SeedManifest:
    """Return the rows of a manifest, however damaged it is.

    Args:
        data: The file.
        to_utc: Reads the times, which carry no zone.
    """
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    header = _cells(_text(lines[0]))
    if header is None or not _is_header(header):
        return SeedManifest(
            [], [BadLine(1, _short(lines[0]), "it is no header s3synchrony wrote")]
        )
    at = tuple(header.index(name) for name in COLUMNS)
    found = SeedManifest([], [])
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        row = _row(_cells(_text(line)), len(header), at, to_utc)
        if isinstance(row, SeedRow):
            found.rows.append(row)
        else:
            found.bad.append(BadLine(number, _short(line), row))
    return found


def _is_header(cells: list[str]) -> bool:
    # Ours have more columns; pandas adds nameless ones, or some called "Unnamed: 0".
    others = [name for name in cells if name not in COLUMNS]
    return all(cells.count(name) == 1 for name in COLUMNS) and all(
        not name or name.startswith("Unnamed:") for name in others
    )


def _row(
    cells: list[str] | None, n_columns: int, at: tuple[int, ...], to_utc: ToUtc
) -> SeedRow | str:
    """Return the row, or why there is none."""
    if cells is None:
        return "it is not CSV"
    if len(cells) != n_columns:
        return f"it has {len(cells)} cells and not {n_columns}: cut short?"
    name, editor, edited, md5 = (cells[i] for i in at)
    if not name:
        return "it names no file: pandas takes names such as NA for nothing"
    if _MD5.fullmatch(md5) is None:
        return "its checksum is none"
    return SeedRow(name, tidy(editor) or UNKNOWN, _time(edited, to_utc), md5.lower())


def _time(text: str, to_utc: ToUtc) -> Timestamp | None:
    try:
        when = datetime.fromisoformat(text.strip())
        return timestamp(when if when.tzinfo is not None else to_utc(when))
    except (ValueError, OverflowError, OSError):
        return None  # no calendar, or not this machine's, holds it


def _text(line: bytes) -> str | None:
    try:
        return line.removesuffix(b"\r").decode()
    except UnicodeDecodeError:
        return None


def _cells(line: str | None) -> list[str] | None:
    if line is None or len(line) > MAX_LINE:
        return None
    try:
        return next(csv.reader([line], strict=True), None)
    except csv.Error:
        return None


def _short(line: bytes) -> str:
    return tidy(line.decode("utf-8", "replace"))
