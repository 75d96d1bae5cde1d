"""The questions of `cas-sync init`: at most four, and Enter takes the [default].

Nothing is written while they are asked. At the end of input they end with `click.Abort`.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import click

from cas_sync.cli.terminal import agreed, ask, say
from cas_sync.engine.begin import find_name, plan_settings, team_part
from cas_sync.engine.gitignore import Addition
from cas_sync.engine.places import data_folder_problem, store_problem
from cas_sync.engine.settings import DEFAULT_DATA, DEFAULT_STORE
from cas_sync.engine.surroundings import find_git_name
from cas_sync.formats import config_json
from cas_sync.formats.config_json import Config
from cas_sync.formats.rows import tidy


def ask_setup(root: Path, said: Config, env: Mapping[str, str]) -> Config:
    """Return what is said already, with answers to all that is not.

    Args:
        root: The project's folder.
        said: What flags say; it is not asked.
        env: The environment; what it says about AWS and the name is not asked either.
    """
    say(f"No {config_json.FILE_NAME} here yet. Enter takes the [default].\n")
    data = said.data or _ask(
        "Data folder",
        DEFAULT_DATA,
        lambda answer: _of(answer, data_folder_problem(root, answer)),
    )
    store = said.store or _ask(
        "Where to keep it",
        DEFAULT_STORE,
        lambda answer: store_problem(root, data, answer),
        also=", or s3://bucket/prefix",
    )
    said = replace(said, data=data, store=store)
    settings = plan_settings(root, said, env)
    if store.lower().startswith("s3://") and settings.address.profile is None:
        said = replace(said, profile=_ask_profile())
    if settings.user_name is None:
        found = find_name(settings, env)
        also = ", from git" if found == find_git_name(root) else ""
        said = replace(said, user_name=tidy(_ask("Your name", found, _name_problem, also=also)))
    say()
    return said


def ask_import(name: str, seed: Config, *, holds_keys: bool) -> bool:
    """Show what an s3synchrony.json becomes, and ask whether to write that."""
    say(f"{name} is here. As {config_json.FILE_NAME} it says:\n")
    for line in config_json.dump(team_part(seed)).decode().splitlines():
        say(f"  {line}")
    say()
    if holds_keys:
        say(f"The AWS keys in {name} are not copied: put them into a profile, with")
        say("  aws configure --profile NAME")
    return _agreed(f"Write it, and leave {name} as it is?")


def ask_gitignore(addition: Addition) -> bool:
    """Show the line that keeps the data folder out of git, and ask whether to write it."""
    say(f"git would see the data folder. {addition.path} gets a line:")
    say(f"  + {addition.line}")
    return _agreed("Add it?")


def _agreed(question: str) -> bool:
    answer = agreed(question)
    if answer is None:
        raise click.Abort
    return answer


def _ask_profile() -> str | None:
    """Ask for one of the profiles of this machine, where there is a choice."""
    from cas_sync.store.s3_client import find_profiles  # noqa: PLC0415 - loads the AWS library

    found = find_profiles()
    if len(found) < 2:
        return None
    usual = "default" if "default" in found else "none"
    answer = _ask(
        "AWS profile",
        usual,
        lambda name: "" if name in {*found, usual} else f'"{name}" is none of them',
        also=f", found: {', '.join(found)}",
    )
    # What AWS takes by itself is not written down: it has other names elsewhere.
    return None if answer == usual else answer


def _ask(label: str, default: str, problem: Callable[[str], str], *, also: str = "") -> str:
    """Ask until ``problem`` finds none with the answer."""
    while True:
        answer = _line(f"  {label:<17} [{default}{also}]: ") or default
        if not (why := problem(answer)):
            return answer
        say(f"    {why}")


def _line(question: str) -> str:
    line = ask(question)
    if line is None:
        raise click.Abort
    return line


def _of(answer: str, problem: str) -> str:
    return problem and f'"{answer}" {problem}'


def _name_problem(answer: str) -> str:
    return "" if tidy(answer) else "a name has letters"
