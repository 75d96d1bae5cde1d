"""What callers hand in: checked, and as the engine has it."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from cas_sync.api.arguments import Overrides, config_of, named_in, one_of
from cas_sync.errors import ConfigError, UsageError


@pytest.fixture
def settings(tmp_path):
    return SimpleNamespace(data=tmp_path / "project" / ".." / "Data")


def test_every_override_says_something():
    said = {
        "store": Path("store"),
        "data": Path("Data"),
        "profile": "team",
        "region": "eu-central-1",
        "endpoint_url": "http://localhost",
        "user": "ana",
        "jobs": 4,
        "ignore": ["scratch/**"],
        "single_writer": True,
        "credentials": {"aws_access_key_id": "A", "aws_secret_access_key": "B"},
    }
    assert said.keys() == Overrides.__annotations__.keys()

    config = config_of(said, "here")

    assert (config.store, config.data, config.profile) == ("store", "Data", "team")
    assert (config.region, config.endpoint_url, config.user_name) == (
        "eu-central-1",
        "http://localhost",
        "ana",
    )
    assert (config.jobs, config.ignore, config.writers) == (4, ("scratch/**",), "one")
    assert config.credentials.access_key_id == "A"
    assert config.warnings == ()


def test_none_says_nothing():
    empty = config_of({}, "here")

    assert config_of(dict.fromkeys(Overrides.__annotations__), "here") == empty


def test_a_value_that_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="jobs"):
        config_of({"jobs": "many"}, "here")
    with pytest.raises(UsageError, match=r"here\(\) has no argument 'usr'"):
        config_of({"usr": "ana"}, "here")


@pytest.mark.parametrize(
    ("paths", "named"),
    [
        ("a.csv", ("a.csv",)),
        (Path("d") / "b.csv", ("d/b.csv",)),
        (["a.csv", "d/"], ("a.csv", "d")),
        (".", ("",)),
        ("", ("",)),
        ("d/../a.csv", ("a.csv",)),
        ([], ()),
    ],
)
def test_paths_are_meant_from_the_data_folder(settings, paths, named):
    assert named_in(paths, settings) == named


def test_an_absolute_path_may_lie_in_the_data_folder(settings, tmp_path):
    assert named_in(tmp_path / "Data" / "a.csv", settings) == ("a.csv",)


@pytest.mark.parametrize("path", ["../a.csv", "/etc/passwd", "d/../../a.csv"])
def test_a_path_outside_is_refused(settings, path):
    with pytest.raises(UsageError, match="not in the data folder"):
        named_in(path, settings)


def test_a_word_that_is_no_choice_is_refused_with_the_choices():
    assert one_of({"mine": 1}, "mine") == 1
    with pytest.raises(UsageError) as caught:
        one_of({"mine": 1, "both": 2}, "yours")
    assert "mine, both" in caught.value.fix
