"""When it pays to look for contents on this machine before they are downloaded, and where.

What a plan moves, removes or replaces itself is known at no cost: a rename downloads nothing,
however small. A pass over the index of 300,000 files takes a second: not for a few small files.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from cas_sync.engine.scanned import Scanned
from cas_sync.engine.session import Session
from cas_sync.engine.settings import Settings
from cas_sync.engine.wanted import Pairs, wanted_files
from cas_sync.model.tree import Entry
from cas_sync.plan.step import Act
from cas_sync.plan.survey import Survey
from cas_sync.worktree.deletions import REMOTE_FILE
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.index import LocalRow, read_index
from cas_sync.worktree.local_contents import LocalContents
from cas_sync.worktree.state import LocalState

WORTH_BYTES = 4 << 20
WORTH_FILES = 200
"""Past so much to download, the machine is looked through first."""


def fetched_files(settings: Settings, repo_id: str) -> Path:
    """Return the folder of the files that were fetched before, each named by its content."""
    return settings.cache_dir / repo_id / "files"


@contextlib.contextmanager
def contents_here(
    session: Session,
    repo_id: str,
    survey: Survey,
    pairs: Callable[[], Pairs],
    ours: Scanned,
    *,
    thorough: bool,
) -> Iterator[LocalContents | None]:
    """Find what of a plan's downloads is on this machine already.

    Args:
        session: The data folder.
        repo_id: The repository.
        survey: What the plan comes to.
        pairs: Yields the plan; may be called again and again.
        ours: The data folder as scanned.
        thorough: Whether to look however little there is to download.

    Yields:
        What is known; `None` where it does not pay to look.
    """
    n_files = survey.n_materialize - survey.acts[Act.DELETE_HERE]
    looks = thorough or survey.bytes_down > WORTH_BYTES or n_files > WORTH_FILES
    has_any = ours.report.n_files > 0 or thorough
    if not (n_files and has_any and (looks or survey.is_whole)):
        yield None
        return
    local = LocalContents(
        each.entry.content for each in wanted_files(pairs(), (), under_copies=False)
    )
    with contextlib.ExitStack() as stack:
        if looks:
            cache = fetched_files(session.settings, repo_id)
            _look(local, stack, session.folder, ours.rows(), cache)
        else:
            touched = (row for _, row in pairs() if row is not None)
            local.look_in_index(session.folder, touched)
        yield local


@contextlib.contextmanager
def contents_in(
    settings: Settings, repo_id: str, wanted: Iterable[Entry]
) -> Iterator[LocalContents]:
    """Find what is wanted for another place; the data folder is neither locked nor scanned."""
    local = LocalContents(entry.content for entry in wanted)
    with contextlib.ExitStack() as stack:
        data = _opened(stack, settings.data)
        rows = read_index(LocalState(data).index_path) if data is not None else ()
        _look(local, stack, data, rows, fetched_files(settings, repo_id))
        yield local


def _look(
    local: LocalContents,
    stack: contextlib.ExitStack,
    data: Folder | None,
    rows: Iterable[LocalRow],
    cache: Path,
) -> None:
    if data is not None:
        local.look_in_index(data, rows)
        local.look_in_kept(data, LocalState(data).path_of(REMOTE_FILE))
    if (fetched := _opened(stack, cache)) is not None:
        local.look_in_cache(fetched)


def _opened(stack: contextlib.ExitStack, path: Path) -> Folder | None:
    """Open a folder; `None` where there is none that can be read."""
    try:
        return stack.enter_context(Folder(str(path)))
    except OSError:
        return None
