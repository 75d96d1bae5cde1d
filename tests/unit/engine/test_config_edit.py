"""Changing one value in a configuration file."""

import os
import stat

import pytest

from cas_sync.engine.config_edit import change, parse, remember_local
from cas_sync.engine.settings import load_settings
from cas_sync.errors import AccessError, CasSyncError, ConfigError, UsageError
from cas_sync.formats.config_json import Config

WRITTEN = '{\n\t"store": "s3://b/p",\n\t"_why": "asked by Mia"\n}\n'


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "cas-sync.json"
    path.write_bytes(WRITTEN.encode())
    return path


@pytest.fixture
def settings(tmp_path):
    return load_settings(tmp_path, Config(store="s3://b/p"), {"HOME": str(tmp_path)})


@pytest.mark.parametrize(
    ("key", "words", "value"),
    [
        ("profile", ["dev"], "dev"),
        ("profile", ["5"], "5"),
        ("user.name", ["Ana Ruiz"], "Ana Ruiz"),
        ("jobs", ["5"], 5),
        ("guard.delete_ratio", ["0.25"], 0.25),
        ("ignore", ["*.tmp"], ["*.tmp"]),
        ("ignore", ["*.tmp", "[ab]*"], ["*.tmp", "[ab]*"]),
        ("ignore", ['["*.tmp", "x"]'], ["*.tmp", "x"]),
        ("ignore", ["[ab]*"], ["[ab]*"]),
        ("only", ["[]"], []),
    ],
)
def test_what_is_typed_becomes_a_value(key, words, value):
    assert parse(key, words) == value


@pytest.mark.parametrize(
    ("key", "words", "told"),
    [
        ("jobs", ["many"], "a whole number from 1 to 256"),
        ("jobs", ["1", "2"], "a whole number"),
        ("profile", ["a", "b"], "a text"),
        ("profile", [""], "a text"),
        ("writers", ["two"], '"one" or "many"'),
        ("guard.delete_ratio", ["NaN"], "from 0 to 1"),
        ("jobs", ["9" * 5000], "a whole number"),
        ("ignore", ["[" * 100_000], None),
    ],
)
def test_what_does_not_fit_is_refused(key, words, told):
    if told is None:
        assert parse(key, words) == words
        return
    with pytest.raises(UsageError, match=told):
        parse(key, words)


@pytest.mark.parametrize(
    ("key", "near"), [("profil", "profile"), ("delete_min", "guard.delete_min")]
)
def test_an_unknown_key_is_told_with_the_near_one(key, near):
    with pytest.raises(UsageError) as caught:
        parse(key, ["x"])

    assert near in caught.value.fix


@pytest.mark.parametrize(
    "key",
    ["credentials", "credentials.aws_access_key_id", "aws_secret_access_key", "SessionToken"],
)
def test_no_secret_is_ever_written(key):
    with pytest.raises(AccessError) as caught:
        parse(key, ["CANARY"])

    assert caught.value.code == "E208"
    assert "CANARY" not in f"{caught.value} {caught.value.cause} {caught.value.fix}"


def test_only_what_was_asked_for_changes(file):
    assert change(file, "profile", "dev")

    expected = WRITTEN.replace('Mia"\n', 'Mia",\n\t"profile": "dev"\n')
    assert file.read_bytes() == expected.encode()

    assert change(file, "profile", None)
    assert file.read_bytes() == WRITTEN.encode()


def test_a_mark_and_the_ends_of_lines_stay(file):
    written = b"\xef\xbb\xbf" + WRITTEN.replace("\n", "\r\n").encode()
    file.write_bytes(written)

    change(file, "jobs", 3)

    assert file.read_bytes() == written.replace(b'Mia"\r\n', b'Mia",\r\n\t"jobs": 3\r\n')


@pytest.mark.parametrize(("key", "value"), [("store", "s3://b/p"), ("profile", None)])
def test_what_is_so_already_writes_nothing(file, key, value):
    before = file.stat()

    assert not change(file, key, value)

    assert file.stat() == before


def test_a_file_that_is_no_json_is_left_alone(file):
    file.write_text('{"store": "x",}')

    with pytest.raises(ConfigError, match="line 1, column 14"):
        change(file, "jobs", 3)

    assert file.read_text() == '{"store": "x",}'
    assert os.listdir(file.parent) == [file.name]


def test_a_wrong_value_can_be_removed(file):
    file.write_text('{"store": "x", "jobs": "many"}')

    with pytest.raises(ConfigError, match="jobs"):
        change(file, "profile", "dev")

    assert change(file, "jobs", None)
    assert file.read_text() == '{"store": "x"}'


@pytest.mark.skipif(os.name == "nt", reason="modes and links of other systems")
def test_mode_and_link_stay(file, tmp_path):
    file.chmod(0o640)
    link = tmp_path / "link.json"
    link.symlink_to(file)

    change(link, "jobs", 3)

    assert link.is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert '"jobs": 3' in file.read_text()


def test_a_file_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "x").write_text("")

    with pytest.raises(ConfigError, match="cannot"):
        change(tmp_path / "x" / "config.json", "jobs", 3)


def test_what_is_remembered_here_is_in_force_here(settings):
    path = remember_local(settings, "only", ["clean/**"])
    remember_local(settings, "user.name", "Änne")

    again = load_settings(settings.root, Config(store="s3://b/p"), {"HOME": str(settings.root)})
    assert (again.only, again.user_name) == (("clean/**",), "Änne")
    assert again.origins["only"] == "Data/.S3/local.json"
    assert path == settings.data / ".S3" / "local.json"

    remember_local(settings, "only", None)
    remember_local(settings, "user.name", None)
    assert path.read_text() == "{}\n"


def test_forgetting_what_was_never_said_makes_nothing(settings):
    remember_local(settings, "only", None)

    assert not settings.data.exists()


@pytest.mark.parametrize(
    ("key", "value"), [("store", "x"), ("data", "x"), ("jobs", "many"), ("only", "clean")]
)
def test_what_cannot_hold_here_is_not_remembered(settings, key, value):
    with pytest.raises(ConfigError):
        remember_local(settings, key, value)

    assert not (settings.data / ".S3" / "local.json").exists()


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_nothing_is_remembered_through_a_link(settings, tmp_path):
    settings.data.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (settings.data / ".S3").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(CasSyncError):
        remember_local(settings, "jobs", 3)

    assert os.listdir(tmp_path / "elsewhere") == []
