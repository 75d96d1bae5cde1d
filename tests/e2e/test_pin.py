"""Code that names the version of the data it was written for, and folders brought to one."""

import json
import random

import pytest

import cas_sync
from tests.support.people import Kill

LOCK = "cas-sync.lock"


@pytest.fixture
def ana(folder):
    """Return somebody with three versions: the second changed, added and removed a file."""
    ana = folder.person("Ana")
    ana.write("a.csv", "a1")
    ana.write("raw/b.csv", "b1")
    ana.sync()
    ana.write("a.csv", "a2")
    ana.write("new.csv", "n1")
    ana.delete("raw/b.csv")
    ana.sync()
    ana.write("a.csv", "a3")
    ana.sync()
    return ana


FIRST = {"a.csv": b"a1", "raw/b.csv": b"b1"}
SECOND = {"a.csv": b"a2", "new.csv": b"n1"}
THIRD = {"a.csv": b"a3", "new.csv": b"n1"}


def files(who):
    return {path: who.read(path) for path in who.paths()}


def pinned(who):
    return json.loads((who.project / LOCK).read_text())


def test_the_version_the_folder_holds_is_pinned_beside_the_code(ana):
    answer = ana.run("pin", "--json").answer

    assert pinned(ana)["commit"] == answer["commit"] == ana.log()[0]["id"]
    assert (answer["seq"], answer["behind"], answer["written"]) == (3, 0, True)
    assert (ana.project / LOCK).stat().st_mode & 0o044, "git and teammates must read it"
    assert ana.run("pin", "--json").answer["written"] is False


@pytest.mark.parametrize(
    ("rev", "holds"), [("#1", FIRST), ("@~1", SECOND), ("@", THIRD), ("v1", FIRST)]
)
def test_a_teammate_gets_exactly_the_pinned_version(ana, folder, rev, holds):
    if rev == "v1":
        ana.run("tag", "v1", "#1")
    ana.run("pin", rev)
    ben = folder.person("Ben")
    ben.sync()
    ben.project.joinpath(LOCK).write_bytes(ana.project.joinpath(LOCK).read_bytes())

    done = ben.sync("--locked")

    assert files(ben) == holds
    assert done["commit"] == pinned(ana)["commit"]
    assert not done["published"]
    assert done["behind"] == 3 - pinned(ana)["seq"]
    again = ben.sync("--locked")
    assert again["downloaded"] == again["deleted_local"] == 0
    assert again["requests"] == {"GET": 1}


def test_the_next_plain_sync_goes_on_to_the_latest_and_takes_nothing_back(ana):
    ana.run("pin", "#1")
    ana.sync("--locked")

    done = ana.sync()

    assert files(ana) == THIRD
    assert not done["published"]
    assert len(ana.log()) == 3


def test_an_edit_made_at_the_pinned_version_merges_as_any_other(ana):
    ana.run("pin", "#1")
    ana.sync("--locked")
    ana.write("raw/c.csv", "mine")
    ana.write("a.csv", "from the first version")

    done = ana.sync(exit=3)

    assert done["conflicts"] == ["a.csv"]
    assert ana.read("a.csv") == b"from the first version"
    assert files(ana) == {**THIRD, "raw/c.csv": b"mine", "a.csv": b"from the first version"}


@pytest.mark.parametrize(
    ("path", "what"), [("a.csv", "changed"), ("own.csv", "new"), ("raw/b.csv", "new")]
)
def test_an_edit_that_was_never_published_stops_it_with_nothing_changed(ana, path, what):
    ana.run("pin", "#1")
    ana.write(path, "in no version")
    before = files(ana)

    told = ana.run("sync", "--locked", "--yes", exit=8)

    assert files(ana) == before
    assert "E216" in told.stderr
    assert path in told.stderr
    assert what in told.stderr or path == "raw/b.csv"


def test_a_file_that_was_deleted_here_comes_back(ana):
    ana.run("pin")
    ana.delete("a.csv")

    ana.sync("--locked")

    assert files(ana) == THIRD


def test_ignored_files_are_no_difference(ana):
    ana.run("pin")
    ana.configure(ignore=["scratch/"])
    ana.write("scratch/x.csv", "private")

    ana.sync("--locked")
    assert ana.run("pin", "--check").exit == 0
    assert ana.read("scratch/x.csv") == b"private"


def test_what_goes_on_the_way_back_is_kept(ana):
    ana.run("pin", "#1")
    ana.sync("--locked")

    assert b"n1" in ana.kept()


def test_going_back_by_more_than_half_of_the_files_needs_no_other_word(folder):
    ana = folder.person("Ana")
    ana.write("one.csv", "1")
    ana.sync()
    for n in range(40):
        ana.write(f"many/{n}.csv", f"{n}")
    ana.sync()
    ana.run("pin", "#1")

    assert ana.sync("--locked")["deleted_local"] == 40
    assert len(ana.log()) == 2


def test_check_ends_with_10_where_the_folder_is_another_version(ana):
    ana.run("pin", "#1")
    told = ana.run("pin", "--check", "--json", exit=10).answer
    assert (told["matches"], told["behind"]) == (False, 2)

    ana.sync("--locked")
    assert ana.run("pin", "--check", "--json").answer["matches"] is True
    ana.write("a.csv", "edited")
    assert "a.csv" in ana.run("pin", "--check", exit=10).stderr


def test_unpublished_changes_are_not_pinned(ana):
    ana.write("a.csv", "edited")

    told = ana.run("pin", exit=8)

    assert "a.csv" in told.stderr
    assert not (ana.project / LOCK).exists()
    ana.run("pin", "@")
    assert pinned(ana)["seq"] == 3


def test_a_fresh_checkout_of_the_code_gets_its_data_in_one_command(ana, folder):
    ana.run("pin", "#1")
    ci = folder.person("CI")
    for name in ("cas-sync.json", LOCK):
        ci.project.joinpath(name).write_bytes(ana.project.joinpath(name).read_bytes())

    ci.run("sync", "--locked", "--yes")

    assert files(ci) == FIRST


def test_another_repository_is_told_and_nothing_taken(ana, folder, tmp_path):
    ana.run("pin")
    other = folder.person("Other")
    other.run("sync", "-y", "--store", str(tmp_path / "elsewhere"))
    other.write("x.csv", "x")
    other.sync()
    other.project.joinpath(LOCK).write_bytes(ana.project.joinpath(LOCK).read_bytes())

    told = other.run("sync", "--locked", "-y", exit=5)

    assert "another repository" in told.stderr
    assert files(other) == {"x.csv": b"x"}


def test_a_version_that_is_not_in_the_store_is_told(ana):
    ana.run("pin")
    lock = {**pinned(ana), "commit": "0" * 64}
    (ana.project / LOCK).write_text(json.dumps(lock))

    assert "not in the history" in ana.run("sync", "--locked", "-y", exit=5).stderr
    assert files(ana) == THIRD


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[]", "JSON object"),
        ('{"lock": 2}', "form"),
        ('{"lock": 1, "repo_id": 7}', "repo_id"),
        (json.dumps({"lock": 1, "repo_id": "0" * 32, "commit": "../x"}), "commit"),
        (
            json.dumps({"lock": 1, "repo_id": "0" * 32, "commit": "0" * 64, "seq": True}),
            "seq",
        ),
        ("{\n<<<<<<< ours\n=======\n>>>>>>> theirs\n}", "git merge"),
    ],
)
def test_a_lock_file_that_is_none_is_told_and_changes_nothing(ana, text, said):
    (ana.project / LOCK).write_text(text)

    told = ana.run("sync", "--locked", "-y", exit=5)

    assert said in told.stderr
    assert (
        "cas-sync pin" in told.stderr or "valid JSON" in told.stderr or "object" in told.stderr
    )
    assert files(ana) == THIRD


def test_without_a_lock_file_it_says_how_to_make_one(ana):
    assert "cas-sync pin" in ana.run("sync", "--locked", "-y", exit=5).stderr


@pytest.mark.parametrize("option", ["--push-only", "--no-deletes", "--only=x", "a.csv"])
def test_locked_is_a_whole_version(ana, option):
    ana.run("pin")
    assert "--locked" in ana.run("sync", "--locked", "-y", option, exit=2).stderr


@pytest.mark.parametrize(("rev", "holds"), [("#1", FIRST), ("@~1", SECOND)])
def test_a_clone_of_an_old_version_goes_on_from_there(ana, folder, rev, holds):
    new = folder.person("New")
    new.project.rmdir()
    new.process("clone", ana.store, str(new.project), "--rev", rev, cwd=new.home)

    assert files(new) == holds
    new.sync()
    assert files(new) == THIRD
    assert len(ana.log()) == 3


def test_a_clone_of_a_version_there_is_none_of_leaves_nothing(ana, folder):
    new = folder.person("New")
    new.project.rmdir()

    told = new.process(
        "clone", ana.store, str(new.project), "--rev", "v9", cwd=new.home, exit=2
    )

    assert "v9" in told.stderr
    assert not new.project.exists()


@pytest.mark.s3
@pytest.mark.parametrize("number", [0, 3])
@pytest.mark.parametrize("then", ["latest", "pinned"])
def test_killed_on_the_way_back_any_next_sync_finishes(through, proxy, number, then):
    ana = through.person("Ana")
    versions = [
        {f"{n}.bin": random.Random(10 * v + n).randbytes(5 << 20) for n in range(4)}
        for v in range(2)
    ]
    for version in versions:
        for path, data in version.items():
            ana.write(path, data)
        ana.sync("--allow-mass-delete")
    ana.run("pin", "#1")
    kill = Kill("GET", "/packs/", number)
    proxy.rules.append(kill)

    with ana.start("sync", "--locked", "-y") as running:
        kill.aim(running.pid)
        running.communicate()

    assert kill.hit.is_set()
    proxy.rules.clear()
    for path, data in files(ana).items():
        assert data in {version[path] for version in versions}
    if then == "pinned":
        ana.sync("--locked")
    else:
        assert not ana.sync()["published"]
    assert files(ana) == versions[then == "latest"]
    assert len(ana.log()) == 2


def test_in_python_it_is_the_same(ana, monkeypatch):
    for name, value in ana.env.items():
        monkeypatch.setenv(name, value)
    project = cas_sync.Project.open(ana.project)

    pin = project.pin("#1")
    assert pin.to_dict() == {**ana.run("pin", "#1", "--json").answer, "written": True}
    done = project.sync(locked=True)
    assert (done.behind, done.published) == (2, False)
    assert files(ana) == FIRST
    with pytest.raises(cas_sync.UsageError):
        project.sync(locked=True, paths=["a.csv"])
    ana.write("a.csv", "in no version")
    with pytest.raises(cas_sync.GuardError):
        project.pin()
