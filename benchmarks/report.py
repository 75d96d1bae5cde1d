"""Tells as Markdown what was measured, and which targets are met."""

import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.pages import machine, table, told_bytes, told_spread
from benchmarks.results import OURS, Results, Row
from benchmarks.slow_link import in_words
from benchmarks.tools import Tool
from benchmarks.workloads import WORKLOADS, Workload

KINDS = {
    "s3": "S3: SeaweedFS on the same machine",
    "folder": "A folder as the store",
    "slow": "S3 from afar, simulated",
}


SMALL_SCALE = 0.1


@dataclass(frozen=True, slots=True)
class Told:
    """What is told besides figures.

    Attributes:
        tools: Those that ran.
        missing: Names of those that would have, were they installed.
        rounds: How often each was measured.
        scale: Of the data.
        slow: Whether the store was as if far away.
    """

    tools: Sequence[Tool]
    missing: Sequence[str]
    rounds: int
    scale: float
    slow: bool = False


def told(results: Results, about: Told) -> str:
    """Return the whole report."""
    parts = [_head(results, about)]
    if about.scale >= 1 and (rows := list(_verdicts(results))):
        columns = ("workload", "store", "to reach", "measured", "")
        parts.append(f"## Targets\n\n{table(columns, rows)}")
    for kind, title in KINDS.items():
        if names := results.measured(kind):
            parts.append(f"## {title}\n")
        parts += [
            f"### {_heading(results, each)}\n\n{_table(results, kind, each)}"
            for each in WORKLOADS
            if each.name in names
        ]
    return "\n".join(parts)


def _heading(results: Results, workload: Workload) -> str:
    scale = results.scales.get(workload.data.name, 1)
    scaled = "" if scale == 1 else f", scaled to {scale:g} of it"
    return f"{workload.name}: {workload.title}{scaled}"


def _head(results: Results, about: Told) -> str:
    versions = ", ".join(f"{tool.name} {version_of(tool)}" for tool in about.tools)
    lines = [machine(), "", f"Tools: {versions}."]
    if about.missing:
        lines.append(f"Not installed and left out: {', '.join(about.missing)}.")
    lines += [f"Left out when it failed: {why}." for why in results.failures()]
    times = "One round." if about.rounds == 1 else f"Medians of {about.rounds} rounds."
    lines.append(times)
    if about.scale < SMALL_SCALE:
        lines.append("So little data say nothing about speed: starting is all that is seen.")
    if about.slow:
        lines.append(in_words())
    return "\n".join(lines) + "\n"


def version_of(tool: Tool) -> str:
    """Return the first thing in a tool's own words that looks like a version."""
    for word in ("--version", "version"):
        done = subprocess.run([tool.program, word], capture_output=True, text=True, check=False)
        if found := re.search(r"\d+(\.\d+)+", done.stdout + done.stderr):
            return found[0]
    return "of an unknown version"


def _verdicts(results: Results) -> Iterable[Sequence[str]]:
    for kind in KINDS:
        for each in WORKLOADS:
            if each.name in results.measured(kind):
                for one in results.verdicts(kind, each.name):
                    word = "met" if one.is_met else "**not met**"
                    yield each.name, kind, one.asked, one.found, word


def _table(results: Results, kind: str, workload: Workload) -> str:
    rows = results.rows(kind, workload.name)
    is_counted = any(row.traffic for row in rows)
    is_compared = len(rows) > 1 and rows[0].tool == OURS
    columns = ["tool", "wall s", "client CPU s", "peak MiB"]
    columns += ["requests", "sent", "received"] if is_counted else []
    columns += ["cas-sync's wall ÷ its", "CPU ÷ its"] if is_compared else []
    lines = []
    for row in rows:
        cells = [
            f"**{row.tool}**" if row.tool == OURS else row.tool,
            told_spread(row.wall),
            f"{row.cpu.median:.2f}",
            f"{row.peak >> 20}",
        ]
        if is_counted:
            cells += _counted(row)
        if is_compared:
            shares = results.against(kind, workload.name, row.tool)
            cells += [told_spread(each) for each in shares] if shares else ["", ""]
        lines.append(cells)
    return table(columns, lines)


def _counted(row: Row) -> list[str]:
    if not row.traffic:
        return ["", "", ""]
    last = row.traffic[-1]
    return [f"{last.requests:,}", told_bytes(last.up), told_bytes(last.down)]
