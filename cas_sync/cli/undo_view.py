"""An undo as text for people and as events for scripts: what it comes to, and what it did."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click

from cas_sync.cli import exit_codes
from cas_sync.cli.change_view import coloured, counts_words
from cas_sync.cli.json_out import print_event
from cas_sync.cli.render import padded, plural, size, visible
from cas_sync.cli.when import When
from cas_sync.engine.undo_report import UndoPlan, UndoReport
from cas_sync.model.tree import Mode
from cas_sync.plan.inverse import Inverse, Turn

_HEADINGS = {
    Turn.BRING_BACK: ("+", "Bring back for everyone"),
    Turn.PUT_BACK: ("~", "Put back as before for everyone"),
    Turn.TAKE_OUT: ("-", "Delete for everyone"),
    Turn.LEAVE: ("!", "Left alone"),
    Turn.CANNOT: ("!", "Cannot be brought back"),
}
_ACTIONS = {
    Turn.BRING_BACK: "bring-back",
    Turn.PUT_BACK: "put-back",
    Turn.TAKE_OUT: "take-out",
    Turn.LEAVE: "leave",
    Turn.CANNOT: "leave",
}
_WIDEST = 44


def exit_code(report: UndoReport) -> int:
    """Return the exit code of an undo that came to its end."""
    is_incomplete = report.conflicts or report.skipped or report.hindered
    return exit_codes.INCOMPLETE if is_incomplete else exit_codes.OK


def plan_lines(plan: UndoPlan, now: datetime, most: int | None) -> Iterator[str]:
    """Yield what is undone and what becomes of each path, ``most`` paths of a kind."""
    commit = plan.commit
    said = f', "{visible(commit.message)}"' if commit.message else ""
    who = f"by {visible(commit.author)}, {When(now).text(commit.time)}{said}"
    yield f"Undo {plan.name} {who}: {counts_words(commit.counts)}"
    for turn, (mark, heading) in _HEADINGS.items():
        n = plan.inverse.n[turn]
        if not n:
            continue
        sizes = f" {size(plan.inverse.size[turn]):>11}"
        yield f"{heading:<42} {plural(n, 'file'):>12}{sizes}".rstrip()
        n_shown = 0
        for each in plan.inverse.inverses():
            if each.turn is not turn:
                continue
            if n_shown == most:
                yield f"    ... and {n - n_shown:,} more (-v shows all)"
                break
            n_shown += 1
            yield f"  {coloured(mark)} {_line(each, plan)}"


def _line(each: Inverse, plan: UndoPlan) -> str:
    name = visible(each.path)
    if (why := plan.left.get(each.path)) is not None:
        return f"{padded(name, _WIDEST)}  {visible(why)}"
    told = size(each.size)
    before, after = each.before, each.after
    if each.turn is Turn.PUT_BACK and before is not None and after is not None:
        told = f"{size(after.content.size)} -> {told}"
        if before.content.id == after.content.id:
            told = f"{_mode(after.content.mode)} -> {_mode(before.content.mode)}"
    return f"{padded(name, _WIDEST)}  {told:>20}"


def _mode(mode: Mode) -> str:
    return {Mode.FILE: "plain", Mode.EXEC: "executable", Mode.LINK: "link"}[mode]


def newer_hint(plan: UndoPlan) -> str:
    """Return which later commit may have been meant; empty where there is none."""
    if plan.newer is None:
        return ""
    oid, commit = plan.newer
    latest = f"{str(oid)[:8]} (#{commit.seq}) by {visible(commit.author)}"
    return f"hint: the latest commit is {latest}; cas-sync undo @  undoes that one"


def print_plan(plan: UndoPlan) -> None:
    """Print a plan that is only looked at, as events."""
    for each in plan.inverse.inverses():
        if each.turn in _ACTIONS:
            print_event(
                {
                    "event": "plan",
                    "action": _ACTIONS[each.turn],
                    "path": each.path,
                    "bytes": each.size,
                    "reason": plan.left.get(each.path, ""),
                }
            )


def print_json(report: UndoReport, seconds: float) -> None:
    """Print the events of an undo, the summary last."""
    for path, reason in report.left.items():
        print_event({"event": "left", "path": path, "reason": reason})
    for name, reason in report.skipped.items():
        print_event({"event": "skip", "path": name, "reason": reason})
    for path in report.conflicts:
        print_event({"event": "conflict", "path": path})
    for path, kept_as in report.kept.items():
        print_event({"event": "kept", "path": path, "kept_as": kept_as})
    print_event(summary(report, seconds))


def summary(report: UndoReport, seconds: float) -> dict[str, Any]:
    """Return the summary for scripts: the keys of a sync's, what was undone, what was left."""
    plan = report.plan
    undone = None if plan is None else {"commit": str(plan.id), "seq": plan.commit.seq}
    return {
        "event": "summary",
        "commit": str(report.commit) if report.commit else None,
        "seq": report.seq,
        "published": report.published,
        "uploaded": report.uploaded,
        "downloaded": report.downloaded,
        "deleted_remote": report.deleted_remote,
        "deleted_local": report.deleted_local,
        "conflicts": report.conflicts,
        "skipped": list(report.skipped),
        "local": report.local,
        "undone": undone,
        "left": [{"path": path, "reason": why} for path, why in report.left.items()],
        "bytes_up": report.bytes_up,
        "bytes_down": report.bytes_down,
        "requests": report.requests,
        "seconds": round(seconds, 3),
        "exit": exit_code(report),
    }


def print_text(report: UndoReport, seconds: float, *, quiet: bool) -> None:
    """Print what an undo did, for people."""
    plan = report.plan
    if plan is None:
        if not quiet:
            click.echo("Nothing to undo: there is no commit yet.")
        return
    if report.refused:
        if not quiet:
            click.echo("Nothing was changed.")
        return
    if not report.published:
        for path, why in report.left.items():
            click.echo(f"left alone {visible(path)}: {visible(why)}", err=True)
        if not quiet:
            click.echo(f"Nothing to undo: {_why_nothing(plan)}")
            if hint := newer_hint(plan):
                click.echo(hint, err=True)
        return
    _print_trouble(report)
    if quiet:
        return
    n = plan.inverse.n
    parts = (
        (n[Turn.BRING_BACK], "brought back"),
        (n[Turn.PUT_BACK], "put back as before"),
        (n[Turn.TAKE_OUT], "deleted"),
        (len(report.left), "left alone"),
    )
    did = ", ".join(f"{count:,} {what}" for count, what in parts if count)
    click.echo(f"Undone {plan.name} for everyone at {str(report.commit)[:8]}: {did}")
    here = (
        (report.downloaded - report.local, "downloaded"),
        (report.local, "copied from this machine"),
        (report.deleted_local, "deleted here"),
    )
    did_here = ", ".join(f"{count:,} {what}" for count, what in here if count)
    moved = f"{size(report.bytes_up)} sent, {size(report.bytes_down)} received"
    took = f"{moved}, {seconds:.1f} s, {plural(sum(report.requests.values()), 'request')}"
    if report.is_here:
        click.echo(f"Here: {did_here or 'nothing to do'} ({took})")
    else:
        click.echo(f"Here the next sync brings it ({took})")
    redo = str(report.commit)[:8]
    click.echo(f"hint: take that back with  cas-sync undo {redo}", err=True)


def _why_nothing(plan: UndoPlan) -> str:
    if plan.left:
        return "all that could be was changed since, or is as it was before."
    return f"what {plan.name} changed is as it was before."


def _print_trouble(report: UndoReport) -> None:
    for name, reason in report.skipped.items():
        click.echo(f"skipped {visible(name)}: {reason}", err=True)
    for path in report.conflicts:
        click.echo(f"conflict {visible(path)}: also changed here; yours is untouched", err=True)
    if report.conflicts:
        click.echo(
            "hint: settle them with  cas-sync resolve PATH --mine | --theirs | --both",
            err=True,
        )
