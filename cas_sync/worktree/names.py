"""Names on this disk: other Unicode forms than in manifests, or none that can be shown."""

import unicodedata

from cas_sync.model.paths import RepoPath
from cas_sync.worktree.folder import Folder


def disk_name_of(folder: Folder, path: RepoPath) -> str:
    """Return the path to use on the disk for ``path``.

    Folders made by other programs may be written in decomposed form; a file that goes
    into one must not create a second folder that looks the same.
    """
    if path.isascii():
        return path
    at = ""
    for name in path.split("/"):
        usual = f"{at}/{name}" if at else name
        if not name.isascii() and folder.stat(usual) is None:
            other = unicodedata.normalize("NFD", name)
            odd = f"{at}/{other}" if at else other
            if folder.stat(odd) is not None:
                usual = odd
        at = usual
    return at


def shown(path: str) -> str:
    """Return ``path`` with everything escaped that a terminal or UTF-8 cannot take."""
    text = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
