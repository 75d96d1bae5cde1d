"""Measures cas-sync and other tools side by side, round by round."""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.peers import TOOLS, is_installed
from benchmarks.places import warm_up
from benchmarks.report import Told, told
from benchmarks.results import Results
from benchmarks.sitting import Failure, Setting, sit
from benchmarks.tools import Tool
from benchmarks.workloads import WORKLOADS, Dataset, Step, Workload

SLOW_TOOLS = ("cas-sync", "restic", "rclone")
SLOW_WORKLOADS = ("W1", "W5", "W6", "C1")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is to be measured.

    Attributes:
        scratch: Folder to work in.
        memory: Bytes that may be used there; data that need more are made smaller.
        scale: Of the data; 1 is full size.
        rounds: How often each tool does each workload.
        workloads: Their names; none for all.
        tools: Their names; none for all.
        stores: Kinds of stores.
        count: Whether requests are counted in a run of its own.
        slow: Whether the store is to be far away.
    """

    scratch: Path
    memory: float
    scale: float = 1.0
    rounds: int = 3
    workloads: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    stores: tuple[str, ...] = ("s3", "folder")
    count: bool = False
    slow: bool = False


def compare(plan: Comparison) -> str:
    """Measure and return the report; progress goes to standard error.

    Raises:
        ValueError: A workload or tool is not known.
    """
    workloads = _chosen(WORKLOADS, plan.workloads or (SLOW_WORKLOADS if plan.slow else ()))
    asked = _chosen(TOOLS, plan.tools or (SLOW_TOOLS if plan.slow else ()))
    tools = [tool for tool in asked if is_installed(tool)]
    results = Results()
    setting = Setting(plan.scratch, plan.scale)
    for kind in ("slow",) if plan.slow else plan.stores:
        _measure(plan, results, replace(setting, kind=kind), workloads, tools, plan.rounds)
        if plan.count and kind == "s3":
            counting = replace(setting, kind=kind, count=True)
            _measure(plan, results, counting, workloads, tools, 1)
    missing = [tool.name for tool in asked if tool not in tools]
    return told(results, Told(tools, missing, plan.rounds, plan.scale, slow=plan.slow))


def _chosen(every: Sequence, names: Sequence[str]) -> list:
    known = {each.name: each for each in every}
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"not known: {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in names] if names else list(every)


def _measure(
    plan: Comparison,
    results: Results,
    setting: Setting,
    workloads: Sequence[Workload],
    tools: Sequence[Tool],
    rounds: int,
) -> None:
    for data in dict.fromkeys(each.data for each in workloads):
        rows = [each for each in workloads if each.data is data]
        if setting.kind == "folder":
            rows = [each for each in rows if each.step in (Step.PUSH, Step.CLONE)]
        fit = [tool for tool in tools if _is_for(tool, rows, setting.kind)]
        if not rows or not fit:
            continue
        scale = _scale(plan, data)
        results.scales[data.name] = scale
        warm_up(setting.scratch, int(data.room * scale / 2))
        for number in range(rounds):
            turned = fit[number % len(fit) :] + fit[: number % len(fit)]
            for group in _groups(turned, data.room * scale, plan.memory):
                names = ", ".join(tool.name for tool in group)
                _say(f"{setting.kind}, {data.name} {number + 1} of {rounds}: {names}")
                _sit(results, replace(setting, scale=scale), data, group, rows, number)


def _sit(
    results: Results,
    setting: Setting,
    data: Dataset,
    tools: Sequence[Tool],
    rows: Sequence[Workload],
    number: int,
) -> None:
    for found in sit(setting, data, tools, rows):
        if isinstance(found, Failure):
            results.fail(found)
            _say(f"  {found.tool} is left out: {found.why}")
            continue
        results.add(setting.kind, found, number)
        counted = f", {found.traffic.requests} requests" if found.traffic else ""
        _say(
            f"  {found.workload.name} {found.tool}: {found.cost.wall:.2f} s, "
            f"{found.cost.cpu:.2f} s CPU, {found.cost.peak >> 20} MiB{counted}"
        )


def _is_for(tool: Tool, rows: Sequence[Workload], kind: str) -> bool:
    """Tell whether a tool can do it; on many files, only scanning is compared."""
    is_scan = all(row.step is Step.NO_OP and row.name == "W8" for row in rows)
    if "scan" in tool.stores:
        return is_scan and kind == "s3"
    return ("s3" if kind == "slow" else kind) in tool.stores and (
        not is_scan or tool.name == "cas-sync"
    )


def _scale(plan: Comparison, data: Dataset) -> float:
    """Return the scale at which one tool has room for the data."""
    most = plan.memory / data.room
    return plan.scale if plan.scale <= most else math.floor(most * 100) / 100


def _groups(tools: Sequence[Tool], room: float, memory: float) -> list[list[Tool]]:
    """Return tools in groups that have room together, one at the least."""
    together = max(1, int(memory // room))
    return [list(tools[at : at + together]) for at in range(0, len(tools), together)]


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
