"""The names of s3synchrony, in all generations."""

import json
from pathlib import PurePosixPath

import pytest

from cas_sync.errors import ConfigError
from cas_sync.formats.config_json import Config
from cas_sync.formats.seed_config import from_seed, load_seed
from cas_sync.model.credentials import Credentials

NAME = "s3synchrony.json"
KEYS = {"aws_access_key_id": "AK", "aws_secret_access_key": "SK", "aws_session_token": "T"}


def load(value):
    return load_seed(json.dumps(value).encode(), NAME)


def refused(value, name=NAME):
    with pytest.raises(ConfigError) as caught:
        from_seed(value, name)
    assert name in caught.value.message
    return caught.value


GENERATIONS = {
    "2022-01, keywords": {
        "platform": "S3",
        "aws_bkt": "team-data",
        "aws_prfx": "churn",
        "datafolder": "Daten",
    },
    "0.1 to 0.4, a flat file": {
        "platform": "s3",
        "template": "default",
        "aws_bkt": "team-data",
        "remote_data_dir": "churn",
        "local_data_rel_dir": "Daten",
        "aws_role_shorthand": "team",
        "_name": "Ana",
    },
    "0.5, nested": {
        "platform": "s3",
        "platforms": {
            "s3": {"aws_bkt": "team-data", "aws_role_shorthand": "team", "credentials": None}
        },
        "remote_data_dir": "churn",
        "local_data_rel_dir": "Daten",
        "reset": False,
        "_name": "Ana",
    },
}


@pytest.mark.parametrize("value", GENERATIONS.values(), ids=list(GENERATIONS))
def test_each_generation_says_the_same(value):
    config = load(value)

    newer = "aws_role_shorthand" in json.dumps(value)
    assert config == Config(
        store="s3://team-data/churn",
        data="Daten",
        profile="team" if newer else None,
        user_name="Ana" if newer else None,
    )
    assert config.warnings == ()
    assert from_seed(value, "smart_sync") == config


def test_each_value_knows_the_seeds_key_it_came_from():
    flat = load(GENERATIONS["0.1 to 0.4, a flat file"]).origins
    nested = load(GENERATIONS["0.5, nested"]).origins

    assert flat == {
        "store": "s3synchrony.json: aws_bkt + remote_data_dir",
        "data": "s3synchrony.json: local_data_rel_dir",
        "profile": "s3synchrony.json: aws_role_shorthand",
        "user.name": "s3synchrony.json: _name",
    }
    assert nested["store"] == "s3synchrony.json: platforms.s3.aws_bkt + remote_data_dir"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"aws_bkt": "b", "aws_prfx": "p"}, {"store": "s3://b/p"}),
        ({"aws_bkt": "b", "remote_data_dir": "p"}, {"store": "s3://b/p"}),
        ({"aws_bkt": "b", "aws_prfx": "p", "remote_data_dir": "p/"}, {"store": "s3://b/p"}),
        ({"platforms.s3.aws_bkt": "b", "aws_prfx": "p"}, {"store": "s3://b/p"}),
        ({"platforms": {"S3": {"aws_bkt": "b", "remote_data_dir": "p"}}}, {"store": "s3://b/p"}),
        ({"aws_bkt": " b ", "aws_prfx": " p "}, {"store": "s3://b/p"}),
        ({"datafolder": "D"}, {"data": "D"}),
        ({"local_data_rel_dir": "D"}, {"data": "D"}),
        ({"datafolder": "/abs/D"}, {"data": "/abs/D"}),
        ({"datafolder": ""}, {}),
        ({"platform": "s3"}, {}),
        ({"platform": "S3"}, {}),
        ({"platform": None, "platforms": None}, {}),
        ({"platform": "Local", "remote_data_dir": "/mnt/x/"}, {"store": "/mnt/x/"}),
        ({"credentials": KEYS}, {"credentials": Credentials("AK", "SK", "T")}),
        ({"credentials": None}, {}),
        ({"credentials": {}}, {}),
        ({"platforms": {"s3": {"credentials": KEYS}}},
         {"credentials": Credentials("AK", "SK", "T")}),
        ({"aws_role_shorthand": "team"}, {"profile": "team"}),
        ({"template": "default"}, {}),
        ({"template": "no_creds_needed"}, {"unsigned": True}),
        ({"reset": False}, {}),
        ({"_name": "Ana"}, {"user_name": "Ana"}),
        ({"_name": "NONAME"}, {}),
        ({"store": "s3://b/p", "jobs": 3, "guard": {"delete_min": 4}, "ignore": ["x"]},
         {"store": "s3://b/p", "jobs": 3, "delete_min": 4, "ignore": ("x",)}),
    ],
)  # fmt: skip
def test_every_key_has_its_meaning(value, expected):
    config = load(value)

    assert config == Config(**expected)
    assert config.warnings == ()


@pytest.mark.parametrize(
    ("prefix", "store"),
    [
        ({"aws_prfx": "p/"}, "s3://b/p"),
        ({"aws_prfx": "/p"}, "s3://b/p"),
        ({"remote_data_dir": "//p/q//"}, "s3://b/p/q"),
        ({"aws_prfx": ""}, "s3://b"),
        ({"aws_prfx": "/"}, "s3://b"),
        ({"aws_prfx": None}, "s3://b"),
        ({}, "s3://b/Data"),
    ],
)
def test_no_prefix_makes_keys_with_odd_slashes(prefix, store):
    assert load({"aws_bkt": "b", **prefix}).store == store


@pytest.mark.parametrize(
    "value",
    [
        {"aws_bkt": "b", "aws_prfx": "p", "remote_data_dir": "q"},
        {"aws_bkt": "b", "aws_prfx": "", "remote_data_dir": "q"},
        {"aws_bkt": "b", "platforms": {"s3": {"aws_bkt": "c"}}},
        {"datafolder": "a", "local_data_rel_dir": "b"},
        {"data": "a", "local_data_rel_dir": "b"},
        {"store": "s3://b/q", "aws_bkt": "b", "aws_prfx": "p"},
        {"profile": "a", "aws_role_shorthand": "b"},
    ],
)
def test_two_keys_that_say_different_things_are_refused(value):
    error = refused(value)

    assert error.code == "E202"
    assert "mean the same" in error.message


def test_a_contradiction_is_told_with_its_lines():
    with pytest.raises(
        ConfigError, match=r'"aws_prfx" \(line 2\) and "remote_data_dir" \(line 3\)'
    ):
        load_seed(b'{"aws_bkt": "b",\n"aws_prfx": "p",\n"remote_data_dir": "q"}', NAME)


@pytest.mark.parametrize(
    ("value", "fix"),
    [
        ({"aws_bkt": "s3://b/p/q"}, '"aws_bkt": "b",\n"remote_data_dir": "p/q"'),
        ({"aws_bkt": "s3://b/p", "aws_prfx": "q"}, '"aws_bkt": "b",\n"aws_prfx": "p/q"'),
        ({"aws_bkt": "s3://b", "remote_data_dir": "q"},
         '"aws_bkt": "b",\n"remote_data_dir": "q"'),
        ({"aws_bkt": "b/p", "aws_prfx": None}, '"aws_bkt": "b",\n"remote_data_dir": "p"'),
        ({"aws_bkt": "https://b.s3.amazonaws.com/p"}, "the name alone, without https:// and /"),
    ],
)  # fmt: skip
def test_an_address_where_a_bucket_belongs_is_taken_apart(value, fix):
    error = refused(value)

    assert error.code == "E108"
    assert f'aws_bkt is "{value["aws_bkt"]}": give the bucket\'s name only' in error.message
    assert error.fix == fix


def test_in_python_the_lines_to_copy_are_python():
    error = refused({"aws_bkt": "s3://b/p"}, "smart_sync")

    assert error.fix == 'aws_bkt="b",\naws_prfx="p"'


def test_an_unknown_platform_is_told_with_those_there_are():
    error = refused({"platform": "azure"})

    assert error.code == "E202"
    assert "azure" in error.message
    assert "S3 and local" in error.cause


@pytest.mark.parametrize(
    "value",
    [
        {"aws_bkt": 5},
        {"aws_bkt": "a\nb"},
        {"platforms": "s3"},
        {"platforms": {"s3": "b"}},
        {"platform": ["s3"]},
        {"datafolder": True},
        {"credentials": "AK"},
        {"jobs": "many"},
    ],
)
def test_a_wrong_type_is_refused(value):
    assert refused(value).code == "E202"


def test_reset_in_a_file_resets_nothing_and_says_what_to_type():
    config = load({"aws_bkt": "b", "reset": True})

    assert config == load({"aws_bkt": "b"})
    assert len(config.warnings) == 1
    assert "cas-sync reset --confirm" in config.warnings[0]


def test_a_prefix_without_a_bucket_is_told():
    config = load({"remote_data_dir": "churn"})

    assert config.store is None
    assert '"remote_data_dir" (line 1) means nothing without "aws_bkt"' in config.warnings[0]


def test_an_unknown_key_is_told_with_the_seeds_near_one():
    config = load({"aws_bucket": "b", "_comment": "x"})

    assert config.warnings == (
        's3synchrony.json: unknown key "aws_bucket" (line 1); did you mean "aws_bkt"?',
    )


def test_notes_may_stand_at_any_depth():
    config = load({"_why": "a", "aws_bkt": "b", "platforms": {"s3": {"_why": "b"}}})

    assert config == load({"aws_bkt": "b"})


def test_in_python_paths_may_be_path_objects():
    config = from_seed(
        {"datafolder": PurePosixPath("a/b"), "store": PurePosixPath("/s")}, "run"
    )

    assert (config.data, config.store) == ("a/b", "/s")
    assert config.origins == {"data": "run: datafolder", "store": "run"}
