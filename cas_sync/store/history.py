"""The chain of commits: written once, read with every byte checked."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import Executor, Future

from cas_sync.errors import AccessError, DamageError, FormatError
from cas_sync.formats import documents, keys
from cas_sync.formats.strict_json import MAX_BYTES
from cas_sync.model.commit import RECENT, Commit, Head
from cas_sync.model.ids import ObjectId
from cas_sync.store.bucket import Bucket, Key
from cas_sync.store.cache import Cache

COMMITS = "commits"


class CommitLog:
    """The chain of commits.

    Args:
        bucket: The store.
        cache: Where copies of commits are kept.
        pool: Runs fetches side by side.
    """

    def __init__(self, bucket: Bucket, cache: Cache, pool: Executor) -> None:
        self._bucket = bucket
        self._cache = cache
        self._pool = pool

    def write(self, commit: Commit) -> ObjectId:
        """Store a commit and return its id."""
        oid, data = documents.dump_commit(commit)
        self._bucket.put_new(Key(keys.commit(commit.seq, oid)), data)
        self._cache.put(COMMITS, str(oid), data)
        return oid

    def read(self, oid: ObjectId, seq: int) -> Commit:
        """Return a commit.

        Raises:
            DamageError: It is missing or not what its name says.
        """
        data = self._copy(oid)
        if data is None:
            key = Key(keys.commit(seq, oid))
            blob = self._bucket.get(key, MAX_BYTES)
            if blob is None:
                raise DamageError(
                    f"the store lacks {key}", cause="the chain of commits is broken"
                )
            data = blob.data
            self._cache.put(COMMITS, str(oid), data)
        commit = documents.load_commit(data, oid)
        if commit.seq != seq:
            raise FormatError(f"commit {oid} says it is number {commit.seq}, not {seq}")
        return commit

    def walk(self, head: Head, ahead: int = 16) -> Iterator[tuple[ObjectId, Commit]]:
        """Yield commits from the latest to the first, reading some of them together.

        Each is found by the id its child names, so what lost a race and lies in the store
        too is never yielded. The head's recent ids, and beyond them the keys, tell what is
        worth reading before it is asked for: beyond the recent ids, where this machine has
        no copies, a listing a hundred commits and a block of reads every ``ahead``.

        Args:
            head: Names the latest commit.
            ahead: How many may be read together, so how many of them in vain; who wants n
                commits asks for at most n.
        """
        return self._walk(head, head.commit, head.seq, ahead, 1)

    def holds(self, head: Head, oid: ObjectId, seq: int) -> bool:
        """Say whether ``oid`` is in the head's history, walking as far as needed.

        The walk begins below the head's recent ids, which need no reading.
        """
        if oid in head.recent:
            return True
        back = max(0, len(head.recent) - 1)
        if seq > head.seq - back:
            return False
        start = head.recent[back] if head.recent else head.commit
        for each, commit in self._walk(head, start, head.seq - back, RECENT, seq):
            if commit.seq == seq:
                return each == oid
        return False

    def listed(self, digits: str = "") -> Iterator[tuple[ObjectId, int]]:
        """Yield id and number of every commit ever written, in the history or not.

        Args:
            digits: How their numbers begin, written with 16 digits.
        """
        for key, _ in self._bucket.list_keys(Key(keys.COMMITS + digits)):
            if (found := keys.parse_commit(key)) is not None:
                yield found[1], found[0]

    def _walk(
        self, head: Head, oid: ObjectId | None, seq: int, ahead: int, lowest: int
    ) -> Iterator[tuple[ObjectId, Commit]]:
        recent = dict(zip(range(head.seq, 0, -1), head.recent, strict=False))
        listing = _Listing(self)
        coming: dict[ObjectId, Future[Commit]] = {}

        def ids(n: int, *, may_list: bool) -> list[ObjectId]:
            if n in recent:
                return [recent[n]]
            return listing.ids(n) if may_list else []

        try:
            while oid is not None and seq >= lowest:
                if oid not in coming:
                    # What the last block held beside the chain is forgotten here.
                    block = [(oid, seq)]
                    may_list = seq not in recent and self._copy(oid) is None
                    for n in range(seq - 1, lowest - 1, -1):
                        found = ids(n, may_list=may_list)
                        if not found or len(block) + len(found) > ahead:
                            break
                        block += [(each, n) for each in found]
                    coming = {each: self._pool.submit(self.read, each, n) for each, n in block}
                commit = coming.pop(oid).result()
                yield oid, commit
                oid, seq = commit.parent, commit.seq - 1
        finally:
            for each in coming.values():
                each.cancel()

    def _copy(self, oid: ObjectId) -> bytes | None:
        data = self._cache.get(COMMITS, str(oid))
        return data if data is not None and ObjectId.of(data) == oid else None


class _Listing:
    """The ids of commits by number, from their keys; a hundred numbers a request."""

    def __init__(self, log: CommitLog) -> None:
        self._log = log
        self._hundred = ""
        self._ids: dict[int, list[ObjectId]] = {}

    def ids(self, seq: int) -> list[ObjectId]:
        """Return which commits of this number there are; none where keys may not be listed."""
        hundred = f"{seq:016d}"[:-2]
        if hundred != self._hundred:
            self._hundred, self._ids = hundred, {}
            # Listing is a right of its own: without it commits are read one after the other.
            with contextlib.suppress(AccessError):
                for oid, n in self._log.listed(hundred):
                    self._ids.setdefault(n, []).append(oid)
        return self._ids.get(seq, [])
