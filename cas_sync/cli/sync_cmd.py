"""`cas-sync sync`: the whole sync."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cas_sync.cli.ask import TerminalAsker
from cas_sync.cli.bars import Plain
from cas_sync.cli.options import common, flags_of, settings_in, store_options
from cas_sync.cli.paths import inside_data
from cas_sync.cli.sync_view import exit_code, print_json, print_text
from cas_sync.cli.terminal import can_ask
from cas_sync.engine.begin import ensure_config, withdraw_config
from cas_sync.engine.project_file import find_config
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.engine.sync import run_sync
from cas_sync.engine.sync_report import SyncOptions, Target
from cas_sync.engine.target import read_lock
from cas_sync.errors import CasSyncError, ConfigError, StoreError, UsageError
from cas_sync.formats.config_json import Config
from cas_sync.plan.outline import ROWS
from cas_sync.plan.step import OnConflict


@click.command()
@click.argument("paths", nargs=-1)
@click.option("-y", "--yes", is_flag=True, help="Do what the plan says without asking.")
@click.option("-n", "--dry-run", is_flag=True, help="Show the plan and change nothing.")
@click.option("-m", "--message", default="", help="Why, for the log.")
@click.option("--push-only", is_flag=True, help="Publish, and write nothing here.")
@click.option("--pull-only", is_flag=True, help="Take what is new, and publish nothing.")
@click.option("--only", multiple=True, metavar="GLOB", help="Only what matches.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="Not what matches.")
@click.option(
    "--locked", is_flag=True, help="Bring exactly the version that cas-sync.lock names."
)
@click.option("--no-deletes", is_flag=True, help="Carry no deletion over, either way.")
@click.option(
    "--on-conflict",
    type=click.Choice([each.value for each in OnConflict]),
    default=OnConflict.ASK.value,
    show_default=True,
    help="What to do where both sides changed a file.",
)
@click.option("--allow-mass-delete", is_flag=True, help="Pass the guards.")
@click.option(
    "--ask",
    type=click.Choice(["once", "groups"]),
    default="once",
    show_default=True,
    help="One question, or one for each kind of change.",
)
@click.option(
    "--no-adopt", is_flag=True, help="Begin beside files that others left in the store."
)
@click.option("--declined", is_flag=True, help="Ask again about what was declined before.")
@click.option(
    "--plan",
    type=click.Choice(["short", "full"]),
    default="short",
    show_default=True,
    help="Fold long folders, or show every file.",
)
@store_options
@common
def sync(
    paths: tuple[str, ...],
    *,
    yes: bool,
    dry_run: bool,
    message: str,
    push_only: bool,
    pull_only: bool,
    only: tuple[str, ...],
    exclude: tuple[str, ...],
    locked: bool,
    no_deletes: bool,
    on_conflict: str,
    allow_mass_delete: bool,
    ask: str,
    no_adopt: bool,
    declined: bool,
    plan: str,
    start: Path,
    as_json: bool,
    quiet: bool,
    verbose: int,
    debug: bool,
    **values: Any,
) -> int:
    """Make this folder and the shared prefix the same.

    \b
    cas-sync sync                                          show the plan, ask, do it
    cas-sync sync -y -m "November targets"                 no question
    cas-sync sync -n                                       only show the plan
    cas-sync sync --store s3://team-data/churn             first time here
    cas-sync sync --locked -y                              as cas-sync.lock says

    What is new here is published, what teammates published is written here, and each
    sync that changes the shared files is one commit. Safe to run again at any time.
    """
    del debug
    if push_only and pull_only:
        raise UsageError("--push-only and --pull-only exclude each other")
    if locked and (paths or only or exclude or push_only or no_deletes):
        raise UsageError(
            "--locked brings a whole version, and publishes nothing",
            fix="leave PATHS, --only, --exclude, --push-only and --no-deletes out",
        )
    flags = flags_of(values)
    if flags.store is None and not (yes or dry_run) and can_ask():
        offer_setup(start)

    def options(settings: Settings) -> SyncOptions:
        return SyncOptions(
            paths=tuple(inside_data(path, settings.data, start) for path in paths),
            only=only,
            exclude=exclude,
            push=not pull_only,
            pull=not push_only,
            deletes=not no_deletes,
            on_conflict=OnConflict(on_conflict),
            allow_mass_delete=allow_mass_delete,
            dry_run=dry_run,
            adopts=not no_adopt,
            reconsider=declined,
            message=message,
            target=Target(lock=read_lock(settings)) if locked else None,
        )

    return sync_in(
        start,
        flags,
        options,
        sets_up=not dry_run,
        yes=yes,
        as_json=as_json,
        quiet=quiet,
        verbose=verbose,
        in_groups=ask == "groups",
        whole_plan=plan == "full",
    )


def sync_in(
    start: Path,
    flags: Config,
    options: Callable[[Settings], SyncOptions],
    *,
    sets_up: bool,
    as_json: bool,
    quiet: bool,
    takes_back: tuple[type[CasSyncError], ...] = (ConfigError, StoreError),
    **how: Any,
) -> int:
    """Run a sync in a folder that may have no configuration yet; return the exit code.

    An error of ``takes_back`` before anything was synced leaves no configuration.
    """
    wrote = ensure_config(start, flags, os.environ) if sets_up else None
    settings, surroundings = settings_in(start, flags)
    try:
        code = carry_out(
            settings, surroundings, options(settings), as_json=as_json, quiet=quiet, **how
        )
    except takes_back as error:
        if wrote is not None and withdraw_config(wrote):
            error.state += f"; {wrote.path.name} was not written"
            wrote = None
        raise
    finally:
        if wrote is not None and not (quiet or as_json):
            click.echo(f"Wrote {wrote.path}   (commit this: it holds no secret)", err=True)
    return code


def offer_setup(start: Path) -> None:
    """Offer to set up a folder that nothing says the store of."""
    if find_config(start, os.environ) or os.environ.get("CAS_SYNC_STORE"):
        return
    # Imported here because few syncs are the first one.
    from cas_sync.cli.init_cmd import offer  # noqa: PLC0415

    offer(start)


def carry_out(
    settings: Settings,
    surroundings: Surroundings,
    options: SyncOptions,
    *,
    yes: bool,
    as_json: bool,
    quiet: bool,
    verbose: int,
    in_groups: bool = False,
    whole_plan: bool = False,
) -> int:
    """Run a sync, tell what it did, and return the exit code."""
    began = surroundings.clock.monotonic()
    progress = Plain(surroundings.clock, bars=can_ask() and not (as_json or quiet), quiet=quiet)
    asker = TerminalAsker(
        surroundings.clock.now(),
        progress.close,
        yes=yes,
        tells=verbose > 0,
        silent=as_json or quiet,
        rows=None if whole_plan else ROWS,
        as_json=as_json,
        in_groups=in_groups,
        settles=options.push and options.pull and options.on_conflict is OnConflict.ASK,
    )
    try:
        report = run_sync(settings, surroundings, options, asker, progress)
    finally:
        progress.close()
    seconds = surroundings.clock.monotonic() - began
    if as_json:
        print_json(report, seconds)
    else:
        url, dry_run = settings.address.url, options.dry_run
        print_text(report, url, seconds, dry_run=dry_run, quiet=quiet)
    return exit_code(report)
