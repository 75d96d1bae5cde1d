"""The benchmarks run, count what is sent rightly, and are about the same data every time.

No time is asserted: what is fast on one machine is slow on another.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from benchmarks.growth import by_files
from benchmarks.growth_page import files_table, picture
from benchmarks.measure import Command, Cost, Spread, ToolFailedError, ratio, run
from benchmarks.pages import write_between
from benchmarks.peers import TOOLS
from benchmarks.plot import Panel, draw
from benchmarks.report import Told, told
from benchmarks.results import Results
from benchmarks.sitting import Failure, Sample, Setting, Traffic, sit
from benchmarks.slow_link import PUT_ANSWER_S, SlowLink, Turn
from benchmarks.tools import CasSync
from benchmarks.workloads import DATASETS, LARGE, MANY, SMALL, WORKLOADS, edit_large
from tests.support.people import tree

ROOT = Path(__file__).resolve().parents[2]
SMALL_DIGEST = "e142def9d975366ae1d249e763676a664f574d195be787ce75a8609636833f26"
"""Of a part of the small files; another one, and old figures are of other data."""

posix_only = pytest.mark.skipif(os.name == "nt", reason="costs are asked of a POSIX kernel")


def benchmarks(*args: str) -> subprocess.CompletedProcess[str]:
    """Run the program as people do."""
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *args],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def cells(report: str, heading: str, first: str) -> list[str]:
    """Return one row below a heading of a report."""
    below = report.partition(f"### {heading}:")[2].partition("###")[0]
    row = next(line for line in below.splitlines() if line.startswith(f"| {first} "))
    return [cell.strip() for cell in row.strip("|").split("|")]


@posix_only
@pytest.mark.s3
@pytest.mark.slow
def test_the_report_has_a_row_for_each_workload_and_counts_requests(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Written by hand\n")
    done = benchmarks(
        "run",
        *("--workloads", "W1,W5,C1", "--tools", "cas-sync"),
        *("--scale", "0.005", "--rounds", "1", "--count"),
        *("--scratch", str(tmp_path), "--write", str(page)),
    )
    assert done.returncode == 0, done.stderr
    report = page.read_text()
    assert report.startswith("# Written by hand\n")
    assert done.stdout in report
    s3, _, folder = report.partition("## A folder as the store")
    names = ("W1", "W5", "C1")
    requests = {name: int(cells(s3, name, "**cas-sync**")[4]) for name in names}
    assert requests["W5"] == 1, "a no-op reads the head"
    assert min(requests["W1"], requests["C1"]) > 1
    assert all(float(cells(folder, name, "**cas-sync**")[1]) > 0 for name in ("W1", "C1"))
    assert "## Targets" not in report, "they are about all of the data"
    assert "left out" not in done.stderr
    assert str(tmp_path) not in report
    assert [each.name for each in tmp_path.iterdir()] == ["page.md"], "it cleans up"


@posix_only
@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_git_is_measured_on_the_same_files(tmp_path):
    tools = [each for each in TOOLS if each.name in ("cas-sync", "git")]
    no_op = [each for each in WORKLOADS if each.data is MANY]
    found = list(sit(Setting(tmp_path, 0.001, "folder"), MANY, tools, no_op))
    assert [(each.workload.name, each.tool) for each in found] == [
        ("W8", "cas-sync"),
        ("W8", "git"),
    ]
    assert all(each.cost.wall > 0 for each in found)


@posix_only
def test_a_tool_that_fails_is_left_out_and_the_others_go_on(tmp_path):
    class Broken(CasSync):
        name = "broken"

        def clone(self, place, target):
            return [self.command(place, "no-such-command")]

    steps = [each for each in WORKLOADS if each.data is SMALL]
    found = list(sit(Setting(tmp_path, 0.005, "folder"), SMALL, [Broken(), CasSync()], steps))
    failures = [each for each in found if isinstance(each, Failure)]
    assert [each.tool for each in failures] == ["broken"]
    assert "no-such-command" in failures[0].why
    assert (found[-1].workload.name, found[-1].tool) == ("C1", "cas-sync")


@posix_only
def test_a_clone_that_lacks_something_is_a_failure(tmp_path):
    class Forgetful(CasSync):
        def cloned(self, place, target):
            (target / "Data" / "d000" / "f003.bin").unlink()
            return super().cloned(place, target)

    clone = [each for each in WORKLOADS if each.name == "C1"]
    (found,) = sit(Setting(tmp_path, 0.005, "folder"), SMALL, [Forgetful()], clone)
    assert "the clone differs in 1 files, such as d000/f003.bin" in found.why


@posix_only
@pytest.mark.s3
@pytest.mark.slow
def test_growth_is_measured_told_and_drawn(tmp_path):
    points = list(islice(by_files(tmp_path, [200]), 3))
    assert [(each.operation, each.size) for each in points] == [
        ("first push", 200),
        ("no-op", 200),
        ("one change", 200),
    ]
    no_op, change = points[1].traffic, points[2].traffic
    assert (no_op.requests, no_op.up) == (1, 0)
    assert 1 < change.requests <= 6
    larger = [replace(each, size=1200, cost=replace(each.cost, wall=2.0)) for each in points]
    told = files_table([*points, *larger])
    row = next(line for line in told.splitlines() if line.startswith("| no-op | 1,200 |"))
    slope = (2.0 - points[1].cost.wall) / 1000 * 1e6
    assert [cell.strip() for cell in row.split("|")][9] == f"{slope:.1f}"
    assert ">first push</text>" in picture(points)


def test_an_unknown_tool_or_workload_is_told(tmp_path):
    done = benchmarks("run", "--tools", "cp", "--scratch", str(tmp_path))
    assert done.returncode == 1
    assert "not known: cp; there are cas-sync, restic" in done.stderr


@pytest.mark.parametrize("data", DATASETS, ids=lambda data: data.name)
def test_data_are_the_same_every_time(data, tmp_path):
    for name in ("one", "two"):
        data.make(tmp_path / name, 0.002)
        if data.edit:
            data.edit(tmp_path / name)
    assert tree(tmp_path / "one") == tree(tmp_path / "two") != {}


def test_the_data_of_a_version_of_the_benchmarks_stay_what_they_were(tmp_path):
    SMALL.make(tmp_path, 0.005)
    digest = hashlib.sha256()
    for path, (data, _) in sorted(tree(tmp_path).items()):
        digest.update(path.encode() + data)
    assert digest.hexdigest() == SMALL_DIGEST, "figures of before and after are compared"


def test_an_edit_inserts_and_overwrites_little(tmp_path):
    LARGE.make(tmp_path, 0.001)
    before = (tmp_path / "large.bin").read_bytes()
    edit_large(tmp_path)
    after = (tmp_path / "large.bin").read_bytes()
    assert len(after) == len(before) + 1024
    assert after[: 1 << 20] == before[: 1 << 20]
    shifted = after[: 1 << 20] + after[(1 << 20) + 1024 :]
    assert sum(a != b for a, b in zip(shifted, before, strict=True)) in range(90, 101)


@posix_only
def test_the_cost_is_that_of_the_process_and_its_children(tmp_path):
    child = "import subprocess, sys; b = bytearray(80 << 20); b[::4096] = b'x' * len(b[::4096])"
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    command = Command((sys.executable, "-c", nested), tmp_path, dict(os.environ))
    cost = run([command], tmp_path / "output")
    assert cost.wall > 0
    assert cost.cpu > 0
    assert 80 << 20 < cost.peak < 200 << 20


@posix_only
def test_what_starts_a_command_does_not_count_as_its_memory(tmp_path):
    ballast = bytearray(150 << 20)
    ballast[::4096] = b"x" * len(ballast[::4096])
    command = Command((sys.executable, "-S", "-c", "pass"), tmp_path, dict(os.environ))
    assert run([command], tmp_path / "output").peak < 100 << 20
    assert ballast


@posix_only
def test_a_command_that_fails_is_told_with_its_last_words(tmp_path):
    args = (sys.executable, "-c", "raise SystemExit('out of sand')")
    with pytest.raises(ToolFailedError, match="out of sand"):
        run([Command(args, tmp_path, dict(os.environ))], tmp_path / "output")


def test_ratios_are_taken_round_by_round():
    assert ratio([1.0, 4.0, 9.0], [2.0, 4.0, 3.0]) == Spread(1.0, 0.5, 3.0)


def test_a_round_that_one_of_two_missed_is_not_compared():
    results = Results()
    push = next(each for each in WORKLOADS if each.name == "W1")
    for number, tool, wall in ((0, "cas-sync", 1.0), (1, "cas-sync", 9.0), (1, "restic", 3.0)):
        results.add("s3", Sample(push, tool, Cost(wall, wall, 1 << 20), None), number)
    shares = results.against("s3", "W1", "restic")
    assert shares == (Spread(3.0, 3.0, 3.0), Spread(3.0, 3.0, 3.0))


def test_targets_are_met_or_not():
    results = Results()
    no_op = next(each for each in WORKLOADS if each.name == "W5")
    for tool, wall in (("cas-sync", 0.5), ("rclone", 1.0)):
        results.add("s3", Sample(no_op, tool, Cost(wall, 2 * wall, 500 << 20), None), 0)
    results.add("s3", Sample(no_op, "cas-sync", Cost(9, 9, 0), Traffic(3, 0, 0)), 0)
    found = [(each.asked, each.found, each.is_met) for each in results.verdicts("s3", "W5")]
    assert found == [
        ("wall ≤ 0.6 of rclone", "0.50", True),
        ("CPU ≤ 1 of rclone", "0.50", True),
        ("memory ≤ 400 MiB", "500 MiB", False),
        ("≤ 2 requests", "3", False),
    ]


@pytest.mark.parametrize(("scale", "is_told"), [(1, True), (0.1, False)])
def test_targets_are_told_of_all_the_data_only(scale, is_told):
    results = Results()
    no_op = next(each for each in WORKLOADS if each.name == "W5")
    results.add("s3", Sample(no_op, "cas-sync", Cost(9, 9, 1 << 20), Traffic(3, 0, 0)), 0)
    report = told(results, Told(tools=(), missing=(), rounds=1, scale=scale))
    assert ("| W5 | s3 | ≤ 2 requests | 3 | **not met** |" in report) is is_told
    assert "### W5: no-op on the small files" in report


def test_only_what_is_between_the_markers_is_replaced(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("above\n")
    write_between(page, "a", "first")
    write_between(page, "b", "other")
    write_between(page, "a", "second")
    text = page.read_text()
    assert "first" not in text
    assert text.index("above") < text.index("second") < text.index("other")


def test_the_first_bytes_of_an_answer_wait_and_the_rest_do_not():
    turn = Turn()
    turn.asked(b"PUT /key HTTP/1.1\r\nExpect: 100-continue\r\n\r\n")
    assert turn.answered(b"HTTP/1.1 100 Continue\r\n\r\n") == 0
    turn.asked(b"GET is what this body begins with")
    assert turn.answered(b"HTTP/1.1 200 OK\r\n\r\n") == PUT_ANSWER_S
    assert turn.answered(b"and more of it") == 0


@pytest.mark.s3
def test_s3_works_through_a_slow_link(s3_server):
    data = b"abc" * 100_000
    with SlowLink(s3_server.endpoint) as link:
        client = type(s3_server)(link.endpoint).client()
        try:
            client.put_object(Bucket="team-data", Key="slow/link", Body=data)
            found = client.get_object(Bucket="team-data", Key="slow/link")["Body"].read()
        finally:
            client.close()
    assert found == data


def test_curves_that_are_equal_share_a_label():
    curve = ((100.0, 1.0), (1000.0, 1.0))
    picture = draw([Panel("Requests", "files", {"ls": curve, "log": curve, "a<b": curve[:1]})])
    assert ">ls, log</text>" in picture
    assert ">a&lt;b</text>" in picture
