"""Paths as people type them, as manifests have them."""

import os
from pathlib import Path

from cas_sync.engine.at_revision import Named
from cas_sync.engine.named import below_data
from cas_sync.engine.revisions import LATEST, split_named
from cas_sync.errors import UsageError


def inside_data(path: str, data: Path, start: Path) -> str:
    """Return a path the user named, relative to the data folder; it may be deleted by now.

    It is meant from where they are, else from the data folder.

    Raises:
        UsageError: It is not in the data folder.
    """
    found = (below_data(base / path, data) for base in (start.resolve(), data))
    inside = [each for each in found if each is not None]
    if not inside:
        raise UsageError(f"{path} is not in the data folder {data}")
    return next((each for each in inside if os.path.lexists(data / each)), inside[0])


def named_at(text: str, data: Path, start: Path) -> Named:
    """Return what ``REV:PATH`` means; without a revision, the path at the latest.

    Raises:
        UsageError: The path is not in the data folder.
    """
    # What Windows calls C:\data\x.csv has a colon, too.
    rev, path = (LATEST, text) if Path(text).is_absolute() else split_named(text)
    return Named(rev, inside_data(path, data, start) if path else "")
