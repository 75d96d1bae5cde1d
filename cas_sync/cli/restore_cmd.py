"""`cas-sync restore`: brings files of an old revision back as local files."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cas_sync.cli import exit_codes
from cas_sync.cli.bars import Plain
from cas_sync.cli.json_out import print_event, print_json
from cas_sync.cli.options import common, flags_of, settings_in, store_options
from cas_sync.cli.paths import inside_data
from cas_sync.cli.plan_view import plan_events
from cas_sync.cli.render import SHOWN_PER_GROUP, plural, size
from cas_sync.cli.terminal import ask, can_ask, say
from cas_sync.engine.restore import RestoreOptions, RestorePlan, RestoreReport, run_restore
from cas_sync.errors import UsageError
from cas_sync.plan.step import Act, Step


@click.command()
@click.argument("paths", nargs=-1, required=True)
@click.option("--rev", default="@", show_default=True, help="As of which commit or date.")
@click.option(
    "--to",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write to another folder, and touch nothing here.",
)
@click.option("-n", "--dry-run", is_flag=True, help="Show what would change.")
@click.option("-y", "--yes", is_flag=True, help="Replace files without asking.")
@store_options
@common
def restore(
    paths: tuple[str, ...],
    *,
    rev: str,
    to: Path | None,
    dry_run: bool,
    yes: bool,
    start: Path,
    as_json: bool,
    quiet: bool,
    verbose: int,
    debug: bool,
    **values: Any,
) -> int:
    """Bring files or folders of an old revision back.

    They become ordinary local files, which the next sync publishes. Files that were not
    there then are left alone. What is replaced is kept in .S3/deleted, unless the history
    has it. A revision is @ (the latest), @~2 (two before it), the beginning of an id, a
    number like '#12', or a date.

    \b
    cas-sync restore clean/users.csv --rev 2026-11-20
    cas-sync restore reports/ --rev @~1 --dry-run
    cas-sync restore . --rev 3f9c1a2b --to ../as-of-then
    """
    del debug
    settings, surroundings = settings_in(start, flags_of(values))
    options = RestoreOptions(
        paths=tuple(inside_data(path, settings.data, start) for path in paths),
        rev=rev,
        to=None if to is None else Path(os.path.normpath(start.resolve() / to)),
        dry_run=dry_run,
    )
    began = surroundings.clock.monotonic()
    progress = Plain(surroundings.clock, bars=can_ask() and not (as_json or quiet))
    silent = as_json or quiet
    shown = None if verbose else SHOWN_PER_GROUP

    def agree(plan: RestorePlan) -> bool:
        progress.close()
        if not silent:
            _show(plan, say, shown)
        return yes or not plan.n_replaced or _asked(plan)

    try:
        report = run_restore(settings, surroundings, options, agree, progress)
    finally:
        progress.close()
    code = exit_codes.INCOMPLETE if report.skipped else exit_codes.OK
    seconds = surroundings.clock.monotonic() - began
    if as_json:
        _tell_scripts(report, seconds, code, dry_run=dry_run)
    elif dry_run:
        _show(report.plan, click.echo, shown)
        _print_skipped(report)
        n = report.plan.survey.n_materialize
        click.echo(f"{plural(n, 'file')} would be restored; nothing was changed.")
    else:
        _print(report, options, quiet=quiet)
    return code


def _asked(plan: RestorePlan) -> bool:
    n = plural(plan.n_replaced, "file")
    if not can_ask():
        raise UsageError(
            f"{n} would be replaced and there is no terminal to ask",
            fix="add --yes, or write elsewhere: --to DIR\n"
            "look first:  cas-sync restore PATH --dry-run",
            code="E002",
        )
    while True:
        line = ask(f"Replace {n}? [Y]es / [n]o ")
        if line is None or line.lower() in {"n", "no"}:
            return False
        if line.lower() in {"", "y", "yes"}:
            return True
        say(f'"{line}" is neither yes nor no')


def _show(plan: RestorePlan, echo: Callable[[str], object], most: int | None) -> None:
    n = plan.survey.n_materialize
    if not n:
        return
    what = f"{plural(n, 'file')}, {size(plan.survey.bytes_down)}"
    echo(f"Restore from {plan.revision} (#{plan.revision.seq}): {what}")
    n_shown = 0
    for step in plan.steps():
        if step.act is not Act.DOWNLOAD:
            continue
        if n_shown == most:
            echo(f"    ... and {n - n_shown:,} more (-v shows all)")
            return
        n_shown += 1
        echo(_line(step))


def _line(step: Step) -> str:
    then = step.theirs
    if then is None:
        raise AssertionError(step)
    now = step.our_content
    who = f"({then.editor}, {then.edited})"
    if now is None:
        return f"  + {step.path}   {size(then.content.size)}   {who}"
    return f"  ~ {step.path}   {size(now.size)} now -> {size(then.content.size)}   {who}"


def _print_skipped(report: RestoreReport) -> None:
    for path, reason in report.skipped.items():
        click.echo(f"skipped {path}: {reason}", err=True)


def _print(report: RestoreReport, options: RestoreOptions, *, quiet: bool) -> None:
    _print_skipped(report)
    for path, kept_as in report.kept.items():
        click.echo(f"kept what {path} held as {kept_as}", err=True)
    if quiet:
        return
    if report.refused:
        click.echo("Nothing was changed.")
        return
    n_same = report.plan.survey.acts[Act.AGREE]
    same = f"; {n_same:,} as they were then" if n_same else ""
    where = f" in {options.to}" if options.to is not None else ""
    click.echo(f"Restored {plural(report.restored, 'file')}{where}{same}.")
    if report.restored and options.to is None:
        click.echo("hint: cas-sync sync  to publish them", err=True)


def _tell_scripts(report: RestoreReport, seconds: float, code: int, *, dry_run: bool) -> None:
    if dry_run:
        for event in plan_events(report.plan.steps()):
            print_json(event)
    for path, reason in report.skipped.items():
        print_event({"event": "skip", "path": path, "reason": reason})
    for path, kept_as in report.kept.items():
        print_event({"event": "kept", "path": path, "kept_as": kept_as})
    print_event(
        {
            "event": "summary",
            "commit": str(report.plan.revision.id),
            "seq": report.plan.revision.seq,
            "published": False,
            "uploaded": 0,
            "downloaded": report.restored,
            "replaced": report.plan.n_replaced,
            "unchanged": report.plan.survey.acts[Act.AGREE],
            "deleted_remote": 0,
            "deleted_local": 0,
            "conflicts": [],
            "skipped": list(report.skipped),
            "bytes_up": 0,
            "bytes_down": report.bytes_down,
            "requests": report.requests,
            "seconds": round(seconds, 3),
            "exit": code,
        }
    )
