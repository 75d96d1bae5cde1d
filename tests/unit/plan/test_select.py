import pytest

from cas_sync.plan.select import Misread, Selection, parse_selection, spans

FILES = ["a.csv", "b.csv", "img/c.png", "img/d.csv", "my file.csv"]


def taken(text: str) -> list[int]:
    found = parse_selection(text, len(FILES), FILES)
    assert isinstance(found, Selection), found
    return [n for n, path in enumerate(FILES, start=1) if found.takes(n, path)]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", []),
        ("   ", []),
        ("all", [1, 2, 3, 4, 5]),
        ("ALL", [1, 2, 3, 4, 5]),
        ("a", [1, 2, 3, 4, 5]),
        ("*", [1, 2, 3, 4, 5]),
        ("yes", [1, 2, 3, 4, 5]),
        ("y", [1, 2, 3, 4, 5]),
        ("none", []),
        ("n", []),
        ("1,3", [1, 3]),
        ("1 3", [1, 3]),
        ("1, 3", [1, 3]),
        (",,1,,3,", [1, 3]),
        ("3,1,3", [1, 3]),
        ("2-4", [2, 3, 4]),
        ("3-", [3, 4, 5]),
        ("all !4", [1, 2, 3, 5]),
        ("!2", [1, 3, 4, 5]),
        ("!2,!3", [1, 4, 5]),
        ("1-3 !2 2", [1, 2, 3]),
        ("1-3 none", []),
        ("*.csv", [1, 2, 4, 5]),
        ("img/", [3, 4]),
        ("img", []),
        ("all,!*.png", [1, 2, 4, 5]),
        ("!img/ 4", [1, 2, 4, 5]),
        ("a.csv", [1]),
        ('"my file.csv"', [5]),
        ('!"my file.csv"', [1, 2, 3, 4]),
        ("!!2", [2, 1, 3, 4, 5]),
        ("img/*.csv", [4]),
        ("?.csv", [1, 2, 4]),
    ],
)
def test_the_grammar(text, numbers):
    if text == "img":
        assert isinstance(parse_selection(text, len(FILES), FILES), Misread)
    else:
        assert taken(text) == sorted(numbers)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0", '"0" is outside 1-5'),
        ("9", '"9" is outside 1-5'),
        ("4-9", '"4-9" is outside 1-5'),
        ("x", '"x" is not a number, range or pattern'),
        ("4-2", '"4-2" runs backwards'),
        ("-3", '"-3" is not a number, range or pattern'),
        ("1;2", '"1;2" is not a number, range or pattern'),
        ("!", '"!" names nothing'),
        ('"my file', "a quote is not closed"),
        ("9" * 5000, '"' + "9" * 37 + '..." is outside 1-5'),
        ("1.5", '"1.5" is not a number, range or pattern'),
        ("[z-a]", '"[z-a]" is not a pattern'),
        ("\u0663", '"\u0663" is not a number, range or pattern'),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text, message):
    assert parse_selection(text, 5, FILES) == Misread(message)


def test_a_name_with_brackets_is_that_file_and_no_pattern():
    found = parse_selection('"data[1].csv"', 2, ["data[1].csv", "data1.csv"])

    assert isinstance(found, Selection)
    assert found.takes(1, "data[1].csv")
    assert not found.takes(2, "data1.csv")


def test_numbers_are_told_as_people_write_them():
    assert spans({7, 1, 5, 6, 3}) == "1 3 5-7"
    assert spans(set()) == ""


def test_signs_in_brackets_that_python_warns_of_are_themselves():
    found = parse_selection("[[a]*", 2, FILES)

    assert isinstance(found, Selection)
    assert found.takes(1, "[b")
    assert found.takes(2, "ab")
