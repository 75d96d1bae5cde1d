import pytest

from cas_sync.formats.cells import escape, unescape


@pytest.mark.parametrize("first", list("=+-@'#\uff1d\uff0b\uff0d\uff20"))
def test_no_cell_begins_like_a_formula(first):
    written = escape(first + "1+1")

    assert written == "'" + first + "1+1"
    assert unescape(written) == first + "1+1"


@pytest.mark.parametrize("text", ["", "a", "007", "NA", "a=b", "é", "''", "'", "'#end", "1'2"])
def test_every_text_comes_back(text):
    assert unescape(escape(text)) == text


def test_plain_text_is_written_as_it_is():
    assert escape("data/a.csv") == "data/a.csv"
