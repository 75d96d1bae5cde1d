"""Records of upkeep: written once, never removed; the head names the one in force."""

from cas_sync.formats import keys
from cas_sync.formats.strict_json import MAX_BYTES
from cas_sync.formats.upkeep import dump_upkeep, load_upkeep
from cas_sync.model.commit import Head
from cas_sync.model.upkeep import Upkeep, no_upkeep
from cas_sync.store.bucket import Bucket, Key, lacks
from cas_sync.store.cache import Cache

UPKEEP = "upkeep"


class UpkeepLog:
    """The records of one repository.

    Args:
        bucket: The store.
        cache: Where copies are kept.
    """

    def __init__(self, bucket: Bucket, cache: Cache) -> None:
        self._bucket = bucket
        self._cache = cache

    def write(self, record: Upkeep) -> str:
        """Store a record and return its name."""
        name, data = dump_upkeep(record)
        self._bucket.put_new(Key(keys.upkeep(name)), data)
        self._cache.put(UPKEEP, name, data)
        return name

    def read(self, name: str) -> Upkeep:
        """Return a record.

        Raises:
            DamageError: It is missing or not what its name says.
        """
        copy = self._cache.get(UPKEEP, name)
        if copy is not None:
            return load_upkeep(copy, name)
        key = Key(keys.upkeep(name))
        blob = self._bucket.get(key, MAX_BYTES)
        if blob is None:
            raise lacks(key)
        record = load_upkeep(blob.data, name)
        self._cache.put(UPKEEP, name, blob.data)
        return record

    def in_force(self, head: Head) -> Upkeep:
        """Return the record that a head names; one that keeps everything if it names none.

        Raises:
            DamageError: It is missing or not what its name says.
        """
        return self.read(head.condemned) if head.condemned else no_upkeep(head.repo_id)
