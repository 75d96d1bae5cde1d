"""`cas-sync cat`: the bytes of files, at any revision."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import Any

import click

from cas_sync.cli import exit_codes
from cas_sync.cli.mistakes import for_named, meant
from cas_sync.cli.options import common, flags_of, settings_in, store_options
from cas_sync.cli.paths import named_at
from cas_sync.cli.render import traffic_line
from cas_sync.cli.streams import write_bytes
from cas_sync.engine.at_revision import Named
from cas_sync.engine.look import Looked, Span, read_files
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.errors import UsageError

_SPAN = re.compile(r"(\d{1,18})-(\d{1,18})?|-(\d{1,18})")
# What commands a terminal, but for tabs and the ends of lines.
_CONTROL = re.compile(rb"[\x00-\x07\x0e-\x1f\x7f]|\xc2[\x80-\x9f]")


@click.command()
@click.argument("paths", metavar="[REV:]PATH...", nargs=-1, required=True)
@click.option(
    "--range",
    "span",
    metavar="START-END",
    help="Only these bytes, counted from 0: 0-99, 100-, or the last 500: -500.",
)
@click.option("-f", "--force", is_flag=True, help="Show on a terminal what is not text.")
@store_options
@common
def cat(
    paths: tuple[str, ...],
    *,
    span: str | None,
    force: bool,
    start: Path,
    as_json: bool,
    quiet: bool,
    verbose: int,
    debug: bool,
    **values: Any,
) -> int:
    """Print files as they are or were, byte for byte.

    \b
    cas-sync cat clean/users.csv
    cas-sync cat 2026-11-20:clean/users.csv > users-then.csv
    cas-sync cat --range 0-99 v1:models/gbm.pkl | xxd

    No file is written, and of a part only what it needs is downloaded. Each piece is
    checked before it is printed. A revision is @ (the latest), @~2 (two before
    it), the beginning of an id, a number like '#12', a tag, or a date.
    """
    del debug, quiet
    if as_json:
        raise UsageError(
            "cat prints bytes, which JSON cannot hold",
            fix="about a file:  cas-sync ls --json\nas a file:  cas-sync get --json",
        )
    settings, surroundings = settings_in(start, flags_of(values))
    named = [named_at(each, settings.data, start) for each in paths]
    part = None if span is None else parse_span(span)
    with meant(lambda: for_named("cat", paths, settings.data)):
        done = print_files(settings, surroundings, named, span=part, force=force)
    if verbose:
        click.echo(traffic_line(done.traffic.requests, done.traffic.bytes_down), err=True)
    return exit_codes.OK


def print_files(
    settings: Settings,
    surroundings: Surroundings,
    named: Sequence[Named],
    *,
    span: Span | None = None,
    force: bool = False,
) -> Looked:
    """Print the bytes of files, as long as anybody reads them.

    Raises:
        UsageError: There is no such file, or it is no text and this is a terminal.
        DamageError: The stored bytes are not what was published.
    """
    is_guarded = sys.stdout.isatty() and not force
    said = quote(":".join(named[0])) if len(named) == 1 else "REV:PATH"

    def write(data: bytes) -> bool:
        if is_guarded and _CONTROL.search(data):
            raise UsageError(
                "this is not text, and may mislead or upset the terminal",
                fix=f"write it to a file:  cas-sync get {said}\n"
                f"or show it nevertheless:  cas-sync cat --force {said}",
            )
        return write_bytes(data)

    return read_files(settings, surroundings, named, write, span=span)


def parse_span(text: str) -> Span:
    """Return the part of a file that is meant: ``0-99``, ``100-``, ``-500``.

    Raises:
        click.BadParameter: It means none.
    """
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise click.BadParameter(
            f"{text!r} is no range; try 0-99, 100- or -500", param_hint="--range"
        )
    first, last, suffix = (None if each is None else int(each) for each in match.groups())
    if first is not None and last is not None and last < first:
        raise click.BadParameter(f"{text!r} ends before it begins", param_hint="--range")
    return Span(None, suffix) if first is None else Span(first, last)
