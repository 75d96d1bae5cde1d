"""Finds wanted contents on this machine, so that they need not be downloaded.

Nothing that is found is believed: files are edited, moved and removed at any moment, and one
of the lists is for people, who may edit it. Whoever takes bytes from here proves them by
their id, and has them from the store where they are not what was wanted.
"""

import contextlib
import io
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from cas_sync.model.ids import ObjectId
from cas_sync.model.tree import Content, Mode
from cas_sync.worktree.deletions import read_removed
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.index import LocalRow

MOST = 100_000
"""So many different contents are looked for, so that memory is bounded."""

_PLACES = 3
"""So many places of one content are remembered."""

_BLOCK = 1 << 20


class Place(NamedTuple):
    """Where a content lies, or lay.

    Attributes:
        folder: A folder.
        path: A file in it.
    """

    folder: Folder
    path: str


class LocalContents:
    """Where wanted contents lie on this machine, as far as is known.

    One thread may ask what is here while another takes it.

    Args:
        wanted: What is to be written, once for each file; of more than `MOST` contents
            only the first are looked for.
    """

    def __init__(self, wanted: Iterable[Content]) -> None:
        self._left: Counter[ObjectId] = Counter()
        for oid, size, mode in wanted:
            if size and mode is not Mode.LINK and (len(self._left) < MOST or oid in self._left):
                self._left[oid] += 1
        self._places: dict[ObjectId, list[Place]] = {}

    def look_in_index(self, folder: Folder, rows: Iterable[LocalRow]) -> None:
        """Find what files of the data folder hold, as they were scanned."""
        for row in rows:
            if row.content.id in self._left and row.content.mode is not Mode.LINK:
                self._note(row.content.id, Place(folder, row.on_disk))

    def look_in_kept(self, folder: Folder, list_path: str) -> None:
        """Find what was removed from the data folder by syncs and is kept there.

        Args:
            folder: The data folder.
            list_path: Its `deleted_remote.csv`.
        """
        for oid, kept_as in read_removed(list_path):
            if oid in self._left:
                self._note(oid, Place(folder, kept_as))

    def look_in_cache(self, folder: Folder) -> None:
        """Find files that were fetched before: ``<2 digits>/<id>/<any name>`` in ``folder``."""
        by_start: dict[str, list[ObjectId]] = {}
        for oid in self._left:
            by_start.setdefault(oid.hex()[:2], []).append(oid)
        for start in set(_names(folder, "")) & by_start.keys():
            here = set(_names(folder, start))
            for oid in by_start[start]:
                if (digits := oid.hex()) in here:
                    for name in _names(folder, f"{start}/{digits}"):
                        self._note(oid, Place(folder, f"{start}/{digits}/{name}"))

    def _note(self, oid: ObjectId, place: Place) -> None:
        places = self._places.setdefault(oid, [])
        if len(places) < _PLACES:
            places.append(place)

    def came_to(self, place: Place, content: Content) -> None:
        """Note that a content lies at a place now, whatever was known before."""
        if content.id in self._left and content.mode is not Mode.LINK:
            places = self._places.setdefault(content.id, [])
            places.insert(0, place)
            del places[_PLACES:]

    def has(self, content: Content) -> bool:
        """Say whether a content seems to be here; places where it is not are forgotten."""
        places = self._places.get(content.id, [])
        for place in list(places):
            if _may_hold(place, content):
                return content.mode is not Mode.LINK
            self.forget(content, place)
        return False

    def places(self, content: Content) -> list[Place]:
        """Return where a content may lie, the likeliest first."""
        return list(self._places.get(content.id, ()))

    def forget(self, content: Content, place: Place) -> None:
        """Note that a content is not at a place."""
        with contextlib.suppress(ValueError):
            self._places.get(content.id, []).remove(place)

    def is_left(self, content: Content) -> bool:
        """Say whether a content is wanted by a file that was not written yet."""
        return self._left[content.id] > 0

    def wrote(self, content: Content) -> None:
        """Note that one file that wanted a content has it."""
        if content.id in self._left:
            self._left[content.id] -= 1


class Repeats:
    """Where contents lie that one checkout has written: each is read from the store once.

    Args:
        folder: Where it writes.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._paths: dict[ObjectId, str] = {}

    def has(self, content: Content) -> bool:
        """Say whether a content was noted."""
        return content.id in self._paths

    def note(self, contents: Iterable[Content]) -> None:
        """Note that contents are being written; of more than `MOST` the others are not."""
        if len(self._paths) < MOST:
            for oid, size, mode in contents:
                if size and mode is not Mode.LINK:
                    self._paths.setdefault(oid, "")

    def lies_at(self, path: str, content: Content) -> None:
        """Note where a content lies now; it is not believed unread."""
        if content.id in self._paths:
            self._paths[content.id] = path

    def places(self, content: Content) -> list[Place]:
        """Return where a content may lie."""
        path = self._paths.get(content.id)
        return [Place(self._folder, path)] if path else []


def pour(place: Place, content: Content, write: Callable[[memoryview], None]) -> bool:
    """Read a file that may hold a content into ``write``; `False` if it cannot be that.

    What was read is proved by nobody yet.
    """
    try:
        fd, found = place.folder.open_read(place.path)
    except OSError:
        return False
    with io.FileIO(fd, "rb") as source:
        left = content.size
        if found.st_size != left:
            return False
        buffer = memoryview(bytearray(min(_BLOCK, left + 1)))
        while True:
            try:
                n_read = source.readinto(buffer)
            except OSError:
                return False
            if not n_read:
                return left == 0
            left -= n_read
            if left < 0:
                return False  # it grows
            write(buffer[:n_read])


def _may_hold(place: Place, content: Content) -> bool:
    try:
        found = place.folder.stat(place.path)
    except OSError:
        return False
    return found is not None and found.st_size == content.size


def _names(folder: Folder, path: str) -> Iterator[str]:
    """Yield what lies in a folder; nothing where it cannot be read."""
    try:
        with folder.scandir(path) as entries:
            names = [os.fsdecode(entry.name) for entry in entries]
    except OSError:
        return
    yield from names
