"""`undelete` at a terminal: a list, numbers, an echo, one more Enter."""

import pytest

from tests.support.people import tree


@pytest.fixture
def ana(folder):
    ana = folder.person("ana")
    for i in range(12):
        ana.write(f"images/{i:02d}.png", f"picture {i}")
    for name in ("a.csv", "b.csv", "keep.csv"):
        ana.write(name, name)
    ana.sync()
    ana.delete(*(f"images/{i:02d}.png" for i in range(12)))
    ana.sync("--allow-mass-delete")
    ana.delete("a.csv")
    ana.sync()
    ana.delete("b.csv")
    ana.sync()
    return ana


PICTURES = {f"images/{i:02d}.png" for i in range(12)}


@pytest.mark.parametrize(
    ("typed", "echoed", "paths"),
    [
        ("3", "Selected 1 of 3: 3", PICTURES),
        ("all", "Selected 3 of 3: 1-3", PICTURES | {"a.csv", "b.csv"}),
        ("1-2", "Selected 2 of 3: 1-2", {"a.csv", "b.csv"}),
        ("!3", "Selected 2 of 3: 1-2", {"a.csv", "b.csv"}),
        ("images/", "Selected 1 of 3: 3", PICTURES),
        ("*3.png b.csv", "Selected 2 of 3: 1 3", {"images/03.png", "b.csv"}),
    ],
)
def test_what_is_picked_comes_back_after_one_more_enter(ana, typed, echoed, paths):
    before = ana.paths()

    with ana.terminal("undelete") as t:
        t.answer("(Enter = none):", typed)
        t.expect(echoed)
        t.answer(f"Bring back {len(paths)} file", "")
        t.expect("hint: cas-sync sync")
        t.end(exit=0)

    assert ana.paths() - before == paths


def test_the_list_is_read_top_down(ana):
    with ana.terminal("undelete") as t:
        shown = t.answer("(Enter = none):", "")
        t.end(exit=0)

    lines = [line for line in shown.splitlines() if line.lstrip()[:1].isdigit()]
    assert [line.split()[:2] for line in lines] == [
        ["1", "b.csv"],
        ["2", "a.csv"],
        ["3", "images/"],
    ]
    assert "12 files" in lines[2]
    assert "you, just now" in lines[0]


@pytest.mark.parametrize("typed", ["", "none", "*.parquet"])
def test_none_changes_nothing(ana, typed):
    before = tree(ana.data)

    with ana.terminal("undelete") as t:
        t.answer("(Enter = none):", typed)
        t.expect("Nothing was changed.")
        t.end(exit=0)

    assert tree(ana.data) == before


def test_junk_is_named_and_a_question_mark_explains(ana):
    with ana.terminal("undelete") as t:
        t.answer("(Enter = none):", "9")
        t.expect('"9" is outside 1-3')
        t.answer("(Enter = none):", "?")
        t.expect("numbers and ranges")
        t.answer("(Enter = none):", "2")
        t.answer("Bring back 1 file?", "hm")
        t.expect('"hm" is neither yes nor no')
        t.answer("Bring back 1 file?", "n")
        t.expect("Nothing was changed.")
        t.end(exit=0)

    assert "a.csv" not in ana.paths()


@pytest.mark.parametrize("question", ["(Enter = none):", "Bring back 1 file?"])
@pytest.mark.parametrize("key", ["c", "eof"])
def test_who_does_not_answer_changes_nothing(ana, question, key):
    before = tree(ana.data)

    with ana.terminal("undelete") as t:
        if question.startswith("Bring"):
            t.answer("(Enter = none):", "1")
        t.expect(question)
        if key == "c":
            t.interrupt()
        else:
            t.eof()
        t.end(exit=130 if key == "c" else 0)

    assert "Traceback" not in t.transcript
    assert tree(ana.data) == before


def test_yes_is_not_asked_again_and_a_path_not_at_all(ana):
    with ana.terminal("undelete", "-y") as t:
        t.answer("(Enter = none):", "1")
        t.expect("Restored 1 file")
        t.end(exit=0)
    with ana.terminal("undelete", "a.csv") as t:
        t.end(exit=0)

    assert {"a.csv", "b.csv"} <= ana.paths()


def test_another_folder_takes_what_is_picked(ana):
    before = tree(ana.data)

    with ana.terminal("undelete", "--to", str(ana.home / "then")) as t:
        t.answer("(Enter = none):", "1 2")
        t.answer("Bring back 2 files?", "y")
        t.end(exit=0)

    assert set(tree(ana.home / "then")) == {"a.csv", "b.csv"}
    assert tree(ana.data) == before
