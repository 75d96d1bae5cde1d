"""A stream never fails: what it loses is noted."""

import errno
import io
import sys

import click
import pytest

from cas_sync.cli.streams import Outlet, is_read, safe_streams, write_bytes


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


def test_bytes_are_written_as_they_are_and_in_order(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", newline="\r\n"))

    with safe_streams() as out:
        click.echo("text")
        assert write_bytes(b"\xff\n\0")
        out.flush()

    assert raw.getvalue() == b"text\r\n\xff\n\0"


@pytest.mark.parametrize("number", [errno.EPIPE, errno.ENOSPC])
def test_bytes_that_nobody_takes_are_lost_and_the_writer_is_told(monkeypatch, number):
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(number, "broken")

    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(Full()))

    with safe_streams() as out:
        assert not write_bytes(b"x")
        assert out.is_closed == (number == errno.EPIPE)
