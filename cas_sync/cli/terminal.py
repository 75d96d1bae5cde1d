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


def agreed(question: str, *, default: bool = True) -> bool | None:
    """Ask until the answer is yes or no; Enter means ``default``.

    Returns:
        The answer; `None` at the end of input.
    """
    keys = "[Y]es / [n]o" if default else "[y]es / [N]o"
    while True:
        line = ask(f"{question} {keys}: ")
        match line if line is None else line.lower():
            case None:
                return None
            case "":
                return default
            case "y" | "yes":
                return True
            case "n" | "no":
                return False
            case _:
                say(f'"{line}" is neither yes nor no')
