"""`cas-sync du`: what takes the room, in a revision and in the history."""

from pathlib import Path
from typing import Any

import click

from cas_sync.cli import exit_codes
from cas_sync.cli.json_out import print_answer
from cas_sync.cli.mistakes import for_named, meant, only_one
from cas_sync.cli.options import common, flags_of, settings_in, store_options
from cas_sync.cli.paths import named_at
from cas_sync.cli.render import plural, size, traffic_line, visible
from cas_sync.engine.at_revision import Named
from cas_sync.engine.usage import (
    Added,
    By,
    HistoryUsage,
    Usage,
    measure,
    measure_history,
)


@click.command()
@click.argument("words", metavar="[[REV:]DIR]", nargs=-1)
@click.option(
    "--by",
    type=click.Choice([each.value for each in By]),
    help="What to tell apart. [default: dir]",
)
@click.option("--depth", type=click.IntRange(1), help="Levels of folders. [default: 1]")
@click.option("--history", is_flag=True, help="What all commits so far added to the store.")
@store_options
@common
def du(
    words: tuple[str, ...],
    *,
    by: str | None,
    depth: int | None,
    history: bool,
    start: Path,
    as_json: bool,
    quiet: bool,
    verbose: int,
    debug: bool,
    **values: Any,
) -> int:
    """Show what takes the room: by folder, author or kind of file.

    \b
    cas-sync du
    cas-sync du --by author 2026-11-20:clean
    cas-sync du --history

    The sizes are those of the files, the largest group first. --history shows the bytes
    that commits added to the store, after chunks that were there were left out and the rest
    was compressed. A revision is @ (the latest), @~2 (two before it), the beginning of an
    id, a number like '#12', a tag, or a date.
    """
    del debug, quiet
    settings, surroundings = settings_in(start, flags_of(values))
    folder = only_one("du", words, settings.data)
    named = named_at(folder, settings.data, start)
    if depth is not None and by not in {None, By.DIR}:
        raise click.UsageError("--depth goes with --by dir.")
    if history:
        if named.path or by is not None or depth is not None:
            raise click.UsageError(
                "--history counts whole commits: it takes no DIR, --by or --depth."
            )
        held = measure_history(settings, surroundings, named.rev)
        traffic = held.traffic
        if as_json:
            print_answer("du", _history_json(held, named))
        else:
            _print_history(held)
    else:
        with meant(lambda: for_named("du", words, settings.data)):
            usage = measure(settings, surroundings, named, By(by or By.DIR), depth or 1)
        traffic = usage.traffic
        if as_json:
            print_answer("du", _json(usage, named))
        else:
            _print(usage)
    if verbose:
        click.echo(traffic_line(traffic.requests, traffic.bytes_down), err=True)
    return exit_codes.OK


def _print(usage: Usage) -> None:
    for group in usage.groups:
        click.echo(_line(group.size, group.files, "file", _shown(group.name)))
    at = f"in all at {usage.revision} (#{usage.revision.seq})"
    click.echo(_line(usage.size, usage.files, "file", at))


def _shown(name: str) -> str:
    """Return the name of a group as people read it."""
    if not name:
        return "(no extension)"
    if name == ".":
        return "(in no folder)"
    if name.endswith("/."):
        return f"{visible(name[:-1])} (directly in it)"
    return visible(name)


def _print_history(held: HistoryUsage) -> None:
    for title, rows in (("By author:", held.by_author), ("By month:", held.by_month)):
        click.echo(title)
        for row in rows:
            click.echo(_line(row.size, row.commits, "commit", visible(row.name)))
    click.echo("In all:")
    click.echo(_line(held.stored, held.commits, "commit", "stored"))
    at = f"as they are at {held.revision} (#{held.revision.seq})"
    click.echo(_line(held.size, held.files, "file", at))


def _line(n_bytes: int, n: int, what: str, name: str) -> str:
    return f"{size(n_bytes):>10}  {plural(n, what):>15}  {name}"


def _json(usage: Usage, named: Named) -> dict[str, Any]:
    return {
        "rev": named.rev,
        "commit": str(usage.revision.id),
        "seq": usage.revision.seq,
        "files": usage.files,
        "size": usage.size,
        "rows": [dict(group._asdict()) for group in usage.groups],
    }


def _history_json(held: HistoryUsage, named: Named) -> dict[str, Any]:
    return {
        "rev": named.rev,
        "commit": str(held.revision.id),
        "seq": held.revision.seq,
        "files": held.files,
        "size": held.size,
        "commits": held.commits,
        "stored": held.stored,
        "by_author": [_added(row) for row in held.by_author],
        "by_month": [_added(row) for row in held.by_month],
    }


def _added(row: Added) -> dict[str, Any]:
    return dict(row._asdict())
