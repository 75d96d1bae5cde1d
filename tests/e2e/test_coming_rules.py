"""Rules of the team that are on their way: what they ignore is not published by chance."""

from tests.support.people import tree


def shared(who):
    return {row["path"] for row in who.run("ls", "-R", "--json").answer}


def test_what_the_team_ignores_is_not_published_on_the_way_back_from_an_older_version(folder):
    ana, ben = folder.team("Ana", "Ben")
    ana.write("a", "a")
    ana.sync()
    ana.write(".casignore", "*.env\n")
    ana.sync()
    ben.sync()
    ben.write("secret.env", "a key")
    ben.write("d/secret.env", "another")
    ben.sync()
    ben.run("pin", "#1")
    ben.sync("--locked")
    assert ben.paths() == {"a", "secret.env", "d/secret.env"}

    assert ben.status()["local"]["new"] == []
    for _ in range(2):
        assert ben.sync()["published"] is False

    assert shared(ana) == {"a", ".casignore"}
    assert ben.status()["ignored"] == 2


def test_new_rules_hold_at_once_for_new_files_of_who_gets_them(folder):
    ana, ben = folder.team("Ana", "Ben")
    ana.write("a", "a")
    ana.sync()
    ben.sync()
    ana.write(".casignore", "*.log\n")
    ana.sync()
    ben.write("run.log", "noise")
    ben.write("result.csv", "1")

    assert ben.sync()["uploaded"] == 1

    assert shared(ana) == {"a", ".casignore", "result.csv"}
    assert ben.read("run.log") == b"noise"


def test_who_takes_a_rule_back_publishes_what_it_ignored(folder):
    ana, ben = folder.team("Ana", "Ben")
    ana.write(".casignore", "*.log\n")
    ana.sync()
    ben.sync()
    ana.write("a", "a")
    ana.sync()
    ben.write(".casignore", "*.tmp\n")
    ben.write("run.log", "data after all")

    assert ben.sync()["uploaded"] == 2

    ana.sync()
    ana.sync()
    assert tree(ana.data) == tree(ben.data)
