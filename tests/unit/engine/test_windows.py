"""Files are read by few and large requests, ahead of who writes them; damage stays theirs."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from cas_sync.engine import windows
from cas_sync.engine.wanted import Wanted, in_windows
from cas_sync.engine.windows import WINDOW_BYTES, WindowReader, made_ahead
from cas_sync.errors import DamageError
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Kind
from cas_sync.model.tree import Content, Entry, Mode
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.local_contents import Repeats
from tests.support.samples import noise
from tests.support.stored import CHUNK, StoredFiles


@pytest.fixture
def store(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        yield StoredFiles(tmp_path, pool)


def read(reader, content, window, old=None):
    return b"".join(
        bytes(block) for blocks in reader.blocks(content, window, old) for block in blocks
    )


# -- items made ahead ----------------------------------------------------------------------


def test_items_come_in_order_each_with_what_was_made_of_it():
    assert list(made_ahead(range(50), lambda n: n * n, 4, "test")) == [
        (n, n * n) for n in range(50)
    ]


def test_no_more_is_made_than_was_allowed():
    taken = []
    items = (taken.append(n) or n for n in range(50))

    with closing(made_ahead(items, str, 3, "test")) as made:
        for n in range(10):
            next(made)
            assert len(taken) <= n + 3


def test_what_was_not_begun_when_one_stops_is_never_made():
    first, go, made = threading.Event(), threading.Event(), []

    def make(n):
        if n == 0:
            return n
        first.set()
        go.wait(10)
        made.append(n)
        return n

    with closing(made_ahead(range(100), make, 5, "test")) as ahead:
        next(ahead)
        first.wait(10)
        go.set()

    assert len(made) <= 4


def test_what_goes_wrong_is_told_in_its_turn():
    def make(n):
        if n == 2:
            raise DamageError("two")
        return n

    seen = []
    with pytest.raises(DamageError, match="two"):
        seen.extend(n for n, _ in made_ahead(range(9), make, 4, "test"))
    assert seen == [0, 1]


# -- windows -------------------------------------------------------------------------------


def test_small_files_come_by_one_request(store):
    contents = [store.add(noise(f"{i}", 1000)) for i in range(300)]
    reader = WindowReader(store.reader())
    before = store.n_requests

    window = reader.fetch(contents)

    assert store.n_requests == before + 1
    for i, content in enumerate(contents):
        assert bytes(window.whole(content)) == noise(f"{i}", 1000)


@pytest.mark.parametrize("lists", [False, True])
def test_a_file_of_several_chunks_is_no_chunk(store, lists):
    data = noise("large", 5 * CHUNK + 1)
    content = store.add(data, lists=lists)
    reader = WindowReader(store.reader())

    window = reader.fetch([content])

    assert window.whole(content) is None
    assert read(reader, content, window) == data


@pytest.mark.parametrize("lists", [False, True])
def test_a_file_larger_than_a_window_is_read_in_bounded_parts(store, lists):
    data = noise("large", WINDOW_BYTES + 5 * CHUNK + 1)
    content = store.add(data, lists=lists)
    reader = WindowReader(store.reader())

    window = reader.fetch([content])

    assert not window.data
    parts = [sum(map(len, blocks)) for blocks in reader.blocks(content, window)]
    assert max(parts) <= windows.MAX_RANGE
    assert read(reader, content, window) == data


def test_a_damaged_object_fails_the_files_that_need_it_and_no_other(store):
    small = [store.add(noise(f"{i}", 1000)) for i in range(20)]
    large = [store.add(noise(f"large {i}", 3 * CHUNK)) for i in range(3)]
    gone = Content(ObjectId.of(b"nowhere"), 7, Mode.FILE)
    objects = store.reader()
    store.damage(objects, small[4].id)
    store.damage(objects, ObjectId.of(noise("large 1", 3 * CHUNK)[CHUNK : 2 * CHUNK]))
    store.damage(objects, large[2].id, Kind.FILE)
    reader = WindowReader(objects)

    window = reader.fetch([*small, *large, gone])

    for i, content in enumerate(small):
        if i != 4:
            assert read(reader, content, window) == noise(f"{i}", 1000)
    assert read(reader, large[0], window) == noise("large 0", 3 * CHUNK)
    for content in (small[4], large[1], large[2], gone):
        assert window.whole(content) is None
        with pytest.raises(DamageError):
            read(reader, content, window)


def test_a_damaged_chunk_of_a_large_file_is_told(store):
    data = noise("large", WINDOW_BYTES + CHUNK)
    content = store.add(data)
    objects = store.reader()
    store.damage(objects, ObjectId.of(data[7 * CHUNK : 8 * CHUNK]))
    reader = WindowReader(objects)

    with pytest.raises(DamageError):
        read(reader, content, reader.fetch([content]))


# -- which files go together ---------------------------------------------------------------


def wanted(n, content):
    return Wanted(f"f{n:05d}", f"f{n:05d}", Entry(f"f{n:05d}", content, "", ""), None, False)


def groups_of(store, contents, tmp_path):
    with Folder(str(tmp_path)) as folder:
        files = (wanted(n, content) for n, content in enumerate(contents))
        return list(in_windows(files, store.reader().locate_all, Repeats(folder)))


def test_a_group_ends_where_a_pack_does(store, tmp_path):
    contents = [store.add(noise(f"{i}", CHUNK)) for i in range(300)]

    groups = groups_of(store, contents, tmp_path)

    assert [each.entry.content for group in groups for each in group.files] == contents
    packs = [{where.pack for where in group.places.values()} for group in groups]
    assert [len(each) for each in packs] == [1, 1, 1, 1]
    assert len(set.union(*packs)) == 4


def test_packs_that_are_mixed_make_no_small_groups(store, tmp_path):
    contents = [store.add(noise(f"{i}", CHUNK)) for i in range(300)]
    mixed = [contents[i * 83 % 300] for i in range(300)]

    groups = groups_of(store, mixed, tmp_path)

    assert [each.entry.content for group in groups for each in group.files] == mixed
    sizes = [sum(each.entry.content.size for each in group.files) for group in groups]
    assert min(sizes[:-1]) >= WINDOW_BYTES // 4
    assert max(sizes) <= WINDOW_BYTES


def test_many_tiny_files_are_bounded_in_number(store, tmp_path, monkeypatch):
    monkeypatch.setattr("cas_sync.engine.wanted.WINDOW_FILES", 10)
    contents = [store.add(b"%d" % i) for i in range(35)]

    groups = groups_of(store, contents, tmp_path)

    assert [len(group.files) for group in groups] == [10, 10, 10, 5]


def test_what_an_earlier_group_had_is_known_and_takes_no_room(store, tmp_path):
    large = [store.add(noise(f"{i}", 6_000_000)) for i in range(4)]

    groups = groups_of(store, [*large, *large], tmp_path)

    assert len(groups) == 2
    last = groups[-1]
    assert last.again == {content.id for content in large[:2]}
    assert len(last.files) == 6
