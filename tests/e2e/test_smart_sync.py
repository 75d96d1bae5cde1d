"""s3synchrony's calls: its keywords, its platforms, its reset; nothing asked, nothing lost."""

import hashlib
import os
from pathlib import Path

import blake3
import pytest

import cas_sync
from cas_sync import DataPlatformConnection
from cas_sync.store.bucket import StoreAddress
from cas_sync.store.folder import FolderBucket
from tests.support.people import Person, tree, write

SHELF = '''
from cas_sync import DataPlatformConnection
from cas_sync.store.folder import FolderBucket


class Shelf(DataPlatformConnection):
    """Stores below the folder that SHELF_ROOT names."""

    name = "Shelf"
    schemes = ("shelf",)
    root = {root!r}

    @classmethod
    def open_bucket(cls, address):
        return FolderBucket(cls.root + "/" + address.url.partition("://")[2], url=address.url)
'''


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder that the process is in."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """Install a package that brings a platform, and one that is broken."""
    site = tmp_path / "site"
    for name, text, entry in (
        ("shelf", SHELF.format(root=str(tmp_path / "shelves")), "Shelf = shelf:Shelf"),
        ("broken", "raise OSError('no such library')", "Broken = broken:Broken"),
    ):
        info = site / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (site / f"{name}.py").write_text(text)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[cas_sync.platforms]\n{entry}\n")
    monkeypatch.syspath_prepend(str(site))
    return site


def smart(store, data="Data", **kwargs):
    return cas_sync.smart_sync(
        platform="local", aws_prfx=store, datafolder=data, _name="ana", **kwargs
    )


# -- syncing ------------------------------------------------------------------------------


@pytest.mark.s3
def test_the_call_of_the_seed_syncs_with_a_bucket(here, s3_prefix, monkeypatch):
    """Bucket, prefix, folder and credentials as keywords; no file, no printing, no asking."""
    server = s3_prefix.server
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    same = {
        "platform": "S3",
        "aws_bkt": s3_prefix.bucket,
        "aws_prfx": s3_prefix.prefix + "/",
        "credentials": {
            "aws_access_key_id": server.access_key,
            "aws_secret_access_key": server.secret_key,
        },
    }
    write(here / "ana", "a.csv", "first")

    done = cas_sync.smart_sync(datafolder="ana", _name="ana", **same)

    assert (done.uploaded, done.exit_code) == (1, 0)
    assert cas_sync.smart_sync(datafolder="bo", **same).downloaded == 1
    assert tree(here / "ana") == tree(here / "bo")
    assert sorted(os.listdir(here)) == ["ana", "bo"]
    secret = server.secret_key.encode()
    written = [p for p in here.parent.rglob("*") if p.is_file() and "weed" not in str(p)]
    assert not [path for path in written if secret in path.read_bytes()]
    told = cas_sync.reset_confirm(datafolder="bo", **same)
    assert (told.n_commits, told.removed) == (1, False)
    assert cas_sync.reset_all(datafolder="bo", confirm=True, **same).removed
    with pytest.raises(cas_sync.RepositoryResetError):
        cas_sync.smart_sync(datafolder="ana", **same)


def test_conflicts_are_left_alone_and_guards_hold(here):
    write(here / "ana", "a.csv", "first")
    for i in range(20):
        write(here / "ana", f"{i}.txt", str(i))
    smart("store", "ana")
    smart("store", "bo")
    write(here / "ana", "a.csv", "by Ana")
    smart("store", "ana")
    write(here / "bo", "a.csv", "by Bo, longer")

    done = smart("store", "bo")

    assert (done.conflicts, done.exit_code) == (("a.csv",), 3)
    assert (here / "bo" / "a.csv").read_bytes() == b"by Bo, longer"
    assert smart("store", "bo", on_conflict="keep-both").conflicts == ()
    for i in range(20):
        (here / "bo" / f"{i}.txt").unlink()
    with pytest.raises(cas_sync.GuardError):
        smart("store", "bo")


def test_whoever_wants_questions_gets_them(here):
    write(here / "Data", "a.csv", "1")
    write(here / "Data", "b.txt", "1")
    shown = []

    assert smart("store", ask=lambda plan: bool(shown.append(plan))).refused
    assert [item.path for item in shown[0]] == ["a.csv", "b.txt"]
    assert smart("store", ask=lambda _: ["*.csv"]).uploaded == 1


def test_paths_are_meant_from_the_folder_one_is_in(here):
    """Also where a folder above has a configuration of its own."""
    (here / "cas-sync.json").write_text('{"store": "elsewhere", "data": "Other"}')
    (here / "nb").mkdir()
    os.chdir(here / "nb")
    write(here / "nb" / "Data", "a.csv", "1")

    smart("../store")

    assert (here / "store" / ".S3" / "head").exists()
    assert not (here / "elsewhere").exists()
    assert not (here / "Other").exists()


@pytest.mark.parametrize("name", ["cas-sync.json", "s3synchrony.json"])
def test_run_syncs_the_project_of_the_current_folder(here, name):
    text = {
        "cas-sync.json": '{"store": "../store"}',
        "s3synchrony.json": '{"platform": "local", "remote_data_dir": "../store"}',
    }
    (here / name).write_text(text[name])
    write(here / "Data", "a.csv", "1")

    done = cas_sync.run(user="ana", message="by run")

    assert done.uploaded == 1
    assert [(e.author, e.message) for e in cas_sync.Project.open().log()] == [("ana", "by run")]
    with pytest.raises(cas_sync.UsageError, match="no argument 'usr'"):
        cas_sync.run(usr="ana")


def test_without_a_store_the_error_says_so(here):
    with pytest.raises(cas_sync.NotAProjectError):
        cas_sync.run()
    with pytest.raises(cas_sync.NotAProjectError):
        cas_sync.smart_sync(datafolder="Data")
    assert os.listdir(here) == []


def test_a_keyword_that_does_not_exist_is_refused(here):
    with pytest.raises(cas_sync.UsageError, match='did you mean "aws_bkt"'):
        cas_sync.smart_sync(aws_bucket="team-data")


def test_messages_are_told_and_not_printed(here, capsys):
    write(here / "Data", "a.csv", "1")
    told = []

    smart("store", tell=told.append)

    assert "local" in told[0]
    assert told[-1] == "Done."
    assert capsys.readouterr() == ("", "")


# -- reset --------------------------------------------------------------------------------


def test_a_reset_has_to_be_confirmed_and_leaves_the_files(here):
    write(here / "Data", "a.csv", "1")
    smart("store")
    write(here / "store", "mine.txt", "not ours")
    same = {"platform": "LOCAL", "aws_prfx": "store", "datafolder": "Data"}

    with pytest.raises(cas_sync.UsageError) as caught:
        cas_sync.reset_all(**same)
    assert "confirm=True" in caught.value.fix
    assert cas_sync.reset_confirm(**same).n_commits == 1
    shown = []
    assert not cas_sync.reset_all(ask=shown.append, **same).removed
    assert shown[0].n_commits == 1
    assert (here / "store" / ".S3" / "head").exists()

    done = cas_sync.reset_all(confirm=True, **same)

    assert (done.removed, done.n_commits, done.local, done.remote) == (True, 1, True, True)
    assert tree(here / "Data") == {"a.csv": (b"1", False)}
    assert not (here / "Data" / ".S3").exists()
    assert os.listdir(here / "store") == ["mine.txt"]


def test_a_reset_that_would_lose_files_stops(here):
    write(here / "Data", "a.csv", "1")
    smart("store")
    (here / "Data" / "a.csv").unlink()
    same = {"platform": "local", "aws_prfx": "store"}

    with pytest.raises(cas_sync.GuardError):
        cas_sync.reset_all(confirm=True, **same)
    assert (here / "Data" / ".S3").exists()
    assert cas_sync.reset_all(confirm=True, even_if_incomplete=True, **same).removed


# -- platforms ----------------------------------------------------------------------------


def test_platforms_are_named_and_found_whatever_the_case(here):
    assert cas_sync.get_supported_platforms()[:2] == ["S3", "local"]
    write(here / "Data", "a.csv", "1")
    assert cas_sync.smart_sync("LoCaL", aws_prfx="store").uploaded == 1

    for wrong in ("S4", "gcs", ""):
        with pytest.raises(cas_sync.UsageError) as caught:
            cas_sync.smart_sync(wrong)
        assert "S3, local" in caught.value.cause


def test_another_package_adds_a_platform(here, shelf, tmp_path):
    assert cas_sync.get_supported_platforms() == ["S3", "local", "Broken", "Shelf"]
    write(here / "Data", "a.csv", "1")

    assert cas_sync.smart_sync("shelf", aws_bkt="top", aws_prfx="churn").uploaded == 1

    assert (tmp_path / "shelves/top/churn/.S3/head").exists()
    again = cas_sync.smart_sync("Shelf", store="shelf://top/churn", datafolder="Again")
    assert again.downloaded == 1


def test_a_platform_serves_the_command_line_too(here, shelf, tmp_path):
    ana = Person(tmp_path / "ana", "ana", "shelf://top/churn", {"PYTHONPATH": str(shelf)})
    ana.write("a.csv", "1")

    ana.process("sync", "--yes", "--store", "shelf://top/churn")

    assert (tmp_path / "shelves/top/churn/.S3/head").exists()
    said = ana.process("log", "--store", "nowhere://x", exit=5).stderr
    assert "Broken could not be loaded: no such library" in said


def test_a_platform_that_cannot_be_loaded_is_told(here, shelf):
    with pytest.raises(cas_sync.ConfigError, match="Broken cannot be loaded") as caught:
        cas_sync.smart_sync("broken")
    assert "no such library" in caught.value.cause


def test_a_child_may_override_synchronize_alone(here):
    class Mine(DataPlatformConnection):
        def synchronize(self):
            Path("done").write_text(self.kwargs["where"])

    done = cas_sync.smart_sync(Mine, where="anywhere")

    assert done == cas_sync.SyncResult()
    assert Path("done").read_text() == "anywhere"


@pytest.mark.parametrize("what", [True, "done", 3, []])
def test_what_else_a_child_returns_is_returned(here, what):
    class Odd(DataPlatformConnection):
        def synchronize(self):
            return what

    said = []
    assert cas_sync.smart_sync(Odd, tell=said.append) == what
    assert said[-1] == "Done."


def test_a_child_may_bring_credentials_when_it_connects(here):
    seen = []

    class Vault(DataPlatformConnection):
        schemes = ("vault",)

        def establish_connection(self):
            keys = {"aws_access_key_id": "from the vault", "aws_secret_access_key": "secret"}
            self.kwargs["credentials"] = keys

        @classmethod
        def open_bucket(cls, address):
            seen.append((address.url, address.credentials.access_key_id))
            return FolderBucket(str(here / "store"), url=address.url)

    write(here / "Data", "a.csv", "1")

    assert cas_sync.smart_sync(Vault, aws_bkt="b", aws_prfx="p").uploaded == 1
    assert set(seen) == {("vault://b/p", "from the vault")}


def test_a_child_may_ask_before_a_reset(here):
    answers = []

    class Asking(DataPlatformConnection):
        def reset_confirm(self):
            told = super().reset_confirm()
            return told if answers.pop() == "y" else False

    write(here / "Data", "a.csv", "1")
    smart("store")
    same = {"platform": Asking, "store": "store", "datafolder": "Data"}

    answers.append("n")
    assert not cas_sync.reset_all(confirm=True, **same).removed
    assert (here / "Data" / ".S3").exists()
    answers.append("y")
    assert cas_sync.reset_all(confirm=True, **same).removed
    assert not (here / "Data" / ".S3").exists()


def test_a_reset_that_nobody_approved_removes_nothing(here):
    write(here / "Data", "a.csv", "1")
    smart("store")
    connection = cas_sync.DataPlatformConnection(store="store", datafolder="Data")

    for remove in (connection.reset_remote, connection.reset_local):
        with pytest.raises(cas_sync.UsageError, match="not approved"):
            remove()
    assert (here / "Data" / ".S3").exists()
    assert (here / "store" / ".S3" / "head").exists()


def test_the_steps_of_a_child_come_in_the_order_of_the_seed(here):
    steps = []

    class Steps(DataPlatformConnection):
        def __init__(self, **kwargs):
            """Keep nothing, as a child that does not know ours."""

    def step(name):
        return lambda self: steps.append(name) or name

    names = ("intro_message", "establish_connection", "synchronize", "reset_confirm",
             "reset_remote", "reset_local", "close_message")  # fmt: skip
    for name in names:
        setattr(Steps, name, step(name))
    Steps.synchronize = lambda self: steps.append("synchronize")

    cas_sync.smart_sync(Steps, any_keyword=1)
    assert steps == ["intro_message", "establish_connection", "synchronize", "close_message"]
    steps.clear()
    Steps.reset_remote = Steps.reset_local = lambda self: steps.append("removed")
    cas_sync.reset_all(Steps, confirm=True)
    assert steps == ["intro_message", "establish_connection", "reset_confirm", "removed",
                     "removed", "close_message"]  # fmt: skip


def test_the_helpers_of_the_seed_still_work(here):
    connection = DataPlatformConnection()
    write(here, "a.csv", "first")

    assert connection._hash("a.csv") == blake3.blake3(b"first").hexdigest()
    assert connection._hash("a.csv") != hashlib.md5(b"first").hexdigest()
    assert connection._get_randomized_dirname() != connection._get_randomized_dirname()


def test_a_platform_without_stores_says_so():
    with pytest.raises(cas_sync.ConfigError, match="cannot open"):
        DataPlatformConnection.open_bucket(StoreAddress("shelf://nowhere"))
