"""An old file that lies here serves the chunks it still has, and nothing else."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from cas_sync.engine.old_chunks import WORTH_BYTES, OldFile, may_serve
from cas_sync.engine.windows import WindowReader
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Kind
from cas_sync.model.tree import Content, Mode
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.index import LocalRow
from tests.support.samples import noise
from tests.support.stored import CHUNK, StoredFiles

SIZE = 100 * CHUNK


@pytest.fixture
def store(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        yield StoredFiles(tmp_path, pool)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data").mkdir()
    with Folder(str(tmp_path / "data")) as opened:
        yield opened


def row_of(data):
    return LocalRow("f", Content(ObjectId.of(data), len(data), Mode.FILE), 0, 0, 0)


def put(folder, data):
    with open(folder.real_path("f"), "wb") as file:
        file.write(data)


def edited(data):
    """Return a file of the same chunks but for one that changed and one that came."""
    chunks = [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]
    chunks[30] = noise("changed", CHUNK)
    chunks.insert(60, noise("came", CHUNK))
    return b"".join(chunks)


def fetch(store, objects, content, old):
    """Read a file with the help of an old one; return its bytes and what was received."""
    reader = WindowReader(objects)
    before = store.bucket.meter.bytes_down
    window = reader.fetch([content], apart={content.id})
    blocks = [bytes(b) for some in reader.blocks(content, window, old) for b in some]
    return b"".join(blocks), store.bucket.meter.bytes_down - before


@pytest.mark.parametrize("lists", [(False, False), (True, True), (True, False), (False, True)])
def test_only_chunks_that_the_old_file_lacks_are_read(store, folder, lists):
    data = noise("old", SIZE)
    new = edited(data)
    store.add(data, lists=lists[0])
    content = store.add(new, lists=lists[1])
    put(folder, data)

    with OldFile(folder, row_of(data)) as old:
        got, received = fetch(store, store.reader(), content, old)

    assert got == new
    # What lies between two that are near each other is read along; lists are small.
    assert received < 3 * CHUNK


@pytest.mark.parametrize("how", ["edited", "cut short", "emptied", "moved"])
def test_what_the_old_file_does_not_hold_any_more_comes_from_the_store(store, folder, how):
    data = noise("old", SIZE)
    new = edited(data)
    store.add(data)
    content = store.add(new)
    changed = {
        "edited": data[: 10 * CHUNK] + noise("mine", CHUNK) + data[11 * CHUNK :],
        "cut short": data[: SIZE // 2 + 7],
        "emptied": b"",
        "moved": b"!" + data,
    }
    put(folder, changed[how])

    with OldFile(folder, row_of(data)) as old:
        got, _ = fetch(store, store.reader(), content, old)

    assert got == new


def test_an_old_file_that_was_never_published_serves_nothing(store, folder):
    data = noise("old", SIZE)
    new = edited(data)
    content = store.add(new)
    put(folder, data)

    with OldFile(folder, row_of(data)) as old:
        got, received = fetch(store, store.reader(), content, old)

    assert got == new
    assert received > SIZE


def test_a_damaged_list_of_the_old_file_costs_only_its_help(store, folder):
    data = noise("old", SIZE)
    new = edited(data)
    before = store.add(data)
    content = store.add(new)
    objects = store.reader()
    store.damage(objects, before.id, Kind.FILE)
    put(folder, data)

    with OldFile(folder, row_of(data)) as old:
        got, _ = fetch(store, objects, content, old)

    assert got == new


@pytest.mark.skipif(os.name == "nt", reason="needs links")
def test_a_link_is_not_followed(folder, tmp_path):
    (tmp_path / "secret").write_bytes(b"x" * SIZE)
    os.symlink(tmp_path / "secret", folder.real_path("f"))

    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        OldFile(folder, row_of(b"x" * SIZE))


def test_small_files_and_links_are_not_looked_at():
    large = Content(ObjectId.of(b"l"), WORTH_BYTES, Mode.FILE)
    small = large._replace(size=WORTH_BYTES - 1)
    link = large._replace(mode=Mode.LINK)

    def row(content):
        return LocalRow("f", content, 0, 0, 0)

    assert may_serve(row(large), large)
    assert not may_serve(None, large)
    assert not may_serve(row(small), large)
    assert not may_serve(row(large), small)
    assert not may_serve(row(link), large)
    assert not may_serve(row(large), link)
