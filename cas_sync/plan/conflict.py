"""Names for versions that are set aside."""

import re
from pathlib import PurePosixPath

from cas_sync.model.paths import MAX_COMPONENT_BYTES, RepoPath
from cas_sync.model.tree import Content

_UNFIT = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"|?*/\\\s.]+')


def set_aside_name(path: RepoPath, content: Content, author: str) -> RepoPath:
    """Return the name a losing version is kept under, beside the one that won.

    ``data/a.csv`` becomes ``data/a.conflict-ana-1f2e3d4c.csv``, so that it sorts next to
    the original and opens in the same program. It depends on path, content and author
    alone, so two people who settle the same conflict make the same file.
    """
    who = _UNFIT.sub("-", author).strip("-")[:40] or "someone"
    mark = f".conflict-{who}-{content.id.hex()[:8]}"
    p = PurePosixPath(path)
    stem = p.stem
    while len(f"{stem}{mark}{p.suffix}".encode()) > MAX_COMPONENT_BYTES and stem:
        stem = stem[:-1]
    return RepoPath(str(p.with_name(f"{stem}{mark}{p.suffix}")))
