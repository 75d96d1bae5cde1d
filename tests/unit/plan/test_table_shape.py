import pytest

from cas_sync.plan.table_shape import Shape, has_header, name_columns, read_shape


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Shape(",", ())),
        ("a\n1\n", Shape(",", ("a",))),
        ("a,b\r\n1,2\r\n", Shape(",", ("a", "b"))),
        ("a;b,c;d\n", Shape(";", ("a", "b,c", "d"))),
        ("a|b\n", Shape("|", ("a", "b"))),
        ("a\tb\n", Shape("\t", ("a", "b"))),
        ('"a;;;\nb",c\n1,2', Shape(",", ("a;;;\nb", "c"))),
    ],
)
def test_the_first_record_tells_what_separates_cells(text, expected):
    assert read_shape(text) == expected


def test_a_separator_that_is_known_is_not_guessed():
    assert read_shape("a,b\tc\n", "\t") == Shape("\t", ("a,b", "c"))


@pytest.mark.parametrize("text", ["\0", "\na\n", "x" * 200_000])
def test_what_cannot_be_a_table_is_told(text):
    assert isinstance(read_shape(text), str)


@pytest.mark.parametrize(
    ("old", "new", "key", "expected"),
    [
        (["id", "n"], ["id", "n"], [], True),
        (["1", "2"], ["1", "2"], [], False),
        (["id", "n"], ["n", "id"], [], True),
        (["country", "2019"], ["2019", "country"], [], True),
        (["id", "n"], ["id", "m"], [], True),
        (["id", "n"], ["id", "n", "m"], [], True),
        (["ana", "3"], ["ana", "5"], [], False),
        (["ana", "3"], ["ben", "4"], [], False),
        (["country", "2019"], ["country", "2020"], [], False),
        (["country", "2019"], ["country", "2020"], ["country"], True),
        ([], ["1", "2"], [], True),
    ],
)
def test_whether_the_first_line_names_columns(old, new, key, expected):
    assert has_header(old, new, key) is expected


def test_no_two_columns_have_one_name():
    assert name_columns(["a", "a", "", "a_2", " "], are_names=True) == [
        "a",
        "a_2",
        "column3",
        "a_2_2",
        "column5",
    ]
    assert name_columns(["1", "2"], are_names=False) == ["column1", "column2"]
