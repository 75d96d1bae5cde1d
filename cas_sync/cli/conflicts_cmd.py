"""`cas-sync conflicts`: what both sides changed, and who."""

from pathlib import Path
from typing import Any

import click

from cas_sync.cli import exit_codes
from cas_sync.cli.bars import Plain
from cas_sync.cli.json_out import print_answer
from cas_sync.cli.options import common, flags_of, settings_in, store_options
from cas_sync.cli.render import size
from cas_sync.engine.status import run_status
from cas_sync.model.tree import Content
from cas_sync.plan.step import Step


@click.command()
@store_options
@common
def conflicts(
    *,
    start: Path,
    as_json: bool,
    quiet: bool,
    verbose: int,
    debug: bool,
    **values: Any,
) -> int:
    """List the files that both sides changed.

    They are left alone on both sides until someone settles them with `resolve`.
    """
    del verbose, debug
    settings, surroundings = settings_in(start, flags_of(values))
    progress = Plain(surroundings.clock, bars=False, quiet=quiet)
    found = run_status(settings, surroundings, progress, offline=False).conflicts
    if as_json:
        print_answer("conflicts", [_json(step) for step in found])
    elif not quiet:
        for step in found:
            _print(step)
        if found:
            click.echo("hint: cas-sync resolve PATH --mine | --theirs | --both", err=True)
        else:
            click.echo("No conflicts.")
    return exit_codes.INCOMPLETE if found else exit_codes.OK


def _content(content: Content | None) -> dict[str, Any] | None:
    if content is None:
        return None
    return {"hash": str(content.id), "size": content.size, "mode": str(content.mode)}


def _json(step: Step) -> dict[str, Any]:
    theirs = step.theirs
    return {
        "path": step.path,
        "base": _content(step.base.content if step.base else None),
        "ours": _content(step.ours.content if step.ours else None),
        "theirs": _content(theirs.content if theirs else None),
        "edited_by": theirs.editor if theirs else None,
        "time_edited": theirs.edited if theirs else None,
    }


def _print(step: Step) -> None:
    click.echo(f"! {step.path}")
    if step.ours and step.ours.content:
        click.echo(f"    yours   {size(step.ours.content.size)}")
    if step.theirs:
        theirs = step.theirs
        who = f"{theirs.editor}, {theirs.edited}"
        click.echo(f"    theirs  {size(theirs.content.size)}   ({who})")
