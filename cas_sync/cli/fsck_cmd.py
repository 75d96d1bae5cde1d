"""`cas-sync fsck`: whether the store has every byte of the history, and what is lost."""

from pathlib import Path
from typing import Any

import click

from cas_sync.cli import exit_codes
from cas_sync.cli.bars import Plain
from cas_sync.cli.json_out import print_answer, print_event
from cas_sync.cli.options import common, flags_of, settings_in, store_options
from cas_sync.cli.render import plural, size, visible
from cas_sync.engine.fsck import FsckReport, run_fsck
from cas_sync.engine.fsck_look import REPAIR

SHOWN = 20


@click.command()
@click.option("--deep", is_flag=True, help="Read every byte, not only what leads to it.")
@click.option("--repair", is_flag=True, help="Put back what this machine has; deletes nothing.")
@store_options
@common
def fsck(
    *,
    deep: bool,
    repair: bool,
    start: Path,
    as_json: bool,
    quiet: bool,
    verbose: int,
    debug: bool,
    **values: Any,
) -> int:
    """Check the store: every commit, every list of files, every part of a file.

    \b
    cas-sync fsck             what leads to each byte: minutes for a large store
    cas-sync fsck --deep      each byte: downloads all of it
    cas-sync fsck --repair    and bring back what is missing, from files and caches here

    What cannot be had any more is named by file and version. What this machine does not
    have is asked for: the next sync of any teammate who has it brings it.
    """
    del debug, verbose
    settings, surroundings = settings_in(start, flags_of(values))
    progress = Plain(surroundings.clock, bars=False)
    report = run_fsck(settings, surroundings, progress, deep=deep, repair=repair)
    code = exit_codes.DAMAGE if report.findings else exit_codes.OK
    if as_json and repair:
        print_event({"event": "summary", **to_json(report), "exit": code})
    elif as_json:
        print_answer("fsck", to_json(report))
    elif not quiet or report.findings:
        _print(report, repair=repair)
    return code


def to_json(report: FsckReport) -> dict[str, Any]:
    """Return a report as plain values."""
    return {
        "url": report.url,
        "deep": report.is_deep,
        "commits": report.commits,
        "objects": report.objects,
        "packs": report.packs,
        "size": report.size,
        "findings": [dict(each._asdict()) for each in report.findings],
        "lost": [
            {
                "code": "E501",
                "path": each.path,
                "seq": each.seq,
                "hash": str(each.content.id),
                "size": each.content.size,
                "objects": [str(oid) for oid, _ in each.objects],
                "fix": "cas-sync sync   (of whoever has that file)",
            }
            for each in report.lost
        ],
        "n_lost": report.n_lost,
        "n_found": report.n_found,
        "mended": report.n_mended,
        "put_back": report.n_put_back,
        "wanted": report.n_wanted,
        "requests": report.requests,
    }


def _print(report: FsckReport, *, repair: bool) -> None:
    what = "every byte of " if report.is_deep else ""
    click.echo(
        f"Checked {what}{plural(report.commits, 'commit')}, "
        f"{plural(report.objects, 'object')} in {plural(report.packs, 'pack')}, "
        f"{size(report.size)}"
    )
    if repair and report.n_found:
        n = report.n_mended + report.n_put_back
        click.echo(f"{plural(report.n_found, 'finding')}; {plural(n, 'object')} put back")
    for each in report.findings[:SHOWN]:
        click.echo(f"{each.code} {visible(each.object)}: {visible(each.what)}", err=True)
    if len(report.findings) > SHOWN:
        click.echo(f"... and {len(report.findings) - SHOWN:,} more", err=True)
    if report.lost:
        click.echo(
            f"Cannot be had whole: {plural(report.n_lost, 'version')} of files", err=True
        )
    for lost in report.lost[:SHOWN]:
        click.echo(
            f"  {visible(lost.path)} as of #{lost.seq}, {size(lost.content.size)}", err=True
        )
    if report.n_lost > SHOWN:
        click.echo(f"  ... and {report.n_lost - SHOWN:,} more", err=True)
    if not report.findings:
        click.echo("Nothing is missing or damaged.")
    elif repair and report.n_wanted:
        click.echo(
            f"{plural(report.n_wanted, 'object')} asked for: the next sync of whoever has "
            "these files brings them.",
            err=True,
        )
    if report.findings and not repair:
        click.echo("Nothing was changed.")
    for fix in dict.fromkeys(each.fix for each in report.findings):
        if not (repair and fix == REPAIR):
            click.echo(f"  fix    {fix}", err=True)
