"""One word takes back what a sync did, for everyone, and touches nothing done since."""

import json
import shutil

import pytest

from cas_sync.worktree.folder import Folder
from cas_sync.worktree.state import LocalState
from tests.support.people import snapshot, tree


def undo(who, *args, exit=0):  # noqa: A002
    """Run ``undo -y --json`` and return the summary."""
    return who.run("undo", "-y", "--json", *args, exit=exit).last


def shared(who):
    """Return the rows of the shared tree, and the root that names them."""
    with who.repository() as state:
        root = state.head.versions
        return state.versions(), root.id if root else None


def contents(who):
    """Return what the store holds, by path: bytes and mode."""
    with who.repository() as state:
        return {
            path: (state.content(row.content), row.content.mode)
            for path, row in state.versions().items()
        }


@pytest.fixture
def pair(folder):
    """Ana and Ben, who share 20 files."""
    ana, ben = folder.team("Ana", "Ben")
    for i in range(20):
        ana.write(f"d{i % 3}/f{i}.csv", f"row {i}\n" * i, executable=i == 7)
    ana.sync()
    ben.sync()
    return ana, ben


# -- the story -----------------------------------------------------------------------


def test_300_files_deleted_by_mistake_come_back_for_everyone(place):
    ana, ben = place.team("Ana", "Ben")
    images = [f"images/{i:03}.png" for i in range(300)]
    for i, path in enumerate(images):
        ana.write(path, f"picture {i}" * (i % 7), executable=i % 50 == 0)
    ana.write("notes.txt", "first")
    ana.sync()
    ben.sync()
    before, rows = tree(ana.data), shared(ana)[0]
    ana.delete(*images)
    ana.sync("--allow-mass-delete", "-m", "clean up")
    ben.sync("--allow-mass-delete")
    assert ben.paths() == {"notes.txt"}
    ben.write("notes.txt", "by Ben")
    ben.write("images/007.png", "another picture")
    ben.sync()

    done = undo(ana)

    assert (done["undone"]["seq"], done["seq"], done["published"]) == (2, 4, True)
    assert (done["uploaded"], done["downloaded"], done["deleted_remote"]) == (299, 299, 0)
    assert done["left"] == [
        {"path": "images/007.png", "reason": "added again since by Ben in #3"}
    ]
    ana.sync()
    ben.sync()
    by_ben = {"notes.txt": (b"by Ben", False), "images/007.png": (b"another picture", False)}
    assert tree(ana.data) == tree(ben.data) == {**before, **by_ben}
    now = shared(ana)[0]
    assert [now[path] for path in images if path not in by_ben] == [
        rows[path] for path in images if path not in by_ben
    ]
    assert ana.log()[0]["message"] == "undo #2: clean up"
    assert ana.sync()["published"] is False

    again = undo(ben, "@", "--allow-mass-delete")

    assert (again["deleted_remote"], again["uploaded"], again["deleted_local"]) == (299, 0, 299)
    ana.sync("--allow-mass-delete")
    assert tree(ana.data) == tree(ben.data) == by_ben
    assert ben.log()[0]["message"] == "undo #4: undo #2: clean up"


def rename(ana):
    (ana.data / "d0").rename(ana.data / "renamed")


CHANGES = {
    "an addition": lambda ana: ana.write("new/one.csv", "new"),
    "an edit": lambda ana: ana.write("d1/f4.csv", "edited"),
    "a deletion": lambda ana: ana.delete("d1/f4.csv", "d0/f0.csv"),
    "a rename": rename,
    "an executable bit": lambda ana: ana.write("d1/f4.csv", "row 4\n" * 4, executable=True),
    "a file that becomes a link": lambda ana: (
        ana.delete("d1/f4.csv"),
        (ana.data / "d1/f4.csv").symlink_to("f1.csv"),
    ),
    "a file that becomes a folder": lambda ana: (
        ana.delete("d1/f4.csv"),
        ana.write("d1/f4.csv/part", "p"),
    ),
    "250 files": lambda ana: [ana.write(f"many/{i}", f"file {i}") for i in range(250)],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_undone_all_is_as_before_and_undone_again_as_after(pair, change):
    ana, ben = pair
    before, files_before = shared(ana), tree(ana.data)
    change(ana)
    ana.sync("-m", "the change")
    after, files_after = shared(ana), tree(ana.data)
    ben.sync()

    undo(ana, "--allow-mass-delete")

    assert shared(ana) == before
    ben.sync("--allow-mass-delete")
    assert tree(ana.data) == tree(ben.data) == files_before
    assert ana.sync()["published"] is ben.sync()["published"] is False

    undo(ana)

    assert shared(ana) == after
    ben.sync()
    assert tree(ana.data) == tree(ben.data) == files_after
    assert [each["seq"] for each in ben.log()] == [4, 3, 2, 1]


def test_what_is_taken_out_is_among_the_deleted_files(pair):
    ana, _ = pair
    ana.write("new.csv", "new")
    ana.sync()

    undo(ana)

    with ana.repository() as state:
        (gone,) = state.deletions()
        assert (gone.entry.path, gone.deleter, gone.seq) == ("new.csv", "Ana", 3)
    assert b"new" in ana.kept()


def test_the_first_commit_is_undone_only_if_one_insists(pair):
    ana, ben = pair
    before = tree(ana.data)

    said = ana.run("undo", "-y", "#1", "--json", exit=8).last

    assert (said["code"], "20 of 20 files" in said["message"]) == ("E206", True)
    assert len(ana.log()) == 1
    first = ana.log()[0]["id"]
    assert f"cas-sync undo {first[:8]} --allow-mass-delete" in said["fix"]

    done = undo(ana, "#1", "--allow-mass-delete")

    assert (done["deleted_remote"], done["deleted_local"]) == (20, 20)
    assert shared(ana) == ({}, None)
    assert ana.paths() == set()
    assert ana.sync()["published"] is False
    undo(ben, "@")
    ana.sync()
    assert tree(ana.data) == tree(ben.data) == before


def test_an_adoption_is_undone_and_the_old_files_stay_where_they_were(folder):
    store = folder.root / "store"
    (store / "old").mkdir(parents=True)
    (store / "old/a.csv").write_bytes(b"old")
    ana = folder.person("Ana")
    ana.sync()
    assert ana.paths() == {"old/a.csv"}

    undo(ana, "--allow-mass-delete")

    assert ana.paths() == set()
    assert (store / "old/a.csv").read_bytes() == b"old"
    assert ana.sync()["adopted"] is None
    undo(ana)
    assert ana.read("old/a.csv") == b"old"


# -- which commit --------------------------------------------------------------------


def test_without_a_name_it_is_my_own_newest_commit(pair):
    ana, ben = pair
    ana.write("by ana", "1")
    ana.sync("-m", "mine")
    ben.sync()
    ben.write("by ben", "1")
    ben.sync()

    said = ana.run("undo", "-y")

    assert "(#2) by Ana, " in said.stderr
    assert '"mine": 1 added' in said.stderr
    assert "(#3) by Ben; cas-sync undo @  undoes that one" in said.stderr
    assert set(shared(ana)[0]) >= {"by ben"}
    assert "by ana" not in shared(ana)[0]


def test_who_made_no_commit_means_the_latest(pair):
    ana, ben = pair
    ana.write("by ana", "1")
    ana.sync()

    assert undo(ben)["undone"]["seq"] == 2


@pytest.mark.parametrize("named", ["@", "#2", "@~0", "id", "tag"])
def test_a_commit_is_named_in_every_way(pair, named):
    ana, _ = pair
    ana.write("new", "1")
    ana.sync()
    if named == "id":
        named = ana.log()[0]["id"][:8]
    elif named == "tag":
        ana.run("tag", named)

    assert undo(ana, named)["undone"]["seq"] == 2
    assert "new" not in ana.paths()


def test_an_unknown_commit_is_told(pair):
    said = pair[0].run("undo", "-y", "--json", "#9", exit=2).last

    assert said["exit"] == 2
    assert len(pair[0].log()) == 1


def test_a_second_time_there_is_nothing_to_undo(pair):
    ana, ben = pair
    ben.write("new", "1")
    ben.sync()
    undo(ana, "#2")

    said = undo(ana, "#2")

    assert (said["published"], said["seq"], said["left"], said["exit"]) == (False, 3, [], 0)
    assert "Nothing to undo: what" in ana.run("undo", "-y", "#2").stdout
    assert len(ana.log()) == 3


def test_without_a_commit_there_is_nothing_to_undo(folder):
    ana = folder.person("Ana")
    ana.run("init", "--store", ana.store)
    ana.write("x", "x")

    assert "Nothing to undo: there is no commit yet." in ana.run("undo", "-y").stdout
    assert undo(ana)["undone"] is None
    assert ana.read("x") == b"x"


# -- what was changed since ----------------------------------------------------------


def test_what_cannot_come_back_is_left_and_told(pair):
    ana, ben = pair
    ana.write("Odd/Name.csv", "1")
    ana.write("plain", "1")
    ana.sync()
    ana.delete("Odd/Name.csv", "plain", "d0/f0.csv")
    ana.sync()
    ben.sync()
    ben.write("odd/name.csv", "2")
    ben.write("plain/file", "2")
    ben.sync()

    said = undo(ana, "#3", exit=3)

    assert {each["path"] for each in said["left"]} == {"Odd/Name.csv", "plain"}
    assert said["uploaded"] == 1
    assert {"d0/f0.csv", "odd/name.csv", "plain/file"} <= set(shared(ana)[0])
    assert "plain" not in shared(ana)[0]


def test_all_that_was_changed_since_is_nothing_to_undo(pair):
    ana, ben = pair
    ana.write("d1/f1.csv", "by Ana")
    ana.sync()
    ben.sync()
    ben.write("d1/f1.csv", "by Ben")
    ben.sync()

    said = ana.run("undo", "-y")

    assert "left alone d1/f1.csv: changed since by Ben in #3" in said.stderr
    assert "Nothing to undo" in said.stdout
    assert len(ana.log()) == 3


# -- the data folder here ------------------------------------------------------------


def test_other_news_and_other_edits_wait_for_the_next_sync(pair):
    ana, ben = pair
    ana.delete("d0/f0.csv")
    ana.sync()
    ben.sync()
    ben.write("d0/f3.csv", "by Ben")
    ben.delete("d1/f1.csv")
    ben.sync()
    ana.write("d0/f6.csv", "not published yet")
    ana.write("mine", "not published yet")
    ana.delete("d2/f2.csv")

    done = undo(ana)

    assert (done["downloaded"], done["deleted_local"], done["exit"]) == (1, 0, 0)
    assert (ana.data / "d0/f0.csv").exists()
    assert ana.read("d0/f3.csv") != b"by Ben"
    assert (ana.data / "d1/f1.csv").exists()
    assert {"d2/f2.csv"} <= set(shared(ana)[0])
    assert "mine" not in shared(ana)[0]
    done = ana.sync()
    assert (done["uploaded"], done["deleted_remote"]) == (2, 1)
    assert (done["downloaded"], done["deleted_local"]) == (1, 1)
    ben.sync()
    assert tree(ana.data) == tree(ben.data)


def test_an_unpublished_edit_of_what_is_undone_is_an_ordinary_conflict(pair):
    ana, _ = pair
    ana.write("d1/f1.csv", "published")
    ana.sync()
    ana.write("d1/f1.csv", "not published")

    done = undo(ana, exit=3)

    assert (done["published"], done["uploaded"]) == (True, 1)
    assert done["conflicts"] == ["d1/f1.csv"]
    assert ana.read("d1/f1.csv") == b"not published"
    assert contents(ana)["d1/f1.csv"][0] == b"row 1\n"
    assert ana.sync("--on-conflict", "mine")["exit"] == 0
    assert contents(ana)["d1/f1.csv"][0] == b"not published"


def test_an_unpublished_edit_of_what_is_taken_out_survives(pair):
    ana, _ = pair
    ana.write("new", "published")
    ana.sync()
    ana.write("new", "not published")

    done = undo(ana, exit=3)

    assert (done["deleted_remote"], done["deleted_local"], done["skipped"]) == (1, 0, ["new"])
    assert ana.read("new") == b"not published"
    ana.sync()
    assert contents(ana)["new"][0] == b"not published"


def test_an_unpublished_file_in_the_way_is_kept(pair):
    ana, _ = pair
    ana.delete("d1/f1.csv")
    ana.sync()
    ana.write("d1/f1.csv", "written again")

    assert undo(ana, exit=3)["conflicts"] == ["d1/f1.csv"]
    assert ana.read("d1/f1.csv") == b"written again"


def test_a_conflict_of_before_is_not_told_again(pair):
    ana, ben = pair
    ana.write("d1/f1.csv", "by Ana")
    ana.sync()
    ben.write("d1/f1.csv", "by Ben")
    ben.sync(exit=3)
    ben.write("new", "new")
    ben.sync(exit=3)

    done = undo(ben)

    assert (done["undone"]["seq"], done["conflicts"], done["exit"]) == (3, [], 0)
    assert ben.read("d1/f1.csv") == b"by Ben"
    assert ben.status()["conflicts"] == ["d1/f1.csv"]


def test_a_folder_that_is_behind_is_brought_what_was_undone(pair):
    ana, ben = pair
    ana.delete("d1/f1.csv")
    ana.write("new", "new")
    ana.write("d1/f4.csv", "edited")
    ana.sync()

    done = undo(ben, "@")

    assert (done["downloaded"], done["deleted_local"], done["exit"]) == (0, 0, 0)
    assert ben.sync()["published"] is False
    ana.sync()
    assert tree(ana.data) == tree(ben.data)


def test_more_than_can_be_remembered_comes_with_all_other_news(pair, monkeypatch):
    monkeypatch.setattr("cas_sync.engine.undo_here.KEPT", 2)
    monkeypatch.setattr("cas_sync.plan.inverse.KEPT", 2)
    ana, ben = pair
    ana.delete("d0/f0.csv", "d1/f1.csv", "d2/f2.csv")
    ana.sync()
    ben.sync()
    ben.write("new", "new")
    ben.sync()
    ana.write("mine", "not published")

    looked = ana.run("undo", "--json", "-n").events

    assert [e["action"] for e in looked if e["event"] == "plan"] == ["bring-back"] * 3
    done = undo(ana)
    assert (done["uploaded"], done["downloaded"]) == (3, 4)
    assert "mine" not in shared(ana)[0]
    assert ben.sync()["downloaded"] == 3


def test_who_takes_a_part_undoes_all_of_it_for_everyone(pair, folder):
    ana, _ = pair
    part = folder.person("Cy")
    part.sync("--only", "d1/**")
    here = tree(part.data)
    ana.delete("d1/f1.csv", "d0/f0.csv", "d2/f2.csv")
    ana.sync()
    part.sync()

    done = undo(part, "@")

    assert (done["uploaded"], done["downloaded"], done["exit"]) == (3, 1, 0)
    assert tree(part.data) == here
    assert {"d0/f0.csv", "d2/f2.csv"} <= set(shared(ana)[0])
    assert part.sync()["published"] is False


@pytest.mark.parametrize("data", ["never synced", "not there"])
def test_no_data_folder_is_needed(pair, folder, data):
    ana, _ = pair
    ana.delete("d1/f1.csv")
    ana.sync()
    visitor = folder.person("Visitor")
    (visitor.project / "cas-sync.json").write_text(json.dumps({"store": folder.url}))
    if data == "never synced":
        visitor.write("own", "own")
    before = snapshot(visitor.project)

    done = undo(visitor, "@")

    assert (done["uploaded"], done["downloaded"]) == (1, 0)
    assert snapshot(visitor.project) == before
    assert "Here the next sync brings it" in visitor.run("undo", "-y", "@").stdout
    assert not (visitor.state / "root.json").exists()


def test_a_folder_that_is_in_use_gets_it_with_the_next_sync(pair, monkeypatch):
    monkeypatch.setattr("cas_sync.engine.session.LOCK_WAIT_S", 0.1)
    ana, _ = pair
    ana.delete("d1/f1.csv")
    ana.sync()
    with Folder(str(ana.data)) as data, LocalState(data).lock(1):
        said = ana.run("undo", "-y", exit=7).stderr

    assert "(#2) is undone for everyone at" in said
    assert "here the next sync brings it" in said
    assert "cas-sync sync" in said.partition("fix")[2]
    assert [each["seq"] for each in ana.log()] == [3, 2, 1]
    assert ana.sync()["downloaded"] == 1
    assert (ana.data / "d1/f1.csv").exists()


def test_a_store_that_is_not_the_folders_is_not_written_to(pair, folder):
    ana, _ = pair
    other = folder.person("Other")
    other.write("x", "x")
    other.run("sync", "-y", "--store", str(folder.root / "other"))
    ana.configure(store=str(folder.root / "other"))

    assert (
        ana.run("undo", "-y", "--json", "@", "--allow-mass-delete", exit=8).last["code"]
        == "E209"
    )
    assert len(other.log()) == 1


def test_an_old_copy_of_the_store_is_not_written_to(pair, folder):
    ana, _ = pair
    shutil.copytree(folder.url, folder.root / "copy")
    ana.write("new", "new")
    ana.sync()
    shutil.rmtree(folder.url)
    (folder.root / "copy").rename(folder.url)

    said = ana.run("undo", "-y", "--json", "@", "--allow-mass-delete", exit=8).last

    assert said["code"] == "E212"
    assert len(ana.log()) == 1


# -- the question and the answer -----------------------------------------------------


def test_a_dry_run_tells_all_and_changes_nothing(pair):
    ana, ben = pair
    ana.delete("d1/f1.csv", "d0/f0.csv")
    ana.write("d1/f4.csv", "edited")
    ana.write("new", "new")
    ana.sync()
    ben.sync()
    ben.write("d0/f0.csv", "again")
    ben.sync()
    before = snapshot(ana.home)

    said = ana.run("undo", "--json", "-n")

    told = {(e["path"], e["action"]) for e in said.events if e["event"] == "plan"}
    assert told == {
        ("d1/f1.csv", "bring-back"),
        ("d1/f4.csv", "put-back"),
        ("new", "take-out"),
        ("d0/f0.csv", "leave"),
    }
    assert (said.last["published"], said.last["uploaded"], said.last["exit"]) == (False, 0, 0)
    assert len(said.last["left"]) == 1
    text = ana.run("undo", "-n").stdout
    assert "Nothing was changed." in text
    assert "added again since by Ben in #3" in text
    after = {path: seen for path, seen in snapshot(ana.home).items() if "cache" not in path}
    assert after == {path: seen for path, seen in before.items() if "cache" not in path}
    assert len(ana.log()) == 3


def test_without_a_terminal_nothing_is_done_unasked(pair):
    ana, _ = pair
    ana.write("new", "new")
    ana.sync()

    said = ana.run("undo", "--json", exit=2).last

    assert said["code"] == "E002"
    assert "--yes" in said["fix"]
    assert len(ana.log()) == 2


def test_a_message_is_kept(pair):
    ana, _ = pair
    ana.write("new", "new")
    ana.sync()

    undo(ana, "-m", "it was wrong")

    assert ana.log()[0]["message"] == "it was wrong"
    undo(ana)
    assert ana.log()[0]["message"] == "undo #3: it was wrong"


def test_the_summary_holds_what_a_syncs_does(pair):
    ana, _ = pair
    ana.write("new", "new")
    synced = ana.sync()

    done = undo(ana)

    assert set(synced) - set(done) <= {"adopted", "declined", "unseen", "ignored", "behind"}
    assert done["undone"] == {"commit": synced["commit"], "seq": 2}
    assert done["commit"] == ana.log()[0]["id"]


@pytest.mark.s3
def test_a_small_undo_is_a_handful_of_requests(s3):
    ana = s3.person("Ana")
    for i in range(300):
        ana.write(f"f{i}", f"file {i}")
    ana.sync()
    ana.delete("f7")
    ana.sync()

    done = undo(ana)

    # The head; the new page, commit, head; then the head again and the content. Who wrote the
    # pages that are compared has them here.
    assert done["requests"] == {"GET": 3, "PUT": 3}
    done = undo(ana)
    # No content, but a page of the deleted files more.
    assert done["requests"] == {"GET": 2, "PUT": 4}
