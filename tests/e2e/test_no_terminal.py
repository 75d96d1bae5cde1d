"""Without a terminal nothing is asked: every command ends, with a code that is documented."""

import json

import pytest

from cas_sync.cli.exit_codes import MEANINGS
from cas_sync.cli.main import COMMANDS

ARGUMENTS = {
    "cat": ["shared.txt"],
    "clone": ["../store", "../elsewhere"],
    "config": ["list"],
    "demo": ["--fast"],
    "get": ["shared.txt"],
    "ignore": ["list"],
    "reset": [],
    "resolve": ["shared.txt"],
    "restore": ["shared.txt"],
}
"""What a command cannot be called without."""

NEEDS_ANSWER = {"sync", "reset", "resolve", "restore", "undo"}
"""Commands that would ask about a folder with changes and a conflict."""


@pytest.fixture
def torn(folder):
    """Return somebody with changes to confirm and a conflict to settle."""
    ana, ben = folder.team("Ana", "Ben")
    ana.write("shared.txt", "one")
    ana.write("gone.txt", "gone")
    ana.sync()
    ben.sync()
    ana.write("shared.txt", "two")
    ana.delete("gone.txt")
    ana.sync()
    ben.write("shared.txt", "three")
    ben.write("new.txt", "new")
    return ben


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("as_json", [False, True])
def test_every_command_ends_with_a_documented_code(torn, command, as_json):
    more = ["--json"] if as_json else []
    before = torn.paths()

    result = torn.process(command, *ARGUMENTS.get(command, []), *more, exit=None)

    assert result.exit in MEANINGS, result
    assert result.exit not in {0, 1} or command not in NEEDS_ANSWER, result
    assert "Traceback" not in result.stderr, result
    assert "? [" not in result.stdout + result.stderr, result
    assert "\x1b" not in result.stdout + result.stderr, result
    assert torn.paths() == before
    if as_json:
        assert [json.loads(line) for line in result.stdout.splitlines()], result


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_ends_where_nothing_is_configured(folder, command):
    nobody = folder.person("Nobody")

    result = nobody.process(command, *ARGUMENTS.get(command, []), exit=None)

    assert result.exit in MEANINGS, result
    assert result.exit != 1, result
    assert "Traceback" not in result.stderr, result
    assert "? [" not in result.stdout + result.stderr, result
    if result.exit and command != "doctor":  # whose findings go to standard output
        assert "fix" in result.stderr, result


def test_a_terminal_can_be_told_that_nobody_sits_there(torn):
    with torn.terminal("sync", env={"CAS_SYNC_NO_INPUT": "1"}) as t:
        t.end(exit=2)

    assert "no terminal to ask" in t.transcript
