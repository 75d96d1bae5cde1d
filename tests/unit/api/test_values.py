"""Results are frozen, short to read, and safe to show in a notebook."""

import pickle
from dataclasses import FrozenInstanceError, fields, is_dataclass

import pytest

import cas_sync
from cas_sync import (
    Adopted,
    Change,
    Changes,
    Conflict,
    Conflicts,
    Deleted,
    DeletedFiles,
    Diff,
    FileChange,
    Group,
    Item,
    Items,
    Kept,
    Log,
    LogEntry,
    Plan,
    PlanItem,
    ResetResult,
    RestoreResult,
    Side,
    Skipped,
    Status,
    SyncResult,
    Tag,
    Tags,
    ToAdopt,
    UndoResult,
    Usage,
    Version,
)

EVIL = "<script>alert('&')</script>"
ID = "3f9c1a2b" + "0" * 56
V = Version(ID, 12, "100644")
ENTRY = LogEntry(ID, 1, None, EVIL, "laptop", "2026-11-22T10:02:11Z", EVIL,
                 {"added": 1, "modified": 0, "deleted": 0},
                 rows=(Change(EVIL, "added", "", ID),), tags=(EVIL,))  # fmt: skip
CHANGE = FileChange(EVIL, "added", "", ID, None, 12, renamed_from=EVIL)
CONFLICT = Conflict(EVIL, V, None, V, EVIL, "2026-11-22T10:02:11Z")
VALUES = [
    Status("s3://b/p", Changes((EVIL,), ("m",), ("d",)), conflicts=(EVIL,), head=ID,
           skipped=(Skipped(EVIL, EVIL),), to_adopt=ToAdopt(1, 2, True, 3, 4)),
    Conflicts((CONFLICT,)),
    SyncResult(ID, 3, conflicts=(EVIL,), skipped=(Skipped(EVIL, EVIL),),
               kept=(Kept(EVIL, EVIL),), requests={"GET": 1},
               adopted=Adopted(ID, False, 1, 2, 3, {"plain": 1}, "log")),
    RestoreResult(ID, 3, 1, skipped=(Skipped(EVIL, EVIL),), kept=(Kept(EVIL, EVIL),)),
    ResetResult(f"s3://{EVIL}", EVIL, missing=(EVIL,)),
    Log((ENTRY,)),
    ENTRY,
    Diff(Side("@~1", ID, 1), Side(), (CHANGE,), skipped=(Skipped(EVIL, EVIL),)),
    Items(ID, 1, (Item(EVIL, ID, 12, "100644", EVIL, "2026"), Item("d/"))),
    Usage("@", ID, 1, 1, 12, (Group(EVIL, 1, 12),)),
    DeletedFiles((Deleted(EVIL, False, 1, 12, 0, EVIL, "2026", 3),)),
    Tags((Tag(EVIL, ID, 1, EVIL, "2026", EVIL), Tag("gone", None, 1, EVIL, "2026")),
         (Skipped(EVIL, EVIL),)),
    UndoResult(ID, 4, True, ID, 3, left=(Skipped(EVIL, EVIL),), conflicts=(EVIL,),
               skipped=(Skipped(EVIL, EVIL),), kept=(Kept(EVIL, EVIL),), requests={"GET": 1}),
    Plan((PlanItem("download", EVIL, 12, EVIL, None, None, V, EVIL, "2026"),)),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
class TestValue:
    def test_it_is_frozen_hashable_and_can_be_sent_to_another_process(self, value):
        with pytest.raises(FrozenInstanceError):
            setattr(value, fields(value)[0].name, None)
        assert hash(value) == hash(pickle.loads(pickle.dumps(value)))
        assert pickle.loads(pickle.dumps(value)) == value

    def test_its_html_shows_no_markup_of_others(self, value):
        shown = value._repr_html_()

        assert "&lt;script&gt;" in shown
        assert "<script" not in shown

    def test_it_holds_no_lists(self, value):
        assert not any(isinstance(getattr(value, each.name), list) for each in fields(value))

    def test_it_can_be_written_as_json(self, value):
        import json

        assert json.loads(json.dumps(value.to_dict())) == value.to_dict()


def test_every_public_value_is_covered_here():
    public = {
        name
        for name in cas_sync.__all__
        if is_dataclass(kind := getattr(cas_sync, name)) and hasattr(kind, "_repr_html_")
    }

    assert public == {type(value).__name__ for value in VALUES}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Status("s"), "<Status: you 0 changed, team 0 changed, 0 conflicts>"),
        (
            Status("s", Changes(("a",)), head=ID, offline=True),
            "<Status: you 1 changed, team not asked, 0 conflicts at 3f9c1a2b>",
        ),
        (SyncResult(), "<SyncResult: nothing to do>"),
        (
            SyncResult(ID, uploaded=1200, skipped=(Skipped("a", ""),)),
            "<SyncResult: 1,200 uploaded, 1 skipped at 3f9c1a2b>",
        ),
        (
            SyncResult(ID, uploaded=2, adopted=Adopted(ID, True, 1200, 2, 0, {}, "log")),
            "<SyncResult: 1,200 adopted, 2 uploaded at 3f9c1a2b>",
        ),
        (
            SyncResult(ID, adopted=Adopted(ID, True, 0, 0, 1, {}, "log")),
            "<SyncResult: 0 adopted at 3f9c1a2b>",
        ),
        (Plan(), "<Plan: nothing>"),
        (
            Plan((PlanItem("upload", "a"), PlanItem("conflict", "b"))),
            "<Plan: 1 upload, 1 conflict>",
        ),
        (Conflicts(), "<Conflicts: none>"),
        (Log(), "<Log: 0 commits>"),
        (ENTRY, f"<LogEntry 3f9c1a2b #1 2026-11-22T10:02:11Z {EVIL}: {EVIL} ({EVIL})>"),
        (
            Diff(Side("@~1", ID, 1), Side()),
            "<Diff: 0 files differ from 3f9c1a2b (#1) to the data folder>",
        ),
        (Items(ID, 1), "<Items: 0 at 3f9c1a2b (#1)>"),
        (Usage("@", ID, 1, 1200, 5), "<Usage: 1,200 files, 5 bytes at 3f9c1a2b (#1)>"),
        (DeletedFiles(), "<DeletedFiles: none>"),
        (Tags((Tag("v1", ID, 1, "ana", "2026"),)), "<Tags: v1>"),
        (Tag("v1", ID, 1, "ana", "2026"), "<Tag v1: 3f9c1a2b (#1)>"),
        (Tag("v1", None, 1, "ana", "2026"), "<Tag v1: taken back, was (#1)>"),
        (UndoResult(), "<UndoResult: nothing was undone>"),
        (
            UndoResult(None, 4, True, ID, 3, 30, 2),
            "<UndoResult: 3f9c1a2b (#3) is undone: 30 brought back, 2 taken out for everyone>",
        ),
    ],
)
def test_a_value_says_in_short_what_it_is(value, text):
    assert repr(value) == text


def test_an_adoption_is_told_wherever_a_sync_is():
    adopted = Adopted(ID, True, 1200, 9, 3, {"plain": 1200}, ".S3/logs/adoption.csv")
    result = SyncResult(ID, adopted=adopted)

    assert result.to_dict()["adopted"]["counts"] == {"plain": 1200}
    assert SyncResult(ID).to_dict()["adopted"] is None
    assert ".S3/logs/adoption.csv" in result._repr_html_()
    assert "1,200 adopted" in result._repr_html_()


def test_a_long_table_says_how_much_is_left_out():
    plan = Plan(tuple(PlanItem("upload", f"{i}.csv") for i in range(150)))

    shown = plan._repr_html_()

    assert shown.count("<tr>") == 101
    assert "and 50 more" in shown


def test_sequences_are_sequences():
    plan = Plan((PlanItem("upload", "a"), PlanItem("upload", "b")))

    assert [plan[0].path, plan[-1].path, len(plan), bool(Plan())] == ["a", "b", 2, False]
    assert plan.counts == {"upload": 2}
    assert [item.path for item in plan[1:]] == ["b"]
    assert list(Changes(("n",), ("m",), ("d",))) == ["n", "m", "d"]


def test_what_remains_shows_in_the_exit_code():
    assert SyncResult().exit_code == 0
    assert SyncResult(conflicts=("a",)).exit_code == 3
    assert RestoreResult(ID, 1, skipped=(Skipped("a", "b"),)).exit_code == 3
    assert UndoResult(left=(Skipped("a", "b"),)).exit_code == 0
    assert UndoResult(hindered=True).exit_code == 3
