"""What is on this machine already is not downloaded: renames, copies, what was kept."""

import os
import sys

import pytest

from cas_sync.engine.restore import RestoreOptions, run_restore
from cas_sync.engine.surroundings import Surroundings
from cas_sync.engine.sync import run_sync
from cas_sync.engine.sync_report import SyncOptions
from cas_sync.plan import survey
from cas_sync.progress import Silent
from tests.support.engine import Agreeing
from tests.support.people import settings_of, tree

MIB = 1 << 20
LITTLE = 100_000
"""Bytes of pages, commits and the index that a sync may receive."""


def noise(n, seed):
    """Return bytes that no compressor makes smaller, the same each time."""
    import blake3

    return blake3.blake3(str(seed).encode()).digest(length=n)


@pytest.fixture
def team(folder):
    """Return two people with the same large files."""
    ana, ben = folder.team("ana", "ben")
    for i in range(3):
        ana.write(f"raw/{i}.bin", noise(2 * MIB, i))
    for i in range(30):
        ana.write(f"small/{i:02d}.txt", noise(100, f"small {i}"))
    ana.sync()
    ben.sync()
    return ana, ben


def rename(person, old, new):
    target = person.data / new
    target.parent.mkdir(parents=True, exist_ok=True)
    (person.data / old).rename(target)


def test_a_rename_downloads_no_content(place):
    ana, ben = place.team("ana", "ben")
    for i in range(3):
        ana.write(f"raw/{i}.bin", noise(2 * MIB, i))
    ana.sync()
    ben.sync()
    for i in range(3):
        rename(ana, f"raw/{i}.bin", f"clean/deep/{i}.bin")
    ana.sync()

    said = ben.sync()

    assert (said["downloaded"], said["deleted_local"]) == (3, 3)
    assert said["bytes_down"] < LITTLE
    assert tree(ben.data) == tree(ana.data)
    assert ben.sync()["downloaded"] == 0


def test_a_long_plan_is_looked_through_as_a_short_one(team, monkeypatch):
    ana, ben = team
    rename(ana, "raw", "a/new/place")
    rename(ana, "small", "z")
    monkeypatch.setattr(survey, "KEPT", 2)
    ana.sync("--allow-mass-delete")

    said = ben.sync("--allow-mass-delete")

    assert said["downloaded"] == said["deleted_local"] == 33
    assert said["bytes_down"] < LITTLE
    assert tree(ben.data) == tree(ana.data)


@pytest.mark.parametrize("to", ["a", "z"])
def test_a_few_small_files_renamed_are_found_without_looking_everywhere(team, to):
    ana, ben = team
    rename(ana, "small", to)
    ana.sync()

    said = ben.sync()

    assert said["downloaded"] == 30
    assert said["bytes_down"] < 20_000
    assert tree(ben.data) == tree(ana.data)


def test_copies_of_what_is_here_are_not_downloaded(team):
    ana, ben = team
    for i in range(3):
        ana.write(f"copy/{i}.bin", ana.read(f"raw/{i}.bin"))
    ana.sync()

    said = ben.sync()

    assert (said["downloaded"], said["deleted_local"]) == (3, 0)
    assert said["bytes_down"] < LITTLE
    assert tree(ben.data) == tree(ana.data)


@pytest.mark.parametrize("size", [5 * MIB, 40 * MIB])
def test_of_an_edited_large_file_only_what_changed_is_downloaded(place, size):
    ana, ben = place.team("ana", "ben")
    data = noise(size, 1)
    ana.write("large.bin", data)
    ana.sync()
    ben.sync()
    new = data[: size // 3] + b"a line more\n" + data[size // 3 : -1000] + noise(1000, "end")
    ana.write("large.bin", new)
    ana.sync()

    said = ben.sync()

    assert said["downloaded"] == 1
    assert said["bytes_down"] < 2 * MIB
    assert ben.read("large.bin") == new
    assert ben.sync()["published"] is False


def test_copies_are_downloaded_once_by_a_clone(folder):
    ana, ben = folder.team("ana", "ben")
    for i in range(6):
        ana.write(f"copy/{i}.bin", noise(5 * MIB, "same"))
        ana.write(f"other/{i}.bin", noise(3 * MIB, i))
    ana.sync()

    said = ben.sync()

    assert said["downloaded"] == 12
    assert said["bytes_down"] < 5 * MIB + 6 * 3 * MIB + LITTLE
    assert tree(ben.data) == tree(ana.data)


def test_two_files_that_change_names_serve_each_other(team):
    ana, ben = team
    rename(ana, "raw/0.bin", "x")
    rename(ana, "raw/1.bin", "raw/0.bin")
    rename(ana, "x", "raw/1.bin")
    ana.sync()

    said = ben.sync()

    assert said["downloaded"] == 2
    assert said["bytes_down"] < LITTLE
    assert tree(ben.data) == tree(ana.data)


def test_what_a_window_replaces_serves_the_windows_after_it(folder):
    """Rotated files of 5 MiB: more than a window holds, each wanted under the next name."""
    ana, ben = folder.team("ana", "ben")
    for i in range(8):
        ana.write(f"log.{i}", noise(5 * MIB, i))
    ana.sync()
    ben.sync()
    for i in reversed(range(8)):
        rename(ana, f"log.{i}", f"log.{i + 1}")
    ana.write("log.0", noise(MIB, "new"))
    ana.sync()

    said = ben.sync()

    assert said["downloaded"] == 9
    assert said["bytes_down"] < MIB + LITTLE
    assert tree(ben.data) == tree(ana.data)
    # What was kept only to be copied from is gone: the history has it.
    assert ben.kept() == set()
    assert os.listdir(ben.state / "deleted") == []


def test_what_a_sync_kept_serves_a_restore(team):
    ana, ben = team
    before = tree(ben.data)
    ana.delete(*(f"raw/{i}.bin" for i in range(3)))
    ana.sync()
    ben.sync()

    said = ben.run("restore", "--json", "raw", "--rev", "@~1").last

    assert (said["downloaded"], said["local"], said["bytes_local"]) == (3, 3, 6 * MIB)
    assert said["bytes_down"] < LITTLE
    assert tree(ben.data) == before


@pytest.mark.parametrize("spoil", ["edit", "resize", "remove", "list", "link"])
def test_a_kept_file_that_is_not_what_the_list_says_is_downloaded(team, spoil):
    ana, ben = team
    before = tree(ben.data)
    ana.delete("raw/0.bin", "raw/1.bin")
    ana.sync()
    ben.sync()
    (kept,) = (ben.state / "deleted").rglob("0.bin")
    if spoil == "edit":
        kept.write_bytes(b"\0" * 2 * MIB)
    elif spoil == "resize":
        kept.write_bytes(b"short")
    elif spoil == "remove":
        kept.unlink()
    elif spoil == "link":
        if sys.platform == "win32":
            pytest.skip("needs links")
        secret = ben.home / "0.bin"
        secret.write_bytes(kept.read_bytes())
        kept.unlink()
        kept.symlink_to(secret)
    else:
        path = ben.state / "deleted_remote.csv"
        text = path.read_text().replace(".S3/deleted/", "../../../", 1)
        path.write_bytes(b'"stray quote\r\n' + text.encode() + b"\xff,,,\n,,\n" + b"x" * MIB)

    said = ben.run("restore", "--json", "raw", "--rev", "@~1").last

    assert said["downloaded"] == 2
    assert said["local"] == 1
    assert tree(ben.data) == before


def test_what_was_fetched_before_is_not_downloaded_again(team):
    ana, _ = team
    data = ana.read("raw/0.bin")
    ana.delete("raw/0.bin")
    ana.sync()
    import cas_sync

    saved = dict(os.environ)
    os.environ.update(ana.env)
    try:
        fetched = cas_sync.Project.open(ana.project).fetch("raw/0.bin", rev="@~1")
    finally:
        os.environ.clear()
        os.environ.update(saved)
    assert fetched.read_bytes() == data

    said = ana.run("undelete", "--json", "raw/0.bin").last

    assert (said["downloaded"], said["local"]) == (1, 1)
    assert said["bytes_down"] < LITTLE
    assert ana.read("raw/0.bin") == data


def test_another_folder_is_written_from_what_is_here(team):
    ana, _ = team

    said = ana.run("restore", "--json", ".", "--to", str(ana.home / "then")).last

    assert said["downloaded"] == said["local"] == 33
    assert said["bytes_down"] < LITTLE
    assert tree(ana.home / "then") == tree(ana.data)
    assert "nothing downloaded" in ana.run(
        "restore", "raw", "--to", str(ana.home / "x")
    ).stdout  # fmt: skip


class Meddling(Silent):
    """Somebody who writes to files at the moment the download begins."""

    def __init__(self, meddle):
        self.meddle = meddle

    def phase(self, name, files, size):
        if name == "Download":
            self.meddle()


@pytest.mark.parametrize("how", ["edited", "grown", "removed"])
def test_a_source_that_is_changed_meanwhile_is_not_copied(team, how):
    ana, ben = team
    for i in range(3):
        ana.write(f"copy/{i}.bin", ana.read(f"raw/{i}.bin"))
    ana.sync()

    def meddle():
        path = ben.data / "raw/1.bin"
        if how == "removed":
            path.unlink()
        elif how == "grown":
            with path.open("ab") as file:
                file.write(b"more")
        else:
            path.write_bytes(noise(2 * MIB, "another"))

    report = run_sync(
        settings_of(ben),
        Surroundings(env=ben.env),
        SyncOptions(),
        Agreeing(),
        Meddling(meddle),
    )

    assert report.downloaded == 3
    assert 2 * MIB < report.bytes_down < 2 * MIB + LITTLE
    for i in range(3):
        assert ben.read(f"copy/{i}.bin") == noise(2 * MIB, i)
    assert ben.leftovers() == []


def test_a_copy_under_another_unicode_form_serves(folder):
    ana, ben = folder.team("ana", "ben")
    data = noise(5 * MIB, 1)
    ana.write("caf\u00e9.bin", data)
    ana.sync()
    ben.write("cafe\u0301.bin", data)  # as macOS writes it
    ben.sync()
    ana.write("copy.bin", data)
    ana.sync()

    said = ben.sync()

    assert said["downloaded"] == 1
    assert said["bytes_down"] < LITTLE
    assert ben.read("copy.bin") == data


def test_ctrl_c_between_copies_loses_nothing_and_the_same_command_goes_on(team):
    ana, ben = team
    before = tree(ben.data)
    ana.delete(*(f"small/{i:02d}.txt" for i in range(20)))
    ana.sync("--allow-mass-delete")
    ben.sync("--allow-mass-delete")

    class Interrupting(Silent):
        left = 7

        def advance(self, files, size):
            self.left -= files
            if self.left <= 0:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_restore(
            settings_of(ben),
            Surroundings(env=ben.env),
            RestoreOptions(("small",), "@~1"),
            lambda _: True,
            Interrupting(),
        )
    ben.run("restore", "small", "--rev", "@~1", "-y")

    assert tree(ben.data) == before
    assert ben.leftovers() == []


def test_a_first_clone_does_not_look_and_downloads_all(folder):
    ana, ben = folder.team("ana", "ben")
    ana.write("a.bin", noise(5 * MIB, 1))
    ana.sync()

    assert ben.sync()["bytes_down"] > 5 * MIB


def test_a_mode_that_teammates_change_leaves_other_names_of_the_file_alone(folder):
    ana, ben = folder.team("ana", "ben")
    ana.write("a.sh", "echo")
    ana.write("b.txt", "echo")
    ana.sync()
    ben.sync()
    ben.delete("b.txt")
    (ben.data / "b.txt").hardlink_to(ben.data / "a.sh")
    ben.sync()
    (ana.data / "a.sh").chmod(0o755)
    ana.sync()

    ben.sync()

    assert ben.sync()["published"] is False
    assert tree(ben.data) == {"a.sh": (b"echo", True), "b.txt": (b"echo", False)}
