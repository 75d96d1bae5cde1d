"""What people name is found wherever they stand, and a name of nothing is told."""

import os

import pytest

import cas_sync
from cas_sync import Project


@pytest.fixture
def ana(folder):
    ana = folder.person("Ana")
    for path in ("a.csv", "sub/b.csv", "sub/deep/c.csv"):
        ana.write(path, path)
    ana.sync()
    return ana


@pytest.mark.parametrize("more", [["-y"], ["-n"], ["-y", "a.csv"]])
@pytest.mark.parametrize(
    ("path", "near"),
    [("nopath", None), ("sub/bb.csv", "sub/b.csv"), ("b.csv", "sub/b.csv"), ("sbu", "sub")],
)
def test_a_path_that_is_nowhere_is_refused_with_the_nearest(ana, path, near, more):
    ana.write("new.csv", "new")

    said = ana.run("sync", *more, path, exit=2)

    assert f"{path}: neither in" in said.stderr
    assert near is None or f"did you mean {near}" in said.stderr
    assert len(ana.log()) == 1


def test_a_path_that_is_on_any_side_is_meant(ana, folder):
    ben = folder.person("Ben")
    ben.sync()
    ben.write("sub/of-ben.csv", "new")
    ben.delete("a.csv")
    ben.sync()
    (ana.data / "empty").mkdir()
    ana.delete("sub/b.csv")

    assert ana.sync("empty")["exit"] == 0
    assert ana.sync("sub/of-ben.csv")["downloaded"] == 1
    assert ana.sync("a.csv")["deleted_local"] == 1
    assert ana.sync("sub/b.csv")["deleted_remote"] == 1
    assert ana.sync("sub")["exit"] == 0


def test_a_path_that_is_nowhere_is_refused_from_python(ana):
    project = Project.open(ana.project)

    with pytest.raises(cas_sync.UsageError, match="nopath: neither in"):
        project.sync(paths=["a.csv", "nopath"])


def test_a_pattern_that_matches_nothing_is_told_and_no_error(ana, folder, tmp_path):
    told = "matches no file, here or there"

    assert told in ana.run("sync", "-y", "--only", "zzz/**").stderr
    assert told in ana.run("sync", "-n", "--only", "zzz/**").stderr
    assert told not in ana.run("sync", "-y", "--only", "*.csv").stderr
    assert told not in ana.run("sync", "-y").stderr
    ben = folder.person("Ben")
    cloned = ben.run("clone", folder.url, str(tmp_path / "new"), "--only", "typo*")
    assert told in cloned.stderr
    cloned = ben.run("clone", folder.url, str(tmp_path / "newer"), "--only", "sub/**")
    assert told not in cloned.stderr


@pytest.mark.parametrize(
    ("start", "path"),
    [
        (".", "Data/sub/b.csv"),
        (".", "sub/b.csv"),
        ("Data/sub", "b.csv"),
        ("Data/sub/deep", "../b.csv"),
    ],
)
def test_the_log_takes_paths_as_a_sync_does(ana, start, path):
    cwd = ana.project / start

    assert len(ana.process("log", path, "--json", cwd=cwd).answer) == 1
    assert "No commit" not in ana.process("log", path, cwd=cwd).stderr
    assert "No commit" in ana.process("log", f"{path}x", cwd=cwd).stderr


def test_the_log_says_why_it_is_empty(folder, ana):
    nobody = folder.person("Nobody")
    elsewhere = str(nobody.home / "empty")

    assert nobody.run("log", "--store", elsewhere).stderr == "No commits yet.\n"
    assert ana.run("log", "--author", "nobody").stderr == "No commit matches.\n"
    assert ana.run("log", "--since", "2999-01-01").stderr == "No commit matches.\n"
    assert ana.run("log", "-n", "0").stderr == ""
    assert ana.run("log", "--author", "nobody", "--json").answer == []


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege")
def test_a_project_is_reached_through_a_link(ana, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(ana.project)
    ana.delete("a.csv")

    ana.process("restore", str(link / "Data" / "a.csv"), "-y")
    assert ana.read("a.csv") == b"a.csv"
    ana.write("sub/b.csv", "changed")
    project = Project.open(ana.project)
    assert project.restore(link / "Data" / "sub").restored == 1
    through = Project.open(link)
    assert len(through.log(ana.data / "a.csv")) == 1
    with pytest.raises(cas_sync.UsageError, match="not in the data folder"):
        project.restore(link / "elsewhere.csv")


def test_a_rule_names_something_that_can_be_in_the_data_folder(ana):
    said = ana.run("ignore", "add", "--local", "*.tmp", exit=2).stderr
    assert "exact paths" in said
    assert "cas-sync ignore add '*.tmp'" in said
    for given in (["../x"], ["sub/../../x"], ["--local", "../x"]):
        assert "the data folder" in ana.run("ignore", "add", *given, exit=2).stderr
    assert not (ana.data / ".casignore").exists()
    assert not (ana.state / "ignore_remote.txt").exists()

    ana.write("odd[1].csv", "x")
    ana.run("ignore", "add", "--local", "odd[1].csv", "not-yet.csv")
    assert ana.status("--offline")["local"]["new"] == []
