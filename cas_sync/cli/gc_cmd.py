"""`cas-sync gc`: what nothing needs any more; deletes it only if asked to."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from cas_sync.cli import exit_codes
from cas_sync.cli.bars import Plain
from cas_sync.cli.json_out import print_answer, print_event
from cas_sync.cli.options import common, flags_of, settings_in, store_options
from cas_sync.cli.render import plural, size, visible
from cas_sync.engine.gc import GcOptions, GcReport, run_gc

SHOWN = 10


@click.command()
@click.option("--prune", is_flag=True, help="Condemn what nothing needs; with --confirm only.")
@click.option("--confirm", is_flag=True, help="Do it; without this, only tell.")
@click.option(
    "--keep-days",
    type=click.IntRange(1, 36500),
    metavar="N",
    help="Old versions may go too: those replaced or deleted more than N days ago, without "
    "a tag. [default: all are kept]",
)
@click.option(
    "--grace",
    type=click.FloatRange(0, 3650),
    default=7.0,
    metavar="DAYS",
    help="How long what is condemned stays for readers that are slow. [default: 7]",
)
@click.option(
    "--repack",
    type=click.IntRange(1, 100),
    default=50,
    metavar="PERCENT",
    help="Write packs anew of which more than so much is garbage. [default: 50]",
)
@click.option("--force", is_flag=True, help="Even if a large part of the store would go.")
@store_options
@common
def gc(
    *,
    prune: bool,
    confirm: bool,
    keep_days: int | None,
    grace: float,
    repack: int,
    force: bool,
    start: Path,
    as_json: bool,
    quiet: bool,
    verbose: int,
    debug: bool,
    **values: Any,
) -> int:
    """Show what nothing needs any more; delete it if asked to.

    \b
    cas-sync gc                                     show what could go
    cas-sync gc --keep-days 90                      and which old versions
    cas-sync gc --prune --confirm                   do it

    Without --keep-days no version of any file is ever given up: what goes is what killed
    and lost syncs left. It is safe at any time, however many teammates sync and collect. It
    goes in two steps: --prune --confirm condemns, and deletes what was condemned more than
    --grace days ago. Versions with a tag stay, and the log keeps every commit.
    """
    del debug, verbose
    settings, surroundings = settings_in(start, flags_of(values))
    does = prune and confirm
    options = GcOptions(does, keep_days, grace, repack, force)
    progress = Plain(surroundings.clock, bars=False)
    report = run_gc(settings, surroundings, options, progress)
    code = exit_codes.USAGE if prune and not confirm else exit_codes.OK
    if as_json and prune:
        print_event({"event": "summary", **to_json(report), "exit": code})
    elif as_json:
        print_answer("gc", to_json(report))
    elif not quiet:
        _print(report, options)
        if prune and not confirm:
            click.echo("Nothing was changed. To do it:  " + _command(options), err=True)
    return code


def to_json(report: GcReport) -> dict[str, Any]:
    """Return a report as plain values."""
    fields = asdict(report)
    fields["files"] = [dict(each._asdict()) for each in report.files]
    return fields


def _command(options: GcOptions) -> str:
    keep = f" --keep-days {options.keep_days}" if options.keep_days is not None else ""
    return f"cas-sync gc --prune --confirm{keep}"


def _print(report: GcReport, options: GcOptions) -> None:
    click.echo(
        f"{report.url}: {plural(report.commits, 'commit')}, "
        f"{plural(report.n_stored, 'object')}, {size(report.size)}"
    )
    verb = "Condemned" if options.prune else "Could go"
    for kind, n in sorted(report.n_garbage.items()):
        what = {"index": "index segment", "pages": "object"}.get(kind, kind.removesuffix("s"))
        said = f"{plural(n, what)}{' of manifest pages' if kind == 'pages' else ''}"
        click.echo(f"{verb}: {said}, {size(report.garbage[kind])}")
    if report.n_repacked:
        click.echo(
            f"  {plural(report.n_repacked, 'pack')} of these are needed in part: "
            f"{size(report.repacked)} are stored anew"
        )
    if report.expired:
        _print_expired(report, options)
    if report.n_deleted:
        click.echo(f"Deleted: {plural(report.n_deleted, 'object')}, {size(report.deleted)}")
    if report.n_waiting:
        after = f"the first collection {options.grace_days:g} days after they were condemned"
        click.echo(
            f"Waiting: {plural(report.n_waiting, 'object')}, {size(report.waiting)}; "
            f"{after} deletes them"
        )
    if not (report.n_garbage or report.n_deleted or report.n_waiting or report.expired):
        click.echo("Nothing to collect.")
    elif not options.prune and (report.n_garbage or report.expired):
        click.echo(f"Nothing was changed. To do it:  {_command(options)}")


def _print_expired(report: GcReport, options: GcOptions) -> None:
    verb = "are not kept any more" if options.prune else "would not be kept any more"
    click.echo(
        f"{plural(report.n_files, 'old version')} of files {verb}, "
        f"of {plural(len(report.expired), 'commit')} (#{min(report.expired)} to "
        f"#{max(report.expired)}):"
    )
    for each in report.files[:SHOWN]:
        click.echo(f"  {visible(each.path)} as of #{each.seq}, {size(each.size)}")
    if report.n_files > SHOWN:
        click.echo(f"  ... and {report.n_files - SHOWN:,} more")
