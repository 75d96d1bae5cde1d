import json

import pytest

from cas_sync.cli.json_out import answer_rows, json_text


@pytest.mark.parametrize("encoding", [None, "utf-8", "UTF8", "cp1252", "ascii", "latin-1", "?"])
@pytest.mark.parametrize("name", ["a.csv", "é", "日本", "bad\udcff", "\U0001f600"])
def test_a_document_is_json_whatever_the_stream_holds(encoding, name):
    text = json_text({"path": name}, encoding)

    assert json.loads(text.encode()) == {"path": name}
    assert "\n" not in text


@pytest.mark.parametrize("encoding", [None, "utf-8", "UTF8"])
def test_names_can_be_read_where_the_stream_is_utf8(encoding):
    assert json_text(["é日本"], encoding) == '["é日本"]'


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ascii", "?"])
def test_readers_of_json_find_no_other_encoding(encoding):
    assert json_text(["é"], encoding) == '["\\u00e9"]'


def test_rows_make_up_one_document(capsys):
    for rows in ([], [1], [{"a": "é"}, None, []]):
        with answer_rows("ls") as show:
            for row in rows:
                show(row)

        assert json.loads(capsys.readouterr().out) == {
            "schema": 1,
            "command": "ls",
            "result": rows,
        }


@pytest.mark.parametrize(("n_rows", "lines"), [(0, 0), (2, 1)])
def test_a_document_that_breaks_off_is_none(capsys, n_rows, lines):
    def break_off():
        with answer_rows("ls") as show:
            for n in range(n_rows):
                show(n)
            raise KeyError

    with pytest.raises(KeyError):
        break_off()

    said = capsys.readouterr().out
    assert said.count("\n") == len(said.splitlines()) == lines
    assert not said or not said.endswith("]}\n")
