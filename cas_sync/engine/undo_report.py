"""What an undo is asked to do, what it comes to, and what it did."""

from dataclasses import dataclass, field

from cas_sync.model.commit import Commit
from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import RepoPath
from cas_sync.plan.inverse import InversePlan


@dataclass(frozen=True)
class UndoOptions:
    """What is to be undone.

    Attributes:
        rev: Which commit; see `find_revision`. `None` means the newest that the user made, or
            the latest where none is theirs.
        message: Why, for the log; empty for "undo #12: <its message>".
        dry_run: Whether to stop once the plan is made.
        allow_mass_delete: Whether the guard is passed.
    """

    rev: str | None = None
    message: str = ""
    dry_run: bool = False
    allow_mass_delete: bool = False


@dataclass(frozen=True)
class UndoPlan:
    """What undoing a commit comes to.

    Attributes:
        id: The commit.
        commit: The same, as it was written.
        newer: The latest commit, where it is somebody else's and was not asked for.
        inverse: What becomes of each path; its single paths can be gone through only while
            it is shown.
        left: Paths that are left alone, and why.
    """

    id: ObjectId
    commit: Commit
    newer: tuple[ObjectId, Commit] | None
    inverse: InversePlan
    left: dict[RepoPath, str]

    @property
    def name(self) -> str:
        """Return what people are shown: the first digits of the id, and the number."""
        return f"{self.id.hex()[:8]} (#{self.commit.seq})"


@dataclass
class UndoReport:
    """What was undone.

    Attributes:
        plan: What it came to; `None` where there is no commit.
        commit: The commit that was made, or else the latest.
        seq: Its number.
        published: Whether a commit was made.
        uploaded: Files brought or put back for everyone.
        deleted_remote: Files taken out for everyone.
        left: Paths that were left alone, and why.
        hindered: Whether something other than a later change was in the way of some.
        refused: Whether the user said no.
        is_here: Whether it was brought to the data folder, too.
        downloaded: Files written here.
        deleted_local: Files removed here.
        conflicts: Undone paths that were also changed here, and are left alone here.
        skipped: Undone paths that could not be brought here, and why.
        kept: Files removed or replaced here, and where they lie now.
        local: How many of the files written needed no download: their bytes were here.
        bytes_up: Bytes of request bodies sent.
        bytes_down: Bytes of response bodies received.
        requests: Requests sent, by method.
    """

    plan: UndoPlan | None = None
    commit: ObjectId | None = None
    seq: int = 0
    published: bool = False
    uploaded: int = 0
    deleted_remote: int = 0
    left: dict[RepoPath, str] = field(default_factory=dict)
    hindered: bool = False
    refused: bool = False
    is_here: bool = False
    downloaded: int = 0
    deleted_local: int = 0
    conflicts: list[RepoPath] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    kept: dict[RepoPath, str] = field(default_factory=dict)
    local: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    requests: dict[str, int] = field(default_factory=dict)
