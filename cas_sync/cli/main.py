"""The command group, and the one place where errors become words and exit codes.

Commands are imported when they are called, so that `--help` starts at once.
"""

import gc
import importlib
import os
import sys
from collections.abc import Mapping

import click

from cas_sync._version import __version__
from cas_sync.cli import exit_codes
from cas_sync.cli.json_out import print_event
from cas_sync.cli.render import visible
from cas_sync.cli.streams import safe_streams
from cas_sync.errors import CasSyncError, DiskFullError
from cas_sync.model.credentials import without_login

COMMANDS = {
    "init": "Set up this folder and test the store.",
    "sync": "Make this folder and the shared prefix the same.",
    "status": "Show what a sync would do.",
    "log": "Show who changed what, when; of one file, its versions.",
    "show": "Show one commit and what it changed, or one version of a file.",
    "diff": "Show what differs between two revisions, or between one and the folder here.",
    "conflicts": "List the files that both sides changed.",
    "resolve": "Settle conflicts: keep yours, theirs, or both.",
    "restore": "Bring files or folders of an old revision back.",
    "undelete": "List deleted files, and bring them back.",
    "undo": "Undo a whole sync for everyone, whoever has pulled it.",
    "ls": "List the files of a folder, at any revision.",
    "cat": "Print files as they are or were, byte for byte.",
    "get": "Write a file or folder as it is or was, outside the data folder.",
    "du": "Show what takes the room: by folder, author or kind of file.",
    "tag": "Name a version, for everyone; list the names.",
    "pin": "Write cas-sync.lock: which version of the data this code was written for.",
    "ignore": "Leave files out: add rules, ask which one decides, list them.",
    "config": "Show and change the configuration, and where each value was said.",
    "doctor": "Look at versions, configuration, disk, names, clock and store.",
    "fsck": "Check the store: every commit, every list of files, every part of a file.",
    "gc": "Show what nothing needs any more; delete it if asked to.",
    "clone": "Join: set up a new folder from a store, and download everything.",
    "reset": "Remove .S3 here and under the prefix; your files stay as they are.",
    "demo": "Show how it works: two people, one shared folder, all in a temporary place.",
}


_GC_EVERY = 50_000
"""New objects after which Python looks for cycles among them.

As often as it does by itself, it takes a tenth of a short command, for libraries that stay.
"""

_FINISHED = {exit_codes.OK, exit_codes.INCOMPLETE, exit_codes.DIFFERENCES}
"""Codes that say less than that the output was lost."""


class LazyGroup(click.Group):
    """A group that knows its commands' names and first lines without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, most used first."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"cas_sync.cli.{cmd_name}_cmd")
        command = getattr(module, cmd_name)
        if not isinstance(command, click.Command):
            raise TypeError(cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command; an unknown one with the near matches."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib  # noqa: PLC0415 - only a typo needs it

            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise click.UsageError(f"No such command {args[0]!r}.{hint}", ctx) from error


def _epilog() -> str:
    lines = [f"{code:>3}  {text}" for code, text in exit_codes.MEANINGS.items()]
    return "\b\nExit codes:\n" + "\n".join(lines)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 96},
    epilog=_epilog(),
    invoke_without_command=True,
)
@click.version_option(__version__, message="cas-sync %(version)s")
@click.option(
    "-C",
    "directory",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False),
    help="Work as if started in DIR.",
)
@click.pass_context
def group(ctx: click.Context, /, directory: str | None) -> int:
    """Keep a team's data folder the same on every machine, through a bucket and no server.

    \b
    cas-sync sync --store s3://team-data/churn --data Data    set up here, and sync
    cas-sync sync                                             the one word of every day
    cas-sync log -n 5                                         who changed what, when
    """
    ctx.color = _colours(os.environ)
    if directory is not None:
        os.chdir(directory)
    if ctx.invoked_subcommand is None:
        from cas_sync.cli.overview import show_overview  # noqa: PLC0415 - as the commands

        show_overview()
    return exit_codes.OK


def _colours(env: Mapping[str, str]) -> bool | None:
    """Say whether to draw in colour; `None` where the stream decides (no-color.org)."""
    if env.get("NO_COLOR") or env.get("TERM") == "dumb":
        return False
    forced = env.get("FORCE_COLOR") or env.get("CLICOLOR_FORCE")
    return True if forced and forced != "0" else None


def start() -> None:
    """Run the command line as a process that ends with it; else call `main`."""
    gc.set_threshold(_GC_EVERY, 20, 50)
    try:
        main()
    finally:
        # Else Python looks for cycles among all there is before it ends.
        gc.freeze()


def main() -> None:
    """Run the command line and exit with one of the promised codes."""
    with safe_streams() as out:
        code = _run()
        if out.trouble is not None and code in _FINISHED:
            code = show_error(_lost(out.trouble), as_json=False)
    sys.exit(code)


def _run() -> int:
    """Run the command line and return how it ends."""
    as_json = "--json" in sys.argv
    try:
        code = group.main(standalone_mode=False)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        if as_json:
            path = getattr(getattr(error, "ctx", None), "command_path", "cas-sync")
            _print_error(
                "E001",
                exit_codes.USAGE,
                error.format_message(),
                fix=f"{path} --help",
                state=CasSyncError.default_state,
            )
        error.show()
        return exit_codes.USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo(
            "Interrupted. Safe to run again: what was uploaded is not sent again.", err=True
        )
        return exit_codes.INTERRUPTED
    except CasSyncError as error:
        if "--debug" in sys.argv:
            _print_traceback()
        return show_error(error, as_json=as_json)
    except Exception as error:  # noqa: BLE001 - the last place that can tell it
        # A bug: scripts get an event, people the traceback to report.
        if as_json:
            told = without_login(f"unexpected error: {error!r}")
            _print_error("E901", exit_codes.BUG, told)
        _print_traceback()
        return exit_codes.BUG
    return code if isinstance(code, int) else exit_codes.OK


def _print_traceback() -> None:
    import traceback  # noqa: PLC0415 - takes time to import

    click.echo(without_login(traceback.format_exc()), err=True, nl=False)


def _lost(error: OSError) -> DiskFullError:
    return DiskFullError(
        "what was to be printed could not be written",
        cause=error.strerror or str(error),
        fix="print to a place with room; a look at where things are:  cas-sync status",
        state="the command did its work; only what it printed is not all there",
    )


def show_error(error: CasSyncError, *, as_json: bool) -> int:
    """Print an error and return its exit code."""
    code = exit_codes.exit_code(error)
    if as_json:
        _print_error(error.code, code, error.message, error.cause, error.fix, error.state)
    lines = [f"error[{error.code}]: {_shown(error.message)}"]
    for label, text in (("cause", error.cause), ("fix", error.fix), ("state", error.state)):
        if text:
            lines.append(f"  {label:<6} {_shown(text)}")
    click.echo("\n".join(lines), err=True)
    return code


def _shown(text: str) -> str:
    """Return the lines of a text, indented; names in it may hold what misleads a reader."""
    return ("\n" + " " * 9).join(map(visible, text.split("\n")))


def _print_error(
    code: str, exit_: int, message: str, cause: str = "", fix: str = "", state: str = ""
) -> None:
    print_event(
        {
            "event": "error",
            "code": code,
            "exit": exit_,
            "message": message,
            "cause": cause,
            "fix": fix,
            "state": state,
            "retryable": exit_ in {exit_codes.UNAVAILABLE, exit_codes.RACE_LOST},
        }
    )
