"""What a sync would do, told and not done."""

from collections.abc import Callable
from dataclasses import dataclass, field

from cas_sync.engine.adopt import find_foreign
from cas_sync.engine.coming_rules import coming_rules
from cas_sync.engine.only import tell, without_unwanted
from cas_sync.engine.repository import refuse_rollback
from cas_sync.engine.seed_folder import unedited_since_seed
from cas_sync.engine.session import Session
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.engine.trees import trees_with, whole_trees
from cas_sync.model.commit import Head
from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import RepoPath
from cas_sync.model.tree import Content
from cas_sync.plan.adoption import Foreign
from cas_sync.plan.step import Act, Step
from cas_sync.plan.sync_plan import Rules
from cas_sync.progress import Progress


@dataclass
class Changes:
    """Paths that differ from what both sides last agreed on."""

    new: list[RepoPath] = field(default_factory=list)
    modified: list[RepoPath] = field(default_factory=list)
    deleted: list[RepoPath] = field(default_factory=list)

    def note(self, path: RepoPath, was: Content | None, now: Content | None) -> None:
        """Add ``path`` where it belongs, if it changed at all."""
        if was == now:
            return
        if was is None:
            self.new.append(path)
        elif now is None:
            self.deleted.append(path)
        else:
            self.modified.append(path)

    def __len__(self) -> int:
        return len(self.new) + len(self.modified) + len(self.deleted)


@dataclass
class StatusReport:
    """What a sync would meet.

    Attributes:
        local: What changed in the folder.
        remote: What teammates changed.
        conflicts: What both changed, differently, with what was seen of it.
        skipped: What could not be read, and why.
        declined: What differs, but the user said no to it.
        commit: The latest commit known; `None` before the first.
        seq: Its number.
        n_files: Files in the folder.
        size: Their bytes.
        is_offline: Whether the store was not asked.
        ignored: Files and folders here that were passed over.
        ignored_names: How many of them had which name; the first few names.
        foreign: What others left below the prefix, where it holds no commit.
    """

    local: Changes = field(default_factory=Changes)
    remote: Changes = field(default_factory=Changes)
    conflicts: list[Step] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    declined: list[RepoPath] = field(default_factory=list)
    commit: ObjectId | None = None
    seq: int = 0
    n_files: int = 0
    size: int = 0
    is_offline: bool = False
    ignored: int = 0
    ignored_names: dict[str, int] = field(default_factory=dict)
    foreign: Foreign | None = None

    @property
    def is_clean(self) -> bool:
        """Whether a sync would find nothing to do."""
        found = len(self.local) or len(self.remote) or self.conflicts or self.foreign
        return not found


def run_status(
    settings: Settings, surroundings: Surroundings, progress: Progress, *, offline: bool
) -> StatusReport:
    """Return what a sync would meet.

    Args:
        settings: The configuration in force.
        surroundings: Time, randomness and names.
        progress: Is told what happens.
        offline: Whether to compare with the last sync only and ask nobody.

    Raises:
        RepositoryResetError: The store's history is gone, or older than this folder has seen.
    """
    report = StatusReport(is_offline=offline)
    with Session(settings, surroundings, progress, creates=False) as session:
        if not offline:
            session.start_reading_head()
        tell(session)
        base, ours = session.base(), session.scan()
        base = without_unwanted(session, base, ours)
        report.n_files, report.size = ours.report.n_files, ours.report.size
        report.skipped.update((each.name, each.reason) for each in ours.report.skipped)
        report.ignored, report.ignored_names = ours.report.n_ignored, ours.report.ignored
        trees = whole_trees(base, ours, base.rows)
        settled: dict[RepoPath, ObjectId] = {}
        withholds: Callable[[str], bool] | None = None
        if offline:
            if base.agreed is not None:
                report.commit, report.seq = base.agreed.commit, base.agreed.seq
        else:
            connection, head = session.head()
            if head is not None:
                _note_head(report, head.head)
                repo = connection.repository(head.head.repo_id)
                refuse_rollback(repo, head, base.agreed)
                settled = unedited_since_seed(session, repo, base, ours, head)
                trees = trees_with(repo, head, base, ours, session.scope)
                withholds = coming_rules(settings, repo, head.head, base, ours)
            if report.commit is None:
                report.foreign = find_foreign(connection)
        rules = Rules(
            ignores=session.scope.leaves_out,
            covers=session.scope.covers,
            author="",
            declined=session.declined,
            settled=settled,
            withholds=withholds,
        )
        for step in session.plan(trees, rules).steps():
            _note(report, step)
    return report


def _note_head(report: StatusReport, head: Head) -> None:
    report.commit, report.seq = head.commit, head.seq


def _note(report: StatusReport, step: Step) -> None:
    match step.act:
        case Act.SKIP:
            report.skipped[step.path] = step.reason
            return
        case Act.DECLINED:
            report.declined.append(step.path)
            return
        case Act.IGNORED | Act.LEAVE:
            return
        case _:
            pass
    if step.act is Act.CONFLICT:
        report.conflicts.append(step)
    was = step.base.content if step.base else None
    ours = step.ours.content if step.ours else None
    theirs = step.theirs.content if step.theirs else None
    if ours != theirs:
        report.local.note(step.path, was, ours)
        report.remote.note(step.path, was, theirs)
