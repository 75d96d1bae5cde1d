"""Which pager is run, and when none is."""

import os
import shutil
import sys

import pytest

from cas_sync.cli.pager import _Pipe, pager_command

POSIX = pytest.mark.skipif(os.name == "nt", reason="quotes as a POSIX shell has them")


@pytest.mark.parametrize(
    ("env", "command"),
    [
        ({"PAGER": "most -s"}, ["most", "-s"]),
        ({"PAGER": "most", "CAS_SYNC_PAGER": "bat"}, ["bat"]),
        ({"PAGER": "most", "CAS_SYNC_PAGER": ""}, None),
        ({"PAGER": ""}, None),
        ({"PAGER": "  "}, None),
        ({"PAGER": "cat"}, None),
        ({"PAGER": "most", "TERM": "dumb"}, None),
        ({"PAGER": "most", "TERM": "xterm"}, ["most"]),
    ],
)
def test_the_environment_names_the_pager(env, command):
    assert pager_command(env) == command


@POSIX
def test_a_pager_may_have_a_path_with_spaces():
    assert pager_command({"PAGER": "'/opt/my pager/run' -x"}) == ["/opt/my pager/run", "-x"]
    assert pager_command({"PAGER": "it's"}) == ["it's"]


@POSIX
def test_where_none_is_named_it_is_less_or_none(tmp_path):
    less = tmp_path / "less"
    less.write_text("#!/bin/sh\n")
    less.chmod(0o755)

    assert pager_command({"PATH": str(tmp_path)}) == ["less"]
    assert pager_command({"PATH": str(tmp_path / "nowhere")}) is None
    assert shutil.which("less", path=str(tmp_path))


def test_where_click_pages_it_gets_all_at_the_end(capsys):
    pipe = _Pipe([], {}, sys.stdout)

    pipe.write("one\n")
    pipe.write("two\n")
    pipe.flush()
    assert capsys.readouterr().out == ""
    pipe.end()

    assert capsys.readouterr().out == "one\ntwo\n"
