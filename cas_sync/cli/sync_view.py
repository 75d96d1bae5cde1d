"""What a sync did, as text for people and as events for scripts."""

import click

from cas_sync.cli import exit_codes
from cas_sync.cli.adoption_view import (
    adopted_event,
    adopted_json,
    adopted_lines,
    foreign_json,
    foreign_lines,
)
from cas_sync.cli.ask import MANY_DELETIONS
from cas_sync.cli.json_out import print_event
from cas_sync.cli.render import ignored_line, plural, size, visible
from cas_sync.engine.sync_report import SyncReport


def exit_code(report: SyncReport) -> int:
    """Return the exit code of a sync that came to its end."""
    return exit_codes.INCOMPLETE if report.conflicts or report.skipped else exit_codes.OK


def print_json(report: SyncReport, seconds: float) -> None:
    """Print the events of a sync, the summary last."""
    if report.adopted is not None:
        print_event(adopted_event(report.adopted))
    elif report.foreign is not None:
        print_event({"event": "to_adopt", **foreign_json(report.foreign)})
    for name, reason in report.skipped.items():
        print_event({"event": "skip", "path": name, "reason": reason})
    for path in report.conflicts:
        print_event({"event": "conflict", "path": path})
    for path, reason in report.warnings.items():
        print_event({"event": "warning", "path": path, "reason": reason})
    for path, kept_as in report.kept.items():
        print_event({"event": "kept", "path": path, "kept_as": kept_as})
    print_event(
        {
            "event": "summary",
            "commit": str(report.commit) if report.commit else None,
            "seq": report.seq,
            "published": report.published,
            "adopted": adopted_json(report.adopted) if report.adopted else None,
            "uploaded": report.uploaded,
            "downloaded": report.downloaded,
            "deleted_remote": report.deleted_remote,
            "deleted_local": report.deleted_local,
            "conflicts": report.conflicts,
            "skipped": list(report.skipped),
            "declined": report.declined,
            "unseen": report.unseen,
            "ignored": report.ignored,
            "local": report.local,
            "behind": report.behind or 0,
            "bytes_up": report.bytes_up,
            "bytes_down": report.bytes_down,
            "requests": report.requests,
            "seconds": round(seconds, 3),
            "exit": exit_code(report),
        }
    )


def print_text(
    report: SyncReport, url: str, seconds: float, *, dry_run: bool, quiet: bool
) -> None:
    """Print what a sync did, for people."""
    survey = report.survey
    if dry_run and report.foreign is not None:
        for line in foreign_lines(report.foreign, url):
            click.echo(line)
        click.echo("They would be adopted first; nothing was changed.")
        return
    if dry_run:
        changes = survey.n_publish + survey.n_materialize if survey else 0
        click.echo(f"{plural(changes, 'change')} planned; nothing was changed.")
        return
    adopted = report.adopted
    if adopted is not None and not quiet:
        for line in adopted_lines(adopted):
            click.echo(line)
    if report.refused:
        click.echo("Nothing was changed." if adopted is None else "Nothing else was changed.")
        return
    warnings = {**(adopted.warnings if adopted else {}), **report.warnings}
    for path, reason in warnings.items():
        click.echo(f"warning: {visible(path)}: {reason}", err=True)
    for name, reason in report.skipped.items():
        click.echo(f"skipped {visible(name)}: {reason}", err=True)
    for path in report.conflicts:
        click.echo(
            f"conflict {visible(path)}: changed on both sides; yours is untouched", err=True
        )
    if report.conflicts:
        click.echo(
            "hint: settle them with  cas-sync resolve PATH --mine | --theirs | --both",
            err=True,
        )
    if quiet:
        return
    if report.unseen:
        click.echo(
            f"{plural(report.unseen, 'change')} came from a teammate meanwhile and "
            f"{'was' if report.unseen == 1 else 'were'} left; see  cas-sync sync",
            err=True,
        )
    if report.declined:
        click.echo(
            f"hint: {plural(report.declined, 'change')} declined; shown by  cas-sync status, "
            "asked again by  cas-sync sync --declined",
            err=True,
        )
    if report.ignored and report.published and report.seq <= 2:
        click.echo(ignored_line(report.ignored, report.ignored_names), err=True)
    requests = sum(report.requests.values())
    took = f"{seconds:.1f} s, {plural(requests, 'request')}"
    at = f" at {str(report.commit)[:8]}" if report.commit else ""
    done = _done(report)
    if not done:
        what = (
            "Nothing else to do at"
            if report.conflicts or report.skipped or report.declined
            else "Already in sync with"
            if report.behind is None
            else "Already that version of"
        )
        click.echo(f"{what} {url}{at} ({took})")
        _hint_behind(report)
        return
    moved = f"{size(report.bytes_up)} sent, {size(report.bytes_down)} received"
    verb = "Published" if report.published else "In sync"
    if report.behind is not None:
        verb = "As it was"
    click.echo(f"{verb}{at}: {', '.join(done)} ({moved}, {took})")
    _hint_behind(report)
    if report.published and report.deleted_remote > MANY_DELETIONS:
        click.echo("hint: take that back for everyone with  cas-sync undo", err=True)


def _hint_behind(report: SyncReport) -> None:
    if report.behind:
        click.echo(
            f"hint: {plural(report.behind, 'commit')} older than the latest, which "
            "cas-sync sync  brings",
            err=True,
        )


def _done(report: SyncReport) -> list[str]:
    parts = (
        (report.uploaded, "uploaded"),
        (report.downloaded - report.local, "downloaded"),
        (report.local, "copied from this machine"),
        (report.deleted_remote, "deleted in the store"),
        (report.deleted_local, "deleted here"),
    )
    return [f"{n:,} {what}" for n, what in parts if n] or (
        ["other changes"] if report.published else []
    )
