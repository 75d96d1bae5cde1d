"""What people do all day, and what must come of it."""

import csv
import os
import random
import socket
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from blake3 import blake3

from cas_sync.formats.cells import unescape
from tests.support.people import Opened, tree

SLOW = pytest.mark.skipif(
    not os.environ.get("CAS_SYNC_SLOW"), reason="takes minutes; set CAS_SYNC_SLOW=1"
)

ODD_FILES = {
    "plain.csv": b"a,b\n1,2\n",
    "with spaces in it.txt": b"spaces",
    "a,comma.txt": b"comma",
    'a "quoted" one.txt': b"quotes",
    "it's.txt": b"apostrophe",
    "'led by one": b"guarded",
    "007": b"bond",
    "NA": b"not missing",
    "null/None/nan": b"words",
    "=1+2.csv": b"formula",
    "+plus": b"plus",
    "-minus": b"minus",
    "@at": b"at",
    "#end": b"no end",
    "#end,3,,x": b"no end either",
    "semi;colon": b"semicolon",
    " leading": b"space",
    "Ünï/cödé/数据/😀.txt": "ünï".encode(),
    "e\u0301te\u0301.txt".replace("e\u0301", "é"): b"composed",
    "empty": b"",
    "one": b"1",
    "deep/er/and/deeper/file.bin": bytes(range(256)) * 1000,
    "a/b": b"folder first",
    "a.b": b"dot after slash",
    "a b": b"space before dot",
}


def random_bytes(size: int, seed: int) -> bytes:
    source = random.Random(seed)
    pieces = [source.randbytes(min(1 << 24, size - at)) for at in range(0, size, 1 << 24)]
    return b"".join(pieces)


def fill(person, files=ODD_FILES):
    for path, data in files.items():
        person.write(path, data)


def many(person, n, prefix="f"):
    for i in range(n):
        person.write(f"{prefix}{i:03d}.txt", f"{prefix} {i}")


def test_two_people_end_with_the_same_files(place):
    ana, bo = place.team("ana", "bo")
    fill(ana)
    ana.write("run.sh", b"#!/bin/sh\n", executable=True)
    os.symlink("../plain.csv", ana.data / "a" / "link")
    os.symlink("nowhere", ana.data / "dangling")

    first = ana.sync()
    bo.run("clone", place.url, str(bo.project), "--data", "Data")

    n = len(ODD_FILES) + 3
    assert (first["uploaded"], first["seq"], first["skipped"]) == (n, 1, [])
    assert tree(bo.data) == tree(ana.data)
    assert tree(bo.data)["run.sh"] == (b"#!/bin/sh\n", True)
    assert tree(bo.data)["a/link"] == ("../plain.csv", False)
    assert len(tree(bo.data)) == n


def test_the_first_sync_writes_the_configuration(folder):
    (ana,) = folder.team("ana")
    ana.write("x", "x")

    ana.run("sync", "-y", "--store", folder.url, "--data", "Data")

    said = (ana.project / "cas-sync.json").read_text()
    assert folder.url in said
    assert '"data": "Data"' in said
    assert ana.sync()["published"] is False


def test_the_checksum_column_is_what_b3sum_prints(folder):
    (ana,) = folder.team("ana")
    fill(ana)
    ana.sync()

    rows = {}
    for page in Path(folder.url).rglob("versions_*.csv"):
        text = page.read_text(encoding="utf-8")
        for row in csv.DictReader(text.splitlines()):
            if row["Mode"]:
                rows[unescape(row["File"])] = row

    assert rows.keys() == ODD_FILES.keys()
    for path, row in rows.items():
        assert row["Checksum"] == blake3(ODD_FILES[path]).hexdigest()
        assert row["Size"] == str(len(ODD_FILES[path]))
        assert row["Edited By"] == "ana"


def test_a_second_sync_changes_nothing_and_opens_no_data_file(folder):
    (ana,) = folder.team("ana")
    fill(ana)
    ana.sync()
    ana.settle()
    ana.sync()
    before = tree(ana.data)

    with Opened() as opened:
        again = ana.sync()

    touched = [path for path in opened.paths if path in ODD_FILES or "/Data/" in path]
    assert [path for path in touched if "/.S3/" not in path] == []
    assert opened.paths
    counts = [again[name] for name in ("uploaded", "downloaded", "deleted_remote")]
    assert (counts, again["published"], again["seq"]) == ([0, 0, 0], False, 1)
    assert tree(ana.data) == before


@pytest.mark.s3
def test_a_sync_that_finds_nothing_makes_two_requests_at_most(through, proxy):
    ana, bo = through.team("ana", "bo")
    fill(ana)
    ana.sync()
    bo.sync()

    for person in (ana, bo):
        proxy.forget()
        summary = person.sync()
        assert sum(proxy.requests.values()) <= 2
        assert sum(summary["requests"].values()) == sum(proxy.requests.values())


@pytest.mark.s3
def test_one_small_change_makes_eight_requests_at_most(through, proxy):
    ana, bo = through.team("ana", "bo")
    many(ana, 50)
    ana.sync()
    bo.sync()
    ana.write("f007.txt", "edited")

    proxy.forget()
    sent = ana.sync()
    n_sent = sum(proxy.requests.values())
    proxy.forget()
    received = bo.sync()
    n_received = sum(proxy.requests.values())

    assert (sent["uploaded"], received["downloaded"]) == (1, 1)
    assert n_sent <= 8
    assert n_received <= 8
    assert bo.read("f007.txt") == b"edited"


@pytest.mark.s3
def test_the_summary_counts_what_went_over_the_wire(through, proxy):
    (ana,) = through.team("ana")
    ana.write("noise", random_bytes(1 << 20, 1))
    proxy.forget()

    summary = ana.sync()

    with proxy._lock:
        by_method = Counter(record.method for record in proxy.records)
        up = sum(record.bytes_up for record in proxy.records if record.method == "PUT")
    assert summary["requests"] == dict(by_method)
    assert summary["bytes_up"] >= 1 << 20
    assert abs(summary["bytes_up"] - up) < 4096


def test_a_rename_uploads_no_content(place):
    ana, bo = place.team("ana", "bo")
    data = random_bytes(5_000_000, 2)
    ana.write("old name.bin", data)
    ana.sync()
    bo.sync()
    (ana.data / "sub").mkdir()
    (ana.data / "old name.bin").rename(ana.data / "sub" / "new name.bin")

    sent = ana.sync()
    bo.sync()

    assert sent["bytes_up"] < 20_000
    assert tree(bo.data) == {"sub/new name.bin": (data, False)}


def inserted_share(place, size) -> float:
    (ana,) = place.team("ana")
    data = random_bytes(size, 3)
    ana.write("big.bin", data)
    ana.sync()
    half = size // 2
    ana.write("big.bin", data[:half] + random_bytes(1024, 4) + data[half:])
    share: float = ana.sync()["bytes_up"] / size
    return share


def test_a_kibibyte_put_into_64_mb_sends_less_than_a_hundredth(folder):
    assert inserted_share(folder, 64 << 20) < 0.01


@SLOW
@pytest.mark.slow
@pytest.mark.s3
def test_a_kibibyte_put_into_256_mb_sends_less_than_a_hundredth(s3):
    assert inserted_share(s3, 256 << 20) < 0.01


def test_a_large_file_arrives_whole(place):
    ana, bo = place.team("ana", "bo")
    data = random_bytes(30 << 20, 5) + b"\0" * (10 << 20)
    ana.write("big.bin", data)
    ana.sync()

    bo.sync()

    assert bo.read("big.bin") == data


def test_edits_to_different_files_merge_without_a_question(place):
    ana, bo = place.team("ana", "bo")
    many(ana, 12)
    ana.sync()
    bo.sync()
    ana.write("f001.txt", "by ana")
    bo.write("f002.txt", "by bo")
    bo.write("new/by bo.txt", "new")
    ana.delete("f003.txt")

    ana.sync()
    merged = bo.sync()
    ana.sync()

    assert merged["conflicts"] == []
    assert tree(ana.data) == tree(bo.data)
    assert ana.read("f001.txt") == b"by ana"
    assert ana.read("f002.txt") == b"by bo"
    assert "f003.txt" not in ana.paths()
    assert [each["author"] for each in ana.log()] == ["bo", "ana", "ana"]


def in_conflict(place):
    ana, bo = place.team("ana", "bo")
    ana.write("t.csv", "base")
    ana.write("other", "base")
    ana.sync()
    bo.sync()
    ana.write("t.csv", "by ana")
    ana.sync()
    bo.write("t.csv", "by bo!")
    bo.write("other", "by bo")
    return ana, bo


def test_a_conflict_is_listed_and_left_alone_on_both_sides(place):
    ana, bo = in_conflict(place)

    summary = bo.sync(exit=3)

    assert summary["conflicts"] == ["t.csv"]
    assert summary["exit"] == 3
    assert bo.read("t.csv") == b"by bo!"
    assert bo.status()["conflicts"] == ["t.csv"]
    ana.sync()
    assert ana.read("t.csv") == b"by ana"
    assert ana.read("other") == b"by bo"
    assert bo.sync(exit=3)["conflicts"] == ["t.csv"]


def test_keep_both_keeps_both_for_everyone(place):
    ana, bo = in_conflict(place)

    bo.sync("--on-conflict", "keep-both")
    ana.sync()

    name = f"t.conflict-bo-{blake3(b'by bo!').hexdigest()[:8]}.csv"
    assert tree(ana.data) == tree(bo.data)
    assert tree(ana.data) == {
        "t.csv": (b"by ana", False),
        name: (b"by bo!", False),
        "other": (b"by bo", False),
    }
    assert bo.sync()["published"] is False
    assert ana.sync()["published"] is False


def test_a_conflict_left_open_can_be_settled_later(folder):
    ana, bo = in_conflict(folder)
    bo.sync(exit=3)

    bo.sync("t.csv", "--on-conflict", "keep-both")
    ana.sync()

    assert len(ana.paths()) == 3
    assert tree(ana.data) == tree(bo.data)


def conflict_again(ana, bo):
    """Make the conflict that was settled by keeping both once more, byte for byte."""
    ana.write("t.csv", "by ana again")
    ana.sync()
    bo.write("t.csv", "by bo!")


def test_keeping_the_same_version_twice_makes_one_copy(folder):
    ana, bo = in_conflict(folder)
    bo.sync("--on-conflict", "keep-both")
    conflict_again(ana, bo)

    bo.sync("--on-conflict", "keep-both")
    ana.sync()

    assert tree(ana.data) == tree(bo.data)
    assert len(ana.paths()) == 3
    assert ana.log()[0]["files"] == 3
    assert bo.sync()["published"] is False


def test_a_copy_that_was_edited_is_not_replaced_by_another_copy(folder):
    ana, bo = in_conflict(folder)
    bo.sync("--on-conflict", "keep-both")
    (name,) = [path for path in bo.paths() if ".conflict-" in path]
    bo.write(name, "worked on since")
    bo.sync()
    conflict_again(ana, bo)

    summary = bo.sync("--on-conflict", "keep-both", exit=3)

    assert summary["skipped"] == ["t.csv"]
    assert (bo.read(name), bo.read("t.csv")) == (b"worked on since", b"by bo!")
    ana.sync()
    assert ana.read(name) == b"worked on since"


def test_mine_publishes_ours_and_keeps_theirs_in_history(folder):
    ana, bo = in_conflict(folder)

    bo.sync("--on-conflict", "mine")
    ana.sync()

    assert ana.read("t.csv") == bo.read("t.csv") == b"by bo!"
    with ana.repository() as stored:
        assert b"by ana" in stored.all_contents()
    assert len(ana.log("t.csv")) == 3


def test_theirs_takes_theirs_and_keeps_ours_findable(place):
    _, bo = in_conflict(place)

    bo.sync("--on-conflict", "theirs")

    assert bo.read("t.csv") == b"by ana"
    with bo.repository() as stored:
        (lost,) = [row for row in stored.deletions() if row.entry.path == "t.csv"]
        assert stored.content(lost.entry.content) == b"by bo!"
    assert (lost.deleter, lost.seq) == ("bo", 3)
    assert bo.sync()["published"] is False


def test_fail_changes_nothing_anywhere(folder):
    ana, bo = in_conflict(folder)
    before = tree(bo.data)

    summary = bo.sync("--on-conflict", "fail", exit=3)

    assert summary["conflicts"] == ["t.csv"]
    assert tree(bo.data) == before
    assert (ana.log()[0]["seq"], summary["published"]) == (2, False)


def test_both_adding_the_same_content_is_no_conflict(folder):
    ana, bo = folder.team("ana", "bo")
    ana.write("same", "same")
    bo.write("same", "same")

    ana.sync()
    summary = bo.sync()

    assert (summary["conflicts"], summary["published"]) == ([], False)


def test_both_adding_different_content_is_a_conflict(folder):
    ana, bo = folder.team("ana", "bo")
    ana.write("new", "by ana")
    bo.write("new", "by bo")

    ana.sync()

    assert bo.sync(exit=3)["conflicts"] == ["new"]


def test_our_edit_survives_their_deletion(folder):
    ana, bo = folder.team("ana", "bo")
    many(ana, 3)
    ana.sync()
    bo.sync()
    ana.delete("f000.txt")
    ana.sync()
    bo.write("f000.txt", "edited by bo")

    bo.sync()
    ana.sync()

    assert ana.read("f000.txt") == bo.read("f000.txt") == b"edited by bo"


def test_their_edit_survives_our_deletion(folder):
    ana, bo = folder.team("ana", "bo")
    many(ana, 3)
    ana.sync()
    bo.sync()
    ana.write("f000.txt", "edited by ana")
    ana.sync()
    bo.delete("f000.txt")

    bo.sync()
    ana.sync()

    assert ana.read("f000.txt") == bo.read("f000.txt") == b"edited by ana"


def test_a_deletion_is_told_and_everything_of_it_kept(place):
    ana, bo = place.team("ana", "bo")
    many(ana, 3)
    ana.write("doomed.txt", "precious")
    ana.sync()
    bo.sync()
    ana.delete("doomed.txt")

    deleted = ana.sync("-m", "clean up")
    removed = bo.sync()

    assert (deleted["deleted_remote"], removed["deleted_local"]) == (1, 1)
    assert "doomed.txt" not in bo.paths()
    with ana.repository() as stored:
        (row,) = stored.deletions()
        assert stored.content(row.entry.content) == b"precious"
    assert (row.entry.path, row.deleter, row.seq) == ("doomed.txt", "ana", 2)
    assert row.deleted.startswith("20")
    assert bo.kept() == {b"precious"}
    assert [each["message"] for each in ana.log()] == ["clean up", ""]
    if "://" not in place.url:
        (page,) = Path(place.url).rglob("deleted_*.csv")
        assert "doomed.txt,ana," in page.read_text()


def both_changed(folder):
    """Return two people who each edited, added and deleted something."""
    ana, bo = folder.team("ana", "bo")
    many(ana, 20)
    ana.sync()
    bo.sync()
    ana.write("f000.txt", "ana edits")
    ana.write("by ana", "ana adds")
    ana.delete("f001.txt")
    ana.sync()
    bo.write("f010.txt", "bo edits")
    bo.write("by bo", "bo adds")
    bo.delete("f011.txt")
    return ana, bo


def finish(ana, bo):
    bo.sync()
    ana.sync()
    assert tree(ana.data) == tree(bo.data)
    assert ana.read("f000.txt") == b"ana edits"
    assert ana.read("f010.txt") == b"bo edits"
    assert {"by ana", "by bo"} <= ana.paths()
    assert not {"f001.txt", "f011.txt"} & ana.paths()
    assert bo.sync()["published"] is False


def test_push_only_writes_nothing_here(folder):
    ana, bo = both_changed(folder)
    before = tree(bo.data)

    summary = bo.sync("--push-only")

    assert tree(bo.data) == before
    assert (summary["uploaded"], summary["deleted_remote"]) == (2, 1)
    assert (summary["downloaded"], summary["deleted_local"]) == (0, 0)
    finish(ana, bo)


def test_pull_only_publishes_nothing(folder):
    ana, bo = both_changed(folder)

    summary = bo.sync("--pull-only")

    assert (summary["published"], summary["uploaded"]) == (False, 0)
    assert (summary["downloaded"], summary["deleted_local"]) == (2, 1)
    assert len(ana.log()) == 2
    assert bo.read("f010.txt") == b"bo edits"
    assert "f011.txt" not in bo.paths()
    finish(ana, bo)


def test_no_deletes_carries_no_deletion_over(folder):
    ana, bo = both_changed(folder)

    summary = bo.sync("--no-deletes")

    assert (summary["deleted_local"], summary["deleted_remote"]) == (0, 0)
    assert "f001.txt" in bo.paths()
    ana.sync()
    assert "f011.txt" in ana.paths()
    finish(ana, bo)


def test_a_dry_run_changes_nothing(folder):
    ana, bo = both_changed(folder)
    before = tree(bo.data)

    said = bo.run("sync", "--dry-run")

    assert tree(bo.data) == before
    assert len(ana.log()) == 2
    assert "by bo" in said.stdout
    assert "by ana" in said.stdout
    finish(ana, bo)


@pytest.mark.parametrize(
    "choice", [["by bo"], ["--only", "by*"], ["--exclude", "f*"], ["--only", "/by bo"]]
)
def test_a_part_of_the_folder_can_be_synced_alone(folder, choice):
    ana, bo = both_changed(folder)

    summary = bo.sync(*choice)

    assert summary["uploaded"] == 1
    assert summary["deleted_remote"] == summary["deleted_local"] == 0
    assert bo.read("f000.txt") != b"ana edits"
    ana.sync()
    assert "by bo" in ana.paths()
    assert ana.read("f010.txt") != b"bo edits"
    finish(ana, bo)


def test_a_folder_can_be_synced_alone(folder):
    ana, bo = folder.team("ana", "bo")
    many(ana, 5, "in/f")
    many(ana, 5, "out/f")
    ana.sync()
    bo.sync()
    bo.write("in/f000.txt", "changed")
    bo.write("out/f000.txt", "changed")
    bo.delete("out/f001.txt", "in/f001.txt")

    bo.sync("Data/in")
    ana.sync()

    assert ana.read("in/f000.txt") == b"changed"
    assert ana.read("out/f000.txt") != b"changed"
    assert "out/f001.txt" in ana.paths()
    assert "in/f001.txt" not in ana.paths()


def test_what_is_ignored_is_never_deleted(folder):
    ana, bo = folder.team("ana", "bo")
    many(ana, 5)
    ana.write("scratch/a.tmp", "mine")
    ana.sync()
    bo.sync()
    ana.configure(ignore=["scratch/", "*.log"])
    ana.write("x.log", "mine")

    ana.sync()
    ana.delete("scratch/a.tmp")
    ana.sync()
    bo.sync()

    assert bo.read("scratch/a.tmp") == b"mine"
    assert "x.log" not in bo.paths()
    bo.write("scratch/a.tmp", "changed by bo")
    bo.sync()
    ana.sync()
    assert "scratch/a.tmp" not in ana.paths()
    assert ana.read("x.log") == b"mine"


def test_a_folder_takes_the_name_of_a_file(place):
    ana, bo = place.team("ana", "bo")
    many(ana, 3)
    ana.write("thing", "a file")
    ana.sync()
    bo.sync()
    ana.delete("thing")
    ana.write("thing/inside", "now a folder")

    ana.sync()
    bo.sync()

    assert tree(bo.data) == tree(ana.data)
    assert bo.read("thing/inside") == b"now a folder"


def test_a_file_takes_the_name_of_a_folder(folder):
    ana, bo = folder.team("ana", "bo")
    many(ana, 3)
    ana.write("thing/inside", "in a folder")
    ana.sync()
    bo.sync()
    ana.delete("thing/inside")
    (ana.data / "thing").rmdir()
    ana.write("thing", "now a file")

    ana.sync()
    bo.sync()

    assert tree(bo.data) == tree(ana.data)
    assert bo.read("thing") == b"now a file"


def test_a_folder_keeps_its_name_over_a_file_of_a_teammate(folder):
    ana, bo = folder.team("ana", "bo")
    many(ana, 3)
    ana.sync()
    bo.sync()
    ana.write("thing/inside", "a folder")
    bo.write("thing", "a file")

    ana.sync()
    bo.sync(exit=None)
    ana.sync(exit=None)
    bo.sync()

    assert tree(ana.data) == tree(bo.data)
    assert ana.read("thing/inside") == b"a folder"
    assert b"a file" in {data for data, _ in tree(ana.data).values()}


def test_a_file_gives_way_to_a_folder_of_a_teammate(folder):
    ana, bo = folder.team("ana", "bo")
    many(ana, 3)
    ana.sync()
    bo.sync()
    ana.write("thing", "a file")
    bo.write("thing/inside", "a folder")

    ana.sync()
    bo.sync(exit=None)
    ana.sync(exit=None)
    bo.sync()

    assert tree(ana.data) == tree(bo.data)
    assert ana.read("thing/inside") == b"a folder"
    assert b"a file" in {data for data, _ in tree(ana.data).values()}


def test_a_change_of_mode_alone_travels(place):
    ana, bo = place.team("ana", "bo")
    ana.write("run.sh", "#!/bin/sh\n")
    ana.sync()
    bo.sync()
    (ana.data / "run.sh").chmod(0o755)

    sent = ana.sync()
    bo.sync()

    assert tree(bo.data)["run.sh"] == (b"#!/bin/sh\n", True)
    assert sent["uploaded"] == 1
    assert bo.sync()["published"] is False


def test_a_file_that_becomes_a_link_travels(folder):
    ana, bo = folder.team("ana", "bo")
    ana.write("a", "target")
    ana.write("b", "a")
    ana.sync()
    bo.sync()
    ana.delete("b")
    os.symlink("a", ana.data / "b")

    ana.sync()
    bo.sync()

    assert tree(bo.data)["b"] == ("a", False)


def test_what_cannot_be_read_is_named_and_never_deleted(folder):
    ana, bo = folder.team("ana", "bo")
    many(ana, 3)
    ana.write("was a file", "precious")
    ana.write("sub/a", "precious too")
    ana.sync()
    bo.sync()
    ana.delete("was a file", "sub/a")
    os.mkfifo(ana.data / "was a file")
    os.mkfifo(ana.data / "pipe")
    with closing(socket.socket(socket.AF_UNIX)) as sock:
        here = os.open(ana.data, os.O_RDONLY)
        try:
            sock.bind(f"/proc/self/fd/{here}/sock")
        finally:
            os.close(here)
        os.mkfifo(ana.data / "sub" / "a")

        summary = ana.sync(exit=3)

    assert set(summary["skipped"]) == {"was a file", "pipe", "sock", "sub/a"}
    assert summary["deleted_remote"] == 0
    bo.sync()
    assert bo.read("was a file") == b"precious"
    assert bo.read("sub/a") == b"precious too"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permission_is_named_and_never_deleted(folder):
    ana, bo = folder.team("ana", "bo")
    many(ana, 3)
    ana.write("closed/a", "precious")
    ana.sync()
    bo.sync()
    (ana.data / "closed").chmod(0)

    summary = ana.sync(exit=3)
    (ana.data / "closed").chmod(0o755)

    assert summary["deleted_remote"] == 0
    assert summary["skipped"]
    bo.sync()
    assert bo.read("closed/a") == b"precious"


def test_names_that_differ_by_case_only_are_refused_and_told(folder):
    ana, bo = folder.team("ana", "bo")
    many(ana, 3)
    ana.write("Table.csv", "one")
    ana.sync()
    ana.write("table.csv", "two")

    summary = ana.sync(exit=3)

    assert summary["skipped"] == ["table.csv"]
    skip = next(
        each
        for each in ana.run("sync", "-y", "--json", exit=3).events
        if each["event"] == "skip"
    )
    assert "Table.csv" in skip["reason"]
    bo.sync()
    assert bo.paths() == {"Table.csv", "f000.txt", "f001.txt", "f002.txt"}
    (ana.data / "table.csv").rename(ana.data / "table2.csv")
    ana.sync()
    bo.sync()
    assert bo.read("table2.csv") == b"two"


def test_names_no_manifest_can_hold_are_named_and_left_alone(folder):
    (ana,) = folder.team("ana")
    many(ana, 2)
    for name in (b"bad\xff", b"new\nline", b"back\\slash"):
        (Path(os.fsdecode(os.fsencode(ana.data) + b"/" + name))).write_bytes(b"x")

    summary = ana.sync(exit=3)

    assert len(summary["skipped"]) == 3
    assert summary["uploaded"] == 2


def test_the_log_of_one_file_shows_its_versions(folder):
    (ana,) = folder.team("ana")
    ana.write("a", "1")
    ana.sync("-m", "first")
    ana.write("b", "1")
    ana.sync("-m", "second")
    ana.write("a", "22")
    ana.sync("-m", "third")

    versions = ana.log("a")

    assert [each["message"] for each in versions] == ["third", "first"]
    assert [each["hash"] for each in versions] == [
        blake3(b"22").hexdigest(),
        blake3(b"1").hexdigest(),
    ]
    assert [each["changes"] for each in ana.log()] == [
        {"added": 0, "modified": 1, "deleted": 0},
        {"added": 1, "modified": 0, "deleted": 0},
        {"added": 1, "modified": 0, "deleted": 0},
    ]
    assert len(ana.log("-n", "2")) == 2
    assert ana.log("--author", "nobody") == []
    assert len(ana.log("--since", "2020-01-01")) == 3


def test_status_says_what_a_sync_would_do(folder):
    ana, bo = both_changed(folder)

    said = bo.status()

    assert said["local"] == {
        "new": ["by bo"],
        "modified": ["f010.txt"],
        "deleted": ["f011.txt"],
    }
    assert said["remote"] == {
        "new": ["by ana"],
        "modified": ["f000.txt"],
        "deleted": ["f001.txt"],
    }
    assert bo.run("status", "--exit-code", exit=10).stdout
    bo.sync()
    ana.sync()
    bo.run("status", "--exit-code")
    assert bo.status("--offline")["head"] == ana.status()["head"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes on this system")
@pytest.mark.parametrize("blocked", ["a", "b", "d"])
@pytest.mark.parametrize("more", [[], ["z"], ["aa", "z"]])
def test_a_file_that_cannot_be_read_takes_no_other_with_it(folder, blocked, more):
    ana, ben = folder.team("ana", "ben")
    for name in "abcd":
        ana.write(name, name)
    ana.sync()
    ben.sync()
    ana.settle()
    ana.sync()
    (ana.data / blocked).unlink()
    os.mkfifo(ana.data / blocked)
    for name in more:
        ana.write(name, "new")

    for _ in range(2):
        summary = ana.sync(exit=3)
        assert summary["skipped"] == [blocked]
        assert summary["deleted_remote"] == summary["deleted_local"] == 0
    ben.sync()

    assert ben.paths() == {*"abcd", *more}
