"""The shared tree at any revision, open for as long as somebody reads, from any thread."""

import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from cas_sync.engine.at_revision import (
    History,
    Subfolder,
    history,
    parsed,
    rows_below,
    rows_in,
    unknown,
)
from cas_sync.engine.repository import Connection, Traffic
from cas_sync.engine.revisions import Revision
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.errors import UsageError
from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import sort_key
from cas_sync.model.tree import Content, Entry
from cas_sync.store.objects import ObjectReader

KNOWN_ROWS = 16_384
"""Rows that are kept in memory: who reads many files asks for each of them several times."""


@dataclass
class _State:
    """What was read of the store at one moment.

    Attributes:
        history: The repository and its head.
        reader: Reads contents through that head.
        revisions: What each text means; found once.
    """

    history: History
    reader: ObjectReader
    revisions: dict[str, Revision] = field(default_factory=dict)


class TreeReader:
    """Reads the shared tree at any revision; may be used from any thread.

    The head is read when something is asked for the first time, and what a revision means is
    found once: until `forget`, equal questions have equal answers, whatever others publish
    meanwhile. A process that was forked opens a connection of its own.

    Args:
        settings: Where the store is.
        surroundings: How to reach it.
    """

    def __init__(self, settings: Settings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._surroundings = surroundings
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._connection: Connection | None = None
        self._state: _State | None = None
        self._rows: OrderedDict[tuple[ObjectId, str], Entry] = OrderedDict()

    def forget(self) -> None:
        """Read the head again when something is asked next."""
        self._of_this_process()
        with self._lock:
            self._state = None

    def revision(self, text: str) -> Revision:
        """Return the commit that ``text`` means; see `find_revision`.

        Raises:
            UsageError: It means none, or several, or nothing was published yet.
        """
        state = self._opened()
        with self._lock:
            if text not in state.revisions:
                state.revisions[text] = state.history.revision(text)
            return state.revisions[text]

    def find(self, revision: Revision, path: str) -> Entry | None:
        """Return the row of a file or link, reading a page a level.

        Raises:
            UsageError: No file can be called so.
        """
        name, state = parsed(path), self._opened()
        with self._lock:
            found = self._rows.get((revision.id, name))
        if found is None and name:
            manifest = state.history.repo.versions
            found = manifest.find(revision.versions, sort_key(name))
            if found is not None:
                self._keep(revision, found)
        return found

    def is_folder(self, revision: Revision, path: str) -> bool:
        """Return whether anything lies below ``path``; the top is a folder in any case."""
        name = parsed(path)
        if not name:
            return True
        first = next(rows_in(self._opened().history.repo, revision, name), None)
        return first is not None and first.path != name

    def rows_in(self, revision: Revision, path: str) -> Iterator[Entry | Subfolder]:
        """Yield what lies in a folder, or the file itself; nothing where there is neither."""
        repo = self._opened().history.repo
        for each in rows_in(repo, revision, parsed(path)):
            if isinstance(each, Entry):
                self._keep(revision, each)
            yield each

    def below(self, revision: Revision, path: str) -> Iterator[Entry]:
        """Yield the files below a folder, or the file itself; nothing where neither is."""
        for each in rows_below(self._opened().history.repo, revision, parsed(path)):
            self._keep(revision, each)
            yield each

    def unknown(self, revision: Revision, path: str) -> UsageError:
        """Return the error of a path that is not there, with names that are near it."""
        return unknown(self._opened().history.repo, revision, parsed(path))

    def read(self, content: Content, offset: int, length: int) -> bytes:
        """Return a part of a file, reading only the chunks that cover it.

        Raises:
            DamageError: Something is missing, or is not what its name says.
        """
        return b"".join(self._opened().reader.read_range(content, offset, length))

    def stream(self, content: Content) -> Iterator[bytes]:
        """Yield the bytes of a file in pieces; good only if it comes to its end.

        Raises:
            DamageError: Something is missing, or is not what its name says.
        """
        return self._opened().reader.stream(content)

    def traffic(self) -> Traffic:
        """Return what was sent and received so far."""
        return self._opened().history.traffic()

    def _keep(self, revision: Revision, row: Entry) -> None:
        with self._lock:
            self._rows[revision.id, row.path] = row
            if len(self._rows) > KNOWN_ROWS:
                self._rows.popitem(last=False)

    def _opened(self) -> _State:
        self._of_this_process()
        with self._lock:
            if self._connection is None:
                self._connection = Connection(self._settings, self._surroundings)
                weakref.finalize(self, _close, self._connection, self._pid)
            if self._state is None:
                connection = self._connection
                repo, head = history(connection, connection.read_head(), self._settings)
                past = History(connection, repo, head, self._surroundings.clock.now())
                self._state = _State(past, repo.reader(head, sparse=True))
            return self._state

    def _of_this_process(self) -> None:
        if self._pid != os.getpid():
            # After a fork: threads and sockets are the parent's, and the lock may be held.
            self._begin()


def _close(connection: Connection, pid: int) -> None:
    if os.getpid() == pid:
        connection.close()
