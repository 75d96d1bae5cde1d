"""Tags: small objects that are written once, the latest number of a name counts.

A tag that is moved or taken back is an object more, so no right to delete is needed, and
two who set one name at once want the same key: the second is told.
"""

import contextlib
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import NamedTuple

from cas_sync.errors import DamageError, FormatError, UsageError
from cas_sync.formats import keys
from cas_sync.formats.strict_json import MAX_BYTES
from cas_sync.formats.tag import MAX_NUMBER, Tag, dump_tag, load_tag
from cas_sync.model.ids import ObjectId
from cas_sync.store.bucket import Bucket, Key, Stored
from cas_sync.store.cache import Cache

TAGS = "tags"


class TagsRead(NamedTuple):
    """Every name that was ever given.

    Attributes:
        tags: What each stands for, by name; not those that were taken back.
        damaged: Names whose latest object cannot be read, and why. What they stood for
            before is not what they stand for now, so it is not told.
        numbers: The latest number of each name, damaged and taken back ones included.
    """

    tags: dict[str, Tag]
    damaged: dict[str, DamageError]
    numbers: dict[str, int]


@dataclass(frozen=True, slots=True)
class Written:
    """The name stands for what was said."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Somebody else was faster; nothing was written.

    Attributes:
        tag: What they said.
    """

    tag: Tag


class TagStore:
    """The tags of one repository.

    Args:
        bucket: The store.
        cache: Where copies are kept.
        pool: Runs fetches side by side.
        repo_id: The repository.
    """

    def __init__(self, bucket: Bucket, cache: Cache, pool: Executor, repo_id: str) -> None:
        self._bucket = bucket
        self._cache = cache
        self._pool = pool
        self._repo_id = repo_id

    def read_all(self) -> TagsRead:
        """Return every tag: one listing, and a request for each that is not in the cache.

        A damaged one is told beside the others.
        """
        numbers = dict(sorted(self._latest()))
        tags, damaged = {}, {}
        for name, found in zip(
            numbers, self._pool.map(self._try_read, numbers, numbers.values()), strict=True
        ):
            if isinstance(found, DamageError):
                damaged[name] = found
            elif found.commit is not None:
                tags[name] = found
        return TagsRead(tags, damaged, numbers)

    def write(self, tag: Tag, number: int) -> Written | Taken:
        """Let a name stand for something else.

        Args:
            tag: What it stands for.
            number: One more than its latest number; 1 for a new name.

        Raises:
            UsageError: The name was set too often.
            DamageError: What somebody else just wrote is malformed.
        """
        if number > MAX_NUMBER:
            raise UsageError(
                f"{tag.name!r} was set {MAX_NUMBER:,} times, as often as may be",
                fix="use another name",
            )
        data = dump_tag(self._repo_id, number, tag)
        answer = self._bucket.put_new(Key(keys.tag(self._repo_id, tag.name, number)), data)
        if not isinstance(answer, Stored):
            there = self._read(tag.name, number)
            # Our own try, of which the answer was lost, reads as what we wrote.
            return Written() if there == tag else Taken(there)
        return Written()

    def _latest(self) -> Iterator[tuple[str, int]]:
        """Yield name and number of each tag object; the latest of a name last."""
        for key, _ in self._bucket.list_keys(Key(keys.tags(self._repo_id))):
            if (found := keys.parse_tag(key, self._repo_id)) is not None:
                yield found

    def _try_read(self, name: str, number: int) -> Tag | DamageError:
        try:
            return self._read(name, number)
        except DamageError as error:
            return error

    def _read(self, name: str, number: int) -> Tag:
        key = Key(keys.tag(self._repo_id, name, number))
        kept = ObjectId.of(key.encode()).hex()
        data = self._cache.get(TAGS, kept)
        if data is not None:
            # A copy that is damaged is only fetched again.
            with contextlib.suppress(FormatError):
                return load_tag(data, self._repo_id, name, number)
        blob = self._bucket.get(key, MAX_BYTES)
        if blob is None:
            raise DamageError(f"the store lacks {key}", cause="it was there a moment ago")
        tag = load_tag(blob.data, self._repo_id, name, number)
        self._cache.put(TAGS, kept, blob.data)
        return tag
