"""What others left, stored as contents of ours: each object read once, also over restarts.

An object is done when every pack that may hold its chunks is in the store; then it is
noted in ``.S3/adoption`` together with those packs, and no later sync reads it again. The
notes hold for one repository and one epoch of its garbage collection.
"""

import hashlib
import json
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Self

from cas_sync.engine.contents import store_content
from cas_sync.engine.read_ahead import ReadAhead
from cas_sync.engine.repository import Repository
from cas_sync.engine.session import Session
from cas_sync.formats import keys
from cas_sync.model.commit import Head
from cas_sync.model.foreign import ForeignObject
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import IndexRoot, Kind, PackName
from cas_sync.plan.adoption_match import Taken
from cas_sync.store.bucket import Key
from cas_sync.store.foreign import ForeignStore
from cas_sync.store.index import IndexSet
from cas_sync.store.packs import PackUploader
from cas_sync.worktree.checked_log import CheckedLog

JOURNAL = "adoption"
"""Name of the notes, in ``.S3``."""

LEAST_NOTED = 256
"""A pack is closed early once so many objects wait to be noted, or a quarter of those done
if that is more: what a killed sync does again is bounded, and so is the number of packs."""


class Collector:
    """Stores the contents of foreign objects; a context manager that closes the notes.

    Args:
        session: The data folder, for the notes.
        repo: Where contents go.
        head: What the commit will replace.
        store: Where objects come from.

    Attributes:
        uploader: Holds the packs that were made.
    """

    def __init__(
        self, session: Session, repo: Repository, head: Head, store: ForeignStore
    ) -> None:
        self._repo = repo
        self._store = store
        self._progress = session.progress
        self._params = repo.chunk_params(head)
        self._done: dict[str, tuple[ForeignObject, Taken]] = {}
        self._pending: deque[tuple[int, ForeignObject, Taken]] = deque()
        self._identity = json.dumps({"repo": repo.repo_id, "gc_epoch": head.gc_epoch})
        self._log = CheckedLog(session.folder, JOURNAL)
        packs, lines = self._read_notes()
        known = IndexSet(repo.bucket, repo.cache, repo.pool, (*head.index_roots, *packs))
        self.uploader = PackUploader(
            repo.bucket, repo.cache, repo.pool, known, session.surroundings.ulid
        )
        self.uploader.resume(packs)
        self._n_noted = len(packs)
        self._log.begin([self._identity, *lines])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._log.close()

    def collect(self, objects: Sequence[ForeignObject]) -> None:
        """Store what ``objects`` hold, but for those that changed since they were listed."""
        todo = [each for each in objects if self.find(each) is None]
        if (n_before := len(objects) - len(todo)) and todo:
            self._progress.note(f"{n_before:,} objects were stored by an earlier try.")
        self._progress.phase("Adopt", len(todo), sum(each.size for each in todo))
        ahead = ReadAhead(self._store, self._repo.pool, todo)
        for each in todo:
            taken = self._take(each, ahead.blocks(each))
            if taken is not None:
                self._done[each.key] = each, taken
                # Its last chunks are in the pack that is being filled.
                self._pending.append((len(self.uploader.roots) + 1, each, taken))
            self._progress.advance(1, each.size)
            self._note_stored()
            if len(self._pending) >= max(LEAST_NOTED, len(self._done) // 4):
                self._flush()
        self._flush()

    def find(self, each: ForeignObject) -> Taken | None:
        """Return what an object holds; `None` where it is not stored as it is now."""
        found = self._done.get(each.key)
        return found[1] if found is not None and found[0] == each else None

    def note_commit(self, oid: ObjectId, seq: int) -> None:
        """Note which commit is about to be made, before the head is moved to it."""
        self._log.append([json.dumps(["commit", oid.hex(), seq])])

    def forget(self) -> None:
        """Remove the notes: it is known how the adoption ended."""
        self._log.remove()

    def _take(self, each: ForeignObject, blocks: Iterable[bytes]) -> Taken | None:
        md5 = hashlib.md5(usedforsecurity=False)
        size = 0

        def counted() -> Iterator[bytes]:
            nonlocal size
            for block in blocks:
                md5.update(block)
                size += len(block)
                yield block

        oid = store_content(self.uploader, self._params, counted(), each.size)
        return Taken(oid, md5.hexdigest()) if size == each.size else None

    def _flush(self) -> None:
        self.uploader.flush()
        self._note_stored(everything=True)

    def _note_stored(self, *, everything: bool = False) -> None:
        n_stored = self.uploader.count_stored()
        ready = []
        while self._pending and (everything or self._pending[0][0] <= n_stored):
            _, each, taken = self._pending.popleft()
            cells = each.key, each.size, each.modified_ns, each.version
            ready.append(json.dumps(["object", *cells, taken.id.hex(), taken.md5]))
        if not ready:
            return
        packs = self.uploader.roots[self._n_noted : n_stored]
        self._n_noted = n_stored
        lines = [json.dumps(["pack", each.name, each.entries, each.size]) for each in packs]
        self._log.append([*lines, *ready])

    def _read_notes(self) -> tuple[list[IndexRoot], list[str]]:
        """Return the packs of an earlier try, and the lines that tell of it."""
        identity, *lines = self._log.read() or [""]
        packs: list[IndexRoot] = []
        kept = []
        if identity != self._identity:
            return [], []
        for line in lines:
            what, *cells = json.loads(line)
            if what == "pack":
                packs.append(IndexRoot(str(cells[0]), True, int(cells[1]), int(cells[2])))
            elif what == "object":
                each = ForeignObject(*cells[:4])
                self._done[each.key] = each, Taken(ObjectId.parse(cells[4]), cells[5])
            else:
                continue
            kept.append(line)
        if not self._are_there(packs):
            self._done.clear()
            return [], []
        return packs, kept

    def _are_there(self, packs: list[IndexRoot]) -> bool:
        """Say whether the store still holds the packs, as long as they were."""
        if not packs:
            return True
        found = dict(self._repo.bucket.list_keys(Key(keys.PACKS)))
        return all(found.get(Key(keys.pack(PackName(p.name)))) == p.size for p in packs)


def is_stored(uploader: PackUploader, taken: Taken, size: int) -> bool:
    """Say whether the store holds a content, or will."""
    return not size or any(uploader.has(taken.id, kind) for kind in (Kind.CHUNK, Kind.FILE))


def ended_with(session: Session) -> tuple[ObjectId, int] | None:
    """Return the commit a killed adoption was about to make; `None` where there is none."""
    with CheckedLog(session.folder, JOURNAL) as log:
        last = (log.read() or ["[]"])[-1]
    found = json.loads(last)
    if isinstance(found, list) and found[:1] == ["commit"]:
        return ObjectId.parse(found[1]), int(found[2])
    return None
