"""A plan as a short numbered list: single files where they are few, folders where not.

Memory is bounded whatever the length of the plan: past a number of files and folders, a
file is only counted where its nearest known folder stands.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import RepoPath
from cas_sync.plan.step import Act, Step

ROWS = 15
"""How many rows a group of a short list has at most, and one for all the rest."""

KNOWN = 20_000
"""How many files and folders an outline keeps apart."""


class Titled(Protocol):
    """What steps are grouped by."""

    @property
    def value(self) -> str:
        """Its heading."""


G = TypeVar("G", bound=Titled)


@dataclass(frozen=True)
class Row(Generic[G]):
    """A numbered line of a plan.

    Attributes:
        number: From 1, through all groups.
        group: The group it belongs to.
        path: A file; a folder, ending with ``/``; or empty: all the rest of its group.
        n_files: Number of files it stands for.
        n_new: How many of them are new where they go.
        size: Bytes they come to.
        step: The step, where it stands for one file.
    """

    number: int
    group: G
    path: str
    n_files: int
    n_new: int
    size: int
    step: Step | None


@dataclass
class _Folder:
    """What lies below a folder, as far as it is kept apart."""

    n_files: int = 0
    n_new: int = 0
    size: int = 0
    n_unknown: int = 0
    steps: dict[str, Step] = field(default_factory=dict)
    folders: "dict[str, _Folder]" = field(default_factory=dict)

    def count(self, step: Step, size: int) -> None:
        self.n_files += 1
        self.size += size
        self.n_new += is_new(step)

    @property
    def n_children(self) -> int:
        return len(self.steps) + len(self.folders) + bool(self.n_unknown)


_DELETING = {Act.DELETE_THERE, Act.DELETE_HERE}
_Item = tuple[str, "_Folder | Step"]


class Outline(Generic[G]):
    """A plan as a numbered list.

    Args:
        steps: The plan, in path order.
        group_of: Returns the group a step is shown in; `None` where it is not shown.
        groups: All groups, in the order in which they are shown.
        rows_per_group: How long a group may become; `None`: as long as it is.

    Attributes:
        rows: The lines.
        totals: Files and bytes of each group that has any.
    """

    def __init__(
        self,
        steps: Iterable[Step],
        group_of: Callable[[Step], G | None],
        groups: Sequence[G],
        rows_per_group: int | None = ROWS,
    ) -> None:
        self._group_of = group_of
        self._n_known = 0
        self._went: dict[ObjectId, RepoPath] = {}
        self._came: dict[ObjectId, RepoPath] = {}
        roots: dict[G, _Folder] = {}
        for step in steps:
            if (group := group_of(step)) is not None:
                self._add(roots.setdefault(group, _Folder()), step)
        self.rows: list[Row[G]] = []
        self._numbers: dict[tuple[G, str], int] = {}
        for group in groups:
            if group in roots:
                self._number(group, roots[group], rows_per_group)
        self.totals = {g: (roots[g].n_files, roots[g].size) for g in groups if g in roots}

    def _add(self, root: _Folder, step: Step) -> None:
        size = size_of(step)
        folder = root
        folder.count(step, size)
        *parents, name = step.path.split("/")
        for parent in parents:
            below = folder.folders.get(parent)
            if below is None:
                if self._n_known >= KNOWN:
                    folder.n_unknown += 1
                    return
                self._n_known += 1
                below = folder.folders[parent] = _Folder()
            folder = below
            folder.count(step, size)
        if self._n_known >= KNOWN:
            folder.n_unknown += 1
            return
        self._n_known += 1
        folder.steps[name] = step
        moves = self._went if step.act in _DELETING else self._came
        if (content := _moving(step)) is not None:
            moves.setdefault(content, step.path)

    def _number(self, group: G, root: _Folder, limit: int | None) -> None:
        items = _items("", root) if limit is not None else list(_all("", root))
        while limit is not None:
            found = min(
                (
                    (each.n_children, at, path, each)
                    for at, (path, each) in enumerate(items)
                    if isinstance(each, _Folder) and not each.n_unknown
                ),
                default=None,
            )
            if found is None or len(items) - 1 + found[0] > limit:
                break
            _, at, path, folder = found
            items[at : at + 1] = _items(path, folder)
        shown = items if limit is None or len(items) <= limit + 1 else items[:limit]
        for path, what in shown:
            self._append(group, path, what)
        n_shown = sum(each.n_files if isinstance(each, _Folder) else 1 for _, each in shown)
        if n_shown < root.n_files:
            rest = _Folder(root.n_files - n_shown, root.n_new, root.size)
            for _, each in shown:
                rest.size -= each.size if isinstance(each, _Folder) else size_of(each)
                rest.n_new -= each.n_new if isinstance(each, _Folder) else is_new(each)
            self._append(group, "", rest)

    def _append(self, group: G, path: str, what: "_Folder | Step") -> None:
        number = len(self.rows) + 1
        self._numbers[group, path] = number
        if isinstance(what, Step):
            row = Row(number, group, path, 1, int(is_new(what)), size_of(what), what)
        else:
            row = Row(number, group, path, what.n_files, what.n_new, what.size, None)
        self.rows.append(row)

    def number_of(self, step: Step) -> int | None:
        """Return the number of the row that stands for a step; `None` if none does."""
        group = self._group_of(step)
        if group is None:
            return None
        path = str(step.path)
        found = self._numbers.get((group, path))
        while found is None and path:
            path = path.rstrip("/").rpartition("/")[0]
            found = self._numbers.get((group, path and path + "/"))
        return found

    def other_end(self, step: Step) -> RepoPath | None:
        """Return the other path of a rename: where a new file was, or a deleted one went."""
        content = _moving(step)
        if content is None:
            return None
        return (self._came if step.act in _DELETING else self._went).get(content)


def _items(above: str, folder: _Folder) -> list[_Item]:
    """Return what lies in a folder; a chain of folders with one file in all is that file."""
    items: list[_Item] = [(above + name, step) for name, step in folder.steps.items()]
    for name, below in folder.folders.items():
        path, only = f"{above}{name}/", below
        while only.n_children == 1 and only.folders:
            ((inner, only),) = only.folders.items()
            path += f"{inner}/"
        if only.n_children == 1 and only.steps:
            ((inner, step),) = only.steps.items()
            items.append((path + inner, step))
        else:
            items.append((path, only))
    return sorted(items, key=lambda each: each[0].replace("/", "\0"))


def _all(above: str, folder: _Folder) -> Iterator[_Item]:
    """Yield every file below a folder, and folders of which not all files are known."""
    for path, what in _items(above, folder):
        if isinstance(what, Step) or what.n_unknown:
            yield path, what
        else:
            yield from _all(path, what)


def is_new(step: Step) -> bool:
    """Say whether a step makes a file that is not there yet."""
    if step.act in {Act.DOWNLOAD, Act.DELETE_HERE}:
        return step.ours is None
    return step.theirs is None


def _moving(step: Step) -> ObjectId | None:
    """Return the content that leaves a path, or comes to one where there was none."""
    match step.act:
        case Act.DOWNLOAD | Act.DELETE_THERE if step.act is Act.DELETE_THERE or is_new(step):
            content = step.their_content
        case Act.UPLOAD | Act.DELETE_HERE if step.act is Act.DELETE_HERE or is_new(step):
            content = step.our_content
        case _:
            return None
    return content.id if content is not None and content.size else None


def size_of(step: Step) -> int:
    """Return the bytes of the file that a step is about, as it will be; else as it was."""
    is_theirs = step.act in {Act.DOWNLOAD, Act.DELETE_THERE, Act.TAKE_THEIRS}
    sides = (step.their_content, step.our_content)
    content = (sides[0] or sides[1]) if is_theirs else (sides[1] or sides[0])
    return content.size if content is not None else 0


def shown(outline: Outline[G], group: G) -> Iterator[Row[G]]:
    """Yield the rows of one group."""
    return (row for row in outline.rows if row.group is group)
