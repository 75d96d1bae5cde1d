"""A folder in several versions, kept on the disk."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple


class Version(NamedTuple):
    """One state of a folder.

    Attributes:
        label: What made it, or its number.
        root: The folder.
    """

    label: str
    root: Path

    def files(self) -> Iterator[Path]:
        """Yield the files in path order."""
        for path in sorted(self.root.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


class Family(NamedTuple):
    """A folder and what became of it.

    Attributes:
        name: What it is.
        first: What is stored first.
        later: What is stored then.
        is_chain: Whether each version follows the one before; else each is an edit of the
            first.
    """

    name: str
    first: Version
    later: tuple[Version, ...] = ()
    is_chain: bool = False


def once(root: Path, make: Callable[[Path], None]) -> Path:
    """Return the folder ``root``, filled by ``make`` unless an earlier run did."""
    if not root.exists():
        partial = root.with_name(root.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        make(partial)
        partial.rename(root)
    return root


def edits_of(
    work: Path, name: str, edits: dict[str, Callable[[Path], None]], *, is_chain: bool = False
) -> Family:
    """Return the family whose versions are made by ``edits``, by label; the first is first."""
    folder = work / "".join(c if c.isalnum() else "-" for c in name)
    versions = [
        Version(label, once(folder / f"{n:02}", make))
        for n, (label, make) in enumerate(edits.items())
    ]
    return Family(name, versions[0], tuple(versions[1:]), is_chain)
