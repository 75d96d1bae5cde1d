"""`cas-sync show`: one commit with its changes; one version of a file."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path
from typing import Any

import click

from cas_sync.cli import exit_codes
from cas_sync.cli.change_view import change_line, counts_text, growth_text
from cas_sync.cli.json_out import print_answer
from cas_sync.cli.log_view import event_words, log_json
from cas_sync.cli.mistakes import for_named, meant, only_one
from cas_sync.cli.options import common, flags_of, settings_in, store_options
from cas_sync.cli.pager import paged, pager_option
from cas_sync.cli.paths import inside_data, named_at
from cas_sync.cli.render import SHOWN_PER_GROUP, plural, size, visible
from cas_sync.cli.streams import is_read
from cas_sync.cli.when import When, time_options
from cas_sync.engine.log import LogEntry
from cas_sync.engine.revisions import LATEST
from cas_sync.engine.show import Shown, ShownVersion, open_commit, show_version
from cas_sync.errors import UsageError
from cas_sync.formats.moments import parse_moment
from cas_sync.plan.renames import folded

_BACK = re.compile(r"(~\d*)+$")


@click.command()
@click.argument("words", metavar="[REV|REV:PATH]", nargs=-1)
@time_options
@pager_option
@store_options
@common
def show(
    words: tuple[str, ...],
    *,
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
    """Show one commit and what it changed, or one version of a file.

    \b
    cas-sync show                          the latest commit
    cas-sync show @~2                      the one two before it
    cas-sync show v1 -v                    with all its files
    cas-sync show v1:clean/users.csv       that version of a file
    """
    del debug, quiet
    settings, surroundings = settings_in(start, flags_of(values))
    what = only_one("show", words, settings.data) or LATEST
    when = When(surroundings.clock.now(), surroundings.zone, utc=utc, iso=iso)
    rev, path = what, ""
    if not _is_revision(what, when):
        rev, path = named_at(what, settings.data, start)

    def tell_version(version: ShownVersion) -> None:
        if as_json:
            print_answer("show", _version_json(version))
        else:
            click.echo("\n".join(_version_lines(version, when)))

    with (
        paged(wanted=not (as_json or no_pager)),
        meant(lambda: for_named("show", words, settings.data)),
        ExitStack() as opened,
    ):
        if path:
            tell_version(show_version(settings, surroundings, rev, path))
        else:
            try:
                shown = opened.enter_context(open_commit(settings, surroundings, rev))
            except UsageError:
                # A file at the top has a name that could be a tag's.
                name = inside_data(what, settings.data, start)
                with suppress(UsageError):
                    tell_version(show_version(settings, surroundings, LATEST, name))
                    return exit_codes.OK
                raise
            if as_json:
                entry = LogEntry(shown.id, shown.commit, shown.tags)
                rows = [row.to_dict() for row in shown.rows]
                print_answer("show", {**log_json(entry), "rows": rows})
                return exit_codes.OK
            for line in _commit_lines(shown, when, is_whole=bool(verbose)):
                click.echo(line)
                if not is_read():
                    break
    return exit_codes.OK


def _is_revision(text: str, when: When) -> bool:
    """Say whether a text is no path: no revision holds a slash, nor a colon but in a time."""
    if parse_moment(_BACK.sub("", text), when.now) is not None:
        return True
    return not any(each in text for each in ":/\\")


def _commit_lines(shown: Shown, when: When, *, is_whole: bool) -> Iterator[str]:
    commit = shown.commit
    yield f"commit   {click.style(str(shown.id), fg='yellow')}  #{commit.seq:,}"
    yield f"parent   {str(commit.parent)[:8] if commit.parent else 'none: it is the first'}"
    yield f"author   {visible(commit.author)} on {visible(commit.machine)}"
    yield f"time     {_in_full(commit.time, when)}"
    if is_whole:
        yield f"client   {visible(commit.client)}"
    if shown.tags:
        yield f"tags     {click.style(', '.join(map(visible, shown.tags)), fg='cyan')}"
    if commit.message:
        yield f"message  {visible(commit.message)}"
    yield f"changes  {counts_text(commit.counts, shown.n_renamed) or 'none'}"
    total = f"{plural(commit.files, 'file')}, {size(commit.size)} in all"
    yield f"bytes    {growth_text(shown.grown, commit.bytes_new)}; {total}"
    yield ""
    rows = folded(shown.rows)
    yield from map(change_line, rows if is_whole else islice(rows, SHOWN_PER_GROUP))
    n_more = sum(commit.counts) - shown.n_renamed - SHOWN_PER_GROUP
    if not is_whole and n_more > 0:
        yield f"... and {n_more:,} more (-v shows all)"


def _in_full(moment: str, when: When) -> str:
    short = when.text(moment)
    return moment if short == moment else f"{short}  ({moment})"


def _version_lines(shown: ShownVersion, when: When) -> Iterator[str]:
    entry, came = shown.entry, shown.came
    content, commit = entry.content, came.commit
    yield f"{visible(entry.path)} at {shown.revision} (#{shown.revision.seq:,})"
    yield f"size     {size(content.size)} ({plural(content.size, 'byte')})"
    yield f"hash     {content.id}"
    yield f"mode     {content.mode}"
    yield f"edited   {_in_full(entry.edited, when)} by {visible(entry.editor)}"
    event = f", {event_words(came.event)}" if came.event else ""
    yield f"came in  {str(came.id)[:8]} (#{commit.seq:,}){event}"
    message = f": {visible(commit.message)}" if commit.message else ""
    yield f"         {visible(commit.author)}, {_in_full(commit.time, when)}{message}"


def _version_json(shown: ShownVersion) -> dict[str, Any]:
    entry = shown.entry
    return {
        "path": entry.path,
        "hash": str(entry.content.id),
        "size": entry.content.size,
        "mode": str(entry.content.mode),
        "edited_by": entry.editor,
        "time_edited": entry.edited,
        "commit": str(shown.revision.id),
        "seq": shown.revision.seq,
        "came_in": log_json(shown.came),
    }
