"""Manifests: trees of pages, written once, of which only what is asked for is read."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from itertools import chain, islice, pairwise
from typing import Any, Generic, NamedTuple, TypeVar

from cas_sync.errors import DamageError, FormatError
from cas_sync.formats import pages
from cas_sync.formats.page_rewriter import PageWriter, Rewriter
from cas_sync.formats.rows import RowCodec, cannot_follow
from cas_sync.model.commit import PageRef
from cas_sync.model.ids import ObjectId
from cas_sync.store.bucket import Bucket, Key, Moved, Stored
from cas_sync.store.cache import Cache
from cas_sync.store.jumps import Jumps
from cas_sync.store.old_pages import OldPages
from cas_sync.store.page_reader import (
    Asked,
    PageReader,
    asked_below,
    between,
    groups,
    is_within,
)

T = TypeVar("T")

KEYS = 1024
"""Keys that are looked up together."""

KEPT = 8 << 20
"""Of a written object that is no larger, in bytes, this machine keeps all pages."""


class Manifest(Generic[T]):
    """One kind of manifest in a store: its pages, read and written.

    Args:
        bucket: The store.
        cache: Where copies of pages are kept.
        pool: Runs fetches side by side.
        codec: How rows are written.
        key_of: Key of the stored object of pages called so.
    """

    def __init__(
        self,
        bucket: Bucket,
        cache: Cache,
        pool: Executor,
        codec: RowCodec[T],
        key_of: Callable[[str], str],
    ) -> None:
        self._bucket = bucket
        self._pool = pool
        self._codec = codec
        self._key_of = key_of
        self._pages = PageReader(bucket, cache, pool, key_of)

    def rows(self, root: PageRef | None) -> Iterator[T]:
        """Yield every row in order, holding only a few pages at a time."""
        yield from self._rows_of(list(self.leaves(root)))

    def find(self, root: PageRef | None, key: str) -> T | None:
        """Return the row of ``key``, reading one page a level."""
        return next(self.lookup(root, [key]))[1]

    def lookup(
        self, root: PageRef | None, keys: Iterable[str]
    ) -> Iterator[tuple[str, T | None]]:
        """Yield each key and its row, reading each page that may hold one of them once.

        Args:
            root: Root of the manifest.
            keys: What is asked for, ascending; `KEYS` of them are taken at a time.

        Raises:
            ValueError: The keys do not ascend.
        """
        coming = iter(keys)
        behind = ""
        # The last page of each level: the next keys may lie there too.
        held: dict[int, _Read] = {}
        while batch := list(islice(coming, KEYS)):
            if any(a > b for a, b in pairwise([behind, *batch])):
                raise ValueError("keys do not ascend")
            behind = batch[-1]
            yield from self._lookup(root, batch, held)

    def _lookup(
        self, root: PageRef | None, keys: list[str], held: "dict[int, _Read]"
    ) -> Iterator[tuple[str, T | None]]:
        level = self._asked(root, keys, held)
        n_within = sum(len(each.keys) for each in level)
        done = 0
        for some in groups([each.ref for each in level]):
            group = level[done : done + len(some)]
            done += len(some)
            for (ref, data), (_, asked) in zip(
                self._read_asked(group, held), group, strict=True
            ):
                rows = {
                    self._codec.key(row): row for row in pages.load_leaf(data, ref, self._codec)
                }
                yield from ((key, rows.get(key)) for key in asked)
        yield from ((key, None) for key in keys[n_within:])

    def _asked(
        self, root: PageRef | None, keys: list[str], held: "dict[int, _Read]"
    ) -> list[Asked]:
        """Return the pages of rows that may hold ``keys``, but for those behind all."""
        within = [key for key in keys if root is not None and key <= root.last]
        level = [Asked(root, within)] if root is not None and within else []
        while level and level[0].ref.level:
            read = zip(self._read_asked(level, held), level, strict=True)
            level = [
                each for (_, below), (_, asked) in read for each in asked_below(below, asked)
            ]
        return level

    def _read_asked(self, asked: list[Asked], held: "dict[int, _Read]") -> "list[_Read]":
        refs = [each.ref for each in asked]
        first = held.get(refs[0].level)
        found = [first] if first is not None and first.ref == refs[0] else []
        more = refs[len(found) :]
        ask = self._pages.branches if refs[0].level else self._pages.read
        found += map(_Read, more, ask(more))
        held[refs[0].level] = found[-1]
        return found

    def between(self, root: PageRef | None, start: str, end: str | None) -> Iterator[T]:
        """Yield the rows whose keys lie from ``start`` up to ``end``, reading only their pages.

        Args:
            root: Root of the manifest.
            start: First key that is meant.
            end: First key after it that is not; `None` where all are.
        """
        if not start and end is None:
            yield from self.rows(root)
            return
        level = between([] if root is None else [root], start, end)
        while level and level[0].level:
            level = between(self._below(level), start, end)
        for row in self._rows_of(level):
            if is_within(self._codec.key(row), start, end):
                yield row

    def jumping(
        self,
        root: PageRef | None,
        start: str,
        end: str | None,
        skip: Callable[[T], str | None],
    ) -> Iterator[T]:
        """Yield rows from ``start`` up to ``end``, without reading what is skipped.

        Pages are read one at a time after a jump and ever more together while the walk goes
        from page to page, so at most about half of what is read was not needed.

        Args:
            root: Root of the manifest.
            start: First key that is meant.
            end: First key after it that is not; `None` where all are.
            skip: Called with each row that was yielded, once the next one is asked for.
                Returns the key to go on from; `None`, or one that lies behind, means the
                next row.
        """
        if root is not None:
            yield from Jumps(self._pages, self._codec, start, end, skip).rows([root])

    def rebuild(self, name: str, known: Iterable[PageRef]) -> bytes | None:
        """Return the bytes of a stored object of pages from copies of this machine.

        Args:
            name: Its name, which has the hash of its bytes.
            known: Pages that it holds; those below them are found.

        Returns:
            `None` where a page has no copy here.
        """
        found: dict[int, bytes] = {}
        left = list(known)
        while left:
            ref = left.pop()
            data = self._pages.copy(ref)
            if data is None:
                return None
            found[ref.offset] = data
            if ref.level:
                left += (each for each in pages.load_branch(data, ref) if each.object == name)
        whole = b"".join(
            [f"{self._codec.header}\n".encode(), *(found[k] for k in sorted(found))]
        )
        return whole if str(ObjectId.of(whole)) == name.partition("_")[0] else None

    def leaves(self, root: PageRef | None) -> Iterator[PageRef]:
        """Yield references to the pages of rows, in order."""
        level = [] if root is None else [root]
        while level and level[0].level:
            level = list(self._below(level))
        yield from level

    def unseen(
        self, root: PageRef | None, seen: "SeenPages", spoilt: "Spoilt | None" = None
    ) -> Iterator[list[T]]:
        """Yield the rows of each page that was not met before, and note where pages lie.

        Every page that can be reached is noted, also where equal pages lie in two places.

        Args:
            root: Root of the manifest.
            seen: What was met before, of this manifest and others of its kind.
            spoilt: Is told of each page that cannot be had; without it that is an error.

        Raises:
            DamageError: A page cannot be had.
        """
        level = [] if root is None else [root]
        while level:
            fresh = [ref for ref in level if seen.note(ref)]
            if level[0].level == 0:
                new = [ref for ref in fresh if seen.note_rows(ref)]
                for group in groups(new):
                    yield from self._leaf_rows(group, spoilt)
                return
            level = self._children(fresh, spoilt)

    def _leaf_rows(self, refs: Sequence[PageRef], spoilt: "Spoilt | None") -> Iterator[list[T]]:
        try:
            found = [
                pages.load_leaf(data, ref, self._codec)
                for ref, data in zip(refs, self._pages.read(refs), strict=True)
            ]
        except DamageError as error:
            if spoilt is None:
                raise
            if len(refs) == 1:
                spoilt(refs[0], error)
                return
            for ref in refs:
                yield from self._leaf_rows([ref], spoilt)
            return
        yield from found

    def _children(self, refs: list[PageRef], spoilt: "Spoilt | None") -> list[PageRef]:
        try:
            return list(self._below(refs))
        except DamageError as error:
            if spoilt is None:
                raise
            if len(refs) == 1:
                spoilt(refs[0], error)
                return []
            return [each for ref in refs for each in self._children([ref], spoilt)]

    def diff(
        self, old: PageRef | None, new: PageRef | None, start: str = "", end: str | None = None
    ) -> Iterator[tuple[T | None, T | None]]:
        """Yield each row that differs as (before, after), reading only pages that differ.

        Holds the references to the pages that differ at one level, and a few pages of rows.

        Args:
            old: Root of the manifest before.
            new: Root of the manifest after.
            start: First key that is meant.
            end: First key after it that is not; `None` where all are.
        """
        before, after = self._differing(old, new, start, end)
        # The first pages of both sides travel together.
        one, other = (next(groups(leaves), ()) for leaves in (before, after))
        first, n = self._pages.read([*one, *other]), len(one)
        a, b = self._rows_of(before, first[:n]), self._rows_of(after, first[n:])
        x, y = next(a, None), next(b, None)
        while x is not None or y is not None:
            keys = [None if row is None else self._codec.key(row) for row in (x, y)]
            at = min(key for key in keys if key is not None)
            pair = x if keys[0] == at else None, y if keys[1] == at else None
            x = next(a, None) if keys[0] == at else x
            y = next(b, None) if keys[1] == at else y
            if pair[0] != pair[1] and is_within(at, start, end):
                yield pair

    def _differing(
        self, old: PageRef | None, new: PageRef | None, start: str, end: str | None
    ) -> tuple[list[PageRef], list[PageRef]]:
        """Return the leaves only ``old`` has and those only ``new`` has.

        Equal pages have equal ids and are the same rows, so whatever lies below a page that
        both have is left out without being read.
        """
        before, after = (between([root] if root else [], start, end) for root in (old, new))
        while True:
            shared = {ref.id for ref in before} & {ref.id for ref in after}
            before = [ref for ref in before if ref.id not in shared]
            after = [ref for ref in after if ref.id not in shared]
            level = max((ref.level for ref in (*before[:1], *after[:1])), default=0)
            if not level:
                return before, after
            # Trees of other heights are brought to one level first.
            a = before if before and before[0].level == level else []
            b = after if after and after[0].level == level else []
            below = self._pages.branches([*a, *b])
            if a:
                before = between(chain.from_iterable(below[: len(a)]), start, end)
            if b:
                after = between(chain.from_iterable(below[len(a) :]), start, end)

    def write(
        self,
        old: PageRef | None,
        changes: Iterable[tuple[str, T | None]],
        new_nonce: Callable[[], str],
    ) -> PageRef | None:
        """Store the pages that ``changes`` make new, and return the root.

        Args:
            old: Root of the manifest that changes.
            changes: Key and new row (`None` to remove it), ascending by key.
            new_nonce: Returns 16 hex digits never used before.
        """
        upload: Future[Stored | Moved] | None = None
        latest = "", b""

        def store(data: bytes) -> str:
            nonlocal latest, upload
            if upload is not None:
                upload.result()
            name = f"{ObjectId.of(data)}_{new_nonce()}"
            # The next object is put together meanwhile.
            upload = self._pool.submit(self._bucket.put_new, Key(self._key_of(name)), data)
            latest = name, data
            return name

        writer = PageWriter(self._codec.header, store)
        source = OldPages(self._pages, self._codec, old)
        root = Rewriter(self._codec, old, source, writer).run(source.ahead(changes))
        if upload is not None:
            upload.result()
        self._keep(root, *latest)
        return root

    def _keep(self, root: PageRef | None, name: str, data: bytes) -> None:
        """Keep copies of the pages just written that the next change will read.

        Those of references lie in the last object; those of rows are kept where that is
        small, as it is after a change of a few files.
        """
        level = [root] if root is not None and root.object == name else []
        while level:
            below: list[PageRef] = []
            for ref in level:
                page = data[ref.offset : ref.offset + ref.length]
                if ref.level or len(data) <= KEPT:
                    self._pages.keep(ref, page)
                if ref.level:
                    children = pages.load_branch(page, ref)
                    below += (each for each in children if each.object == name)
            level = below

    def _below(self, refs: list[PageRef]) -> Iterator[PageRef]:
        return chain.from_iterable(self._pages.branches(refs))

    def _rows_of(self, leaves: list[PageRef], read: list[bytes] | None = None) -> Iterator[T]:
        """Yield the rows of ``leaves``, the first pages of which may have been read."""
        last = ""
        for group in groups(leaves):
            found = self._pages.read(group) if read is None else read
            read = None
            for leaf, data in zip(group, found, strict=True):
                rows = pages.load_leaf(data, leaf, self._codec)
                if why := cannot_follow(self._codec.key(rows[0]), last):
                    raise FormatError(f"manifest page {str(leaf.id)[:12]} {why}")
                last = leaf.last
                yield from rows


Spoilt = Callable[[PageRef, DamageError], None]
"""Is told of a page that cannot be had, and why."""


class SeenPages:
    """Pages that have been met; grows with the number of pages, not of rows.

    Attributes:
        objects: The pages that each stored object holds, by its name and their offsets.
    """

    def __init__(self) -> None:
        self.objects: dict[str, dict[int, PageRef]] = {}
        self._rows: set[ObjectId] = set()

    def note(self, ref: PageRef) -> bool:
        """Note where a page lies; say whether none was met there before."""
        return self.objects.setdefault(ref.object, {}).setdefault(ref.offset, ref) is ref

    def note_rows(self, ref: PageRef) -> bool:
        """Note the rows of a page; say whether they were not met before, there or elsewhere."""
        n = len(self._rows)
        self._rows.add(ref.id)
        return len(self._rows) > n


class _Read(NamedTuple):
    """A page and its bytes; of a page of references, these."""

    ref: PageRef
    page: Any
