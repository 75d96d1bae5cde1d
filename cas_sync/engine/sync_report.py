"""What a sync is asked to do, and what it did."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from cas_sync.formats.lock_file import Lock
from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import RepoPath
from cas_sync.plan.adoption import Finding, Foreign, Kind
from cas_sync.plan.step import OnConflict
from cas_sync.plan.survey import Survey


class Target(NamedTuple):
    """A version that the folder is to be brought to, instead of the latest.

    Attributes:
        rev: A revision as text.
        lock: What `cas-sync.lock` pins, if that is meant; then the folder must be exactly so.
    """

    rev: str = ""
    lock: Lock | None = None


@dataclass(frozen=True)
class SyncOptions:
    """What one sync is asked to do.

    Attributes:
        paths: Files or folders it is about; empty means all.
        only: Patterns, of which a path must match one; empty means all.
        exclude: Patterns of what is left alone.
        push: Whether our changes are published.
        pull: Whether theirs are materialized.
        deletes: Whether deletions are carried over.
        on_conflict: What to do about conflicts.
        allow_mass_delete: Whether the guards are passed.
        dry_run: Whether to stop once the plan is made.
        joins: Whether there has to be a repository already.
        adopts: Whether files that others left, without a commit, are offered to be adopted.
        reconsider: Whether what was declined before is asked for again.
        message: Why, for the commit.
        target: The version to bring the folder to; `None` means the latest. With one,
            nothing is published.
    """

    paths: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    push: bool = True
    pull: bool = True
    deletes: bool = True
    on_conflict: OnConflict = OnConflict.ASK
    allow_mass_delete: bool = False
    dry_run: bool = False
    joins: bool = False
    adopts: bool = True
    reconsider: bool = False
    message: str = ""
    target: Target | None = None


@dataclass(frozen=True)
class AdoptReport:
    """What became of what others had left below the prefix.

    Attributes:
        commit: The first commit, which holds it.
        seq: Its number.
        is_seed: Whether s3synchrony had kept it.
        n_files: Files that are in the shared tree now.
        size: Their bytes.
        n_deleted: Deleted files that can be restored.
        findings: What became of each object, and of each row no object goes with.
        warnings: Files whose name not every system can hold, and why.
        log: Where all findings are written down, below the data folder.
    """

    commit: ObjectId
    seq: int
    is_seed: bool
    n_files: int
    size: int
    n_deleted: int
    findings: list[Finding]
    warnings: dict[RepoPath, str]
    log: str

    @property
    def counts(self) -> dict[str, int]:
        """Number of findings by kind, of every kind."""
        found = Counter(each.kind for each in self.findings)
        return {kind.value: found[kind] for kind in Kind}

    def of(self, kind: Kind) -> list[Finding]:
        """Return the findings of one kind."""
        return [each for each in self.findings if each.kind is kind]


@dataclass
class SyncReport:
    """What a sync did.

    Attributes:
        commit: The commit the folder is at now; `None` in an empty repository.
        seq: Its number.
        published: Whether this sync made a commit.
        uploaded: Files published.
        downloaded: Files written.
        deleted_remote: Deletions published.
        deleted_local: Files removed here.
        conflicts: Paths left alone because both sides changed them.
        skipped: Paths that were not synced, and why.
        warnings: Published paths that not every system can hold, and why.
        survey: What the plan came to; `None` when nothing was different.
        bytes_up: Bytes of request bodies sent.
        bytes_down: Bytes of response bodies received.
        requests: Requests sent, by method.
        kept: Files removed or replaced here, and where they lie now.
        refused: Whether the user said no to all of it.
        declined: Number of changes the user said no to, now or before.
        unseen: Number of changes that came after the user was asked, left for the next sync.
        ignored: Files and folders here that were passed over.
        ignored_names: How many of them had which name; the first few names.
        foreign: What others had left below the prefix, where it held no commit.
        adopted: What became of that, where it was adopted.
        local: How many of the files written needed no download: their bytes were here.
        behind: How many commits the version asked for is older than the latest; `None`
            where none was asked for.
    """

    commit: ObjectId | None = None
    seq: int = 0
    published: bool = False
    uploaded: int = 0
    downloaded: int = 0
    deleted_remote: int = 0
    deleted_local: int = 0
    conflicts: list[RepoPath] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    warnings: dict[RepoPath, str] = field(default_factory=dict)
    survey: Survey | None = None
    bytes_up: int = 0
    bytes_down: int = 0
    requests: dict[str, int] = field(default_factory=dict)
    kept: dict[RepoPath, str] = field(default_factory=dict)
    refused: bool = False
    declined: int = 0
    unseen: int = 0
    ignored: int = 0
    ignored_names: dict[str, int] = field(default_factory=dict)
    foreign: Foreign | None = None
    adopted: AdoptReport | None = None
    local: int = 0
    behind: int | None = None
