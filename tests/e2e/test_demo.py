"""`cas-sync demo`: the story comes out as it says, and leaves nothing behind."""

import json
import os
import subprocess
import sys

import pytest

from cas_sync.cli import demo_story
from tests.support.people import tree
from tests.support.terminal import Terminal


@pytest.fixture
def bare(tmp_path):
    """Return an environment with an empty home, a temporary folder, and nothing else."""
    (tmp_path / "home").mkdir()
    (tmp_path / "tmp").mkdir()
    needed = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return {
        **needed,
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "tmp"),
        "TEMP": str(tmp_path / "tmp"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def demo(tmp_path, env, *args):
    return subprocess.run(
        [sys.executable, "-m", "cas_sync", "demo", "--fast", *args],
        cwd=os.getcwd(),
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def left(tmp_path):
    return sorted(str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*"))


def test_all_checks_pass_and_nothing_is_left(tmp_path, bare):
    done = demo(tmp_path, bare)

    assert done.returncode == 0, done
    assert "All 12 checks passed" in done.stdout
    assert "cas-sync sync --store ../team-store" in done.stdout
    assert "Ben  $ cas-sync restore raw/events.csv --rev @~1" in done.stdout
    assert done.stderr == ""
    assert left(tmp_path) == ["home", "tmp"]


def test_with_json_each_line_is_an_event(tmp_path, bare):
    done = demo(tmp_path, bare, "--json")

    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(each["schema"] == 1 for each in events)
    assert events[-1]["event"] == "summary"
    assert (events[-1]["checks"], events[-1]["exit"]) == (12, 0)
    ran = [each for each in events if each["event"] == "ran"]
    assert {each["said"]["exit"] for each in ran if "exit" in each["said"]} == {0, 3}
    assert {each["command"].split()[1] for each in ran} == {"sync", "resolve", "restore"}


def test_what_is_kept_is_a_project_like_any_other(tmp_path, bare):
    place = tmp_path / "kept here"
    done = demo(tmp_path, bare, "--keep", str(place), "--json")

    assert json.loads(done.stdout.splitlines()[-1])["kept"] == str(place.resolve())
    assert {each.name for each in place.iterdir()} == {"ana", "ben", "store"}
    ana, ben = (tree(place / who / "Data") for who in ("ana", "ben"))
    assert ana == ben
    conflicted = [path for path in ana if path.startswith("clean/users.conflict-Ben-")]
    assert len(conflicted) == 1
    assert {"clean/users.csv", "raw/events.csv"} <= ana.keys()
    again = demo(tmp_path, bare, "--keep", str(place))
    assert again.returncode == 2
    assert "is not empty" in again.stderr


def test_settings_around_it_do_not_matter(tmp_path, bare):
    (tmp_path / "tmp" / "cas-sync.json").write_text('{"store": "s3://elsewhere/x"}')
    (tmp_path / "home" / ".config" / "cas-sync").mkdir(parents=True)
    (tmp_path / "home" / ".config" / "cas-sync" / "config.json").write_text('{"ignore": ["*"]}')
    before = left(tmp_path)

    done = demo(tmp_path, {**bare, "CAS_SYNC_STORE": "s3://x/y", "CAS_SYNC_USER": "Zoe"})

    assert done.returncode == 0, done
    assert left(tmp_path) == before


def test_neither_network_nor_the_aws_library_is_touched(tmp_path, bare):
    program = """
import socket, sys
def refuse(*args, **kwargs):
    raise AssertionError("the network was touched")
socket.socket.connect = socket.getaddrinfo = refuse
sys.argv = ["cas-sync", "demo", "--fast", "-q"]
from cas_sync.cli.main import main
try:
    main()
finally:
    print("boto3" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], env=bare, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done
    assert done.stdout.splitlines()[-1] == "False"


def test_ctrl_c_leaves_nothing(tmp_path, bare):
    command = [sys.executable, "-m", "cas_sync", "demo"]
    with Terminal(command, tmp_path, {**bare, "PYTHONPATH": os.getcwd()}) as t:
        t.expect("corrects one")
        t.interrupt()
        said = t.end(130)

    assert "Traceback" not in said
    assert left(tmp_path) == ["home", "tmp"]


def test_a_claim_that_does_not_hold_is_named_and_fails(folder, monkeypatch):
    ana = folder.person("ana")
    monkeypatch.setattr(demo_story, "_correct_middle", lambda data: os.urandom(len(data)))

    said = ana.run("demo", "--fast", exit=1)

    assert "error[E902]" in said.stderr
    assert "the rest was in the store and not sent again" in said.stderr
    assert "nothing of yours was touched" in said.stderr


def test_a_command_that_fails_is_named(folder, monkeypatch):
    ana = folder.person("ana")
    monkeypatch.setattr(demo_story.Story, "_correct_a_line", lambda self: None)
    monkeypatch.setattr(
        demo_story.Story,
        "_disagree",
        lambda self: self._run(self._ana, "sync", "--yes", exits=3),
    )

    said = ana.run("demo", "--fast", "--json", exit=1)

    assert said.last["code"] == "E902"
    assert "Ana $ cas-sync sync --yes" in said.last["message"]
