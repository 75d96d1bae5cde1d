"""What a `cas://` path says, once ``cas://`` is taken off it."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_AT_REVISION = re.compile(r"(?P<rev>@(?:~\d*)*|[^@/]+)@/?(?P<path>.*)", re.DOTALL)


class Place(NamedTuple):
    """What a path says.

    Attributes:
        rev: A revision; `None` where it names none.
        path: Below the data folder; empty for all of it.
        lead: What is written before that: ``v1@``, ``v1@/`` or nothing.
    """

    rev: str | None
    path: str
    lead: str


def split(text: str) -> Place:
    """Return what a path without ``cas://`` says.

    ``v1@raw/x.csv`` and ``v1@/raw/x.csv`` are the same; so are ``@~2@x`` and ``@@x`` (two
    before the latest, and the latest). ``raw/a@b.csv`` names no revision, nor does ``@x``.
    """
    match = _AT_REVISION.fullmatch(text)
    if match is None:
        return Place(None, text, "")
    return Place(match["rev"], match["path"], text[: match.start("path")])


def folders_above(path: str, top: str) -> Iterator[str]:
    """Yield the folders that ``path`` lies in, up to and with ``top``, if that has a name."""
    folder = path.rpartition("/")[0]
    while folder and len(folder) >= len(top):
        yield folder
        folder = folder.rpartition("/")[0]
