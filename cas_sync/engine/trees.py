"""The three trees that a plan is made from: whole, or only where they can differ.

Where the last sync left nothing to do, all that can differ now is what the scan found
changed, and what their commits changed since. Then nothing goes over the rest: a sync of
one file among a million looks at that file, and at the names beside it if it is new.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, tee

from cas_sync.engine.repository import Repository
from cas_sync.engine.scanned import Scanned, clean_tag
from cas_sync.errors import DamageError
from cas_sync.model.paths import RepoPath, is_below, keys_below, sort_key
from cas_sync.model.tree import Entry, Found
from cas_sync.plan.scope import Scope
from cas_sync.store.head import HeadRead
from cas_sync.worktree.base import Agreed, BaseSearch, BaseTree
from cas_sync.worktree.index import LocalRow, parse

MOST = 20_000
"""With more differences than this the trees are gone through from end to end."""

MOST_BESIDE = 200_000
"""The same for names beside new ones."""

Rows = Callable[[], Iterator[Entry]]


@dataclass(frozen=True)
class Narrowed:
    """What a plan has to know of the paths that its trees leave out.

    Attributes:
        n_base: Files both sides last agreed on.
        n_ours: Files in the data folder.
        beside: Paths of the shared tree in the folders where something is new, in order:
            of a subfolder one, of the rest all.
        whole: All of the trees.
    """

    n_base: int
    n_ours: int
    beside: Sequence[RepoPath]
    whole: "Trees"


@dataclass(frozen=True)
class Trees:
    """The last agreed, the local and the shared tree; each is gone through as often as needed.

    Attributes:
        base: Yields what both sides last agreed on.
        ours: Yields what the data folder holds.
        theirs: Yields what the shared tree holds.
        rows: Yields the files of ``ours`` as scanned.
        narrowed: What is left out; `None` where nothing is.
    """

    base: Rows
    ours: Callable[[], Iterator[Found]]
    theirs: Rows
    rows: Callable[[], Iterator[LocalRow]]
    narrowed: Narrowed | None = None

    @property
    def whole(self) -> "Trees":
        """All of the trees, whatever is left out here."""
        return self if self.narrowed is None else self.narrowed.whole

    def sides(self) -> tuple[Iterator[Entry], Iterator[Found], Iterator[Entry]]:
        """Return all three, in path order."""
        if self.theirs == self.base:
            # The same rows twice: read them once.
            first, second = tee(self.base())
            return first, self.ours(), second
        return self.base(), self.ours(), self.theirs()


def whole_trees(base: BaseTree, ours: Scanned, theirs: Rows) -> Trees:
    """Return the three trees from end to end."""
    return Trees(base.rows, ours.found, theirs, ours.rows)


def trees_with(
    repo: Repository, head: HeadRead, base: BaseTree, ours: Scanned, scope: Scope
) -> Trees:
    """Return the three trees, theirs as of ``head``; narrowed where that can be done.

    Args:
        repo: The repository.
        head: Its head.
        base: What both sides last agreed on.
        ours: The data folder as scanned.
        scope: The rules by which it was.
    """
    agreed = base.agreed
    if is_agreed(agreed, head):
        whole = whole_trees(base, ours, base.rows)
    else:
        whole = whole_trees(base, ours, lambda: repo.versions.rows(head.head.versions))
    if agreed is None or agreed.n_pending or ours.problems or scope.remembered:
        return whole
    if ours.index.tag != clean_tag(agreed.repo_id, agreed.commit, scope):
        return whole
    mine = dict(islice(ours.changes(), MOST + 1))
    there = _their_changes(repo, head, agreed)
    if there is None or len(mine) + len(there) > MOST or mine.keys() & there.keys():
        return whole
    return _narrow(base, ours, mine, there, whole) or whole


def is_agreed(agreed: Agreed | None, head: HeadRead) -> bool:
    """Say whether the base is the shared tree of ``head``."""
    return agreed is not None and agreed.n_pending == 0 and agreed.commit == head.head.commit


def _their_changes(
    repo: Repository, head: HeadRead, agreed: Agreed
) -> dict[RepoPath, Entry | None] | None:
    """Return what the shared tree holds where it is not the base; `None` if unknown."""
    if is_agreed(agreed, head):
        return {}
    if agreed.commit is None or agreed.commit not in head.head.recent:
        return None
    try:
        root = repo.commits.read(agreed.commit, agreed.seq).versions
        pairs = list(islice(repo.versions.diff(root, head.head.versions), MOST + 1))
    except DamageError:
        return None  # the new tree may be whole
    return {each.path: new for old, new in pairs if (each := new or old) is not None}


def _narrow(
    base: BaseTree,
    ours: Scanned,
    mine: dict[RepoPath, str | None],
    there: dict[RepoPath, Entry | None],
    whole: Trees,
) -> Trees | None:
    """Return the trees where they can differ; `None` where too many names are beside that."""
    paths = sorted([*mine, *there], key=sort_key)
    agreed = dict(zip(paths, base.find(paths), strict=True))
    taken = sorted(there, key=sort_key)
    here = dict(zip(taken, ours.index.find(taken), strict=True))
    here |= {path: next(parse([line])) if line else None for path, line in mine.items()}
    theirs = agreed | there
    came = [path for path in paths if agreed[path] is None]
    beside = _beside(base, came, set(paths)) if came else ()
    if len(beside) > MOST_BESIDE:
        return None

    def rows() -> Iterator[LocalRow]:
        return (row for path in paths if (row := here[path]) is not None)

    return Trees(
        lambda: (row for path in paths if (row := agreed[path]) is not None),
        lambda: (Found(row.path, row.content, row.mtime_ns) for row in rows()),
        lambda: (row for path in paths if (row := theirs[path]) is not None),
        rows,
        Narrowed(base.n_rows, ours.report.n_files, beside, whole),
    )


def _beside(
    base: BaseTree, came: Sequence[RepoPath], changed: set[RepoPath]
) -> Sequence[RepoPath]:
    """Return what stands in the base beside the first new name on the way to each new path."""
    found: set[RepoPath] = set()
    with base.search() as search:
        known: dict[str, bool] = {"": True}
        for folder in sorted({_nearest(search, path, known) for path in came}):
            found.update(islice(_inside(search, folder, changed), MOST_BESIDE + 1))
            if len(found) > MOST_BESIDE:
                break
    return sorted(found, key=sort_key)


def _nearest(search: BaseSearch, path: str, known: dict[str, bool]) -> str:
    """Return the deepest folder on the way to ``path`` that the base has."""
    while path:
        path = path.rpartition("/")[0]
        if path not in known:
            row = search.first_from(keys_below(path)[0] + "\0")
            known[path] = row is not None and is_below(row.path, path)
        if known[path]:
            break
    return path


def _inside(search: BaseSearch, folder: str, changed: set[RepoPath]) -> Iterator[RepoPath]:
    """Yield each file in a folder of the base, and one below each subfolder.

    What has changed is left out: a subfolder is told by what stays in it.
    """
    prefix = f"{folder}/" if folder else ""
    key = sort_key(prefix)
    while (row := search.first_from(key)) is not None and row.path.startswith(prefix):
        key = sort_key(row.path) + "\0"
        if row.path in changed:
            continue
        yield row.path
        name, slash, _ = row.path[len(prefix) :].partition("/")
        if slash:
            key = sort_key(prefix + name) + "\x01"
