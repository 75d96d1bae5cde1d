"""`cas-sync init`: configuration, and the store tested before it is trusted."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from cas_sync.cli import exit_codes
from cas_sync.cli.adoption_view import foreign_json, foreign_lines
from cas_sync.cli.bars import Plain
from cas_sync.cli.json_out import print_answer
from cas_sync.cli.options import common, flags_of, settings_in, store_options
from cas_sync.cli.render import plural
from cas_sync.cli.terminal import ask, can_ask, say
from cas_sync.cli.wizard import ask_gitignore, ask_import, ask_setup
from cas_sync.engine import gitignore
from cas_sync.engine.begin import StoreReport, plan_settings, run_init, write_setup
from cas_sync.engine.gitignore import Addition
from cas_sync.engine.layers import is_seed_file, overlay
from cas_sync.engine.project_file import find_config
from cas_sync.engine.settings import DEFAULT_DATA, DEFAULT_STORE, Settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.errors import AccessError, ConfigError, UsageError
from cas_sync.formats.config_json import Config
from cas_sync.formats.seed_config import load_seed
from cas_sync.store.connect import read_address


@dataclass(frozen=True)
class Way:
    """How a set-up goes on.

    Attributes:
        asks: Whether questions are asked.
        edits_git: Whether the data folder is kept out of git.
        tells: Whether what is done is told.
        whole: Whether every test is told.
    """

    asks: bool
    edits_git: bool = True
    tells: bool = True
    whole: bool = False


@dataclass(frozen=True)
class Done:
    """What a set-up did.

    Attributes:
        settings: The configuration.
        store: What was found in the store.
        path: The file that was written; `None` where one was there.
        added: What .gitignore got.
        tracked: Files of the data folder that git keeps.
    """

    settings: Settings
    store: StoreReport
    path: Path | None = None
    added: Addition | None = None
    tracked: int = 0


@click.command()
@click.option(
    "-y",
    "--yes",
    is_flag=True,
    help="Ask nothing; take what is usual. In a script, name the --store too.",
)
@click.option("--no-gitignore", is_flag=True, help="Leave .gitignore as it is.")
@store_options
@common
def init(
    *,
    yes: bool,
    no_gitignore: bool,
    start: Path,
    as_json: bool,
    quiet: bool,
    verbose: int,
    debug: bool,
    **values: Any,
) -> int:
    """Set up this folder and test the store.

    \b
    cas-sync init                                              asks
    cas-sync init --store s3://team-data/churn --data Data -y  asks nothing
    cas-sync init --store ../team-store                        asks for the rest

    Asks where the data is and where to keep it, and races the store: one that cannot keep
    two writers apart is refused. Only then cas-sync.json is written, which holds no secret
    and belongs into git, and the data folder is put into .gitignore.
    """
    del debug
    flags = flags_of(values)
    way = Way(
        asks=can_ask() and not (yes or as_json or quiet),
        edits_git=not no_gitignore,
        tells=not (as_json or quiet),
        whole=verbose > 0,
    )
    found = find_config(start, os.environ)
    if found is not None and not is_seed_file(found):
        done = _test_again(start, found, flags, way)
    else:
        try:
            root, said = _what_is_said(start, found, flags, way, yes=yes)
            settings, addition = _agree(root, said, way)
        except (click.Abort, KeyboardInterrupt):
            click.echo("\nNothing was written.", err=True)
            return exit_codes.INTERRUPTED
        try:
            done = _carry_out(settings, said, addition, way)
        except AccessError as error:
            if found is not None:
                _tell_of_keys(error, found)
            raise
    if as_json:
        _print_json(done)
    if way.tells:
        click.echo("hint: next  cas-sync sync", err=True)
    return exit_codes.OK


def _tell_of_keys(error: AccessError, seed: Path) -> None:
    """Say that AWS keys in s3synchrony's file are not used, where none are found."""
    if error.code != "E101" or load_seed(seed.read_bytes(), seed.name).credentials is None:
        return
    error.cause += f"; the keys in {seed.name} are not taken over: no file should hold them"
    error.fix = (
        "aws configure --profile NAME     keeps the keys outside the project\n"
        "cas-sync init --profile NAME\n"
        "or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and run the command again"
    )


def offer(start: Path) -> bool:
    """Offer to set up a folder without a configuration; say whether that was done.

    For commands that need one, where somebody sits at the terminal.

    Raises:
        click.Abort: The input ended.
        CasSyncError: As `init` does.
    """
    say(f"No cas-sync.json in {start.resolve()} or above.")
    question = f"Set it up here, with the store {DEFAULT_STORE}? [Y]es / [n]o / [o]ther: "
    while True:
        answer = ask(question)
        if answer is None:
            raise click.Abort
        match answer.lower():
            case "" | "y" | "yes":
                said = Config(store=DEFAULT_STORE, data=DEFAULT_DATA)
                break
            case "n" | "no":
                return False
            case "o" | "other":
                said = ask_setup(start, Config(), os.environ)
                break
            case other:
                say(f'"{other}" is none of them')
    way = Way(asks=True)
    settings, addition = _agree(start, said, way)
    _carry_out(settings, said, addition, way)
    return True


def _what_is_said(
    start: Path, seed: Path | None, flags: Config, way: Way, *, yes: bool
) -> tuple[Path, Config]:
    """Return the folder that is set up, and what its file will say."""
    env = os.environ
    store = env.get("CAS_SYNC_STORE") if flags.store is None else flags.store
    if store is not None:
        read_address(store)
    data = flags.data or env.get("CAS_SYNC_DATA") or None
    said = replace(flags, store=store, data=data)
    if store is not None:
        seed = None
    old = load_seed(seed.read_bytes(), seed.name) if seed else Config()
    if seed is not None and old.store is not None and (way.asks or yes):
        merged = overlay(said, replace(old, credentials=None, unsigned=None, warnings=()))
        holds_keys = old.credentials is not None
        if not way.asks or ask_import(seed.name, merged, holds_keys=holds_keys):
            return seed.parent, merged
    if way.asks:
        return start, ask_setup(start, said, env)
    if store is None and yes and can_ask():
        return start, replace(said, store=DEFAULT_STORE)
    if store is None:
        raise UsageError(
            "it is not said where to keep the files, and there is no terminal to ask",
            fix="cas-sync init --yes     takes it from s3synchrony.json"
            if old.store is not None
            else "cas-sync init --store s3://bucket/prefix --data Data\n"
            "or, with a shared folder:  cas-sync init --store ../team-store --data Data",
            code="E002",
        )
    return start, said


def _agree(root: Path, said: Config, way: Way) -> tuple[Settings, Addition | None]:
    """Return the settings to be, and what .gitignore is to get."""
    settings = plan_settings(root, said, os.environ)
    addition = None
    if way.edits_git:
        addition = gitignore.find_addition(settings.root, Path(said.data or DEFAULT_DATA))
        if addition is not None and way.asks and not ask_gitignore(addition):
            addition = None
    return settings, addition


def _carry_out(settings: Settings, said: Config, addition: Addition | None, way: Way) -> Done:
    """Test the store; if it is good, write what there is to write."""
    store = _test(settings, Surroundings(env=os.environ), way)
    if addition is not None:
        gitignore.add(addition)
    path = write_setup(settings, said, os.environ)
    tracked = gitignore.count_tracked(settings.root, settings.data)
    if way.tells:
        click.echo(f"\nWrote {path}   (commit this: it holds no secret)")
        if addition is not None:
            click.echo(f"Added to {addition.path}   + {addition.line}")
        if tracked:
            data = said.data or DEFAULT_DATA
            click.echo(
                f"warning: git keeps {plural(tracked, 'file')} of {data} already; to keep "
                f"them out of it (they stay here):\n  git rm -r --cached {data}",
                err=True,
            )
    return Done(settings, store, path, addition, tracked)


def _test_again(start: Path, path: Path, flags: Config, way: Way) -> Done:
    """Test the store of a folder that is set up already; change nothing here.

    Raises:
        ConfigError: The flags say other than the file.
    """
    there, surroundings = settings_in(start, Config())
    asked, _ = settings_in(start, replace(flags, jobs=None, user_name=None, writers=None))
    if (asked.data, asked.address) != (there.data, there.address):
        raise ConfigError(
            f"{path} is there already and says something else",
            cause=f"it says {there.address.url} and {there.data}",
            fix=f"edit {path}, or delete it and run the command again",
            code="E204",
        )
    if way.tells:
        click.echo(f"{path} is there already and stays as it is.")
    return Done(there, _test(there, surroundings, way))


def _test(settings: Settings, surroundings: Surroundings, way: Way) -> StoreReport:
    if way.tells:
        click.echo(f"Checking {settings.address.url}")
    report = run_init(settings, surroundings, Plain(surroundings.clock, bars=False))
    if way.tells:
        for line in _findings(report, whole=way.whole):
            click.echo(f"  {line}")
    return report


def _findings(report: StoreReport, *, whole: bool) -> Iterator[str]:
    if whole:
        for test in report.tests:
            yield f"ok    {test.name}"
    elif report.tests:
        yield f"ok    list, write, read and delete   {report.seconds:.1f} s"
        yield "ok    two writers are kept apart (conditional writes)"
    for test in report.tests:
        if test.detail:
            yield f"note  {test.name}: {test.detail}"
    if report.foreign is not None:
        lines = list(foreign_lines(report.foreign, "the store"))
        yield f"note  {lines[0]}"
        yield from (f"      {line}" for line in lines[1:])
        yield "      cas-sync sync will offer to adopt them"
    elif report.latest is not None:
        oid, commit = report.latest
        yield (
            f"note  is there already: {plural(report.files, 'file')}, latest commit "
            f"{str(oid)[:8]} by {commit.author}, {commit.time}"
        )
    else:
        yield "note  is empty: you will publish the first files"


def _print_json(done: Done) -> None:
    store = done.store
    result = {
        "config": str(done.path) if done.path else None,
        "store": done.settings.address.url,
        "data": str(done.settings.data),
        "repo_id": store.repo_id,
        "new": store.is_new,
        "files": store.files,
        "commit": str(store.latest[0]) if store.latest else None,
        "to_adopt": foreign_json(store.foreign) if store.foreign else None,
        "tests": [{"name": t.name, "ok": t.ok, "detail": t.detail} for t in store.tests],
        "gitignore": str(done.added.path) if done.added else None,
        "tracked_by_git": done.tracked,
    }
    print_answer("init", result)
