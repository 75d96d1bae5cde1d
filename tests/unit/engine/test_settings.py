import pytest

from cas_sync.engine.settings import find_config, load_settings
from cas_sync.errors import ConfigError, NotAProjectError
from cas_sync.formats.config_json import Config


@pytest.fixture
def env(tmp_path):
    return {"HOME": str(tmp_path)}


def write(folder, text):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cas-sync.json").write_text(text)


def test_the_nearest_file_above_is_found(tmp_path, env):
    write(tmp_path / "project", '{"store": "../far"}')
    deep = tmp_path / "project" / "a" / "b"
    deep.mkdir(parents=True)

    found = find_config(deep, env)

    assert found == tmp_path / "project" / "cas-sync.json"


def test_the_search_ends_at_a_git_root(tmp_path, env):
    write(tmp_path / "outer", '{"store": "x"}')
    repo = tmp_path / "outer" / "repo"
    (repo / ".git").mkdir(parents=True)

    assert find_config(repo, env) is None


def test_a_flag_beats_the_environment_which_beats_the_file(tmp_path, env):
    write(tmp_path / "p", '{"store": "s3://file/x", "data": "FromFile", "jobs": 3}')
    env |= {"CAS_SYNC_STORE": "s3://env/x", "CAS_SYNC_DATA": "FromEnv"}

    settings = load_settings(tmp_path / "p", Config(data="FromFlag"), env)

    assert settings.address.url == "s3://env/x"
    assert settings.data == tmp_path / "p" / "FromFlag"
    assert settings.jobs == 3


def test_paths_of_the_file_are_relative_to_the_file(tmp_path, env):
    write(tmp_path / "p", '{"store": "../store"}')
    (tmp_path / "p" / "sub").mkdir()

    settings = load_settings(tmp_path / "p" / "sub", Config(), env)

    assert settings.address.url == str(tmp_path / "store")
    assert settings.data == tmp_path / "p" / "Data"


def test_without_a_store_it_says_what_to_type(tmp_path, env):
    with pytest.raises(NotAProjectError) as caught:
        load_settings(tmp_path, Config(), env)

    assert "cas-sync sync --store" in caught.value.fix


def test_a_wrong_number_of_jobs_is_refused(tmp_path, env):
    with pytest.raises(ConfigError):
        load_settings(tmp_path, Config(store="x"), {**env, "CAS_SYNC_JOBS": "many"})
