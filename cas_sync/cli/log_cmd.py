"""`cas-sync log`: who changed what, when."""

from pathlib import Path
from shlex import quote
from typing import Any

import click

from cas_sync.cli import exit_codes
from cas_sync.cli.dates import parse_since
from cas_sync.cli.json_out import print_answer
from cas_sync.cli.log_view import log_json, log_lines, oneline
from cas_sync.cli.mistakes import for_path, is_revision
from cas_sync.cli.options import common, flags_of, settings_in, store_options
from cas_sync.cli.pager import paged, pager_option
from cas_sync.cli.paths import inside_data
from cas_sync.cli.render import visible
from cas_sync.cli.streams import is_read
from cas_sync.cli.when import When, time_options
from cas_sync.engine.log import LogEnd, LogEntry, LogQuery, run_log
from cas_sync.model.paths import PathRefusedError, RepoPath, parse_repo_path


@click.command()
@click.argument("path", required=False)
@click.option("-n", "limit", type=click.IntRange(0), help="At most so many.")
@click.option("--author", default="", help="Only by whom this is part of the name.")
@click.option("--since", help="Only from then on: 2026-11-20, 2w, '3 days ago'.")
@click.option("--stat", is_flag=True, help="With what each commit changed, and bytes.")
@click.option("--oneline", "short", is_flag=True, help="One short line each.")
@time_options
@pager_option
@store_options
@common
def log(
    path: str | None,
    *,
    limit: int | None,
    author: str,
    since: str | None,
    stat: bool,
    short: bool,
    utc: bool,
    iso: bool,
    no_pager: bool,
    start: Path,
    as_json: bool,
    quiet: bool,
    verbose: int,
    debug: bool,
    **values: Any,
) -> int:
    """Show who changed what, when; of one file, its versions.

    \b
    cas-sync log -n 5 --stat
    cas-sync log clean/users.csv      a file, through its renames
    cas-sync log images --since 2w    what happened in a folder
    """
    del debug, verbose
    settings, surroundings = settings_in(start, flags_of(values))
    query = LogQuery(
        path=_repo_path(path, settings.data, start),
        limit=limit,
        author=author,
        since=parse_since(since, surroundings.clock.now()) if since else None,
    )
    when = When(surroundings.clock.now(), surroundings.zone, utc=utc, iso=iso)
    found: list[dict[str, Any]] = []
    n_shown = 0

    def show(entry: LogEntry) -> None:
        nonlocal n_shown
        n_shown += 1
        if as_json:
            found.append(log_json(entry, stat=stat))
            return
        for line in [oneline(entry)] if short else log_lines(entry, when, stat=stat):
            click.echo(line)
        if not is_read():
            raise click.exceptions.Exit(exit_codes.OK)

    with paged(wanted=not (as_json or no_pager)):
        end = run_log(
            settings,
            surroundings,
            query,
            show,
            with_changes=stat and as_json,
            with_growth=stat and not (as_json or short or query.path),
        )
    if as_json:
        print_answer("log", found)
    elif not (n_shown or quiet or limit == 0):
        click.echo(_why_nothing(query, end), err=True)
        if fix := _meant(path):
            click.echo(f"hint: {fix}", err=True)
    return exit_codes.OK


def _why_nothing(query: LogQuery, end: LogEnd) -> str:
    if not end.has_commits:
        return "No commits yet."
    if query.path is None:
        return "No commit matches."
    which = "No commit" if query == LogQuery(path=query.path) else "None of these commits"
    said = f"{which} changed {visible(query.path)}."
    if not end.near:
        return said
    return f"{said} Near it: {', '.join(map(visible, end.near))}"


def _meant(path: str | None) -> str:
    """Return the command for what is no path, or not only one; empty where it is one."""
    if path is None:
        return ""
    if is_revision(path):
        return f"one commit:  cas-sync show {quote(path)}"
    return for_path([path], "one version:  cas-sync show {named}")


def _repo_path(path: str | None, data: Path, start: Path) -> RepoPath | None:
    named = inside_data(path, data, start) if path is not None else ""
    if not named:
        return None
    try:
        return parse_repo_path(named)
    except PathRefusedError as error:
        raise click.BadParameter(f"{path}: {error}", param_hint="PATH") from None
