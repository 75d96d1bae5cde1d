"""The team's rules that a sync brings: what they ignore is not published before they are here.

The folder is scanned by the rules that are in it. Where teammates changed them since, or the
folder was brought to an older version, a file that the team ignores looks like a new one.
"""

from collections.abc import Callable
from functools import cache

from cas_sync.engine.asking import read_stored
from cas_sync.engine.ignoring import configured
from cas_sync.engine.repository import Repository
from cas_sync.engine.scanned import Scanned
from cas_sync.engine.settings import Settings
from cas_sync.model.commit import Head
from cas_sync.model.paths import RepoPath, sort_key
from cas_sync.model.tree import Mode
from cas_sync.plan.ignore_rules import TEAM_FILE, IgnoreRules, meaningful
from cas_sync.worktree.base import BaseTree
from cas_sync.worktree.ignore_files import MAX_BYTES, lines_of


def coming_rules(
    settings: Settings, repo: Repository, head: Head, base: BaseTree, ours: Scanned
) -> Callable[[str], bool]:
    """Return what says whether a new file of ours is ignored by rules that are on their way.

    Nothing is read before it is asked.

    Args:
        settings: The configuration in force.
        repo: The repository.
        head: Names their tree.
        base: What both sides last agreed on.
        ours: The data folder as scanned.
    """

    @cache
    def rules() -> IgnoreRules | None:
        agreed = base.agreed
        if agreed is not None and agreed.commit == head.commit and not agreed.n_pending:
            return None  # nothing is on its way
        key = sort_key(RepoPath(TEAM_FILE))
        (_, there), *_ = repo.versions.lookup(head.versions, [key])
        if there is None or there.content.mode is Mode.LINK:
            return None
        was = next(base.find([RepoPath(TEAM_FILE)]))
        if was is not None and was.content == there.content:
            return None  # what is here is newer
        here = next((row for row in ours.rows() if sort_key(row.path) >= key), None)
        if here is not None and here.path == TEAM_FILE and here.content == there.content:
            return None
        data = read_stored(repo, head, there.content, MAX_BYTES)
        if data is None:
            return None
        lines = lines_of(data.decode("utf-8-sig", errors="replace"))
        return IgnoreRules((*configured(settings), *meaningful(lines, TEAM_FILE)))

    def withholds(path: str) -> bool:
        found = rules() if head.versions is not None else None
        return found is not None and path != TEAM_FILE and found.ignores(path)

    return withholds
