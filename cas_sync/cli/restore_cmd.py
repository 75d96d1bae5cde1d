"""`cas-sync restore`: brings files of an old revision back as local files."""

import os
import shlex
from pathlib import Path
from typing import Any

import click

from cas_sync.cli import exit_codes
from cas_sync.cli.back_view import (
    may_replace,
    outcome_line,
    print_kept,
    print_skipped,
    show_plan,
    tell_scripts,
)
from cas_sync.cli.bars import Plain
from cas_sync.cli.mistakes import for_path, meant
from cas_sync.cli.options import common, flags_of, settings_in, store_options
from cas_sync.cli.paths import inside_data
from cas_sync.cli.render import SHOWN_PER_GROUP, plural, visible
from cas_sync.cli.terminal import can_ask, say
from cas_sync.cli.when import When
from cas_sync.engine.restore import RestoreOptions, RestorePlan, RestoreReport, run_restore
from cas_sync.errors import UsageError


@click.command()
@click.argument("paths", nargs=-1)
@click.option(
    "--all", "everything", is_flag=True, help='The whole data folder, as PATH "." is.'
)
@click.option("--rev", default="@", show_default=True, help="As of which commit, tag or time.")
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
    everything: bool,
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

    \b
    cas-sync restore clean/users.csv --rev 2026-11-20
    cas-sync restore reports/ --rev @~1 --dry-run
    cas-sync restore . --rev 3f9c1a2b --to ../as-of-then

    They become ordinary local files, which the next sync publishes. Files that were not
    there then are left alone. What is replaced is kept in .S3/deleted, unless the history
    has it. A revision is @ (the latest), @~2 (two before it), the beginning of an id, a
    number like '#12', a tag, a day (its end, in UTC), a time, yesterday, '3 days ago' or 2w.
    """
    del debug
    if everything == bool(paths):
        raise UsageError(
            "both --all and a PATH are given" if paths else "no PATH is given",
            fix="name files or folders, or all of it:  "
            f"cas-sync restore --all --rev {shlex.quote(rev)}",
        )
    settings, surroundings = settings_in(start, flags_of(values))
    named = tuple(inside_data(path, settings.data, start) for path in paths)
    options = RestoreOptions(
        paths=("",) if everything else named,
        rev=rev,
        to=None if to is None else Path(os.path.normpath(start.resolve() / to)),
        dry_run=dry_run,
    )
    began = surroundings.clock.monotonic()
    progress = Plain(surroundings.clock, bars=can_ask() and not (as_json or quiet))
    silent = as_json or quiet
    shown = None if verbose else SHOWN_PER_GROUP

    when = When(surroundings.clock.now(), surroundings.zone)
    typed = shlex.join(["cas-sync", "restore", *(paths or ["--all"]), "--rev", rev])

    def agree(plan: RestorePlan) -> bool:
        progress.close()
        if not silent:
            show_plan(plan, _title(plan), say, shown, when)
        return yes or not plan.n_replaced or may_replace(plan, typed)

    def found() -> str:
        return for_path(
            paths, "a version is named by --rev:  cas-sync restore {path} --rev {rev}"
        )

    try:
        with meant(found):
            report = run_restore(settings, surroundings, options, agree, progress)
    finally:
        progress.close()
    code = exit_codes.INCOMPLETE if report.skipped else exit_codes.OK
    seconds = surroundings.clock.monotonic() - began
    if as_json:
        tell_scripts(report, seconds, code, dry_run=dry_run)
    elif dry_run:
        show_plan(report.plan, _title(report.plan), click.echo, shown, when)
        print_skipped(report)
        n = report.plan.survey.n_materialize
        click.echo(f"{plural(n, 'file')} would be restored; nothing was changed.")
    else:
        _print(report, options, visible(shlex.join(paths)) or "--all", quiet=quiet)
    return code


def _title(plan: RestorePlan) -> str:
    return f"Restore from {plan.revision} (#{plan.revision.seq})"


def _print(report: RestoreReport, options: RestoreOptions, named: str, *, quiet: bool) -> None:
    print_skipped(report)
    print_kept(report)
    if quiet:
        return
    if report.refused:
        click.echo("Nothing was changed.")
        return
    click.echo(outcome_line(report, options.to))
    if not report.restored or options.to is not None:
        return
    if not report.behind:
        return  # this is what the store has: there is nothing to publish
    behind = plural(report.behind, "commit")
    said = f"as they were at {report.plan.revision} (#{report.plan.revision.seq}, {behind} ago)"
    click.echo(f"hint: the next  cas-sync sync  publishes them {said}", err=True)
    click.echo(f"      back to the latest:  cas-sync restore {named}", err=True)
