"""`cas-sync pin`: name in git the version of the data that the code was written for."""

from pathlib import Path
from typing import Any

import click

from cas_sync.cli import exit_codes
from cas_sync.cli.json_out import print_answer
from cas_sync.cli.options import common, flags_of, settings_in, store_options
from cas_sync.cli.render import plural, size, visible
from cas_sync.cli.when import When
from cas_sync.engine.pin import Pinned, check_pin, run_pin
from cas_sync.errors import UsageError
from cas_sync.progress import Silent


@click.command()
@click.argument("rev", required=False)
@click.option(
    "--check", is_flag=True, help="Only say whether the folder is as cas-sync.lock says."
)
@store_options
@common
def pin(
    rev: str | None,
    *,
    check: bool,
    start: Path,
    as_json: bool,
    quiet: bool,
    verbose: int,
    debug: bool,
    **values: Any,
) -> int:
    """Write cas-sync.lock: which version of the data this code was written for.

    \b
    cas-sync pin                 the version in the data folder
    cas-sync pin v1              a tag; any revision
    cas-sync pin --check         in CI: ends with 10 where the folder is another version

    Commit it. Whoever checks the code out gets that version with  cas-sync sync --locked.
    Without REV it is the version the data folder holds, which must not have changes that
    were never published.
    """
    del debug, verbose
    if check and rev is not None:
        raise UsageError("--check looks at the file that is there, so it takes no REV")
    settings, surroundings = settings_in(start, flags_of(values))
    why = ""
    if check:
        found, why = check_pin(settings, surroundings, Silent())
    else:
        found = run_pin(settings, surroundings, rev, Silent())
    if as_json:
        print_answer("pin", _json(found, why, check=check))
    elif not quiet:
        _print(found, why, When(surroundings.clock.now(), surroundings.zone), check=check)
    return exit_codes.DIFFERENCES if why else exit_codes.OK


def _json(found: Pinned, why: str, *, check: bool) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "file": str(found.path),
        "commit": str(found.lock.commit),
        "seq": found.lock.seq,
        "tags": list(found.tags),
        "behind": found.latest - found.lock.seq,
    }
    if check:
        return {**fields, "matches": not why, "why": why}
    return {**fields, "written": found.is_new}


def _print(found: Pinned, why: str, when: When, *, check: bool) -> None:
    commit = found.commit
    names = f"  tag: {', '.join(map(visible, found.tags))}" if found.tags else ""
    made = when.text(commit.time)
    about = f"{visible(commit.author)}, {made}  {visible(commit.message)}".rstrip()
    holds = f"{plural(commit.files, 'file')}, {size(commit.size)}"
    if check:
        said = "another version, or changed" if why else "exactly that"
        click.echo(f"cas-sync.lock: {found.lock}{names}, {holds}; the data folder is {said}.")
        for line in why.splitlines():
            click.echo(f"  {visible(line)}", err=True)
        return
    verb = "Pinned" if found.is_new else "Pinned already:"
    click.echo(f"{verb} {found.lock}{names}, {holds}   ({about})")
    if behind := found.latest - found.lock.seq:
        click.echo(f"note: {plural(behind, 'commit')} older than the latest", err=True)
    if found.is_new:
        click.echo(
            f"hint: git add {found.path.name}   (others: cas-sync sync --locked)", err=True
        )
