"""The data folder as a scan saw it: the index of the last scan, and what has changed since."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import RepoPath, sort_key
from cas_sync.model.tree import Found
from cas_sync.plan.guards import Rewrites
from cas_sync.plan.scope import Scope
from cas_sync.worktree.index import IndexRows, LocalRow, parse, read_changes
from cas_sync.worktree.scan import ScanReport
from cas_sync.worktree.sealed import merged


@dataclass
class Scanned:
    """The data folder as it was seen, gone through as often as needed.

    Attributes:
        index: What the last scan saw.
        changes_path: The file that holds what has changed since; `None` if nothing has.
        problems: What is there but could not be read.
        report: What the scan counted.
        rewrites: What new contents look like.
    """

    index: IndexRows
    changes_path: str | None
    problems: list[Found]
    report: ScanReport
    rewrites: Rewrites

    def changes(self) -> Iterator[tuple[RepoPath, str | None]]:
        """Yield what the index does not say: paths in order, each with its row as text.

        `None` stands for a file that is gone, or cannot be read any more.
        """
        return iter(()) if self.changes_path is None else read_changes(self.changes_path)

    def rows(self) -> Iterator[LocalRow]:
        """Yield the files that could be read, in path order."""
        return parse(merged(self.index.lines(), self.changes()))

    def found(self) -> Iterator[Found]:
        """Yield everything that is there, in path order."""
        rows = (Found(row.path, row.content, row.mtime_ns) for row in self.rows())
        if not self.problems:
            return rows
        return heapq.merge(rows, self.problems, key=lambda each: sort_key(each.path))


def clean_tag(repo_id: str, commit: ObjectId | None, scope: Scope) -> str:
    """Return the note of an index that leaves nothing to do under the rules of ``scope``.

    What was ignored may differ and was not looked at: under other rules there is more to do.
    """
    return f"clean {repo_id} {commit.hex() if commit else '-'} {scope.fingerprint}"
