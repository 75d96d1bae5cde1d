"""`cas-sync tag`: names for commits."""

from pathlib import Path
from typing import Any

import click

from cas_sync.cli import exit_codes
from cas_sync.cli.json_out import print_answer
from cas_sync.cli.options import common, flags_of, settings_in, store_options
from cas_sync.cli.render import padded, plural, size, visible
from cas_sync.cli.when import When, time_options
from cas_sync.engine.tags import Change, TagDone, TagList, list_tags, remove_tag, set_tag
from cas_sync.errors import UsageError
from cas_sync.formats.tag import Tag


@click.command()
@click.argument("name", required=False)
@click.argument("rev", required=False)
@click.option("-m", "--message", help="Why it has a name.")
@click.option("--move", is_flag=True, help="Take the name from the commit that has it now.")
@click.option("-d", "--delete", is_flag=True, help="Take the name back; the commit stays.")
@time_options
@store_options
@common
def tag(
    name: str | None,
    rev: str | None,
    *,
    message: str | None,
    move: bool,
    delete: bool,
    utc: bool,
    iso: bool,
    start: Path,
    as_json: bool,
    quiet: bool,
    verbose: int,
    debug: bool,
    **values: Any,
) -> int:
    """Name a version, for everyone; list the names.

    \b
    cas-sync tag v1                        the latest commit
    cas-sync tag paper 2026-11-20 -m "as submitted"
    cas-sync tag v1 @~2 --move             another commit from now on
    cas-sync tag v1 --delete
    cas-sync restore . --rev v1            a name is a revision like any other

    Without NAME all are listed, the newest commit first. REV is any revision; without it the
    latest commit is meant. A name may not be what could be an id, a number or a date, and
    holds none of  @ : ~ / and the backslash.
    """
    del debug, verbose
    _check(name, rev, message, move=move, delete=delete)
    settings, surroundings = settings_in(start, flags_of(values))
    when = When(surroundings.clock.now(), surroundings.zone, utc=utc, iso=iso)
    if name is None:
        found = list_tags(settings, surroundings)
        _tell_list(found, when, as_json=as_json, quiet=quiet)
        return exit_codes.DAMAGE if found.troubles else exit_codes.OK
    if delete:
        done = remove_tag(settings, surroundings, name)
    else:
        done = set_tag(settings, surroundings, name, rev or "@", message, move=move)
    if as_json:
        print_answer("tag", {**_fields(done.tag), "change": str(done.change)})
    elif not quiet:
        _tell(done, when)
    return exit_codes.OK


def _check(
    name: str | None, rev: str | None, message: str | None, *, move: bool, delete: bool
) -> None:
    if delete and (rev is not None or message is not None or move):
        raise UsageError(
            "--delete takes a name back, so it goes with a name alone",
            fix="cas-sync tag NAME --delete",
        )
    if name is None and (delete or move or message is not None):
        raise UsageError("which tag?", fix="name it:  cas-sync tag NAME [REV]")


def _fields(found: Tag) -> dict[str, Any]:
    return {
        "name": found.name,
        "commit": str(found.commit) if found.commit else None,
        "seq": found.seq,
        "tagger": found.tagger,
        "time": found.time,
        "message": found.message,
    }


def _tell_list(found: TagList, when: When, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        print_answer("tag", [_fields(each) for each in found.tags])
    else:
        width = max((len(visible(each.name)) for each in found.tags), default=0)
        for each in found.tags:
            name = click.style(f"{visible(each.name):<{width}}", fg="cyan")
            at = f"{when.text(each.time):<{when.width}}"
            about = f"{at}  {padded(visible(each.tagger), 14)}  {visible(each.message)}"
            click.echo(f"{name}  {each!s:<15}  {about}".rstrip())
        if not (found.tags or found.troubles or quiet):
            click.echo("No tags yet. Name the latest commit:  cas-sync tag v1", err=True)
    for trouble in found.troubles.values():
        fix = trouble.fix.replace("\n", "\n" + " " * 9)
        click.echo(f"warning: {trouble.message}\n  cause  {trouble.cause}", err=True)
        click.echo(f"  fix    {fix}", err=True)


def _tell(done: TagDone, when: When) -> None:
    name = visible(done.tag.name)
    if done.change is Change.REMOVED or done.commit is None:
        was = f"; it named {done.before}" if done.before else ""
        click.echo(f"Tag {name} is taken back{was}. The commit stays as it is.")
        return
    verb = {Change.NEW: "names", Change.MOVED: "now names", Change.SAME: "names already:"}
    commit = done.commit
    before = f", before: {done.before}" if done.change is Change.MOVED and done.before else ""
    holds = f"{plural(commit.files, 'file')}, {size(commit.size)}"
    made = when.text(commit.time)
    about = f"{visible(commit.author)}, {made}  {visible(commit.message)}".rstrip()
    click.echo(
        f"Tag {name} {verb[done.change]} {done.tag}{before}\n          {holds}   ({about})"
    )
