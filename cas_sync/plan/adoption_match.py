"""Which editor, time and name each adopted object gets, from what s3synchrony noted. Pure.

A row is believed about an object only if it has the object's checksum: the manifest was
overwritten by whoever came last, so its rows may be lost, stale, or of files that are
gone. What no row vouches for is taken all the same, and told.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cas_sync.model.foreign import UNKNOWN, SeedRow
from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import PathRefusedError, RepoPath, parse_repo_path, sort_key
from cas_sync.model.tree import Content, Entry, Mode, Timestamp, timestamp_of_ns
from cas_sync.plan.adoption import Finding, Kind, Part, Place, is_seed, plain_name
from cas_sync.plan.adoption_names import Named, settle_names
from cas_sync.plan.conflict import set_aside_name


class Taken(NamedTuple):
    """What an object turned out to hold.

    Attributes:
        id: BLAKE3 of its bytes.
        md5: What s3synchrony would call it, as 32 lower-case hex digits.
    """

    id: ObjectId
    md5: str


class Gone(NamedTuple):
    """A deleted file that was kept.

    Attributes:
        entry: Its row as it was.
        deleter: Who deleted it; s3synchrony notes one name for editor and deleter.
        deleted: When it was put away.
    """

    entry: Entry
    deleter: str
    deleted: Timestamp


@dataclass
class Adoption:
    """What the first commit holds, and what became of everything.

    Attributes:
        entries: The files, in path order.
        gone: The deleted files, in path order, each path once.
        findings: What became of every object and of the rows that go with none.
        warnings: Files whose name not every system can hold, and why.
    """

    entries: list[Entry] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    warnings: dict[RepoPath, str] = field(default_factory=dict)


def match(
    places: Sequence[Place],
    taken: Mapping[str, Taken],
    live: Iterable[SeedRow],
    dead: Iterable[SeedRow],
    adopter: str,
    executables: Collection[tuple[RepoPath, ObjectId]] = (),
) -> Adoption:
    """Return what adopting ``places`` comes to.

    Args:
        places: Every object, in the order of `sort_out`.
        taken: What those that are files, deleted or not, hold; by key.
        live: The rows of the lists of files.
        dead: The rows of the lists of deleted files, oldest first.
        adopter: Who adopts; signs plain files that nobody noted anything about.
        executables: Files here that are executable, as S3 cannot tell.
    """
    adoption = Adoption()
    rows = _by_name(live)
    files = [each for each in places if each.part is Part.FILE]
    nobody = UNKNOWN if is_seed(places) else f"{adopter} (adopted)"
    named = [
        _believe(each, taken[each.object.key], rows.get(each.name, []), nobody)
        for each in files
    ]
    settle_names(named, adoption.warnings)
    for each in named:
        adoption.findings.append(_finding(each))
        if each.kind is not Kind.LEFT_OUT:
            adoption.entries.append(_entry(each, executables))
    adoption.entries.sort(key=lambda row: sort_key(row.path))
    there = {each.name for each in files}
    ghosts = [row for name, found in rows.items() if name not in there for row in found]
    lost = {each.md5: each.path for each in named if each.kind is Kind.LOST_ROW}
    _match_deleted(adoption, places, taken, list(dead), ghosts, lost)
    for place in places:
        if place.part is Part.LEFT_OUT:
            adoption.findings.append(_of_object(Kind.LEFT_OUT, place, reason=place.reason))
        elif place.part is Part.MANIFEST:
            adoption.findings.append(_of_object(Kind.BOOKKEEPING, place))
    return adoption


def _by_name(rows: Iterable[SeedRow]) -> dict[str, list[SeedRow]]:
    found: dict[str, list[SeedRow]] = defaultdict(list)
    for row in dict.fromkeys(rows):
        found[plain_name(row.name)].append(row)
    return found


def _believe(place: Place, taken: Taken, rows: list[SeedRow], nobody: str) -> Named:
    """Return a file with the editor and time of the row that has its checksum."""
    there = timestamp_of_ns(place.object.modified_ns)
    content = Content(taken.id, place.object.size, Mode.FILE)
    row = _newest(row for row in rows if row.md5 == taken.md5)
    kind, editor, edited, reason = Kind.VERIFIED, nobody, there, ""
    if row is not None:
        editor, edited = row.editor, row.edited or there
    elif rows:
        kind = Kind.UNVERIFIED
        reason = f"the list of files has {rows[-1].md5} by {rows[-1].editor}"
    else:
        kind = Kind.LOST_ROW if nobody == UNKNOWN else Kind.PLAIN
    path = RepoPath(place.name)
    return Named(place, path, content, taken.md5, kind, editor, edited, reason)


def _newest(rows: Iterable[SeedRow]) -> SeedRow | None:
    return max(rows, key=lambda row: row.edited or "", default=None)


def _entry(named: Named, executables: Collection[tuple[RepoPath, ObjectId]]) -> Entry:
    content = named.content
    if (named.path, content.id) in executables:
        content = content._replace(mode=Mode.EXEC)
    return Entry(named.path, content, named.editor, named.edited)


def _finding(named: Named) -> Finding:
    return Finding(
        named.kind,
        named.place.object.key,
        named.path,
        named.editor,
        named.edited,
        named.md5,
        named.content.size,
        named.reason,
    )


def _of_object(
    kind: Kind, place: Place, path: str = "", editor: str = "", md5: str = "", reason: str = ""
) -> Finding:
    found = place.object
    when = timestamp_of_ns(found.modified_ns)
    path = path or place.name
    return Finding(kind, found.key, path, editor, when, md5, found.size, reason)


def _of_row(kind: Kind, row: SeedRow, reason: str) -> Finding:
    return Finding(kind, "", row.name, row.editor, row.edited or "", row.md5, reason=reason)


# -- deleted files ------------------------------------------------------------------


def _match_deleted(
    adoption: Adoption,
    places: Sequence[Place],
    taken: Mapping[str, Taken],
    dead: list[SeedRow],
    ghosts: list[SeedRow],
    lost: Mapping[str, str],
) -> None:
    """Give what was kept of deleted files the rows that have its checksum.

    The first version of s3synchrony kept them under their bare names, later ones under
    their paths. A row of a file that is gone may be of one that was deleted.
    """
    kept = [each for each in places if each.part is Part.DELETED]
    by_path = {(each.name, taken[each.object.key].md5): each for each in kept}
    flat = {key: each for key, each in by_path.items() if "/" not in each.name}
    gone: dict[RepoPath, Gone] = {}
    used: set[str] = set()
    is_ghost = set(ghosts).difference(dead)
    rows = dict.fromkeys([*ghosts, *dead])
    # The newest row of a path has it first; an older one with other content stands beside.
    for row in sorted(rows, key=lambda row: row.edited or "", reverse=True):
        name = plain_name(row.name)
        place = by_path.get((name, row.md5)) or flat.get((name.rpartition("/")[2], row.md5))
        if place is None:
            adoption.findings.append(_unkept(row, row in is_ghost, lost))
            continue
        try:
            path = parse_repo_path(name)
        except PathRefusedError as error:
            adoption.findings.append(_of_row(Kind.BAD_ROW, row, str(error)))
            continue
        path, is_new = _put(gone, place, path, taken, row.editor, row.edited)
        is_first = place.object.key not in used
        used.add(place.object.key)
        if is_new or is_first:
            reason = "the list of files still has it" if row in is_ghost else ""
            found = _of_object(Kind.DELETED, place, path, row.editor, row.md5, reason)
            # One object may be what several deleted files held.
            adoption.findings.append(found if is_first else found._replace(key=""))
    for place in kept:
        if place.object.key not in used:
            path, _ = _put(gone, place, RepoPath(place.name), taken, UNKNOWN, None)
            md5, reason = taken[place.object.key].md5, "no row tells of it"
            found = _of_object(Kind.DELETED, place, path, UNKNOWN, md5, reason)
            adoption.findings.append(found)
    adoption.gone = sorted(gone.values(), key=lambda each: sort_key(each.entry.path))


def _unkept(row: SeedRow, is_ghost: bool, lost: Mapping[str, str]) -> Finding:  # noqa: FBT001
    if not is_ghost:
        return _of_row(Kind.DELETED_GONE, row, "s3synchrony kept no content of it")
    other = lost.get(row.md5)
    reason = "the list of files has it, but it is not there"
    if other is not None:
        reason = f"it is not there; {other} has the same content and no row"
    return _of_row(Kind.GHOST, row, reason)


def _put(
    gone: dict[RepoPath, Gone],
    place: Place,
    path: RepoPath,
    taken: Mapping[str, Taken],
    editor: str,
    edited: Timestamp | None,
) -> tuple[RepoPath, bool]:
    """Add a deleted file; return its path, and whether it was not there yet."""
    there = timestamp_of_ns(place.object.modified_ns)
    content = Content(taken[place.object.key].id, place.object.size, Mode.FILE)
    other = gone.get(path)
    if other is not None and other.entry.content != content:
        path = set_aside_name(path, content, editor)
        other = gone.get(path)
    if other is None:
        gone[path] = Gone(Entry(path, content, editor, edited or there), editor, there)
    return path, other is None
