"""What differs between two revisions, or between one and the folder here."""

import os
import random
import shutil
import sys

import click
import pytest

from cas_sync.cli.file_diff import MOST_BYTES
from cas_sync.engine.diff import Comparison
from cas_sync.engine.settings import load_settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.errors import WorktreeError
from cas_sync.formats.config_json import Config
from cas_sync.progress import Silent
from tests.support.history import publish
from tests.support.people import tree

needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")


def changed(person, *args):
    """Return what differs, by path: the change and both sizes."""
    rows = person.run("diff", "--json", *args).answer["rows"]
    return {row["path"]: (row["change"], row["old_size"], row["new_size"]) for row in rows}


def lines(person, *args, exit=0):  # noqa: A002
    return click.unstyle(person.run("diff", *args, exit=exit).stdout).splitlines()


def comparison(person):
    settings = load_settings(person.project, Config(store=person.store), person.env)
    return Comparison(settings, Surroundings(env=person.env), Silent())


@pytest.fixture
def ana(folder):
    """Ana has published five files and changed them all since, but one."""
    ana = folder.person("Ana")
    ana.write("clean/users.md", "id\n1\n2\n")
    ana.write("clean/same.md", "same")
    ana.write("old.txt", "to go\n")
    ana.write("raw/a.bin", b"\0\1" * 600)
    ana.sync()
    ana.write("clean/users.md", "id\n1\n3\n4\n")
    ana.delete("old.txt")
    ana.write("new.txt", "new\n")
    (ana.data / "raw/a.bin").rename(ana.data / "raw/b.bin")
    return ana


def test_without_arguments_it_compares_the_latest_commit_with_the_folder(ana):
    shown = [" ".join(line.split()) for line in lines(ana)]

    assert shown[0].endswith("(#1) -> the folder here")
    assert shown[-1] == (
        "4 files differ: 1 added (4 B), 1 modified (7 B -> 9 B), 1 deleted (6 B), "
        "1 renamed (1.2 KiB)"
    )
    assert shown[1:-1] == [
        "+ new.txt 4 B",
        "~ clean/users.md 7 B -> 9 B",
        "- old.txt 6 B",
        "> raw/a.bin -> raw/b.bin 1.2 KiB",
    ]


def test_scripts_get_the_same_with_hashes_and_both_ends_of_renames(ana):
    answer = ana.run("diff", "--json").answer

    commit = ana.log()[0]["id"]
    assert answer["from"] == {"rev": "@", "commit": commit, "seq": 1}
    assert answer["to"] == {"rev": None, "commit": None, "seq": None}
    rows = {row["path"]: row for row in answer["rows"]}
    assert list(rows) == ["clean/users.md", "new.txt", "old.txt", "raw/a.bin", "raw/b.bin"]
    assert rows["raw/b.bin"]["renamed_from"] == "raw/a.bin"
    assert rows["raw/a.bin"]["renamed_to"] == "raw/b.bin"
    assert rows["raw/b.bin"]["new"] == rows["raw/a.bin"]["old"]
    assert (rows["new.txt"]["old"], rows["new.txt"]["old_size"]) == ("", None)
    assert answer["skipped"] == {}


def test_two_revisions_are_compared_either_way_and_in_either_form(place):
    ana = place.person("Ana")
    ana.write("a.txt", "1")
    ana.sync()
    ana.write("a.txt", "22")
    ana.write("b.txt", "3")
    ana.sync()

    forward = {"a.txt": ("modified", 1, 2), "b.txt": ("added", None, 1)}
    assert changed(ana, "@~1", "@") == forward
    assert changed(ana, "@~1..@") == changed(ana, "@~1..") == forward
    assert changed(ana, "@", "@~1") == {
        "a.txt": ("modified", 2, 1),
        "b.txt": ("deleted", 1, None),
    }
    assert changed(ana, "@~1") == forward
    assert changed(ana) == changed(ana, "@", "@") == {}


def test_the_rows_are_those_that_differ_whatever_the_folder_was_synced_with(folder):
    random_ = random.Random(4)
    ana, ben = folder.team("Ana", "Ben")
    states = []
    for n in range(4):
        for m in random_.sample(range(60), 20):
            path = f"{'abc'[m % 3]}/{m}.txt" if m % 4 else f"{m}.txt"
            if n and random_.random() < 0.3 and (ana.data / path).exists():
                ana.delete(path)
            else:
                ana.write(path, f"{n} {m}")
        ana.sync()
        if n == 1:
            ben.sync()  # so Ben's base is neither the first nor the latest commit
        states.append(tree(ana.data))
    ben.write("a/9.txt", "by Ben")
    here = tree(ben.data)

    def expected(old, new, folder=""):
        return {
            path
            for path in old.keys() | new.keys()
            if old.get(path) != new.get(path) and path.startswith(folder)
        }

    for back, old in enumerate(reversed(states)):
        assert set(changed(ben, f"@~{back}")) == expected(old, here)
        assert set(changed(ben, f"@~{back}", "b")) == expected(old, here, "b/")
        assert set(changed(ben, f"@~{back}", "@")) == expected(old, states[-1])
        assert set(changed(ben, f"@~{back}", "@", "c", "c")) == expected(old, states[-1], "c/")


def test_nothing_is_written_and_the_next_sync_finds_all(ana):
    ana.settle()
    before = tree(ana.state)

    lines(ana, "-p")

    assert {**tree(ana.state), "lock": 0} == {**before, "lock": 0}
    assert ana.sync()["uploaded"] == 3


def test_paths_are_files_and_folders_meant_from_where_one_stands(ana):
    assert set(changed(ana, "clean")) == {"clean/users.md"}
    assert set(changed(ana, "clean/", "new.txt", "clean/users.md")) == {
        "clean/users.md",
        "new.txt",
    }
    assert set(changed(ana, "Data/raw")) == {"raw/a.bin", "raw/b.bin"}
    assert set(changed(ana, ".")) == set(changed(ana))
    assert changed(ana, "clean/same.md") == changed(ana, "@", "@", "clean/same.md") == {}
    assert set(ana.run("diff", "-C", str(ana.data / "clean"), "--json", "users.md").answer) == {
        "from",
        "to",
        "rows",
        "skipped",
    }


@needs_pipes
def test_only_what_was_named_is_looked_at(ana):
    os.mkfifo(ana.data / "raw/pipe")

    assert ana.run("diff", "--json", "clean").answer["skipped"] == {}
    assert set(ana.run("diff", "--json").answer["skipped"]) == {"raw/pipe"}


@pytest.mark.parametrize(
    ("args", "near"),
    [
        (["clean/user.md"], "clean/users.md"),
        (["neww.txt"], "new.txt"),
        (["@", "@", "clean/user.md"], "clean/users.md"),
        (["clean", "sub/users.md", "clean/sam.md"], "clean/same.md"),
    ],
)
def test_a_path_that_neither_side_has_is_refused_with_what_is_near(ana, args, near):
    error = ana.run("diff", "--json", *args, exit=2).last

    assert near in error["fix"]


def test_a_revision_that_is_none_is_told_as_one(ana):
    assert "there is no commit @~7" in ana.run("diff", "--json", "@~7", exit=2).last["message"]
    ana.run("tag", "v1")
    assert "near it: v1" in ana.run("diff", "--json", "v2", exit=2).last["cause"]


def test_a_name_that_is_a_revision_and_a_file_has_to_be_told_apart(ana):
    ana.run("tag", "v1")
    ana.write("v1", "a file")

    assert "cas-sync diff ./v1" in ana.run("diff", "--json", "v1", exit=2).last["fix"]
    assert set(changed(ana, "./v1")) == set(changed(ana, "--", "v1")) == {"v1"}
    assert set(changed(ana, "v1", "--")) == set(changed(ana)) > {"v1"}
    assert set(changed(ana, "v1", "--", "v1")) == {"v1"}


def test_ignored_and_unwanted_files_are_no_differences(folder):
    ana, ben = folder.team("Ana", "Ben")
    for path in ("raw/1.txt", "raw/2.txt", "clean/1.txt"):
        ana.write(path, path)
    ana.sync()
    ben.sync("--only", "clean/**")
    ben.write("note.txt", "private")
    ben.run("ignore", "add", "--local", "note.txt")

    assert changed(ben) == {}
    result = ben.run("diff", "raw/1.txt")
    assert "raw/1.txt is not among what is wanted here" in result.stderr
    result = ben.run("diff", "note.txt")
    assert "note.txt is ignored here" in result.stderr


@needs_pipes
def test_a_file_that_cannot_be_compared_is_no_deletion(ana):
    ana.delete("clean/same.md")
    os.mkfifo(ana.data / "clean/same.md")

    result = ana.run("diff")

    assert "not compared: clean/same.md: it is a named pipe" in result.stderr
    assert "same.md" not in result.stdout


def test_two_revisions_need_no_data_folder(ana):
    ana.sync()
    shutil.rmtree(ana.data)

    assert set(changed(ana, "@~1", "@", "clean")) == {"clean/users.md"}
    assert not ana.data.exists()


def test_long_lists_are_folded_and_names_are_not(ana):
    for n in range(40):
        ana.write(f"many/{n:02}.txt", str(n))

    assert "    ... and 26 more added (-v shows all)" in lines(ana)
    assert len(lines(ana, "-v")) == 41 + 3 + 2
    assert len(lines(ana, "--name-only")) == 41 + 4
    assert lines(ana, "--name-only", "new.txt") == ["new.txt"]


def test_exit_code_10_says_that_something_differs(ana):
    lines(ana, "--exit-code", exit=10)
    lines(ana, "--exit-code", "--json", exit=10)
    lines(ana, "--exit-code", "clean/same.md", exit=0)
    assert lines(ana, "--exit-code", "-q", exit=10) == []
    assert ana.run("diff", "clean/same.md").stderr == "No differences.\n"


def test_a_file_that_is_named_is_shown_line_by_line(ana):
    assert lines(ana, "clean/users.md")[2:-1] == [
        f"  --- clean/users.md ({lines(ana)[0].partition(' ->')[0]})",
        "  +++ clean/users.md (the folder here)",
        "  @@ -1,3 +1,4 @@",
        "   id",
        "   1",
        "  -2",
        "  +3",
        "  +4",
    ]
    assert len(lines(ana, "clean/users.md", "--stat")) == 3


def test_a_patch_shows_every_file_and_never_bytes(ana):
    ana.write("raw/c.bin", b"\0\x1b[2J")
    shown = lines(ana, "-p")

    assert "  +3" in shown
    assert "  -to go" in shown
    assert "  --- nothing" in shown
    assert any(line.endswith("(not text)") and "raw/c.bin" in line for line in shown)
    assert "\x1b" not in "".join(shown)


def test_both_versions_of_two_revisions_are_read_from_the_store(ana):
    ana.sync()
    shutil.rmtree(ana.data)

    assert {"  -2", "  +3", "  +4"} <= set(lines(ana, "@~1", "@", "clean/users.md"))


def test_large_texts_are_compared_up_to_a_bound(ana):
    big = b"".join(b"line %d\n" % n for n in range(400_000))
    ana.write("big.txt", big)
    ana.sync()
    ana.write("big.txt", big.replace(b"line 200000\n", b"other\n"))

    assert len(big) < MOST_BYTES
    assert "  +other" in lines(ana, "big.txt")
    ana.write("big.txt", big * 2)
    assert "(too large to compare here)" in lines(ana, "big.txt")[2]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_modes_and_links_are_content(ana):
    ana.write("run.sh", "x")
    (ana.data / "link").symlink_to("new.txt")
    ana.sync()
    (ana.data / "run.sh").chmod(0o755)
    ana.delete("link")
    (ana.data / "link").symlink_to("run.sh")

    assert any("mode 100644 -> 100755" in line for line in lines(ana))
    assert len(lines(ana, "run.sh")) == 3
    assert {"  -new.txt", "  +run.sh"} <= set(lines(ana, "link"))


def test_a_name_that_is_a_pattern_is_that_file(ana):
    for name in ("[a]*.txt", "a1.txt", "{x}.csv"):
        ana.write(name, "id\n1\n")
    ana.sync()
    ana.write("[a]*.txt", "id\n2\n")
    ana.write("{x}.csv", "id\n2\n")

    assert set(changed(ana, "[a]*.txt")) == {"[a]*.txt"}
    assert any("1 added, 1 removed" in line for line in lines(ana, "{x}.csv"))


def test_names_on_the_disk_in_another_unicode_form(ana):
    ana.write("u\u0308.txt", "1")
    ana.sync()
    ana.write("u\u0308.txt", "2")

    assert "  +2" in lines(ana, "\u00fc.txt")


def test_a_folder_of_another_repository_is_refused(ana, tmp_path):
    other = type(ana)(tmp_path / "other", "Zoe", str(tmp_path / "elsewhere"))
    other.write("x", "x")
    other.sync()
    ana.configure(store=other.store)

    assert ana.run("diff", "--json", exit=8).last["code"] == "E209"


def test_before_the_first_commit_it_says_what_to_do(folder):
    ana = folder.person("Ana")
    ana.write("a", "1")

    error = ana.run("diff", "--store", ana.store, "--json", exit=2).last
    assert "cas-sync sync" in error["fix"]


def test_who_has_seen_enough_stops_the_output(ana):
    for n in range(2000):
        ana.write(f"many/{n}.txt", "x\n")
    with ana.start("diff", "-p") as running:
        running.stdout.readline()
        running.stdout.close()
        assert running.wait() == 0
        assert running.stderr.read() == ""


def levels(person):
    with person.repository() as stored:
        return stored.head.versions.level + 1


def test_two_commits_cost_two_pages_a_level_whatever_the_size(folder):
    ana, ben = folder.team("Ana", "Ben")
    publish(
        ana,
        [
            {f"d{n % 50:02}/{n}.txt": b"%d" % n for n in range(20_000)},
            {"d07/1007.txt": b"changed"},
        ],
    )

    with comparison(ben) as compared:
        rows = list(compared.diff("@~1", "@").rows())
        requests = compared.history.traffic().requests

    assert [row.path for row in rows] == ["d07/1007.txt"]
    # The head, the commit before the latest, and on each level one page of both.
    assert set(requests) == {"GET"}
    assert requests["GET"] <= 2 + 2 * levels(ana)

    with comparison(ben) as compared:
        assert len(list(compared.diff("@~1", "@", ["d07"]).rows())) == 1
        assert compared.history.traffic().requests == {"GET": 1}


def test_the_folder_costs_the_head_alone_after_a_sync(ana):
    ana.sync()
    shutil.rmtree(ana.home / "cache")
    ana.write("new.txt", "again")

    with comparison(ana) as compared:
        rows = list(compared.diff().rows())
        assert compared.history.traffic().requests == {"GET": 1}
        # An older one costs what differs between: both commits, and their pages.
        assert len(list(compared.diff("@~1").rows())) == 5
        assert compared.history.traffic().requests["GET"] <= 1 + 2 + 2 * levels(ana)

    assert [row.path for row in rows] == ["new.txt"]


def test_the_data_folder_is_locked_only_while_it_is_scanned(ana):
    with comparison(ana) as compared:
        found = compared.diff()
        rows = list(found.rows())
        ana.sync()  # would wait for the lock, and fail

        contents = found.contents()
        row = next(row for row in rows if row.path == "new.txt")
        assert b"".join(contents.blocks(row, of_new=True)) == b"new\n"


def test_a_file_that_changes_meanwhile_is_told(ana, tmp_path):
    with comparison(ana) as compared:
        found = compared.diff()
        row = next(row for row in found.rows() if row.path == "new.txt")
        ana.write("new.txt", "NEW\n")

        with pytest.raises(WorktreeError, match=r"new\.txt changed while it was compared"):
            list(found.contents().blocks(row, of_new=True))
        with pytest.raises(WorktreeError, match=r"new\.txt changed while it was compared"):
            found.contents().as_file(row, of_new=True, target=tmp_path / "copy")
