"""The Python face: values in, values out, and nothing else happens to the process."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import cas_sync
from cas_sync import Project
from tests.support.people import tree, write


class Somebody:
    """A project without a configuration file, used from Python."""

    def __init__(self, root: Path, name: str, store: str, **overrides) -> None:
        self.folder = root / name
        self.folder.mkdir(parents=True)
        self.data = self.folder / "Data"
        self.project = Project.open(self.folder, store=store, user=name, **overrides)

    def write(self, path, data):
        return write(self.data, path, data)

    def read(self, path):
        return (self.data / path).read_bytes()

    def sync(self, *args, **kwargs):
        return self.project.sync(*args, **kwargs)


@pytest.fixture
def store(tmp_path):
    return str(tmp_path / "store")


@pytest.fixture
def ana(tmp_path, store):
    ana = Somebody(tmp_path, "ana", store)
    ana.write("a.csv", "first")
    ana.write("d/b.csv", "b")
    ana.sync(message="begin")
    return ana


@pytest.fixture
def bo(tmp_path, store, ana):
    bo = Somebody(tmp_path, "bo", store)
    bo.sync()
    return bo


def same_commit(result):
    return {key: value for key, value in result.items() if key != "seconds"}


# -- a team -------------------------------------------------------------------------------


def test_a_team_works_from_python_alone(ana, bo):
    assert tree(bo.data) == tree(ana.data)
    bo.write("a.csv", "by Bo")
    (bo.data / "d/b.csv").unlink()

    assert bo.project.status().local.to_dict() == {
        "new": [],
        "modified": ["a.csv"],
        "deleted": ["d/b.csv"],
    }
    done = bo.sync(message="Bo was here")
    assert (done.uploaded, done.deleted_remote, done.published) == (1, 1, True)
    assert done.commit == bo.project.status(offline=True).head
    assert ana.project.status().remote.deleted == ("d/b.csv",)
    assert ana.sync().downloaded == 1
    assert tree(bo.data) == tree(ana.data)
    newest, oldest = ana.project.log()
    assert (newest.author, newest.message, newest.seq) == ("bo", "Bo was here", 2)
    assert (oldest.parent, newest.parent) == (None, oldest.id)
    assert not (ana.folder / "cas-sync.json").exists()


def test_a_conflict_is_left_alone_listed_and_settled_by_a_choice(ana, bo):
    ana.write("a.csv", "by Ana")
    ana.sync()
    bo.write("a.csv", "by Bo, longer")

    done = bo.sync()

    assert (done.conflicts, done.exit_code) == (("a.csv",), 3)
    assert bo.read("a.csv") == b"by Bo, longer"
    (conflict,) = bo.project.conflicts()
    assert (conflict.path, conflict.edited_by) == ("a.csv", "ana")
    assert (conflict.ours.size, conflict.theirs.size) == (13, 6)
    with pytest.raises(cas_sync.UsageError, match="nothing is in conflict at d"):
        bo.project.resolve("d", "mine")
    with pytest.raises(cas_sync.UsageError, match="is no choice"):
        bo.project.resolve("a.csv", "yours")
    assert bo.project.resolve("a.csv", "mine").uploaded == 1
    assert len(bo.project.conflicts()) == 0
    assert ana.sync().downloaded == 1
    assert ana.read("a.csv") == b"by Bo, longer"


# -- plans --------------------------------------------------------------------------------


def test_a_plan_is_a_look_and_changes_nothing(ana):
    ana.write("new.csv", "new")

    plan = ana.project.plan()

    assert [(i.action, i.path, i.bytes) for i in plan] == [("upload", "new.csv", 3)]
    assert len(ana.project.log()) == 1
    assert ana.project.status().local.new == ("new.csv",)


def test_a_plan_that_is_handed_back_is_all_that_is_done(ana, bo):
    """What came or changed after the look is left for the next sync, on both sides."""
    ana.write("theirs-seen.csv", "1")
    ana.write("theirs-changed.csv", "1")
    ana.sync()
    bo.write("ours-seen.csv", "1")
    bo.write("ours-changed.csv", "1")
    plan = bo.project.plan()
    assert len(plan) == 4
    ana.write("theirs-new.csv", "2")
    ana.write("theirs-changed.csv", "22")
    ana.sync()
    bo.write("ours-new.csv", "2")
    bo.write("ours-changed.csv", "22")

    done = bo.sync(plan)

    assert (done.uploaded, done.downloaded, done.declined) == (1, 1, 0)
    left = bo.project.status()
    assert left.declined == ()
    assert left.local.new == ("ours-changed.csv", "ours-new.csv")
    assert left.remote.new == ("theirs-changed.csv", "theirs-new.csv")
    after = bo.sync()
    assert (after.uploaded, after.downloaded) == (2, 2)


def test_a_plan_is_still_binding_when_the_race_is_lost(ana, bo, monkeypatch):
    """Somebody publishes between the look at the head and our commit."""
    from cas_sync.engine import sync as engine_sync

    bo.write("seen.csv", "1")
    plan = bo.project.plan()
    real = engine_sync.write_commit
    raced = []

    def racing(*args, **kwargs):
        if not raced:
            raced.append(True)
            ana.write("late.csv", "nobody showed it to Bo")
            ana.sync()
        return real(*args, **kwargs)

    monkeypatch.setattr(engine_sync, "write_commit", racing)

    done = bo.sync(plan)

    assert raced
    assert (done.uploaded, done.downloaded) == (1, 0)
    assert bo.project.status().remote.new == ("late.csv",)


def test_a_conflict_that_was_shown_may_be_settled_by_the_plan(ana, bo):
    ana.write("a.csv", "by Ana")
    ana.sync()
    bo.write("a.csv", "by Bo")
    plan = bo.project.plan()
    assert [item.action for item in plan] == ["conflict"]

    assert bo.sync(plan).conflicts == ("a.csv",)
    assert bo.sync(plan, on_conflict="theirs").downloaded == 1
    assert bo.read("a.csv") == b"by Ana"


@pytest.mark.parametrize("path", ["a.csv", Path("a.csv"), ["a.csv"], ""])
def test_paths_where_a_plan_is_meant_are_refused_with_what_to_write(ana, path):
    with pytest.raises(cas_sync.UsageError, match="takes a plan") as caught:
        ana.project.sync(path)

    assert f"paths={path!r}" in caught.value.fix


def test_a_plan_for_a_part_is_carried_out_for_that_part(ana):
    ana.write("d/new.csv", "1")
    ana.write("e/new.csv", "1")

    plan = ana.project.plan("d")

    assert [item.path for item in plan] == ["d/new.csv"]
    assert ana.sync(plan).uploaded == 1
    assert ana.project.status().local.new == ("e/new.csv",)


@pytest.mark.parametrize(
    ("select", "published"),
    [
        ("*.csv", {"x.csv", "d/y.csv"}),
        (["*.csv", "!d/"], {"x.csv", "d/y.csv"}),
        (["d/"], {"d/y.csv", "d/z.txt"}),
        ([Path("x.csv")], {"x.csv"}),
        ([], set()),
        (lambda item: item.bytes > 1, {"d/z.txt"}),
    ],
)
def test_what_is_not_selected_is_left_and_not_declined(ana, select, published):
    ana.write("x.csv", "1")
    ana.write("d/y.csv", "1")
    ana.write("d/z.txt", "22")

    done = ana.sync(select=select)

    assert done.uploaded == len(published)
    left = ana.project.status()
    assert set(left.local.new) == {"x.csv", "d/y.csv", "d/z.txt"} - published
    assert left.declined == ()


def test_a_callable_is_asked_and_its_answer_counts(ana):
    ana.write("x.csv", "1")
    ana.write("y.txt", "1")
    shown = []

    no = ana.sync(ask=lambda plan: bool(shown.append(plan)))
    assert no.refused
    assert (no.uploaded, [item.path for item in shown[0]]) == (0, ["x.csv", "y.txt"])
    assert ana.sync(ask=lambda _: "*.csv").uploaded == 1
    assert ana.sync(ask=lambda _: True).uploaded == 1


def test_a_guard_stops_a_sync_and_shows_in_a_plan(ana):
    for i in range(20):
        ana.write(f"many/{i}.txt", str(i))
    ana.sync()
    for i in range(20):
        (ana.data / f"many/{i}.txt").unlink()

    plan = ana.project.plan()
    assert plan.counts == {"delete-remote": 20}
    with pytest.raises(cas_sync.GuardError) as caught:
        ana.sync(plan)
    assert (caught.value.code, caught.value.exit_code) == ("E206", 8)
    assert ana.sync(plan, allow_mass_delete=True).deleted_remote == 20


def test_one_way_and_no_deletions(ana, bo):
    ana.write("a.csv", "by Ana")
    (ana.data / "d/b.csv").unlink()
    ana.sync()
    bo.write("new.csv", "by Bo")

    assert bo.sync(push=False, deletes=False).downloaded == 1
    assert (bo.data / "d/b.csv").exists()
    assert bo.sync(pull=False).uploaded == 1
    with pytest.raises(cas_sync.UsageError, match="both off"):
        bo.sync(push=False, pull=False)


# -- old versions -------------------------------------------------------------------------


def test_an_old_version_is_fetched_once_and_checked_each_time(ana, bo):
    ana.write("a.csv", "second")
    ana.sync()

    path = bo.project.fetch("a.csv", "@~1")

    assert (path.read_bytes(), path.name) == (b"first", "a.csv")
    assert not path.is_relative_to(bo.folder)
    (pack,) = [p for p in Path(bo.project.store).rglob("*.pack") if b"first" in p.read_bytes()]
    pack.unlink()  # so that a second download would fail
    assert bo.project.fetch("a.csv", "@~1") == path
    with bo.project.open("a.csv", "@~1") as file:
        assert file.seek(1) == 1
        assert file.read() == b"irst"
    path.chmod(0o644)
    path.write_bytes(b"spoilt")
    with pytest.raises(cas_sync.DamageError):
        bo.project.fetch("a.csv", "@~1")
    assert bo.read("a.csv") == b"first"


def test_a_copy_that_was_spoilt_is_fetched_again(ana):
    path = ana.project.fetch("a.csv")
    assert not path.stat().st_mode & 0o222  # whoever writes to it is told so at once
    path.chmod(0o644)
    path.write_bytes(b"spoilt")

    assert ana.project.fetch("a.csv").read_bytes() == b"first"


def test_a_file_is_fetched_to_where_it_is_wanted_and_nothing_is_overwritten(ana, tmp_path):
    target = tmp_path / "out" / "old.csv"

    assert ana.project.fetch("a.csv", to=target) == target
    assert ana.project.fetch("a.csv", to=tmp_path) == tmp_path / "a.csv"
    assert ana.project.fetch("a.csv", to=target).read_bytes() == b"first"
    target.write_bytes(b"somebody's own")
    with pytest.raises(cas_sync.UsageError, match="holds something else"):
        ana.project.fetch("a.csv", to=target)
    assert target.read_bytes() == b"somebody's own"
    assert os.listdir(target.parent) == ["old.csv"]


@pytest.mark.parametrize("size", [0, 1, 40_000, 3_000_000])
def test_files_of_all_sizes_are_fetched(ana, size):
    data = os.urandom(size)
    ana.write("any.bin", data)
    ana.sync()

    assert ana.project.fetch("any.bin").read_bytes() == data


@pytest.mark.parametrize(
    ("path", "words"),
    [("d", "is a folder"), ("b.csv", "there is no b.csv"), ("../x", "not in the data folder")],
)
def test_what_is_no_file_is_not_fetched(ana, path, words):
    with pytest.raises(cas_sync.UsageError, match=words):
        ana.project.fetch(path)


def test_a_folder_is_restored_as_it_was(ana):
    ana.write("a.csv", "second")
    (ana.data / "d/b.csv").unlink()
    ana.sync()

    done = ana.project.restore(["a.csv", Path("d")], "@~1")

    assert (done.restored, done.replaced, done.seq) == (2, 1, 1)
    assert (ana.read("a.csv"), ana.read("d/b.csv")) == (b"first", b"b")
    with pytest.raises(cas_sync.UsageError, match="no path"):
        ana.project.restore([])


# -- what the command line says too -------------------------------------------------------


def test_results_are_what_the_command_line_prints_as_json(folder):
    """One story, told by both faces with the same words."""
    person = folder.person("ana")
    for path in ("a.csv", "b.csv", "c.csv"):
        person.write(path, "first")
    person.sync()
    bo = folder.person("bo")
    bo.sync()
    bo.write("a.csv", "by Bo")
    bo.write("b.csv", "by Bo")
    bo.sync()
    person.write("a.csv", "by Ana, longer")
    person.write("new.csv", "new")
    project = Project.open(person.project, user="ana")

    assert project.status().to_dict() == person.status()
    assert project.status(offline=True).to_dict() == person.status("--offline")
    told = person.run("conflicts", "--json", exit=3).answer
    assert project.conflicts().to_dict() == told
    assert project.log().to_dict() == person.log()
    assert project.log("a.csv", 1).to_dict() == person.log("a.csv", "-n", "1")
    assert project.log(changes=True).to_dict() == person.log("--stat")
    events = person.run("sync", "-n", "--json", exit=3).events
    planned = [event for event in events if event["event"] == "plan"]
    envelope = {"schema": 1, "event": "plan"}
    assert [{**envelope, **item.to_dict()} for item in project.plan()] == planned
    told = person.run("reset", "--json", exit=2).last
    assert {"schema": 1, "event": "summary", **project.reset().to_dict()} == told
    told = set(person.run("restore", "c.csv", "--rev", "@~1", "--json").last)
    assert set(project.restore("c.csv", "@~1").to_dict()) | {"schema", "event"} == told
    told = set(person.sync(exit=3))
    assert set(project.sync().to_dict()) | {"schema", "event"} == told


# -- errors -------------------------------------------------------------------------------


def test_errors_say_what_why_and_what_to_do(tmp_path):
    with pytest.raises(cas_sync.NotAProjectError) as caught:
        Project.open(tmp_path)

    error = caught.value
    assert isinstance(error, cas_sync.ConfigError)
    assert isinstance(error, cas_sync.CasSyncError)
    assert (error.code, error.exit_code, error.state) == ("E203", 5, "nothing was changed")
    assert "cas-sync init" in error.fix


def test_an_argument_that_does_not_exist_is_refused_with_the_near_one(tmp_path):
    with pytest.raises(cas_sync.UsageError) as caught:
        Project.open(tmp_path, sotre="x")

    assert "'store'" in caught.value.fix
    with pytest.raises(cas_sync.UsageError, match="no folder"):
        Project.open(tmp_path / "missing")


def test_the_project_itself_is_no_data_folder(tmp_path, store):
    with pytest.raises(cas_sync.ConfigError, match="project itself"):
        Project.open(tmp_path, store=store, data=".")


# -- a good guest -------------------------------------------------------------------------

GUEST = """
import logging, os, signal, sys, threading

def state():
    watched = [s for s in signal.Signals if s not in (signal.SIGKILL, signal.SIGSTOP)]
    return (dict(os.environ), os.getcwd(), [signal.getsignal(s) for s in watched],
            list(logging.root.handlers), logging.root.level)

os.close(0)
before = state()
import cas_sync
project = cas_sync.Project.open(sys.argv[1], store=sys.argv[2], user="ana", data="Data")
data = project.data
data.mkdir()
(data / "a.csv").write_text("first")
events = []
project.sync(progress=events.append)
(data / "a.csv").write_text("second")
plan = project.plan()
project.sync(plan)
project.status(), project.log(), project.conflicts(), project.fetch("a.csv")
project.show(), project.diff("@~1"), project.ls(), project.du(), project.read("a.csv")
project.tag("v1"), project.tags(), project.untag("v1"), project.deleted()
project.undo()
project.restore("a.csv", "@~1")
try:
    project.restore("b.csv")
except cas_sync.CasSyncError:
    pass
try:
    cas_sync.smart_sync("local", aws_prfx=sys.argv[2] + "x")
except cas_sync.CasSyncError:
    pass
thread = threading.Thread(target=project.sync)
thread.start()
thread.join()
project.reset(True)
assert events
assert state() == before, "the process was changed"
assert threading.active_count() == 1, threading.enumerate()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has other signals")
def test_a_library_says_nothing_asks_nothing_and_changes_nothing(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    ran = subprocess.run(
        [sys.executable, "-c", GUEST, str(tmp_path / "elsewhere"), str(tmp_path / "store")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_two_projects_work_side_by_side_in_threads(tmp_path, store):
    people = [Somebody(tmp_path, name, store) for name in ("ana", "bo", "cem")]

    def work(person):
        for i in range(3):
            person.write(f"{person.folder.name}/{i}.csv", f"{person.folder.name} {i}")
            person.sync()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, people))
    for person in people:
        person.sync()

    assert len(tree(people[0].data)) == 9
    assert tree(people[0].data) == tree(people[1].data) == tree(people[2].data)
    assert len(people[0].project.log()) == 9


def test_a_project_does_not_mind_where_the_process_goes(ana, tmp_path, monkeypatch):
    relative = os.path.relpath(ana.folder)
    project = Project.open(relative, store=str(tmp_path / "store"), user="ana")
    monkeypatch.chdir("/")
    ana.write("new.csv", "new")

    assert project.sync().uploaded == 1


def test_progress_is_told_in_small_events(ana):
    for i in range(5):
        ana.write(f"{i}.csv", str(i))
    events = []

    ana.sync(progress=events.append)

    phases = [event["phase"] for event in events if event["event"] == "phase"]
    assert phases[0] == "scan"
    assert phases[-2:] == ["upload", "commit"]
    (upload,) = [e for e in events if e["event"] == "phase" and e["phase"] == "upload"]
    assert (upload["files"], upload["bytes"]) == (5, 5)
    json.dumps(events)


def test_a_listener_that_raises_stops_a_sync_that_can_be_run_again(ana):
    ana.write("x.csv", "1")

    def cancel(event):
        if event.get("phase") == "upload":
            raise RuntimeError("cancelled")

    with pytest.raises(RuntimeError, match="cancelled"):
        ana.sync(progress=cancel)
    assert ana.sync().uploaded == 1


def test_what_was_wanted_in_the_first_sync_holds_for_the_same_object(tmp_path, store, ana):
    bo = Somebody(tmp_path, "bo", store)

    bo.sync(only=["a.csv"])
    bo.sync()

    assert set(tree(bo.data)) == {"a.csv"}
