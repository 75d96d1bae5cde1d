"""The question whether to adopt what lies below a prefix, at a terminal."""

import pytest

from tests.support.people import snapshot

ASK = "Adopt them?"


@pytest.fixture
def ana(folder):
    """Return somebody whose store holds plain files, and no commit."""
    who = folder.person("Ana")
    for name, text in [("users.csv", "id\n1\n"), ("img/a.png", "a"), ("img/b.png", "b")]:
        path = who.home.parent / "store" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return who


def begin(who, *args):
    return who.terminal("sync", "--store", who.store, *args)


@pytest.mark.parametrize("answer", ["", "y", "Yes"])
def test_yes_adopts_and_goes_on_to_the_plan(ana, answer):
    with begin(ana) as t:
        t.answer(ASK, "perhaps")
        t.expect('"perhaps" is neither yes nor no')
        t.answer(ASK, answer)
        t.answer("Apply 3 changes?", "")
        t.end(exit=0)

    assert "holds 3 plain files" in t.transcript
    assert ana.paths() == {"users.csv", "img/a.png", "img/b.png"}
    assert [each["message"] for each in ana.log()] == ["adopt 3 files"]


@pytest.mark.parametrize(("key", "code"), [("n", 0), ("eof", 0), ("c", 130)])
def test_anything_else_changes_nothing_there(ana, key, code):
    before = snapshot(ana.home.parent / "store")

    with begin(ana) as t:
        t.expect(ASK)
        if key == "n":
            t.send_line("n")
        elif key == "eof":
            t.eof()
        else:
            t.interrupt()
        t.end(exit=code)

    assert snapshot(ana.home.parent / "store") == before
    assert ana.paths() == set()


def test_the_plan_after_it_may_be_declined(ana):
    with begin(ana) as t:
        t.answer(ASK, "y")
        t.answer("Apply 3 changes?", "s")
        t.answer("Which?", "img/")
        t.answer("Apply 2 of 3 changes?", "y")
        t.end(exit=0)

    assert ana.paths() == {"img/a.png", "img/b.png"}
    assert ana.status()["declined"] == ["users.csv"]


def test_without_a_terminal_it_stops_and_says_what_to_type(ana):
    before = snapshot(ana.home.parent / "store")

    said = ana.process("sync", "--store", ana.store, exit=2)

    assert "the store holds 3 files, but no commit, and there is no terminal" in said.stderr
    assert "cas-sync sync --yes" in said.stderr
    assert "nothing was changed" in said.stderr
    assert snapshot(ana.home.parent / "store") == before


def test_one_may_begin_beside_them_and_is_never_offered_them_again(ana):
    store = ana.home.parent / "store"
    before = {name: (store / name).read_bytes() for name in ("users.csv", "img/a.png")}
    ana.write("mine.csv", "mine")

    ana.sync("--no-adopt")

    assert ana.paths() == {"mine.csv"}
    assert {name: (store / name).read_bytes() for name in before} == before
    ana.write("more.csv", "more")
    with ana.terminal("sync") as t:
        t.answer("Apply 1 change?", "y")
        t.end(exit=0)
    assert "adopt" not in t.transcript


@pytest.mark.parametrize("answer", ["n", "c"])
def test_after_an_adoption_nobody_is_told_that_nothing_was_changed(ana, answer):
    with begin(ana) as t:
        t.answer(ASK, "y")
        t.expect("Apply 3 changes?")
        if answer == "n":
            t.send_line("n")
            t.end(exit=0)
        else:
            t.interrupt()
            t.end(exit=130)

    assert "Nothing was changed." not in t.transcript
    if answer == "n":
        assert "Adopted 3 files" in t.transcript
        assert "Nothing else was changed." in t.transcript
    assert [each["message"] for each in ana.log()] == ["adopt 3 files"]


def test_an_error_after_an_adoption_says_what_was_done(ana):
    said = ana.process("sync", "--yes", "--store", ana.store, "nowhere.csv", exit=2)

    assert "the old files are adopted at" in said.stderr
    assert "nothing else was changed" in said.stderr
    assert "state  nothing was changed" not in said.stderr
