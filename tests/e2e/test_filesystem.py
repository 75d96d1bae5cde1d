"""The filesystem `cas://` itself: names, revisions, errors, threads and processes."""

import errno
import gc
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import fsspec
import pytest

import cas_sync
from cas_sync.api.filesystem import CasFileSystem
from cas_sync.engine.repository import Connection
from tests.support.history import publish
from tests.support.people import Opened, tree

ODD = {
    "a@b.csv": "with @ at the top",
    "@top/q.csv": "@ in front",
    "raw/a@b.csv": "with @ below",
    "raw/x [1].csv": "brackets",
    "raw/żółć 100%.csv": "letters",
    "007": "digits",
    "NA": "nothing",
}


@pytest.fixture(autouse=True)
def _forget():
    yield
    CasFileSystem.clear_instance_cache()
    gc.collect()


@pytest.fixture
def ana(folder, monkeypatch):
    """Return somebody with two commits; the process is in their project."""
    ana = folder.person("ana")
    ana.write("readme.txt", "first")
    ana.write("raw/users.csv", "id\n1\n")
    ana.write("raw/deep/er/z.csv", "z")
    ana.sync()
    ana.write("readme.txt", "second")
    ana.sync()
    monkeypatch.chdir(ana.project)
    return ana


def cas(**options):
    return fsspec.filesystem("cas", **options)


# -- names --------------------------------------------------------------------------------


@pytest.mark.parametrize("top", ["", "@~1@", "@@", "cas://", "cas://@~1@", "cas://@@/"])
def test_every_name_that_is_listed_leads_back_to_its_file(ana, top):
    for path, text in ODD.items():
        ana.write(path, text)
    ana.sync()
    ana.write("later.txt", "later")
    ana.sync()
    fs = cas()
    expected = {**ODD, "readme.txt": "second", "raw/users.csv": "id\n1\n",
                "raw/deep/er/z.csv": "z"}  # fmt: skip
    if "~" not in top:
        expected["later.txt"] = "later"

    found = fs.find(top)
    walked = [
        f"{folder}/{name}" if folder else name
        for folder, _, names in fs.walk(top)
        for name in names
    ]

    assert sorted(fs.cat_file(name).decode() for name in found) == sorted(expected.values())
    assert sorted(fs.cat_file(name).decode() for name in walked) == sorted(expected.values())
    for name in fs.ls(top, detail=False):
        assert fs.info(name)["name"] == name
        assert fs.exists(f"cas://{name}")
    assert set(fs.find(top, withdirs=True)) - set(found) == {
        name for name in fs.find(top, withdirs=True) if fs.isdir(name)
    }


@pytest.mark.parametrize(
    ("path", "parent"),
    [("raw/x.csv", "raw"), ("raw", ""), ("", ""), ("@~1@x", "@~1@"), ("@~1@/raw/x", "@~1@/raw"),
     ("@~1@raw/x", "@~1@raw"), ("@~1@", "@~1@"), ("cas://v1@raw/", "v1@")],
)  # fmt: skip
def test_a_parent_is_of_the_same_revision(path, parent):
    assert CasFileSystem._parent(path) == parent


def test_a_listing_tells_folders_and_files_and_reads_no_deeper(ana):
    fs = cas()

    assert fs.ls("raw", detail=False) == ["raw/deep", "raw/users.csv"]
    assert [each["type"] for each in fs.ls("raw")] == ["directory", "file"]
    assert fs.ls("raw/users.csv", detail=False) == ["raw/users.csv"]
    assert fs.find("raw", maxdepth=1) == ["raw/users.csv"]
    assert fs.find("raw", maxdepth=2, withdirs=True) == [
        "raw", "raw/deep", "raw/deep/er", "raw/users.csv",
    ]  # fmt: skip
    assert fs.find("raw", withdirs=True) == [
        "raw", "raw/deep", "raw/deep/er", "raw/deep/er/z.csv", "raw/users.csv",
    ]  # fmt: skip
    assert fs.find("nothing") == []
    assert fs.find("../up") == []


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.txt", ["readme.txt"]),
        ("@~1@*.txt", ["@~1@/readme.txt"]),
        ("cas://@~1@r*", ["@~1@/raw", "@~1@/readme.txt"]),
        ("@~1@r*/", ["@~1@/raw"]),
        ("raw/*.csv", ["raw/users.csv"]),
        ("@~1@raw/*.csv", ["@~1@raw/users.csv"]),
        ("**/*.csv", ["raw/deep/er/z.csv", "raw/users.csv"]),
        ("raw/*/*", ["raw/deep/er"]),
        ("readme.txt", ["readme.txt"]),
        ("nothing/*", []),
    ],
)
def test_patterns_are_those_of_fsspec(ana, pattern, found):
    assert [name.rstrip("/") for name in cas().glob(pattern)] == found


def test_a_file_is_told_with_all_that_is_known_of_it(ana):
    fs = cas()
    ana.write("run.sh", "#!/bin/sh", executable=True)
    ana.sync()
    row = ana.run("log", "readme.txt", "--json").answer[0]

    info = fs.info("readme.txt")

    assert (info["size"], info["type"], info["mode"]) == (6, "file", 0o100644)
    assert (info["edited_by"], info["hash"]) == ("ana", row["hash"])
    assert info["mtime"] == 1_600_000_000.0
    assert fs.modified("readme.txt") == datetime.fromtimestamp(1_600_000_000, UTC)
    assert fs.created("readme.txt") == fs.modified("readme.txt")
    assert fs.checksum("readme.txt") == fs.ukey("readme.txt") == row["hash"]
    assert fs.ukey("raw/users.csv") == fs.ukey("@~1@raw/users.csv")
    assert fs.ukey("readme.txt") != fs.ukey("@~2@readme.txt")
    assert fs.info("run.sh")["mode"] == 0o100755
    assert (fs.size("raw"), fs.isdir("raw"), fs.isfile("raw"), fs.isdir("")) == (
        0,
        True,
        False,
        True,
    )


# -- revisions ----------------------------------------------------------------------------


def test_a_revision_in_a_path_goes_before_the_option(ana):
    with fsspec.open("cas://@@readme.txt", rev="@~1") as file:
        assert file.read() == b"second"
    with fsspec.open("cas://readme.txt", rev="@~1") as file:
        assert file.read() == b"first"
    assert cas(rev="@~1").cat("@@readme.txt") == b"second"


def test_a_revision_is_fixed_until_the_cache_is_invalidated(ana):
    fs = cas()
    file = fs.open("readme.txt", cache_type="none")
    assert file.read(1) == b"s"
    commit = fs.commit
    ana.write("readme.txt", "THIRD!")
    ana.sync()

    assert fs.cat("readme.txt") == fs.cat("@@readme.txt") == b"second"
    assert fs.commit == commit
    assert fsspec.filesystem("cas") is fs
    fs.invalidate_cache()
    assert fs.cat("readme.txt") == b"THIRD!"
    assert fs.cat("@~1@readme.txt") == b"second"
    assert file.read() == b"econd"
    assert pickle.loads(pickle.dumps(file)).fs.commit == fs.commit
    copy = pickle.loads(pickle.dumps(file))
    copy.seek(0)
    assert copy.read() == b"second"


def test_an_instance_that_travels_reads_the_same_commit_elsewhere(ana, monkeypatch, tmp_path):
    fs = cas()
    sent = pickle.dumps(fs)
    ana.write("readme.txt", "third")
    ana.sync()
    monkeypatch.chdir(tmp_path)

    assert pickle.loads(sent).cat("readme.txt") == b"second"
    assert pickle.loads(sent).commit == fs.commit


def test_instances_are_one_for_a_folder_and_its_options(ana, monkeypatch, tmp_path, folder):
    one = cas()
    assert cas() is one
    assert cas(rev="@~1") is not one
    monkeypatch.chdir(tmp_path)
    with pytest.raises(cas_sync.NotAProjectError):
        cas()
    assert cas(project=ana.project).cat("readme.txt") == b"second"
    assert cas(store=folder.url, rev="@~1").cat("readme.txt") == b"first"
    assert cas(store=Path(folder.url)).cat("readme.txt") == b"second"
    with pytest.raises(cas_sync.UsageError, match="has no argument 'sotre'"):
        cas(sotre="x")


# -- errors -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["raw/user.csv", "cas://@~1@raw/user.csv", "@~1@/raw/user.csv"]
)
def test_a_file_that_is_not_there_is_told_with_those_near_it(ana, path):
    fs = cas()

    for call in (fs.open, fs.info, fs.ls, fs.cat_file, fs.modified, fs.ukey):
        with pytest.raises(FileNotFoundError, match=r"near it: raw/users\.csv") as caught:
            call(path)
        assert caught.value.errno == errno.ENOENT
    assert not fs.exists(path)
    assert not fs.isfile(path)
    assert not fs.isdir(path)


@pytest.mark.parametrize("path", ["../secret", "raw/../readme.txt", "a\\b", ".S3/head", "a\nb"])
def test_a_name_that_no_file_can_have_is_not_there(ana, path):
    with pytest.raises(FileNotFoundError):
        cas().open(path)
    assert not cas().exists(path)


def test_a_folder_is_no_file(ana):
    for path in ("raw", "", "@~1@", "cas://@~1@raw"):
        with pytest.raises(IsADirectoryError):
            cas().open(path)
        with pytest.raises(IsADirectoryError):
            cas().cat_file(path)


def test_a_revision_that_is_not_there_is_told_with_the_way_out_for_odd_names(ana):
    for path in ("nobody@readme.txt", "cas://nobody@readme.txt"):
        with pytest.raises(cas_sync.UsageError, match="nobody") as caught:
            cas().open(path)
        assert "cas://@@nobody@readme.txt" in caught.value.fix
    with pytest.raises(cas_sync.UsageError):
        cas().exists("nobody@readme.txt")


def test_a_link_is_told_and_not_followed(ana):
    os.symlink("readme.txt", ana.data / "link")
    ana.sync()

    assert cas().info("link")["type"] == "link"
    assert not cas().isfile("link")
    with pytest.raises(OSError, match="is a link") as caught:
        cas().open("link")
    assert caught.value.errno == errno.EINVAL


@pytest.mark.parametrize(
    "write",
    [
        lambda fs: fs.open("new.csv", "wb"),
        lambda fs: fs.open("readme.txt", "ab"),
        lambda fs: fs.open("readme.txt", "w"),
        lambda fs: fs.open("readme.txt", "r+b"),
        lambda fs: fs.pipe("new.csv", b"x"),
        lambda fs: fs.write_text("new.csv", "x"),
        lambda fs: fs.mkdir("new"),
        lambda fs: fs.mkdirs("new/er", exist_ok=True),
        lambda fs: fs.makedirs("new"),
        lambda fs: fs.rmdir("raw"),
        lambda fs: fs.rm("readme.txt"),
        lambda fs: fs.rm("raw", recursive=True),
        lambda fs: fs.delete("readme.txt"),
        lambda fs: fs.rm_file("readme.txt"),
        lambda fs: fs.touch("readme.txt"),
        lambda fs: fs.touch("readme.txt", truncate=False),
        lambda fs: fs.cp("readme.txt", "new.csv"),
        lambda fs: fs.cp_file("readme.txt", "new.csv"),
        lambda fs: fs.mv("readme.txt", "readme.txt"),
        lambda fs: fs.rename("readme.txt", "new.csv"),
        lambda fs: fs.put(__file__, "new.csv"),
        lambda fs: fs.put_file(__file__, "new.csv"),
    ],
)
def test_all_that_writes_is_refused_and_nothing_changes(ana, write, folder):
    fs = cas()
    before = tree(Path(folder.url)), tree(ana.data)

    with pytest.raises(OSError, match="cas-sync sync") as caught:
        write(fs)

    assert caught.value.errno == errno.EROFS
    assert (tree(Path(folder.url)), tree(ana.data)) == before


def test_damage_is_an_error_and_no_absence(ana, folder, monkeypatch):
    monkeypatch.setenv("CAS_SYNC_CACHE_DIR", str(folder.root / "cold"))
    for path in Path(folder.url).rglob("versions_*.csv"):
        path.write_bytes(path.read_bytes().replace(b"readme", b"README"))
    fs = cas()

    for call in (fs.exists, fs.isfile, fs.isdir, fs.open, fs.find):
        with pytest.raises(cas_sync.DamageError):
            call("readme.txt")


def test_damaged_bytes_reach_nobody(ana, folder):
    data = os.urandom(3_000_000)
    ana.write("large.bin", data)
    ana.sync()
    found = [p for p in Path(folder.url).rglob("*.pack") if p.stat().st_size > 2_000_000]
    spoilt = bytearray(found[0].read_bytes())
    spoilt[len(spoilt) // 2] ^= 1
    found[0].write_bytes(spoilt)
    fs = cas()

    assert fs.cat_file("large.bin", 0, 1000) == data[:1000]
    with pytest.raises(cas_sync.DamageError):
        fs.cat_file("large.bin")
    with fs.open("large.bin") as file, pytest.raises(cas_sync.DamageError):
        list(iter(lambda: file.read(100_000), b""))


# -- parts --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end"),
    [(None, None), (0, 10), (5, None), (None, 7), (-10, None), (-10, -3),
     (1_000_000, 1_000_001), (700_000, 2_200_000), (5, 5), (9, 3),
     (2_999_999, 4_000_000), (4_000_000, None), (0, 0)],
)  # fmt: skip
def test_a_part_of_a_file_is_that_slice_of_it(ana, start, end):
    data = os.urandom(3_000_000)
    ana.write("large.bin", data)
    ana.sync()

    assert cas().cat_file("large.bin", start, end) == data[start:end]


@pytest.mark.parametrize("size", [0, 1, 64 << 10, 3_000_000])
def test_files_of_all_sizes_are_read_whole_by_lines_and_backwards(ana, size):
    data = (os.urandom(size // 2).hex() + "\n").encode()[:size]
    ana.write("any.bin", data)
    ana.sync()
    fs = cas()

    with fs.open("any.bin") as file:
        assert b"".join(file) == data
        assert (file.seek(0), file.read(), file.read(), file.tell()) == (0, data, b"", size)
        for at in range(size, 0, -max(1, size // 7)):
            file.seek(at - 1)
            assert file.read(5) == data[at - 1 : at + 4]
    assert fs.tail("any.bin", 10) == data[-10:]
    assert fs.head("any.bin", 10) == data[:10]
    target = ana.home / "got"
    fs.get("any.bin", str(target))
    assert target.read_bytes() == data


def test_reading_straight_on_takes_few_requests(ana):
    data = os.urandom(20 << 20)
    ana.write("large.bin", data)
    ana.sync()
    fs = cas()
    before = fs.tree.traffic()

    with fs.open("large.bin") as file:
        assert b"".join(iter(lambda: file.read(65536), b"")) == data

    after = fs.tree.traffic()
    assert sum(after.requests.values()) - sum(before.requests.values()) < 20
    assert after.bytes_down - before.bytes_down < 1.25 * len(data)


def test_a_look_at_one_file_of_many_reads_a_few_pages(folder, monkeypatch):
    ana = folder.person("ana")
    many = {f"many/{i:05}.txt": b"%d" % i for i in range(12_000)}
    publish(ana, [{**many, "few/a.txt": b"a", "zoo/b.txt": b"b"}])
    monkeypatch.chdir(ana.project)
    costs = {}
    for call, path in (
        ("info", "many/07000.txt"), ("info", "many"), ("ls", "few"), ("ls", ""),
        ("cat_file", "many/07000.txt"), ("exists", "many/7000.txt"),
    ):  # fmt: skip
        monkeypatch.setenv("CAS_SYNC_CACHE_DIR", str(folder.root / f"cold-{call}-{path}"))
        fs = cas(store=folder.url)
        getattr(fs, call)(path)
        costs[call, path] = sum(fs.tree.traffic().requests.values())

    assert costs["info", "many/07000.txt"] == 3  # the head, a page a level
    assert costs["cat_file", "many/07000.txt"] <= 6
    assert max(costs.values()) <= 9, costs


def test_a_file_is_asked_for_again_and_again_for_nothing(ana):
    fs = cas()
    fs.find("")
    before = fs.tree.traffic()

    with Opened() as opened:
        for _ in range(20):
            fs.info("raw/deep/er/z.csv")
            fs.exists("raw/users.csv")

    assert fs.tree.traffic() == before
    assert opened.paths == []


# -- threads and processes ----------------------------------------------------------------


@pytest.mark.parametrize("large_index", [False, True])
def test_threads_share_one_connection(ana, large_index, monkeypatch, folder):
    files = {f"many/{i}.bin": os.urandom(1000 * i) for i in range(60)}
    for path, data in files.items():
        ana.write(path, data)
    ana.sync()
    if large_index:  # of which single entries are looked up
        monkeypatch.setattr("cas_sync.store.sparse_index.SMALL", 0)
        monkeypatch.setenv("CAS_SYNC_CACHE_DIR", str(folder.root / "cold"))
    before = set(threading.enumerate())
    fs = cas()

    def read(path):
        with fs.open(path) as file:
            return file.read()

    with ThreadPoolExecutor(8) as pool:
        found = dict(zip(files, pool.map(read, files), strict=True))

    assert found == files
    begun = set(threading.enumerate()) - before
    assert len([thread for thread in begun if thread.name.startswith("store")]) <= 8


def test_what_nobody_holds_any_more_is_closed(ana, monkeypatch):
    closed = []

    class Noting(Connection):
        def close(self):
            super().close()
            closed.append(self)

    monkeypatch.setattr("cas_sync.api.tree_reader.Connection", Noting)
    before = set(threading.enumerate())
    fs = cas(skip_instance_cache=True)
    fs.cat("readme.txt")
    assert set(threading.enumerate()) - before

    del fs
    gc.collect()

    assert not set(threading.enumerate()) - before
    assert len(closed) == 1


FORKED = """
import os, sys, fsspec, threading, warnings
warnings.simplefilter("ignore")
fs = fsspec.filesystem("cas")
assert fs.cat("readme.txt") == b"second"
held, done = threading.Event(), threading.Event()

def read_something():
    with fs.tree._lock:
        held.set()
        done.wait()

threading.Thread(target=read_something).start()
held.wait()
child = os.fork()
if not child:
    os._exit(fs.cat("@~1@readme.txt") != b"first")
done.set()
_, status = os.waitpid(child, 0)
assert fs.cat("@~1@readme.txt") == b"first"
sys.exit(status)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="has no fork")
def test_a_process_that_was_forked_reads_by_itself(ana):
    ran = subprocess.run(
        [sys.executable, "-c", FORKED], env=ana.env, cwd=ana.project, timeout=60, check=False,
        capture_output=True, text=True,
    )  # fmt: skip

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
