"""Where single objects lie, without loading large index segments for them."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager

from cas_sync.errors import DamageError, FormatError
from cas_sync.formats.index import (
    Layout,
    Segment,
    SegmentEntry,
    Window,
    load_packs,
    next_span,
    search_key,
)
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import IndexRoot, Kind, Location, PackName
from cas_sync.store.bucket import Bucket
from cas_sync.store.index import IndexSet, Wanted, place_of

SMALL = 256 << 10
"""A segment up to this length, in bytes, is loaded whole and kept for this machine."""

WINDOW = 1024
"""Entries that are read together, 50 KiB of them."""

PACKS = 256
"""Names of packs that are read together, 16 KiB of them."""

ROUNDS = 4
"""So many windows are read for one object at most; hardly ever more than two are needed."""

FEW = 16
"""So many objects are worth being looked up one after the other."""

MANY = 64
"""More objects are not looked up one by one in a segment of less than 64 MiB."""


class SparseIndex:
    """Locates objects through the index roots of one head, for those who need only a few.

    Small segments, and those this machine has a copy of, are used whole. In any other an
    object is found by a window or two of its entries, in all of them side by side, and by
    a part of the list of packs of the one that has it. What was read is kept in memory. A
    segment is loaded whole after all where so many objects are looked up that a quarter
    of it would be read, or more than `MANY` of them (or one for each MiB it is long).

    No checksum covers a window. So what is found there may be wrong, and what is not found
    may be there all the same: see `find_all` and `confirm`.

    Args:
        bucket: The store.
        pool: Runs requests side by side; must not run what calls `find_all`.
        whole: Loads whole segments of the same roots.
    """

    def __init__(self, bucket: Bucket, pool: Executor, whole: IndexSet) -> None:
        self._bucket = bucket
        self._pool = pool
        self._whole = whole
        self._parts: list[_Part] | None = None
        self._seen: dict[Wanted, _Part] = {}

    def find_all(
        self, wanted: Sequence[Wanted], *, sure: bool = False
    ) -> list[Location | None]:
        """Return where each object should lie, or `None` where it was not found.

        Args:
            wanted: Id and kind of each.
            sure: Whether `None` must mean that this head does not know the object; where
                one is not found, every segment is loaded whole.

        Raises:
            DamageError: An index segment is missing or not what its name says.
        """
        parts = self._opened()
        found: dict[Wanted, Location] = {}
        while True:
            found |= _in_segments(parts, _without(wanted, found))
            found |= self._in_windows(parts, _without(wanted, found))
            large = [part for part in parts if part.segment is None]
            loading = large if sure else [part for part in large if part.is_doubtful]
            if not loading or not _without(wanted, found):
                return [found.get(each) for each in wanted]
            list(self._pool.map(self._load, loading))
            if sure:
                found = {}  # what windows said is looked up again

    def holds(self, oid: ObjectId, kind: Kind) -> bool:
        """Say whether the store surely holds the object; it may, where the answer is no.

        What is said to be there is not stored again, so a window is not enough to say so:
        the segment is loaded, and every byte of it checked. That a window does not show it
        is enough, because the worst that comes of it is that it is stored twice.
        """
        (where,) = self.find_all([(oid, kind)])
        return where is not None and self.confirm(where) is not None

    def confirm(self, where: Location) -> Location | None:
        """Return where the object of ``where`` lies by a segment with every byte checked."""
        part = self._seen.get((where.id, where.kind))
        if part is None:
            return where
        # This may run in the pool, so it does not use it.
        for each in (part, *self._opened()):
            found = self._load(each).find(where.id, where.kind)
            if found is not None:
                return found
        return None

    def _opened(self) -> "list[_Part]":
        if self._parts is None:
            self._parts = list(self._pool.map(self._open, reversed(self._whole.roots)))
        return self._parts

    def _open(self, root: IndexRoot) -> "_Part":
        try:
            part = _Part(root)
        except FormatError as error:
            raise FormatError(f"index {root.name}: {error}") from error
        is_small = part.layout.size <= SMALL
        part.segment = self._whole.load(root) if is_small else self._whole.copy(root)
        return part

    def _load(self, part: "_Part") -> Segment:
        if part.segment is None:
            part.segment = self._whole.load(part.root)
        return part.segment

    def _in_windows(
        self, parts: "list[_Part]", wanted: Sequence[Wanted]
    ) -> dict[Wanted, Location]:
        """Return what those segments know that are not loaded, reading what tells it."""
        for n in range(ROUNDS + 1):
            met = _met(parts, wanted)
            missing = _without(wanted, {(entry.id, entry.kind) for _, entry in met})
            asked: list[tuple[_Part, tuple[int, int]]] = []
            for part in _sparse(parts):
                spans = part.spans(missing)
                if not n:
                    part.n_asked += len(spans)
                if spans and (n == ROUNDS or part.n_asked > part.most):
                    part.is_doubtful = True
                else:
                    asked += [(part, span) for span in _joined(spans)]
            if not asked:
                break
            list(self._pool.map(self._read_window, asked))
        blocks = {(part, entry.pack // PACKS) for part, entry in met if part.lacks(entry.pack)}
        list(self._pool.map(self._read_packs, blocks))
        found = {}
        for part, entry in met:
            if entry.pack in part.packs:
                found[entry.id, entry.kind] = entry.within(part.packs[entry.pack])
                self._seen[entry.id, entry.kind] = part
            else:
                part.is_doubtful = True
        return found

    def _read_window(self, asked: "tuple[_Part, tuple[int, int]]") -> None:
        part, (first, end) = asked
        data = self._read(part, part.layout.entry_range(first, end))
        with part.doubting():
            part.windows.append(Window(data, first))

    def _read_packs(self, asked: "tuple[_Part, int]") -> None:
        part, block = asked
        first = block * PACKS
        end = min(first + PACKS, part.layout.packs)
        data = self._read(part, part.layout.pack_range(first, end))
        with part.doubting():
            part.packs |= dict(enumerate(load_packs(data), start=first))

    def _read(self, part: "_Part", place: tuple[int, int]) -> bytes:
        offset, length = place
        data = None
        with part.doubting():
            data = self._bucket.get_range(part.key, part.offset + offset, length)
        return data or b""


class _Part:
    """One segment and what is known of it.

    Attributes:
        segment: The whole segment, once it was loaded and so checked.
        windows: The entries that were read of one that is not.
        packs: Names of packs by number, as far as they were read.
        is_doubtful: Whether it must be loaded whole: something is wrong with what was read,
            or too much would have to be read.
        n_asked: Windows that were asked for first, one an object at most.
        most: How many of them are worth reading.
    """

    def __init__(self, root: IndexRoot) -> None:
        self.root = root
        self.key, self.offset, size = place_of(root)
        self.layout = Layout.of(size, root.entries)
        self.segment: Segment | None = None
        self.windows: list[Window] = []
        self.packs = {0: PackName(root.name)} if root.is_pack else {}
        self.is_doubtful = False
        self.n_asked = 0
        _, length = self.layout.entry_range(0, WINDOW)
        self.most = max(min(MANY, size // (4 * length)), size >> 20)

    @contextmanager
    def doubting(self) -> Iterator[None]:
        """Doubt the segment, rather than fail, where its bytes are not what they should be."""
        try:
            yield
        except DamageError:
            self.is_doubtful = True

    def find(self, each: Wanted) -> SegmentEntry | None:
        """Return an object's entry, where a window holds it."""
        with self.doubting():
            for window in self.windows:
                if (entry := window.find(*each)) is not None:
                    return entry
        return None

    def lacks(self, number: int) -> bool:
        """Say whether the name of a pack has to be read."""
        return number not in self.packs and number < self.layout.packs

    def spans(self, wanted: Iterable[Wanted]) -> set[tuple[int, int]]:
        """Return which entries to read next to find ``wanted``."""
        spans = (
            next_span(self.layout, self.windows, search_key(*each), WINDOW) for each in wanted
        )
        return {span for span in spans if span is not None}


def _sparse(parts: Iterable[_Part]) -> list[_Part]:
    return [part for part in parts if part.segment is None and not part.is_doubtful]


def _without(wanted: Iterable[Wanted], found: Collection[Wanted]) -> list[Wanted]:
    return [each for each in wanted if each not in found]


def _in_segments(parts: Iterable[_Part], wanted: Iterable[Wanted]) -> dict[Wanted, Location]:
    segments = [part.segment for part in parts if part.segment is not None]
    found = {}
    for each in wanted:
        key = search_key(*each)
        for segment in segments:
            i = segment.search(key)
            if i is not None:
                found[each] = segment.at(i)
                break
    return found


def _met(parts: Iterable[_Part], wanted: Sequence[Wanted]) -> list[tuple[_Part, SegmentEntry]]:
    """Return the entries of ``wanted`` that windows hold."""
    sparse = _sparse(parts)
    found = [(part, part.find(each)) for each in wanted for part in sparse]
    return [(part, entry) for part, entry in found if entry is not None]


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return ``spans`` with those that overlap made one."""
    joined: list[tuple[int, int]] = []
    for first, end in sorted(spans):
        if joined and first <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((first, end))
    return joined
