"""The history from Python: looked at, brought back, undone, named, as on the command line."""

import json
from datetime import UTC, datetime

import pytest

import cas_sync
from cas_sync import Project


@pytest.fixture
def ana(folder):
    """Return somebody with three commits: begun, changed, something renamed and deleted."""
    ana = folder.person("ana")
    for path in ("a.csv", "images/1.png", "images/2.png", "raw/deep/z.csv", "gone.csv"):
        ana.write(path, f"first {path}")
    ana.sync("-m", "begin")
    ana.write("a.csv", "second, longer")
    ana.sync("-m", "change")
    ana.delete("images/1.png", "images/2.png", "gone.csv")
    ana.write("kept.csv", "first gone.csv")
    ana.sync("-m", "rename and delete")
    return ana


@pytest.fixture
def project(ana):
    return Project.open(ana.project, user="ana")


def test_the_history_is_what_the_command_line_prints_as_json(ana, project):
    """One story, told by both faces with the same words."""
    ana.run("tag", "v1", "@~2", "-m", "reviewed")
    ana.write("a.csv", "third")
    ana.write("raw/new.csv", "new")

    def said(*args):
        return ana.run(*args, "--json").answer

    assert project.show().to_dict() == said("show")
    assert project.show("@~1").to_dict() == said("show", "@~1")
    assert project.show("v1").tags == ("v1",)
    assert project.diff().to_dict() == said("diff")
    assert project.diff("@~2", "@").to_dict() == said("diff", "@~2", "@")
    assert project.diff("v1", paths="raw").to_dict() == said("diff", "v1", "raw")
    assert project.log("kept.csv").to_dict() == said("log", "kept.csv")
    assert project.log("images").to_dict() == said("log", "images")
    assert project.log(author="AN", changes=True).to_dict() == said("log", "--stat")
    assert project.ls().to_dict() == said("ls")
    assert project.ls("raw", "@~1").to_dict() == said("ls", "@~1:raw")
    assert project.ls(rev="v1", recursive=True).to_dict() == said("ls", "-R", "v1:")
    assert project.ls("*.csv").to_dict() == said("ls", "*.csv")
    assert project.du().to_dict() == said("du")
    assert project.du(rev="@~1", by="ext").to_dict() == said("du", "@~1:", "--by", "ext")
    assert project.tags().to_dict() == said("tag")
    assert project.deleted().to_dict() == said("undelete")
    assert project.deleted(everything=True).to_dict() == said("undelete", "--all")
    json.dumps(project.deleted().to_dict())


def test_what_is_done_is_told_with_the_same_names(ana, project):
    envelope = {"schema", "event"}

    told = ana.run("undelete", "images/1.png", "--json").last
    assert set(project.undelete("images/2.png").to_dict()) | envelope == set(told)
    ana.sync()
    told = ana.run("undo", "--yes", "--json").last
    assert set(project.undo().to_dict()) | envelope == set(told)
    told = ana.run("tag", "v1", "--json").answer
    assert {**project.tag("v2").to_dict(), "name": "v1", "change": "new", "time": ""} == {
        **told,
        "time": "",
    }


def test_a_commit_tells_renames_and_sizes(project):
    shown = project.show()

    by_path = {row.path: row for row in shown.rows}
    assert by_path["kept.csv"].renamed_from == "gone.csv"
    assert by_path["gone.csv"].renamed_to == "kept.csv"
    assert (by_path["images/1.png"].old_size, by_path["images/1.png"].new_size) == (18, None)
    assert shown.message == "rename and delete"


def test_a_diff_is_a_sequence_of_files_and_knows_its_sides(ana, project):
    ana.write("a.csv", "third")

    here = project.diff()
    then = project.diff("@~2", "@~1")

    assert [(row.path, row.change) for row in here] == [("a.csv", "modified")]
    assert (here.new.commit, here.old.seq) == (None, 3)
    assert (then.old.seq, then.new.seq, then[0].path, len(then)) == (1, 2, "a.csv", 1)
    with pytest.raises(cas_sync.UsageError, match="nowhere"):
        project.diff("@~1", "@", "nowhere.csv")


def test_a_folder_is_listed_at_any_revision_without_a_checkout(project):
    assert [each.path for each in project.ls()] == ["a.csv", "kept.csv", "raw/"]
    assert [each.is_folder for each in project.ls()] == [False, False, True]
    assert [each.path for each in project.ls("images", "@~2")] == [
        "images/1.png",
        "images/2.png",
    ]
    assert project.ls(rev="@~2").seq == 1
    with pytest.raises(cas_sync.UsageError, match="no image"):
        project.ls("image", "@~2")


def test_the_bytes_of_a_version_are_read_at_once_or_as_a_file(project):
    assert project.read("a.csv", "@~2") == b"first a.csv"
    assert project.read("a.csv") == b"second, longer"
    with project.open("a.csv", "@~2") as file:
        assert file.read() == b"first a.csv"
    with pytest.raises(cas_sync.UsageError, match="there is no a"):
        project.read("a.txt")


def test_one_file_is_had_in_one_line(ana, folder, monkeypatch, tmp_path):
    monkeypatch.chdir(ana.project)

    assert cas_sync.fetch("a.csv", "@~2").read_bytes() == b"first a.csv"
    assert cas_sync.fetch("a.csv", to=tmp_path / "out.csv") == tmp_path / "out.csv"
    with cas_sync.open("a.csv") as file:
        assert file.read() == b"second, longer"
    monkeypatch.chdir("/")
    with cas_sync.open("a.csv", "@~2", store=folder.url, data=ana.data) as file:
        assert file.read() == b"first a.csv"


def test_the_log_is_asked_by_author_and_time(ana, project, folder):
    bo = folder.person("bo")
    bo.sync()
    bo.write("by-bo.csv", "bo")
    bo.sync()

    assert [each.author for each in project.log(author="bo")] == ["bo"]
    assert len(project.log(since="5min")) == 4
    assert len(project.log(since=datetime(2000, 1, 1, tzinfo=UTC))) == 4
    assert len(project.log(since=datetime(2200, 1, 1))) == 0
    with pytest.raises(cas_sync.UsageError, match="no date"):
        project.log(since="soon")


def test_deleted_files_come_back_and_an_undo_is_for_everyone(ana, project, folder):
    bo = folder.person("bo")
    bo.sync()
    deleted = project.deleted()
    assert [(each.path, each.files, each.deleted_by) for each in deleted] == [
        ("gone.csv", 1, "ana"),
        ("images/", 2, "ana"),
    ]

    done = project.undelete("images")
    assert (done.restored, ana.read("images/1.png")) == (2, b"first images/1.png")
    project.sync()
    bo.sync()
    assert bo.read("images/2.png") == b"first images/2.png"

    undone = project.undo("@~2", message="not meant")
    assert (undone.published, undone.undone_seq, undone.uploaded) == (True, 2, 1)
    assert ana.read("a.csv") == b"first a.csv"
    bo.sync()
    assert bo.read("a.csv") == b"first a.csv"
    assert project.log()[0].message == "not meant"
    with pytest.raises(cas_sync.UsageError, match="no path"):
        project.undelete([])


def test_a_version_has_names_that_move_and_go(project):
    tag = project.tag("v1", "@~1", "reviewed")

    assert (tag.name, tag.seq, tag.message, tag.tagger) == ("v1", 2, "reviewed", "ana")
    assert project.read("a.csv", "v1~1") == b"first a.csv"
    with pytest.raises(cas_sync.UsageError, match="v1"):
        project.tag("v1", "@")
    assert project.tag("v1", "@", move=True).seq == 3
    assert [each.name for each in project.tags()] == ["v1"]
    assert project.log()[0].tags == ("v1",)
    assert project.untag("v1").seq == 3
    assert len(project.tags()) == 0


def test_what_is_no_choice_is_refused(project):
    with pytest.raises(cas_sync.UsageError, match="is no choice"):
        project.du(by="colour")
