"""What a check finds: damage by object, and what is lost by path and version.

Everything is read from the store and nothing from this machine's copies. What is damaged
keeps nobody from the rest.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import compress, islice
from typing import NamedTuple

from blake3 import blake3

from cas_sync.engine.gc_look import read_trailer
from cas_sync.engine.reach import Reached, groups_of
from cas_sync.engine.repository import FORMAT, Repository
from cas_sync.errors import CasSyncError, DamageError, FormatError
from cas_sync.formats import documents, keys, pieces
from cas_sync.formats.codec import Compressor
from cas_sync.formats.index import Segment
from cas_sync.formats.index_merge import marked_in, merge
from cas_sync.formats.strict_json import MAX_BYTES
from cas_sync.model.commit import Commit, Head, PageRef
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import IndexRoot, Kind, Location, PackName
from cas_sync.model.paths import RepoPath
from cas_sync.model.tree import Content, Mode
from cas_sync.model.upkeep import Upkeep, no_upkeep
from cas_sync.progress import Progress
from cas_sync.store.bucket import Key, lacks
from cas_sync.store.index import IndexSet, Wanted
from cas_sync.store.manifest import SeenPages
from cas_sync.store.objects import Bytes, ObjectReader

NAMED = 10_000
"""So many lost versions of files are named; the others are counted."""

REPAIR = "cas-sync fsck --repair   (brings back what this machine has)"


class Finding(NamedTuple):
    """Something that is not as it should be in the store.

    Attributes:
        code: E501 a part of a file, E504 a page, E505 a commit, E506 the index, E507 a
            pack, E508 format.json, E509 a tag, E510 a record of upkeep.
        object: Its key, or its id.
        what: What is wrong with it.
        fix: What to do about it.
    """

    code: str
    object: str
    what: str
    fix: str = REPAIR


class LostVersion(NamedTuple):
    """A version of a file that cannot be had whole.

    Attributes:
        path: The file.
        seq: Number of the latest commit that has it.
        content: Id and size of it.
        objects: What is missing of it.
    """

    path: RepoPath
    seq: int
    content: Content
    objects: tuple[tuple[ObjectId, Kind], ...]


@dataclass
class Checked:
    """What a check saw.

    Attributes:
        head: The head.
        record: The record of upkeep in force.
        history: The commits that could be read, the latest first.
        findings: What is wrong.
        bad: Objects that are missing or damaged, and why.
        lost: Versions of files that cannot be had, the first `NAMED`.
        n_lost: How many there are.
        n_objects: Stored objects that commits need.
        n_packs: Packs that hold them.
        size: Bytes of those packs.
        index: Where everything lies.
        marks: A byte for each entry of it, 1 where a commit needs it.
        is_rebuilt: Whether the index had to be made again from the packs.
        has_record: Whether the record of upkeep in force could be read.
        sizes: The packs that are there, and their sizes in bytes.
    """

    head: Head
    record: Upkeep
    history: list[tuple[ObjectId, Commit]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    bad: dict[tuple[ObjectId, Kind], str] = field(default_factory=dict)
    lost: list[LostVersion] = field(default_factory=list)
    n_lost: int = 0
    n_objects: int = 0
    n_packs: int = 0
    size: int = 0
    index: Segment = field(default_factory=lambda: Segment(merge([])[0]))
    marks: bytearray = field(default_factory=bytearray)
    is_rebuilt: bool = False
    has_record: bool = True
    sizes: dict[PackName, int] = field(default_factory=dict)

    def has(self, oid: ObjectId, kind: Kind) -> bool:
        """Say whether an object is where the index says, as far as was looked."""
        where = self.index.find(oid, kind)
        return where is not None and self.is_good(where)

    def is_good(self, where: Location) -> bool:
        """Say whether what the index names there is there, as far as was looked."""
        end = self.sizes.get(where.pack, 0)
        return (where.id, where.kind) not in self.bad and where.offset + where.stored <= end


class Checker:
    """Checks one head of a repository.

    Args:
        repo: The repository, without copies of this machine.
        head: The head.
        progress: Is told what happens.
        copies: Copies of the index on this machine, to be used where the store's is
            damaged; `None` for none.
    """

    def __init__(
        self,
        repo: Repository,
        head: Head,
        progress: Progress,
        copies: IndexSet | None = None,
    ) -> None:
        self._repo = repo
        self._copies = copies
        self._head = head
        self._progress = progress
        self.found = Checked(head, no_upkeep(head.repo_id))
        self.reached: Reached
        self.reader: ObjectReader

    def check(self, *, deep: bool) -> Checked:
        """Return what is wrong; ``deep`` reads every byte of every pack."""
        found, repo = self.found, self._repo
        self._try("E508", FORMAT, self._check_format)
        self._check_record()
        self._check_chain()
        self._check_tags()
        found.sizes = sizes = self._sizes()
        self._load_index(sizes)
        # Not by the head's own index: what is damaged in that would keep us from the rest.
        self.reader = reader = ObjectReader(repo.bucket, _Whole(found.index), repo.pool)
        self.reached = reached = _Reached(repo, reader, found)
        self._progress.phase("Check", len(found.history), 0)
        for oid, commit in found.history:
            if found.record.keeps(commit.seq, oid):
                reached.add(commit, found.record.horizon, self._note_page)
            self._progress.advance(1, 0)
        found.marks = reached.marks
        found.n_objects = sum(reached.marks)
        self._check_packs(sizes, deep=deep)
        if deep:
            self._check_files(reader)
            self._check_page_objects()
        for (oid, kind), why in found.bad.items():
            self._note("E501", f"{kind.name.lower()} {oid}", why)
        if found.bad:
            self._name_lost(reader)
        return found

    # -- structure --------------------------------------------------------------------

    def _note(self, code: str, key: str, what: str, fix: str = REPAIR) -> None:
        # Whoever shows a finding names its object first.
        self.found.findings.append(Finding(code, key, what.replace(key, "it"), fix))

    def _try(self, code: str, key: str, step: Callable[[], object]) -> None:
        try:
            step()
        except DamageError as error:
            self._note(code, key, _why(error))

    def _check_format(self) -> None:
        if self._head.commit is None:
            return  # whoever makes the first commit sees to it
        blob = self._repo.bucket.get(FORMAT, MAX_BYTES)
        if blob is None:
            raise lacks(FORMAT)
        if documents.load_format(blob.data).repo_id != self._head.repo_id:
            raise FormatError("it is of another repository than the head")

    def _check_record(self) -> None:
        def read() -> None:
            self.found.has_record = False
            self.found.record = self._repo.upkeep.in_force(self._head)
            self.found.has_record = True

        self._try("E510", keys.upkeep(self._head.condemned), read)

    def _check_chain(self) -> None:
        commits, found = self._repo.commits, self.found
        oid, seq = self._head.commit, self._head.seq
        while oid is not None and seq:
            try:
                commit = commits.read(oid, seq)
            except DamageError as error:
                self._note("E505", keys.commit(seq, oid), _why(error))
                return
            found.history.append((oid, commit))
            oid, seq = commit.parent, seq - 1
        if oid is not None or seq:
            self._note("E505", keys.COMMITS, f"the chain ends before number {seq}")

    def _check_tags(self) -> None:
        read = self._repo.tags.read_all()
        fix = "set it again:  cas-sync tag NAME REV --move"
        for name, error in read.damaged.items():
            self._note("E509", f"tag {name}", _why(error), fix)
        ids = {oid for oid, _ in self.found.history}
        for name, tag in read.tags.items():
            if tag.commit not in ids and tag.seq <= self._head.seq:
                self._note("E509", f"tag {name}", "its commit is not in the history", fix)

    def _sizes(self) -> dict[PackName, int]:
        return {
            name: size
            for key, size in self._repo.bucket.list_keys(Key(keys.PACKS))
            if (name := keys.parse_pack(key)) is not None
        }

    def _load_index(self, sizes: dict[PackName, int]) -> None:
        """Load the index; of what is damaged in it, packs tell again what they hold."""
        index, segments, spoilt = self._repo.index(self._head), [], list[IndexRoot]()
        for root in reversed(self._head.index_roots):
            try:
                segments.append(index.load(root))
            except DamageError as error:
                key = keys.pack(PackName(root.name)) if root.is_pack else keys.index(root.name)
                self._note("E507" if root.is_pack else "E506", key, _why(error))
                copy = self._copies.copy(root) if self._copies is not None else None
                if copy is not None and len(copy) == root.entries:
                    segments.append(copy)
                    self.found.is_rebuilt = True
                else:
                    spoilt.append(root)
        if spoilt:
            named = {name for each in segments for name in each.packs}
            condemned = {row.key for row in self.found.record.condemned}
            for name, size in sizes.items():
                if name not in named and keys.pack(name) not in condemned:
                    self._try(
                        "E507",
                        keys.pack(name),
                        partial(self._take_trailer, segments, name, size),
                    )
            self.found.is_rebuilt = True
        self.found.index = Segment(merge(segments)[0])

    def _take_trailer(self, segments: list[Segment], name: PackName, size: int) -> None:
        segments.append(read_trailer(self._repo, name, size))

    def _note_page(self, ref: PageRef, error: DamageError) -> None:
        is_version = ref.object in self.reached.versions.objects
        key = keys.versions(ref.object) if is_version else keys.deleted(ref.object)
        last = ref.last.partition("\0\0")[0].replace("\0", "/")
        self._note("E504", key, f"the page up to {last}: {_why(error)}")

    # -- packs ------------------------------------------------------------------------

    def _check_packs(self, sizes: dict[PackName, int], *, deep: bool) -> None:
        found = self.found
        needed = {
            found.index.at(i).pack
            for name in found.index.packs
            for i in islice(marked_in(found.index, [name], found.marks), 1)
        }
        found.n_packs = len(needed)
        found.size = sum(sizes.get(name, 0) for name in needed)
        self._progress.phase("Read" if deep else "Packs", len(needed), found.size)
        for name in sorted(needed):
            if name not in sizes:
                self._note("E507", keys.pack(name), "it is missing")
                self._spoil(name, "its pack is missing")
            elif not deep:
                end = sizes[name]
                if any(
                    (where := found.index.at(i)).offset + where.stored > end
                    for i in marked_in(found.index, [name], found.marks)
                ):
                    self._note("E507", keys.pack(name), "it is cut short")
                    self._spoil(name, "its pack is cut short", after=end)
        if deep:
            there = [name for name in sorted(needed) if name in sizes]
            for name in there:
                if bad := self._read_pack(name):
                    self._note("E507", keys.pack(name), "its bytes do not match its name")
                found.bad.update(bad)
                self._progress.advance(1, sizes[name])

    def _spoil(self, name: PackName, why: str, *, after: int = 0) -> None:
        for i in marked_in(self.found.index, [name], self.found.marks):
            where = self.found.index.at(i)
            if where.offset + where.stored > after:
                self.found.bad[where.id, where.kind] = why

    def _read_pack(self, name: PackName) -> dict[tuple[ObjectId, Kind], str]:
        """Read a pack; return what in it is damaged. A pack that is whole has nothing such."""
        blob = self._repo.bucket.get(Key(keys.pack(name)))
        data = memoryview(b"" if blob is None else blob.data)
        bad = {}
        compressor = Compressor()
        for i in marked_in(self.found.index, [name], self.found.marks):
            where = self.found.index.at(i)
            why = _check_object(compressor, data, where)
            if why:
                bad[where.id, where.kind] = why
        if not bad and blake3(data).hexdigest() != name.rpartition("-")[2]:
            fix = "cas-sync gc --prune --confirm --repack 1   (writes what is needed anew)"
            self._note("E507", keys.pack(name), "bytes that nobody needs are damaged", fix)
        return bad

    def _check_page_objects(self) -> None:
        """Read each object of pages whole: its first line is part of no page."""
        told = {each.object for each in self.found.findings}
        for key_of, seen in (
            (keys.versions, self.reached.versions),
            (keys.deleted, self.reached.deleted),
        ):
            for name in seen.objects:
                key = key_of(name)
                blob = self._repo.bucket.get(Key(key))
                is_it = blob is not None and _matches(blob.data, name)
                if not is_it and key not in told:
                    self._note("E504", key, "its bytes do not match its name")

    def _check_files(self, reader: ObjectReader) -> None:
        """Read each file of several pieces whole, unless it is known to lack something."""
        index, bad = self.found.index, self.found.bad
        lists = (
            index.at(i)
            for i in compress(range(len(index)), self.found.marks)
            if _is_list(index, i)
        )
        for some in groups_of(lists):
            data, _ = reader.load(some)
            for where in some:
                if where.id not in data:
                    continue
                try:
                    size = pieces.load(bytes(data[where.id])).size
                except FormatError as error:
                    bad[where.id, Kind.FILE] = _why(error)
                    continue
                content = Content(where.id, size, Mode.FILE)
                try:
                    for _ in reader.stream(content):
                        pass
                except DamageError as error:
                    if not any(bad_objects(index, reader, content, bad)):
                        bad[where.id, Kind.FILE] = _why(error)

    # -- what is lost -----------------------------------------------------------------

    def _name_lost(self, reader: ObjectReader) -> None:
        """Name the versions of files that something bad belongs to, each content once."""
        seen, told = SeenPages(), set[ObjectId]()
        index, found = self.found.index, self.found
        for oid, commit in found.history:
            if not found.record.keeps(commit.seq, oid):
                continue
            for rows in self._repo.versions.unseen(commit.versions, seen, _passed_over):
                for row in rows:
                    content = row.content
                    if content.id in told or not content.size:
                        continue
                    objects = tuple(bad_objects(index, reader, content, found.bad))
                    if objects:
                        told.add(content.id)
                        found.n_lost += 1
                        if len(found.lost) < NAMED:
                            found.lost.append(
                                LostVersion(row.path, commit.seq, content, objects)
                            )


class _Whole:
    """Locates objects by one segment that holds all that could be read of an index."""

    def __init__(self, index: Segment) -> None:
        self._index = index

    def find_all(
        self, wanted: Sequence[Wanted], *, sure: bool = False
    ) -> list[Location | None]:
        """Return where each object lies; always sure."""
        del sure
        return [self._index.find(oid, kind) for oid, kind in wanted]

    def confirm(self, where: Location) -> Location | None:
        """Return ``where``: the segment was checked when it was loaded."""
        return where


class _Reached(Reached):
    """Notes what is missing and goes on."""

    def __init__(self, repo: Repository, reader: ObjectReader, found: Checked) -> None:
        super().__init__(repo, reader, found.index)
        self._found = found

    def _read(self, places: list[Location]) -> dict[ObjectId, bytes]:
        data, damaged = self._reader.load(places)
        for where in places:
            if where.id in damaged:
                self._found.bad[where.id, where.kind] = _why(damaged[where.id])
        good = {}
        for where in places:
            if where.id in data:
                try:
                    pieces.load(bytes(data[where.id]))
                except FormatError as error:
                    self._found.bad[where.id, where.kind] = error.message
                else:
                    good[where.id] = bytes(data[where.id])
        return good

    def _miss(self, oid: ObjectId) -> None:
        self._found.bad[oid, Kind.CHUNK] = "no index names it"


def dead_lists(found: Checked, reader: ObjectReader) -> set[tuple[ObjectId, Kind]]:
    """Return the lists that no commit needs and that name what is not there.

    A collection takes them out of the index; an index that was made again from the packs
    has them back, and whoever meant to publish such a file would believe that it is stored.
    """
    dead: set[tuple[ObjectId, Kind]] = set()
    for kind in (Kind.LIST, Kind.FILE):
        lists = (
            where
            for i, where in enumerate(found.index)
            if where.kind is kind and not found.marks[i]
        )
        for some in groups_of(lists):
            data, _ = reader.load(some)
            dead |= {
                (where.id, kind)
                for where in some
                if where.id not in data or not _names_what_is(found, data[where.id], dead)
            }
    return dead


def _names_what_is(
    found: Checked, data: Bytes, dead: Collection[tuple[ObjectId, Kind]]
) -> bool:
    try:
        listed = pieces.load(bytes(data))
    except FormatError:
        return False
    kind = Kind.LIST if listed.level else Kind.CHUNK
    return all(
        found.has(piece.id, kind) and (piece.id, kind) not in dead for piece in listed.pieces
    )


def _why(error: CasSyncError) -> str:
    return f"{error.message}: {error.cause}" if error.cause else error.message


def _passed_over(ref: PageRef, error: DamageError) -> None:
    """Take no notice: it was told before."""
    del ref, error


def _matches(data: bytes, name: str) -> bool:
    return str(ObjectId.of(data)) == name.partition("_")[0]


def _is_list(index: Segment, i: int) -> bool:
    return index.at(i).kind is Kind.FILE


def _check_object(compressor: Compressor, data: memoryview, where: Location) -> str:
    """Return why an object in a pack is not what its name says; empty if it is."""
    stored = data[where.offset : where.offset + where.stored]
    if len(stored) != where.stored:
        return "its pack is cut short"
    try:
        raw = compressor.decompress(where.codec, stored, where.raw)
        if where.kind is Kind.FILE:
            pieces.load(bytes(raw))
        elif blake3(raw).digest() != where.id:
            return "its bytes do not match its name"
    except FormatError as error:
        return error.message
    return ""


def bad_objects(
    index: Segment,
    reader: ObjectReader,
    content: Content,
    bad: Collection[tuple[ObjectId, Kind]],
) -> Iterator[tuple[ObjectId, Kind]]:
    """Yield what is bad of a file's content."""
    if (content.id, Kind.CHUNK) in bad:
        yield content.id, Kind.CHUNK
        return
    chunk = index.find(content.id, Kind.CHUNK)
    if chunk is not None and chunk.raw == content.size:
        return
    where = index.find(content.id, Kind.FILE)
    if where is None or (content.id, Kind.FILE) in bad:
        yield content.id, Kind.FILE
        return
    try:
        root = reader.root(where, content)
    except DamageError:
        yield content.id, Kind.FILE
        return
    below = [root]
    if root.level:
        below = []
        for piece in root.pieces:
            if (piece.id, Kind.LIST) in bad or index.find(piece.id, Kind.LIST) is None:
                yield piece.id, Kind.LIST
            else:
                below += [each for _, each in reader.expand([piece])]
    for each in below:
        for piece in each.pieces:
            if (piece.id, Kind.CHUNK) in bad or index.find(piece.id, Kind.CHUNK) is None:
                yield piece.id, Kind.CHUNK
