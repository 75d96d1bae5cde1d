"""The usual mistakes, in words, with the corrected line."""

import json

import pytest

from cas_sync.formats.json_mistakes import explain


def mistake(text):
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads(text)
    return explain(text, caught.value.pos)


@pytest.mark.parametrize(
    ("text", "place", "what", "fix"),
    [
        # a comma too many
        ('{\n "a": 1,\n}', (2, 8), "a comma too many before }", 'line 2:  "a": 1'),
        ('{"a": [1, ]}', (1, 9), "a comma too many before ]", 'line 1:  {"a": [1 ]}'),
        ('{"a": 1,, "b": 2}', (1, 9), "a comma too many", 'line 1:  {"a": 1, "b": 2}'),
        ('{, "b": 2}', (1, 2), "a comma too many", 'line 1:  { "b": 2}'),
        # single and curly quotes
        ("{'a': 'b'}", (1, 2), "single quotes", 'line 1:  {"a": "b"}'),
        ("{\"a\": 'b'}", (1, 7), "single quotes", 'line 1:  {"a": "b"}'),
        ("{'a': 'say \"b\"'}", (1, 2), "single quotes", ""),
        ("{“a”: 1}", (1, 2), "curly quotes, as text programs write them", 'line 1:  {"a": 1}'),
        # a comma or colon missing
        ('{"a": "x"\n  "b": 1}', (2, 3), 'missing comma after "x"', 'line 1:  {"a": "x",'),
        ('{"a": [1 2]}', (1, 10), "missing comma after 1", 'line 1:  {"a": [1, 2]}'),
        ('{"a" "b"}', (1, 6), 'missing colon after "a"', 'line 1:  {"a": "b"}'),
        ('{"a" = 1}', (1, 6), '"=" where ":" belongs', 'line 1:  {"a" : 1}'),
        # words
        ('{a: "b"}', (1, 2), "a key without double quotes", 'line 1:  {"a": "b"}'),
        ('{"a": True}', (1, 7), "True is written true", 'line 1:  {"a": true}'),
        ('{"a": None}', (1, 7), "None is written null", 'line 1:  {"a": null}'),
        ('{"a": s3://b/p,\n"c": 1}', (1, 7), "a value without double quotes",
         'line 1:  {"a": "s3://b/p",'),
        ('{"a": 007}', (1, 7), "a value without double quotes", ""),
        # nothing, or too much
        ("", (1, 1), "it is empty", 'write  {"store": "s3://bucket/prefix"}'),
        ('{"a":}', (1, 6), "a value is missing here", ""),
        ('{"a"}', (1, 5), "a value is missing here", ""),
        ("{: 1}", (1, 2), 'a key is missing here, like "store"', ""),
        ('{"a": 1}}', (1, 9), "a } too many", 'line 1:  {"a": 1}'),
        ('{"a": 1} x', (1, 10), "something follows after the end", "delete it"),
        ('{"a": [1}', (1, 9), "} cannot close [", ""),
        ('{\n"a": {"b": 1\n', (2, 6), "the { here is never closed", "write } where it ends"),
        ('{"a": "b\n}', (1, 7), "the quote here is never closed",
         "write a double quote where the text ends"),
        ('{"a": "b\tc"}', (1, 9), "a tab or the like inside quotes", "write \\t for it"),
        ('{\xa0"a": 1}', (1, 2), "a space of another kind, as web pages have them",
         'line 1:  { "a": 1}'),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_place_and_correction(text, place, what, fix):
    found = mistake(text)

    assert ((found.line, found.column), found.what) == (place, what)
    assert found.fix == fix


NOTE = 'JSON has no comments; a note may stand as  "_note": "..."'


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ('{\n"a": 1 // one\n}', f'line 2:  "a": 1\n{NOTE}'),
        ('{"a": 1 /* one */}', f'line 1:  {{"a": 1 }}\n{NOTE}'),
        ('{\n# one\n"a": 1}', f"delete line 2\n{NOTE}"),
        ('{"a": 1 /* one\ntwo */}', NOTE),
    ],
)
def test_a_comment_is_recognised(text, fix):
    found = mistake(text)

    assert (found.what, found.fix) == ("a comment", fix)


@pytest.mark.parametrize(
    ("text", "corrected"),
    [
        (r'{"data": "C:\Data"}', r'{"data": "C:\\Data"}'),
        (r'{"data": "C:\Data\new"}', r'{"data": "C:\\Data\\new"}'),
        (r'{"data": "C:\\Data\Up"}', r'{"data": "C:\\Data\\Up"}'),
        (r'{"data": "\\nas\Data"}', r'{"data": "\\\\nas\\Data"}'),
    ],
)
def test_a_windows_path_gets_its_backslashes_doubled(text, corrected):
    found = mistake(text)

    assert found.what == "a single backslash: in JSON it is written twice"
    assert found.fix.splitlines()[0] == f"line 1:  {corrected}"
    assert json.loads(corrected)


def test_a_backslash_that_hides_a_quote_is_told():
    found = mistake('{"data": "C:\\Data\\"}')

    assert "backslash before a quote" in found.fix


def test_the_caret_stands_below_its_place_also_after_tabs():
    assert mistake('{\n\t"a": 1,\n}').shown == '\t"a": 1,\n\t      ^'


def test_lines_of_windows_end_where_they_end():
    found = mistake('{\r\n"a": 1,\r\n}')

    assert (found.line, found.shown, found.fix) == (2, '"a": 1,\n      ^', 'line 2:  "a": 1')


def test_what_is_not_among_the_usual_is_told_with_its_place():
    found = explain('{"a": 1}', 5)

    assert (found.line, found.column, found.what) == (1, 6, "it cannot be read from here on")
