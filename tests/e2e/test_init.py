"""`cas-sync init` without questions: what is written, when, and what is refused."""

import json
import os
import shutil
import subprocess

import pytest

from tests.support.people import Person, snapshot
from tests.support.weed import free_ports


def config(person):
    return json.loads((person.project / "cas-sync.json").read_text())


# -- who is asked -------------------------------------------------------------------


@pytest.mark.parametrize("args", [(), ("--yes",), ("--json",), ("-q",), ("--data", "D")])
def test_without_a_store_and_a_terminal_it_says_what_to_type(folder, args):
    ana = folder.person("ana")

    said = ana.run("init", *args, exit=2)

    assert "error[E002]" in said.stderr
    assert "cas-sync init --store s3://bucket/prefix" in said.stderr
    assert list(ana.project.iterdir()) == []


def test_with_a_store_it_asks_nothing(folder):
    ana = folder.person("ana")

    said = ana.process("init", "--store", "../store")

    assert config(ana) == {"store": "../store", "data": "Data"}
    assert "is empty: you will publish the first files" in said.stdout


@pytest.mark.parametrize("args", [("init",), ("sync", "--store", "../store")])
def test_store_and_data_folder_may_come_from_the_environment(folder, args):
    ana = folder.person("ana", CAS_SYNC_STORE="../store", CAS_SYNC_DATA="Files")

    ana.run(*args)

    assert config(ana) == {"store": "../store", "data": "Files"}


def test_who_works_here_is_kept_out_of_the_file_that_the_team_shares(folder):
    ana = folder.person("ana", CAS_SYNC_USER="")

    ana.run("init", "--store", "../store", "--user", "Ana Ruiz")

    assert config(ana) == {"store": "../store", "data": "Data"}
    assert json.loads((ana.state / "local.json").read_text()) == {"user": {"name": "Ana Ruiz"}}


@pytest.mark.parametrize("command", ["init", "sync"])
def test_a_name_that_is_found_anyway_is_written_nowhere(folder, command):
    ana = folder.person("ana")

    ana.run(command, "--store", "../store", "--user", "ana")

    assert "user" not in config(ana)
    assert not (ana.state / "local.json").exists()


def test_an_s3synchrony_json_without_a_bucket_says_nothing_of_the_store(folder):
    ana = folder.person("ana")
    (ana.project / "s3synchrony.json").write_text('{"datafolder": "Files"}')

    said = ana.run("init", "--yes", exit=2)

    assert "cas-sync init --store" in said.stderr
    assert not (ana.project / "cas-sync.json").exists()


# -- what is told of the store ------------------------------------------------------


def test_who_joins_is_told_what_is_there(place):
    ana, bo = place.team("ana", "bo")
    ana.write("a", "1")
    ana.write("b", "2")
    commit = ana.sync()["commit"]

    said = bo.run("init", "--store", place.url)
    as_json = bo.run("init", "--json").answer

    assert f"is there already: 2 files, latest commit {commit[:8]} by ana, " in said.stdout
    assert (as_json["new"], as_json["files"], as_json["commit"]) == (False, 2, commit)
    assert all(test["ok"] for test in as_json["tests"])
    assert bo.paths() == set()


def test_files_of_others_are_told(folder):
    ana = folder.person("ana")
    (folder.root / "store" / "raw").mkdir(parents=True)
    (folder.root / "store" / "raw" / "a.csv").write_text("12345")

    said = ana.run("init", "--store", folder.url)

    assert "the store holds 1 plain files, 5 B; no commit yet." in said.stdout
    assert "offer to adopt" in said.stdout


def test_a_project_that_is_set_up_is_only_tested(place):
    ana = place.person("ana")
    ana.run("init", "--store", place.url, "--data", "Files")
    before = snapshot(ana.project)

    said = ana.run("init")

    assert "stays as it is" in said.stdout
    assert "two writers are kept apart" in said.stdout
    assert snapshot(ana.project) == before


@pytest.mark.parametrize("flags", [("--store", "../other"), ("--data", "Other")])
def test_flags_that_say_other_than_the_file_are_refused(folder, flags):
    ana = folder.person("ana")
    ana.run("init", "--store", folder.url)
    before = snapshot(ana.project)

    said = ana.run("init", *flags, exit=5)

    assert "E204" in said.stderr
    assert snapshot(ana.project) == before
    assert not (ana.home / "other").exists()


# -- a store that is not good leaves nothing ----------------------------------------


@pytest.mark.s3
@pytest.mark.parametrize("command", ["init", "sync"])
def test_a_store_that_ignores_conditions_leaves_no_file(tmp_path, rclone_server, command):
    ana = Person(tmp_path / "ana", "ana", "", rclone_server.environment())

    ana.write("a.csv", "a")

    said = ana.run(command, "--yes", "--store", f"s3://team-data/unsafe-{command}", exit=5)

    assert "E115" in said.stderr
    assert [path.name for path in ana.project.iterdir()] == ["Data"]
    assert ana.paths() == {"a.csv"}


@pytest.mark.s3
@pytest.mark.parametrize("command", ["init", "sync"])
def test_a_store_that_does_not_answer_leaves_no_file(s3, command):
    (port,) = free_ports(1)
    ana = s3.person("ana", AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}")

    said = ana.run(command, "--store", s3.url, exit=6)

    assert "E110" in said.stderr
    assert not (ana.project / "cas-sync.json").exists()


@pytest.mark.parametrize("command", ["init", "sync"])
@pytest.mark.parametrize("url", ["ftp://x/y", "https://x/y", "s3://", "file://host/x"])
def test_an_address_of_nothing_leaves_no_file(folder, command, url):
    ana = folder.person("ana")

    ana.run(command, "--store", url, exit=5)

    assert not (ana.project / "cas-sync.json").exists()


# -- data folders that must not be --------------------------------------------------


@pytest.fixture(params=["init", "sync"])
def refused(request, folder):
    """Return what insists that a data folder is refused, with nothing written."""
    ana = folder.person("ana")

    def refuse(data, why, store="../store"):
        before = snapshot(ana.home)
        args = ("--store", store, "--data", data, *(["-y"] if request.param == "sync" else []))
        said = ana.run(request.param, *args, exit=5)
        assert "E204" in said.stderr
        assert why in said.stderr
        assert "nothing was changed" in said.stderr
        assert snapshot(ana.home) == before
        assert not (ana.project / "cas-sync.json").exists()

    refuse.project = ana.project
    return refuse


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (".", "is the project itself"),
        ("../project", "is the project itself"),
        ("..", "holds the project"),
        ("../..", "holds the project"),
        (".git", "lies in a .git folder"),
        (".git/lfs", "lies in a .git folder"),
        ("../other/.S3/tmp", "lies in a .S3 folder"),
    ],
)
def test_a_data_folder_that_is_or_holds_the_project_is_refused(refused, data, why):
    refused(data, why)


def test_a_data_folder_that_holds_a_git_repository_is_refused(refused):
    (refused.project / "lib" / ".git").mkdir(parents=True)
    (refused.project / "module").mkdir()
    (refused.project / "module" / ".git").write_text("gitdir: ../.git/modules/module\n")

    refused("lib", "is a git repository")
    refused("module", "is a git repository")


def test_a_data_folder_that_is_a_file_is_refused(refused):
    (refused.project / "notes").write_text("x")

    refused("notes", "is a file")
    refused("notes/Data", "notes is a file")


@pytest.mark.parametrize(
    ("data", "store"),
    [
        ("Data", "Data"),
        ("Data", "Data/store"),
        ("Data", "."),
        ("../shared/Data", "../shared"),
        ("Data", "Data/../Data/x"),
    ],
)
def test_a_data_folder_that_holds_the_store_or_lies_in_it_is_refused(refused, data, store):
    refused(data, "lie in one another", store)


def test_a_store_given_as_a_file_url_may_not_lie_in_it_either(refused):
    refused("Data", "lie in one another", (refused.project / "Data" / "x").as_uri())


def test_links_hide_nothing(refused):
    (refused.project / "me").symlink_to(refused.project, target_is_directory=True)
    (refused.project / "up").symlink_to(refused.project.parent, target_is_directory=True)
    (refused.project / "repo" / ".git").mkdir(parents=True)
    (refused.project / "linked").symlink_to(refused.project / "repo")
    (refused.project / "round").symlink_to(refused.project / "round")

    refused("me", "is the project itself")
    refused("me/me", "is the project itself")
    refused("up", "holds the project")
    refused("linked", "is a git repository")
    refused("Data", "lie in one another", "me/Data/store")
    refused("round", "cannot be looked at")


def test_another_spelling_hides_nothing(refused):
    if not (refused.project.parent / "PROJECT").exists():
        pytest.skip("this disk takes upper and lower case for different names")

    refused("../PROJECT", "is the project itself")
    refused("Data", "lie in one another", "DATA/store")


def test_a_data_folder_that_is_not_writable_is_refused(refused):
    closed = refused.project / "closed"
    closed.mkdir(mode=0o555)
    if os.access(closed, os.W_OK):
        pytest.skip("root may write everywhere")

    refused("closed", "is not writable")
    refused("closed/Data", "is not writable")


def test_a_clone_refuses_such_a_data_folder_too(folder):
    ana, bo = folder.team("ana", "bo")
    ana.write("x", "x")
    ana.sync()

    said = bo.run("clone", folder.url, "here", "--data", "..", exit=5)

    assert "holds the project" in said.stderr
    assert not (bo.project / "here" / "cas-sync.json").exists()


# -- .gitignore ---------------------------------------------------------------------


@pytest.fixture(params=["git", "no git"])
def repo(request, folder, monkeypatch):
    """Return somebody in a git work tree, with git at hand or not."""
    if request.param == "git" and not shutil.which("git"):
        pytest.skip("there is no git")
    ana = folder.person("ana", GIT_CONFIG_NOSYSTEM="1")
    if request.param == "git":
        git(ana, "init", "-q")
    else:
        (ana.project / ".git").mkdir()
        ana.extra["PATH"] = str(folder.root / "nothing")
    return ana


def git(person, *args):
    env = {**person.env, "GIT_CONFIG_NOSYSTEM": "1"}
    return subprocess.run(
        ["git", *args], cwd=person.project, env=env, check=True, capture_output=True
    ).stdout


def init(person, *args, **kwargs):
    return person.run("init", "--store", "../store", *args, **kwargs)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, b"/Data/\n"),
        (b"", b"/Data/\n"),
        (b"*.pyc\n", b"*.pyc\n/Data/\n"),
        (b"*.pyc", b"*.pyc\n/Data/\n"),
        (b"*.pyc\r\nenv/", b"*.pyc\r\nenv/\r\n/Data/\r\n"),
        (b"# Data/\nsub/Data\n", b"# Data/\nsub/Data\n/Data/\n"),
    ],
)
def test_the_data_folder_is_added_to_gitignore_and_that_is_told(repo, before, after):
    path = repo.project / ".gitignore"
    if before is not None:
        path.write_bytes(before)
        path.chmod(0o640)

    said = init(repo, "--json").answer

    assert path.read_bytes() == after
    assert said["gitignore"] == str(path)
    assert before is None or path.stat().st_mode & 0o777 == 0o640
    assert {each.name for each in repo.project.iterdir()} == {
        ".git",
        ".gitignore",
        "cas-sync.json",
        "Data",
    }


@pytest.mark.parametrize("line", ["Data", "/Data/", "Data/**", "/Data/*\n!/Data/.gitkeep"])
def test_a_folder_that_is_ignored_already_is_not_added_again(repo, line):
    path = repo.project / ".gitignore"
    path.write_text(f"{line}\n")

    said = init(repo)

    assert path.read_text() == f"{line}\n"
    assert "gitignore" not in said.stdout


def test_gitignore_can_be_left_alone(repo):
    init(repo, "--no-gitignore")

    assert not (repo.project / ".gitignore").exists()


def test_the_line_means_the_folder_and_nothing_else(repo):
    init(repo, "--data", "My [raw] Data")

    assert (repo.project / ".gitignore").read_text() == "/My \\[raw\\] Data/\n"
    if "PATH" not in repo.extra:
        (repo.project / "My [raw] Data" / "x").write_text("x")
        assert git(repo, "status", "--porcelain", "--ignored").splitlines() == [
            b"?? .gitignore",
            b"?? cas-sync.json",
            b'!! "My [raw] Data/"',
        ]


def test_the_nearest_gitignore_gets_the_line(repo):
    (repo.project / ".gitignore").write_text("*.pyc\n")
    sub = repo.project / "models" / "churn"
    sub.mkdir(parents=True)

    repo.process("init", "--store", str(repo.home / "store"), cwd=sub)

    assert (repo.project / ".gitignore").read_text() == "*.pyc\n/models/churn/Data/\n"
    assert not (sub / ".gitignore").exists()


def test_a_data_folder_beside_the_work_tree_needs_no_line(repo):
    init(repo, "--data", "../Data")

    assert not (repo.project / ".gitignore").exists()


def test_a_linked_data_folder_is_ignored_as_what_it_is(repo):
    (repo.home / "disk").mkdir()
    (repo.project / "Data").symlink_to(repo.home / "disk")

    init(repo)

    assert (repo.project / ".gitignore").read_text() == "/Data\n"
    if "PATH" not in repo.extra:
        assert b"Data" not in git(repo, "status", "--porcelain")


def test_no_work_tree_needs_no_gitignore(folder):
    ana = folder.person("ana")

    init(ana)

    assert not (ana.project / ".gitignore").exists()


@pytest.mark.skipif(not shutil.which("git"), reason="there is no git")
def test_files_that_git_keeps_already_are_told(folder):
    ana = folder.person("ana", GIT_CONFIG_NOSYSTEM="1")
    git(ana, "init", "-q")
    ana.write("a.csv", "a")
    ana.write("sub/b c.csv", "b")
    git(ana, "add", "Data")

    said = init(ana)

    assert "git keeps 2 files of Data already" in said.stderr
    assert "git rm -r --cached Data" in said.stderr
    assert git(ana, "ls-files", "--", "Data").count(b"\n") == 2


# -- s3synchrony.json ---------------------------------------------------------------


@pytest.mark.s3
def test_yes_imports_an_s3synchrony_json(s3):
    ana = s3.person("ana")
    bucket, _, prefix = s3.url.removeprefix("s3://").partition("/")
    keys = {"aws_access_key_id": "AKIAX", "aws_secret_access_key": "hushhush"}
    seed = {"platforms": {"s3": {"aws_bkt": bucket, "remote_data_dir": prefix}}}
    old = ana.project / "s3synchrony.json"
    old.write_text(json.dumps({**seed, "credentials": keys, "_name": "Ana Ruiz"}))
    before = old.read_bytes()

    refused = ana.run("init", exit=2)
    said = ana.run("init", "--yes")

    assert "cas-sync init --yes" in refused.stderr
    assert config(ana) == {"store": s3.url, "data": "Data"}
    assert old.read_bytes() == before
    assert "hushhush" not in str(said)


# -- the offer of a sync ----------------------------------------------------------------


def test_a_sync_without_any_configuration_offers_to_set_up(folder):
    ana = folder.person("ana")
    ana.write("a.csv", "a")

    with ana.terminal("sync") as t:
        t.answer("Set it up here", "perhaps")
        t.answer("Set it up here", "y")
        t.answer("Apply 1 change?", "y")
        t.end(exit=0)

    assert config(ana)["store"] == "../cas-sync-store"
    assert (ana.home / "cas-sync-store" / ".S3" / "head").exists()


def test_a_sync_whose_offer_is_declined_says_what_to_type(folder):
    ana = folder.person("ana")

    with ana.terminal("sync") as t:
        t.answer("Set it up here", "n")
        t.end(exit=5)

    assert "error[E203]" in t.transcript
    assert not (ana.project / "cas-sync.json").exists()


def test_a_clone_of_nothing_is_refused_and_leaves_no_file(folder):
    ana = folder.person("ana")

    said = ana.process("clone", "../nothing", "work", exit=5)

    assert "there is no repository at" in said.stderr
    assert not (ana.project / "work" / "cas-sync.json").exists()
