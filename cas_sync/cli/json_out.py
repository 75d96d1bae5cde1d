"""JSON for scripts: one document a line, valid whatever the stream can hold."""

import codecs
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click


def print_json(value: Any) -> None:
    """Print a document."""
    click.echo(json_text(value, sys.stdout.encoding))


def print_event(fields: dict[str, Any]) -> None:
    """Print one event of an action."""
    print_json({"schema": 1, **fields})


def print_answer(command: str, result: Any, **more: Any) -> None:
    """Print what a query found."""
    print_json({"schema": 1, "command": command, **more, "result": result})


@contextmanager
def answer_rows(command: str) -> Iterator[Callable[[Any], None]]:
    """Print what a query found as one document whose result is a list, row by row.

    Yields what prints a row. Where the query fails on the way the document breaks off.
    """
    before, after = json_text({"schema": 1, "command": command, "result": []}, None), "]}"
    text = before.removesuffix(after)

    def show(row: Any) -> None:
        nonlocal text
        sys.stdout.write(text + json_text(row, sys.stdout.encoding))
        text = ", "

    try:
        yield show
    except BaseException:
        if text == ", ":
            sys.stdout.write("\n")
        raise
    click.echo(("" if text == ", " else text) + after)


def json_text(value: Any, encoding: str | None) -> str:
    """Return a value as JSON on one line, for a stream of some encoding.

    Readers of JSON expect UTF-8; in any other encoding, and where a name is no text, what is
    not ASCII is escaped.
    """
    if _is_utf8(encoding):
        text = json.dumps(value, ensure_ascii=False)
        if is_text(text):
            return text
    return json.dumps(value)


def is_text(name: str) -> bool:
    """Say whether a name is text that UTF-8 can hold; some disks have others."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_utf8(encoding: str | None) -> bool:
    try:
        return encoding is None or codecs.lookup(encoding).name == "utf-8"
    except LookupError:
        return False
