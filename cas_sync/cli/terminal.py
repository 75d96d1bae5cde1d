"""Whoever sits at the terminal: whether there is somebody, and what they type."""

import os
import sys

import click


def can_ask() -> bool:
    """Say whether there is somebody to answer."""
    if os.environ.get("CI") or os.environ.get("CAS_SYNC_NO_INPUT"):
        return False
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str) -> str | None:
    """Return the line that is typed after ``question``; `None` at the end of input."""
    click.echo(question, nl=False, err=True)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        click.echo(err=True)
        return None
    return line.strip()


def say(text: str = "") -> None:
    """Show a line that belongs to a question."""
    click.echo(text, err=True)
