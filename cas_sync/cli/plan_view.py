"""A plan as lines of text, numbered for whoever picks from it."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import click

from cas_sync.cli.dates import ago
from cas_sync.cli.render import plural, size, visible
from cas_sync.model.tree import Entry, Found, timestamp_of_ns
from cas_sync.plan.groups import Group, Phase, group_of
from cas_sync.plan.outline import G, Outline, Row, is_new, shown, size_of
from cas_sync.plan.step import Act, Step

_COLOURS = {"+": "green", "~": "yellow", "-": "red", ">": "cyan", "!": "magenta"}
_WIDEST = 44
_DELETING: set[object] = {
    Group.DELETE_HERE,
    Group.DELETE_THERE,
    Phase.PUSH_DELETED,
    Phase.PULL_DELETED,
}
_UP = {Group.UPLOAD, Group.DELETE_THERE}


def plan_lines(outline: Outline[Group], url: str, now: datetime) -> Iterator[str]:
    """Yield a plan as text, a block for each group, and what it comes to both ways."""
    for group, (n_files, n_bytes) in outline.totals.items():
        yield f"{_heading(group, url):<42} {plural(n_files, 'file'):>12} {size(n_bytes):>11}"
        yield from row_lines(outline, group, now)
    if len(outline.totals) > 1:
        yield _totals(outline)


def row_lines(outline: Outline[G], group: G, now: datetime) -> Iterator[str]:
    """Yield the lines of one group."""
    rows = list(shown(outline, group))
    names = [visible(row.path) or f"... {row.n_files:,} more" for row in rows]
    width = min(max(map(len, names), default=0), _WIDEST)
    for row, name in zip(rows, names, strict=True):
        number, mark = f"{row.number:>4}", _mark(outline, row)
        coloured = click.style(mark, fg=_COLOURS.get(mark), bold=True if mark == "!" else None)
        told = [_extent(row), _about(outline, row, now)]
        text = f"{name:<{width}}  {told[0]:>20}  {told[1]}".rstrip()
        yield f"{number}  {coloured} {text}"
        if row.step is not None and row.step.act is Act.CONFLICT:
            yield from conflict_lines(row.step, now)


_ACTIONS = {
    Group.UPLOAD: "upload",
    Group.DOWNLOAD: "download",
    Group.DELETE_THERE: "delete-remote",
    Group.DELETE_HERE: "delete-local",
    Group.CONFLICT: "conflict",
}


def plan_events(steps: Iterable[Step]) -> Iterator[dict[str, Any]]:
    """Yield a plan as events for scripts."""
    for step in steps:
        if (group := group_of(step)) is not None:
            yield {
                "schema": 1,
                "event": "plan",
                "action": _ACTIONS[group],
                "path": step.path,
                "bytes": size_of(step),
                "reason": step.reason,
            }


def _heading(group: Group, url: str) -> str:
    match group:
        case Group.UPLOAD:
            return f"Upload to {url}"
        case Group.DOWNLOAD:
            return "Download"
        case Group.CONFLICT:
            return "Conflict: changed on both sides"
        case _:
            return str(group.value)


def _totals(outline: Outline[Group]) -> str:
    up, down = [0, 0], [0, 0]
    for group, (n_files, n_bytes) in outline.totals.items():
        if group is Group.CONFLICT:
            continue
        way = up if group in _UP else down
        way[0] += n_files
        way[1] += n_bytes if group in {Group.UPLOAD, Group.DOWNLOAD} else 0
    return (
        f"Together: {plural(up[0], 'change')} there, {size(up[1])} up;  "
        f"{plural(down[0], 'change')} here, {size(down[1])} down"
    )


def _mark(outline: Outline[G], row: Row[G]) -> str:
    if row.step is None:
        if row.group in _DELETING:
            return "-"
        if row.group is Group.CONFLICT:
            return "!"
        return "+" if row.n_new == row.n_files else "~"
    match row.step.act:
        case Act.DELETE_HERE | Act.DELETE_THERE:
            return "-"
        case Act.CONFLICT | Act.KEEP_BOTH | Act.TAKE_OURS | Act.TAKE_THEIRS:
            return "!" if row.group is Group.CONFLICT else "~"
        case _:
            if outline.other_end(row.step):
                return ">"
            return "+" if is_new(row.step) else "~"


def _extent(row: Row[G]) -> str:
    if row.step is None:
        return f"{plural(row.n_files, 'file')}  {size(row.size):>9}"
    step = row.step
    if step.act in {Act.DELETE_HERE, Act.DELETE_THERE, Act.CONFLICT}:
        return "" if step.act is Act.CONFLICT else size(row.size)
    was, now = _before_and_after(step)
    if was is None or now is None:
        return size(row.size)
    return f"{size(was)} -> {size(now)}"


def _before_and_after(step: Step) -> tuple[int | None, int | None]:
    ours, theirs = step.our_content, step.their_content
    mine, there = ours and ours.size, theirs and theirs.size
    is_down = step.act in {Act.DOWNLOAD, Act.TAKE_THEIRS}
    return (mine, there) if is_down else (there, mine)


def _about(outline: Outline[G], row: Row[G], now: datetime) -> str:
    step = row.step
    if step is None:
        return ""
    parts = []
    if (other := outline.other_end(step)) is not None:
        is_gone = step.act in {Act.DELETE_HERE, Act.DELETE_THERE}
        parts.append(f"{'now' if is_gone else 'was'} {visible(other)}")
    match step.act:
        case Act.DOWNLOAD | Act.TAKE_THEIRS if step.theirs:
            parts.append(_by(step.theirs, now))
        case Act.UPLOAD | Act.TAKE_OURS | Act.SET_OURS_ASIDE if step.ours:
            parts.append(f"changed {_when(step.ours, now)}")
        case Act.DELETE_THERE:
            parts.append("you deleted it")
        case Act.DELETE_HERE:
            parts.append("a teammate deleted it")
        case Act.KEEP_BOTH:
            parts.append("both are kept")
        case _:
            pass
    if step.reason and step.act is not Act.CONFLICT:
        parts.append(step.reason)
    return ", ".join(parts)


def conflict_lines(step: Step, now: datetime) -> Iterator[str]:
    """Yield what is known of both versions of a file in conflict."""
    if step.ours and step.our_content:
        yield f"        yours   {size(step.our_content.size):>10}   {_when(step.ours, now)}"
    if step.theirs:
        there = step.theirs
        yield f"        theirs  {size(there.content.size):>10}   {_by(there, now)}"
    if step.base:
        yield f"        before  {size(step.base.content.size):>10}   {_by(step.base, now)}"


def _by(entry: Entry, now: datetime) -> str:
    return f"{visible(entry.editor)}, {ago(datetime.fromisoformat(entry.edited), now)}"


def _when(found: Found, now: datetime) -> str:
    return ago(datetime.fromisoformat(timestamp_of_ns(found.edited_ns)), now)
