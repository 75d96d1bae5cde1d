"""`cas-sync diff`: what differs between two states."""

import os
import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from cas_sync.cli import exit_codes
from cas_sync.cli.bars import Plain
from cas_sync.cli.change_view import change_line
from cas_sync.cli.diff_view import (
    Asked,
    Gathered,
    content_lines,
    list_lines,
    mark_of,
    table_of,
    total_line,
)
from cas_sync.cli.diff_words import sort_words
from cas_sync.cli.json_out import print_answer
from cas_sync.cli.mistakes import for_path, is_revision
from cas_sync.cli.options import common, flags_of, settings_in, store_options
from cas_sync.cli.pager import paged, pager_option
from cas_sync.cli.paths import inside_data
from cas_sync.cli.render import SHOWN_PER_GROUP, visible
from cas_sync.cli.streams import is_read
from cas_sync.engine.diff import Comparison, Diff, NoSuchPathError, Side
from cas_sync.engine.tables import TableDiff
from cas_sync.errors import UsageError
from cas_sync.plan.renames import paired

_AFTER = "cas_sync.cli.diff_cmd.after"


class _Dashes(click.Command):
    """A command that can tell what stands after ``--``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take what stands after ``--`` aside."""
        if "--" in args:
            at = args.index("--")
            ctx.meta[_AFTER] = args[at + 1 :]
            args = args[:at]
        return super().parse_args(ctx, args)


@click.command(cls=_Dashes)
@click.argument("words", nargs=-1, metavar="[REV [REV]] [PATH]...")
@click.option("-p", "--patch", is_flag=True, help="With what changed in each file.")
@click.option("--stat", is_flag=True, help="Only the list of files and the totals.")
@click.option("--name-only", is_flag=True, help="Only the names of files.")
@click.option("--key", multiple=True, metavar="COL[,COL]", help="Columns that identify a row.")
@click.option(
    "--rows", type=click.IntRange(0), help="So many rows of each kind in tables. [default: 10]"
)
@click.option("--exit-code", is_flag=True, help="Exit 10 where anything differs.")
@pager_option
@store_options
@common
def diff(
    words: tuple[str, ...],
    *,
    patch: bool,
    stat: bool,
    name_only: bool,
    key: tuple[str, ...],
    rows: int | None,
    exit_code: bool,
    no_pager: bool,
    start: Path,
    as_json: bool,
    quiet: bool,
    verbose: int,
    debug: bool,
    **values: Any,
) -> int:
    """Show what differs between two revisions, or between one and the folder here.

    \b
    cas-sync diff                             the latest commit and the folder here
    cas-sync diff @~1 @                       what the last commit changed
    cas-sync diff v1 clean/users.csv          one file: its lines, or rows if it is a table
    cas-sync diff v1 @ --key id users.csv     rows with the same id are one row that changed
    """
    del debug
    settings, surroundings = settings_in(start, flags_of(values))
    progress = Plain(surroundings.clock, bars=False, quiet=quiet)
    after = click.get_current_context().meta.get(_AFTER)
    only_list = stat or name_only

    def is_here(word: str) -> bool:
        with suppress(UsageError):
            return os.path.lexists(settings.data / inside_data(word, settings.data, start))
        return False

    with Comparison(settings, surroundings, progress) as comparison:
        asked_for = sort_words(words, after, comparison.why_no_revision, is_here)
        paths = {inside_data(each, settings.data, start): each for each in asked_for.paths}
        states = comparison.diff(asked_for.old, asked_for.new, paths)
        asked = Asked(
            patch=patch and not only_list,
            named=frozenset() if only_list else frozenset(paths),
            tables=bool(key or rows is not None) and not only_list,
            key=tuple(name for each in key for name in each.split(",") if name),
            rows=10 if rows is None else rows,
        )
        with_contents = asked.patch or asked.tables or len(asked.named) > SHOWN_PER_GROUP
        keeps_all = with_contents or name_only or as_json or verbose
        found = Gathered(None if keeps_all else SHOWN_PER_GROUP)
        try:
            for row in paired(states.rows()):
                found.add(row)
        except NoSuchPathError as error:
            word = paths.get(error.path, "")
            doubts = asked_for.doubts
            error.cause = doubts.get(word) or next(iter(doubts.values()), "")
            if fix := _meant(asked_for.paths):
                error.fix = fix
            raise
        if as_json:
            _tell_scripts(states, found, asked)
        elif name_only and not quiet:
            with paged(wanted=not no_pager):
                _print(visible(row.path) for row in found.rows)
        elif not quiet:
            with paged(wanted=not no_pager):
                _print(_lines(states, found, asked))
    if not as_json:
        _print_skipped(states)
        if not found.total and not quiet:
            click.echo("No differences.", err=True)
    return exit_codes.DIFFERENCES if exit_code and found.total else exit_codes.OK


def _meant(paths: tuple[str, ...]) -> str:
    """Return the command to type where what is no path was taken for one."""
    if revisions := [each for each in paths[1:] if is_revision(each)]:
        words = shlex.join([*revisions, *(each for each in paths if each not in revisions)])
        return f"revisions come first:  cas-sync diff {words}"
    return for_path(paths, "a version stands before the path:  cas-sync diff {rev} {path}")


def _print(lines: Iterator[str]) -> None:
    for line in lines:
        click.echo(line)
        if not is_read():
            return


def _lines(states: Diff, found: Gathered, asked: Asked) -> Iterator[str]:
    if not found.total:
        return
    yield f"{states.old} -> {states.new}"
    if any(map(asked.wants, found.rows)):
        names = str(states.old), str(states.new)
        contents, is_alone = states.contents(), len(found.rows) == 1
        for row in found.rows:
            if mark_of(row):
                yield change_line(row)
            if asked.wants(row):
                yield from content_lines(contents, row, names, asked, is_alone=is_alone)
    else:
        yield from list_lines(found)
    yield total_line(found)


def _print_skipped(states: Diff) -> None:
    for path, reason in states.skipped.items():
        click.echo(f"not compared: {visible(path)}: {visible(reason)}", err=True)


def _tell_scripts(states: Diff, found: Gathered, asked: Asked) -> None:
    contents, is_alone = states.contents(), len(found.rows) == 1
    rows = []
    for row in found.rows:
        fields = row.to_dict()
        if asked.wants(row):
            table = table_of(contents, row, asked, is_alone=is_alone)
            if isinstance(table, TableDiff):
                fields["table"] = table.to_dict()
            elif table is not None:
                fields["table_error"] = table.why
        rows.append(fields)
    answer = {
        "from": _side(states.old),
        "to": _side(states.new),
        "rows": rows,
        "skipped": states.skipped,
    }
    print_answer("diff", answer)


def _side(side: Side) -> dict[str, Any]:
    revision = side.revision
    if revision is None:
        return {"rev": None, "commit": None, "seq": None}
    return {"rev": side.rev, "commit": str(revision.id), "seq": revision.seq}
