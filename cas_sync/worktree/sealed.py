"""Text files of this machine that are whole or not believed at all.

A header line, rows that ascend by their first cell as a path, and a closing row
``#end,<rows>,<note>,<BLAKE3 of all before it>``. So that a change of one row does not
write all of them again, changes may be appended:

    #row,<place>,<row>       the row is new, or is what the one of its path is now
    #gone,<place>,<path>     there is no row of that path any more
    #end,<rows>,<note>,<end of the first rows>,<BLAKE3 of all before it>

A place is the byte at which the row of that path begins among the first rows, or where it
would. Of several changes of one path the last counts. Where a power cut tore what was
being appended, the file is what it was before that.
"""

import contextlib
import io
import os
import secrets
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import BinaryIO, NamedTuple, Self

from blake3 import blake3

from cas_sync.formats.rows import cell, first_cell
from cas_sync.model.paths import sort_key
from cas_sync.worktree.places import Places
from cas_sync.worktree.trouble import translated

_TAIL = 16 << 10
_BLOCK = 1 << 20
_DIGEST_CHARS = 64
MAX_NOTE_CHARS = 1000
_FLUSH_CHARS = 1 << 18
_END = b"\n#end,"

FEW = 4096
"""So many changes may be appended whatever the size of the file."""

SHARE = 64
"""One in so many rows may be an appended change; past that, all rows are written again."""

Changes = Callable[[], Iterable[tuple[str, str | None]]]
"""Yields paths in order, each with its row as it is now; `None` where it has none.

Called again where all rows are written again."""


class SealedWriter:
    """Writes a new file beside the old one, which stays until `commit`.

    Args:
        path: The file to replace.
        tmp_dir: Folder on the same disk for the unfinished file.
        header: First line, without its line feed.
    """

    def __init__(self, path: str, tmp_dir: str, header: str) -> None:
        self._path = path
        self._temp = os.path.join(tmp_dir, f"state-{secrets.token_hex(8)}")
        with translated(path):
            self._file = open(self._temp, "xb")  # noqa: SIM115 - closed by commit or abandon
        self._hasher = blake3()
        self._lines = [header]
        self._chars = 0
        self.n_rows = 0

    def write(self, line: str) -> None:
        """Add a row, given without its line feed."""
        self._lines.append(line)
        self.n_rows += 1
        self._chars += len(line)
        if self._chars > _FLUSH_CHARS:
            self._flush()

    def _flush(self) -> None:
        if self._lines:
            data = ("\n".join(self._lines) + "\n").encode()
            self._hasher.update(data)
            with translated(self._path):
                self._file.write(data)
            self._lines, self._chars = [], 0

    def commit(self, note: str, *, fsync: bool) -> None:
        """Close the file and put it in place of the old one.

        Args:
            note: What the reader is told without reading the rows; no comma, one line.
            fsync: Whether it is to survive a power cut.

        Raises:
            ValueError: ``note`` is not such a text.
            DiskFullError: There is no room; the old file stays.
            WorktreeError: It cannot be written; the old file stays.
        """
        try:
            _check_note(note)
        except ValueError:
            self.abandon()
            raise
        self._lines.append(f"#end,{self.n_rows},{note},")
        data = "\n".join(self._lines).encode()
        self._hasher.update(data)
        with translated(self._path):
            self._file.write(data + self._hasher.hexdigest().encode() + b"\n")
            self._file.flush()
            if fsync:
                os.fsync(self._file.fileno())
            self._file.close()
            os.replace(self._temp, self._path)

    def abandon(self) -> None:
        """Leave the old file as it is; may be called after `commit`."""
        self._file.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._temp)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.abandon()


class _Change(NamedTuple):
    """An appended change: where it belongs among the first rows, and the row as it is now."""

    place: int
    line: str | None


class SealedFile:
    """A sealed file as it was found.

    Attributes:
        note: What its writer noted; `None` where the file is missing or not whole.
        n_rows: Number of its rows.
    """

    def __init__(self, path: str, header: str) -> None:
        self._path = path
        self._header = header
        self.note: str | None = None
        self.n_rows = 0
        self._start = len(header.encode()) + 1
        self._end = self._start  # of the first rows
        self._size = 0
        self._changes: dict[str, _Change] = {}
        self._n_appended = 0
        self._hasher = blake3()
        with contextlib.suppress(OSError, ValueError):
            self._check()

    def _check(self) -> None:
        with open(self._path, "rb") as source:
            size = source.seek(0, os.SEEK_END)
            found = _last_end(source, size)
            if found is None:
                return
            begin, line = found
            mark, rows, note, *end, digest = line.decode().rstrip("\n").split(",")
            if mark != "#end" or len(digest) != _DIGEST_CHARS or len(end) > 1:
                return
            self._size = begin + len(line)
            hasher = _hash_of(source, self._size - _DIGEST_CHARS - 1)
            source.seek(0)
            header = source.readline().decode().rstrip("\n")
            if hasher is None or header != self._header or hasher.hexdigest() != digest:
                return
            hasher.update(f"{digest}\n".encode())
            self._hasher = hasher
            self._end = int(end[0]) if end else begin
            if end:
                source.seek(self._end)
                self._load_changes(source.read(begin - self._end).decode())
            self.n_rows, self.note = int(rows), note

    def _load_changes(self, text: str) -> None:
        changes = self._changes
        for line in text.split("\n"):
            if line.startswith("#end,") or not line:
                continue
            mark, place, rest = line.split(",", 2)
            changes[first_cell(rest)] = _Change(int(place), rest if mark == "#row" else None)
            self._n_appended += 1
        if changes:
            self._changes = dict(sorted(changes.items(), key=lambda each: sort_key(each[0])))

    def lines(self) -> Iterator[str]:
        """Yield the rows, without their line feeds; none of a file that is not whole."""
        if self.note is None:
            return iter(())
        if not self._changes:
            return self._first_rows()
        return self._changed_rows(self._changes)

    def _first_rows(self) -> Iterator[str]:
        with open(self._path, "rb") as source:
            source.seek(self._start)
            yield from _lines(source, self._start, self._end)

    def _changed_rows(self, changes: dict[str, _Change]) -> Iterator[str]:
        with open(self._path, "rb") as source:
            at = source.seek(self._start)
            for path, (place, line) in changes.items():
                if place > at:
                    yield from _lines(source, at, place)
                    at = place
                if at == place < self._end:
                    old = source.readline()
                    if first_cell(old[:-1].decode(errors="surrogateescape")) == path:
                        at += len(old)
                    else:
                        source.seek(at)
                if line is not None:
                    yield line
            yield from _lines(source, at, self._end)

    @contextlib.contextmanager
    def search(self) -> Iterator["Search"]:
        """Look for single rows; paths are asked for in order."""
        if self.note is None:
            yield Search(None, {})
            return
        with open(self._path, "rb") as source:
            yield Search(Places(source, self._start, self._end), self._changes)

    def append(self, changes: Changes, note: str, *, fsync: bool) -> int | None:
        """Append what has changed; what was read of this file before is not changed by it.

        Args:
            changes: What has changed.
            note: As for `SealedWriter.commit`.
            fsync: Whether it is to survive a power cut.

        Returns:
            The number of rows there are now; `None` where all should be written again,
            because the file is not whole or too much has changed. Nothing was done then.

        Raises:
            ValueError: ``note`` is not one short line.
            DiskFullError: There is no room; the file is as it was.
            WorktreeError: It cannot be written.
        """
        _check_note(note)
        room = max(FEW, self.n_rows // SHARE) - self._n_appended
        if self.note is None or room < 0:
            return None
        new = dict(islice(changes(), room + 1))
        if len(new) > room:
            return None
        lines, n_rows = [], self.n_rows
        with self.search() as search:
            for path, line in new.items():
                place, old = search.place(path)
                n_rows += (line is not None) - (old is not None)
                if line is not None:
                    lines.append(f"#row,{place},{line}\n")
                elif old is not None:
                    lines.append(f"#gone,{place},{cell(path)}\n")
        lines.append(f"#end,{n_rows},{note},{self._end},")
        data = "".join(lines).encode()
        hasher = self._hasher.copy()
        hasher.update(data)
        with translated(self._path), open(self._path, "r+b", buffering=0) as target:
            try:
                target.truncate(self._size)  # what a power cut may have left
                target.seek(self._size)
                _write_all(target, data + hasher.hexdigest().encode() + b"\n")
                if fsync:
                    os.fsync(target.fileno())
            except OSError:
                target.truncate(self._size)
                raise
        return n_rows

    def rewrite(
        self, path: str, changes: Changes, note: str, tmp_dir: str, *, fsync: bool
    ) -> int:
        """Write all rows again, with what has changed; return their number.

        Args:
            path: The file to replace: this one or another.
            changes: What has changed.
            note: As for `SealedWriter.commit`.
            tmp_dir: As for `SealedWriter`.
            fsync: Whether it is to survive a power cut.
        """
        with SealedWriter(path, tmp_dir, self._header) as writer:
            for line in merged(self.lines(), changes()):
                writer.write(line)
            writer.commit(note, fsync=fsync)
            return writer.n_rows

    def sample(self, fractions: Iterable[float]) -> Iterator[str]:
        """Yield the rows at some fractions of the file: 0 is the first, below 1 the last.

        Of those that were not appended.
        """
        if self.note is None or self._end == self._start:
            return
        with open(self._path, "rb") as source:
            for each in fractions:
                source.seek(self._start + int(each * (self._end - self._start)))
                source.readline()
                if source.tell() >= self._end:
                    source.seek(self._start)
                line = source.readline()[:-1].decode()
                now = self._changes.get(first_cell(line), _Change(0, line)).line
                if now is not None:
                    yield now


class Search:
    """Finds single rows of a sealed file; what is asked for must ascend.

    Args:
        places: Finds the first rows; `None` where there are none.
        changes: What was appended, by path, in order.
    """

    def __init__(self, places: Places | None, changes: dict[str, _Change]) -> None:
        self._places = places
        self._changes = changes
        self._keys = [sort_key(path) for path in changes]
        self._lines = [change.line for change in changes.values()]

    def place(self, path: str) -> tuple[int, str | None]:
        """Return where the row of a path is or would be among the first rows, and the row."""
        if (known := self._changes.get(path)) is not None:
            return known
        if self._places is None:
            return 0, None
        key = sort_key(path)
        place, found, line = self._places.find(key)
        return place, line if found == key else None

    def first_from(self, key: str) -> tuple[str, str] | None:
        """Return key and row of the first row that does not come before ``key``."""
        at = bisect_left(self._keys, key)
        while self._places is not None:
            _, found, line = self._places.find(key)
            while at < len(self._keys) and (found is None or self._keys[at] < found):
                if (changed := self._lines[at]) is not None:
                    return self._keys[at], changed
                at += 1
            if found is None:
                return None
            if at == len(self._keys) or self._keys[at] != found:
                return found, line
            if (changed := self._lines[at]) is not None:
                return found, changed
            at, key = at + 1, found + "\0"
        return None


def merged(lines: Iterable[str], changes: Iterable[tuple[str, str | None]]) -> Iterator[str]:
    """Yield rows with changes made; both in order of their paths."""
    pending = iter(changes)
    change = next(pending, None)
    key = sort_key(change[0]) if change is not None else ""
    for line in lines:
        if change is None:
            yield line
            continue
        at = sort_key(first_cell(line))
        while change is not None and key < at:
            if change[1] is not None:
                yield change[1]
            change = next(pending, None)
            key = sort_key(change[0]) if change is not None else ""
        if change is not None and key == at:
            if change[1] is not None:
                yield change[1]
            change = next(pending, None)
            key = sort_key(change[0]) if change is not None else ""
        else:
            yield line
    while change is not None:
        if change[1] is not None:
            yield change[1]
        change = next(pending, None)


def _lines(source: BinaryIO, start: int, end: int) -> Iterator[str]:
    """Yield the rows between two places, from where ``source`` stands."""
    rest = b""
    while start < end:
        data = source.read(min(_BLOCK, end - start))
        if not data:
            return
        start += len(data)
        whole, _, rest = (rest + data).rpartition(b"\n")
        if whole:
            # Whoever reads the rows refuses what is no text, with the line's number.
            yield from whole.decode(errors="surrogateescape").split("\n")


def _last_end(source: BinaryIO, size: int) -> tuple[int, bytes] | None:
    """Return the last closing row that is written to its end, and where it begins.

    What follows it is what a power cut left of changes that were being appended.
    """
    window = _TAIL
    while True:
        start = max(0, size - window)
        source.seek(start)
        text = source.read(size - start)
        text = text[: text.rfind(b"\n") + 1]
        begin = text.rfind(_END) + 1
        if begin:
            stop = text.index(b"\n", begin) + 1
            return start + begin, text[begin:stop]
        if not start:
            return None
        window *= 8


def _hash_of(source: BinaryIO, size: int) -> "blake3 | None":
    """Return the hash of the first ``size`` bytes; `None` where there are fewer."""
    hasher, buffer = blake3(), memoryview(bytearray(_BLOCK))
    source.seek(0)
    while size > 0:
        n = source.readinto(buffer[: min(size, _BLOCK)])  # type: ignore[attr-defined]
        if not n:
            return None
        hasher.update(buffer[:n])
        size -= n
    return hasher


def _check_note(note: str) -> None:
    if "," in note or '"' in note or not note.isprintable() or len(note) > MAX_NOTE_CHARS:
        raise ValueError("a note is one short line of text without commas")


def _write_all(target: io.RawIOBase, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[target.write(view) or 0 :]
