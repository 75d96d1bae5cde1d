"""Contents are stored under the hash of what was read, whatever the scan believed."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from cas_sync.engine.contents import Contents
from cas_sync.formats import keys
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Kind
from cas_sync.model.params import ChunkParams
from cas_sync.model.tree import Content, Found, Mode
from cas_sync.plan.step import Act, Step
from cas_sync.progress import Silent
from cas_sync.store.cache import Cache
from cas_sync.store.index import IndexSet
from cas_sync.store.memory import MemoryBucket
from cas_sync.store.packs import PackUploader
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.index import LocalRow
from tests.support.samples import noise, oid

ONE_CHUNK, A_MIDDLING_CHUNK, MANY_CHUNKS = 1000, 40_000, 3_000_000


@pytest.fixture
def contents(tmp_path):
    (tmp_path / "Data").mkdir()
    numbers = count()
    bucket, cache = MemoryBucket(), Cache(tmp_path / "cache")
    with ThreadPoolExecutor(2) as pool, Folder(str(tmp_path / "Data")) as folder:
        known = IndexSet(bucket, cache, pool, ())
        uploader = PackUploader(
            bucket, cache, pool, known, lambda: keys.ulid(next(numbers), bytes(10))
        )
        yield Contents(None, folder, uploader, ChunkParams(), Silent())


def store(contents, tmp_path, size, claimed=None):
    """Store a file as if the scan had seen ``claimed`` in it; return its id."""
    path = tmp_path / "Data" / "f"
    path.write_bytes(noise("file", size))
    found = path.stat()
    content = Content(claimed or ObjectId.of(path.read_bytes()), size, Mode.FILE)
    row = LocalRow("f", content, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
    step = Step(Act.UPLOAD, "f", None, Found("f", content, 0), None)
    contents.store([step], [row])
    return content.id


def is_stored(contents, name):
    return contents.uploader.has(name, Kind.CHUNK) or contents.uploader.has(name, Kind.FILE)


@pytest.mark.parametrize("size", [ONE_CHUNK, A_MIDDLING_CHUNK, MANY_CHUNKS])
def test_a_file_is_stored_under_its_hash(contents, tmp_path, size):
    name = store(contents, tmp_path, size)

    assert contents.failed == {}
    assert is_stored(contents, name)


@pytest.mark.parametrize("size", [ONE_CHUNK, A_MIDDLING_CHUNK, MANY_CHUNKS])
def test_bytes_that_are_not_what_the_scan_saw_are_never_named_so(contents, tmp_path, size):
    wrong = store(contents, tmp_path, size, claimed=oid("what the scan saw"))

    assert contents.failed == {"f": "it changed while it was read"}
    assert not is_stored(contents, wrong)


def test_contents_are_stored_once_however_often_the_plan_is_made(contents, tmp_path):
    store(contents, tmp_path, MANY_CHUNKS)
    before = contents.uploader.bytes_new

    store(contents, tmp_path, MANY_CHUNKS)

    assert contents.uploader.bytes_new == before
