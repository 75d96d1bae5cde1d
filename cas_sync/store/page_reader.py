"""Manifest pages as bytes: from this machine's copies, or fetched in few ranges."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from operator import attrgetter
from typing import NamedTuple

from cas_sync.errors import FormatError
from cas_sync.formats import pages
from cas_sync.model.commit import PageRef
from cas_sync.model.ids import ObjectId
from cas_sync.store.bucket import Bucket, Key, lacks
from cas_sync.store.cache import Cache

PAGES = "pages"

AHEAD = 64
"""Pages of rows that are held together when a manifest is read through."""

AHEAD_BYTES = 32 << 20
"""Bytes of them, unless one page alone is longer."""

last = attrgetter("last")
"""Key of the last row at or below a page: what it is searched by."""


class PageReader:
    """Reads the pages of one kind of manifest.

    Args:
        bucket: The store.
        cache: Where copies of pages are kept.
        pool: Runs fetches side by side.
        key_of: Key of the stored object of pages called so.
    """

    def __init__(
        self, bucket: Bucket, cache: Cache, pool: Executor, key_of: Callable[[str], str]
    ) -> None:
        self._bucket = bucket
        self._cache = cache
        self._pool = pool
        self._key_of = key_of

    def keep(self, ref: PageRef, data: bytes) -> None:
        """Keep a copy of a page that was just written."""
        self._cache.put(PAGES, _page_name(ref), data)

    def copy(self, ref: PageRef) -> bytes | None:
        """Return the copy of a page that this machine has, checked; `None` without one."""
        data = self._cache.get(PAGES, _page_name(ref))
        if data is None or (not ref.level and ObjectId.of(data) != ref.id):
            return None
        return data if not ref.level or self._branch_here(ref) is not None else None

    def read(self, refs: Sequence[PageRef]) -> list[bytes]:
        """Return the bytes of pages of rows.

        Neighbours travel together, all others side by side. What comes from the store is not
        checked here: whoever parses a page checks it.

        Raises:
            DamageError: An object that holds one is missing or too short.
        """
        found = [self._cache.get(PAGES, _page_name(ref)) for ref in refs]
        for i, data in enumerate(found):
            # A copy that is not the page is only fetched again.
            if data is not None and ObjectId.of(data) != refs[i].id:
                found[i] = None
        missing = [i for i, data in enumerate(found) if data is None]
        for i, data in self._fetch_all([(i, refs[i]) for i in missing]):
            found[i] = data
            self.keep(refs[i], data)
        return [data for data in found if data is not None]

    def branches(self, refs: Sequence[PageRef]) -> list[list[PageRef]]:
        """Return what pages of references refer to, fetched as by `read`.

        Raises:
            DamageError: An object that holds one is missing or too short, or it is not the
                page that was referred to.
        """
        found = [self._branch_here(ref) for ref in refs]
        missing = [i for i, below in enumerate(found) if below is None]
        for i, data in self._fetch_all([(i, refs[i]) for i in missing]):
            found[i] = pages.load_branch(data, refs[i])
            self.keep(refs[i], data)
        return [below for below in found if below is not None]

    def _branch_here(self, ref: PageRef) -> list[PageRef] | None:
        data = self._cache.get(PAGES, _page_name(ref))
        if data is not None:
            with suppress(FormatError):
                return pages.load_branch(data, ref)
        return None

    def _fetch_all(self, refs: "list[_Numbered]") -> Iterator[tuple[int, bytes]]:
        runs = _runs(refs)
        fetched = self._pool.map(self._fetch, runs) if len(runs) > 1 else map(self._fetch, runs)
        for run, data in zip(runs, fetched, strict=True):
            first = run[0][1].offset
            for i, ref in run:
                yield i, data[ref.offset - first : ref.offset - first + ref.length]

    def _fetch(self, run: "list[_Numbered]") -> bytes:
        first, last = run[0][1], run[-1][1]
        key = Key(self._key_of(first.object))
        data = self._bucket.get_range(
            key, first.offset, last.offset + last.length - first.offset
        )
        if data is None:
            raise lacks(key)
        return data


def groups(refs: Sequence[PageRef]) -> Iterator[Sequence[PageRef]]:
    """Yield pages in groups of which the bytes may be held together."""
    first = size = 0
    for i, ref in enumerate(refs):
        if i > first and (i - first >= AHEAD or size + ref.length > AHEAD_BYTES):
            yield refs[first:i]
            first, size = i, 0
        size += ref.length
    if refs:
        yield refs[first:]


def is_within(key: str, start: str, end: str | None) -> bool:
    """Say whether a key lies from ``start`` up to ``end``; `None` is behind all."""
    return key >= start and (end is None or key < end)


def between(refs: Iterable[PageRef], start: str, end: str | None) -> list[PageRef]:
    """Return the pages that may hold a key from ``start`` up to ``end``."""
    found = []
    for ref in refs:
        if ref.last >= start:
            found.append(ref)
        if end is not None and ref.last >= end:
            break
    return found


class Asked(NamedTuple):
    """A page and the keys that may lie in it or below it."""

    ref: PageRef
    keys: list[str]


def asked_below(refs: list[PageRef], keys: list[str]) -> Iterator[Asked]:
    """Yield the pages of ``refs`` that may hold one of ``keys``, none of which lies behind."""
    done = 0
    while done < len(keys):
        ref = refs[bisect_left(refs, keys[done], key=last)]
        end = bisect_right(keys, ref.last, lo=done)
        yield Asked(ref, keys[done:end])
        done = end


def _page_name(ref: PageRef) -> str:
    # Where a page of references points may differ between equal trees: keep each place.
    return f"{ref.object}-{ref.offset}-{ref.id}" if ref.level else str(ref.id)


_Numbered = tuple[int, PageRef]
"""A page and its place among those that were asked for."""


def _runs(refs: list[_Numbered]) -> list[list[_Numbered]]:
    """Group pages that lie one after the other in one object, up to 8 MiB."""
    runs: list[list[_Numbered]] = []
    for i, ref in sorted(refs, key=lambda each: (each[1].object, each[1].offset)):
        if runs:
            first, last = runs[-1][0][1], runs[-1][-1][1]
            follows = last.object == ref.object and ref.offset == last.offset + last.length
            if follows and ref.offset + ref.length - first.offset <= 8 << 20:
                runs[-1].append((i, ref))
                continue
        runs.append([(i, ref)])
    return runs
