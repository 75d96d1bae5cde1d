"""What the engine tells, as the values of this room."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from cas_sync.api.plans import PlanItem
from cas_sync.api.results import (
    Adopted,
    Kept,
    ResetResult,
    RestoreResult,
    SyncResult,
    UndoResult,
)
from cas_sync.api.status import Changes, Conflict, Skipped, Status, ToAdopt, Version
from cas_sync.engine import bring_back, reset, status, sync_report, undo_report
from cas_sync.model.paths import RepoPath
from cas_sync.model.tree import Content
from cas_sync.plan.adoption import Foreign
from cas_sync.plan.groups import Group, group_of
from cas_sync.plan.outline import size_of
from cas_sync.plan.step import Act, Step

P = TypeVar("P", bound=str)

ACTIONS = {
    Group.UPLOAD: "upload",
    Group.DOWNLOAD: "download",
    Group.DELETE_THERE: "delete-remote",
    Group.DELETE_HERE: "delete-local",
    Group.CONFLICT: "conflict",
}


def version_of(content: Content | None) -> Version | None:
    """Return a content as a value."""
    return Version(str(content.id), content.size, str(content.mode)) if content else None


def skipped_of(reasons: Mapping[P, str]) -> tuple[Skipped, ...]:
    """Return paths and reasons as values."""
    return tuple(Skipped(str(path), reason) for path, reason in reasons.items())


def _kept_of(places: Mapping[RepoPath, str]) -> tuple[Kept, ...]:
    return tuple(Kept(str(path), kept_as) for path, kept_as in places.items())


def to_adopt_of(found: Foreign | None) -> ToAdopt | None:
    """Return what others left as a value."""
    if found is None:
        return None
    return ToAdopt(found.n_files, found.size, found.is_seed, found.n_deleted, found.n_left_out)


def status_of(report: status.StatusReport, url: str) -> Status:
    """Return a status as a value."""
    return Status(
        store=url,
        local=_changes_of(report.local),
        remote=_changes_of(report.remote),
        conflicts=_texts(step.path for step in report.conflicts),
        skipped=skipped_of(report.skipped),
        declined=_texts(report.declined),
        ignored=report.ignored,
        to_adopt=to_adopt_of(report.foreign),
        head=str(report.commit) if report.commit else None,
        seq=report.seq,
        files=report.n_files,
        size=report.size,
        offline=report.is_offline,
    )


def _changes_of(found: status.Changes) -> Changes:
    return Changes(_texts(found.new), _texts(found.modified), _texts(found.deleted))


def _texts(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(str, paths))


def conflict_of(step: Step) -> Conflict:
    """Return a conflict as a value."""
    theirs = step.theirs
    return Conflict(
        path=str(step.path),
        base=version_of(step.base.content if step.base else None),
        ours=version_of(step.our_content),
        theirs=version_of(step.their_content),
        edited_by=theirs.editor if theirs else None,
        time_edited=str(theirs.edited) if theirs else None,
    )


def item_of(step: Step) -> PlanItem | None:
    """Return a step as a value; `None` where there is nothing to be agreed to."""
    group = group_of(step)
    if group is None:
        return None
    theirs = step.theirs
    return PlanItem(
        action=ACTIONS[group],
        path=str(step.path),
        bytes=size_of(step),
        reason=step.reason,
        base=version_of(step.base.content if step.base else None),
        ours=version_of(step.our_content),
        theirs=version_of(step.their_content),
        edited_by=theirs.editor if theirs else None,
        time_edited=str(theirs.edited) if theirs else None,
        copy=str(step.copy) if step.copy else None,
        act=step.act.name.lower().replace("_", "-"),
    )


def sync_of(report: sync_report.SyncReport, notes: Iterable[str], seconds: float) -> SyncResult:
    """Return what a sync did as a value."""
    return SyncResult(
        commit=str(report.commit) if report.commit else None,
        seq=report.seq,
        published=report.published,
        uploaded=report.uploaded,
        downloaded=report.downloaded,
        deleted_remote=report.deleted_remote,
        deleted_local=report.deleted_local,
        conflicts=_texts(report.conflicts),
        skipped=skipped_of(report.skipped),
        warnings=skipped_of(report.warnings),
        kept=_kept_of(report.kept),
        declined=report.declined,
        unseen=report.unseen,
        ignored=report.ignored,
        local=report.local,
        behind=report.behind or 0,
        refused=report.refused,
        adopted=_adopted_of(report.adopted),
        notes=tuple(notes),
        bytes_up=report.bytes_up,
        bytes_down=report.bytes_down,
        requests=dict(report.requests),
        seconds=round(seconds, 3),
    )


def _adopted_of(found: sync_report.AdoptReport | None) -> Adopted | None:
    if found is None:
        return None
    return Adopted(
        str(found.commit),
        found.is_seed,
        found.n_files,
        found.size,
        found.n_deleted,
        found.counts,
        found.log,
    )


def restore_of(report: bring_back.RestoreReport, seconds: float) -> RestoreResult:
    """Return what a restore did as a value."""
    plan = report.plan
    return RestoreResult(
        commit=str(plan.revision.id),
        seq=plan.revision.seq,
        restored=report.restored,
        local=report.local,
        bytes_local=report.bytes_local,
        replaced=plan.n_replaced,
        unchanged=plan.survey.acts[Act.AGREE],
        existing=report.n_existing,
        skipped=skipped_of(report.skipped),
        kept=_kept_of(report.kept),
        bytes_down=report.bytes_down,
        requests=dict(report.requests),
        seconds=round(seconds, 3),
    )


def undo_of(report: undo_report.UndoReport, seconds: float) -> UndoResult:
    """Return what an undo did as a value."""
    plan = report.plan
    return UndoResult(
        commit=str(report.commit) if report.commit else None,
        seq=report.seq,
        published=report.published,
        undone=str(plan.id) if plan else None,
        undone_seq=plan.commit.seq if plan else 0,
        uploaded=report.uploaded,
        deleted_remote=report.deleted_remote,
        left=skipped_of(report.left),
        hindered=report.hindered,
        downloaded=report.downloaded,
        deleted_local=report.deleted_local,
        conflicts=_texts(report.conflicts),
        skipped=skipped_of(report.skipped),
        kept=_kept_of(report.kept),
        local=report.local,
        bytes_up=report.bytes_up,
        bytes_down=report.bytes_down,
        requests=dict(report.requests),
        seconds=round(seconds, 3),
    )


def reset_of(report: reset.ResetReport, *, removed: bool) -> ResetResult:
    """Return what a reset would remove, or did, as a value."""
    return ResetResult(
        url=report.url,
        data=report.data,
        repo_id=report.repo_id,
        n_commits=report.n_commits,
        n_keys=report.n_keys,
        size=report.size,
        n_foreign=report.n_foreign,
        n_kept=report.n_kept,
        stays=tuple(report.stays),
        missing=tuple(report.missing),
        changed=tuple(report.changed),
        remote=report.remote,
        local=report.local,
        removed=removed,
    )
