"""What was measured, and what it says about the targets."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from benchmarks.measure import Cost, Spread, ratio
from benchmarks.pages import told_bytes, told_spread
from benchmarks.sitting import Failure, Sample, Traffic
from benchmarks.targets import TARGETS, Target

OURS = "cas-sync"


@dataclass(frozen=True, slots=True)
class Row:
    """One tool on one workload.

    Attributes:
        costs: By round.
    """

    tool: str
    costs: dict[int, Cost] = field(default_factory=dict)
    traffic: list[Traffic] = field(default_factory=list)

    @property
    def wall(self) -> Spread:
        """Seconds."""
        return Spread.of([each.wall for each in self.costs.values()])

    @property
    def cpu(self) -> Spread:
        """Seconds of processors."""
        return Spread.of([each.cpu for each in self.costs.values()])

    @property
    def peak(self) -> int:
        """Bytes of memory."""
        return max(each.peak for each in self.costs.values())


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that a target asks, and what was measured of it."""

    asked: str
    found: str
    is_met: bool


class Results:
    """All samples of a run, by kind of store and workload.

    Attributes:
        scales: Of the data, by its name.
    """

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], dict[str, Row]] = {}
        self._failures: list[Failure] = []
        self.scales: dict[str, float] = {}

    def fail(self, failure: Failure) -> None:
        """Take note of a tool that could not go on."""
        self._failures.append(failure)

    def failures(self) -> list[str]:
        """Return, a line each, who could not go on and why."""
        return [f"{each.tool} ({each.why.splitlines()[0]})" for each in self._failures]

    def add(self, kind: str, sample: Sample, number: int) -> None:
        """Take one in of a round; a sample with traffic was slowed by counting it."""
        rows = self._rows.setdefault((kind, sample.workload.name), {})
        row = rows.setdefault(sample.tool, Row(sample.tool))
        if sample.traffic is None:
            row.costs[number] = sample.cost
        else:
            row.traffic.append(sample.traffic)

    def measured(self, kind: str) -> list[str]:
        """Return the names of the workloads of which there are samples."""
        return [name for found, name in self._rows if found == kind]

    def rows(self, kind: str, workload: str) -> list[Row]:
        """Return the rows of one workload, ours first."""
        return sorted(
            (row for row in self._rows[kind, workload].values() if row.costs),
            key=lambda row: (row.tool != OURS, row.wall.median),
        )

    def against(self, kind: str, workload: str, tool: str) -> tuple[Spread, Spread] | None:
        """Return our wall and processor time as shares of a tool's, round by round."""
        rows = self._rows[kind, workload]
        if tool == OURS or OURS not in rows or tool not in rows:
            return None
        ours, theirs = rows[OURS].costs, rows[tool].costs
        if not (both := sorted(ours.keys() & theirs.keys())):
            return None
        return (
            ratio([ours[each].wall for each in both], [theirs[each].wall for each in both]),
            ratio([ours[each].cpu for each in both], [theirs[each].cpu for each in both]),
        )

    def verdicts(self, kind: str, workload: str) -> list[Verdict]:
        """Return what can be said about the targets of one workload."""
        found: list[Verdict] = []
        for target in TARGETS.get((kind, workload), ()):
            found += self._verdicts(kind, workload, target)
        return list(dict.fromkeys(found))

    def _verdicts(self, kind: str, workload: str, target: Target) -> Iterable[Verdict]:
        rows = self._rows[kind, workload]
        peers = [rows[name] for name in target.against if name in rows and rows[name].costs]
        if OURS not in rows:
            return
        if rows[OURS].costs and peers:
            peer = min(peers, key=lambda row: row.wall.median)
            if shares := self.against(kind, workload, peer.tool):
                for what, share, most in zip(
                    ("wall", "CPU"), shares, (target.wall, target.cpu), strict=True
                ):
                    asked = f"{what} ≤ {most:g} of {peer.tool}"
                    yield Verdict(asked, told_spread(share), share.median <= most)
        if rows[OURS].costs:
            peak = rows[OURS].peak
            asked = f"memory ≤ {target.peak >> 20} MiB"
            yield Verdict(asked, f"{peak >> 20} MiB", peak <= target.peak)
        yield from _of_traffic(target, rows[OURS].traffic)


def _of_traffic(target: Target, traffic: Sequence[Traffic]) -> Iterable[Verdict]:
    if not traffic:
        return
    most = max(each.requests for each in traffic)
    up = max(each.up for each in traffic)
    if target.requests is not None:
        yield Verdict(f"≤ {target.requests} requests", str(most), most <= target.requests)
    if target.up is not None:
        yield Verdict(f"≤ {told_bytes(target.up)} sent", told_bytes(up), up <= target.up)
