"""Whether what a user named is there at all: found out while a plan is made."""

from collections.abc import Callable, Iterable, Iterator

from cas_sync.plan.step import Step
from cas_sync.plan.sync_plan import Sides


class Matches:
    """Notes which of the names and patterns of a user have met a path.

    Args:
        names: Paths of files or folders.
        is_meant: What some patterns say of a path; `None` where there are none.

    Attributes:
        missing: Names that no path was met for so far.
        nothing_meant: Whether the patterns have met no path so far.
    """

    def __init__(
        self, names: Iterable[str], is_meant: Callable[[str], bool] | None = None
    ) -> None:
        self.missing = set(names)
        self.nothing_meant = is_meant is not None
        self._is_meant = is_meant

    def among(
        self, decided: Iterable[tuple[Sides, Step | None]]
    ) -> Iterator[tuple[Sides, Step | None]]:
        """Yield what is given, and look at it."""
        for sides, step in decided:
            if self.missing or self.nothing_meant:
                self.meet(sides.path)
            yield sides, step

    def meet(self, path: str) -> None:
        """Note a path that is in some tree."""
        if self.nothing_meant and self._is_meant is not None:
            self.nothing_meant = not self._is_meant(path)
        while self.missing and path:
            self.missing.discard(path)
            path = path.rpartition("/")[0]
