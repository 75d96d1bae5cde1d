"""Manifest pages as bytes: from this machine's copies, or fetched in few ranges."""

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from operator import attrgetter

from cas_sync.errors import FormatError
from cas_sync.formats import pages
from cas_sync.model.commit import PageRef
from cas_sync.model.ids import ObjectId
from cas_sync.store.bucket import Bucket, Key, lacks
from cas_sync.store.cache import Cache

PAGES = "pages"

AHEAD = 64
"""Pages of rows that are held together when a manifest is read through."""

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

    def read(self, refs: list[PageRef]) -> list[bytes]:
        """Return the pages' bytes; neighbours travel together, all others side by side.

        What comes from the store is not checked here: whoever parses a page checks it.

        Raises:
            DamageError: An object that holds one is missing or too short.
        """
        found = [self._cache.get(PAGES, _page_name(ref)) for ref in refs]
        missing = [
            i for i, data in enumerate(found) if data is None or not _intact(data, refs[i])
        ]
        runs = _runs([(i, refs[i]) for i in missing])
        for run, data in zip(runs, self._pool.map(self._fetch, runs), strict=True):
            first = run[0][1].offset
            for i, ref in run:
                part = data[ref.offset - first : ref.offset - first + ref.length]
                found[i] = part
                self._cache.put(PAGES, _page_name(ref), part)
        return [data for data in found if data is not None]

    def _fetch(self, run: list[tuple[int, PageRef]]) -> bytes:
        first, last = run[0][1], run[-1][1]
        key = Key(self._key_of(first.object))
        data = self._bucket.get_range(
            key, first.offset, last.offset + last.length - first.offset
        )
        if data is None:
            raise lacks(key)
        return data


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


def _page_name(ref: PageRef) -> str:
    # Where a page of references points may differ between equal trees: keep each place.
    return f"{ref.object}-{ref.offset}-{ref.id}" if ref.level else str(ref.id)


def _intact(data: bytes, ref: PageRef) -> bool:
    """Say whether a copy is the page; one that is not is only fetched again."""
    if ref.level == 0:
        return ObjectId.of(data) == ref.id
    try:
        pages.load_branch(data, ref)
    except FormatError:
        return False
    return True


def _runs(refs: list[tuple[int, PageRef]]) -> list[list[tuple[int, PageRef]]]:
    """Group pages that lie one after the other in one object, up to 8 MiB."""
    runs: list[list[tuple[int, PageRef]]] = []
    for i, ref in sorted(refs, key=lambda each: (each[1].object, each[1].offset)):
        if runs:
            first, last = runs[-1][0][1], runs[-1][-1][1]
            follows = last.object == ref.object and ref.offset == last.offset + last.length
            if follows and ref.offset + ref.length - first.offset <= 8 << 20:
                runs[-1].append((i, ref))
                continue
        runs.append([(i, ref)])
    return runs
