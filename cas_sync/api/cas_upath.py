"""`UPath("cas://v1@raw")`: universal_pathlib finds this by an entry point, and warns without.

It is the user's dependency, and is imported nowhere else.
"""

from fsspec import get_filesystem_class
from upath import UPath

# How paths are split is taken from filesystems that are loaded, else guessed.
get_filesystem_class("cas")


class CasPath(UPath):
    """A path of `CasFileSystem`."""

    __slots__ = ()
