"""One repository below a prefix: opened or begun, with the parts that read and write it."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import NamedTuple, Self

from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.errors import (
    DamageError,
    RepositoryResetError,
    UnavailableError,
    UnsafeStoreError,
)
from cas_sync.formats import documents, keys
from cas_sync.formats.documents import Format
from cas_sync.formats.rows import DeletedRows, VersionRows
from cas_sync.formats.strict_json import MAX_BYTES
from cas_sync.model.commit import Head, HeadState
from cas_sync.model.params import ChunkParams
from cas_sync.model.tree import Deletion, Entry
from cas_sync.store.bucket import Bucket, ETag, Key, Meter, Stored, lacks
from cas_sync.store.cache import Cache
from cas_sync.store.foreign import ForeignStore
from cas_sync.store.head import HEAD, TRIES, HeadRead, read_head
from cas_sync.store.history import CommitLog
from cas_sync.store.index import IndexSet, Known, Places
from cas_sync.store.manifest import Manifest
from cas_sync.store.objects import ObjectReader
from cas_sync.store.qualify import ProbeResult, first_failure, run_probes
from cas_sync.store.sparse_index import FEW, SparseIndex
from cas_sync.store.tags import TagStore
from cas_sync.store.upkeep import UpkeepLog
from cas_sync.worktree.base import Agreed

FORMAT = Key(keys.FORMAT)

NO_ETAG = ETag("")
"""Stands for "there is no head": an empty repository that nobody has begun yet."""


@dataclass
class Repository:
    """A repository and how to reach its parts.

    Attributes:
        bucket: The store.
        pool: Runs requests side by side.
        cache: Copies of immutable objects of this repository.
        repo_id: Its identity.
        versions: Its versions manifests.
        deleted: Its deleted manifests.
        commits: Its chain of commits.
        tags: The names of its commits.
        upkeep: What was collected, and what is missing.
    """

    bucket: Bucket
    pool: Executor
    cache: Cache
    repo_id: str
    versions: Manifest[Entry]
    deleted: Manifest[Deletion]
    commits: CommitLog
    tags: TagStore
    upkeep: UpkeepLog

    def index(self, head: Head) -> IndexSet:
        """Return the index of one head."""
        return IndexSet(self.bucket, self.cache, self.pool, head.index_roots)

    def known(self, head: Head, n_objects: int) -> Known:
        """Return what tells which objects one head knows.

        Args:
            head: The head.
            n_objects: About how many will be asked for.
        """
        whole = self.index(head)
        return SparseIndex(self.bucket, self.pool, whole) if n_objects <= FEW else whole

    def reader(self, head: Head, *, sparse: bool = False) -> ObjectReader:
        """Return what reads stored objects through one head's index.

        Args:
            head: The head.
            sparse: Whether only a few objects will be read, for which large parts of the
                index are not worth loading.
        """
        places: Places = self.index(head)
        if sparse:
            places = SparseIndex(self.bucket, self.pool, self.index(head))
        return ObjectReader(self.bucket, places, self.pool)

    def chunk_params(self, head: Head) -> ChunkParams:
        """Return where files are cut here; read once for this machine.

        Before the first commit nothing relies on format.json, and whoever began may have been
        killed before they wrote it: then it is written now. docs/design.md, section 5.2.

        Args:
            head: A head of this repository.

        Raises:
            DamageError: format.json is missing, malformed, or of another repository.
            RepositoryResetError: The repository was reset meanwhile.
            UnavailableError: The store gave no clear answer.
        """
        data = copy = self.cache.get("format", "format.json")
        if data is None:
            data = self._read_format() if head.commit is not None else self._settle_format()
        found = documents.load_format(data)
        if found.repo_id != self.repo_id:
            raise DamageError(f"{FORMAT} is of another repository than the head")
        if copy is None:
            self.cache.put("format", "format.json", data)
        return found.chunker

    def _read_format(self) -> bytes:
        blob = self.bucket.get(FORMAT, MAX_BYTES)
        if blob is None:
            raise lacks(FORMAT)
        return blob.data

    def _settle_format(self) -> bytes:
        """Return format.json as it stays from now on.

        What is there may be of a repository that was removed: written late by somebody who
        had begun that one. It gives way, if the head still is ours after it was read; so
        nobody replaces what came after their own.
        """
        ours = documents.dump_format(Format(self.repo_id, ChunkParams()))
        for _ in range(TRIES):
            there = self.bucket.get(FORMAT, MAX_BYTES)
            if there is not None:
                if documents.load_format(there.data).repo_id == self.repo_id:
                    return there.data
                refuse_reset(read_head(self.bucket), self.repo_id, self.bucket.url)
            self.bucket.put_if(FORMAT, ours, None if there is None else there.etag)
        raise UnavailableError(f"{self.bucket.url} did not take {FORMAT}", fix="run again")


class Traffic(NamedTuple):
    """What a connection was used for.

    Attributes:
        requests: Requests sent, by method.
        bytes_down: Bytes of response bodies received.
        bytes_up: Bytes of request bodies sent.
    """

    requests: dict[str, int]
    bytes_down: int
    bytes_up: int = 0


class Connection:
    """A bucket and the threads that use it; closed when done.

    Args:
        settings: Where the store is, and where copies of immutable objects are kept.
        surroundings: Opens the bucket; time and randomness.
    """

    def __init__(self, settings: Settings, surroundings: Surroundings) -> None:
        self.bucket = surroundings.connect(settings.address)
        self._foreign: ForeignStore | None = None
        self.pool = surroundings.pool(settings.jobs)
        self._settings = settings
        self._surroundings = surroundings

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give threads and connections back."""
        self.pool.shutdown(wait=True, cancel_futures=True)
        self.bucket.close()
        if self._foreign is not None:
            self._foreign.close()

    @property
    def meters(self) -> list[Meter]:
        """What was sent and received so far."""
        found = [self.bucket.meter]
        return found if self._foreign is None else [*found, self._foreign.meter]

    def traffic(self) -> Traffic:
        """Return what was sent and received so far."""
        meters = self.meters
        requests: Counter[str] = sum((meter.requests for meter in meters), Counter())
        return Traffic(
            dict(requests),
            sum(meter.bytes_down for meter in meters),
            sum(meter.bytes_up for meter in meters),
        )

    def foreign(self) -> ForeignStore:
        """Return what lies at the same address and is not ours."""
        if self._foreign is None:
            self._foreign = self._surroundings.foreign(self._settings.address)
        return self._foreign

    def repository(self, repo_id: str) -> Repository:
        """Return the parts of the repository ``repo_id``."""
        bucket, pool = self.bucket, self.pool
        cache = self._surroundings.copies(self._settings.cache_dir / repo_id)
        return Repository(
            bucket,
            pool,
            cache,
            repo_id,
            Manifest(bucket, cache, pool, VersionRows(), keys.versions),
            Manifest(bucket, cache, pool, DeletedRows(), keys.deleted),
            CommitLog(bucket, cache, pool),
            TagStore(bucket, cache, pool, repo_id),
            UpkeepLog(bucket, cache),
        )

    def read_head(self) -> HeadRead | None:
        """Return the head; `None` where there is none."""
        return read_head(self.bucket)

    def begin(self, note: Callable[[str], None], *, is_tested: bool = False) -> HeadRead:
        """Begin a repository where there is none, and return its head.

        Of several who begin at once, the first to create the head is followed by all.

        Args:
            note: Is told what the user should know.
            is_tested: Whether `check` has found nothing wrong just now.

        Raises:
            UnsafeStoreError: The store does not keep two writers apart.
            RepositoryResetError: It is being reset.
            DamageError: There are commits, but no head.
            UnavailableError: The store gave no clear answer.
        """
        if not is_tested:
            self.check(note)
        refuse_headless(self.bucket)
        head = self._write_first()
        refuse_reset(head, None, self.bucket.url)  # somebody may be removing it already
        self.repository(head.head.repo_id).chunk_params(head.head)
        return head

    def _write_first(self) -> HeadRead:
        entropy, why = self._surroundings.entropy, ""
        for n in range(TRIES):
            # Each try is of a repository of its own. One that arrives late, after a reset,
            # must not bring back an identity under which somebody has stored things that
            # the reset removed.
            first = empty_head(entropy(16).hex(), entropy(16).hex())
            answer = self.bucket.put_if(HEAD, documents.dump_head(first), None)
            # Whatever the answer was, the head that is there now is the one to go on from.
            head = read_head(self.bucket)
            if head is not None:
                return head
            if isinstance(answer, Stored):
                raise DamageError(f"{HEAD} is gone right after it was written")
            why = getattr(answer, "why", "") or why
            wait = self._surroundings.jitter() * min(4.0, 0.1 * 2**n)
            self._surroundings.clock.sleep(wait)
        raise UnavailableError(
            f"{self.bucket.url} did not take {HEAD}", cause=why, fix="run again"
        )

    def check(self, note: Callable[[str], None]) -> list[ProbeResult]:
        """Test the store before it is trusted, and return what was tested.

        Raises:
            UnsafeStoreError: It does not keep two writers apart.
        """
        if self._settings.single_writer:
            note("This store is not tested: only one person may sync with it.")
            return []
        found = run_probes(self.bucket, self._surroundings.clock, self._surroundings.ulid())
        if why := first_failure(found):
            raise UnsafeStoreError(
                f"{self.bucket.url} cannot keep two writers apart",
                cause=why,
                fix="use a store that honours If-None-Match and If-Match (AWS S3, MinIO, "
                "SeaweedFS, R2, a folder), or upgrade the server;\n"
                "if only one person will ever write:  cas-sync sync --single-writer",
            )
        return found


def refuse_headless(bucket: Bucket) -> None:
    """Stop where there are commits and, after that was seen, still no head.

    Raises:
        DamageError: There are.
    """
    for key, _ in bucket.list_keys(Key(keys.COMMITS)):
        if read_head(bucket) is not None:
            return
        raise DamageError(
            f"{bucket.url} holds commits ({key}), but no head",
            cause="something other than cas-sync deleted .S3/head",
            fix="restore .S3/head from the bucket's versions",
        )


def empty_head(repo_id: str, nonce: str) -> Head:
    """Return the head of a repository without commits."""
    return Head(repo_id, HeadState.OPEN, 0, None, None, None, 0, 0, (), 0, "", (), (), nonce)


def refuse_reset(
    head: HeadRead | None, repo_id: str | None, url: str, *, synced_with: str = ""
) -> None:
    """Stop where the history this folder knew is no longer there.

    Args:
        head: What the store holds now.
        repo_id: What this folder knew; `None` if it is new here.
        url: Where the store is, for the message.
        synced_with: Where it was at the last sync of this folder, if that is known.

    Raises:
        RepositoryResetError: The head is closed, missing or of another repository.
    """
    is_other = repo_id is not None and (head is None or head.head.repo_id != repo_id)
    if is_other and synced_with not in {"", url}:
        # Nothing was reset, as far as one can tell: the configuration points elsewhere.
        raise RepositoryResetError(
            f"this folder was synced with {synced_with}, the configuration now says {url}",
            cause="what lies there is another repository, or none",
            fix=f"set it back:  cas-sync config set store {_quoted(synced_with)}\n"
            "or join the other one:  cas-sync reset --confirm --local   then   cas-sync sync",
        )
    fix = (
        "your files are safe here; to join what is there now:\n"
        "cas-sync reset --confirm --local   then   cas-sync sync"
    )
    if head is not None and head.head.state is HeadState.CLOSED:
        raise RepositoryResetError(
            f"the repository at {url} is being reset",
            cause="someone ran `cas-sync reset --confirm`; the removal may still go on",
            fix="wait until it is done, or finish it:  cas-sync reset --confirm --remote\n"
            + fix,
        )
    if repo_id is None:
        return
    if head is None:
        raise RepositoryResetError(
            f"there is no repository at {url} any more",
            cause="it was reset or deleted",
            fix=fix,
        )
    if head.head.repo_id != repo_id:
        raise RepositoryResetError(
            f"the repository at {url} is not the one this folder was synced with",
            cause="it was reset and begun anew, or the address changed",
            fix=fix,
        )


def _quoted(url: str) -> str:
    return f'"{url}"' if " " in url else url


def refuse_rollback(repo: Repository, head: HeadRead, agreed: Agreed | None) -> None:
    """Stop where the store holds an older history than this folder has seen.

    Raises:
        RepositoryResetError: It does.
    """
    if agreed is None or agreed.commit is None or agreed.commit == head.head.commit:
        return
    if repo.commits.holds(head.head, agreed.commit, agreed.seq):
        return
    raise RepositoryResetError(
        f"the history at {repo.bucket.url} went back: this folder has seen commit "
        f"{str(agreed.commit)[:8]} (number {agreed.seq}), the store is at {head.head.seq}",
        cause="an old copy of the store was restored, or someone rewrote it",
        fix="ask your team; to publish from what is there now and lose nothing here:\n"
        "cas-sync reset --confirm --local   then   cas-sync sync",
        code="E212",
    )
