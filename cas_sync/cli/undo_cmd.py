"""`cas-sync undo`: publishes the inverse of a commit."""

from pathlib import Path
from typing import Any

import click

from cas_sync.cli.ask import MANY_DELETIONS
from cas_sync.cli.bars import Plain
from cas_sync.cli.mistakes import for_revision, meant
from cas_sync.cli.options import common, flags_of, settings_in, store_options
from cas_sync.cli.render import SHOWN_PER_GROUP
from cas_sync.cli.terminal import ask, can_ask, say
from cas_sync.cli.undo_view import (
    exit_code,
    newer_hint,
    plan_lines,
    print_json,
    print_plan,
    print_text,
)
from cas_sync.engine.undo import run_undo
from cas_sync.engine.undo_report import UndoOptions, UndoPlan
from cas_sync.errors import UsageError
from cas_sync.plan.inverse import Turn


@click.command()
@click.argument("rev", required=False)
@click.option("-y", "--yes", is_flag=True, help="Do it without asking.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what it comes to, change nothing.")
@click.option("-m", "--message", default="", help="Why, for the log.")
@click.option("--allow-mass-delete", is_flag=True, help="Pass the guard.")
@store_options
@common
def undo(
    rev: str | None,
    *,
    yes: bool,
    dry_run: bool,
    message: str,
    allow_mass_delete: bool,
    start: Path,
    as_json: bool,
    quiet: bool,
    verbose: int,
    debug: bool,
    **values: Any,
) -> int:
    """Undo a whole sync for everyone, whoever has pulled it.

    \b
    cas-sync undo                      what I did last, after a look and a question
    cas-sync undo 3f9c1a2b --dry-run   what it would come to

    What it deleted comes back, what it changed is as before, what it added goes; files that
    were changed since are left alone. History stays: an undo is a commit too, and can be
    undone. Without REV your own newest commit is meant; @ is the latest of all.
    """
    del debug
    settings, surroundings = settings_in(start, flags_of(values))
    options = UndoOptions(
        rev=rev, message=message, dry_run=dry_run, allow_mass_delete=allow_mass_delete
    )
    now, began = surroundings.clock.now(), surroundings.clock.monotonic()
    progress = Plain(surroundings.clock, bars=can_ask() and not (as_json or quiet), quiet=quiet)
    most = None if verbose else SHOWN_PER_GROUP

    def agree(plan: UndoPlan) -> bool:
        progress.close()
        asks = can_ask() and not (yes or dry_run)
        if as_json and dry_run:
            print_plan(plan)
        # Nobody agrees to what they were not shown, however quiet they asked us to be.
        elif asks or not (as_json or quiet):
            for line in plan_lines(plan, now, most):
                (click.echo if dry_run else say)(line)
            if hint := newer_hint(plan):
                say(hint)
        return yes or dry_run or _asked(plan)

    try:
        with meant(lambda: for_revision(rev or "", settings.data) if rev else ""):
            report = run_undo(settings, surroundings, options, agree, progress)
    finally:
        progress.close()
    seconds = surroundings.clock.monotonic() - began
    if as_json:
        print_json(report, seconds)
    elif dry_run and report.plan is not None and report.plan.inverse.n_acting:
        click.echo("Nothing was changed.")
    else:
        print_text(report, seconds, quiet=quiet)
    return exit_code(report)


def _asked(plan: UndoPlan) -> bool:
    rev = str(plan.id)[:8]
    if not can_ask():
        raise UsageError(
            f"commit {plan.name} is to be undone for everyone, and there is no terminal to ask",
            fix=f"add --yes:  cas-sync undo {rev} --yes\n"
            f"look first:  cas-sync undo {rev} --dry-run",
            code="E002",
        )
    # Past this many deletions Enter means no: many people would miss the files.
    enters_yes = plan.inverse.n[Turn.TAKE_OUT] <= MANY_DELETIONS
    keys = "[Y]es / [n]o" if enters_yes else "[y]es / [N]o"
    while True:
        line = ask(f"Undo this for everyone? {keys} ")
        if line is None or line.lower() in {"n", "no"}:
            return False
        if line.lower() in {"y", "yes"} or (enters_yes and not line):
            return True
        if not line:
            return False
        say(f'"{line}" is neither yes nor no')
