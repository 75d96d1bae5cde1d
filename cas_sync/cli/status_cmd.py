"""`cas-sync status`: what a sync would do."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from cas_sync.cli import exit_codes
from cas_sync.cli.adoption_view import foreign_json, foreign_lines
from cas_sync.cli.bars import Plain
from cas_sync.cli.json_out import print_answer
from cas_sync.cli.options import common, flags_of, settings_in, store_options
from cas_sync.cli.render import SHOWN_PER_GROUP, ignored_line, plural, size
from cas_sync.engine.status import Changes, StatusReport, run_status
from cas_sync.formats.config_json import Config


@click.command()
@click.option("--offline", is_flag=True, help="Compare with the last sync; ask nobody.")
@click.option("--exit-code", is_flag=True, help="Exit 10 where anything differs.")
@store_options
@common
def status(
    *,
    offline: bool,
    exit_code: bool,
    start: Path,
    as_json: bool,
    quiet: bool,
    verbose: int,
    debug: bool,
    **values: Any,
) -> int:
    """Show what a sync would do."""
    del debug
    settings, surroundings = settings_in(start, flags_of(values))
    progress = Plain(surroundings.clock, bars=False, quiet=quiet)
    report = run_status(settings, surroundings, progress, offline=offline)
    if as_json:
        _print_json(report, settings.address.url)
    elif not quiet:
        _print(report, settings.address.url, str(settings.data), whole=verbose > 0)
    return exit_codes.DIFFERENCES if exit_code and not report.is_clean else exit_codes.OK


def show_offline(start: Path) -> None:
    """Show what changed here since the last sync; nobody is asked."""
    settings, surroundings = settings_in(start, Config())
    progress = Plain(surroundings.clock, bars=False)
    report = run_status(settings, surroundings, progress, offline=True)
    _print(report, settings.address.url, str(settings.data), whole=False, hints=False)


def _print_json(report: StatusReport, url: str) -> None:
    result = {
        "local": _changes(report.local),
        "remote": _changes(report.remote),
        "conflicts": [step.path for step in report.conflicts],
        "skipped": report.skipped,
        "declined": list(report.declined),
        "ignored": report.ignored,
        "to_adopt": foreign_json(report.foreign) if report.foreign else None,
        "head": str(report.commit) if report.commit else None,
        "seq": report.seq,
        "files": report.n_files,
        "size": report.size,
        "offline": report.is_offline,
    }
    print_answer("status", result, store=url)


def _changes(changes: Changes) -> dict[str, list[str]]:
    return {
        "new": list(changes.new),
        "modified": list(changes.modified),
        "deleted": list(changes.deleted),
    }


def _print(
    report: StatusReport, url: str, data: str, *, whole: bool, hints: bool = True
) -> None:
    at = f" at {str(report.commit)[:8]}" if report.commit else ""
    click.echo(f"{data}: {plural(report.n_files, 'file')}, {size(report.size)}   {url}{at}")
    n_conflicts = len(report.conflicts)
    team = "not asked" if report.is_offline else f"{len(report.remote):,} changed"
    click.echo(
        f"You: {len(report.local):,} changed.  Team: {team}.  Conflicts: {n_conflicts:,}."
    )
    decided = {step.path for step in report.conflicts}
    for who, changes in (("you", report.local), ("team", report.remote)):
        for mark, paths in (
            ("+", changes.new),
            ("~", changes.modified),
            ("-", changes.deleted),
        ):
            plain = [path for path in paths if path not in decided]
            _list(mark, plain, who, whole=whole)
    for step in report.conflicts:
        click.echo(f"  ! {step.path}   (both)")
    for name, reason in report.skipped.items():
        click.echo(f"  ? {name}   ({reason})")
    _list("=", report.declined, "declined", whole=whole)
    if report.ignored:
        click.echo(f"  {ignored_line(report.ignored, report.ignored_names)}")
    if report.foreign is not None:
        for line in foreign_lines(report.foreign, url):
            click.echo(line)
        click.echo("A sync offers to adopt them, and leaves them as they are.")
    if not hints:
        return
    if not report.is_clean:
        click.echo("hint: cas-sync sync", err=True)
    elif report.declined:
        click.echo("hint: asked again by  cas-sync sync --declined", err=True)


def _list(mark: str, paths: Sequence[str], why: str, *, whole: bool) -> None:
    shown = paths if whole else paths[:SHOWN_PER_GROUP]
    for path in shown:
        click.echo(f"  {mark} {path}   ({why})")
    if len(shown) < len(paths):
        click.echo(f"    ... and {len(paths) - len(shown):,} more (-v shows all)")
