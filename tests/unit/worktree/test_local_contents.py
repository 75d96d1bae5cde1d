"""Contents that are wanted are found on this machine, and nothing is believed."""

import pytest

from cas_sync.model.ids import ObjectId
from cas_sync.model.tree import Content, Mode
from cas_sync.worktree import local_contents
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.index import LocalRow
from cas_sync.worktree.local_contents import LocalContents, Place, Repeats, pour


def content(data, mode=Mode.FILE):
    return Content(ObjectId.of(data), len(data), mode)


def row(path, data, mode=Mode.FILE):
    return LocalRow(path, content(data, mode), 0, 0, 0)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data").mkdir()
    with Folder(str(tmp_path / "data")) as opened:
        yield opened


def write(folder, path, data):
    name = folder.real_path(path)
    with open(name, "wb") as file:
        file.write(data)


def read(local, wanted):
    """Return what the likeliest place yields; `None` where it cannot be that."""
    got = bytearray()
    for place in local.places(wanted):
        if pour(place, wanted, got.extend):
            return bytes(got)
    return None


def test_what_is_in_the_index_and_wanted_is_found(folder):
    write(folder, "a", b"alpha")
    local = LocalContents([content(b"alpha"), content(b"beta")])
    local.look_in_index(folder, [row("a", b"alpha"), row("c", b"gamma")])

    assert local.has(content(b"alpha"))
    assert read(local, content(b"alpha")) == b"alpha"
    assert not local.has(content(b"beta"))
    assert local.places(content(b"gamma")) == []


def test_a_file_of_another_size_or_none_is_forgotten_and_the_next_place_serves(folder):
    write(folder, "a", b"longer")
    write(folder, "c", b"alpha")
    local = LocalContents([content(b"alpha")])
    local.look_in_index(folder, [row(name, b"alpha") for name in "abc"])

    assert local.has(content(b"alpha"))
    assert local.places(content(b"alpha")) == [Place(folder, "c")]


def test_empty_files_and_links_are_not_looked_for(folder):
    local = LocalContents([content(b""), content(b"target", Mode.LINK)])
    local.look_in_index(folder, [row("a", b""), row("b", b"target")])

    assert not local.has(content(b""))
    assert not local.has(content(b"target", Mode.LINK))


def test_so_many_contents_are_looked_for_and_no_more(folder, monkeypatch):
    monkeypatch.setattr(local_contents, "MOST", 2)
    local = LocalContents(content(data) for data in (b"1", b"2", b"3", b"1"))
    local.look_in_index(folder, [row(data.decode(), data) for data in (b"1", b"2", b"3")])

    assert [bool(local.places(content(data))) for data in (b"1", b"2", b"3")] == [
        True,
        True,
        False,
    ]


def test_it_is_known_how_many_files_still_want_a_content():
    wanted = content(b"alpha")
    local = LocalContents([wanted, wanted])

    local.wrote(wanted)
    assert local.is_left(wanted)
    local.wrote(wanted)
    assert not local.is_left(wanted)
    local.wrote(content(b"other"))
    assert not local.is_left(content(b"other"))


def test_the_places_of_one_content_are_bounded_and_the_newest_goes_first(folder):
    wanted = content(b"alpha")
    local = LocalContents([wanted] * 50)
    for i in range(50):
        local.came_to(Place(folder, str(i)), wanted)

    assert len(local.places(wanted)) < 10
    assert local.places(wanted)[0] == Place(folder, "49")


def test_the_cache_of_fetched_files_is_looked_through(folder):
    wanted, oid = content(b"alpha"), content(b"alpha").id.hex()
    folder.mkdirs(f"{oid[:2]}/{oid}")
    write(folder, f"{oid[:2]}/{oid}/any name.csv", b"alpha")
    folder.mkdirs(f"{oid[:2]}/{'0' * 64}")
    write(folder, "zz", b"a file where a folder is expected")
    local = LocalContents([wanted])
    local.look_in_cache(folder)

    assert read(local, wanted) == b"alpha"


def test_a_file_that_is_no_file_yields_nothing(folder):
    folder.mkdirs("alpha")

    assert not pour(Place(folder, "alpha"), content(b"alpha"), bytearray().extend)
    assert not pour(Place(folder, "nowhere/x"), content(b"alpha"), bytearray().extend)


def test_what_was_noted_is_found_where_it_lies_now(folder):
    repeats = Repeats(folder)
    repeats.note([content(b"alpha"), content(b""), content(b"target", Mode.LINK)])

    assert repeats.has(content(b"alpha"))
    assert not any(map(repeats.has, [content(b"beta"), content(b""), content(b"target")]))
    assert repeats.places(content(b"alpha")) == []

    repeats.lies_at("tmp", content(b"alpha"))
    repeats.lies_at("a", content(b"alpha"))
    repeats.note([content(b"alpha")])
    repeats.lies_at("b", content(b"beta"))

    assert repeats.places(content(b"alpha")) == [Place(folder, "a")]
    assert repeats.places(content(b"beta")) == []


def test_only_so_many_are_noted(folder, monkeypatch):
    monkeypatch.setattr(local_contents, "MOST", 10)
    repeats = Repeats(folder)
    for i in range(30):
        repeats.note([content(b"%d" % i)])

    assert sum(repeats.has(content(b"%d" % i)) for i in range(30)) == 10
