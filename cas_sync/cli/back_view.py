"""What `restore` and `undelete` show, ask and tell: both bring files back."""

from collections.abc import Callable
from pathlib import Path

import click

from cas_sync.cli.change_view import coloured
from cas_sync.cli.json_out import print_event, print_json
from cas_sync.cli.plan_view import plan_events
from cas_sync.cli.render import padded, plural, size, visible
from cas_sync.cli.terminal import agreed, can_ask
from cas_sync.cli.when import When
from cas_sync.engine.bring_back import RestorePlan, RestoreReport
from cas_sync.errors import UsageError
from cas_sync.plan.step import Act, Step

_WIDEST = 44


def show_plan(
    plan: RestorePlan,
    title: str,
    echo: Callable[[str], object],
    most: int | None,
    when: When,
) -> None:
    """Show what would change, at most ``most`` files of it."""
    n = plan.survey.n_materialize
    if not n:
        return
    echo(f"{title}: {plural(n, 'file')}, {size(plan.survey.bytes_down)}")
    n_shown = 0
    for step in plan.steps():
        if step.act is not Act.DOWNLOAD:
            continue
        if n_shown == most:
            echo(f"    ... and {n - n_shown:,} more (-v shows all)")
            break
        n_shown += 1
        echo(_line(step, when))
    if plan.n_replaced:
        echo(_fate(plan))


def _line(step: Step, when: When) -> str:
    then = step.theirs
    if then is None:
        raise AssertionError(step)
    mark, sizes = "+", size(then.content.size)
    if (now := step.our_content) is not None:
        mark, sizes = "~", f"{size(now.size)} -> {sizes}"
    who = f"{visible(then.editor)}, {when.text(then.edited)}"
    return f"  {coloured(mark)} {padded(visible(step.path), _WIDEST)}  {sizes:>20}  {who}"


def _fate(plan: RestorePlan) -> str:
    """Return what becomes of what is replaced."""
    n, n_unsaved = plan.n_replaced, plan.n_unsaved
    if not n_unsaved:
        return f"The history has what is replaced (~ {plural(n, 'file')})."
    if n == 1:
        which, hold = "The file replaced (~) differs", "what it holds"
    else:
        differ = "differs" if n_unsaved == 1 else "differ"
        which = f"{n_unsaved:,} of the {plural(n, 'file')} replaced (~) {differ}"
        hold = "what it holds" if n_unsaved == 1 else "what they hold"
    return f"{which} from the last sync: {hold} is kept below .S3/deleted."


def may_replace(plan: RestorePlan, typed: str) -> bool:
    """Ask whether files may be replaced.

    Args:
        plan: What would be done.
        typed: The command, without its answers.

    Raises:
        UsageError: There is nobody to ask.
    """
    n = plural(plan.n_replaced, "file")
    if not can_ask():
        raise UsageError(
            f"{n} would be replaced and there is no terminal to ask",
            fix=f"look first:  {typed} --dry-run\nreplace:  {typed} --yes\n"
            f"or write elsewhere:  {typed} --to DIR",
            code="E002",
        )
    return bool(agreed(f"Replace {n}?"))


def print_skipped(report: RestoreReport) -> None:
    """Tell what was not written."""
    for path, reason in report.skipped.items():
        click.echo(f"skipped {visible(path)}: {reason}", err=True)


def print_kept(report: RestoreReport) -> None:
    """Tell what was replaced, and where it is now."""
    for path, kept_as in report.kept.items():
        click.echo(f"kept what {visible(path)} held as {visible(kept_as)}", err=True)


def outcome_line(report: RestoreReport, to: Path | None) -> str:
    """Return what was done, in one line."""
    n_same = report.plan.survey.acts[Act.AGREE]
    where = f" in {to}" if to is not None else ""
    said = f"Restored {plural(report.restored, 'file')}{where}"
    if report.restored:
        said += f", {size(report.plan.survey.bytes_down)}" if not report.skipped else ""
        if report.local == report.restored:
            said += " (from this machine, nothing downloaded)"
        elif report.local:
            said += (
                f" ({report.local:,} of them, {size(report.bytes_local)}, from this machine)"
            )
    return f"{said}; {n_same:,} as wanted already." if n_same else f"{said}."


def tell_scripts(report: RestoreReport, seconds: float, code: int, *, dry_run: bool) -> None:
    """Print what was done as events."""
    if dry_run:
        for event in plan_events(report.plan.steps()):
            print_json(event)
    for path, reason in report.skipped.items():
        print_event({"event": "skip", "path": path, "reason": reason})
    for path, kept_as in report.kept.items():
        print_event({"event": "kept", "path": path, "kept_as": kept_as})
    print_event(
        {
            "event": "summary",
            "commit": str(report.plan.revision.id),
            "seq": report.plan.revision.seq,
            "published": False,
            "uploaded": 0,
            "downloaded": report.restored,
            "local": report.local,
            "bytes_local": report.bytes_local,
            "replaced": report.plan.n_replaced,
            "unchanged": report.plan.survey.acts[Act.AGREE],
            "existing": report.n_existing,
            "deleted_remote": 0,
            "deleted_local": 0,
            "conflicts": [],
            "skipped": list(report.skipped),
            "bytes_up": 0,
            "bytes_down": report.bytes_down,
            "requests": report.requests,
            "seconds": round(seconds, 3),
            "exit": code,
        }
    )
