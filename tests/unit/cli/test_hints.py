"""What people are told to type exists."""

import re
from pathlib import Path

import click
import pytest

import cas_sync
from cas_sync.cli.main import COMMANDS, group

ROOT = Path(cas_sync.__file__).parent
SAID = re.compile(r"cas-sync ([a-z]+)((?: +(?:--?[a-zA-Z-]+|[A-Z]+|'[^']*'))*)")


def hints():
    for path in [*ROOT.rglob("*.py"), ROOT.parent / "README.md"]:
        for match in SAID.finditer(path.read_text(encoding="utf-8")):
            yield pytest.param(
                match[1], tuple(match[2].split()), id=f"{path.name}: {match[0]}"[:90]
            )


@pytest.mark.parametrize(("command", "options"), sorted(set(hints()), key=lambda p: p.id))
def test_every_command_and_option_in_a_message_exists(command, options):
    if command in {
        "for",
        "through",
        "works",
        "writes",
        "is",
        "version",
        "raises",
        "answers",
        "deleted",
    }:
        return  # a sentence about cas-sync
    assert command in COMMANDS

    known = {
        name
        for parameter in group.get_command(click.Context(group), command).params
        for name in parameter.opts
    }
    assert {each for each in options if each.startswith("-")} <= known


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_what_the_list_says_it_is(command):
    found = group.get_command(click.Context(group), command)

    assert found.get_short_help_str(200) == COMMANDS[command]
