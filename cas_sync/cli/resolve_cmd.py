"""`cas-sync resolve`: settles conflicts, and syncs nothing else."""

from pathlib import Path
from typing import Any

import click

from cas_sync.cli.bars import Plain
from cas_sync.cli.options import common, flags_of, settings_in, store_options
from cas_sync.cli.paths import inside_data
from cas_sync.cli.sync_cmd import carry_out
from cas_sync.cli.terminal import can_ask
from cas_sync.engine.status import run_status
from cas_sync.engine.sync_report import SyncOptions
from cas_sync.errors import UsageError
from cas_sync.plan.step import OnConflict


@click.command()
@click.argument("paths", nargs=-1, required=True)
@click.option("--mine", is_flag=True, help="Yours is published.")
@click.option("--theirs", is_flag=True, help="Theirs stays.")
@click.option("--both", is_flag=True, help="Keep both.")
@click.option("-m", "--message", default="", help="Why, for the log.")
@store_options
@common
def resolve(
    paths: tuple[str, ...],
    *,
    mine: bool,
    theirs: bool,
    both: bool,
    message: str,
    start: Path,
    as_json: bool,
    quiet: bool,
    verbose: int,
    debug: bool,
    **values: Any,
) -> int:
    """Settle conflicts: keep yours, theirs, or both.

    \b
    cas-sync resolve clean/users.csv --mine
    cas-sync resolve reports/ --both

    Of both, theirs keeps the name and yours is kept beside it. The version that gives way
    stays in the history. Without a choice, a terminal asks for each file.
    """
    del debug
    said = {
        OnConflict.MINE: mine,
        OnConflict.THEIRS: theirs,
        OnConflict.KEEP_BOTH: both,
    }
    choices = [choice for choice, is_said in said.items() if is_said]
    if len(choices) > 1:
        raise UsageError("--mine, --theirs and --both exclude each other")
    if not choices and not can_ask():
        raise UsageError(
            "say which version is to be kept", fix="add --mine, --theirs or --both"
        )
    settings, surroundings = settings_in(start, flags_of(values))
    named = tuple(inside_data(path, settings.data, start) for path in paths)
    progress = Plain(surroundings.clock, bars=False)
    found = run_status(settings, surroundings, progress, offline=False).conflicts
    meant = tuple(
        step.path
        for step in found
        if any(step.path == n or step.path.startswith(f"{n}/") or not n for n in named)
    )
    if not meant:
        raise UsageError(
            f"nothing is in conflict at {', '.join(paths)}",
            fix="see what is:  cas-sync conflicts",
        )
    on_conflict = choices[0] if choices else OnConflict.ASK
    options = SyncOptions(paths=meant, on_conflict=on_conflict, message=message)
    return carry_out(
        settings,
        surroundings,
        options,
        yes=bool(choices),
        in_groups=True,
        as_json=as_json,
        quiet=quiet,
        verbose=verbose,
    )
