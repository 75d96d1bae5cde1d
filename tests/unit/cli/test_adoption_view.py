"""What becomes of others' files is told in a few lines, and whole in the log."""

import json

from cas_sync.cli.adoption_view import adopted_event, adopted_lines, foreign_lines
from cas_sync.engine.sync_report import AdoptReport
from cas_sync.plan.adoption import Finding, Foreign, Kind
from tests.support.samples import oid


def report(*findings: Finding) -> AdoptReport:
    return AdoptReport(oid("c"), 1, True, 1_010, 5_000, 2, [*findings], {}, ".S3/logs/x.csv")


def found(kind: Kind, n: int, **more) -> list[Finding]:
    return [Finding(kind, f"key {i}", f"path {i}", **more) for i in range(n)]


def test_what_lies_there_is_told_with_its_numbers_and_some_names():
    foreign = Foreign(1_010, 2048, True, 3, 1024, 2, ("a", "b"))

    lines = list(foreign_lines(foreign, "s3://b/p"))

    assert "1,010 files of s3synchrony, 2.0 KiB" in lines[0]
    assert "3 deleted" in lines[0]
    assert lines[1] == "  a, b, ..."
    assert "2 more objects" in lines[2]


def test_what_is_not_plain_is_shown_by_example():
    lines = list(
        adopted_lines(
            report(
                *found(Kind.VERIFIED, 900),
                *found(Kind.LEFT_OUT, 5, reason="it is a link"),
                *found(Kind.SET_ASIDE, 1, reason="there is a folder of this name"),
            )
        )
    )

    text = "\n".join(lines)
    assert lines[0].startswith("Adopted 1,010 files of s3synchrony")
    assert "900" in lines[1]
    assert len(lines) == 1 + 1 + 2 + (1 + 3 + 1) + 1
    assert "key 0 -> path 0: there is a folder of this name" in text
    assert "key 0: it is a link" in text
    assert "and 2 more" in text
    assert lines[-1].endswith(".S3/logs/x.csv")


def test_names_that_no_terminal_can_print_are_told_all_the_same():
    bad = Finding(Kind.LEFT_OUT, "bad \udcff\x1b[2J name", "", reason="not valid Unicode")

    event = json.dumps(adopted_event(report(bad)), ensure_ascii=False)

    event.encode()
    "\n".join(adopted_lines(report(bad))).encode()
    assert "\x1b" not in "".join(adopted_lines(report(bad)))
