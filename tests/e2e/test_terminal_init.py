"""`cas-sync init` at a terminal: every question, answered in every way."""

import json
import re
import sys

import pytest

from tests.support.people import snapshot
from tests.support.terminal import Terminal

QUESTIONS = ["Data folder", "Where to keep it", "Your name", "Add it?"]
ENTER = ""


@pytest.fixture
def ana(folder):
    """Return somebody in a git work tree, whose name only git knows."""
    person = folder.person("ana", CAS_SYNC_USER="", GIT_CONFIG_NOSYSTEM="1")
    (person.home / ".gitconfig").write_text("[user]\nname = Ana Ruiz\n")
    (person.project / ".git").mkdir()
    return person


def config(person):
    return json.loads((person.project / "cas-sync.json").read_text())


def here(person):
    """Return all there is of a project and around it, but for what git itself keeps."""
    return snapshot(person.home.parent)


def questions_of(transcript):
    return re.findall(r"^ *(\S.*?) *\[[^\n]*\]: ?", transcript, re.MULTILINE)


def test_enter_takes_every_default(ana):
    with ana.terminal("init") as t:
        assert "[Data]" in t.answer(re.compile("Data folder.*: "), ENTER)
        t.answer("[../cas-sync-store, or s3://bucket/prefix]: ", ENTER)
        t.answer("[Ana Ruiz, from git]: ", ENTER)
        t.answer("Add it? [Y]es / [n]o: ", ENTER)
        said = t.end()

    assert config(ana) == {"store": "../cas-sync-store", "data": "Data"}
    assert (ana.home / "cas-sync-store" / ".S3" / "head").is_file()
    assert (ana.project / ".gitignore").read_text() == "/Data/\n"
    assert not (ana.state / "local.json").exists()
    assert ana.data.is_dir()
    assert "commit this: it holds no secret" in said
    assert "next  cas-sync sync" in said


def test_at_most_four_questions_are_asked_about_the_set_up(ana, s3):
    two_profiles(ana, s3)
    with ana.terminal("init", "--no-gitignore") as t:
        t.answer(re.compile("Data folder.*: "), ENTER)
        t.answer(re.compile("Where to keep it.*: "), s3.url)
        t.answer(re.compile("AWS profile.*: "), "team")
        t.answer(re.compile("Your name.*: "), ENTER)
        t.end()

    assert questions_of(t.transcript) == [
        "Data folder",
        "Where to keep it",
        "AWS profile",
        "Your name",
    ]


def test_answers_are_taken(ana):
    with ana.terminal("init") as t:
        t.answer(re.compile("Data folder.*: "), "Files/now")
        t.answer(re.compile("Where to keep it.*: "), "../team")
        t.answer(re.compile("Your name.*: "), "  Zoe Ünal ")
        t.answer("Add it?", "y")
        t.end()

    assert config(ana) == {"store": "../team", "data": "Files/now"}
    local = ana.project / "Files" / "now" / ".S3" / "local.json"
    assert json.loads(local.read_text()) == {"user": {"name": "Zoe Ünal"}}
    assert (ana.project / ".gitignore").read_text() == "/Files/now/\n"
    (ana.project / "Files" / "now" / "x").write_text("x")
    with ana.terminal("sync", "-y") as t:
        t.end()
    assert [each["author"] for each in ana.log()] == ["Zoe Ünal"]


def test_a_data_folder_that_cannot_be_is_asked_again(ana):
    (ana.project / "notes.txt").write_text("x")
    (ana.project / "lib" / ".git").mkdir(parents=True)
    (ana.project / "home").symlink_to(ana.project)
    wrong = {
        ".": '"." is the project itself',
        "..": '".." holds the project',
        "notes.txt": '"notes.txt" is a file',
        "notes.txt/x": "notes.txt is a file",
        "lib": '"lib" is a git repository',
        ".git/x": '".git/x" lies in a .git folder',
        "home": '"home" is the project itself',
    }

    with ana.terminal("init") as t:
        for answer, why in wrong.items():
            t.answer(re.compile("Data folder.*: "), answer)
            t.expect(why)
        t.answer(re.compile("Data folder.*: "), ENTER)
        t.expect("Where to keep it")
        t.interrupt()
        t.end(130)


def test_a_store_that_cannot_be_is_asked_again_with_one_line(ana):
    (ana.project / "notes.txt").write_text("x")
    wrong = {
        "ftp://x/y": "ftp://x/y is not a store",
        "https://s3.example.com/x": "is a web address, not a store",
        "s3://": "s3:// names no bucket",
        "s3://team data": "names no bucket",
        "file://host/x": "does not name a folder",
        "team-data/churn": "is that a folder here? type ./team-data/churn",
        "./notes.txt": "notes.txt is a file",
        "./Data": "lie in one another",
        "./Data/store": "lie in one another",
        ".": "lie in one another",
    }

    with ana.terminal("init") as t:
        t.answer(re.compile("Data folder.*: "), ENTER)
        for answer, why in wrong.items():
            t.answer(re.compile(r"Where to keep it.*\]: "), answer)
            shown = t.expect(re.compile(r"    [^\n]+\n"))
            assert why in shown, shown
        t.answer(re.compile(r"Where to keep it.*\]: "), ENTER)
        t.answer(re.compile("Your name.*: "), ENTER)
        t.answer("Add it?", ENTER)
        t.end()

    assert config(ana)["store"] == "../cas-sync-store"


def go_to(t, question):
    for each in QUESTIONS:
        t.expect(each)
        t.expect(re.compile(r"\]: |o: "))
        if each == question:
            return
        t.send_line(ENTER)


@pytest.mark.parametrize("question", QUESTIONS)
def test_ctrl_c_at_any_question_writes_nothing(ana, question):
    before = here(ana)

    with ana.terminal("init") as t:
        go_to(t, question)
        t.interrupt()
        said = t.end(130)

    assert "Nothing was written." in said
    assert "Traceback" not in said
    assert here(ana) == before


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_end_of_input_at_any_question_writes_nothing(ana, question):
    before = here(ana)

    with ana.terminal("init") as t:
        go_to(t, question)
        t.eof()
        said = t.end(130)

    assert "Nothing was written." in said
    assert here(ana) == before


def test_a_name_of_nothing_but_spaces_is_the_default(ana):
    with ana.terminal("init", "--no-gitignore", "--store", "../s", "--data", "D") as t:
        t.answer(re.compile("Your name.*: "), "   ")
        t.end()

    assert not (ana.project / "D" / ".S3" / "local.json").exists()


@pytest.mark.parametrize(
    ("answers", "after"),
    [(["maybe", "yes"], "*.pyc\n/Data/\n"), (["?", "n"], "*.pyc\n"), (["NO"], "*.pyc\n")],
)
def test_gitignore_is_written_only_after_a_yes(ana, answers, after):
    (ana.project / ".gitignore").write_text("*.pyc\n")

    with ana.terminal("init", "--store", "../s", "--data", "Data", "--user", "Ana") as t:
        for answer in answers:
            t.answer("Add it? [Y]es / [n]o: ", answer)
        said = t.end()

    assert "  + /Data/" in said
    assert said.count("is neither yes nor no") == len(answers) - 1
    assert (ana.project / ".gitignore").read_text() == after
    assert (ana.project / "cas-sync.json").exists()


def test_yes_takes_all_defaults_and_asks_nothing(ana):
    with ana.terminal("init", "--yes") as t:
        said = t.end()

    assert "]: " not in said
    assert config(ana) == {"store": "../cas-sync-store", "data": "Data"}
    assert (ana.project / ".gitignore").read_text() == "/Data/\n"


def test_what_flags_and_environment_say_is_not_asked(ana):
    env = {"CAS_SYNC_DATA": "Files", "CAS_SYNC_USER": "ana"}

    with ana.terminal("init", "--store", "../s", "--no-gitignore", env=env) as t:
        said = t.end()

    assert "]: " not in said
    assert config(ana) == {"store": "../s", "data": "Files"}


# -- AWS profiles -------------------------------------------------------------------


def two_profiles(person, s3):
    """Keep the keys to the store in one of two profiles, and nowhere else."""
    env = s3.env
    keys = {name.lower(): env[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    team = {**keys, "region": "us-east-1", "endpoint_url": env["AWS_ENDPOINT_URL"]}
    lines = [f"{name} = {value}" for name, value in team.items()]
    path = person.home / "aws-config"
    path.write_text(
        "\n".join(["[default]", "region = us-east-1", "[profile team]", *lines, ""])
    )
    person.extra["AWS_CONFIG_FILE"] = str(path)


@pytest.mark.s3
def test_a_profile_is_chosen_from_those_that_are_there(ana, s3):
    two_profiles(ana, s3)

    with ana.terminal("init", "--store", s3.url, "--data", "Data", "--no-gitignore") as t:
        t.answer("[default, found: default, team]: ", "tema")
        t.expect('"tema" is none of them')
        t.answer(re.compile("AWS profile.*: "), "team")
        t.answer(re.compile("Your name.*: "), ENTER)
        t.expect("two writers are kept apart")
        t.end()

    assert config(ana) == {"store": s3.url, "data": "Data", "profile": "team"}
    assert s3.env["AWS_SECRET_ACCESS_KEY"] not in (ana.project / "cas-sync.json").read_text()


@pytest.mark.s3
def test_the_usual_profile_is_not_written_down(ana, s3):
    ana.extra.update(s3.env)
    two_profiles(ana, s3)

    with ana.terminal("init", "--store", s3.url, "--data", "Data", "--no-gitignore") as t:
        t.answer("[default, found: default, team]: ", ENTER)
        t.answer(re.compile("Your name.*: "), ENTER)
        t.end()

    assert config(ana) == {"store": s3.url, "data": "Data"}


@pytest.mark.s3
def test_a_profile_is_not_asked_where_there_is_no_choice(ana, s3):
    ana.extra.update(s3.env)

    with ana.terminal("init", "--store", s3.url, "--data", "Data", "--no-gitignore") as t:
        said = t.expect(re.compile("Your name.*: "))
        t.send_line(ENTER)
        t.end()

    assert "AWS profile" not in said
    assert config(ana) == {"store": s3.url, "data": "Data"}


@pytest.mark.s3
def test_a_store_that_does_not_answer_as_it_should_leaves_no_file(ana, s3):
    ana.extra.update(s3.env)
    before = snapshot(ana.project)

    with ana.terminal("init", "--data", "Data") as t:
        t.answer(re.compile("Where to keep it.*: "), "s3://no-such-bucket/p")
        t.answer(re.compile("Your name.*: "), ENTER)
        t.answer("Add it?", ENTER)
        said = t.end(5)

    assert "E107" in said
    assert snapshot(ana.project) == before


# -- s3synchrony.json ---------------------------------------------------------------

SEED = {
    "aws_bkt": "team-data",
    "remote_data_dir": "churn",
    "local_data_rel_dir": "Files",
    "_name": "Ana of 2022",
    "credentials": {"aws_access_key_id": "AKIAX", "aws_secret_access_key": "hushhush"},
}


def with_seed(person, s3):
    bucket, _, prefix = s3.url.removeprefix("s3://").partition("/")
    seed = {**SEED, "aws_bkt": bucket, "remote_data_dir": prefix}
    person.extra.update(s3.env)
    path = person.project / "s3synchrony.json"
    path.write_text(json.dumps(seed))
    return path, path.read_bytes()


@pytest.mark.s3
def test_an_s3synchrony_json_is_shown_and_imported_without_its_keys(ana, s3):
    path, before = with_seed(ana, s3)

    with ana.terminal("init", "--no-gitignore") as t:
        shown = t.answer("[Y]es / [n]o: ", "what")
        t.answer("[Y]es / [n]o: ", ENTER)
        said = t.end()

    assert f'"store": "{s3.url}"' in shown
    assert "are not copied" in shown
    assert "hushhush" not in said
    written = (ana.project / "cas-sync.json").read_text()
    assert "".join(f"  {line}\n" for line in written.splitlines()) in shown
    local = ana.project / "Files" / ".S3" / "local.json"
    assert json.loads(local.read_text()) == {"user": {"name": "Ana of 2022"}}
    assert config(ana) == {"store": s3.url, "data": "Files"}
    assert path.read_bytes() == before


@pytest.mark.s3
def test_who_does_not_import_is_asked_as_usual(ana, s3):
    path, before = with_seed(ana, s3)

    with ana.terminal("init", "--no-gitignore") as t:
        t.answer("[Y]es / [n]o: ", "n")
        t.answer(re.compile("Data folder.*: "), ENTER)
        t.answer(re.compile("Where to keep it.*: "), ENTER)
        t.answer(re.compile("Your name.*: "), ENTER)
        t.end()

    assert config(ana) == {"store": "../cas-sync-store", "data": "Data"}
    assert path.read_bytes() == before


@pytest.mark.s3
@pytest.mark.parametrize("way", ["interrupt", "eof"])
def test_an_import_that_is_broken_off_writes_nothing(ana, s3, way):
    with_seed(ana, s3)
    before = snapshot(ana.project)

    with ana.terminal("init") as t:
        t.expect("[Y]es / [n]o: ")
        getattr(t, way)()
        t.end(130)

    assert snapshot(ana.project) == before


# -- the offer ----------------------------------------------------------------------

OFFER = """
import os, sys
from pathlib import Path
from cas_sync.cli import main
from cas_sync.cli.init_cmd import offer
print("set up:", offer(Path(".")))
"""


def offered(person):
    return Terminal([sys.executable, "-c", OFFER], person.project, person.env)


def test_a_folder_without_a_configuration_is_offered_one(ana):
    with offered(ana) as t:
        t.answer("../cas-sync-store? [Y]es / [n]o / [o]ther: ", "hm")
        t.answer("[Y]es / [n]o / [o]ther: ", ENTER)
        t.answer("Add it?", ENTER)
        t.expect("set up: True")
        t.end()

    assert config(ana) == {"store": "../cas-sync-store", "data": "Data"}


def test_the_offer_can_be_declined(ana):
    before = here(ana)

    with offered(ana) as t:
        t.answer("[Y]es / [n]o / [o]ther: ", "n")
        t.expect("set up: False")
        t.end()

    assert here(ana) == before


def test_the_offer_leads_to_the_questions(ana):
    with offered(ana) as t:
        t.answer("[Y]es / [n]o / [o]ther: ", "o")
        t.answer(re.compile("Data folder.*: "), "D")
        t.answer(re.compile("Where to keep it.*: "), "../other")
        t.answer(re.compile("Your name.*: "), ENTER)
        t.answer("Add it?", "n")
        t.expect("set up: True")
        t.end()

    assert config(ana) == {"store": "../other", "data": "D"}
