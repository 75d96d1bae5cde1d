"""Values as text for people."""

import unicodedata
from collections.abc import Mapping

SHOWN_PER_GROUP = 15


def size(n_bytes: int) -> str:
    """Return a size in IEC units: ``2.4 MiB``."""
    value = float(n_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def plural(n: int, word: str) -> str:
    """Return ``1 file``, ``1,204 files``."""
    return f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )


def padded(text: str, columns: int) -> str:
    """Return ``text`` with spaces up to so many columns of a terminal."""
    return text + " " * (columns - width(text))


def ignored_line(n: int, names: Mapping[str, int]) -> str:
    """Return how much was ignored, and some of the names: ``.DS_Store 2``; folders end in /."""
    some = [f"{name} {count}" for name, count in list(names.items())[:3]]
    more = ["..."] if len(names) > 3 else []
    return f"ignored {plural(n, 'name')} ({', '.join([*some, *more])})"


def traffic_line(requests: Mapping[str, int], bytes_down: int) -> str:
    """Return what a look at the store cost: ``4 requests, 12.3 KiB received``."""
    return f"{plural(sum(requests.values()), 'request')}, {size(bytes_down)} received"


def visible(text: str) -> str:
    """Return ``text`` with all escaped that commands a terminal or misleads a reader."""
    return "".join(c if c.isprintable() or c == "\t" else _escaped(c) for c in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode()
