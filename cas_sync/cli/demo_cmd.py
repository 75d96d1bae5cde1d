"""`cas-sync demo`: a whole story of two people in a temporary folder."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from cas_sync.cli import exit_codes
from cas_sync.cli.demo_story import Story
from cas_sync.cli.json_out import print_event
from cas_sync.cli.options import common
from cas_sync.cli.render import plural
from cas_sync.clock import SystemClock
from cas_sync.errors import UsageError

N_EVENTS, N_EVENTS_FAST = 200_000, 20_000

_YOUR_TURN = """\
Your turn, in your project:
  cas-sync sync --store ../team-store            a folder (shared drive, NAS)
  cas-sync sync --store s3://my-bucket/prefix    S3 or compatible"""


@click.command()
@click.option(
    "--keep",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Work in DIR, a new or empty folder, and leave everything there.",
)
@click.option("--fast", is_flag=True, help="With a smaller file.")
@common
def demo(
    *,
    keep: Path | None,
    fast: bool,
    start: Path,
    as_json: bool,
    quiet: bool,
    verbose: int,
    debug: bool,
) -> int:
    """Show how it works: two people, one shared folder, all in a temporary place.

    \b
    cas-sync demo
    cas-sync demo --keep /tmp/demo      then look around in there

    They publish, join, edit the same file, settle the conflict, delete a file by accident
    and get it back. The commands are the real ones, and each claim is checked byte for
    byte. Nothing of yours is read or written, and nothing leaves this machine.
    """
    del debug
    clock = SystemClock()
    began = clock.monotonic()
    teller = _Events() if as_json else _Lines(quiet=quiet, verbose=verbose > 0)
    with _place(start / keep if keep else None) as place:
        if not (as_json or quiet):
            stays = f"in {place}" if keep else "removed afterwards; --keep DIR to stay"
            click.echo(f"Two people, one shared folder, all in a temporary place ({stays})\n")
        story = Story(place, teller, n_events=N_EVENTS_FAST if fast else N_EVENTS)
        story.play()
    seconds = clock.monotonic() - began
    if as_json:
        _event(
            event="summary",
            checks=story.n_checks,
            kept=str(place) if keep else None,
            seconds=round(seconds, 3),
            exit=exit_codes.OK,
        )
        return exit_codes.OK
    click.echo(f"\nAll {plural(story.n_checks, 'check')} passed in {seconds:.1f} s.")
    if keep:
        click.echo(f"Kept in {place}: ana, ben, and their store.")
    if not quiet:
        click.echo(_YOUR_TURN)
    return exit_codes.OK


@contextmanager
def _place(keep: Path | None) -> Iterator[Path]:
    """Return the folder of the story; it goes at the end unless it was named."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="cas-sync-demo-") as scratch:
            yield Path(scratch).resolve()
        return
    if keep.is_dir() and any(keep.iterdir()):
        raise UsageError(f"{keep} is not empty", fix="name a new folder:  --keep DIR")
    keep.mkdir(parents=True, exist_ok=True)
    yield keep.resolve()


class _Lines:
    """Tells it line by line."""

    def __init__(self, *, quiet: bool, verbose: bool) -> None:
        self._quiet = quiet
        self._verbose = verbose

    def did(self, who: str, what: str) -> None:
        """Tell what somebody did without a command."""
        if not self._quiet:
            click.echo(f"  {who:<4}   {what}")

    def ran(self, who: str, command: str, outcome: str, event: dict[str, Any]) -> None:
        """Tell what a command came to."""
        del event
        if not self._quiet:
            click.echo(f"  {who:<4} $ {command:<50} {outcome}")

    def checked(self, claim: str) -> None:
        """Tell that a claim was found true."""
        if not self._quiet:
            click.echo(f"  {'':<4}   ok  {claim}")


class _Events:
    """Tells it as JSON, an event a line."""

    def did(self, who: str, what: str) -> None:
        """Tell what somebody did without a command."""
        _event(event="did", who=who, what=what)

    def ran(self, who: str, command: str, outcome: str, event: dict[str, Any]) -> None:
        """Tell what a command came to."""
        _event(event="ran", who=who, command=command, outcome=outcome, said=event)

    def checked(self, claim: str) -> None:
        """Tell that a claim was found true."""
        _event(event="checked", claim=claim, ok=True)


def _event(**fields: Any) -> None:
    print_event(fields)
