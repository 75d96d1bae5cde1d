"""Laws of configuration files: whatever lies there, it is read or refused in words."""

import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st

from cas_sync.errors import ConfigError
from cas_sync.formats import config_json, json_text, seed_config
from cas_sync.formats.config_json import KEYS, Config, dump
from cas_sync.formats.json_edit import remove_member, set_member

lines = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=20
).filter(lambda text: text == text.strip())
patterns = st.lists(lines, max_size=3).map(tuple)
configs = st.builds(
    Config,
    store=st.none() | lines,
    data=st.none() | lines,
    profile=st.none() | lines,
    region=st.none() | lines,
    endpoint_url=st.none() | lines,
    user_name=st.none() | lines,
    ignore=patterns,
    delete_ratio=st.none() | st.floats(0, 1),
    delete_min=st.none() | st.integers(0, 10**9),
    jobs=st.none() | st.integers(1, 256),
    writers=st.sampled_from([None, "one", "many"]),
    only=st.none() | patterns,
    checksums=st.sampled_from([None, "auto", "when_required", "when_supported"]),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
seed_keys = [
    "aws_bkt",
    "aws_prfx",
    "remote_data_dir",
    "datafolder",
    "platform",
    "platforms",
    "s3",
]
keys = st.sampled_from(
    [*KEYS, "user", "guard", "credentials", "reset", "_name", *seed_keys]
) | st.text(max_size=8)
objects = st.dictionaries(
    keys, json_values | st.dictionaries(keys, json_values, max_size=3), max_size=5
)
PIECES = '{ } [ ] : , " \' “ ” // /* */ # \\ "store" x = é true None 12 secret'
pieces = st.sampled_from([*PIECES.split(), *" \t\n\0\xa0\ufeff"])
almost_json = st.lists(pieces, max_size=25).map("".join)


def read_by_all(data: bytes) -> None:
    for load in (config_json.load, seed_config.load_seed):
        with contextlib.suppress(ConfigError):
            load(data, "f.json")


@given(configs)
def test_what_is_written_is_read_back(config):
    found = config_json.load(dump(config), "f")

    assert found == config
    assert found.warnings == ()


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    read_by_all(data)


@given(almost_json)
def test_any_text_is_read_or_refused(text):
    read_by_all(text.encode())


@given(objects)
def test_any_object_is_read_or_refused(value):
    read_by_all(json.dumps(value).encode())


@given(almost_json)
def test_a_mistake_lies_in_the_text(text):
    try:
        json_text.read(text.encode(), "f.json")
    except ConfigError as error:
        if "column" not in error.message:
            return
        _, _, place = error.message.partition("line ")
        line, _, rest = place.partition(", column ")
        column = int(rest.partition(":")[0])
        assert 1 <= column <= len(text.removeprefix("\ufeff").split("\n")[int(line) - 1]) + 1


members = st.dictionaries(st.text(max_size=4).filter(lambda k: "." not in k), json_values)
indents = st.sampled_from([None, 1, 4, "\t"])


@given(members, indents, st.text(max_size=4).filter(lambda k: "." not in k), json_values)
def test_changing_a_value_changes_nothing_else(value, indent, key, new):
    text = json.dumps(value, indent=indent, allow_nan=True)

    changed = set_member(text, key, new)

    assert repr(json.loads(changed)) == repr({**value, key: new})


@given(members, indents)
def test_removing_a_value_removes_nothing_else(value, indent):
    text = json.dumps(value, indent=indent)
    for key in value:
        left = {name: each for name, each in value.items() if name != key}

        assert repr(json.loads(remove_member(text, key))) == repr(left)
