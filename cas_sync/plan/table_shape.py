"""What the first lines of a table say: what separates its cells, and what its columns are.

A guess is made only where the format leaves no choice, and the same way for both versions
of a file, so that a wrong one shows as more differences and never as none.
"""

import csv
import io
import re
from collections.abc import Sequence
from typing import NamedTuple

_SEPARATORS = ",;\t|"
_NUMBER = re.compile(r"\s*[-+]?(\d[\d.,]*|\.\d+)([eE][-+]?\d+)?\s*%?\s*")


class Shape(NamedTuple):
    """How a CSV file begins.

    Attributes:
        separator: What stands between cells.
        cells: The cells of its first record; none where the file is empty.
    """

    separator: str
    cells: tuple[str, ...]


def read_shape(text: str, separator: str = "") -> Shape | str:
    """Return how a CSV file begins; a text says why that cannot be told.

    Args:
        text: The beginning of the file, with its first record.
        separator: What stands between cells; empty to guess it from the first record.
    """
    if not text:
        return Shape(separator or ",", ())
    if "\0" in text:
        return "it is not text"
    separator = separator or _separator(text)
    try:
        cells = next(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:
        return f"its first line cannot be read ({error})"
    if not cells:
        return "it begins with an empty line"
    return Shape(separator, tuple(cells))


def _separator(text: str) -> str:
    counts = dict.fromkeys(_SEPARATORS, 0)
    is_quoted = False
    for char in text:
        if char == '"':
            is_quoted = not is_quoted
        elif not is_quoted and char in counts:
            counts[char] += 1
        elif not is_quoted and char in "\r\n":
            break
    return max(counts, key=lambda each: counts[each])


def has_header(old: Sequence[str], new: Sequence[str], key: Sequence[str] = ()) -> bool:
    """Say whether the first records of both versions name the columns.

    They do, unless they hold numbers only, or differ as rows do: they share no cell, or only
    numbers changed. Who names a key that both hold says that they do.
    """
    if not old or not new or (key and set(key) <= set(old) & set(new)):
        return True
    if len(old) != len(new):
        return True
    if sorted(old) == sorted(new):
        return not all(map(_is_number, old))
    differ = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
    numbers = all(_is_number(a) and _is_number(b) for a, b in differ)
    return not numbers and not set(old).isdisjoint(new)


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def name_columns(cells: Sequence[str], *, are_names: bool) -> list[str]:
    """Return a name for each column, no two alike: ``column2`` where there is none."""
    taken: set[str] = set()
    names = []
    for n, cell in enumerate(cells, 1):
        name = cell if are_names and cell.strip() else f"column{n}"
        at = name
        for again in range(2, len(cells) + 2):
            if at not in taken:
                break
            at = f"{name}_{again}"
        taken.add(at)
        names.append(at)
    return names
