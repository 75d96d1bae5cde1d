"""`cas-sync log`: who changed what, when."""

from pathlib import Path
from typing import Any

import click

from cas_sync.cli import exit_codes
from cas_sync.cli.dates import parse_since
from cas_sync.cli.json_out import print_answer
from cas_sync.cli.options import common, flags_of, settings_in, store_options
from cas_sync.cli.paths import inside_data
from cas_sync.cli.render import SHOWN_PER_GROUP, size, visible
from cas_sync.cli.streams import is_read
from cas_sync.engine.log import LogEntry, LogQuery, run_log
from cas_sync.model.paths import PathRefusedError, RepoPath, parse_repo_path

_MARKS = {"added": "+", "modified": "~", "deleted": "-"}


@click.command()
@click.argument("path", required=False)
@click.option("-n", "limit", type=click.IntRange(0), help="At most so many.")
@click.option("--author", default="", help="Only by whom this is part of the name.")
@click.option("--since", help="Only from then on: 2026-11-20, 2w, '3 days ago'.")
@click.option("--stat", is_flag=True, help="With the files each commit changed.")
@click.option("--oneline", is_flag=True, help="One line each.")
@store_options
@common
def log(
    path: str | None,
    *,
    limit: int | None,
    author: str,
    since: str | None,
    stat: bool,
    oneline: bool,
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
    cas-sync log clean/users.csv
    """
    del debug, verbose
    settings, surroundings = settings_in(start, flags_of(values))
    query = LogQuery(
        path=_repo_path(path, settings.data, start),
        limit=limit,
        author=author,
        since=parse_since(since, surroundings.clock.now()) if since else None,
    )
    entries: list[LogEntry] = []

    n_shown = 0

    def note(entry: LogEntry) -> None:
        nonlocal n_shown
        n_shown += 1
        if as_json:
            entries.append(entry)
        else:
            _print(entry, stat=stat, oneline=oneline)
            if not is_read():
                raise click.exceptions.Exit(exit_codes.OK)

    any_commit = run_log(settings, surroundings, query, note, with_changes=stat)
    if not (n_shown or as_json or quiet or limit == 0):
        click.echo(_why_nothing(query, any_commit=any_commit), err=True)
    if as_json:
        print_answer("log", [_json(entry, stat=stat) for entry in entries])
    return exit_codes.OK


def _why_nothing(query: LogQuery, *, any_commit: bool) -> str:
    if not any_commit:
        return "No commits yet."
    if query.path is None:
        return "No commit matches."
    return f"No commit that was asked for changed {visible(query.path)}."


def _repo_path(path: str | None, data: Path, start: Path) -> RepoPath | None:
    named = inside_data(path, data, start) if path is not None else ""
    if not named:
        return None
    try:
        return parse_repo_path(named)
    except PathRefusedError as error:
        raise click.BadParameter(f"{path}: {error}", param_hint="PATH") from None


def _json(entry: LogEntry, *, stat: bool) -> dict[str, Any]:
    commit = entry.commit
    fields: dict[str, Any] = {
        "id": str(entry.id),
        "seq": commit.seq,
        "parent": str(commit.parent) if commit.parent else None,
        "author": commit.author,
        "machine": commit.machine,
        "time": commit.time,
        "message": commit.message,
        "changes": dict(commit.counts._asdict()),
        "files": commit.files,
        "size": commit.size,
        "bytes_new": commit.bytes_new,
    }
    if entry.version is not None:
        content = entry.version.content
        fields["hash"], fields["file_size"] = str(content.id), content.size
    if stat:
        fields["rows"] = [dict(row._asdict()) for row in commit.changes]
    return fields


def _print(entry: LogEntry, *, stat: bool, oneline: bool) -> None:
    commit, counts = entry.commit, entry.commit.counts
    changed = f"+{counts.added} ~{counts.modified} -{counts.deleted}"
    if oneline:
        click.echo(f"{str(entry.id)[:8]} {commit.author}: {commit.message or changed}")
        return
    click.echo(
        f"{str(entry.id)[:8]}  {commit.time}  {commit.author}   {commit.message}".rstrip()
    )
    if entry.version is not None:
        content = entry.version.content
        click.echo(f"          {size(content.size)}  {content.id}")
        return
    click.echo(f"          {changed}   {size(commit.bytes_new)} new")
    if stat:
        for row in commit.changes[:SHOWN_PER_GROUP]:
            click.echo(f"            {_MARKS[row.change]} {row.path}")
        if len(commit.changes) > SHOWN_PER_GROUP:
            click.echo(f"            ... and {len(commit.changes) - SHOWN_PER_GROUP:,} more")
