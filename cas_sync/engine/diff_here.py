"""The folder here as one side of a comparison, and what a revision held, read near to it."""

from collections.abc import Iterator
from itertools import chain, islice

from cas_sync.engine.at_revision import NEAR, History
from cas_sync.engine.repository import refuse_reset
from cas_sync.engine.revisions import Revision
from cas_sync.engine.session import Session
from cas_sync.formats.pages import merge_rows
from cas_sync.model.paths import STATE_DIR, sort_key
from cas_sync.model.tree import Entry, Found
from cas_sync.plan.named_paths import NamedPaths
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.index import LocalRow, read_index
from cas_sync.worktree.scan import ScanReport, fs_now_ns, scan


def refuse_other(session: Session, history: History, url: str) -> None:
    """Stop where a data folder was synced with another history than is compared.

    Raises:
        RepositoryResetError: It was.
    """
    root = session.state.read_root()
    if root is not None and root.repo_id != history.repo.repo_id:
        head = history.connection.read_head()
        refuse_reset(head, root.repo_id, url, synced_with=root.store_url)


def files_here(
    session: Session, named: NamedPaths, on_disk: dict[str, str], skipped: dict[str, str]
) -> Iterator[Found]:
    """Yield what lies in the data folder, in path order; what is not meant is not looked at.

    Args:
        session: The data folder, open.
        named: What is meant.
        on_disk: Gets the names that are not those in manifests, by the latter.
        skipped: Gets what no manifest can hold, and why.
    """
    ignored, touches, covers = session.scope.is_ignored, named.touches, named.covers

    def passes_over(path: str, is_dir: bool) -> bool:  # noqa: FBT001 - as scan calls it
        return not (touches if is_dir else covers)(path) or ignored(path, is_dir)

    report = ScanReport()
    rows = scan(
        session.folder,
        read_index(session.state.index_path).lines(),
        every=True,
        fs_now_ns=fs_now_ns(session.folder),
        is_ignored=ignored if named.is_all else passes_over,
        report=report,
    )
    for row in rows:
        if isinstance(row, LocalRow):
            if row.disk_path is not None:
                on_disk[row.path] = row.disk_path
            yield Found(row.path, row.content, row.mtime_ns)
        elif isinstance(row, Found):
            yield row
    skipped.update(
        (each.name, each.reason) for each in report.skipped if named.covers(each.name)
    )


def rows_near_base(
    session: Session, history: History, revision: Revision, named: NamedPaths
) -> Iterator[Entry]:
    """Yield the rows of a revision: from the base, changed to it, where there is one.

    So what is read from the store grows with what differs between base and revision.
    """
    repo, versions = history.repo, history.repo.versions
    base = session.base()
    agreed, ranges = base.agreed, named.ranges()
    if agreed is None or agreed.commit not in history.head.recent or agreed.n_pending:
        return chain.from_iterable(
            versions.between(revision.versions, start, end) for start, end in ranges
        )
    rows = (row for row in base.rows() if named.covers(row.path))
    if agreed.commit == revision.id:
        return rows
    root = repo.commits.read(agreed.commit, agreed.seq).versions
    pairs = chain.from_iterable(
        versions.diff(root, revision.versions, start, end) for start, end in ranges
    )
    changes = ((_key(before or after), after) for before, after in pairs)
    return merge_rows(rows, changes, lambda row: sort_key(row.path))


def _key(row: Entry | None) -> str:
    if row is None:
        raise AssertionError
    return sort_key(row.path)


def is_here(folder: Folder, path: str) -> bool:
    """Say whether there is something of that name, be it ignored."""
    try:
        return folder.stat(path) is not None
    except OSError:
        return True  # it cannot be looked at, which is not to say that it is not there


def names_beside(folder: Folder, path: str) -> Iterator[str]:
    """Yield what lies in the same folder as ``path``, or would."""
    parent = path.rpartition("/")[0]
    try:
        with folder.scandir(parent) as found:
            names = [each.name for each in islice(found, NEAR)]
    except OSError:
        return
    yield from (
        f"{parent}/{name}" if parent else name for name in sorted(names) if name != STATE_DIR
    )
