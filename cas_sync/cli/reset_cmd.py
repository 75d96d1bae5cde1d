"""`cas-sync reset`: removes `.S3` here and under the prefix."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from cas_sync.cli import exit_codes
from cas_sync.cli.bars import Plain
from cas_sync.cli.json_out import print_event
from cas_sync.cli.options import common, flags_of, settings_in, store_options
from cas_sync.cli.render import plural, size
from cas_sync.engine.reset import SHOWN, ResetReport, run_reset
from cas_sync.errors import UsageError


@click.command()
@click.option("--confirm", is_flag=True, help="Do it; without this, only tell.")
@click.option("--local", "only_local", is_flag=True, help="Only .S3 in the data folder.")
@click.option("--remote", "only_remote", is_flag=True, help="Only .S3 under the prefix.")
@click.option(
    "--even-if-incomplete",
    is_flag=True,
    help="Go on although files of the latest commit are not here; they are lost.",
)
@store_options
@common
def reset(
    *,
    confirm: bool,
    only_local: bool,
    only_remote: bool,
    even_if_incomplete: bool,
    start: Path,
    as_json: bool,
    quiet: bool,
    verbose: int,
    debug: bool,
    **values: Any,
) -> int:
    """Remove .S3 here and under the prefix; your files stay as they are.

    \b
    cas-sync reset                      show what would go
    cas-sync reset --confirm            do it
    cas-sync reset --confirm --local    forget only what is known here

    The shared history, old versions and deleted files that are kept there are gone for
    everyone. Teammates' folders are not touched; their next sync stops and says so. What
    you say about this machine stays: .S3/local.json and the lists of what is ignored here.
    """
    del debug, verbose
    if only_local and only_remote:
        raise UsageError("--local and --remote exclude each other")
    settings, surroundings = settings_in(start, flags_of(values))
    progress = Plain(surroundings.clock, bars=False)
    report = run_reset(
        settings,
        surroundings,
        progress,
        confirm=confirm,
        remote=not only_local,
        local=not only_remote,
        even_if_incomplete=even_if_incomplete,
    )
    code = exit_codes.OK if confirm else exit_codes.USAGE
    if as_json:
        fields = {"event": "summary", **asdict(report), "removed": confirm}
        print_event({**fields, "exit": code})
    elif not quiet:
        _print(report, confirm=confirm)
    return code


def _print(report: ResetReport, *, confirm: bool) -> None:
    verb = "Removed" if confirm else "Would remove"
    if report.remote:
        click.echo(
            f"{verb} .S3 at {report.url}: {plural(report.n_commits, 'commit')}, "
            f"{plural(report.n_keys, 'object')}, {size(report.size)}"
        )
    if report.n_foreign:
        others = plural(report.n_foreign, "object")
        click.echo(f"  {others} of s3synchrony or others among them")
    if report.local:
        kept = f" with {plural(report.n_kept, 'kept file')}" if report.n_kept else ""
        but = f", but {', '.join(report.stays)}" if report.stays else ""
        click.echo(f"{verb} .S3 in {report.data}{kept}{but}")
    if confirm:
        click.echo("Your files are as they were. The next sync starts afresh.")
        return
    if report.remote:
        click.echo("Old versions and deleted files that are kept there would be gone for all.")
    _print_missing(report)
    command = "cas-sync reset --confirm"
    if report.local != report.remote:
        command += " --local" if report.local else " --remote"
    if report.missing:
        click.echo("Nothing was removed. Fetch or publish them first:  cas-sync sync", err=True)
        click.echo(f"or lose them:  {command} --even-if-incomplete", err=True)
    else:
        click.echo(f"Nothing was removed. To do it:  {command}", err=True)


def _print_missing(report: ResetReport) -> None:
    if not report.missing:
        return
    changed = set(report.changed)
    for path in report.missing[:SHOWN]:
        click.echo(f"  {'changed' if path in changed else 'not'} here: {path}", err=True)
    if len(report.missing) > SHOWN:
        click.echo(f"  ... and {len(report.missing) - SHOWN:,} more", err=True)
    n = plural(len(report.missing), "file")
    click.echo(f"{n} would be lost as the latest commit has them.", err=True)
