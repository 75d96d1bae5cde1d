"""`cas-sync ls`: what lies in a folder, at any revision."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cas_sync.cli import exit_codes
from cas_sync.cli.json_out import answer_rows
from cas_sync.cli.mistakes import for_named, meant, only_one
from cas_sync.cli.options import common, flags_of, settings_in, store_options
from cas_sync.cli.paths import named_at
from cas_sync.cli.render import padded, size, traffic_line, visible
from cas_sync.cli.streams import is_read
from cas_sync.cli.when import When, time_options
from cas_sync.engine.at_revision import Subfolder
from cas_sync.engine.look import Looked, Row, list_folder
from cas_sync.model.tree import Mode

_KINDS = {Mode.FILE: "-", Mode.EXEC: "x", Mode.LINK: "l"}
_FOLDER_MODE = "040000"
"""What git calls a folder."""


@click.command()
@click.argument("words", metavar="[[REV:]DIR]", nargs=-1)
@click.option("-l", "long", is_flag=True, help="With kind, size, who edited it and when.")
@click.option("-R", "--recursive", is_flag=True, help="All files below, not only those in it.")
@time_options
@store_options
@common
def ls(
    words: tuple[str, ...],
    *,
    long: bool,
    recursive: bool,
    utc: bool,
    iso: bool,
    start: Path,
    as_json: bool,
    quiet: bool,
    verbose: int,
    debug: bool,
    **values: Any,
) -> int:
    """List the files of a folder, at any revision.

    \b
    cas-sync ls
    cas-sync ls -l 2026-11-20:clean
    cas-sync ls -R '@~3:*.parquet'

    Only what is shown is read from the store. Without DIR it is the whole data folder; a
    file stands for itself, and '*.csv' for the names like it. A revision is @ (the latest),
    @~2 (two before it), the beginning of an id, a number like '#12', a tag, or a date.
    With -l the first sign is - for a file, x for a program, l for a link, d for a folder.
    """
    del debug, quiet
    settings, surroundings = settings_in(start, flags_of(values))
    folder = only_one("ls", words, settings.data)
    named = named_at(folder, settings.data, start)
    when = When(surroundings.clock.now(), surroundings.zone, utc=utc, iso=iso)

    def look(show: Callable[[Row], None]) -> Looked:
        with meant(lambda: for_named("ls", words, settings.data)):
            return list_folder(settings, surroundings, named, show, recursive=recursive)

    def line(row: Row) -> str:
        return _line(row, when if long else None)

    if as_json:
        with answer_rows("ls") as print_row:
            done = look(_while_read(lambda row: print_row(_json(row))))
    else:
        done = look(_while_read(lambda row: sys.stdout.write(line(row) + "\n")))
        sys.stdout.flush()
    if verbose:
        click.echo(traffic_line(done.traffic.requests, done.traffic.bytes_down), err=True)
    return exit_codes.OK


def _while_read(show: Callable[[Row], object]) -> Callable[[Row], None]:
    """Return what shows rows and ends the command once nobody reads them."""

    def show_or_end(row: Row) -> None:
        show(row)
        if not is_read():
            raise click.exceptions.Exit(exit_codes.OK)

    return show_or_end


def _line(row: Row, when: When | None) -> str:
    """Return a row as a line, the long one if it is to tell when."""
    name = f"{visible(row.path)}/" if isinstance(row, Subfolder) else visible(row.path)
    if when is None:
        return name
    if isinstance(row, Subfolder):
        return f"d {'':>10}  {'':<{when.width}}  {'':<14}  {name}"
    content = row.content
    about = f"{_KINDS[content.mode]} {size(content.size):>10}  "
    editor = padded(visible(row.editor), 14)
    return f"{about}{when.text(row.edited):<{when.width}}  {editor}  {name}"


def _json(row: Row) -> dict[str, Any]:
    if isinstance(row, Subfolder):
        return {
            "path": f"{row.path}/",
            "hash": None,
            "size": None,
            "mode": _FOLDER_MODE,
            "edited_by": None,
            "time_edited": None,
        }
    return {
        "path": row.path,
        "hash": str(row.content.id),
        "size": row.content.size,
        "mode": row.content.mode.value,
        "edited_by": row.editor,
        "time_edited": row.edited,
    }
