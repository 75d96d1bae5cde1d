"""Names that cannot be in one tree: a file and a folder, or what some disk takes for one."""

from typing import NamedTuple

from cas_sync.model.paths import RepoPath, fold, is_below


class Names:
    """Finds names of the resulting tree that some disk would take for one another.

    Fed in path order; remembers only the folders on the way to the current path.

    Args:
        refused: Is given the files and folders that lose their name to another, and why.
        clashes: Is given the files whose name a folder takes.
    """

    def __init__(self, refused: dict[RepoPath, str], clashes: set[RepoPath]) -> None:
        self._refused = refused
        self._clashes = clashes
        self._folders: list[tuple[str, dict[str, _Name]]] = [("", {})]
        self._file: tuple[str, bool] = ("/", False)
        self._folder: str | None = None  # of the last path, where nothing was taken for it
        self._is_new = False

    def add(self, path: RepoPath, *, is_new: bool, movable: bool) -> None:
        """Take in the next path of the resulting tree.

        Args:
            path: It.
            is_new: Whether the shared tree lacks it so far.
            movable: Whether the plan may still give it another name.
        """
        self._gives_way(path, is_new=is_new, movable=movable)
        folder, _, name = path.rpartition("/")
        if folder == self._folder and (is_new or not self._is_new):
            # Nothing is to be said of the way there that was not said just now.
            self._take(len(self._folders) - 1, name, path, is_new=is_new)
            return
        self._enter(folder)
        self._folder = None
        *way, name = path.split("/")
        for depth, each in enumerate(way):
            if not self._take(depth, each, path, is_new=is_new):
                return
        self._folder, self._is_new = folder, is_new
        self._take(len(way), name, path, is_new=is_new)

    def _take(self, depth: int, name: str, path: RepoPath, *, is_new: bool) -> bool:
        """Take in one name on the way to a path; say whether nothing else is taken for it."""
        seen = self._folders[depth][1]
        key = fold(name)
        other = seen.get(key)
        if other is None:
            seen[key] = _Name(name, path, is_new)
            return True
        if other.name == name:
            if other.is_new and not is_new:
                seen[key] = _Name(name, path, is_new)
            return True
        if is_new:
            self._refuse(path, other.path)
        elif other.is_new:
            # What is there already keeps its name, though it sorts later.
            self._forgive(_upto(path, depth))
            self._refuse(_upto(other.path, depth), path)
            seen[key] = _Name(name, path, is_new)
        return False

    def _enter(self, folder: str) -> None:
        parts = folder.split("/") if folder else []
        keep = 0
        while (
            keep < len(parts)
            and keep + 1 < len(self._folders)
            and self._folders[keep + 1][0] == parts[keep]
        ):
            keep += 1
        del self._folders[keep + 1 :]
        self._folders.extend((name, {}) for name in parts[keep:])

    def _refuse(self, loser: RepoPath, winner: RepoPath) -> None:
        self._refused[loser] = (
            f"Windows and macOS take its name for that of {winner}; rename one of them"
        )

    def _forgive(self, path: RepoPath) -> None:
        for each in [each for each in self._refused if is_below(each, path)]:
            del self._refused[each]

    def _gives_way(self, path: RepoPath, *, is_new: bool, movable: bool) -> None:
        below, gives_way = self._file
        if path.startswith(below):
            file = RepoPath(below[:-1])
            if gives_way:
                self._clashes.add(file)
            elif is_new:
                self._refused[path] = f"the shared tree holds a file called {file}"
            return
        self._file = (path + "/", movable)


class _Name(NamedTuple):
    """A name of a folder's, the first path that has it, and whether all of them are new."""

    name: str
    path: RepoPath
    is_new: bool


def _upto(path: RepoPath, depth: int) -> RepoPath:
    """Return the folder of ``path`` at ``depth``, or all of it."""
    return RepoPath("/".join(path.split("/")[: depth + 1]))
