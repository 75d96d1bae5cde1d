"""Commits of the log, as lines of text and as JSON."""

from collections.abc import Iterator
from typing import Any

import click

from cas_sync.cli.change_view import counts_text, counts_words, growth_text, names_text
from cas_sync.cli.render import padded, size, visible
from cas_sync.cli.when import When
from cas_sync.engine.log import LogEntry
from cas_sync.engine.path_history import PathEvent
from cas_sync.plan.renames import find_renames

NAMES = 3
"""Names of files that a line of ``--stat`` holds."""

_INDENT = " " * 12


def log_json(entry: LogEntry, *, stat: bool = False) -> dict[str, Any]:
    """Return a commit as scripts get it; its changes, too, if ``stat``."""
    commit = entry.commit
    fields: dict[str, Any] = {
        "id": str(entry.id),
        "seq": commit.seq,
        "parent": str(commit.parent) if commit.parent else None,
        "author": commit.author,
        "machine": commit.machine,
        "time": commit.time,
        "message": commit.message,
        "tags": list(entry.tags),
        "changes": dict(commit.counts._asdict()),
        "files": commit.files,
        "size": commit.size,
        "bytes_new": commit.bytes_new,
    }
    if entry.event is not None:
        fields |= _event_json(entry.event)
    if stat:
        fields["rows"] = [dict(row._asdict()) for row in commit.changes]
    return fields


def _event_json(event: PathEvent) -> dict[str, Any]:
    fields: dict[str, Any] = {"path": event.path, "change": event.change}
    if event.renamed_from:
        fields["renamed_from"] = event.renamed_from
    if event.renamed_to:
        fields["renamed_to"] = event.renamed_to
    if event.below is not None:
        fields["below"] = dict(event.below._asdict())
    if event.version is not None:
        content = event.version.content
        fields |= {"hash": str(content.id), "file_size": content.size}
    return fields


def log_lines(entry: LogEntry, when: When, *, stat: bool) -> Iterator[str]:
    """Yield a commit as one line; with ``stat`` another one about what it changed."""
    commit, event = entry.commit, entry.event
    author, time = visible(commit.author), when.text(commit.time)
    if event is None:
        said = _message(entry) or counts_words(commit.counts, len(_renames(entry)))
        yield _line(_id(entry), padded(author, 14), f"{time:<15}", said, _tags(entry))
    else:
        told = [f"{time:<15}", padded(author, 14), f"{_event_size(event):>9}"]
        what = f"{event_words(event):<9}"
        yield _line(_id(entry), *told, what, _message(entry), _tags(entry))
    if stat and (line := _stat(entry)):
        yield _INDENT + line


def oneline(entry: LogEntry) -> str:
    """Return a commit as one short line."""
    commit, event = entry.commit, entry.event
    if event is None:
        said = _message(entry) or counts_words(commit.counts, len(_renames(entry)))
    elif event.renamed_from or event.renamed_to or not commit.message:
        said = _line(event_words(event), _message(entry))
    else:
        said = _message(entry)
    tags = f"  {tags}" if (tags := _tags(entry)) else ""
    return f"{_id(entry)} {visible(commit.author)}: {said}{tags}"


def _line(*parts: str) -> str:
    return "  ".join(part for part in parts if part).rstrip()


def _id(entry: LogEntry) -> str:
    return click.style(str(entry.id)[:8], fg="yellow")


def _message(entry: LogEntry) -> str:
    return visible(entry.commit.message)


def _tags(entry: LogEntry) -> str:
    if not entry.tags:
        return ""
    named = "tag: " if len(entry.tags) == 1 else "tags: "
    return click.style(named + ", ".join(map(visible, entry.tags)), fg="cyan")


def _renames(entry: LogEntry) -> dict[str, str]:
    return find_renames(entry.commit.changes)


def _renames_below(event: PathEvent) -> dict[str, str]:
    """Return the renames within a folder, where all that happened in it is known."""
    is_all = event.below is not None and sum(event.below) == len(event.rows)
    return find_renames(event.rows) if is_all else {}


def _event_size(event: PathEvent) -> str:
    return size(event.version.content.size) if event.version else ""


def event_words(event: PathEvent) -> str:
    """Return what happened to a path, in words."""
    if event.renamed_from:
        return f"renamed from {visible(event.renamed_from)}"
    if event.renamed_to:
        return f"renamed to {visible(event.renamed_to)}"
    if event.below is not None:
        return counts_words(event.below, len(_renames_below(event)))
    return event.change


def _stat(entry: LogEntry) -> str:
    commit, event = entry.commit, entry.event
    if event is None:
        came, rows, counts = _renames(entry), commit.changes, commit.counts
    elif event.below is not None:
        came, rows, counts = _renames_below(event), event.rows, event.below
    else:
        return str(event.version.content.id) if event.version else ""
    names = names_text(rows, came, NAMES, sum(counts))
    grown = growth_text(entry.grown, commit.bytes_new) if entry.grown is not None else ""
    numbers = f"{counts_text(counts, len(came)):<9}"
    return "   ".join(part for part in (numbers, names, grown) if part)
