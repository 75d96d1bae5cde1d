"""The files and folders a user named, as a question and as ranges of keys."""

from dataclasses import dataclass

from cas_sync.model.paths import is_below, keys_below, sort_key


@dataclass(frozen=True)
class NamedPaths:
    """The files and folders that are meant.

    Attributes:
        paths: As in manifests; none, or an empty text among them, means all.
    """

    paths: tuple[str, ...] = ()

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return not self.paths or "" in self.paths

    def ranges(self) -> list[tuple[str, str | None]]:
        """Return the keys that are meant, as ascending ranges that share none.

        Each is the first key that is meant and the first after it that is not; `None` where
        all are.
        """
        if self.is_all:
            return [("", None)]
        return [keys_below(path) for path in self.roots()]

    def roots(self) -> list[str]:
        """Return the paths in their order, without those that lie below another."""
        found: list[str] = []
        for path in sorted(set(self.paths), key=sort_key):
            if not (found and is_below(path, found[-1])):
                found.append(path)
        return found

    def covers(self, path: str) -> bool:
        """Say whether the file ``path`` is meant."""
        return self.is_all or any(is_below(path, each) for each in self.paths)

    def touches(self, folder: str) -> bool:
        """Say whether ``folder`` is meant, or something that may lie in it."""
        return self.covers(folder) or any(is_below(each, folder) for each in self.paths)
