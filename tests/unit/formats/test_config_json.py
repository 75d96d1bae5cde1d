import json

import pytest

from cas_sync.errors import ConfigError
from cas_sync.formats.config_json import Config, dump, load


def test_every_key_is_read():
    value = {
        "store": "s3://b/p", "data": "D", "profile": "p", "region": "r", "endpoint_url": "http://e",
        "user": {"name": "Ana"}, "ignore": ["scratch/**"],
        "guard": {"delete_ratio": 0.3, "delete_min": 4}, "jobs": 5, "writers": "one",
    }  # fmt: skip

    config = load(json.dumps(value).encode(), "cas-sync.json")

    assert config == Config(
        "s3://b/p", "D", "p", "r", "http://e", "Ana", ("scratch/**",), 0.3, 4, 5, "one"
    )
    assert config.warnings == ()


def test_what_is_written_is_read_back():
    config = Config("s3://b/p", "D", "p", "r", "http://e", "Änne", ("a",), 0.3, 4, 5, "one")

    assert load(dump(config), "f") == config
    assert dump(Config()) == b"{}\n"


def test_a_notepad_mark_is_no_trouble():
    assert load(b'\xef\xbb\xbf{"store": "x"}', "f").store == "x"


def test_an_unknown_key_is_told_with_the_near_one():
    config = load(b'{"stroe": "x", "_note": 1, "$schema": "y"}', "cas-sync.json")

    assert config.warnings == ('cas-sync.json: unknown key "stroe"; did you mean "store"?',)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b'{"store": "x",}', "E201"),
        (b"[]", "E201"),
        (b"", "E201"),
        (b"\xff", "E201"),
        (b'{"store": 3}', "E202"),
        (b'{"jobs": 0}', "E202"),
        (b'{"jobs": true}', "E202"),
        (b'{"ignore": [1]}', "E202"),
        (b'{"writers": "two"}', "E202"),
        (b'{"user": "Ana"}', "E202"),
        (b'{"store": "x",\n', "E201"),
        (b"\n", "E201"),
        (b"[" * 100_000, "E201"),
        (b'{"jobs": ' + b"1" * 5000 + b"}", "E201"),
        (b'{"guard": {"delete_ratio": NaN}}', "E202"),
        (b'{"guard": {"delete_ratio": 50}}', "E202"),
        (b'{"guard": {"delete_ratio": "half"}}', "E202"),
    ],
)
def test_mistakes_are_told_by_kind(text, code):
    with pytest.raises(ConfigError) as caught:
        load(text, "cas-sync.json")

    assert caught.value.code == code
    assert "cas-sync.json" in caught.value.message


def test_bad_json_is_told_with_line_and_column():
    with pytest.raises(ConfigError, match="line 2, column") as caught:
        load(b'{"store": "x"\n "data": "y"}', "cas-sync.json")

    assert caught.value.cause.endswith("^")
