"""Whatever becomes of the output, a command does its work and says how it went."""

import json
import os
import subprocess
import sys

import pytest

NAME = "日本.csv"
POSIX = pytest.mark.skipif(os.name == "nt", reason="redirects as a POSIX shell has them")
FULL = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is full")


@pytest.fixture
def ana(folder):
    """Return somebody with a conflict and a new file."""
    ana, ben = folder.team("Ana", "Ben")
    ana.write(NAME, "one")
    ana.sync()
    ben.sync()
    ben.write(NAME, "two")
    ben.sync()
    ana.write(NAME, "three")
    ana.write("new-" + NAME, "new")
    return ana


def shell(person, line):
    """Run a line of a shell in which ``$CS`` is the command line; return what it said."""
    env = {**person.env, "CS": f"{sys.executable} -m cas_sync"}
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        cwd=person.project,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
@pytest.mark.parametrize(
    "command",
    [
        "status",
        "sync -n",
        "sync -y -v",
        f"log {NAME}",
        "conflicts",
        f"ignore add new-{NAME}",
        f"ignore check {NAME}",
        f"config set ignore {NAME}",
        f"restore {NAME} --dry-run",
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_a_stream_that_cannot_hold_a_name_stops_nothing(ana, command, encoding, as_json):
    args = [*command.split(), *(["--json"] if as_json else [])]
    expected = ana.process(*args, "--help").exit

    said = ana.process(*args, env={"PYTHONIOENCODING": encoding}, exit=None)

    assert expected == 0
    assert said.exit in {0, 3}, said
    assert "Traceback" not in said.stderr
    if as_json:
        assert all(json.loads(line) for line in said.stdout.splitlines())
        assert said.stdout.isascii()


def test_json_keeps_names_as_they_are_where_the_stream_is_utf8(ana):
    said = ana.process("conflicts", "--json", env={"PYTHONIOENCODING": "utf-8"}, exit=3)

    assert NAME in said.stdout
    assert [each["path"] for each in said.answer] == [NAME]


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text")
@pytest.mark.parametrize(
    "command",
    ["sync -y", "sync -n", "log", "restore", "resolve --mine", "ignore check", "ignore add"],
)
@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_a_name_that_is_no_text_is_answered(ana, command, as_json):
    (ana.data / os.fsdecode(b"bad\xff")).write_text("x")

    said = ana.process(*command.split(), os.fsdecode(b"bad\xff"), *as_json, exit=None)

    assert said.exit in {0, 2, 3}, said
    assert "Traceback" not in said.stderr
    assert all(json.loads(line) for line in said.stdout.splitlines() if as_json)


@POSIX
def test_without_standard_input_nobody_is_asked(ana):
    said = shell(ana, "$CS sync <&-")

    assert said.returncode == 2
    assert "no terminal to ask" in said.stderr
    assert "Traceback" not in said.stderr


@POSIX
def test_without_any_stream_the_work_is_done(ana):
    said = shell(ana, "$CS sync -y --on-conflict mine <&- >&- 2>&-")

    assert said.returncode == 0
    assert ana.status("--offline")["local"]["new"] == []
    assert len(ana.log()) == 3


@POSIX
@pytest.mark.parametrize(
    "command", ["sync -n --plan full", "status -v", "log --stat", "ignore list", "--help"]
)
def test_whoever_has_read_enough_is_no_error(ana, command):
    for i in range(50):
        ana.write(f"many/{i}", "x")
    said = shell(ana, f"$CS {command} | head -0; exit ${{PIPESTATUS[0]}}")

    assert said.returncode in {0, 3}
    assert said.returncode == 0 or command.startswith("sync")
    assert said.stderr.count("Error") == said.stderr.count("Traceback") == 0


@POSIX
def test_a_sync_goes_on_though_nobody_reads_what_it_says(ana):
    line = "$CS sync -y -v --on-conflict mine 2>&1 | head -0; exit ${PIPESTATUS[0]}"

    assert shell(ana, line).returncode == 0
    assert len(ana.log()) == 3
    assert ana.status()["conflicts"] == []


@FULL
@pytest.mark.parametrize("more", ["-v", "--json"])
def test_a_sync_goes_on_though_what_it_says_has_no_room(ana, more):
    said = shell(ana, f"$CS sync -y {more} --on-conflict mine > /dev/full")

    assert said.returncode == 8
    assert "error[E207]: what was to be printed could not be written" in said.stderr
    assert "No space left" in said.stderr
    assert "Traceback" not in said.stderr
    assert len(ana.log()) == 3


@FULL
def test_the_code_of_a_failure_is_kept_though_the_output_is_lost(ana):
    said = shell(ana, "$CS sync -y --json nothing.csv > /dev/full")

    assert said.returncode == 2
    assert "nothing.csv: neither in" in said.stderr


def test_debugging_adds_a_traceback_and_changes_nothing_else(ana):
    wrong = ["sync", "-y", "nothing.csv", "--json"]

    plain = ana.process(*wrong, exit=2)
    debugged = ana.process(*wrong, "--debug", exit=2)

    assert debugged.last == plain.last
    assert debugged.last["event"] == "error"
    assert "Traceback" in debugged.stderr
    assert plain.stderr in debugged.stderr
    assert "Traceback" not in plain.stderr
