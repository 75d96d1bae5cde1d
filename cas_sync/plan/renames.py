"""Renames among changes: what is gone at one path and new at another, byte for byte.

Nothing records a rename; it is seen. One that came with an edit is an addition and a deletion.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple, Self

from cas_sync.model.commit import ChangeRow
from cas_sync.model.ids import ObjectId
from cas_sync.model.tree import Content, Entry

MOST = 20_000
"""Changes among which renames are looked for; more are not held in memory for it."""

_EMPTY = ObjectId.of(b"").hex()


class TreeChange(NamedTuple):
    """One path that differs between two trees.

    Attributes:
        path: The file.
        before: What it held; `None` where it was not there.
        after: What it holds; `None` where it is gone.
        renamed_from: Of a new file, the path that its content left.
        renamed_to: Of a deleted file, the path that its content went to.
    """

    path: str
    before: Content | None
    after: Content | None
    renamed_from: str = ""
    renamed_to: str = ""

    @classmethod
    def between(cls, before: Entry | None, after: Entry | None) -> Self | None:
        """Return what became of a row; `None` where its content and mode are the same."""
        old, new = before and before.content, after and after.content
        row = after or before
        if row is None or old == new:
            return None
        return cls(row.path, old, new)

    @property
    def change(self) -> str:
        """Return ``added``, ``modified`` or ``deleted``."""
        if self.before is None:
            return "added"
        return "deleted" if self.after is None else "modified"

    def brief(self) -> ChangeRow:
        """Return the row as commits repeat it: without sizes and modes."""
        before, after = self.before, self.after
        old, new = before.id.hex() if before else "", after.id.hex() if after else ""
        return ChangeRow(self.path, self.change, old, new)

    def to_dict(self) -> dict[str, Any]:
        """Return the row as scripts get it."""
        row = self.brief()._asdict()
        row["old_size"] = self.before.size if self.before else None
        row["new_size"] = self.after.size if self.after else None
        if self.renamed_from:
            row["renamed_from"] = self.renamed_from
        if self.renamed_to:
            row["renamed_to"] = self.renamed_to
        return row


def pair_renames(rows: Sequence[TreeChange]) -> list[TreeChange]:
    """Return the same rows in the same order, with both ends of each rename told."""
    came = find_renames(row.brief() for row in rows if row.before is None or row.after is None)
    went = {old: new for new, old in came.items()}
    return [
        row._replace(renamed_from=came.get(row.path, ""))
        if row.before is None
        else row._replace(renamed_to=went.get(row.path, ""))
        if row.after is None
        else row
        for row in rows
    ]


def paired(rows: Iterable[TreeChange], most: int = MOST) -> Iterator[TreeChange]:
    """Yield rows with their renames told; more than ``most`` as they are, holding no more."""
    rows = iter(rows)
    first = list(islice(rows, most + 1))
    if len(first) <= most:
        yield from pair_renames(first)
    else:
        yield from chain(first, rows)


def folded(rows: Iterable[TreeChange]) -> Iterator[TreeChange]:
    """Yield rows for people: a rename is one row, that of its new path."""
    return (row for row in rows if not row.renamed_to)


def find_renames(rows: Iterable[ChangeRow]) -> dict[str, str]:
    """Return the renames among some changes, old path by new path.

    Among several files of the same content, those of the same name in another folder belong
    together, then the first with the first. Empty files are all alike: only the same name
    makes a rename of them.
    """
    gone: dict[str, list[str]] = defaultdict(list)
    new: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row.change == "deleted":
            gone[row.old].append(row.path)
        elif row.change == "added":
            new[row.new].append(row.path)
    found: dict[str, str] = {}
    for content in new.keys() & gone.keys():
        found.update(_pairs(new[content], gone[content], by_name_only=content == _EMPTY))
    return found


def _pairs(new: list[str], gone: list[str], *, by_name_only: bool) -> Iterator[tuple[str, str]]:
    named: dict[str, list[str]] = defaultdict(list)
    for path in reversed(gone):
        named[_name(path)].append(path)
    taken, left = set(), []
    for path in new:
        if same := named.get(_name(path)):
            old = same.pop()
            taken.add(old)
            yield path, old
        else:
            left.append(path)
    if not by_name_only:
        yield from zip(left, (path for path in gone if path not in taken), strict=False)


def _name(path: str) -> str:
    return path.rpartition("/")[2]
