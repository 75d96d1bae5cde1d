"""Who says it in the wrong order or form is told the command to type, and it works."""

import shlex
import sys

import pytest

from cas_sync.cli.paths import named_at


@pytest.fixture
def ana(folder):
    ana = folder.person("ana")
    for version in ("first", "second, longer"):
        ana.write("clean/users.csv", version)
        ana.write("top.csv", version)
        ana.sync()
    ana.run("tag", "v1", "@~1")
    return ana


def fix_of(said):
    return said.last["fix"]


def typed(text):
    """Return the first command that a text says to type, as words after cas-sync."""
    line = next(each for each in text.splitlines() if "  cas-sync " in each)
    return shlex.split(line.partition("  cas-sync ")[2])


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("ls @~1 clean", "ls @~1:clean"),
        ("ls v1 clean", "ls v1:clean"),
        ("ls @~1", "ls @~1:"),
        ("ls v1", "ls v1:"),
        ("du @~1", "du @~1:"),
        ("cat clean/users.csv@v1", "cat v1:clean/users.csv"),
        ("cat @~1 clean/users.csv", "cat @~1:clean/users.csv"),
        ("get @~1 clean/users.csv", "get @~1:clean/users.csv"),
        ("show v1 clean/users.csv", "show v1:clean/users.csv"),
        ("show clean/users.csv@v1", "show v1:clean/users.csv"),
        ("restore @~1:clean/users.csv", "restore clean/users.csv --rev @~1"),
        ("undelete v1:clean/users.csv", "restore clean/users.csv --rev v1"),
        ("diff v1:clean/users.csv", "diff v1 clean/users.csv"),
        ("diff clean/users.csv @~1", "diff @~1 clean/users.csv"),
        ("undo clean/users.csv", "restore clean/users.csv --rev @~1"),
        ("undo top.csv", "restore top.csv --rev @~1"),
        ("cat clean", "ls CLEAN"),
    ],
)
def test_what_was_meant_is_told_as_a_command_that_works(ana, words, meant):
    command, *args = words.split()

    found = typed(ana.run(command, *args, exit=2).stderr)

    if "CLEAN" not in meant:
        assert found == meant.split()
    command, *args = found
    ana.run(command, *args, *(["--yes"] if command == "restore" else []))


def test_two_paths_are_not_taken_for_a_version_and_a_path(ana):
    said = ana.run("ls", "--json", "clean", "top.csv", exit=2)

    assert typed(fix_of(said)) == ["ls", "clean"]


def test_a_number_is_no_deleted_path(ana):
    ana.delete("top.csv")
    ana.sync()

    assert "here name the path" in fix_of(ana.run("undelete", "--json", "1", exit=2))


def test_scripts_are_told_that_what_they_want_back_exists_again(ana):
    ana.delete("clean/users.csv")
    ana.sync()
    ana.run("undelete", "clean")
    ana.sync()

    said = ana.run("undelete", "--json", "clean").last

    assert (said["downloaded"], said["existing"]) == (0, 1)


def test_a_commit_that_is_not_there_is_told_before_what_stands_after_it(ana):
    said = ana.run("diff", "--json", "@~99", "@", exit=2).last

    assert said["message"].startswith("there is no commit @~99")


def test_log_of_a_revision_names_the_command_for_it(ana):
    assert typed(ana.run("log", "@~1").stderr) == ["show", "@~1"]
    assert typed(ana.run("log", "v1:top.csv").stderr) == ["show", "v1:top.csv"]


def test_a_file_at_the_top_is_shown_without_a_revision(ana):
    assert ana.run("show", "--json", "top.csv").answer["path"] == "top.csv"
    assert "there is no revision nosuch" in ana.run("show", "nosuch", exit=2).stderr


def test_the_answer_to_a_question_that_nobody_hears_can_be_typed_as_it_stands(ana):
    said = ana.run("restore", "--json", "clean/users.csv", "--rev", "@~1", exit=2)

    assert said.last["code"] == "E002"
    assert typed(fix_of(said)) == ["restore", "clean/users.csv", "--rev", "@~1", "--dry-run"]
    command, *args = typed(fix_of(said).partition("\n")[2])
    ana.run(command, *args)
    assert ana.read("clean/users.csv") == b"first"


def test_what_was_restored_from_the_latest_is_not_to_be_published(ana):
    ana.delete("top.csv")

    said = ana.run("restore", "top.csv")

    assert "Restored 1 file" in said.stdout
    assert "cas-sync sync" not in said.stderr


def test_names_in_an_error_cannot_mislead(ana):
    ana.write("clean/\u202egpj.exe", "x")
    ana.sync()

    said = ana.run("cat", "clean/\u202egpj.ex", exit=2).stderr

    assert "\u202e" not in said
    assert "near it: clean/\\u202egpj.exe" in said


def test_a_wrong_option_tells_scripts_what_to_type_and_that_nothing_changed(ana):
    said = ana.run("log", "--json", "--bogus", exit=2).last

    assert (said["fix"], said["state"]) == ("cas-sync log --help", "nothing was changed")


def test_no_byte_of_what_is_no_text_is_said_to_be_printed(ana):
    ana.write("clean/x.png", b"\x89PNG\0")
    ana.sync()

    with ana.terminal("cat", "clean/x.png") as terminal:
        terminal.end(exit=2)

    assert "nothing was changed" in terminal.transcript
    assert "cas-sync get @:clean/x.png" in terminal.transcript


@pytest.mark.skipif(sys.platform != "win32", reason="drives are of Windows")
def test_a_drive_is_no_revision(tmp_path):
    data = tmp_path / "Data"
    data.mkdir()

    assert named_at(str(data / "x.csv"), data, tmp_path) == ("@", "x.csv")
