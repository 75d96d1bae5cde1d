"""Every object gets a place; a row is believed only about the content it names."""

import hashlib

import pytest

from cas_sync.model.foreign import ForeignObject, SeedRow
from cas_sync.model.ids import ObjectId
from cas_sync.model.tree import Mode
from cas_sync.plan.adoption import Kind, Part, sort_out, sum_up
from cas_sync.plan.adoption_match import Taken, match

THERE = "2026-11-22T10:02:11Z"
THERE_NS = 1_795_341_731_000_000_000
EDITED = "2022-01-05T10:11:12Z"


def md5(data):
    return hashlib.md5(data).hexdigest()


def row(name, data, who="Ana", edited=EDITED):
    return SeedRow(name, who, edited, md5(data))


def adopt(objects, live=(), dead=(), executables=()):
    places = sort_out(ForeignObject(key, len(data), THERE_NS) for key, data in objects.items())
    taken = {key: Taken(ObjectId.of(data), md5(data)) for key, data in objects.items()}
    return match(places, taken, live, dead, "zoe", executables)


def seed(objects, live=(), dead=(), **more):
    return adopt({".S3/versions.csv": b"", **objects}, live, dead, **more)


def kinds(adoption):
    found = {}
    for each in adoption.findings:
        if each.kind is not Kind.BOOKKEEPING:
            found.setdefault(each.key or each.path, []).append(each.kind)
    return {key: kinds[0] if len(kinds) == 1 else kinds for key, kinds in found.items()}


def signed(adoption):
    return {e.path: (e.editor, e.edited) for e in adoption.entries}


def held(adoption):
    return {e.path: e.content.id for e in adoption.entries}


# -- places -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "part", "name"),
    [
        ("a.csv", Part.FILE, "a.csv"),
        ("007", Part.FILE, "007"),
        ("backup.S3export.csv", Part.FILE, "backup.S3export.csv"),
        (".S3backup/x", Part.FILE, ".S3backup/x"),
        ("/a.csv", Part.FILE, "a.csv"),
        ("//a.csv", Part.FILE, "a.csv"),
        ("e\u0301.csv", Part.FILE, "\u00e9.csv"),
        (".S3/versions.csv", Part.MANIFEST, "versions.csv"),
        ("/.S3/versions.csv", Part.MANIFEST, "versions.csv"),
        (".S3/versions_remote.csv", Part.MANIFEST, "versions_remote.csv"),
        (".S3/deletedS3.csv", Part.MANIFEST, "deletedS3.csv"),
        (".S3/deleted_remote.csv", Part.MANIFEST, "deleted_remote.csv"),
        (".S3/deleted/data.csv", Part.DELETED, "data.csv"),
        (".S3/deleted/x/data.csv", Part.DELETED, "x/data.csv"),
    ],
)
def test_what_an_object_is_shows_in_its_key(key, part, name):
    (place,) = sort_out([ForeignObject(key, 1, 0)])

    assert (place.part, place.name, place.reason) == (part, name, "")


@pytest.mark.parametrize(
    "key",
    [
        "x/",
        "/",
        "a//b",
        "../up",
        "a/../b",
        "line\nbreak",
        "back\\slash",
        "a/.S3/b",
        ".s3/versions.csv",
        ".S3/logs/2022.txt",
        ".S3/tmp/0123/x",
        ".S3/aws.txt",
        ".S3/deleted/",
        ".S3/deleted/../x",
        "sub/.DS_Store",
        ".git/config",
        "x" * 300,
        "\udcff",
    ],
)
def test_what_cannot_be_a_file_is_left_out_and_says_why(key):
    (place,) = sort_out([ForeignObject(key, 0, 0)])

    assert place.part is Part.LEFT_OUT
    assert place.reason


def test_what_cannot_be_read_is_left_out_and_says_why():
    (place,) = sort_out([ForeignObject("link", 0, 0, problem="it is a link")])

    assert (place.part, place.reason) == (Part.LEFT_OUT, "it is a link")


def test_a_prefix_without_files_holds_nothing_to_adopt():
    places = sort_out(ForeignObject(key, 0, 0) for key in ("x/", ".S3/versions.csv"))

    assert sum_up(places) is None


def test_what_lies_there_is_summed_up():
    keys = ("b", "a", ".S3/versions.csv", ".S3/deleted/gone", "x/")

    foreign = sum_up(sort_out(ForeignObject(key, 10, 0) for key in keys))

    assert foreign is not None
    assert (foreign.n_files, foreign.size, foreign.is_seed) == (2, 20, True)
    assert (foreign.n_deleted, foreign.deleted_size, foreign.n_left_out) == (1, 10, 1)
    assert foreign.sample == ("a", "b")


# -- editors and times --------------------------------------------------------------


def test_a_row_with_the_same_checksum_gives_editor_and_time():
    adoption = seed({"a": b"1"}, [row("a", b"1", "Bo")])

    assert kinds(adoption) == {"a": Kind.VERIFIED}
    assert signed(adoption) == {"a": ("Bo", EDITED)}


def test_a_stale_row_is_not_believed():
    adoption = seed({"a": b"new"}, [row("a", b"old", "Bo")])

    assert kinds(adoption) == {"a": Kind.UNVERIFIED}
    assert signed(adoption) == {"a": ("unknown", THERE)}
    assert held(adoption) == {"a": ObjectId.of(b"new")}
    assert "Bo" in adoption.findings[0].reason


def test_an_object_whose_row_was_lost_is_taken_all_the_same():
    adoption = seed({"a": b"1"})

    assert kinds(adoption) == {"a": Kind.LOST_ROW}
    assert signed(adoption) == {"a": ("unknown", THERE)}


def test_plain_files_are_signed_by_whoever_adopts_them():
    adoption = adopt({"a": b"1"})

    assert kinds(adoption) == {"a": Kind.PLAIN}
    assert signed(adoption) == {"a": ("zoe (adopted)", THERE)}


def test_a_row_without_a_time_leaves_that_of_the_object():
    adoption = seed({"a": b"1"}, [row("a", b"1", "Bo", None)])

    assert signed(adoption) == {"a": ("Bo", THERE)}


def test_of_two_manifests_the_row_that_fits_wins():
    rows = [row("a", b"1", "Ana"), row("a", b"2", "Bo")]

    for live in (rows, rows[::-1]):
        assert signed(seed({"a": b"2"}, live)) == {"a": ("Bo", EDITED)}


def test_a_row_without_an_object_is_told():
    adoption = seed({}, [row("ghost", b"1")])

    assert kinds(adoption) == {"ghost": Kind.GHOST}


def test_a_name_that_pandas_changed_is_not_guessed_but_hinted_at():
    adoption = seed({"007": b"1"}, [row("7", b"1", "Bo")])

    assert kinds(adoption) == {"007": Kind.LOST_ROW, "7": Kind.GHOST}
    assert signed(adoption) == {"007": ("unknown", THERE)}
    assert "007" in adoption.findings[1].reason


def test_a_file_that_is_executable_here_stays_so():
    here = {("run.sh", ObjectId.of(b"1")), ("other.sh", ObjectId.of(b"not this"))}

    adoption = seed({"run.sh": b"1", "other.sh": b"1"}, executables=here)

    assert {e.path: e.content.mode for e in adoption.entries} == {
        "run.sh": Mode.EXEC,
        "other.sh": Mode.FILE,
    }


# -- deleted files ------------------------------------------------------------------


def gone(adoption):
    return {g.entry.path: (g.entry.content.id, g.entry.editor) for g in adoption.gone}


def test_deleted_files_kept_by_path_get_their_rows():
    adoption = seed({".S3/deleted/x/d": b"1"}, dead=[row("x/d", b"1", "Bo")])

    assert gone(adoption) == {"x/d": (ObjectId.of(b"1"), "Bo")}
    assert (adoption.gone[0].deleter, adoption.gone[0].deleted) == ("Bo", THERE)
    assert adoption.gone[0].entry.edited == EDITED


def test_deleted_files_kept_by_bare_name_are_told_apart_by_checksum():
    rows = [row("x/d", b"1", "Ana"), row("y/d", b"2", "Bo")]

    adoption = seed({".S3/deleted/d": b"2"}, dead=rows)

    assert gone(adoption) == {"y/d": (ObjectId.of(b"2"), "Bo")}
    assert kinds(adoption) == {".S3/deleted/d": Kind.DELETED, "x/d": Kind.DELETED_GONE}


def test_one_object_serves_every_deleted_file_that_held_it():
    rows = [row("x/d", b"1", "Ana"), row("y/d", b"1", "Bo")]

    adoption = seed({".S3/deleted/d": b"1"}, dead=rows)

    assert set(gone(adoption)) == {"x/d", "y/d"}
    assert sum(each.key == ".S3/deleted/d" for each in adoption.findings) == 1


def test_a_path_deleted_twice_keeps_both_contents_where_both_were_kept():
    rows = [
        row("x/d", b"1", "Ana", "2022-01-01T00:00:00Z"),
        row("x/d", b"2", "Bo", "2023-01-01T00:00:00Z"),
    ]

    adoption = seed({".S3/deleted/d": b"1", ".S3/deleted/x/d": b"2"}, dead=rows)

    assert gone(adoption)["x/d"] == (ObjectId.of(b"2"), "Bo")
    (other,) = set(gone(adoption)) - {"x/d"}
    assert other.startswith("x/d.conflict-Ana-")
    assert gone(adoption)[other] == (ObjectId.of(b"1"), "Ana")


def test_a_deleted_file_without_a_row_keeps_its_name():
    adoption = seed({".S3/deleted/d": b"1"})

    assert gone(adoption) == {"d": (ObjectId.of(b"1"), "unknown")}
    assert adoption.findings[0].reason


def test_a_listed_file_that_lies_among_the_deleted_is_one():
    adoption = seed({".S3/deleted/x/d": b"1"}, [row("x/d", b"1", "Bo")])

    assert gone(adoption) == {"x/d": (ObjectId.of(b"1"), "Bo")}
    assert kinds(adoption) == {".S3/deleted/x/d": Kind.DELETED}


def test_rows_repeated_by_pandas_are_one():
    rows = [row("x/d", b"1")] * 3

    assert len(seed({".S3/deleted/x/d": b"1"}, dead=rows).gone) == 1
    assert kinds(seed({}, rows, rows)) == {"x/d": Kind.DELETED_GONE}


# -- names --------------------------------------------------------------------------


def test_a_file_gives_way_to_a_folder_of_its_name():
    adoption = seed({"a": b"1", "a/b": b"2"})

    moved = next(path for path in held(adoption) if path != "a/b")
    assert moved.startswith("a.conflict-unknown-")
    assert kinds(adoption) == {"a": Kind.SET_ASIDE, "a/b": Kind.LOST_ROW}


def test_names_that_differ_in_case_are_told_apart():
    adoption = seed({"Read.me": b"1", "read.me": b"2"})

    assert held(adoption)["Read.me"] == ObjectId.of(b"1")
    assert set(held(adoption).values()) == {ObjectId.of(b"1"), ObjectId.of(b"2")}
    assert kinds(adoption)["read.me"] is Kind.SET_ASIDE


def test_a_folder_is_spelled_in_one_way():
    adoption = seed({"Data/x": b"1", "data/y": b"2", "data/sub/Z": b"3", "Data/Sub/q": b"4"})

    assert set(held(adoption)) == {"Data/x", "Data/y", "Data/Sub/Z", "Data/Sub/q"}


def test_what_would_get_a_taken_name_is_told_apart():
    adoption = seed({"a": b"1", "/a": b"2", "e\u0301": b"3", "\u00e9": b"4"})

    assert held(adoption)["a"] == ObjectId.of(b"1")
    assert held(adoption)["\u00e9"] == ObjectId.of(b"4")
    assert len(held(adoption)) == 4
    assert kinds(adoption)["/a"] is Kind.SET_ASIDE


def test_the_same_file_twice_under_one_name_is_left_out_the_third_time():
    adoption = seed({"a": b"1", "/a": b"2", "//a": b"2"})

    assert len(held(adoption)) == 2
    assert sorted(kinds(adoption).values()) == [Kind.LEFT_OUT, Kind.LOST_ROW, Kind.SET_ASIDE]


def test_names_that_windows_cannot_hold_are_taken_and_told():
    adoption = seed({"con.txt": b"1"})

    assert set(held(adoption)) == set(adoption.warnings) == {"con.txt"}
