"""`cas-sync undelete`: lists deleted files, and brings them back as local files."""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from cas_sync.cli import exit_codes
from cas_sync.cli.back_view import outcome_line, print_skipped, show_plan, tell_scripts
from cas_sync.cli.bars import Plain
from cas_sync.cli.choose import ask_which, echo_choice
from cas_sync.cli.dates import ago
from cas_sync.cli.json_out import print_answer
from cas_sync.cli.mistakes import for_path, meant
from cas_sync.cli.options import common, flags_of, settings_in, store_options
from cas_sync.cli.paths import inside_data
from cas_sync.cli.render import SHOWN_PER_GROUP, padded, plural, size, visible, width
from cas_sync.cli.terminal import agreed, can_ask, say
from cas_sync.cli.when import When
from cas_sync.engine.surroundings import find_author
from cas_sync.engine.undelete import (
    DeletedGroup,
    Listing,
    RestorePlan,
    RestoreReport,
    UndeleteOptions,
    run_undelete,
)
from cas_sync.errors import UsageError

MOST = 20
_WIDEST = 44


@click.command()
@click.argument("paths", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="List what exists again, too.")
@click.option("--rev", help="Only what this commit deleted: '#12', @~1, an id.")
@click.option(
    "--to",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write to another folder, and touch nothing here.",
)
@click.option("--most", type=click.IntRange(1), help=f"Rows of the list. [default: {MOST}]")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would come back.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask again what was picked.")
@store_options
@common
def undelete(
    paths: tuple[str, ...],
    *,
    everything: bool,
    rev: str | None,
    to: Path | None,
    most: int | None,
    dry_run: bool,
    yes: bool,
    start: Path,
    as_json: bool,
    quiet: bool,
    verbose: int,
    debug: bool,
    **values: Any,
) -> int:
    """List deleted files, and bring them back.

    \b
    cas-sync undelete
    cas-sync undelete images/2026-10/ 'raw/*.csv'
    cas-sync undelete clean/users.csv --rev '#12' --to ../then

    Without PATH it lists what was deleted, the newest first: a folder that went as a whole
    is one row. At a terminal you pick by number. A PATH is a file, a folder or a pattern:
    of each file, what was deleted last comes back. Nothing that exists is replaced: with
    --to its deleted versions come into another folder, and --all lists them, those that
    lost a conflict included.
    """
    del debug
    settings, surroundings = settings_in(start, flags_of(values))
    if everything and (paths or rev):
        raise UsageError(
            "--all is about the list, and a PATH or --rev was given",
            fix="every version that was deleted of a file:  cas-sync undelete --all\n"
            "what one commit deleted:  cas-sync undelete PATH --rev '#12'",
        )
    # What is listed goes to standard output: whoever sends that elsewhere is not asked.
    asks = can_ask() and sys.stdout.isatty() and not (as_json or quiet or dry_run)
    options = UndeleteOptions(
        paths=tuple(inside_data(path, settings.data, start) for path in paths),
        rev=rev,
        to=None if to is None else Path(os.path.normpath(start.resolve() / to)),
        # Only to list makes no data folder.
        dry_run=dry_run or not (paths or rev or asks),
        everything=everything,
        most=most if most is not None or as_json else MOST,
    )
    began = surroundings.clock.monotonic()
    progress = Plain(surroundings.clock, bars=can_ask() and not (as_json or quiet))
    when = When(surroundings.clock.now(), surroundings.zone)
    shown = None if verbose else SHOWN_PER_GROUP
    talk = _Talk(
        lambda: find_author(settings.user_name, settings.root, surroundings.env),
        progress,
        when,
        shown,
        asks=asks,
        yes=yes,
        as_json=as_json,
        is_silent=as_json or quiet,
        everything=everything,
    )
    try:
        with meant(lambda: _meant(paths)):
            report = run_undelete(
                settings, surroundings, options, talk.agree, progress, talk.pick
            )
    finally:
        progress.close()
    if report is None:
        if asks and not talk.is_picked:
            say("Nothing was changed.")
        return exit_codes.OK
    code = exit_codes.INCOMPLETE if report.skipped else exit_codes.OK
    if as_json:
        seconds = surroundings.clock.monotonic() - began
        tell_scripts(report, seconds, code, dry_run=dry_run)
    elif dry_run:
        show_plan(report.plan, "Bring back", click.echo, shown, when)
        print_skipped(report)
        n = report.plan.survey.n_materialize
        click.echo(f"{plural(n, 'file')} would come back; nothing was changed.")
    else:
        _print(report, options, quiet=quiet)
    return code


@dataclass
class _Talk:
    """Shows the list, asks which to bring back, and asks again before it is done.

    Attributes:
        who: Returns who runs this; may ask git.
        progress: Is closed before anything is shown.
        when: Tells times.
        shown: How many rows of a plan are shown; `None` for all.
        asks: Whether somebody is there to pick.
        yes: Whether what was picked is not asked for again.
        as_json: Whether the list is for scripts.
        is_silent: Whether the plan is not shown.
        everything: Whether what exists again is listed, too.
        is_picked: Whether anything was picked.
    """

    who: Callable[[], str]
    progress: Plain
    when: When
    shown: int | None
    asks: bool
    yes: bool
    as_json: bool
    is_silent: bool
    everything: bool
    is_picked: bool = False

    def pick(self, listing: Listing) -> Callable[[int, str], bool] | None:
        """Show what was deleted; return what is picked of it, `None` for nothing."""
        self.progress.close()
        if self.as_json:
            print_answer("undelete", [_as_json(*each) for each in enumerate(listing.groups, 1)])
            return None
        lines = _lines(listing, self.who(), self.when.now, everything=self.everything)
        for line in lines:
            click.echo(line)
        if not (self.asks and listing.groups):
            return None
        found = ask_which(len(listing.groups), [g.path for g in listing.groups])
        if found is None:
            return None
        numbers = {n for n, event in listing.numbered() if found.takes(n, event.path)}
        echo_choice(numbers, listing.groups)
        self.is_picked = bool(numbers)
        return found.takes if numbers else None

    def agree(self, plan: RestorePlan) -> bool:
        """Show what will come back; ask whether it is to be, where it was picked here."""
        self.progress.close()
        if not self.is_silent:
            show_plan(plan, "Bring back", say, self.shown, self.when)
        n = plural(plan.survey.n_materialize, "file")
        return self.yes or not self.is_picked or bool(agreed(f"Bring back {n}?"))


def _meant(paths: tuple[str, ...]) -> str:
    """Return the command to type for what is no path."""
    if any(path.strip("#").isdecimal() for path in paths):
        return "numbers are for the question at a terminal; here name the path"
    return for_path(paths, "a version of it:  cas-sync restore {path} --rev {rev}")


def _lines(listing: Listing, who: str, now: datetime, *, everything: bool) -> Iterator[str]:
    """Yield the list as text."""
    groups = listing.groups
    if not groups:
        yield "No deleted file is in the history." + ("" if everything else _ALSO)
        return
    yield "Deleted files still in history (newest first)"
    names = [visible(group.path) for group in groups]
    widest = min(max(map(width, names)), _WIDEST)
    for n, (group, name) in enumerate(zip(groups, names, strict=True), 1):
        deleter = "you" if group.deleter == who else visible(group.deleter)
        by = f"{deleter}, {ago(datetime.fromisoformat(group.deleted), now)}"
        extent = f"{plural(group.n_files, 'file'):>11}  {size(group.size):>10}"
        yield f"{n:>4}  {padded(name, widest)}  {extent}   {by:<22} #{group.seq}{_also(group)}"
    if listing.n_more:
        n_all = len(groups) + listing.n_more
        yield f"      ... and {listing.n_more:,} more:  cas-sync undelete --most {n_all}"


_ALSO = " What exists again, or lost a conflict:  cas-sync undelete --all"


def _also(group: DeletedGroup) -> str:
    """Return what else is worth knowing of a row."""
    said = []
    if group.is_folder and group.n_files <= len(group.names):
        start = 0 if group.path == "/" else len(group.path)
        said.append(", ".join(visible(name[start:]) for name in group.names))
    if group.n_existing:
        n = group.n_existing
        said.append("exists now" if n == group.n_files else f"{n:,} exist now")
    return f"   ({'; '.join(said)})" if said else ""


def _as_json(n: int, group: DeletedGroup) -> dict[str, Any]:
    return {
        "n": n,
        "path": group.path,
        "is_folder": group.is_folder,
        "files": group.n_files,
        "size": group.size,
        "existing": group.n_existing,
        "deleted_by": group.deleter,
        "time_deleted": group.deleted,
        "seq": group.seq,
    }


def _print(report: RestoreReport, options: UndeleteOptions, *, quiet: bool) -> None:
    print_skipped(report)
    if quiet:
        return
    if report.n_existing:
        n = plural(report.n_existing, "deleted file")
        exist = "exists" if report.n_existing == 1 else "exist"
        click.echo(f"{n} {exist} now and stay as they are; --to DIR writes them elsewhere.")
    if report.refused:
        click.echo("Nothing was changed.")
        return
    click.echo(outcome_line(report, options.to))
    is_new = report.restored or report.plan.survey.n_steps
    if is_new and options.to is None:
        click.echo("hint: cas-sync sync  to bring them back for everyone", err=True)
