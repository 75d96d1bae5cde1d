"""`ls` shows what lies in a folder at any revision, and reads little for it."""

import json
import shutil
import subprocess
import sys

import pytest

from tests.support.history import publish
from tests.support.samples import ODD_NAMES

FILES = {
    "a": None,
    "a.csv": "first",
    "a/b": "in a",
    "a/sub/deep/x.txt": "deep",
    "a/sub.csv": "beside a folder",
    "a-b/c": "sorts between a and a.csv for some",
    "ab/d": "d",
    "z": "",
}


def paths(said):
    return [row["path"] for row in said.answer]


@pytest.fixture
def ana(folder):
    return with_files(folder)


def with_files(place):
    ana = place.person("ana")
    for path, text in FILES.items():
        if text is not None:
            ana.write(path, text)
    ana.sync()
    return ana


def test_a_folder_is_its_files_and_folders_and_nothing_below(place):
    ana = with_files(place)

    assert ana.run("ls").stdout.splitlines() == ["a/", "a-b/", "a.csv", "ab/", "z"]
    assert paths(ana.run("ls", "a", "--json")) == ["a/b", "a/sub/", "a/sub.csv"]
    assert paths(ana.run("ls", "a/sub/", "--json")) == ["a/sub/deep/"]


def test_all_files_below_are_shown_in_place_of_folders(ana):
    everything = ["a/b", "a/sub/deep/x.txt", "a/sub.csv", "a-b/c", "a.csv", "ab/d", "z"]

    assert ana.run("ls", "-R").stdout.splitlines() == everything
    assert paths(ana.run("ls", "-R", "--json", "a")) == everything[:3]
    assert paths(ana.run("ls", "-R", "--json", "a/sub")) == ["a/sub/deep/x.txt"]


def test_rows_tell_what_where_who_and_when(ana):
    with ana.repository() as stored:
        row = stored.versions()["a.csv"]

    folder, file = ana.run("ls", "--json").answer[1:3]

    assert file == {
        "path": "a.csv",
        "hash": str(row.content.id),
        "size": 5,
        "mode": "100644",
        "edited_by": "ana",
        "time_edited": row.edited,
    }
    nothing = {"hash": None, "size": None, "edited_by": None, "time_edited": None}
    assert folder == {"path": "a-b/", "mode": "040000", **nothing}
    assert ana.run("ls", "a.csv", "--json").answer == [file]
    assert ana.run("ls", "a.csv").stdout == "a.csv\n"


@pytest.mark.skipif(sys.platform == "win32", reason="needs links and modes")
def test_the_long_form_tells_programs_links_and_folders_apart(folder):
    ana = folder.person("ana")
    ana.write("d/x", "x")
    ana.write("run.sh", "echo", executable=True)
    (ana.data / "to").symlink_to("run.sh")
    ana.sync()

    lines = ana.run("ls", "-l").stdout.splitlines()

    assert [(line[0], line.split()[-1]) for line in lines] == [
        ("d", "d/"),
        ("x", "run.sh"),
        ("l", "to"),
    ]
    assert "4 B" in lines[1]
    assert "ana" in lines[1]
    assert len({line.rindex(" ") for line in lines}) == 1


def test_any_revision_is_shown(ana):
    ana.delete("a/b")
    ana.write("new/file", "new")
    ana.sync()

    assert paths(ana.run("ls", "--json")) == ["a/", "a-b/", "a.csv", "ab/", "new/", "z"]
    assert paths(ana.run("ls", "--json", "@~1:")) == ["a/", "a-b/", "a.csv", "ab/", "z"]
    assert paths(ana.run("ls", "--json", "#1:a")) == ["a/b", "a/sub/", "a/sub.csv"]
    assert paths(ana.run("ls", "--json", "@:a")) == ["a/sub/", "a/sub.csv"]


def test_a_path_is_meant_from_where_one_is_and_no_data_folder_is_needed(ana):
    assert paths(ana.process("ls", "--json", "sub", cwd=ana.data / "a")) == ["a/sub/deep/"]
    assert paths(ana.run("ls", "--json", "Data/a/sub")) == ["a/sub/deep/"]
    shutil.rmtree(ana.data)

    assert paths(ana.run("ls", "--json", "a")) == ["a/b", "a/sub/", "a/sub.csv"]
    assert not ana.data.exists()


def test_a_pattern_in_the_last_name_picks_from_one_folder_or_all_below(ana):
    assert paths(ana.run("ls", "--json", "*.csv")) == ["a.csv"]
    assert paths(ana.run("ls", "--json", "a*")) == ["a/", "a-b/", "a.csv", "ab/"]
    assert paths(ana.run("ls", "--json", "a/s?b*")) == ["a/sub/", "a/sub.csv"]
    assert paths(ana.run("ls", "--json", "-R", "*.csv")) == ["a/sub.csv", "a.csv"]
    assert "there is no *.txt" in ana.run("ls", "*.txt", exit=2).stderr


def test_a_name_with_brackets_is_that_file_and_no_pattern(folder):
    ana = folder.person("ana")
    ana.write("[ab]", "this one")
    ana.write("a", "not this")
    ana.sync()

    assert paths(ana.run("ls", "--json", "[ab]")) == ["[ab]"]


@pytest.mark.parametrize(
    ("path", "near"),
    [("a.cvs", "a.csv"), ("a/subb", "a/sub"), ("abc", "ab"), ("a.csv/x", ""), ("no/x", "")],
)
def test_what_is_not_there_is_told_with_near_names(ana, path, near):
    said = ana.run("ls", path, "--json", exit=2).last

    assert f"there is no {path}" in said["message"]
    assert near in said["cause"]
    assert bool(said["cause"]) == bool(near)


@pytest.mark.parametrize("path", ["../x", "a/../../x"])
def test_what_is_not_in_the_data_folder_is_refused(ana, path):
    assert path in ana.run("ls", path, exit=2).stderr


def test_odd_names_are_names_like_any_other(folder):
    ana = folder.person("ana")
    names = [name for name in ODD_NAMES if sys.platform != "win32" or '"' not in name]
    for name in names:
        ana.write(name, name)
    ana.sync()

    assert set(paths(ana.run("ls", "-R", "--json"))) == set(names)
    assert set(ana.run("ls", "-R").stdout.splitlines()) == set(names)
    for name in names:
        assert paths(ana.run("ls", "--json", name)) == [name]


def test_a_name_with_a_colon_is_reached(folder):
    if sys.platform == "win32":
        pytest.skip("no such names")
    ana = folder.person("ana")
    ana.write("@:x", "odd")
    ana.sync()

    assert paths(ana.run("ls", "--json", ":@:x")) == ["@:x"]


def test_an_empty_tree_has_nothing_to_show(folder):
    ana = folder.person("ana")
    ana.write("only", "x")
    ana.sync()
    ana.delete("only")
    ana.sync("--allow-mass-delete")

    assert ana.run("ls").stdout == ""
    assert ana.run("ls", "--json").answer == []
    assert paths(ana.run("ls", "--json", "@~1:")) == ["only"]


def test_before_the_first_commit_it_says_so(folder):
    ana = folder.person("ana")
    (ana.project / "cas-sync.json").write_text(json.dumps({"store": folder.url}))

    assert "cas-sync sync" in ana.run("ls", exit=2).stderr


@pytest.fixture
def many(folder):
    """Return somebody new, where 20,000 files lie in 200 folders."""
    ana = folder.person("ana")
    publish(ana, [{f"d{n // 100:03d}/{n:05d}.csv": b"%d" % n for n in range(20_000)}])
    (ana.project / "cas-sync.json").write_text(json.dumps({"store": folder.url}))
    shutil.rmtree(ana.home / "cache")
    return ana


def test_one_folder_of_many_is_a_page_a_level(many):
    said = many.run("ls", "d077", "--json", "-v")

    assert len(said.answer) == 100
    with many.repository() as stored:
        levels = stored.head.versions.level + 1
    assert levels == 2
    # The head, a page a level, and one more where the folder goes over the end of a page.
    assert int(said.stderr.split(" request")[0]) <= 1 + levels + 1


@pytest.mark.skipif(sys.platform == "win32", reason="pipes as a POSIX shell has them")
def test_whoever_has_read_enough_is_no_error(many):
    line = f"{sys.executable} -m cas_sync ls -R | head -1; exit ${{PIPESTATUS[0]}}"
    said = subprocess.run(
        ["bash", "-c", line],
        cwd=many.project,
        env=many.env,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (said.returncode, said.stdout, said.stderr) == (0, "d000/00000.csv\n", "")


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_damaged_page_is_told(many, form):
    pages = (many.home.parent / "store").glob(".S3/versions/*.csv")
    page = max(pages, key=lambda path: path.stat().st_size)
    data = bytearray(page.read_bytes())
    data[data.rindex(b"d199")] ^= 1
    page.chmod(0o644)
    page.write_bytes(data)

    said = many.run("ls", "-R", *form, exit=9)

    assert "error[E50" in said.stderr
    assert not form or said.last["exit"] == 9


def test_the_document_is_valid_whatever_the_stream_can_hold(folder):
    ana = folder.person("ana")
    ana.write("日本.csv", "x")
    ana.sync()

    said = ana.process("ls", "--json", env={"PYTHONIOENCODING": "ascii"})

    assert said.stdout.isascii()
    assert paths(said) == ["日本.csv"]
