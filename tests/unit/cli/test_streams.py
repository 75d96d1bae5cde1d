"""A stream never fails: what it loses is noted."""

import errno
import io
import sys

import click
import pytest

from cas_sync.cli.streams import Outlet, is_read, safe_streams


class Broken(io.StringIO):
    def __init__(self, number):
        super().__init__()
        self.number = number

    def write(self, text):
        raise OSError(self.number, "broken")


@pytest.mark.parametrize(
    ("number", "is_closed"), [(errno.EPIPE, True), (errno.ENOSPC, False), (errno.EIO, False)]
)
def test_what_cannot_be_written_is_lost_and_noted(number, is_closed):
    out = Outlet(Broken(number))

    assert out.write("text") == 4
    out.flush()

    assert out.is_closed == is_closed
    assert (out.trouble is None) == is_closed


def test_commands_can_tell_that_nobody_reads_any_more(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Broken(errno.EPIPE))

    with safe_streams() as out:
        assert is_read()
        click.echo("text")
        assert out.is_closed
        assert not is_read()

    assert isinstance(sys.stdout, Broken)


def test_streams_that_are_not_there_can_be_used(monkeypatch):
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)

    with safe_streams():
        click.echo("日本")
        click.echo("日本", err=True)
        assert not sys.stdin.isatty()
        assert sys.stdin.readline() == ""

    assert sys.stdin is sys.stdout is sys.stderr is None


def test_other_encodings_get_names_as_escapes():
    raw = io.BytesIO()
    out = Outlet(io.TextIOWrapper(raw, encoding="cp1252"))

    out.write("é日\udcff")
    out.flush()

    assert raw.getvalue() == b"\xe9\\u65e5\\udcff"
