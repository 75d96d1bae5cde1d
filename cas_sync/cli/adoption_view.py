"""What lies below a prefix to be adopted, and what became of it, in words and as JSON."""

from collections.abc import Iterator
from typing import Any

from cas_sync.cli.render import plural, size
from cas_sync.engine.sync_report import AdoptReport
from cas_sync.formats.rows import tidy
from cas_sync.plan.adoption import Finding, Foreign, Kind

SHOWN = 3
"""Findings of one kind that are shown; the log has all of them."""

_WORDS = {
    Kind.VERIFIED: "with the editor and time s3synchrony noted",
    Kind.PLAIN: "taken as they are",
    Kind.UNVERIFIED: "not what their row says; what lies there was taken",
    Kind.LOST_ROW: "without a row; taken, the editor is unknown",
    Kind.SET_ASIDE: "taken under another name",
    Kind.DELETED: "deleted, and kept: they can be restored",
    Kind.LEFT_OUT: "left out",
    Kind.GHOST: "listed, but not there",
    Kind.DELETED_GONE: "listed as deleted, but not kept",
    Kind.BAD_ROW: "lines that cannot be read",
}
_PLAIN = {Kind.VERIFIED, Kind.PLAIN, Kind.DELETED}


def foreign_lines(foreign: Foreign, url: str) -> Iterator[str]:
    """Yield what could be adopted."""
    whose = "files of s3synchrony" if foreign.is_seed else "plain files"
    holds = f"{url} holds {foreign.n_files:,} {whose}, {size(foreign.size)}"
    if foreign.n_deleted:
        holds += f", and {foreign.n_deleted:,} deleted ones, {size(foreign.deleted_size)}"
    yield f"{holds}; no commit yet."
    names = ", ".join(foreign.sample)
    if foreign.n_files > len(foreign.sample):
        names += ", ..."
    if names:
        yield f"  {names}"
    if foreign.n_left_out:
        others = plural(foreign.n_left_out, "more object")
        yield f"  {others} would be left out, each with a reason"


def adopted_lines(report: AdoptReport) -> Iterator[str]:
    """Yield what became of everything, a few examples of each kind."""
    whose = " of s3synchrony" if report.is_seed else ""
    yield (
        f"Adopted {plural(report.n_files, 'file')}{whose} ({size(report.size)}) at "
        f"{str(report.commit)[:8]}; the old objects are as they were."
    )
    for kind, words in _WORDS.items():
        found = report.of(kind)
        if not found:
            continue
        yield f"  {len(found):>9,}  {words}"
        if kind not in _PLAIN:
            yield from (f"             {_told(each)}" for each in found[:SHOWN])
            if len(found) > SHOWN:
                yield f"             ... and {len(found) - SHOWN:,} more"
    yield f"All of it, one by one: {report.log}"


def adopted_event(report: AdoptReport) -> dict[str, Any]:
    """Return what became of everything; what is not plain, one by one."""
    return {
        "event": "adopted",
        **adopted_json(report),
        "seq": report.seq,
        "findings": [
            {
                "kind": each.kind.value,
                # Some disks have names that no JSON can hold.
                "key": tidy(each.key, 4096),
                "path": tidy(each.path, 4096),
                "reason": each.reason,
            }
            for each in report.findings
            if each.kind not in _PLAIN and each.kind is not Kind.BOOKKEEPING
        ],
    }


def adopted_json(report: AdoptReport) -> dict[str, Any]:
    """Return what an adoption came to."""
    return {
        "commit": str(report.commit),
        "s3synchrony": report.is_seed,
        "files": report.n_files,
        "size": report.size,
        "deleted": report.n_deleted,
        "counts": report.counts,
        "log": report.log,
    }


def foreign_json(foreign: Foreign) -> dict[str, Any]:
    """Return what could be adopted."""
    return {
        "files": foreign.n_files,
        "size": foreign.size,
        "s3synchrony": foreign.is_seed,
        "deleted": foreign.n_deleted,
        "left_out": foreign.n_left_out,
    }


def _told(finding: Finding) -> str:
    name = finding.key or finding.path
    if finding.kind is Kind.SET_ASIDE:
        name = f"{name} -> {finding.path}"
    return tidy(f"{name}: {finding.reason}" if finding.reason else name, 400)
