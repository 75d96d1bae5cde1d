"""What was done, as frozen values; `status` says what their parts are written in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cas_sync.api.status import Skipped, at
from cas_sync.api.tables import table


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that was removed or replaced here, and where it lies now."""

    path: str
    kept_as: str


@dataclass(frozen=True)
class Adopted:
    """What became of what others had left in the store.

    Attributes:
        commit: The first commit, which holds it.
        s3synchrony: Whether it had kept it.
        files: Files that are in the shared tree now.
        size: Their bytes.
        deleted: Deleted files that can be restored.
        findings: Number of objects and rows by what became of them.
        log: Where each of them is written down, below the data folder.
    """

    commit: str
    s3synchrony: bool
    files: int
    size: int
    deleted: int
    findings: Mapping[str, int] = field(hash=False)
    log: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "commit": self.commit,
            "s3synchrony": self.s3synchrony,
            "files": self.files,
            "size": self.size,
            "deleted": self.deleted,
            "counts": dict(self.findings),
            "log": self.log,
        }


@dataclass(frozen=True)
class SyncResult:
    """What a sync did.

    Attributes:
        commit: The commit the folder is at now; `None` in an empty repository.
        seq: Its number.
        published: Whether this sync made a commit.
        uploaded: Files published.
        downloaded: Files written here.
        deleted_remote: Deletions published.
        deleted_local: Files removed here.
        conflicts: Paths left alone because both sides changed them.
        skipped: Paths that were not synced, and why.
        warnings: Published paths that not every system can hold, and why.
        kept: What was removed or replaced here, and where it lies now.
        declined: Number of changes that were said no to, now or before.
        unseen: Number of changes that came after the plan was shown; left for the next sync.
        ignored: Files and folders here that were passed over.
        local: How many of the files written needed no download: their bytes were here.
        behind: How many commits the folder is older than the latest, where it was brought to
            an older version.
        refused: Whether all of it was said no to.
        adopted: What became of what others had left, where this sync adopted it.
        notes: Sentences that people should read.
        bytes_up: Bytes of request bodies sent.
        bytes_down: Bytes of response bodies received.
        requests: Requests sent, by method.
        seconds: How long it took.
    """

    commit: str | None = None
    seq: int = 0
    published: bool = False
    uploaded: int = 0
    downloaded: int = 0
    deleted_remote: int = 0
    deleted_local: int = 0
    conflicts: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[Skipped, ...] = ()
    kept: tuple[Kept, ...] = ()
    declined: int = 0
    unseen: int = 0
    ignored: int = 0
    local: int = 0
    behind: int = 0
    refused: bool = False
    adopted: Adopted | None = None
    notes: tuple[str, ...] = ()
    bytes_up: int = 0
    bytes_down: int = 0
    requests: Mapping[str, int] = field(default_factory=dict, hash=False)
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """How the command would have ended: 3 where conflicts or skipped files remain."""
        return 3 if self.conflicts or self.skipped else 0

    def to_dict(self) -> dict[str, Any]:
        """Return the fields of the last line of ``sync --json``."""
        return {
            "commit": self.commit,
            "seq": self.seq,
            "published": self.published,
            "adopted": self.adopted.to_dict() if self.adopted else None,
            "uploaded": self.uploaded,
            "downloaded": self.downloaded,
            "deleted_remote": self.deleted_remote,
            "deleted_local": self.deleted_local,
            "conflicts": list(self.conflicts),
            "skipped": [each.path for each in self.skipped],
            "declined": self.declined,
            "unseen": self.unseen,
            "ignored": self.ignored,
            "local": self.local,
            "behind": self.behind,
            "bytes_up": self.bytes_up,
            "bytes_down": self.bytes_down,
            "requests": dict(self.requests),
            "seconds": self.seconds,
            "exit": self.exit_code,
        }

    def __repr__(self) -> str:
        return f"<SyncResult: {self._line()}>"

    def _line(self) -> str:
        parts = (
            (self.uploaded, "uploaded"),
            (self.downloaded, "downloaded"),
            (self.deleted_remote, "deleted in the store"),
            (self.deleted_local, "deleted here"),
            (len(self.conflicts), "in conflict"),
            (len(self.skipped), "skipped"),
        )
        adopted = [f"{self.adopted.files:,} adopted"] if self.adopted else []
        did = ", ".join([*adopted, *(f"{n:,} {what}" for n, what in parts if n)])
        return f"{did or 'nothing to do'}{at(self.commit)}"

    def _repr_html_(self) -> str:
        rows = [("conflict", path, "changed on both sides") for path in self.conflicts]
        rows += [("skipped", each.path, each.reason) for each in self.skipped]
        rows += [("kept", each.path, each.kept_as) for each in self.kept]
        if self.adopted is not None:
            rows.append(("adopted", self.adopted.log, "says what became of each object"))
        return table(self._line(), ("", "path", ""), rows, len(rows))


@dataclass(frozen=True)
class RestoreResult:
    """What was brought back.

    Attributes:
        commit: The commit it came from.
        seq: Its number.
        restored: Files written.
        local: How many of them were copied from this machine, and not downloaded.
        bytes_local: Bytes of those.
        replaced: How many of them took the place of another version.
        unchanged: Files that were as they were then.
        existing: Deleted files that were not named one by one and exist again: left alone.
        skipped: Files that were not written, and why.
        kept: What was replaced and is in no history, and where it lies now.
        bytes_down: Bytes of response bodies received.
        requests: Requests sent, by method.
        seconds: How long it took.
    """

    commit: str
    seq: int
    restored: int = 0
    local: int = 0
    bytes_local: int = 0
    replaced: int = 0
    unchanged: int = 0
    existing: int = 0
    skipped: tuple[Skipped, ...] = ()
    kept: tuple[Kept, ...] = ()
    bytes_down: int = 0
    requests: Mapping[str, int] = field(default_factory=dict, hash=False)
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """How the command would have ended: 3 where skipped files remain."""
        return 3 if self.skipped else 0

    def to_dict(self) -> dict[str, Any]:
        """Return the fields of the last line of ``restore --json``."""
        return {
            "commit": self.commit,
            "seq": self.seq,
            "published": False,
            "uploaded": 0,
            "downloaded": self.restored,
            "local": self.local,
            "bytes_local": self.bytes_local,
            "replaced": self.replaced,
            "unchanged": self.unchanged,
            "existing": self.existing,
            "deleted_remote": 0,
            "deleted_local": 0,
            "conflicts": [],
            "skipped": [each.path for each in self.skipped],
            "bytes_up": 0,
            "bytes_down": self.bytes_down,
            "requests": dict(self.requests),
            "seconds": self.seconds,
            "exit": self.exit_code,
        }

    def _repr_html_(self) -> str:
        rows = [("skipped", each.path, each.reason) for each in self.skipped]
        rows += [("kept", each.path, each.kept_as) for each in self.kept]
        title = f"{self.restored:,} files restored from {self.commit[:8]}"
        return table(title, ("", "path", ""), rows, len(rows))


@dataclass(frozen=True)
class UndoResult:
    """What was undone, for everyone and here.

    Attributes:
        commit: Id of the commit that was made, or else of the latest; `None` where there is
            none.
        seq: Its number.
        published: Whether a commit was made.
        undone: Id of the commit that was undone; `None` where there is none.
        undone_seq: Its number.
        uploaded: Files brought or put back for everyone.
        deleted_remote: Files taken out for everyone.
        left: Paths that were left alone, and why.
        hindered: Whether something other than a later change was in the way of some.
        downloaded: Files written here.
        deleted_local: Files removed here.
        conflicts: Undone paths that were changed here, too, and are left alone here.
        skipped: Undone paths that could not be brought here, and why.
        kept: Files removed or replaced here, and where they lie now.
        local: How many of the files written needed no download: their bytes were here.
        bytes_up: Bytes of request bodies sent.
        bytes_down: Bytes of response bodies received.
        requests: Requests sent, by method.
        seconds: How long it took.
    """

    commit: str | None = None
    seq: int = 0
    published: bool = False
    undone: str | None = None
    undone_seq: int = 0
    uploaded: int = 0
    deleted_remote: int = 0
    left: tuple[Skipped, ...] = ()
    hindered: bool = False
    downloaded: int = 0
    deleted_local: int = 0
    conflicts: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    kept: tuple[Kept, ...] = ()
    local: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    requests: Mapping[str, int] = field(default_factory=dict, hash=False)
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """How the command would have ended: 3 where something is left to be done."""
        return 3 if self.conflicts or self.skipped or self.hindered else 0

    def to_dict(self) -> dict[str, Any]:
        """Return the fields of the last line of ``undo --json``."""
        undone = {"commit": self.undone, "seq": self.undone_seq} if self.undone else None
        return {
            "commit": self.commit,
            "seq": self.seq,
            "published": self.published,
            "uploaded": self.uploaded,
            "downloaded": self.downloaded,
            "deleted_remote": self.deleted_remote,
            "deleted_local": self.deleted_local,
            "conflicts": list(self.conflicts),
            "skipped": [each.path for each in self.skipped],
            "local": self.local,
            "undone": undone,
            "left": [{"path": each.path, "reason": each.reason} for each in self.left],
            "bytes_up": self.bytes_up,
            "bytes_down": self.bytes_down,
            "requests": dict(self.requests),
            "seconds": self.seconds,
            "exit": self.exit_code,
        }

    def __repr__(self) -> str:
        return f"<UndoResult: {self._line()}>"

    def _line(self) -> str:
        if self.undone is None or not self.published:
            return "nothing was undone"
        did = f"{self.uploaded:,} brought back, {self.deleted_remote:,} taken out for everyone"
        return f"{self.undone[:8]} (#{self.undone_seq}) is undone: {did}{at(self.commit)}"

    def _repr_html_(self) -> str:
        rows = [("left alone", each.path, each.reason) for each in self.left]
        rows += [("conflict", path, "changed here, too") for path in self.conflicts]
        rows += [("skipped", each.path, each.reason) for each in self.skipped]
        rows += [("kept", each.path, each.kept_as) for each in self.kept]
        return table(self._line(), ("", "path", ""), rows, len(rows))


@dataclass(frozen=True)
class ResetResult:
    """What a reset would remove, or has removed.

    Attributes:
        url: The store.
        data: The data folder.
        repo_id: The repository; empty where there is none.
        n_commits: Commits of its history.
        n_keys: Objects below the prefix's `.S3/` that go.
        size: Their bytes.
        n_foreign: How many of them s3synchrony left, or others.
        n_kept: Files in the local `.S3/deleted` that go with it.
        stays: Files of the local `.S3` that stay: what the user says about this machine.
        missing: Files of the latest commit that are not here, or not intact.
        changed: Those of them that are here with another content.
        remote: Whether the prefix is meant.
        local: Whether the local `.S3` is meant.
        removed: Whether it was done.
    """

    url: str = ""
    data: str = ""
    repo_id: str = ""
    n_commits: int = 0
    n_keys: int = 0
    size: int = 0
    n_foreign: int = 0
    n_kept: int = 0
    stays: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    remote: bool = True
    local: bool = True
    removed: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the fields of ``reset --json``."""
        return {
            "url": self.url,
            "data": self.data,
            "repo_id": self.repo_id,
            "n_commits": self.n_commits,
            "n_keys": self.n_keys,
            "size": self.size,
            "n_foreign": self.n_foreign,
            "n_kept": self.n_kept,
            "stays": list(self.stays),
            "missing": list(self.missing),
            "changed": list(self.changed),
            "remote": self.remote,
            "local": self.local,
            "removed": self.removed,
            "exit": 0 if self.removed else 2,
        }

    def _repr_html_(self) -> str:
        verb = "Removed" if self.removed else "Would remove"
        title = (
            f"{verb} .S3 at {self.url}: {self.n_commits:,} commits, {self.n_keys:,} objects, "
            f"{self.size:,} bytes"
        )
        return table(title, ("would be lost",), ((p,) for p in self.missing), len(self.missing))
