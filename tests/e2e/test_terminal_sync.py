"""A sync at a terminal: every question, and every way to answer it."""

import pytest

ASK = "Apply"
CONFLICT = "[l]ater ? "


@pytest.fixture
def team(folder):
    ana, ben = folder.team("Ana", "Ben")
    ana.write("clean/users.csv", "id,name\n1,a\n2,b\n")
    ana.write("clean/old.csv", "to go")
    ana.write("raw/events.csv", "e" * 3000)
    ana.sync()
    ben.sync()
    return ana, ben


def both_change(team):
    """Ben has an upload, a changed file, a download, a deletion each way and a conflict."""
    ana, ben = team
    ana.write("clean/users.csv", "id,name\n1,a\n2,bb\n")
    ana.write("notes/new.md", "from Ana")
    ana.delete("clean/old.csv")
    ana.sync()
    ben.write("clean/users.csv", "id,name\n1,a\n2,BEN\n")
    ben.write("mine.txt", "from Ben")
    ben.write("raw/events.csv", "f" * 4000)
    return ana, ben


def test_enter_accepts_the_plan(team):
    ana, ben = team
    ben.write("mine.txt", "from Ben")

    with ben.terminal("sync") as t:
        t.answer(ASK)
        t.end(exit=0)

    assert "Published" in t.transcript
    ana.sync()
    assert ana.read("mine.txt") == b"from Ben"


@pytest.mark.parametrize("answer", ["n", "no", "N", "No"])
def test_no_changes_nothing_and_is_asked_again(team, answer):
    _, ben = both_change(team)
    before = ben.paths()

    with ben.terminal("sync") as t:
        t.answer(ASK, answer)
        t.end(exit=3)

    assert "Nothing was changed." in t.transcript
    assert ben.paths() == before
    assert len(ben.log()) == 2
    assert ben.status()["declined"] == []


def test_the_plan_tells_what_where_how_much_and_who(team):
    _, ben = both_change(team)

    with ben.terminal("sync") as t:
        t.answer(ASK, "n")
        t.end(exit=3)

    lines = [" ".join(line.split()) for line in t.transcript.splitlines()]
    assert lines[:12] == [
        f"Upload to {ben.store} 2 files 3.9 KiB",
        "1 + mine.txt 8 B changed 2020-09-13",
        "2 ~ raw/events.csv 2.9 KiB -> 3.9 KiB changed 2020-09-13",
        "Download 1 file 8 B",
        "3 + notes/new.md 8 B Ana, 2020-09-13",
        "Delete here 1 file 5 B",
        "4 - clean/old.csv 5 B a teammate deleted it",
        "Conflict: changed on both sides 1 file 18 B",
        "5 ! clean/users.csv",
        "yours 18 B 2020-09-13",
        "theirs 17 B Ana, 2020-09-13",
        "before 16 B Ana, 2020-09-13",
    ]
    assert lines[12] == "Together: 2 changes there, 3.9 KiB up; 2 changes here, 8 B down"
    assert (
        "Apply 4 changes and decide 1 conflict? [Y]es / [n]o / [s]elect / [d]iff N" in lines[13]
    )


def test_a_choice_takes_some_and_remembers_the_rest(team):
    ana, ben = both_change(team)

    with ben.terminal("sync") as t:
        t.answer(ASK, "s")
        t.answer("Which?", "1 3")
        t.answer("Apply 2 of 4 changes", "")
        t.end(exit=3)

    assert "Selected 2 of 5: 1 3" in t.transcript
    assert "2 changes declined" in t.transcript
    assert ben.read("notes/new.md") == b"from Ana"
    assert ben.read("clean/old.csv") == b"to go"
    ana.sync()
    assert ana.read("mine.txt") == b"from Ben"
    assert ana.read("raw/events.csv") == b"e" * 3000
    status = ben.status()
    assert status["declined"] == ["clean/old.csv", "raw/events.csv"]
    assert status["conflicts"] == ["clean/users.csv"]


def test_what_was_declined_is_not_asked_for_until_it_changes(team):
    _, ben = team
    ben.write("mine.txt", "from Ben")
    with ben.terminal("sync") as t:
        t.answer(ASK, "s")
        t.answer("Which?", "none")
        t.answer("Apply 0 of 1 change?", "y")
        t.end(exit=0)
    assert len(ben.log()) == 1

    with ben.terminal("sync") as t:
        t.end(exit=0)
    assert "Apply" not in t.transcript
    assert "1 change declined" in t.transcript
    assert ben.sync()["declined"] == 1
    assert len(ben.log()) == 1

    ben.write("mine.txt", "changed since")
    with ben.terminal("sync") as t:
        t.answer("Apply 1 change?", "y")
        t.end(exit=0)
    assert ben.status()["declined"] == []
    assert len(ben.log()) == 2


@pytest.mark.parametrize("again", [["--declined"], ["mine.txt"]])
def test_what_was_declined_can_be_asked_for_again(team, again):
    _, ben = team
    ben.write("mine.txt", "from Ben")
    with ben.terminal("sync") as t:
        t.answer(ASK, "s")
        t.answer("Which?", "")
        t.answer(ASK, "y")
        t.end(exit=0)

    assert ben.sync(*again)["uploaded"] == 1
    assert ben.status()["declined"] == []


def test_a_declined_deletion_deletes_nothing_anywhere(team):
    ana, ben = both_change(team)
    with ben.terminal("sync", "--on-conflict", "mine") as t:
        t.answer(ASK, "s")
        t.answer("Which?", "all !clean/old.csv")
        t.answer(ASK, "")
        t.end(exit=0)

    for _ in range(3):
        ben.sync()
        ana.sync()
    assert ben.read("clean/old.csv") == b"to go"
    assert "clean/old.csv" not in ana.paths()


def test_junk_is_asked_again_and_named(team):
    _, ben = both_change(team)

    with ben.terminal("sync") as t:
        t.answer(ASK, "maybe")
        t.expect('"maybe" is not one of')
        t.answer(ASK, "s")
        for bad, why in [
            ("x", '"x" is not a number, range or pattern'),
            ("9", '"9" is outside 1-5'),
            ("0", '"0" is outside 1-5'),
            ("4-2", '"4-2" runs backwards'),
            ('"a', "a quote is not closed"),
            ("\u00e9\u4e16;;", "is not a number, range or pattern"),
        ]:
            t.answer("Which?", bad)
            t.expect(why)
        t.answer("Which?", "?")
        t.expect("Later items win")
        t.answer("Which?", "none")
        t.answer(ASK, "n")
        t.end(exit=3)


def test_help_explains_the_keys(team):
    _, ben = both_change(team)

    with ben.terminal("sync") as t:
        t.answer(ASK, "?")
        t.expect("remembered and not asked for again")
        t.answer(ASK, "n")
        t.end(exit=3)


def test_diff_shows_what_changed_before_anything_is_done(team):
    _, ben = both_change(team)

    with ben.terminal("sync") as t:
        t.answer(ASK, "d 5")
        t.expect("-2,bb")
        t.expect("+2,BEN")
        t.answer(ASK, "d raw/events.csv")
        t.expect("--- raw/events.csv (in the store)")
        t.answer(ASK, "d 99")
        t.expect('"99" is no number or path of this plan')
        t.answer(ASK, "d")
        t.expect("try  d 1")
        t.answer(ASK, "n")
        t.end(exit=3)


def test_a_text_cannot_command_the_terminal(team):
    _, ben = team
    ben.write("evil.txt", "\x1b]0;owned\x07\x1b[2J")

    with ben.terminal("sync") as t:
        t.answer(ASK, "d 1")
        t.answer(ASK, "n")
        t.end(exit=0)

    assert "\\x1b]0;owned\\x07\\x1b[2J" in t.transcript


@pytest.mark.parametrize(("key", "mine", "theirs"), [("m", 1, 0), ("t", 0, 1), ("b", 1, 1)])
def test_a_conflict_is_settled_by_one_key(team, key, mine, theirs):
    ana, ben = both_change(team)

    with ben.terminal("sync") as t:
        t.answer(ASK)
        t.answer(CONFLICT, key)
        t.end(exit=0)

    ana.sync()
    for who in (ana, ben):
        found = {who.read(path) for path in who.paths() if path.startswith("clean/users")}
        assert (b"id,name\n1,a\n2,BEN\n" in found) == bool(mine)
        assert (b"id,name\n1,a\n2,bb\n" in found) == bool(theirs)
    with ana.repository() as stored:
        assert {b"id,name\n1,a\n2,BEN\n", b"id,name\n1,a\n2,bb\n"} <= stored.all_contents()


@pytest.mark.parametrize("answer", ["", "l", "later"])
def test_later_leaves_a_conflict_alone_and_does_the_rest(team, answer):
    ana, ben = both_change(team)

    with ben.terminal("sync") as t:
        t.answer(ASK)
        t.answer(CONFLICT, "what?")
        t.expect("is not one of: m, t, b, d, l")
        t.answer(CONFLICT, "d")
        t.expect("+2,BEN")
        t.answer(CONFLICT, answer)
        t.end(exit=3)

    assert ben.read("clean/users.csv") == b"id,name\n1,a\n2,BEN\n"
    assert ben.read("notes/new.md") == b"from Ana"
    ana.sync()
    assert ana.read("clean/users.csv") == b"id,name\n1,a\n2,bb\n"
    assert ana.read("mine.txt") == b"from Ben"


def test_a_conflict_alone_is_asked_about_each_time(team):
    ana, ben = team
    ana.write("raw/events.csv", "ana")
    ana.sync()
    ben.write("raw/events.csv", "ben")

    with ben.terminal("sync") as t:
        t.answer("Decide 1 conflict?", "y")
        t.answer(CONFLICT, "l")
        t.end(exit=3)
    with ben.terminal("sync") as t:
        t.answer("Decide 1 conflict?", "y")
        t.answer(CONFLICT, "t")
        t.end(exit=0)

    assert ben.read("raw/events.csv") == b"ana"


def test_resolve_asks_where_no_choice_is_given(team):
    _, ben = both_change(team)
    ben.sync(exit=3)

    with ben.terminal("resolve", "clean/users.csv") as t:
        t.answer(CONFLICT, "m")
        t.end(exit=0)

    assert ben.status()["conflicts"] == []


@pytest.mark.parametrize("at", [ASK, "Which?", CONFLICT])
def test_ctrl_c_at_any_question_changes_nothing(team, at):
    _, ben = both_change(team)
    before = ben.paths()

    with ben.terminal("sync") as t:
        if at != ASK:
            t.answer(ASK, "s" if at == "Which?" else "y")
        t.expect(at)
        t.interrupt()
        t.end(exit=130)

    assert "Traceback" not in t.transcript
    assert ben.paths() == before
    assert len(ben.log()) == 2
    ben.sync(exit=3)


def test_the_end_of_input_at_the_question_means_no(team):
    _, ben = both_change(team)

    with ben.terminal("sync") as t:
        t.expect(ASK)
        t.eof()
        t.end(exit=3)

    assert "Nothing was changed." in t.transcript
    assert len(ben.log()) == 2


def test_the_end_of_input_at_a_choice_goes_back_to_the_question(team):
    _, ben = both_change(team)

    with ben.terminal("sync") as t:
        t.answer(ASK, "s")
        t.expect("Which?")
        t.eof()
        t.answer("Apply 4 changes", "n")
        t.end(exit=3)

    assert len(ben.log()) == 2


def test_the_end_of_input_at_a_conflict_means_later(team):
    _, ben = both_change(team)

    with ben.terminal("sync") as t:
        t.answer(ASK)
        t.expect(CONFLICT)
        t.eof()
        t.end(exit=3)

    assert ben.read("clean/users.csv") == b"id,name\n1,a\n2,BEN\n"
    assert ben.status()["conflicts"] == ["clean/users.csv"]


def test_enter_means_no_where_many_files_would_go(folder):
    ana = folder.person("Ana")
    for n in range(40):
        ana.write(f"img/{n}.png", f"{n}")
    ana.sync()
    ana.delete(*(f"img/{n}.png" for n in range(11)))

    with ana.terminal("sync") as t:
        t.answer("[y]es / [N]o")
        t.end(exit=0)

    assert "Nothing was changed." in t.transcript
    assert len(ana.log()) == 1


def test_a_long_folder_is_one_row_and_can_be_opened(folder):
    ana = folder.person("Ana")
    ana.write("readme.md", "here")
    ana.sync()
    for n in range(300):
        ana.write(f"img/2026/{n}.png", f"{n}")
    ana.write("x.csv", "x")

    with ana.terminal("sync") as t:
        t.answer(ASK, "p")
        t.expect("img/2026/299.png")
        t.answer(ASK, "s")
        t.answer("Which?", "img/ !img/2026/7.png")
        t.answer("Apply 299 of 301 changes", "y")
        t.end(exit=0)

    assert "+ img/2026/ 300 files" in " ".join(t.transcript.split())
    assert sorted(ana.status()["declined"]) == ["img/2026/7.png", "x.csv"]


@pytest.fixture
def apart(team):
    """Ben has one change of each kind that s3synchrony asks for."""
    ana, ben = both_change(team)
    ben.sync("--on-conflict", "mine")
    ana.sync()
    ana.write("raw/events.csv", "Ana's")
    ana.write("from-ana.txt", "new")
    ana.delete("mine.txt")
    ana.sync()
    ben.write("notes/new.md", "Ben's")
    ben.write("from-ben.txt", "new")
    ben.delete("clean/users.csv")
    return ana, ben


def test_groups_ask_in_the_order_of_the_seed(apart):
    ana, ben = apart
    titles = []

    with ben.terminal("sync", "--ask", "groups") as t:
        for _ in range(6):
            seen = t.answer("Which?", "all")
            titles += [line for line in seen.splitlines() if line.startswith(("UP", "DOWN"))]
        t.end(exit=0)

    assert [title.partition(" (")[0] for title in titles] == [
        "UPLOAD: delete in the store what was deleted here",
        "DOWNLOAD: delete here what was deleted in the store",
        "UPLOAD: new files",
        "DOWNLOAD: new files",
        "UPLOAD: files changed here",
        "DOWNLOAD: files changed in the store",
    ]
    ana.sync()
    assert ana.paths() == ben.paths() == {"from-ana.txt", "from-ben.txt", "notes/new.md",
                                          "raw/events.csv"}  # fmt: skip


def test_what_a_group_declines_is_offered_the_other_way(apart):
    ana, ben = apart

    with ben.terminal("sync", "--ask", "groups") as t:
        t.answer("Which?", "none")  # delete clean/users.csv in the store
        t.answer("Which?", "")  # delete mine.txt here
        t.answer("Which?", "mine.txt")
        t.answer("Which?", "clean/users.csv")
        t.answer("Which?", "none")  # upload notes/new.md
        t.answer("Which?", "none")  # download raw/events.csv
        t.expect("put the store back to your versions")
        t.answer("Which?", "all")
        t.expect("put your files back to the versions in the store")
        t.answer("Which?", "all")
        t.end(exit=0)

    ana.sync()
    for who in (ana, ben):
        assert who.read("mine.txt") == b"from Ben"
        assert who.read("clean/users.csv") == b"id,name\n1,a\n2,BEN\n"
        assert who.read("raw/events.csv") == b"f" * 4000
        assert who.read("notes/new.md") == b"from Ana"
    with ana.repository() as stored:
        assert {b"Ben's", b"Ana's"} <= stored.all_contents()
    assert ben.status()["declined"] == ["from-ana.txt", "from-ben.txt"]


@pytest.mark.parametrize("key", ["c", "eof"])
def test_groups_that_are_not_answered_to_the_end_change_nothing(apart, key):
    _, ben = apart
    before = ben.paths()

    with ben.terminal("sync", "--ask", "groups") as t:
        t.answer("Which?", "all")
        t.answer("Which?", "junk")
        t.expect('"junk" is not a number, range or pattern')
        t.expect("Which?")
        if key == "c":
            t.interrupt()
        else:
            t.eof()
        t.end(exit=130 if key == "c" else 0)

    assert ben.paths() == before
    assert len(ben.log()) == 4


def test_marks_have_colours_on_a_terminal(team):
    _, ben = team
    ben.write("mine.txt", "from Ben")

    with ben.terminal("sync", "-n") as t:
        t.end(exit=0)

    assert "\x1b[32m+" in t._raw
    assert "+ mine.txt" in t.transcript


# -- what happens while the question is open --------------------------------------------


@pytest.mark.parametrize("answers", [[(ASK, "")], [(ASK, "s"), ("Which?", "all"), (ASK, "y")]])
def test_what_comes_while_the_question_is_open_is_not_done_and_not_declined(team, answers):
    ana, ben = team
    ben.write("mine.txt", "from Ben")
    ben.delete("clean/users.csv")

    with ben.terminal("sync") as t:
        t.expect("Apply 2 changes?")
        ana.write("from-ana.txt", "new")
        ana.write("clean/users.csv", "edited meanwhile")
        ana.delete("clean/old.csv")
        ana.sync()
        t.send_line(answers[0][1])
        for prompt, line in answers[1:]:
            t.answer(prompt, line)
        t.end(exit=0)

    assert "3 changes came from a teammate meanwhile" in t.transcript
    assert ben.paths() == {"mine.txt", "clean/old.csv", "raw/events.csv"}
    assert ben.status()["declined"] == []
    ana.sync()
    assert ana.read("mine.txt") == b"from Ben"
    assert ana.read("clean/users.csv") == b"edited meanwhile"
    ben.sync()
    assert ben.paths() == ana.paths()


def test_who_agreed_beforehand_takes_what_comes_meanwhile(team):
    ana, ben = team
    ben.write("mine.txt", "from Ben")
    ana.write("from-ana.txt", "new")
    ana.sync()

    assert ben.sync()["downloaded"] == 1
    assert "from-ana.txt" in ben.paths()


def test_nobody_agrees_to_what_they_were_not_shown(team):
    _, ben = team
    ben.write("mine.txt", "from Ben")

    with ben.terminal("sync", "-q") as t:
        t.expect("+ mine.txt")
        t.answer(ASK, "n")
        t.end(exit=0)


def test_a_yes_with_more_words_is_no_yes(team):
    _, ben = team
    ben.write("mine.txt", "from Ben")

    with ben.terminal("sync") as t:
        t.answer(ASK, "y nope")
        t.expect('"y nope" is not one of')
        t.answer(ASK, "n")
        t.end(exit=0)


def test_looking_at_the_whole_plan_keeps_the_choice(team):
    _, ben = team
    ben.write("mine.txt", "from Ben")
    ben.write("other.txt", "from Ben")

    with ben.terminal("sync") as t:
        t.answer(ASK, "s")
        t.answer("Which?", "1")
        t.answer("Apply 1 of 2 changes?", "p")
        t.answer("Apply 1 of 2 changes?", "")
        t.end(exit=0)

    assert ben.status()["declined"] == ["other.txt"]


def test_the_end_of_input_in_groups_does_nothing_whatever_is_said_of_conflicts(apart):
    ana, ben = apart
    ana.write("fight.txt", "Ana")
    ana.sync()
    ben.write("fight.txt", "Ben")
    before = ben.paths()

    with ben.terminal("sync", "--ask", "groups") as t:
        t.expect("Which?")
        t.eof()
        t.end(exit=3)

    assert "Nothing was changed." in t.transcript
    assert ben.paths() == before
    assert len(ben.log()) == 5


def test_groups_settle_conflicts_as_it_was_asked_for(apart):
    ana, ben = apart
    ana.write("fight.txt", "Ana")
    ana.sync()
    ben.write("fight.txt", "Ben")

    with ben.terminal("sync", "--ask", "groups", "--on-conflict", "mine") as t:
        for _ in range(6):
            t.answer("Which?", "all")
        t.end(exit=0)

    ana.sync()
    assert ana.read("fight.txt") == b"Ben"


def test_the_choices_of_resolve_exclude_each_other(team):
    _, ben = both_change(team)

    said = ben.run("resolve", "clean/users.csv", "--mine", "--both", exit=2)

    assert "exclude each other" in said.stderr
