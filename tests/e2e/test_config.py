"""Configuration as people meet it: s3synchrony's file, keys in files, `config`."""

import json
import subprocess

import pytest

from tests.support.weed import ACCESS_KEY, SECRET_KEY

CANARY = "wJalrCANARYsecretCANARY"


def seed_file(person, value):
    (person.project / "s3synchrony.json").write_text(json.dumps(value))


def generations(bucket, prefix):
    """Return one s3synchrony.json of each generation, all for the same place."""
    return [
        {"platform": "S3", "aws_bkt": bucket, "aws_prfx": prefix, "datafolder": "Data"},
        {
            "platform": "s3",
            "template": "default",
            "aws_bkt": bucket,
            "remote_data_dir": f"{prefix}/",
            "local_data_rel_dir": "Data",
        },
        {
            "platform": "s3",
            "platforms": {"s3": {"aws_bkt": bucket}},
            "remote_data_dir": f"/{prefix}",
            "local_data_rel_dir": "Data",
            "reset": True,
            "_name": "Cleo",
        },
    ]


# -- s3synchrony.json -----------------------------------------------------------------------


@pytest.mark.s3
def test_three_people_with_a_file_of_each_generation_share_one_store(s3):
    bucket, _, prefix = s3.url.removeprefix("s3://").partition("/")
    people = s3.team("ana", "ben", "cleo")
    for person, value in zip(people, generations(bucket, prefix), strict=True):
        seed_file(person, value)
    before = [(person.project / "s3synchrony.json").read_bytes() for person in people]

    for person in people:
        person.write(f"{person.name}.txt", person.name)
        person.run("sync", "-y", "--json")
    for person in people:
        assert person.run("sync", "-y", "--json").last["exit"] == 0

    for person, written in zip(people, before, strict=True):
        assert person.paths() == {"ana.txt", "ben.txt", "cleo.txt"}
        assert (person.project / "s3synchrony.json").read_bytes() == written
        assert not (person.project / "cas-sync.json").exists()
    assert [row["seq"] for row in people[0].log()] == [3, 2, 1]


def test_its_use_is_told_once_a_run_and_not_to_scripts(folder):
    ana = folder.person("ana")
    seed_file(ana, {"platform": "local", "remote_data_dir": folder.url})
    ana.write("a", b"a")

    told = ana.run("sync", "-y")
    quiet = ana.run("sync", "-y", "-q")

    assert told.stderr.count("note: using s3synchrony.json; cas-sync init imports it") == 1
    assert "s3synchrony" not in quiet.stderr + told.stdout


def test_reset_in_the_file_resets_nothing(folder):
    ana = folder.person("ana")
    seed_file(ana, {"store": folder.url, "reset": True})
    ana.write("a", b"a")

    ana.run("sync", "-y")
    again = ana.run("sync", "-y")

    assert "cas-sync reset --confirm" in again.stderr
    assert [row["seq"] for row in ana.log()] == [1]
    assert ana.read("a") == b"a"


@pytest.mark.parametrize(
    ("value", "code", "told"),
    [
        ({"aws_bkt": "s3://b/p"}, "E108", '"remote_data_dir": "p"'),
        ({"aws_bkt": "b", "aws_prfx": "p", "remote_data_dir": "q"}, "E202", "aws_prfx"),
        ({"platform": "azure"}, "E202", "S3 and local"),
    ],
)
def test_a_mistake_in_it_ends_with_5(folder, value, code, told):
    ana = folder.person("ana")
    seed_file(ana, value)

    error = ana.run("sync", "-y", "--json", exit=5).last

    assert error["code"] == code
    assert told in f"{error['message']} {error['cause']} {error['fix']}"


def test_the_name_and_the_keys_that_the_seed_left_are_seen(folder):
    ana = folder.person("ana", CAS_SYNC_USER="")
    ana.write("a", b"a")
    ana.state.mkdir()
    (ana.state / "user_name.txt").write_text("Ana Ruiz\n")
    (ana.state / "aws.txt").write_text(f"[role]\naws_secret_access_key={CANARY}\n")

    told = ana.run("sync", "-y", "-v", "--store", folder.url)

    assert [row["author"] for row in ana.log()] == ["Ana Ruiz"]
    assert "aws.txt" in told.stderr
    assert "~/.aws" in told.stderr
    assert CANARY not in told.stdout + told.stderr


# -- keys in a file -------------------------------------------------------------------------


@pytest.mark.s3
@pytest.mark.parametrize("name", ["cas-sync.json", "s3synchrony.json"])
def test_keys_in_a_file_reach_the_store_with_a_warning(s3, name):
    without = {key: each for key, each in s3.env.items() if not key.endswith(("_ID", "_KEY"))}
    s3.env.clear()
    s3.env.update(without)
    ana = s3.person("ana")
    ana.write("a", b"a")
    keys = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY}
    (ana.project / name).write_text(json.dumps({"store": s3.url}))

    refused = ana.run("sync", "-y", "--json", exit=4)
    (ana.project / name).write_text(json.dumps({"store": s3.url, "credentials": keys}))
    done = ana.run("sync", "-y", "-v")

    assert refused.last["code"] == "E101"
    assert f"{name} HOLDS AN AWS SECRET KEY" in done.stderr
    assert SECRET_KEY not in done.stdout + done.stderr
    assert [row["seq"] for row in ana.log()] == [1]


@pytest.fixture
def careless(folder):
    """Return somebody with an AWS key in the configuration."""
    ana = folder.person("ana")
    ana.write("a", b"a")
    keys = {"aws_access_key_id": "AKIDCANARY", "aws_secret_access_key": CANARY}
    (ana.project / "cas-sync.json").write_text(
        json.dumps({"store": folder.url, "credentials": keys}, indent=1)
    )
    return ana


@pytest.mark.parametrize(
    "args",
    [
        ("sync", "-y", "-v"),
        ("sync", "-y", "--json"),
        ("sync", "-y", "--debug"),
        ("status", "-v"),
        ("config", "list", "--origin"),
        ("config", "list", "--json"),
        ("config", "get", "credentials"),
        ("config", "get", "credentials", "--json"),
        ("config", "validate", "--json"),
        ("config", "validate"),
        ("config", "set", "jobs", "3"),
    ],
    ids=" ".join,
)
def test_no_command_shows_a_key(careless, args):
    careless.run("sync", "-y")

    said = careless.run(*args, exit=None)

    assert said.exit in (0, 5)
    assert "CANARY" not in said.stdout + said.stderr
    written = [path for path in careless.home.rglob("*") if path.is_file()]
    holding = {path.name for path in written if b"CANARY" in path.read_bytes()}
    assert holding == {"cas-sync.json"}


@pytest.mark.parametrize(
    "args", [("sync", "-y"), ("sync", "-y", "--debug"), ("config", "list")]
)
def test_no_mistake_shows_a_key(careless, args):
    path = careless.project / "cas-sync.json"
    path.write_text(path.read_text().replace("\n}", ",\n}"))

    said = careless.process(*args, exit=None)

    assert said.exit != 0
    assert "E201" in said.stderr or "not valid JSON" in said.stderr
    assert "CANARY" not in said.stdout + said.stderr


def test_keys_that_git_tracks_end_with_4_and_can_be_removed(careless):
    for args in (["init"], ["add", "cas-sync.json"]):
        subprocess.run(["git", *args], cwd=careless.project, check=True, capture_output=True)

    refused = careless.run("sync", "-y", "--json", exit=4)
    careless.run("config", "unset", "credentials")

    assert refused.last["code"] == "E208"
    assert "CANARY" not in refused.stdout + refused.stderr
    assert not careless.state.exists()
    careless.run("sync", "-y")


# -- config ---------------------------------------------------------------------------------


@pytest.fixture
def ana(folder):
    person = folder.person("ana")
    person.write("a", b"a")
    person.sync()
    return person


def said(person, *args):
    return {each["key"]: each for each in person.run("config", "list", "--json", *args).answer}


def test_list_tells_values_and_where_they_were_said(folder):
    ana = folder.person("ana", CAS_SYNC_JOBS="3")
    seed_file(ana, {"aws_bkt": "team-data", "remote_data_dir": "churn"})

    lines = ana.run("config", "list", "--origin").stdout.splitlines()
    plain = ana.run("config", "list").stdout.splitlines()

    where = "s3synchrony.json: aws_bkt + remote_data_dir"
    assert f"store = s3://team-data/churn   ({where})" in lines
    assert "jobs = 3   (CAS_SYNC_JOBS)" in lines
    assert "user.name = ana   (CAS_SYNC_USER)" in lines
    assert "data = Data   (default)" in lines
    assert "store = s3://team-data/churn" in plain


def test_list_works_where_nothing_is_configured(folder):
    ana = folder.person("ana")

    assert said(ana)["store"] == {"key": "store", "value": None, "origin": "default"}


def test_a_value_is_set_used_and_unset(ana):
    file = ana.project / "cas-sync.json"
    before = file.read_text()

    ana.run("config", "set", "user.name", "Ana Ruiz")
    ana.run("config", "set", "ignore", "*.bak", "scratch/**")

    assert ana.run("config", "get", "ignore").stdout == '["*.bak", "scratch/**"]\n'
    assert said(ana)["ignore"]["origin"] == "cas-sync.json"
    ana.write("x.bak", b"x")
    assert ana.sync()["uploaded"] == 0

    ana.run("config", "unset", "ignore")
    ana.run("config", "unset", "user.name")
    assert file.read_text() == before
    assert ana.sync()["uploaded"] == 1


def test_this_machine_goes_before_the_team(ana):
    ana.run("config", "set", "jobs", "3")
    ana.run("config", "set", "jobs", "2", "--local")
    ana.run("config", "set", "jobs", "1", "--user")

    found = json.loads(ana.run("config", "get", "jobs", "--json").stdout)["result"]

    assert found == {"key": "jobs", "value": 2, "origin": "Data/.S3/local.json"}
    ana.run("config", "unset", "jobs", "--local")
    assert said(ana)["jobs"]["origin"] == "cas-sync.json"
    ana.run("config", "unset", "jobs")
    assert said(ana)["jobs"]["value"] == 1


@pytest.mark.parametrize(
    ("args", "code", "exit_"),
    [
        (("set", "profil", "x"), "E202", 2),
        (("set", "jobs", "many"), "E202", 2),
        (("set", "jobs", "3", "--local", "--user"), "E001", 2),
        (("set", "data", "."), "E204", 5),
        (("set", "store", "gopher://x"), "E108", 5),
        (("set", "data", "D", "--local"), "E202", 5),
        (("set", "aws_secret_access_key", CANARY), "E208", 4),
        (("get", "profil"), "E202", 2),
        (("frobnicate",), "E001", 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_cannot_be_changes_nothing(ana, args, code, exit_):
    before = (ana.project / "cas-sync.json").read_bytes()

    error = ana.run("config", *args, "--json", exit=exit_)

    assert error.last["code"] == code
    assert "CANARY" not in error.stdout + error.stderr
    assert (ana.project / "cas-sync.json").read_bytes() == before
    assert not (ana.state / "local.json").exists()


def test_the_seeds_file_is_not_changed(folder):
    ana = folder.person("ana")
    seed_file(ana, {"store": folder.url})
    before = (ana.project / "s3synchrony.json").read_bytes()

    error = ana.run("config", "set", "jobs", "3", "--json", exit=5).last
    ana.run("config", "set", "jobs", "3", "--local")

    assert "cas-sync init" in error["fix"]
    assert said(ana)["jobs"]["value"] == 3
    assert (ana.project / "s3synchrony.json").read_bytes() == before


def test_path_tells_which_file_is_in_force(ana, folder):
    assert ana.run("config", "path").stdout.strip() == str(ana.project / "cas-sync.json")
    local = ana.run("config", "path", "--local").stdout.strip()
    assert local == str(ana.state / "local.json")
    assert folder.person("ben").run("config", "path", "--json", exit=5).last["code"] == "E203"


def test_validate_takes_an_unknown_key_for_an_error(ana):
    assert "nothing wrong" in ana.run("config", "validate").stdout

    ana.configure(jbos=3)
    ana.run("sync", "-y")
    told = ana.run("config", "validate", exit=5)
    findings = ana.run("config", "validate", "--json", exit=5).answer["findings"]

    assert 'did you mean "jobs"?' in told.stderr
    assert [(each["code"], "jbos" in each["message"]) for each in findings] == [("E202", True)]


def test_validate_tells_what_is_wrong_in_every_file(ana):
    ana.configure(jobs="many")
    (ana.state / "local.json").write_text("{'jobs': 3}")

    findings = ana.run("config", "validate", "--json", exit=5).answer["findings"]

    assert [each["code"] for each in findings] == ["E202", "E201"]


def test_from_a_folder_below_and_without_a_terminal(ana):
    below = ana.project / "src"
    below.mkdir()

    listed = ana.process("config", "list", "--json", cwd=below)
    named = ana.process("config", "get", "store", "-C", str(ana.project), cwd=ana.home)

    before = ana.process("config", "--json", "-C", str(ana.project), "list", cwd=ana.home)

    assert said(ana) == {each["key"]: each for each in listed.answer}
    assert before.stdout == listed.stdout
    assert named.stdout.strip() == ana.store
