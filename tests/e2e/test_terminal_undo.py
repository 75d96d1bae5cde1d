"""What an undo shows and asks at a terminal, and what every answer does."""

import pytest

ASK = "Undo this for everyone?"


@pytest.fixture
def ana(folder):
    """Ana, who deleted a file and edited another by mistake; then Ben published."""
    ana, ben = folder.team("Ana", "Ben")
    for name in ("a.csv", "b.csv", "c.csv"):
        ana.write(name, "base")
    ana.sync()
    ana.delete("a.csv")
    ana.write("b.csv", "by mistake")
    ana.write("c.csv", "by mistake")
    ana.sync("-m", "tidy up")
    ben.sync()
    ben.write("c.csv", "by Ben")
    ben.sync()
    return ana


def files(who):
    return {path: who.read(path) for path in who.paths()}


def test_all_is_shown_before_it_is_asked_for(ana):
    with ana.terminal("undo") as t:
        t.answer(ASK, "y")
        t.end(exit=0)

    lines = [" ".join(line.split()) for line in t.transcript.splitlines()]
    assert lines[0].startswith(f"Undo {ana.log()[2]['id'][:8]} (#2) by Ana, ")
    assert lines[0].endswith('"tidy up": 2 modified, 1 deleted')
    assert lines[1:7] == [
        "Bring back for everyone 1 file 4 B",
        "+ a.csv 4 B",
        "Put back as before for everyone 1 file 4 B",
        "~ b.csv 10 B -> 4 B",
        "Left alone 1 file 6 B",
        "! c.csv changed since by Ben in #3",
    ]
    assert "(#3) by Ben; cas-sync undo @ undoes that one" in lines[7]
    assert "for everyone at" in t.transcript
    assert "1 brought back, 1 put back as before, 1 left alone" in t.transcript
    assert files(ana) == {"a.csv": b"base", "b.csv": b"base", "c.csv": b"by mistake"}


@pytest.mark.parametrize("answer", ["", "y", "YES"])
def test_a_yes_undoes(ana, answer):
    with ana.terminal("undo") as t:
        t.answer(ASK, answer)
        t.end(exit=0)

    assert len(ana.log()) == 4
    assert ana.read("a.csv") == b"base"


@pytest.mark.parametrize("answer", ["n", "No", "eof", "c"])
def test_any_other_answer_changes_nothing(ana, answer):
    before = files(ana)

    with ana.terminal("undo") as t:
        t.answer(ASK, "peut-\u00eatre")
        t.expect('"peut-\u00eatre" is neither yes nor no')
        t.expect(ASK)
        if answer == "c":
            t.interrupt()
        elif answer == "eof":
            t.eof()
        else:
            t.send_line(answer)
        t.end(exit=130 if answer == "c" else 0)

    assert "Traceback" not in t.transcript
    assert files(ana) == before
    assert len(ana.log()) == 3


def test_enter_means_no_where_many_files_would_be_deleted(folder):
    ana = folder.person("Ana")
    for i in range(30):
        ana.write(f"old/{i}", "old")
    ana.sync()
    for i in range(12):
        ana.write(f"new/{i}", "new")
    ana.sync()

    with ana.terminal("undo") as t:
        t.answer("[y]es / [N]o", "")
        t.end(exit=0)

    assert "Nothing was changed." in t.transcript
    assert len(ana.log()) == 2


def test_long_groups_are_folded(folder):
    ana = folder.person("Ana")
    for i in range(40):
        ana.write(f"f{i:02}", "x")
    ana.sync()
    ana.delete(*(f"f{i:02}" for i in range(18)))
    ana.sync()

    assert "... and 3 more (-v shows all)" in ana.run("undo", "-n").stdout
    assert "f17" in ana.run("undo", "-n", "-v").stdout
