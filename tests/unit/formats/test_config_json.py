import json

import pytest

from cas_sync.errors import ConfigError
from cas_sync.formats.config_json import Config, dump, load
from cas_sync.model.credentials import Credentials

NAME = "cas-sync.json"

EVERYTHING = Config(
    store="s3://b/p",
    data="D",
    profile="p",
    region="r",
    endpoint_url="http://e",
    user_name="Änne",
    ignore=("scratch/**",),
    delete_ratio=0.3,
    delete_min=4,
    jobs=5,
    writers="one",
    only=("clean/**",),
    checksums="when_required",
)


def refused(text):
    with pytest.raises(ConfigError) as caught:
        load(text if isinstance(text, bytes) else text.encode(), NAME)
    assert NAME in caught.value.message
    return caught.value


def test_every_key_is_read():
    value = {
        "store": "s3://b/p", "data": "D", "profile": "p", "region": "r", "endpoint_url": "http://e",
        "user": {"name": "Änne"}, "ignore": ["scratch/**"], "only": ["clean/**"],
        "guard": {"delete_ratio": 0.3, "delete_min": 4}, "jobs": 5, "writers": "one",
        "checksums": "when_required",
    }  # fmt: skip

    config = load(json.dumps(value).encode(), NAME)

    assert config == EVERYTHING
    assert config.warnings == ()
    assert set(config.origins) == {
        *(set(value) - {"user", "guard"}),
        "user.name",
        "guard.delete_ratio",
        "guard.delete_min",
    }
    assert set(config.origins.values()) == {NAME}


def test_what_is_written_is_read_back():
    assert load(dump(EVERYTHING), "f") == EVERYTHING
    assert dump(Config()) == b"{}\n"


def test_wanting_everything_is_not_the_same_as_not_saying():
    assert load(b'{"only": []}', NAME).only == ()
    assert load(b"{}", NAME).only is None
    assert load(dump(Config(only=())), NAME).only == ()


def test_nothing_said_is_null_or_empty():
    config = load(b'{"store": null, "data": " ", "user": null, "guard": {}}', NAME)

    assert config == Config()
    assert config.origins == {}


def test_a_notepad_mark_is_no_trouble():
    assert load(b'\xef\xbb\xbf{"store": "x"}', "f").store == "x"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_notepads_unicode_is_recognised(encoding):
    error = refused('{"store": "x"}'.encode(encoding))

    assert error.code == "E201"
    assert "UTF-16" in error.message
    assert "UTF-8" in error.fix


def test_an_older_encoding_is_told_with_its_line():
    error = refused('{\n "data": "Käse"}'.encode("cp1252"))

    assert (error.code, error.message) == ("E201", f"{NAME} is not UTF-8 text, line 2")


def test_an_unknown_key_is_told_with_its_line_and_the_near_one():
    config = load(b'{\n"stroe": "x", "_note": 1, "$schema": "y", "x-tool": 2, "q": 1}', NAME)

    assert config.warnings == (
        'cas-sync.json: unknown key "stroe" (line 2); did you mean "store"?',
        'cas-sync.json: unknown key "q" (line 2)',
    )


def test_an_unknown_inner_key_is_told_with_the_near_one():
    config = load(b'{"guard": {"delete_mini": 3, "_why": "careful"}}', NAME)

    assert len(config.warnings) == 1
    assert (
        '"guard.delete_mini" (line 1); did you mean "guard.delete_min"?' in config.warnings[0]
    )


def test_a_key_of_s3synchrony_is_told_by_its_name_here():
    config = load(b'{"aws_bkt": "b"}', NAME)

    assert "s3synchrony.json" in config.warnings[0]
    assert '"store": "s3://bucket/prefix"' in config.warnings[0]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b'{"store": "x",}', "E201"),
        (b"[]", "E201"),
        (b"", "E201"),
        (b"\xff", "E201"),
        (b'{"store": 3}', "E202"),
        (b'{"store": "a\\tb"}', "E202"),
        (b'{"store": "\\ud800"}', "E202"),
        (b'{"jobs": 0}', "E202"),
        (b'{"jobs": true}', "E202"),
        (b'{"jobs": 4.0}', "E202"),
        (b'{"ignore": [1]}', "E202"),
        (b'{"ignore": "a"}', "E202"),
        (b'{"only": [""]}', "E202"),
        (b'{"writers": "two"}', "E202"),
        (b'{"checksums": "sometimes"}', "E202"),
        (b'{"user": "Ana"}', "E202"),
        (b'{"store": "x",\n', "E201"),
        (b"\n", "E201"),
        (b"[" * 100_000, "E201"),
        (b'{"a":' * 100_000, "E201"),
        (b'{"jobs": ' + b"1" * 5000 + b"}", "E201"),
        (b'{"guard": {"delete_ratio": NaN}}', "E202"),
        (b'{"guard": {"delete_ratio": 50}}', "E202"),
        (b'{"guard": {"delete_ratio": "half"}}', "E202"),
        (b'{"guard": {"delete_min": -1}}', "E202"),
    ],
)
def test_mistakes_are_told_by_kind(text, code):
    assert refused(text).code == code


def test_a_wrong_type_is_told_with_place_and_expectation():
    error = refused('{\n"guard": {\n"delete_min": "10"}}')

    assert error.message == (
        'cas-sync.json: "guard.delete_min" (line 3) must be a whole number, 0 or more'
    )
    assert error.cause == "it is text: take the quotes away"


def test_a_path_with_escapes_that_json_knows_is_told():
    error = refused(r'{"data": "C:\temp\new"}')

    assert "backslash" in error.cause


@pytest.mark.parametrize(
    "text", ['{"store": "a",\n"store": "b"}', '{"guard": {"delete_min": 1,\n"delete_min": 2}}']
)
def test_a_key_that_stands_twice_is_told(text):
    error = refused(text)

    assert error.code == "E202"
    assert "twice, in line 1 and line 2" in error.message


def test_notes_may_stand_as_often_as_one_likes():
    assert load(b'{"_note": 1, "_note": 2}', NAME) == Config()


def test_bad_json_is_told_with_line_and_column():
    with pytest.raises(ConfigError, match="line 2, column") as caught:
        load(b'{"store": "x"\n "data": "y"}', NAME)

    assert caught.value.cause.endswith("^")


SECRET = "wJalrCANARY"


@pytest.mark.parametrize("token", [None, "t"])
def test_credentials_are_read_and_never_written(token):
    keys = {"aws_access_key_id": "AK", "aws_secret_access_key": SECRET}
    if token:
        keys["aws_session_token"] = token

    config = load(json.dumps({"store": "s", "credentials": keys}).encode(), NAME)

    assert config.credentials == Credentials("AK", SECRET, token)
    assert config.origins["credentials"] == NAME
    assert dump(config) == b'{\n  "store": "s"\n}\n'
    assert SECRET not in repr(config)
    assert "AK" not in repr(config)


def test_keys_at_the_top_are_credentials_too():
    text = f'{{"aws_access_key_id": "AK", "aws_secret_access_key": "{SECRET}"}}'

    assert load(text.encode(), NAME).credentials == Credentials("AK", SECRET)


@pytest.mark.parametrize(
    "text",
    [
        f'{{"credentials": "{SECRET}"}}',
        f'{{"credentials": {{"aws_secret_access_key": "{SECRET}"}}}}',
        f'{{"credentials": {{"aws_access_key_id": 5, "aws_secret_access_key": "{SECRET}"}}}}',
        f'{{"credentials": {{"aws_access_key_id": "", "aws_secret_access_key": "{SECRET}"}}}}',
        f'{{"aws_access_key_id": "{SECRET}", "aws_secret_access_key": ["x"]}}',
        f'{{"aws_secret_access_key": "{SECRET}",}}',
        f"{{'aws_secret_access_key': '{SECRET}'}}",
        f'{{"aws_secret_access_key":\n"{SECRET}"\n"x": 1}}',
        f'{{"aws_secret_access_key": // {SECRET}\n"{SECRET}",}}',
        f'{{"aws_secret_access_key" "{SECRET}"}}',
        f'{{"aws_secret_access_key: "{SECRET}"}}',
        f'{{"secret": {SECRET}}}',
        f'{{"my secret (old)":\n"{SECRET}"\n"x": 1}}',
        f'{{"aws_session_token": "{SECRET}\n}}',
    ],
)
def test_no_mistake_shows_a_secret(text):
    error = refused(text)

    assert SECRET not in f"{error.message} {error.cause} {error.fix} {error.__cause__!r}"
