"""The chain of commits: written once, read with every byte checked."""

from collections.abc import Iterator
from concurrent.futures import Executor

from cas_sync.errors import DamageError, FormatError
from cas_sync.formats import documents, keys
from cas_sync.model.commit import Commit, Head
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
        data = self._cache.get(COMMITS, str(oid))
        if data is None or ObjectId.of(data) != oid:
            key = Key(keys.commit(seq, oid))
            blob = self._bucket.get(key)
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

    def walk(self, head: Head) -> Iterator[tuple[ObjectId, Commit]]:
        """Yield commits from the latest to the first; the recent ones are read together."""
        oid, seq, step = head.commit, head.seq, 16
        for start in range(0, len(head.recent), step):
            ids = head.recent[start : start + step]
            numbers = range(head.seq - start, head.seq - start - len(ids), -1)
            for each, commit in zip(ids, self._pool.map(self.read, ids, numbers), strict=True):
                yield each, commit
                oid, seq = commit.parent, commit.seq - 1
        while oid is not None and seq > 0:
            commit = self.read(oid, seq)
            yield oid, commit
            oid, seq = commit.parent, seq - 1

    def holds(self, head: Head, oid: ObjectId, seq: int) -> bool:
        """Say whether ``oid`` is in the head's history, walking as far as needed."""
        if oid in head.recent:
            return True
        if head.seq - seq < len(head.recent):
            return False
        for each, commit in self.walk(head):
            if commit.seq <= seq:
                return each == oid
        return False
