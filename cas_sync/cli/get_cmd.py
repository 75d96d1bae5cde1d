"""`cas-sync get`: a file or folder of any revision, as real files elsewhere."""

import os
from pathlib import Path
from typing import Any

import click

from cas_sync.cli import exit_codes
from cas_sync.cli.bars import Plain
from cas_sync.cli.cat_cmd import print_files
from cas_sync.cli.json_out import print_event
from cas_sync.cli.mistakes import for_named, meant, only_one
from cas_sync.cli.options import common, flags_of, settings_in, store_options
from cas_sync.cli.paths import named_at
from cas_sync.cli.render import plural, traffic_line, visible
from cas_sync.cli.terminal import can_ask
from cas_sync.engine.fetch import Got, get_path
from cas_sync.errors import UsageError

STDOUT = "-"


@click.command()
@click.argument("words", metavar="[REV:]PATH", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    "output",
    metavar="FILE|DIR",
    help="Where to write it; - prints it. [default: its name, here]",
)
@store_options
@common
def get(
    words: tuple[str, ...],
    *,
    output: str | None,
    start: Path,
    as_json: bool,
    quiet: bool,
    verbose: int,
    debug: bool,
    **values: Any,
) -> int:
    """Write a file or folder as it is or was, outside the data folder.

    \b
    cas-sync get v1:models/gbm.pkl
    cas-sync get 2026-11-20:clean -o ../clean-then

    Of a folder, what is in it goes into DIR. Nothing is replaced: a file that is there and
    holds something else stays. A revision is @ (the latest), @~2 (two before it), the
    beginning of an id, a number like '#12', a tag, or a date.
    """
    del debug
    settings, surroundings = settings_in(start, flags_of(values))
    path = only_one("get", words, settings.data)
    named = named_at(path, settings.data, start)
    found = meant(lambda: for_named("get", words, settings.data))
    if output == STDOUT:
        if as_json:
            raise UsageError(
                "standard output cannot take both the file and JSON about it",
                fix="name a file with -o, or leave --json out",
            )
        with found:
            print_files(settings, surroundings, [named])
        return exit_codes.OK
    began = surroundings.clock.monotonic()
    progress = Plain(surroundings.clock, bars=can_ask() and not (as_json or quiet))
    here = start.resolve()
    try:
        with found:
            got = get_path(
                settings,
                surroundings,
                named,
                None if output is None else Path(os.path.normpath(here / output)),
                progress,
                here=here,
                into=output is not None and output.endswith(("/", os.sep)),
            )
    finally:
        progress.close()
    code = exit_codes.INCOMPLETE if got.skipped else exit_codes.OK
    if as_json:
        _tell_scripts(got, surroundings.clock.monotonic() - began, code)
    else:
        _print(got, quiet=quiet)
    if verbose:
        click.echo(traffic_line(got.traffic.requests, got.traffic.bytes_down), err=True)
    return code


def _print(got: Got, *, quiet: bool) -> None:
    for path, reason in got.skipped.items():
        click.echo(f"skipped {visible(path)}: {reason}", err=True)
    if quiet:
        return
    same = f"; {got.n_same:,} as it should be already" if got.n_same else ""
    target = visible(str(got.target))
    click.echo(f"Wrote {plural(got.n_written, 'file')} of {got.revision} to {target}{same}.")


def _tell_scripts(got: Got, seconds: float, code: int) -> None:
    for path, reason in got.skipped.items():
        print_event({"event": "skip", "path": path, "reason": reason})
    print_event(
        {
            "event": "summary",
            "commit": str(got.revision.id),
            "seq": got.revision.seq,
            "path": got.path,
            "to": str(got.target),
            "files": got.n_written,
            "unchanged": got.n_same,
            "skipped": list(got.skipped),
            "bytes_down": got.traffic.bytes_down,
            "requests": got.traffic.requests,
            "seconds": round(seconds, 3),
            "exit": code,
        }
    )
