"""Tables of the study as Markdown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass
class Table:
    """A title, names of columns, and rows of texts."""

    title: str
    columns: list[str]
    rows: list[tuple[str, list[str]]] = field(default_factory=list)

    def row(self, name: str, cells: Sequence[str]) -> None:
        """Append a row."""
        self.rows.append((name, list(cells)))

    def lines(self) -> Iterable[str]:
        """Yield the table as Markdown."""
        yield f"\n**{self.title}**\n"
        yield f"| | {' | '.join(self.columns)} |"
        yield "|---|" + "---|" * len(self.columns)
        for name, cells in self.rows:
            yield f"| {name} | {' | '.join(cells)} |"


def mib(size: int) -> str:
    """Return a size in MiB."""
    return f"{size / (1 << 20):,.1f}"
