"""Names for versions that are set aside."""

import re
import unicodedata
from pathlib import PurePosixPath

from cas_sync.model.paths import MAX_COMPONENT_BYTES, MAX_PATH_BYTES, RepoPath
from cas_sync.model.tree import Content

SET_ASIDE = ".conflict-"
"""In every name that `set_aside_name` makes."""

_SUFFIX = 32
_UNFIT = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"|?*/\\\s.]+')


def set_aside_name(path: RepoPath, content: Content, author: str) -> RepoPath:
    """Return the name a losing version is kept under, beside the one that won.

    ``data/a.csv`` becomes ``data/a.conflict-ana-1f2e3d4c.csv``, so that it sorts next to
    the original and opens in the same program. It depends on path, content and author
    alone, so two people who settle the same conflict make the same file.
    """
    who = unicodedata.normalize("NFC", _UNFIT.sub("-", author).strip("-"))[:40] or "someone"
    mark = f"{SET_ASIDE}{who}-{content.id.hex()[:8]}"
    p = PurePosixPath(path)
    # A long "suffix" is no file type: it may be cut as the rest of the name is.
    stem, suffix = (p.stem, p.suffix) if len(p.suffix.encode()) <= _SUFFIX else (p.name, "")
    while stem and len(f"{stem}{mark}{suffix}".encode()) > MAX_COMPONENT_BYTES:
        stem = stem[:-1]
    folder, name = p.parent, f"{stem}{mark}{suffix}"
    while len(str(folder / name).encode()) > MAX_PATH_BYTES:
        folder = folder.parent
    return RepoPath(str(folder / name))
