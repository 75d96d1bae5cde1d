"""The questions of restore, resolve and of a sync without configuration, at a terminal."""

import pytest

QUESTIONS = ["Replace 1 file?", "[l]ater ? ", "Set it up here"]
KEYS = ["c", "eof"]


@pytest.fixture
def asked(folder):
    """Return a command for each question, and somebody for whom it is asked."""
    ana, ben, new = folder.team("Ana", "Ben", "New")
    ana.write("a.csv", "first")
    ana.sync()
    ben.sync()
    ana.write("a.csv", "second")
    ana.sync()
    ben.write("a.csv", "Ben's")
    ben.sync(exit=3)
    new.write("mine.csv", "mine")
    return {
        QUESTIONS[0]: (ana, ["restore", "a.csv", "--rev", "@~1"]),
        QUESTIONS[1]: (ben, ["resolve", "a.csv"]),
        QUESTIONS[2]: (new, ["sync"]),
    }


def files(who):
    return {path: who.read(path) for path in who.paths()}


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("key", KEYS)
def test_who_does_not_answer_changes_nothing(asked, question, key):
    who, command = asked[question]
    before = files(who)

    with who.terminal(*command) as t:
        t.expect(question)
        if key == "c":
            t.interrupt()
        else:
            t.eof()
        t.end(exit=None)

    is_abort = key == "c" or question == QUESTIONS[2]
    assert t.exit == (130 if is_abort else 3 if question == QUESTIONS[1] else 0)
    assert "Traceback" not in t.transcript
    assert files(who) == before
    assert (who.project / "cas-sync.json").exists() == (question != QUESTIONS[2])


@pytest.mark.parametrize("question", QUESTIONS)
def test_junk_is_named_and_asked_again(asked, question):
    who, command = asked[question]
    before = files(who)

    with who.terminal(*command) as t:
        t.answer(question, "p\u00e9ut-\u00eatre 7")
        t.expect('"p\u00e9ut-\u00eatre 7" is n')
        t.expect(question)
        t.interrupt()
        t.end(exit=130)

    assert files(who) == before


def test_enter_takes_the_offer_and_goes_on_to_the_plan(asked):
    who, command = asked[QUESTIONS[2]]

    with who.terminal(*command) as t:
        t.answer("Set it up here", "")
        t.answer("Apply 1 change?", "")
        t.end(exit=0)

    assert [each["seq"] for each in who.log()] == [1]
