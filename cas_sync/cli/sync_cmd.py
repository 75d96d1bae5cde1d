"""`cas-sync sync`: the whole sync."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from cas_sync.cli import exit_codes
from cas_sync.cli.bars import Plain
from cas_sync.cli.options import common, flags_of, settings_in, store_options
from cas_sync.cli.render import plan_lines, plural, size
from cas_sync.engine.asking import Question
from cas_sync.engine.begin import ensure_config, forget_folder
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.engine.sync import run_sync
from cas_sync.engine.sync_report import SyncOptions, SyncReport
from cas_sync.errors import UsageError
from cas_sync.plan.adoption import Foreign
from cas_sync.plan.step import NO, YES, Act, Answer, OnConflict


def can_ask() -> bool:
    """Say whether there is somebody to answer."""
    return sys.stdin.isatty() and sys.stderr.isatty() and not os.environ.get("CI")


@click.command()
@click.argument("paths", nargs=-1)
@click.option("-y", "--yes", is_flag=True, help="Do what the plan says without asking.")
@click.option("-n", "--dry-run", is_flag=True, help="Show the plan and change nothing.")
@click.option("-m", "--message", default="", help="Why, for the log.")
@click.option("--push-only", is_flag=True, help="Publish, and write nothing here.")
@click.option("--pull-only", is_flag=True, help="Take what is new, and publish nothing.")
@click.option("--only", multiple=True, metavar="GLOB", help="Only what matches.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="Not what matches.")
@click.option("--no-deletes", is_flag=True, help="Carry no deletion over, either way.")
@click.option(
    "--on-conflict",
    type=click.Choice([each.value for each in OnConflict]),
    default=OnConflict.ASK.value,
    show_default=True,
    help="What to do where both sides changed a file.",
)
@click.option("--allow-mass-delete", is_flag=True, help="Pass the guards.")
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
    no_deletes: bool,
    on_conflict: str,
    allow_mass_delete: bool,
    start: Path,
    as_json: bool,
    quiet: bool,
    verbose: int,
    debug: bool,
    **values: Any,
) -> int:
    """Make this folder and the shared prefix the same.

    What is new here is published, what teammates published is written here, and each
    sync that changes the shared files is one commit. Safe to run again at any time.

    \b
    cas-sync sync                                          show the plan, ask, do it
    cas-sync sync -y -m "November targets"                 no question
    cas-sync sync -n                                       only show the plan
    cas-sync sync --store s3://team-data/churn             first time here
    """
    del debug
    if push_only and pull_only:
        raise UsageError("--push-only and --pull-only exclude each other")
    flags = flags_of(values)
    wrote = None if dry_run else ensure_config(start, flags, os.environ)
    if wrote is not None and not (quiet or as_json):
        click.echo(f"Wrote {wrote}   (commit this: it holds no secret)", err=True)
    settings, surroundings = settings_in(start, flags)
    if wrote is not None:
        forget_folder(settings)
    options = SyncOptions(
        paths=tuple(inside_data(path, settings.data, start) for path in paths),
        only=only,
        exclude=exclude,
        push=not pull_only,
        pull=not push_only,
        deletes=not no_deletes,
        on_conflict=OnConflict(on_conflict),
        allow_mass_delete=allow_mass_delete,
        dry_run=dry_run,
        message=message,
    )
    return carry_out(
        settings, surroundings, options, yes=yes, as_json=as_json, quiet=quiet, verbose=verbose
    )


def carry_out(
    settings: Settings,
    surroundings: Surroundings,
    options: SyncOptions,
    *,
    yes: bool,
    as_json: bool,
    quiet: bool,
    verbose: int,
) -> int:
    """Run a sync, tell what it did, and return the exit code."""
    began = surroundings.clock.monotonic()
    progress = Plain(surroundings.clock, bars=can_ask() and not (as_json or quiet))
    try:
        report = run_sync(
            settings,
            surroundings,
            options,
            _Terminal(progress, yes=yes, silent=as_json or quiet),
            progress,
        )
    finally:
        progress.close()
    code = _exit_code(report)
    seconds = surroundings.clock.monotonic() - began
    if as_json:
        _print_json(report, seconds, code)
    else:
        url, dry_run = settings.address.url, options.dry_run
        _print(report, url, seconds, dry_run=dry_run, quiet=quiet, verbose=verbose)
    return code


def inside_data(path: str, data: Path, start: Path) -> str:
    """Return a path the user named, relative to the data folder; it may be deleted by now."""
    candidates = [Path(os.path.normpath(base / path)) for base in (start.resolve(), data)]
    inside = [each for each in candidates if each.is_relative_to(data)]
    if not inside:
        raise UsageError(f"{path} is not in the data folder {data}")
    chosen = next((each for each in inside if os.path.lexists(each)), inside[0])
    named = chosen.relative_to(data).as_posix()
    return "" if named == "." else named


class _Terminal:
    """Asks whoever sits there."""

    def __init__(self, progress: Plain, *, yes: bool, silent: bool) -> None:
        self._progress = progress
        self._yes = yes
        self._silent = silent

    def adopt(self, foreign: Foreign) -> bool:
        """Say whether what others left below the prefix becomes the first commit."""
        del foreign
        return self._yes

    def apply(self, question: Question) -> Answer:
        """Say what of a plan is to be done."""
        survey = question.survey
        self._progress.close()
        n = survey.n_publish + survey.n_materialize
        if self._yes or not n:
            return YES
        if not self._silent:
            for line in plan_lines(survey):
                click.echo(line, err=True)
        if not can_ask():
            raise UsageError(
                f"there {'is' if n == 1 else 'are'} {plural(n, 'change')} to confirm "
                "and no terminal to ask",
                fix="add --yes, or narrow it: --pull-only --yes, --only 'clean/**' --yes\n"
                "the full plan:  cas-sync sync --dry-run",
                code="E002",
            )
        # Enter means yes where it can be taken back with a word, no where many would miss it.
        default = survey.acts[Act.DELETE_THERE] <= 10
        agreed = click.confirm(f"Apply {plural(n, 'change')}?", default=default, err=True)
        return YES if agreed else NO


def _exit_code(report: SyncReport) -> int:
    return exit_codes.INCOMPLETE if report.conflicts or report.skipped else exit_codes.OK


def _print_json(report: SyncReport, seconds: float, code: int) -> None:
    for name, reason in report.skipped.items():
        _event({"event": "skip", "path": name, "reason": reason})
    for path in report.conflicts:
        _event({"event": "conflict", "path": path})
    for path, reason in report.warnings.items():
        _event({"event": "warning", "path": path, "reason": reason})
    for path, kept_as in report.kept.items():
        _event({"event": "kept", "path": path, "kept_as": kept_as})
    _event(
        {
            "event": "summary",
            "commit": str(report.commit) if report.commit else None,
            "seq": report.seq,
            "published": report.published,
            "uploaded": report.uploaded,
            "downloaded": report.downloaded,
            "deleted_remote": report.deleted_remote,
            "deleted_local": report.deleted_local,
            "conflicts": report.conflicts,
            "skipped": list(report.skipped),
            "bytes_up": report.bytes_up,
            "bytes_down": report.bytes_down,
            "requests": report.requests,
            "seconds": round(seconds, 3),
            "exit": code,
        }
    )


def _event(fields: dict[str, Any]) -> None:
    click.echo(json.dumps({"schema": 1, **fields}, ensure_ascii=False))


def _print(
    report: SyncReport, url: str, seconds: float, *, dry_run: bool, quiet: bool, verbose: int
) -> None:
    survey = report.survey
    if survey is not None and not quiet and (dry_run or verbose):
        for line in plan_lines(survey):
            click.echo(line)
    if dry_run:
        changes = survey.n_publish + survey.n_materialize if survey else 0
        click.echo(f"{plural(changes, 'change')} planned; nothing was changed.")
        return
    if report.refused:
        click.echo("Nothing was changed.")
        return
    for path, reason in report.warnings.items():
        click.echo(f"warning: {path}: {reason}", err=True)
    for name, reason in report.skipped.items():
        click.echo(f"skipped {name}: {reason}", err=True)
    for path in report.conflicts:
        click.echo(f"conflict {path}: changed on both sides; yours is untouched", err=True)
    if report.conflicts:
        click.echo(
            "hint: settle them with  cas-sync resolve PATH --mine | --theirs | --both",
            err=True,
        )
    if quiet:
        return
    requests = sum(report.requests.values())
    took = f"{seconds:.1f} s, {plural(requests, 'request')}"
    at = f" at {str(report.commit)[:8]}" if report.commit else ""
    done = _done(report)
    if not done:
        what = (
            "Nothing else to do at"
            if report.conflicts or report.skipped
            else "Already in sync with"
        )
        click.echo(f"{what} {url}{at} ({took})")
        return
    moved = f"{size(report.bytes_up)} sent, {size(report.bytes_down)} received"
    verb = "Published" if report.published else "In sync"
    click.echo(f"{verb}{at}: {', '.join(done)} ({moved}, {took})")


def _done(report: SyncReport) -> list[str]:
    parts = (
        (report.uploaded, "uploaded"),
        (report.downloaded, "downloaded"),
        (report.deleted_remote, "deleted in the store"),
        (report.deleted_local, "deleted here"),
    )
    return [f"{n:,} {what}" for n, what in parts if n] or (
        ["other changes"] if report.published else []
    )
