"""`reset` removes `.S3` here and under the prefix: that, all of that, and nothing else."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from cas_sync.engine.repository import Connection
from cas_sync.engine.reset import run_reset
from cas_sync.engine.surroundings import Surroundings
from cas_sync.errors import RaceLostError, RepositoryResetError
from cas_sync.formats import documents
from cas_sync.model.commit import HeadState
from cas_sync.model.params import ChunkParams
from cas_sync.progress import Silent
from cas_sync.store.bucket import StoreAddress
from cas_sync.store.connect import open_bucket
from tests.support.faulty import FaultyBucket
from tests.support.people import Instant, Kill, settings_of, snapshot, tree
from tests.support.seed_store import FolderKeys, SeedPrefix

BUCKET = "team-data"


def pair(place):
    ana, bo = place.team("ana", "bo")
    for i in range(12):
        ana.write(f"f{i:02d}", f"content {i}")
    ana.write("run.sh", "#!/bin/sh", executable=True)
    (ana.data / "link").symlink_to("f00")
    ana.sync()
    bo.sync()
    bo.write("by bo", "bo")
    bo.sync()
    ana.sync()
    return ana, bo


def keys(s3) -> set[str]:
    """Return every key of the bucket that belongs to this test's prefix or begins like it."""
    prefix = s3.url.rpartition("/")[2]
    server = s3.server
    with closing(server.client()) as client:
        found = client.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return {item["Key"] for item in found.get("Contents", [])}


def put(s3, *names: str) -> None:
    with closing(s3.server.client()) as client:
        for name in names:
            client.put_object(Bucket=BUCKET, Key=name, Body=b"not ours")


def close_head(below: Path) -> None:
    """Do what a reset does first, as if it was killed then."""
    head = documents.load_head((below / "head").read_bytes())
    closed = head._replace(state=HeadState.CLOSED)
    (below / "head").write_bytes(documents.dump_head(closed))


@pytest.fixture
def place3(s3, s3_prefix):
    s3.server = s3_prefix.server
    s3.prefix = s3_prefix.prefix
    return s3


def test_without_confirm_it_tells_and_removes_nothing(folder):
    ana, _ = pair(folder)
    before = snapshot(Path(folder.url)), tree(ana.data)

    said = ana.run("reset", exit=2)

    assert "Would remove" in said.stdout
    assert said.stderr == "Nothing was removed. To do it:  cas-sync reset --confirm\n"
    only_local = ana.run("reset", "--local", exit=2)
    assert only_local.stderr.endswith("To do it:  cas-sync reset --confirm --local\n")
    assert (snapshot(Path(folder.url)), tree(ana.data)) == before
    assert ana.state.is_dir()
    assert ana.sync()["published"] is False


def test_it_removes_the_bookkeeping_and_no_file(folder):
    ana, _ = pair(folder)
    before = tree(ana.data)
    (Path(folder.url) / "neighbour.txt").write_text("not ours")
    (Path(folder.url) / ".S3x").mkdir()
    (Path(folder.url) / ".S3x" / "y").write_text("not ours")

    said = ana.run("reset", "--confirm", "--json").last

    assert (said["event"], said["removed"], said["exit"]) == ("summary", True, 0)
    assert tree(ana.data) == before
    assert not ana.state.exists()
    left = {
        str(path.relative_to(folder.url))
        for path in Path(folder.url).rglob("*")
        if path.is_file()
    }
    assert left == {"neighbour.txt", ".S3x/y"}


@pytest.mark.s3
def test_it_removes_exactly_the_keys_below_the_prefix(place3):
    ana, _ = pair(place3)
    p = place3.prefix
    others = {f"{p}2/.S3/head", f"{p}/.S3x/head", f"{p}/data.csv", f"{p}/.S3.bak", f"{p}-x"}
    put(place3, *others)

    ana.run("reset", "--confirm")

    assert keys(place3) == others
    assert not ana.state.exists()
    assert len(ana.paths()) == 15


@pytest.mark.parametrize("how", ["deleted", "altered", "mode"])
def test_it_refuses_while_a_file_is_not_here_and_whole(folder, how):
    ana, bo = pair(folder)
    bo.write("f03", "newer, by bo")
    bo.sync()
    if how == "deleted":
        ana.sync()
        ana.delete("f03")
    elif how == "mode":
        ana.sync()
        ana.delete("f03")
        ana.write("f03/x", "a folder now")
    before = snapshot(Path(folder.url)), tree(ana.data)

    said = ana.run("reset", "--confirm", "--json", exit=8).last

    assert said["code"] == "E213"
    assert "f03" in said["message"]
    assert "f04" not in said["message"]
    assert "--even-if-incomplete" in said["fix"]
    assert (snapshot(Path(folder.url)), tree(ana.data)) == before
    assert ana.state.is_dir()

    ana.run("reset", "--confirm", "--even-if-incomplete")
    assert tree(ana.data) == before[1]
    assert list(Path(folder.url).rglob("*.pack")) == []


def test_another_repository_is_refused(folder):
    ana, _ = pair(folder)
    stranger = folder.person("stranger")
    other = folder.root / "other store"
    stranger.store = str(other)
    stranger.write("x", "x")
    stranger.sync()
    ana.configure(store=str(other))
    before = snapshot(other)

    said = ana.run("reset", "--confirm", "--json", exit=5).last

    assert "not the one this folder knows" in said["message"]
    assert snapshot(other) == before
    assert ana.state.is_dir()


def test_peers_stop_and_keep_every_file(place):
    ana, bo = pair(place)
    ana.run("reset", "--confirm")
    before = tree(bo.data)

    for _ in range(2):
        said = bo.sync(exit=8)
        assert said["code"] == "E209"
        assert tree(bo.data) == before

    ana.sync()
    said = bo.sync(exit=8)
    assert said["code"] == "E209"
    assert tree(bo.data) == before

    bo.write("unpublished", "by bo")
    bo.run("reset", "--confirm", "--local")
    bo.sync()
    ana.sync()
    assert tree(bo.data) == tree(ana.data)
    assert ana.read("unpublished") == b"by bo"


def test_the_next_sync_starts_afresh(place):
    ana, _ = pair(place)
    before = tree(ana.data)
    ana.run("reset", "--confirm")

    summary = ana.sync()

    assert (summary["seq"], summary["uploaded"]) == (1, len(before))
    assert tree(ana.data) == before
    assert len(ana.log()) == 1


def test_only_the_local_part_can_go(folder):
    ana, bo = pair(folder)
    before = snapshot(Path(folder.url)), tree(ana.data)

    ana.run("reset", "--confirm", "--local")

    assert not ana.state.exists()
    assert (snapshot(Path(folder.url)), tree(ana.data)) == before
    assert ana.sync()["published"] is False
    assert bo.sync()["published"] is False


def test_only_the_remote_part_can_go(folder):
    ana, _ = pair(folder)

    ana.run("reset", "--confirm", "--remote")

    assert ana.state.is_dir()
    assert not (Path(folder.url) / ".S3" / "head").exists()
    assert ana.sync(exit=8)["code"] == "E209"


def test_where_there_is_nothing_nothing_is_removed(folder):
    ana = folder.person("ana")
    ana.write("x", "x")
    ana.sync()
    ana.run("reset", "--confirm")

    ana.run("reset", "--confirm")

    assert ana.read("x") == b"x"


@pytest.mark.s3
@pytest.mark.parametrize(
    ("method", "part", "number", "apply"),
    [
        ("PUT", "/head", 0, False),
        ("PUT", "/head", 0, True),
        ("POST", "delete", 0, False),
        ("POST", "delete", 0, True),
        ("DELETE", "/head", 0, False),
        ("DELETE", "/head", 0, True),
    ],
)
def test_killed_anywhere_the_same_command_goes_on(
    through, s3, s3_prefix, proxy, method, part, number, apply
):
    s3.server = s3_prefix.server
    ana, bo = pair(through)
    before = tree(ana.data)
    kill = Kill(method, part, number, apply=apply)
    proxy.rules.append(kill)
    with ana.start("reset", "--confirm") as running:
        kill.aim(running.pid)
        running.communicate()
    assert kill.hit.is_set()
    assert running.returncode == -9
    proxy.rules.clear()
    bo_before = tree(bo.data)
    if not (method == "PUT" and not apply):
        assert bo.sync(exit=8)["code"] == "E209"
    assert tree(bo.data) == bo_before

    ana.run("reset", "--confirm")

    assert keys(s3) == set()
    assert tree(ana.data) == before
    assert not ana.state.exists()
    assert ana.sync()["seq"] == 1


def test_a_reset_meets_a_teammate_who_publishes(folder):
    ana, bo = pair(folder)
    bo.write("newer", "bo")
    bo.sync()

    said = ana.run("reset", "--confirm", "--json", exit=8).last

    assert "newer" in said["message"]
    ana.sync()
    ana.run("reset", "--confirm")


def test_a_half_removed_local_folder_is_no_deletion(folder):
    ana, bo = pair(folder)
    (ana.state / "versions_remote.csv").unlink()  # as if killed while it was removed
    (ana.state / "root.json").unlink()
    ana.delete("f00")

    ana.sync(exit=None)

    bo.sync()
    assert "f00" in bo.paths()


def test_what_a_killed_sync_had_moved_aside_is_put_back_first(folder):
    ana, _ = pair(folder)
    name = f"{'0' * 64}-00000000-1.away"
    (ana.state / "journal").write_text(json.dumps([f".S3/tmp/{name}", "mine", "", "0"]) + "\n")
    (ana.state / "tmp" / name).write_text("precious")

    ana.run("reset", "--confirm")

    assert ana.read("mine") == b"precious"


def test_the_preview_says_what_is_not_here_and_what_differs_and_what_works_then(folder):
    ana, bo = pair(folder)
    bo.write("f03", "newer, by bo")
    bo.sync()
    ana.delete("f04")

    told = ana.run("reset", exit=2)
    refused = ana.run("reset", "--confirm", exit=8)

    assert "changed here: f03\n" in told.stderr
    assert "not here: f04\n" in told.stderr
    assert "f05" not in told.stderr
    assert "To do it" not in told.stderr
    last = told.stderr.splitlines()[-1]
    assert last == "or lose them:  cas-sync reset --confirm --even-if-incomplete"
    assert "E213" in refused.stderr
    assert ana.run("reset", "--json", exit=2).last["changed"] == ["f03"]
    ana.run(*last.partition("cas-sync ")[2].split())


# -- what others left below the prefix ----------------------------------------------


def seed_prefix(folder) -> tuple[FolderKeys, dict[str, bytes]]:
    """Write a prefix of s3synchrony; return it and what is in it."""
    prefix, keys = SeedPrefix("A"), FolderKeys(Path(folder.url))
    prefix.push("plain.csv", b"a,b\n1,2\n")
    prefix.push("gone.csv", b"kept nowhere else")
    prefix.delete("gone.csv")
    return keys, prefix.write(keys.put)


@pytest.mark.parametrize("knows_another", [False, True])
def test_a_prefix_that_was_never_ours_is_refused(folder, knows_another):
    ana = folder.person("ana")
    if knows_another:
        ana.store = str(folder.root / "her own")
        ana.write("x", "x")
        ana.sync()
    keys, before = seed_prefix(folder)

    for more in ([], ["--confirm"], ["--confirm", "--even-if-incomplete"]):
        said = ana.run("reset", "--store", folder.url, *more, exit=5)

        assert "is no repository of cas-sync" in said.stderr
        assert "nothing was removed" in said.stderr
        assert keys.all() == before
        assert ana.state.exists() == knows_another


def test_before_anything_is_adopted_what_others_left_stays(folder):
    ana = folder.person("ana")
    keys, before = seed_prefix(folder)
    ana.run("init", "--store", folder.url)
    assert keys.all().keys() > before.keys()

    said = ana.run("reset", "--confirm", "--json").last

    assert said["n_foreign"] == 0
    left = keys.all()
    left.pop(".S3/lock-head")  # of the folder store itself
    assert left == before


def test_after_an_adoption_the_lists_of_s3synchrony_are_counted_and_go(folder):
    ana = folder.person("ana")
    keys, before = seed_prefix(folder)
    ana.sync()

    told = ana.run("reset", exit=2)

    assert "3 objects of s3synchrony or others among them" in told.stdout
    assert keys.all().items() >= before.items()

    done = ana.run("reset", "--confirm")
    assert "3 objects of s3synchrony or others among them" in done.stdout
    assert keys.all() == {"plain.csv": before["plain.csv"]}


@pytest.mark.parametrize("adopted", [False, True])
def test_a_reset_that_was_killed_halfway_is_finished(folder, adopted):
    """Killed when only the closed head and part of the rest were left, format.json not."""
    ana = folder.person("ana")
    if adopted:
        seed_prefix(folder)
    else:
        ana.write("x", "x")
    ana.sync()
    below = Path(folder.url) / ".S3"
    close_head(below)
    (below / "format.json").unlink()

    ana.run("reset", "--confirm")

    assert not below.exists()
    assert not ana.state.exists()


def test_what_is_ours_and_nothing_refers_to_can_still_go(folder):
    ana, _ = pair(folder)
    below = Path(folder.url) / ".S3"
    (below / "head").unlink()
    (below / "format.json").unlink()
    assert list(below.rglob("*.pack"))

    ana.run("reset", "--confirm")

    assert not below.exists()


# -- what the user says about this machine -------------------------------------------


@pytest.mark.parametrize("more", [[], ["--local"]])
def test_what_is_ignored_on_this_machine_is_not_published_after_a_reset(folder, more):
    ana, bo = pair(folder)
    ana.write("private", "not for bo")
    ana.write("older", "nor this")
    ana.run("ignore", "add", "--local", "private")
    (ana.state / "ignores3.txt").write_text("older\n")
    ana.run("config", "set", "jobs", "3", "--local")
    names = {"ignore_remote.txt", "ignores3.txt", "local.json"}
    before = {name: (ana.state / name).read_bytes() for name in names}

    told = ana.run("reset", *more, exit=2)
    ana.run("reset", "--confirm", *more)

    assert ", but local.json, ignore_remote.txt, ignores3.txt\n" in told.stdout
    assert {path.name: path.read_bytes() for path in ana.state.iterdir()} == before
    ana.sync()
    bo.run("reset", "--confirm", "--local")
    bo.sync()
    assert ana.read("private") == b"not for bo"
    assert not {"private", "older"} & bo.paths()
    assert {name: (ana.state / name).read_bytes() for name in names} == before


def test_a_folder_that_keeps_only_what_the_user_said_is_new_here(folder):
    ana, _ = pair(folder)
    ana.write("private", "not for bo")
    ana.run("ignore", "add", "--local", "private")
    ana.run("reset", "--confirm", "--local")
    ana.delete("f00")

    ana.sync("--only", "f0*")

    assert ana.read("f00") == b"content 0", "joined as a union: nothing is a deletion"
    assert json.loads((ana.state / "local.json").read_text())["only"] == ["f0*"]
    ana.run("reset", "--confirm", "--local")
    assert ana.sync()["exit"] == 0


# -- another store --------------------------------------------------------------------


@pytest.mark.parametrize("holds", ["nothing", "another", "another, being reset"])
def test_a_store_that_was_changed_is_no_reset(folder, holds):
    ana, _ = pair(folder)
    other = folder.root / "other store"
    if holds != "nothing":
        stranger = folder.person("stranger")
        stranger.store = str(other)
        stranger.write("x", "x")
        stranger.sync()
    if holds == "another, being reset":
        close_head(other / ".S3")
    other.mkdir(exist_ok=True)
    before = snapshot(other)
    ana.configure(store=str(other))

    said = ana.sync(exit=8)

    assert said["code"] == "E209"
    assert f"synced with {folder.url}, the configuration now says {other}" in said["message"]
    assert "reset --confirm --local" in said["fix"]
    assert "--remote" not in said["fix"]
    assert snapshot(other) == before
    back = said["fix"].splitlines()[0].partition("cas-sync ")[2].split()
    ana.run(*back)
    assert ana.sync()["published"] is False


def reset_through(person, bucket):
    """Reset the prefix through a bucket of the test's own."""
    surroundings = Surroundings(env=person.env, clock=Instant(), connect=lambda _: bucket)
    return run_reset(
        settings_of(person),
        surroundings,
        Silent(),
        confirm=True,
        remote=True,
        local=False,
        even_if_incomplete=True,
    )


def test_a_repository_that_begins_while_a_reset_looks_is_not_removed(folder):
    """Where there is no head yet, the reset puts a closed one there before it removes."""
    ana, bo = folder.team("ana", "bo")
    ana.write("a.csv", "of ana")
    leave_a_format(folder)

    def decide(call):
        if call.method == "get" and call.n and not done:
            done.append(ana.sync())

    done = []
    bucket = FaultyBucket(open_bucket(StoreAddress(folder.url)), decide)
    with pytest.raises(RaceLostError):
        reset_through(bo, bucket)

    assert done
    bo.sync()
    assert tree(bo.data) == tree(ana.data)
    assert not ana.sync()["published"]


def test_whoever_begins_while_a_reset_removes_what_has_no_head_is_told(folder):
    ana, bo = folder.team("ana", "bo")
    ana.write("a.csv", "of ana")
    leave_a_format(folder)

    def decide(call):
        if call.method == "delete":
            told.append(ana.sync(exit=8)["code"])

    told = []
    reset_through(bo, FaultyBucket(open_bucket(StoreAddress(folder.url)), decide))

    assert set(told) == {"E209"}
    assert ana.sync()["published"]


def test_a_reset_that_a_teammate_finished_leaves_what_was_begun_since(folder):
    ana, bo = pair(folder)

    def decide(call):
        if call.method == "delete" and not done:
            done.append(ana.run("reset", "--confirm", "--even-if-incomplete"))
            ana.sync()

    done = []
    with pytest.raises(RaceLostError):
        reset_through(bo, FaultyBucket(open_bucket(StoreAddress(folder.url)), decide))

    assert done
    assert ana.run("fsck", "--deep").exit == 0
    assert not ana.sync()["published"]


def test_nothing_is_begun_below_a_head_that_is_being_removed(folder):
    ana, bo = folder.team("ana", "bo")
    ana.write("a.csv", "of ana")
    ana.sync()
    close_head(folder.root / "store" / ".S3")
    surroundings = Surroundings(env=bo.env)
    with (
        Connection(settings_of(bo), surroundings) as connection,
        pytest.raises(RepositoryResetError, match="being reset"),
    ):
        connection.begin(lambda _: None, is_tested=True)


def leave_a_format(place):
    """Do what somebody did who was killed while they began."""
    stray = place.root / "store" / ".S3" / "format.json"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(documents.dump_format(documents.Format("0" * 32, ChunkParams())))
