"""What s3synchrony's shared lists say, read from the store."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cas_sync.formats import seed_manifest
from cas_sync.formats.seed_manifest import SeedManifest, ToUtc
from cas_sync.model.foreign import ForeignObject, SeedRow
from cas_sync.plan.adoption import DELETED_MANIFESTS, Finding, Kind, Part, Place
from cas_sync.store.foreign import ForeignStore

_RANGE = 8 << 20


class SeedRows(NamedTuple):
    """The rows of all lists.

    Attributes:
        live: Of files.
        dead: Of deleted files.
        bad: What cannot be read.
    """

    live: list[SeedRow]
    dead: list[SeedRow]
    bad: list[Finding]


def read_rows(store: ForeignStore, places: Iterable[Place], to_utc: ToUtc) -> SeedRows | None:
    """Return what the lists among ``places`` say; `None` where one changed meanwhile."""
    rows = SeedRows([], [], [])
    for each in places:
        if each.part is not Part.MANIFEST:
            continue
        data = _read_whole(store, each.object)
        if data is None:
            return None
        found = seed_manifest.load(data, to_utc)
        (rows.dead if each.name in DELETED_MANIFESTS else rows.live).extend(found.rows)
        rows.bad.extend(_bad_lines(each, found))
    return rows


def _read_whole(store: ForeignStore, found: ForeignObject) -> bytes | None:
    parts = []
    for offset in range(0, found.size, _RANGE):
        part = store.read_foreign(found.key, offset, min(_RANGE, found.size - offset))
        if part is None:
            return None
        parts.append(part)
    return b"".join(parts)


def _bad_lines(place: Place, found: SeedManifest) -> Iterator[Finding]:
    for bad in found.bad:
        where = f"{place.object.key} line {bad.number}: {bad.text}"
        yield Finding(Kind.BAD_ROW, "", where, reason=bad.reason)
