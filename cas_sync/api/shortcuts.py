"""One line for one file: any version of it, from the project of the current folder."""

from pathlib import Path
from typing import BinaryIO, Unpack

from cas_sync.api.arguments import Overrides, PathLike, config_of
from cas_sync.api.project import project_in


def fetch(
    path: PathLike, rev: str = "@", to: PathLike | None = None, **overrides: Unpack[Overrides]
) -> Path:
    """Return a file that holds what ``path`` held at a revision, every byte checked.

    For whatever reads real files: ``polars.read_parquet(cas_sync.fetch("x.parquet", "v1"))``.

    Args:
        path: A file, relative to the data folder.
        rev: ``@`` (the latest), ``@~2``, a tag, an id, ``#12``, a date, ``3 days ago``.
        to: The file to write, or a folder to write it into. Without it the file lies in the
            user's cache folder, read-only and named by its content.
        overrides: As in `Project.open`.

    Raises:
        NotAProjectError: Nothing names a store.
        UsageError: There is no such file or revision, or ``to`` holds something else.
    """
    return project_in(".", config_of(dict(overrides), "fetch")).fetch(path, rev, to)


def open(  # noqa: A001 - as tarfile and gzip call it; reached as cas_sync.open
    path: PathLike, rev: str = "@", **overrides: Unpack[Overrides]
) -> BinaryIO:
    """Return what a file held at a revision, open for reading; see `fetch`.

    ``with cas_sync.open("raw/users.csv", "v1") as file: ...``
    """
    return project_in(".", config_of(dict(overrides), "open")).open_file(path, rev)
