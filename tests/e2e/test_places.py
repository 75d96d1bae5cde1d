"""Where a store and a data folder may be, whatever says so, and what a failed start leaves."""

import json
import os

import pytest

from cas_sync import Project, smart_sync
from cas_sync.errors import ConfigError
from tests.support.people import snapshot


@pytest.fixture
def ana(folder):
    person = folder.person("ana")
    person.write("a.csv", "a")
    return person


def configure(person, **said):
    (person.project / "cas-sync.json").write_text(json.dumps(said))


# -- what is no store -------------------------------------------------------------------


@pytest.mark.parametrize("store", ["", "  ", "s3:/demo/q", "s3:demo", "gs:demo"])
@pytest.mark.parametrize(
    "args",
    [
        ("sync", "-y", "--store"),
        ("sync", "-n", "--store"),
        ("status", "--store"),
        ("init", "--store"),
        ("init", "-y", "--store"),
        ("clone",),
    ],
    ids=" ".join,
)
def test_what_is_no_store_is_refused_and_leaves_nothing(ana, args, store):
    before = snapshot(ana.home)

    error = ana.process(*args, store, "--json", exit=5).last

    assert error["code"] == "E108"
    assert snapshot(ana.home) == before
    if store.startswith("s3"):
        assert "s3://demo" in error["fix"]


@pytest.mark.parametrize("store", ["", " ", "s3:demo"])
@pytest.mark.parametrize("args", [("sync", "-y"), ("init", "-y"), ("init",), ("status",)])
def test_nor_is_it_from_the_environment(ana, args, store):
    ana.extra["CAS_SYNC_STORE"] = store
    before = snapshot(ana.home)

    assert ana.run(*args, "--json", exit=5).last["code"] == "E108"
    assert snapshot(ana.home) == before


@pytest.mark.parametrize("store", ["", " ", "s3:demo"])
def test_nor_is_it_from_a_file_or_set_in_one(ana, folder, store):
    configure(ana, store=store)
    before = snapshot(ana.home)

    for args in (("sync", "-y"), ("status",), ("config", "set", "store", store)):
        assert ana.run(*args, "--json", exit=5).last["code"] == "E108"
    findings = ana.run("config", "validate", "--json", exit=5).answer["findings"]

    assert [each["code"] for each in findings] == ["E108"]
    assert snapshot(ana.home) == before


@pytest.mark.parametrize("store", ["", "s3:demo"])
def test_nor_is_it_from_python(ana, monkeypatch, store):
    monkeypatch.chdir(ana.project)
    before = snapshot(ana.home)

    for call in (Project.open, smart_sync):
        with pytest.raises(ConfigError) as caught:
            call(store=store)
        assert caught.value.code == "E108"
    assert snapshot(ana.home) == before


def test_a_question_at_the_terminal_knows_it_too(ana):
    with ana.terminal("init") as t:
        t.answer("Data folder", "")
        t.answer("Where to keep it", "s3:/demo/q")
        t.expect("s3://demo/q")
        t.answer("Where to keep it", "../store")
        t.end(exit=0)

    assert not (ana.project / "s3:").exists()


# -- data folders that must not be, wherever they are said ------------------------------

COMMANDS = [
    ("sync", "-y"),
    ("sync", "-n"),
    ("status",),
    ("status", "--offline"),
    ("conflicts",),
    ("restore", ".", "-y"),
    ("ignore", "add", "*.bak"),
    ("config", "set", "jobs", "3", "--local"),
]


@pytest.fixture(params=COMMANDS, ids=" ".join)
def refused(request, ana):
    """Return what insists that a command refuses the data folder and changes nothing."""

    def refuse(*flags, fix):
        if flags and request.param[0] in ("ignore", "config"):
            pytest.skip("it has no such options")
        before = snapshot(ana.home)
        error = ana.run(*request.param, *flags, "--json", exit=5).last
        assert error["code"] == "E204"
        assert fix in error["fix"]
        assert snapshot(ana.home) == before

    return refuse


def test_the_project_is_no_data_folder_by_its_file(ana, refused):
    configure(ana, store="../store", data=".")

    refused(fix="cas-sync config set data Data")


def test_the_store_does_not_lie_in_the_data_folder_by_the_file(ana, refused):
    configure(ana, store="Data/st")

    refused(fix="cas-sync config set store ../cas-sync-store")


def test_what_holds_the_project_is_no_data_folder_by_a_flag(ana, refused):
    configure(ana, store="../store")

    refused("--data", "a/../..", fix="--data Data")
    assert not (ana.project / "a").exists()


def test_what_holds_the_project_is_no_data_folder_by_the_environment(ana, refused):
    configure(ana, store="../store")
    ana.extra["CAS_SYNC_DATA"] = ".."

    refused(fix="CAS_SYNC_DATA=Data")


def test_the_store_does_not_lie_in_the_data_folder_by_a_flag(ana, refused):
    refused("--store", "Data", fix="--store ../cas-sync-store")


@pytest.mark.parametrize("said", [{"data": "."}, {"store": "Data/st"}])
def test_python_refuses_them_too(ana, monkeypatch, said):
    configure(ana, **{"store": "../store", **said})
    monkeypatch.chdir(ana.project)
    before = snapshot(ana.home)

    with pytest.raises(ConfigError) as caught:
        Project.open(".").sync()

    assert caught.value.code == "E204"
    assert snapshot(ana.home) == before


def test_a_project_that_went_bad_after_it_was_opened_is_refused(ana, monkeypatch):
    configure(ana, store="../store")
    for name, value in ana.env.items():
        monkeypatch.setenv(name, value)
    project = Project.open(ana.project)
    configure(ana, store="../store", data="..")

    for call in (project.status, project.plan, project.sync):
        with pytest.raises(ConfigError, match="holds the project"):
            call()


def test_a_bad_data_folder_can_be_put_right_as_it_is_told(ana):
    configure(ana, store="Data/st", data=".")

    _, *lines = ana.run("sync", "-y", "--json", exit=5).last["fix"].splitlines()
    for line in lines:
        ana.run(*line.removeprefix("cas-sync ").split())

    assert len(lines) == 2
    assert ana.sync()["uploaded"] == 1


# -- a folder that is not there ---------------------------------------------------------


@pytest.mark.parametrize(
    "args",
    [
        ("status",),
        ("status", "--offline"),
        ("sync", "-n"),
        ("sync", "-n", "-y"),
        ("conflicts",),
    ],
    ids=" ".join,
)
def test_looking_makes_no_data_folder_and_tells_that_it_is_missing(folder, args):
    ana, bo = folder.team("ana", "bo")
    ana.write("a.csv", "a")
    ana.sync()
    configure(bo, store=folder.url, data="Deta")
    before = snapshot(bo.project)

    said = bo.run(*args)

    assert f"There is no folder {bo.project / 'Deta'} yet" in said.stderr
    assert snapshot(bo.project) == before


def test_a_dry_run_of_a_restore_makes_none_either(folder):
    ana, bo = folder.team("ana", "bo")
    ana.write("a.csv", "a")
    ana.sync()
    configure(bo, store=folder.url)

    assert "1 file would be restored" in bo.run("restore", ".", "-n").stdout
    assert not bo.data.exists()


def test_what_a_missing_folder_would_get_is_shown(folder):
    ana, bo = folder.team("ana", "bo")
    ana.write("a.csv", "a")
    ana.sync()
    configure(bo, store=folder.url)

    assert bo.status()["remote"]["new"] == ["a.csv"]
    assert bo.run("sync", "-n", "--json").last["downloaded"] in (0, 1)
    assert not bo.data.exists()
    assert bo.sync()["downloaded"] == 1


def test_looking_at_a_folder_that_vanished_stops(folder):
    ana = folder.person("ana")
    ana.write("a.csv", "a")
    ana.sync()
    ana.data.rename(ana.home / "elsewhere")

    for args in (("status",), ("sync", "-n")):
        assert ana.run(*args, "--json", exit=8).last["code"] == "E205"
    assert not ana.data.exists()


# -- what a failed start leaves ---------------------------------------------------------


@pytest.mark.parametrize("more", [(), ("--only", "*.csv"), ("--user", "Ana Ruiz")])
@pytest.mark.parametrize("data", ["Data", "deep/er/Data"])
def test_a_clone_that_fails_leaves_nothing(folder, data, more):
    ana = folder.person("ana", CAS_SYNC_USER="")

    said = ana.process("clone", "../nothing", "work", "--data", data, *more, exit=5)

    assert "there is no repository at" in said.stderr
    assert list(ana.project.iterdir()) == []


def test_a_clone_that_fails_leaves_what_was_there(folder):
    ana = folder.person("ana")
    (ana.project / "work" / "Data" / "empty").mkdir(parents=True)
    (ana.project / "work" / "notes.txt").write_text("mine")

    ana.process("clone", "../nothing", "work", exit=5)

    there = {path.relative_to(ana.project).as_posix() for path in ana.project.rglob("*")}
    assert there == {"work", "work/Data", "work/Data/empty", "work/notes.txt"}


def test_a_clone_that_fails_leaves_an_s3_folder_that_was_there(folder):
    ana = folder.person("ana")
    state = ana.project / "work" / "Data" / ".S3"
    state.mkdir(parents=True)
    (state / "local.json").write_text('{"jobs": 3}')

    ana.process("clone", "../nothing", "work", exit=5)

    assert (state / "local.json").read_text() == '{"jobs": 3}'


@pytest.mark.skipif(os.name == "nt", reason="a folder that cannot be written")
def test_a_first_sync_that_fails_leaves_the_files_and_nothing_else(ana):
    (ana.home / "store").write_text("a file where the store should be")

    ana.run("sync", "-y", "--store", "../store", exit=None)

    assert [path.name for path in ana.project.rglob("*")] == ["Data", "a.csv"]


def test_clone_names_its_store_once(folder):
    ana = folder.person("ana")

    said = ana.process("clone", folder.url, "work", "--store", "../other", exit=2)

    assert "--store" in said.stderr
    assert not (ana.project / "work").exists()


# -- the config commands, and init with keys nearby -------------------------------------


def test_a_key_that_does_not_exist_cannot_be_unset(ana):
    configure(ana, store="../store", jbos=3)

    near = ana.run("config", "unset", "jobz", "--json", exit=2).last
    far = ana.run("config", "unset", "nosuch", "--json", exit=2).last
    ana.run("config", "unset", "jbos")  # what is there can be taken out, whatever it is
    ana.run("config", "unset", "jobs")

    assert "did you mean jobs?" in near["fix"]
    assert "store" in far["fix"]
    assert json.loads((ana.project / "cas-sync.json").read_text()) == {"store": "../store"}


@pytest.mark.parametrize("url", ["minio:9000", "localhost", "ftp://x", "https://", "//x"])
def test_an_endpoint_that_is_no_web_address_is_not_valid(ana, url):
    configure(ana, store="s3://b/p", endpoint_url=url)

    findings = ana.run("config", "validate", "--json", exit=5).answer["findings"]
    refused = ana.run("config", "set", "endpoint_url", url, "--json", exit=5).last

    assert [each["code"] for each in findings] == ["E112"]
    assert "endpoint_url" in findings[0]["message"]
    assert refused["code"] == "E112"
    ana.run("config", "set", "endpoint_url", "http://minio:9000")
    ana.run("config", "validate")


@pytest.mark.parametrize(
    ("said", "env", "where", "origin"),
    [
        ({}, {}, "~/.aws", "default"),
        ({}, {"AWS_ACCESS_KEY_ID": "CANARY"}, "the environment", "AWS_ACCESS_KEY_ID"),
        ({"profile": "dev"}, {}, "profile dev", "cas-sync.json"),
        ({}, {"AWS_PROFILE": "dev"}, "profile dev", "AWS_PROFILE"),
        (
            {"credentials": {"aws_access_key_id": "A", "aws_secret_access_key": "CANARY"}},
            {},
            "cas-sync.json",
            "cas-sync.json",
        ),
    ],
)
def test_config_list_tells_where_credentials_come_from(ana, said, env, where, origin):
    configure(ana, store="s3://b/p", **said)
    ana.extra.update(env)

    listed = ana.run("config", "list", "--json")
    plain = ana.run("config", "list", "--origin")

    (row,) = [each for each in listed.answer if each["key"] == "credentials"]
    assert where in row["value"]
    assert row["origin"] == origin
    assert f"credentials = {row['value']}" in plain.stdout
    assert "CANARY" not in listed.stdout + plain.stdout


@pytest.mark.parametrize("args", [("--yes",), ("--store", "s3://team-data/keys")])
def test_init_says_that_it_does_not_take_keys_over(ana, args):
    keys = {"aws_access_key_id": "AKIAX", "aws_secret_access_key": "hushhush"}
    seed = {"aws_bkt": "team-data", "aws_prfx": "keys", "credentials": keys}
    (ana.project / "s3synchrony.json").write_text(json.dumps(seed))

    error = ana.run("init", *args, "--json", exit=4).last

    assert error["code"] == "E101"
    assert "s3synchrony.json" in error["cause"]
    assert "aws configure --profile" in error["fix"]
    assert "AWS_ACCESS_KEY_ID" in error["fix"]
    assert "hushhush" not in str(error)


def test_the_help_of_init_says_what_a_script_needs(ana):
    said = " ".join(ana.run("init", "--help").stdout.split())

    assert "In a script, name the --store too" in said
