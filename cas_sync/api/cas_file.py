"""A file at a revision as fsspec has it: read by ranges, each chunk checked."""

from typing import Any

from blake3 import blake3
from fsspec.caching import BaseCache, caches, register_cache
from fsspec.spec import AbstractBufferedFile

from cas_sync.api.cas_path import split
from cas_sync.engine.revisions import Revision
from cas_sync.errors import DamageError
from cas_sync.model.tree import Content

LEAST_READ = 64 << 10
"""A read brings at least so many bytes: what lies around them is in the same chunk anyway."""

FIRST_AHEAD = 256 << 10
MOST_AHEAD = 8 << 20
"""How far is read ahead of somebody who reads straight on, in bytes."""


class CasFile(AbstractBufferedFile):  # type: ignore[misc]
    """A file at a revision, open for reading; each chunk that is read is checked.

    Whoever reads it from its first byte to its last has the whole checked, too. It stays what
    it was when it was opened.

    Args:
        fs: The `CasFileSystem`.
        path: How the file was named.
        info: What `CasFileSystem.info` says of it.
        content: What it holds.
        revision: Where.
        cache_type: One of fsspec's; ours reads ahead only of who reads straight on.
    """

    def __init__(
        self,
        fs: Any,
        path: str,
        *,
        block_size: int,
        info: dict[str, Any],
        content: Content,
        revision: Revision,
        cache_type: str = "cas",
        cache_options: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self._content, self._revision = content, revision
        self._whole, self._hashed = blake3(), 0
        super().__init__(
            fs,
            path,
            "rb",
            block_size,
            cache_type=cache_type,
            cache_options=cache_options,
            size=content.size,
            **kwargs,
        )
        self.details = info

    def _fetch_range(self, start: int, end: int) -> bytes:
        data: bytes = self.fs.tree.read(self._content, start, end - start)
        if start == self._hashed:
            self._whole.update(data)
            self._hashed += len(data)
            if self._hashed == self.size and self._whole.digest() != self._content.id:
                raise DamageError(
                    f"file {self._content.id} is damaged in the store",
                    cause="its pieces do not make up the whole",
                )
        return data

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what opens the same version elsewhere."""
        path = f"{self._revision.id}@/{split(self.path).path}"
        return _reopen, (self.fs, path, self.blocksize, self.cache.name, self.loc)


def _reopen(fs: Any, path: str, block_size: int, cache_type: str, loc: int) -> Any:
    file = fs.open(path, block_size=block_size, cache_type=cache_type)
    file.seek(loc)
    return file


class AheadCache(BaseCache):  # type: ignore[misc]
    """Holds what was read last, and reads ahead only of somebody who reads straight on.

    Columnar formats jump: what is read ahead of a jump is thrown away. So a first read brings
    what was asked for, and each that follows on brings twice as much, up to the block size.
    """

    name = "cas"

    def __init__(self, blocksize: int, fetcher: Any, size: int) -> None:
        super().__init__(blocksize, fetcher, size)
        self._start = 0
        self._data = b""
        self._ahead = 0

    def _fetch(self, start: int | None, stop: int | None) -> bytes:
        start, stop = start or 0, self.size if stop is None else min(stop, self.size)
        if start >= stop:
            return b""
        held = self._start + len(self._data)
        if self._start <= start and stop <= held:
            self.hit_count += 1
            return self._data[start - self._start : stop - self._start]
        self.miss_count += 1
        if self._data and self._start <= start <= held:
            self._ahead = min(max(2 * self._ahead, FIRST_AHEAD), self.blocksize)
            kept, begin = self._data[start - self._start :], held
        else:
            self._ahead, kept = 0, b""
            begin = max(0, min(start, self.size - LEAST_READ))
        end = min(max(stop + self._ahead, begin + LEAST_READ), self.size)
        self.total_requested_bytes += end - begin
        self._data = kept + self.fetcher(begin, end)
        self._start = begin - len(kept)
        return self._data[start - self._start : stop - self._start]


if AheadCache.name not in caches:
    register_cache(AheadCache)
