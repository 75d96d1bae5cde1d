"""What a command costs: wall time, processor time of it and its children, peak memory."""

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launch.py")


@dataclass(frozen=True, slots=True)
class Command:
    """A process to run.

    Attributes:
        args: The program, by name or path, and its arguments.
        cwd: Where it runs.
        env: All of its environment.
    """

    args: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one or several processes took.

    Attributes:
        wall: Seconds from start to end.
        cpu: Seconds of processors, in user and system mode, children included.
        peak: Bytes of memory of the largest process.
    """

    wall: float
    cpu: float
    peak: int

    @classmethod
    def median(cls, costs: Sequence["Cost"]) -> "Cost":
        """Return the medians of times, and the largest peak."""
        return cls(
            statistics.median(each.wall for each in costs),
            statistics.median(each.cpu for each in costs),
            max(each.peak for each in costs),
        )


class ToolFailedError(Exception):
    """A measured command did not end well; the message has its last words."""


def run(commands: Iterable[Command], output: Path) -> Cost:
    """Run commands one after the other and return what they took together.

    Args:
        commands: Each must end with 0.
        output: File that what they print is appended to.

    Raises:
        ToolFailedError: One did not.
    """
    total = Cost(0.0, 0.0, 0)
    for command in commands:
        each = _run(command, output)
        total = Cost(total.wall + each.wall, total.cpu + each.cpu, max(total.peak, each.peak))
    return total


def _run(command: Command, output: Path) -> Cost:
    found = shutil.which(command.args[0], path=command.env.get("PATH"))
    args = [found or command.args[0], *command.args[1:]]
    launcher = [sys.executable, "-I", "-S", str(LAUNCHER), str(output), *args]
    # A group of its own, so that nothing of it goes on when we are stopped.
    process = subprocess.Popen(
        launcher,
        cwd=command.cwd,
        env=dict(command.env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        out, err = process.communicate()
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    if process.returncode:
        raise ToolFailedError(f"{' '.join(command.args)}: {err.decode(errors='replace')}")
    told = json.loads(out)
    if told["exit"]:
        said = output.read_text(errors="replace")[-2000:]
        raise ToolFailedError(f"{' '.join(command.args)} ended with {told['exit']}:\n{said}")
    return Cost(told["wall"], told["cpu"], told["peak"])


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of several values, and how far they lie apart."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Return the spread of at least one value."""
        return cls(statistics.median(values), min(values), max(values))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Return how many times theirs ours took, round by round.

    What disturbs a round disturbs both, so this is steadier than the times themselves.
    """
    return Spread.of([mine / other for mine, other in zip(ours, theirs, strict=True)])
