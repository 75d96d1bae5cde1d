"""A "no" is kept: through syncs that are not about it, and through every trick with rules."""

import os

import pytest

from tests.support.people import OLD_NS


def decline_all(who):
    with who.terminal("sync") as t:
        t.answer("Apply", "s")
        t.answer("Which?", "none")
        t.answer("Apply 0", "y")
        t.end(exit=0)


@pytest.fixture
def ben(folder):
    """Return somebody who said no to a deletion here and to an upload of a draft."""
    ana, ben = folder.team("Ana", "Ben")
    for name in ("x", "keep", "d/k"):
        ana.write(name, name)
    ana.sync()
    ben.sync()
    ana.delete("x")
    ana.sync()
    ben.write("d/z", "a draft")
    decline_all(ben)
    assert ben.status()["declined"] == ["d/z", "x"]
    return ben


def nothing_was_done(who):
    before = len(who.log())
    summary = who.sync()
    assert (summary["uploaded"], summary["deleted_local"], summary["declined"]) == (0, 0, 2)
    assert who.read("x") == b"x"
    assert len(who.log()) == before


def test_a_no_outlives_ordinary_syncs(ben):
    for _ in range(3):
        nothing_was_done(ben)


def test_a_no_outlives_being_ignored(ben):
    path = ben.state / "ignore_remote.txt"
    path.write_text("x\nd/z\n")
    ben.sync()
    path.unlink()

    nothing_was_done(ben)


def test_a_no_outlives_being_not_wanted(ben):
    ben.run("config", "set", "only", "keep", "--local")
    ben.sync()
    ben.run("config", "unset", "only", "--local")

    nothing_was_done(ben)


@pytest.mark.parametrize(
    "args",
    [("d", "--pull-only"), ("--declined", "--push-only", "--no-deletes", "keep"), ("keep",),
     ("--declined", "--pull-only", "--no-deletes")],
)  # fmt: skip
def test_a_no_outlives_syncs_of_something_else(ben, args):
    ben.sync(*args)

    nothing_was_done(ben)


def test_a_no_outlives_a_time_when_the_file_cannot_be_read(ben):
    draft = ben.data / "d/z"
    draft.unlink()
    os.mkfifo(draft)
    ben.sync(exit=3)
    draft.unlink()
    ben.write("d/z", "a draft")
    os.utime(draft, ns=(OLD_NS, OLD_NS))

    nothing_was_done(ben)


def test_a_no_to_the_first_sync_of_all_is_kept(folder):
    ana = folder.person("Ana")
    ana.write("draft.txt", "a draft")
    with ana.terminal("sync", "--store", ana.store) as t:
        t.answer("Apply", "s")
        t.answer("Which?", "none")
        t.answer("Apply 0", "y")
        t.end(exit=0)

    assert ana.sync()["uploaded"] == 0


def test_a_no_outlives_an_older_version(ben):
    ben.delete("d/z")
    ben.run("pin", "#1")
    ben.sync("--locked")

    summary = ben.sync()

    assert (summary["deleted_local"], summary["declined"]) == (0, 1)
    assert ben.read("x") == b"x"
