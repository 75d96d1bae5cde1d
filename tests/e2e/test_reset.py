"""`reset` removes `.S3` here and under the prefix: that, all of that, and nothing else."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.people import Kill, snapshot, tree

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
    assert "--confirm" in said.stderr
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
