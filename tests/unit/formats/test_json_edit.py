"""Changing one value in a file that somebody wrote."""

import pytest

from cas_sync.formats.json_edit import remove_member, set_member

WRITTEN = """{
    "store":  "s3://b/p",
    "_why": [1,  2],
    "user": { "name": "Ana" }
}
"""


@pytest.mark.parametrize(
    ("key", "value", "old", "new"),
    [
        ("store", "s3://c", '"s3://b/p"', '"s3://c"'),
        ("user.name", "Änne", '"Ana"', '"Änne"'),
        ("user.mail", "a@b", '"Ana" }', '"Ana", "mail": "a@b" }'),
        ("jobs", 3, '"Ana" }', '"Ana" },\n    "jobs": 3'),
        ("guard.delete_min", 3, '"Ana" }', '"Ana" },\n    "guard": {"delete_min": 3}'),
        ("ignore", ["a", "b"], '"Ana" }', '"Ana" },\n    "ignore": ["a", "b"]'),
    ],
)
def test_only_the_value_changes(key, value, old, new):
    assert set_member(WRITTEN, key, value) == WRITTEN.replace(old, new)


@pytest.mark.parametrize(
    ("text", "key", "result"),
    [
        ("{}", "a", '{\n  "a": 1\n}'),
        ("{}\r\n", "a", '{\r\n  "a": 1\r\n}\r\n'),
        ('{"b": 2}', "a", '{"b": 2, "a": 1}'),
        ('{"u": null}', "u.a", '{"u": {"a": 1}}'),
        (' { "b":{} } ', "b.a", ' { "b":{\n  "a": 1\n} } '),
    ],
)
def test_a_first_value_finds_its_place(text, key, result):
    assert set_member(text, key, 1) == result


@pytest.mark.parametrize(
    ("text", "key", "result"),
    [
        (WRITTEN, "store", WRITTEN.replace('    "store":  "s3://b/p",\n', "")),
        (WRITTEN, "_why", WRITTEN.replace('    "_why": [1,  2],\n', "")),
        (WRITTEN, "user", WRITTEN.replace(',\n    "user": { "name": "Ana" }', "")),
        (WRITTEN, "user.name", WRITTEN.replace(',\n    "user": { "name": "Ana" }', "")),
        ('{"u": {"a": 1, "b": 2}}', "u.a", '{"u": {"b": 2}}'),
        ('{"u": {"a": 1, "b": 2}}', "u.b", '{"u": {"a": 1}}'),
        ('{"a": 1}', "a", "{}"),
        ('{"a": 1}', "b", None),
        ('{"a": 1}', "a.b", None),
        ('{"u": {"a": 1}}', "u.b", None),
    ],
)
def test_a_value_goes_with_its_comma(text, key, result):
    assert remove_member(text, key) == result
