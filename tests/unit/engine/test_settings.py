import json
import subprocess
from pathlib import Path

import pytest

from cas_sync.engine.project_file import find_config
from cas_sync.engine.settings import (
    Settings,
    load_settings,
    local_file,
    resolve,
    user_file,
    write_config,
)
from cas_sync.errors import AccessError, ConfigError, NotAProjectError
from cas_sync.formats.config_json import Config
from cas_sync.formats.seed_config import from_seed
from cas_sync.model.credentials import Credentials

SEED = '{"aws_bkt": "team-data", "remote_data_dir": "churn"}'
KEYS = '"credentials": {"aws_access_key_id": "AK", "aws_secret_access_key": "SK"}'


@pytest.fixture
def env(tmp_path):
    return {"HOME": str(tmp_path)}


@pytest.fixture
def project(tmp_path):
    return tmp_path / "p"


def write(folder, text, name="cas-sync.json"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def git(folder, *args):
    subprocess.run(["git", *args], cwd=folder, check=True, capture_output=True)


# -- which file ----------------------------------------------------------------------------


def test_the_nearest_file_above_is_found(project, env):
    write(project, '{"store": "../far"}')
    deep = project / "a" / "b"
    deep.mkdir(parents=True)

    assert find_config(deep, env) == project / "cas-sync.json"


def test_the_search_ends_at_a_git_root(tmp_path, env):
    write(tmp_path / "outer", '{"store": "x"}')
    repo = tmp_path / "outer" / "repo"
    (repo / ".git").mkdir(parents=True)

    assert find_config(repo, env) is None


def test_the_seeds_file_serves_where_it_is_nearer(project, env):
    write(project, '{"store": "x"}')
    write(project / "sub", SEED, "s3synchrony.json")

    settings = load_settings(project / "sub", Config(), env)

    assert settings.config_path == project / "sub" / "s3synchrony.json"
    assert settings.address.url == "s3://team-data/churn"
    assert settings.data == project / "sub" / "Data"
    assert settings.notices == ("using s3synchrony.json; cas-sync init imports it",)
    assert settings.warnings == ()


def test_in_one_folder_cas_sync_json_goes_first(project, env):
    write(project, '{"store": "s3://b/new"}')
    write(project, SEED, "s3synchrony.json")

    settings = load_settings(project, Config(), env)

    assert settings.address.url == "s3://b/new"
    assert settings.notices == ()


def test_the_environment_can_name_the_file(project, env):
    write(project, '{"store": "x"}', "other.json")
    env["CAS_SYNC_CONFIG"] = str(project / "other.json")

    assert find_config(project.parent, env) == project / "other.json"

    env["CAS_SYNC_CONFIG"] = str(project / "gone.json")
    with pytest.raises(ConfigError, match=r"gone\.json"):
        find_config(project, env)


def test_without_a_file_it_says_where_it_looked_and_what_to_type(tmp_path, env):
    with pytest.raises(NotAProjectError) as caught:
        load_settings(tmp_path, Config(), env)

    assert caught.value.code == "E203"
    assert str(tmp_path) in caught.value.message
    assert "cas-sync init" in caught.value.fix
    assert "cas-sync sync --store" in caught.value.fix


@pytest.mark.parametrize(
    ("name", "fix"),
    [("cas-sync.json", "cas-sync config set store"), ("s3synchrony.json", "aws_bkt")],
)
def test_a_file_without_a_store_is_told(project, env, name, fix):
    write(project, '{"jobs": 3}', name)

    with pytest.raises(ConfigError) as caught:
        load_settings(project, Config(), env)

    assert caught.value.code == "E202"
    assert name in caught.value.message
    assert fix in caught.value.fix


def test_a_mistyped_store_is_told_where_none_is_found(project, env):
    write(project, '{"stroe": "../team-store"}')

    with pytest.raises(ConfigError) as caught:
        load_settings(project, Config(), env)

    assert "names no store" in caught.value.message
    assert 'did you mean "store"?' in caught.value.cause


# -- what goes before what -----------------------------------------------------------------


@pytest.fixture
def all_layers(project, env):
    """Say one key more in each layer than in the one above it."""
    said = ["jobs", "profile", "region", "endpoint_url", "data"]
    values = {"jobs": "{n}", "data": '"D{n}"', "store": '"s3://b/{n}"'}

    def text(n, keys):
        pairs = (f'"{key}": {values.get(key, chr(34) + "v{n}" + chr(34))}' for key in keys)
        return "{" + ", ".join(pairs).replace("{n}", str(n)) + "}"

    write(user_file().parent, text(5, said), "config.json")
    write(project, text(4, [*said[:4], "store"]))
    write(project / "D5" / ".S3", text(3, said[:3]), "local.json")
    env |= {"CAS_SYNC_PROFILE": "v2", "CAS_SYNC_JOBS": "2"}
    return load_settings(project, Config(jobs=1, origins={"jobs": "--jobs"}), env)


@pytest.mark.parametrize(
    ("value", "key", "expected", "origin"),
    [
        (lambda s: s.jobs, "jobs", 1, "--jobs"),
        (lambda s: s.address.profile, "profile", "v2", "CAS_SYNC_PROFILE"),
        (lambda s: s.address.region, "region", "v3", "D5/.S3/local.json"),
        (lambda s: s.address.endpoint_url, "endpoint_url", "v4", "cas-sync.json"),
        (lambda s: s.data.name, "data", "D5", "config.json"),
    ],
    ids=["flag", "environment", "machine", "project", "user"],
)
def test_each_layer_goes_before_the_next(all_layers: Settings, value, key, expected, origin):
    assert value(all_layers) == expected
    assert all_layers.origins[key].endswith(origin)


def test_awss_own_profile_goes_before_a_committed_one(project, env):
    write(project, '{"store": "s3://b", "profile": "ana"}')

    settings = load_settings(project, Config(), {**env, "AWS_PROFILE": "ben"})

    assert settings.address.profile == "ben"
    assert settings.origins["profile"] == "AWS_PROFILE"


def test_what_has_no_origin_of_its_own_was_said_on_the_command_line(project, env):
    assert load_settings(project, Config(store="x"), env).origins == {"store": "command line"}


def test_this_machine_cannot_say_where_the_data_is(project, env):
    write(project, '{"store": "s3://b/p"}')
    write(project / "Data" / ".S3", '{"store": "x", "data": "y", "jobs": 3}', "local.json")

    settings = load_settings(project, Config(), env)

    assert (settings.address.url, settings.data.name, settings.jobs) == ("s3://b/p", "Data", 3)
    assert settings.origins["store"] == "cas-sync.json"
    assert len(settings.warnings) == 1


def test_wanting_everything_here_goes_before_what_the_project_wants(project, env):
    write(project, '{"store": "s3://b/p", "only": ["clean/**"]}')

    assert load_settings(project, Config(), env).only == ("clean/**",)

    write(project / "Data" / ".S3", '{"only": []}', "local.json")
    assert load_settings(project, Config(), env).only == ()


def test_paths_of_the_file_are_relative_to_the_file(project, env):
    write(project, '{"store": "../store"}')
    (project / "sub").mkdir()

    settings = load_settings(project / "sub", Config(), env)

    assert settings.address.url == str(project.parent / "store")
    assert settings.data == project / "Data"


@pytest.mark.parametrize("jobs", ["many", "0", "257", "9" * 5000])
def test_a_wrong_number_of_jobs_is_refused(tmp_path, env, jobs):
    with pytest.raises(ConfigError):
        load_settings(tmp_path, Config(store="x"), {**env, "CAS_SYNC_JOBS": jobs})


@pytest.fixture(params=["flag", "environment", "file", "user's file", "s3synchrony.json"])
def with_store(request, project, env):
    """Return what loads the settings with a store that is said in one of all places."""

    def load(store):
        flags, said = Config(), f'{{"store": {json.dumps(store)}}}'
        match request.param:
            case "flag":
                flags = Config(store=store)
            case "environment":
                env["CAS_SYNC_STORE"] = store
            case "file":
                write(project, said)
            case "user's file":
                write(user_file().parent, said, "config.json")
            case other:
                write(project, said, other)
        project.mkdir(exist_ok=True)
        return load_settings(project, flags, env)

    return load


@pytest.mark.parametrize("store", ["", " ", "s3:demo", "s3:/demo/q", "s3:///demo", "gs:x"])
def test_what_is_no_address_is_no_folder_wherever_it_is_said(with_store, store):
    with pytest.raises(ConfigError) as caught:
        with_store(store)

    assert caught.value.code == "E108"


@pytest.mark.parametrize("store", ["s3://b/p", " s3://b/p "])
def test_an_address_is_read_alike_wherever_it_is_said(with_store, store):
    assert with_store(store).address.url == "s3://b/p"


def test_an_empty_store_names_who_said_so(project, env):
    write(project, '{"store": "s3://b/p"}')

    with pytest.raises(ConfigError) as caught:
        load_settings(project, Config(), {**env, "CAS_SYNC_STORE": ""})

    assert "CAS_SYNC_STORE" in caught.value.cause


def test_empty_variables_say_nothing(project, env):
    write(project, '{"store": "s3://b/p", "data": "D", "profile": "q"}')
    empty = dict.fromkeys(("DATA", "PROFILE", "USER", "JOBS", "CONFIG", "CACHE_DIR"), "")

    settings = load_settings(
        project, Config(), {**env, **{f"CAS_SYNC_{name}": "" for name in empty}}
    )

    assert settings.address.url == "s3://b/p"
    assert (settings.data.name, settings.address.profile, settings.jobs) == ("D", "q", 8)


def test_what_boto3_is_told_reaches_the_address(project, env):
    write(project, '{"store": "s3://b/p", "checksums": "when_supported"}')
    flags = Config(unsigned=True)

    address = load_settings(project, flags, env).address

    assert (address.checksums, address.unsigned) == ("when_supported", True)
    assert load_settings(project, Config(), env).address.unsigned is False


# -- who ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b"Ana Ruiz\n", "Ana Ruiz"),
        (b"J\xfcrgen", "Jürgen"),
        ("Zoë\r\n".encode(), "Zoë"),
        (b"NONAME\n", None),
        (b"\n", None),
    ],
)
def test_the_name_that_s3synchrony_asked_for_is_known(project, env, text, name):
    write(project, '{"store": "s3://b/p"}')
    (project / "Data" / ".S3").mkdir(parents=True)
    (project / "Data" / ".S3" / "user_name.txt").write_bytes(text)

    assert load_settings(project, Config(), env).user_name == name


def test_a_configured_name_goes_before_it(project, env):
    write(project, '{"store": "s3://b/p", "user": {"name": "Configured"}}')
    write(project / "Data" / ".S3", "Left", "user_name.txt")

    settings = load_settings(project, Config(), env)

    assert settings.user_name == "Configured"
    assert settings.origins["user.name"] == "cas-sync.json"


# -- keys in files --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cas-sync.json", "s3synchrony.json"])
def test_keys_in_a_file_work_with_a_loud_warning(project, env, name):
    write(project, f'{{"store": "s3://b/p", {KEYS}}}', name)

    settings = load_settings(project, Config(), env)

    assert settings.address.credentials == Credentials("AK", "SK")
    assert f"{name} HOLDS AN AWS SECRET KEY" in settings.warnings[0]
    assert "SK" not in repr(settings)


@pytest.mark.parametrize("name", ["cas-sync.json", "s3synchrony.json"])
def test_keys_in_a_file_that_git_tracks_are_refused(project, env, name):
    write(project, f'{{"store": "s3://b/p", {KEYS}}}', name)
    git(project, "init")
    load_settings(project, Config(), env)
    git(project, "add", name)

    with pytest.raises(AccessError) as caught:
        load_settings(project, Config(), env)

    assert caught.value.code == "E208"
    assert name in caught.value.message
    assert "aws configure --profile" in caught.value.fix


def test_without_git_nothing_is_tracked(project, env, monkeypatch):
    write(project, f'{{"store": "s3://b/p", {KEYS}}}')
    git(project, "init")
    git(project, "add", "cas-sync.json")
    monkeypatch.setenv("PATH", str(project))

    assert load_settings(project, Config(), env).address.credentials is not None


def test_keys_given_in_python_are_fine(project, env):
    flags = from_seed(
        {
            "aws_bkt": "b",
            "aws_prfx": "p",
            "credentials": {"aws_access_key_id": "AK", "aws_secret_access_key": "SK"},
        },
        "smart_sync",
    )

    settings = load_settings(project, flags, {**env, "AWS_ACCESS_KEY_ID": "other"})

    assert settings.address.credentials == Credentials("AK", "SK")
    assert settings.warnings == ()
    assert settings.origins["store"] == "smart_sync: aws_bkt + aws_prfx"


@pytest.mark.parametrize(
    "more",
    [{"AWS_ACCESS_KEY_ID": "other"}, {"AWS_PROFILE": "other"}, {"CAS_SYNC_PROFILE": "o"}],
)
def test_the_environments_identity_goes_before_keys_in_a_file(project, env, more):
    write(project, f'{{"store": "s3://b/p", {KEYS}}}')

    settings = load_settings(project, Config(), {**env, **more})

    assert settings.address.credentials is None
    assert "credentials" not in settings.origins


def test_the_seeds_keys_in_the_data_folder_are_named_and_never_read(project, env):
    write(project, '{"store": "s3://b/p"}')
    keys = project / "Data" / ".S3" / "aws.txt"
    keys.mkdir(parents=True)  # to read it would fail

    settings = load_settings(project, Config(), env)

    assert str(keys) in settings.warnings[0]
    assert "~/.aws" in settings.warnings[0]


def test_what_is_said_can_be_looked_at_without_a_store(project, env):
    found = resolve(project, Config(jobs=3), env)

    assert (found.path, found.config.store, found.config.jobs) == (None, None, 3)
    assert local_file(found.data) == Path(project / "Data" / ".S3" / "local.json")


def test_a_configuration_is_whole_or_not_there(tmp_path, monkeypatch):
    """Killed while it is written, no half of it stands in the next command's way."""

    def no_room(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_room)
    with pytest.raises(ConfigError, match="cannot write"):
        write_config(tmp_path, Config(store="s3://b/p"))
    assert list(tmp_path.iterdir()) == []
