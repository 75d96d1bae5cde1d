"""Tables in files as SQL reads them, without a guess where none is needed."""

import codecs
import gzip
import zlib
from pathlib import Path
from typing import NamedTuple

from cas_sync.plan.table_shape import Shape, name_columns, read_shape

_HEAD_BYTES = 1 << 20


class Table(NamedTuple):
    """One version of a table.

    Attributes:
        source: What SQL reads it from; empty where there is nothing to read.
        columns: By name: how SQL names the column, and its type.
    """

    source: str
    columns: dict[str, tuple[str, str]]


NOTHING = Table("", {})
"""A version that is not there, or an empty file."""


def first_record(path: Path | None, suffix: str) -> Shape | str:
    """Return how a CSV file begins; a text says why that cannot be told."""
    if path is None:
        return Shape(",", ())
    try:
        with path.open("rb") as file:
            source = gzip.GzipFile(fileobj=file) if suffix.endswith(".gz") else file
            data = source.read(_HEAD_BYTES)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        return "it is not compressed as its name says"
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(data)
    except UnicodeDecodeError:
        return "it is not UTF-8 text"
    if len(data) == _HEAD_BYTES and "\n" not in text and "\r" not in text:
        return "its first line is too long for a table"
    return read_shape(text, "\t" if suffix.startswith(".tsv") else "")


def csv_table(path: Path | None, shape: Shape, suffix: str, *, are_names: bool) -> Table:
    """Return how SQL reads a CSV file: every cell as text, and nothing guessed from its rows.

    Args:
        path: The file; its name must be no pattern.
        shape: How it begins.
        suffix: Whether it is compressed.
        are_names: Whether its first record names the columns.
    """
    if path is None or not shape.cells:
        return NOTHING
    columns = [f"c{n}" for n in range(len(shape.cells))]
    types = ", ".join(f"'{each}': 'VARCHAR'" for each in columns)
    compression = "gzip" if suffix.endswith(".gz") else "none"
    source = (
        f"read_csv({quoted(str(path))}, auto_detect = false, header = {are_names}, "
        f"delim = {quoted(shape.separator)}, quote = '\"', escape = '\"', "
        f"columns = {{{types}}}, force_not_null = [{', '.join(map(quoted, columns))}], "
        f"strict_mode = true, hive_partitioning = false, compression = '{compression}')"
    )
    names = name_columns(shape.cells, are_names=are_names)
    return Table(
        source,
        {name: (each, "VARCHAR") for name, each in zip(names, columns, strict=True)},
    )


def quoted(value: str) -> str:
    """Return a text as SQL has it."""
    return "'" + value.replace("'", "''") + "'"


def quoted_name(value: str) -> str:
    """Return a name as SQL has it."""
    return '"' + value.replace('"', '""') + '"'
