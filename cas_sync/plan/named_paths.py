"""The files and folders a user named, as a question and as ranges of keys."""

from dataclasses import dataclass

from cas_sync.model.paths import sort_key


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
        found: list[tuple[str, str]] = []
        for key in sorted({sort_key(path) for path in self.paths}):
            # The key of a path, then those of what lies below it; no name holds a control
            # character, so nothing else comes between.
            if not (found and key < found[-1][1]):
                found.append((key, key + "\x01"))
        return [*found]

    def covers(self, path: str) -> bool:
        """Say whether the file ``path`` is meant."""
        if self.is_all:
            return True
        return any(path == each or path.startswith(each + "/") for each in self.paths)

    def touches(self, folder: str) -> bool:
        """Say whether ``folder`` is meant, or something that may lie in it."""
        return self.covers(folder) or any(each.startswith(folder + "/") for each in self.paths)
