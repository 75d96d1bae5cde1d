"""A pager stands between a history and a terminal, and nowhere else."""

import sys

import pytest

from tests.support.history import publish

PAGER = """
import fcntl, os, signal, struct, sys, termios

def waiting():
    return struct.unpack("i", fcntl.ioctl(0, termios.FIONREAD, b"    "))[0]

def ctrl_c():
    signal.sigwait({signal.SIGINT})
    print("<ctrl-c>", flush=True)

mode = sys.argv[1]
print("<paged by", mode, "LESS=" + os.environ.get("LESS", ""), end=">\\n", flush=True)
# Waited for, because a handler may be called only after the next key.
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
if mode == "leaves":
    sys.stdin.readline()
elif mode == "reads":
    for line in sys.stdin:
        print("|", line, end="")
else:
    sys.stdin.readline()
    while mode == "is-full" and sys.platform == "linux" and waiting() < 60_000:
        os.sched_yield()
    if mode == "is-full":
        print("<full>", flush=True)
        ctrl_c()
    sys.stdin.read()
    print("<all>", flush=True)
    ctrl_c()
    ctrl_c()
    open("/dev/tty").readline()
print("<ended>", flush=True)
"""


@pytest.fixture
def ana(folder):
    (person,) = folder.team("Ana")
    person.write("a.csv", "one")
    person.sync("-m", "first")
    person.write("a.csv", "two!")
    person.sync("-m", "second")
    return person


@pytest.fixture
def pager(tmp_path):
    script = tmp_path / "pager.py"
    script.write_text(PAGER)

    def named(mode: str) -> dict[str, str]:
        return {"PAGER": f"{sys.executable} {script} {mode}", "CI": ""}

    return named


@pytest.fixture
def many(folder):
    """Return somebody with a commit of more lines than a pipe holds."""
    (person,) = folder.team("Ana")
    publish(person, [{f"d/{n:05}.csv": b"x" for n in range(5000)}])
    (person.project / "cas-sync.json").write_text(f'{{"store": "{person.store}"}}')
    return person


def paged_lines(transcript):
    return [line[2:] for line in transcript.splitlines() if line.startswith("| ")]


@pytest.mark.parametrize("command", [["log"], ["show"], ["show", "@:a.csv"]])
def test_a_terminal_is_paged(ana, pager, command):
    printed = ana.run(*command).stdout

    with ana.terminal(*command, env=pager("reads")) as t:
        t.end(exit=0)

    assert "<paged by reads LESS=FRX>" in t.transcript
    assert paged_lines(t.transcript) == printed.splitlines()
    assert t.transcript.endswith("<ended>\n")


def test_what_the_user_tells_less_stays(ana, pager):
    with ana.terminal("log", env={**pager("reads"), "LESS": "-S"}) as t:
        t.end(exit=0)

    assert "LESS=-S>" in t.transcript


def test_our_own_variable_goes_before_the_usual_one(ana, pager):
    ours = pager("reads")["PAGER"]

    with ana.terminal("log", env={"PAGER": "false", "CAS_SYNC_PAGER": ours}) as t:
        t.end(exit=0)

    assert len(paged_lines(t.transcript)) == 2


def test_colours_reach_the_terminal_through_the_pager(ana, pager):
    with ana.terminal("log", env=pager("reads")) as t:
        t.end(exit=0)

        assert "\x1b[33m" in t._raw


@pytest.mark.parametrize("args", [["--no-pager"], ["--json"]])
def test_no_pager_where_none_is_wanted(ana, pager, args):
    with ana.terminal("log", *args, env=pager("reads")) as t:
        t.end(exit=0)

    assert "<paged" not in t.transcript
    assert "second" in t.transcript


@pytest.mark.parametrize("said", ["", "cat"])
def test_no_pager_where_the_environment_says_so(ana, pager, said):
    with ana.terminal("log", env={**pager("reads"), "CAS_SYNC_PAGER": said}) as t:
        t.end(exit=0)

    assert "<paged" not in t.transcript
    assert len(t.transcript.splitlines()) == 2


def test_no_pager_for_a_pipe(ana, pager):
    said = ana.process("log", env=pager("reads"))

    assert "<paged" not in said.stdout
    assert "\x1b" not in said.stdout
    assert len(said.stdout.splitlines()) == 2


def test_a_pager_that_is_not_there_is_done_without(ana):
    with ana.terminal("log", env={"PAGER": "/nowhere/no-such-pager"}) as t:
        t.end(exit=0)

    assert len(t.transcript.splitlines()) == 2


def test_no_pager_is_started_for_an_error_or_nothing(ana, pager):
    with ana.terminal("show", "nope", env=pager("reads")) as t:
        t.end(exit=2)
    assert "no revision nope" in t.transcript
    assert "<paged" not in t.transcript

    with ana.terminal("log", "--author", "nobody", env=pager("reads")) as t:
        t.end(exit=0)
    assert t.transcript == "No commit matches.\n"


def test_leaving_the_pager_early_is_no_error(many, pager):
    with many.terminal("show", "-v", env=pager("leaves")) as t:
        t.end(exit=0)

    assert t.transcript.splitlines()[-1] == "<ended>"
    assert len(t.transcript.splitlines()) == 2


def test_ctrl_c_in_the_pager_is_for_the_pager(ana, pager):
    with ana.terminal("log", env=pager("stays")) as t:
        t.expect("<all>")
        for _ in range(2):
            t.interrupt(insist=False)
            t.expect("<ctrl-c>")
        t.send_line()
        t.end(exit=0)

    assert "Interrupted" not in t.transcript


def test_ctrl_c_stops_what_is_still_printed_and_waits_for_the_pager(many, pager):
    with many.terminal("show", "-v", env=pager("is-full")) as t:
        t.expect("<full>")
        t.interrupt(insist=False)
        t.expect("<all>")
        for _ in range(2):
            t.interrupt(insist=False)
            t.expect("<ctrl-c>")
        t.send_line()
        t.end(exit=130)

    ended, interrupted = t.transcript.index("<ended>"), t.transcript.index("Interrupted")
    assert ended < interrupted
    assert "Traceback" not in t.transcript
