"""What a collection sees: one head, what its commits need, and what else is stored."""

from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from cas_sync.engine.reach import Reached
from cas_sync.engine.repository import Repository
from cas_sync.engine.upkeep import whole_index
from cas_sync.errors import DamageError, FormatError, GuardError
from cas_sync.formats import keys
from cas_sync.formats.index import Segment
from cas_sync.formats.index_merge import lists_in, live_bytes, merge, select
from cas_sync.formats.moments import read_time
from cas_sync.formats.pack import FOOTER_SIZE, trailer_of_footer
from cas_sync.formats.upkeep import is_collectable
from cas_sync.model.commit import Head
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import PackName
from cas_sync.model.paths import RepoPath
from cas_sync.model.upkeep import Kept, Upkeep, no_upkeep
from cas_sync.plan.collection import (
    Made,
    PackChoice,
    PackUse,
    Retention,
    choose_packs,
    retain,
)
from cas_sync.progress import Progress
from cas_sync.store.bucket import Key, lacks
from cas_sync.store.head import HeadRead, read_head

YOUNG = timedelta(days=1)
"""What no index names may belong to a sync that is under way, if it is no older."""

NAMED = 1000
"""So many files that cannot be had any more are named; the others are counted."""


@dataclass(frozen=True)
class GcOptions:
    """What may be collected.

    Attributes:
        prune: Whether to do it, or only to tell.
        keep_days: Contents that only commits need which are older may go; `None`: none may.
        grace_days: So long is what was condemned left to readers that are slow.
        repack: A pack of which more than so many percent is garbage is written anew.
        force: Whether a large part of the store may go.
    """

    prune: bool = False
    keep_days: int | None = None
    grace_days: float = 7
    repack: int = 50
    force: bool = False


class LostFile(NamedTuple):
    """A version of a file that cannot be had any more once the collection is done.

    Attributes:
        path: The file.
        seq: Number of the latest commit that had it.
        size: Its size in bytes.
    """

    path: RepoPath
    seq: int
    size: int


@dataclass
class Garbage:
    """What can go.

    Attributes:
        keys: Size by key, of what nothing needs and was not condemned before.
        expired: Numbers of the commits of which the contents go.
        files: Versions that cannot be had any more, the first `NAMED`.
        n_files: How many there are.
        n_unused: Bytes in packs that stay which nothing needs.
    """

    keys: dict[str, int] = field(default_factory=dict)
    expired: list[int] = field(default_factory=list)
    files: list[LostFile] = field(default_factory=list)
    n_files: int = 0
    n_unused: int = 0


@dataclass
class Look:
    """What was seen, against exactly one head.

    Attributes:
        head: The head.
        record: What was in force.
        base: The confirmed record it goes back to; the same where it is confirmed.
        retention: Which commits keep their contents.
        index: Where everything lies.
        is_restored: Whether the index holds what a proposal that came to nothing left out.
        reached: What is needed.
        packs: What becomes of packs.
        garbage: What can go.
        n_stored: Number of all stored objects.
        size: Their bytes.
        waiting: What was condemned before and still is stored.
    """

    head: HeadRead
    record: Upkeep
    base: Upkeep
    retention: Retention
    index: Segment
    is_restored: bool
    reached: Reached
    packs: PackChoice
    garbage: Garbage
    n_stored: int
    size: int
    waiting: dict[str, int]


def look(
    repo: Repository, head: HeadRead, options: GcOptions, now: datetime, progress: Progress
) -> Look:
    """Return what nothing needs, seen from one head.

    Whatever cannot be read stops it: what is not known to be garbage is none.

    Args:
        repo: The repository.
        head: Its head, which names a commit.
        options: What may be collected.
        now: The time.
        progress: Is told what happens.

    Raises:
        DamageError: Something is missing or damaged.
        GuardError: The store holds commits that came after the head.
    """
    record = repo.upkeep.in_force(head.head)
    base = _base(repo, head.head, record)
    progress.phase("Mark", head.head.seq, 0)
    history = _history(repo, head.head)
    tags = read_tagged(repo)
    days = options.keep_days
    cutoff = None if days is None else now - timedelta(days=days)
    retention = retain(history, tags, base, cutoff)
    stored = _listed(repo)
    _refuse_newer(repo, head, stored)
    more = list(_given_back(repo, record, base, stored))
    index = whole_index(repo, head.head, more)
    tolerated = {oid for each in record.missing for oid in (each.id, each.content)}
    reached = Reached(repo, repo.reader(head.head), index, tolerated)
    for made in reversed(history):
        if retention.keeps(made.seq, made.id):
            reached.add(repo.commits.read(made.id, made.seq), retention.horizon)
        progress.advance(1, 0)
    min_age = min(YOUNG, timedelta(days=options.grace_days))
    uses = list(_uses(index, reached, stored, now))
    packs = choose_packs(uses, min_age.total_seconds(), options.repack)
    waiting = {row.key: row.size for row in base.condemned if row.key in stored}
    found = Look(
        head,
        record,
        base,
        retention,
        index,
        bool(more),
        reached,
        packs,
        Garbage(),
        len(stored),
        sum(stored.values()),
        waiting,
    )
    found.garbage = _garbage(repo, found, history, stored)
    found.garbage.n_unused = sum(each.size - each.live for each in uses if each.live)
    return found


def read_tagged(repo: Repository) -> set[Kept]:
    """Return the commits that have a tag.

    Raises:
        DamageError: A tag cannot be read, so it is not known what it keeps.
    """
    read = repo.tags.read_all()
    for error in read.damaged.values():
        raise error
    return {Kept(tag.seq, tag.commit) for tag in read.tags.values() if tag.commit is not None}


def _base(repo: Repository, head: Head, record: Upkeep) -> Upkeep:
    if record.is_confirmed:
        return record
    return repo.upkeep.read(record.base) if record.base else no_upkeep(head.repo_id)


def _history(repo: Repository, head: Head) -> list[Made]:
    """Return every commit, the first one first."""
    found = [
        Made(commit.seq, oid, read_time(commit.time)) for oid, commit in repo.commits.walk(head)
    ]
    if len(found) != head.seq or found[-1].seq != 1:
        raise DamageError(f"the chain of commits does not lead to the first: {len(found)}")
    return found[::-1]


def _listed(repo: Repository) -> dict[str, int]:
    """Return the size of everything that may ever be collected, by key."""
    folders = (keys.PACKS, keys.INDEX, keys.VERSIONS, keys.DELETED, keys.COMMITS)
    return {
        key: size
        for folder in folders
        for key, size in repo.bucket.list_keys(Key(folder))
        if is_collectable(key)
    }


def _refuse_newer(repo: Repository, head: HeadRead, stored: dict[str, int]) -> None:
    """Stop where commits were made after the head: then it is an old one that came back.

    One number after the head is what a sync writes that is under way or was killed.
    """
    seq = head.head.seq
    made = (keys.parse_commit(key) for key in stored)
    newer = [found for found in made if found and found[0] > seq + 1]
    if not newer:
        return
    now = read_head(repo.bucket)
    if now is None or now.etag != head.etag:
        return  # teammates published while this was listed: publishing what goes will fail
    # Who was stopped before a reset and went on after it leaves commits of what was removed.
    ours = (n for n, oid in newer if repo.commits.read(oid, n).repo_id == repo.repo_id)
    if latest := max(ours, default=0):
        raise GuardError(
            f"the store holds a commit number {latest}, its head is at {seq}",
            cause="an old head was restored; what came after it would be taken for garbage",
            fix="restore .S3/head from the bucket's versions, or ask your team",
            code="E212",
        )


def _given_back(
    repo: Repository, record: Upkeep, base: Upkeep, stored: dict[str, int]
) -> Iterator[Segment]:
    """Yield what a proposal that came to nothing left out of the index.

    Nobody deletes what is only proposed, so the packs are there. It left out lists of
    pieces in other packs as well; what was found to be missing is not among those.
    """
    if record is base:
        return
    before = {row.key for row in base.condemned}
    proposed = {row.key for row in record.condemned}
    missing = {each.id for each in record.missing}
    for key, size in stored.items():
        name = keys.parse_pack(key)
        if name is None or key in before:
            continue
        found = read_trailer(repo, name, size)
        if key not in proposed:
            whole = Segment(merge([found])[0])
            wanted = lists_in(whole)
            for i in range(len(whole)):
                wanted[i] &= whole.at(i).id not in missing
            found = Segment(select(whole, wanted)[0])
        yield found


def read_trailer(repo: Repository, name: PackName, size: int) -> Segment:
    """Return the index that a pack of ``size`` bytes carries, by two small reads.

    Raises:
        DamageError: The pack is gone, or its end is not that of a pack.
    """
    key = Key(keys.pack(name))
    if size < FOOTER_SIZE:
        raise FormatError(f"{key} is cut short: it has {size} bytes")
    end = repo.bucket.get_range(key, size - FOOTER_SIZE, FOOTER_SIZE)
    if end is None:
        raise lacks(key)
    offset, length = trailer_of_footer(end, size, name)
    data = repo.bucket.get_range(key, offset, length)
    if data is None:
        raise lacks(key)
    return Segment(data, name)


def _uses(
    index: Segment, reached: Reached, stored: dict[str, int], now: datetime
) -> Iterator[PackUse]:
    live = live_bytes(index, reached.marks)
    now_ms = now.timestamp() * 1000
    for key, size in stored.items():
        name = keys.parse_pack(key)
        if name is not None:
            age = (now_ms - keys.ulid_ms(name)) / 1000
            yield PackUse(name, size, live.get(name, 0), name in live, age)


def _garbage(
    repo: Repository, found: Look, history: list[Made], stored: dict[str, int]
) -> Garbage:
    garbage = Garbage()
    chain = {(each.seq, each.id) for each in history}
    gone = {each.name for each in (*found.packs.gone, *found.packs.rewritten)}
    roots = {root.name for root in found.head.head.index_roots}
    for key, size in stored.items():
        if key in found.waiting:
            continue
        if is_garbage(key, found, gone, roots, chain):
            garbage.keys[key] = size
    for each in reversed(history):
        base = found.base
        if base.keeps(each.seq, each.id) and not found.retention.keeps(each.seq, each.id):
            garbage.expired.append(each.seq)
    _name_files(repo, found, garbage, dict(chain))
    return garbage


def is_garbage(
    key: str,
    found: Look,
    gone: set[PackName],
    roots: set[str],
    chain: set[tuple[int, ObjectId]],
) -> bool:
    """Say whether nothing needs a stored object."""
    pack = keys.parse_pack(key)
    if pack is not None:
        return pack in gone
    commit = keys.parse_commit(key)
    if commit is not None:
        # The next number may be of a sync that is under way.
        return commit[0] <= found.head.head.seq and commit not in chain
    name = keys.parse_named(key)
    if name is None:
        return False
    if key.startswith(keys.INDEX):
        return name not in roots
    pages = found.reached.versions if key.startswith(keys.VERSIONS) else found.reached.deleted
    return name not in pages.objects


def _name_files(
    repo: Repository, found: Look, garbage: Garbage, ids: dict[int, ObjectId]
) -> None:
    """Name what cannot be had any more, each content once: where it was last."""
    told = bytearray(found.reached.marks)
    seen = deepcopy(found.reached.versions)
    for seq in garbage.expired:
        commit = repo.commits.read(ids[seq], seq)
        for rows in repo.versions.unseen(commit.versions, seen):
            for row in rows:
                i = found.reached.find(row.content) if row.content.size else None
                if i is not None and not told[i]:
                    told[i] = 1
                    garbage.n_files += 1
                    if len(garbage.files) < NAMED:
                        garbage.files.append(LostFile(row.path, seq, row.content.size))


Sizes = Counter[str]
"""Bytes by kind of object."""


def by_kind(found: dict[str, int]) -> tuple[Sizes, Sizes]:
    """Return how many objects of each kind there are, and their bytes."""
    n, size = Counter[str](), Counter[str]()
    for key, length in found.items():
        kind = _kind(key)
        n[kind] += 1
        size[kind] += length
    return n, size


def _kind(key: str) -> str:
    for kind, folder in (
        ("packs", keys.PACKS),
        ("index", keys.INDEX),
        ("commits", keys.COMMITS),
    ):
        if key.startswith(folder):
            return kind
    return "pages"
