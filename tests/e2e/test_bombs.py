"""A hostile store costs a bounded amount of memory: a process that has little reads it."""

import json
import subprocess
import sys

import pytest
import zstandard
from blake3 import blake3

from cas_sync.formats import keys, pieces
from cas_sync.formats.strict_json import canonical
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Codec, IndexRoot, Kind
from cas_sync.model.tree import Content, Mode
from cas_sync.store.bucket import Key
from tests.support import hostile, samples

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits as Linux has them")

LIMIT = 600 << 20
MANY = 64 << 20

_RUN = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({LIMIT}, {LIMIT}))
sys.argv = ["cas-sync", *sys.argv[1:]]
from cas_sync.cli.main import main
main()
"""


def squeezed(length: int) -> bytes:
    return zstandard.ZstdCompressor(level=3).compress(bytes(length))


def chunk_bomb():
    """Return a file of one chunk that unpacks to far more than it may."""
    body = squeezed(1 << 30)
    oid = ObjectId.of(b"bomb")
    big = (oid, Kind.CHUNK, Codec.ZSTD, body, 1 << 30)
    return hostile.store([hostile.row("a", Content(oid, 1 << 30, Mode.FILE))], objects=[big])


def chunks_longer_than_listed():
    """Return a file of which each chunk is longer than the list of its pieces says."""
    whole = bytes(16 << 20)
    oid = ObjectId(blake3(whole).digest())
    stored = squeezed(16 << 20)
    listed = [pieces.Piece(oid, 100)] * 900
    root = pieces.dump(pieces.Pieces(0, tuple(listed)))
    file = ObjectId.of(b"file")
    objects = [
        (oid, Kind.CHUNK, Codec.ZSTD, stored, len(whole)),
        (file, Kind.FILE, Codec.RAW, root, len(root)),
    ]
    content = Content(file, 90_000, Mode.FILE)
    return hostile.store([hostile.row("a", content)], objects=objects)


def crumbs():
    """Return a file of few bytes and a very long list of empty pieces."""
    listed = pieces.dump(pieces.Pieces(1, (pieces.Piece(samples.oid("x"), 0),) * 400_000))
    file = ObjectId.of(b"file")
    packed = zstandard.ZstdCompressor().compress(listed)
    objects = [(file, Kind.FILE, Codec.ZSTD, packed, len(listed))]
    content = Content(file, 90_000, Mode.FILE)
    return hostile.store([hostile.row("a", content)], objects=objects)


def long_object(key: str):
    """Return a store in which one object is a gibibyte long."""

    def make():
        objects = hostile.store([hostile.row("a")])
        found = next(each for each in objects if each.startswith(key))
        return objects | {found: objects[found] + b" " * 8, Key("long"): found.encode()}

    return make


def deep_json():
    """Return a head that is nested without end."""
    return hostile.store([hostile.row("a")]) | {Key(keys.HEAD): b"[" * (3 << 20)}


def many_roots():
    """Return a head that names more index roots than there can be."""
    objects = hostile.store([hostile.row("a")])
    head = json.loads(objects[Key(keys.HEAD)])
    head["index"] = head["index"] * 9000
    del head["self"]
    head["self"] = str(ObjectId.of(canonical(head)))
    return objects | {Key(keys.HEAD): canonical(head)}


def huge_root():
    """Return a head with an index root that claims four billion entries."""
    name = f"{samples.ULID}-{samples.oid('no pack')}"
    root = IndexRoot(name, True, (1 << 32) - 1, 200 << 20)
    return hostile.changed_head(hostile.store([hostile.row("a")]), index_roots=(root,))


def huge_page():
    """Return a head whose page claims to be longer than any."""
    objects = hostile.store([hostile.row("a")])
    head = json.loads(objects[Key(keys.HEAD)])
    head["versions"]["length"] = 1 << 40
    del head["self"]
    head["self"] = str(ObjectId.of(canonical(head)))
    return objects | {Key(keys.HEAD): canonical(head)}


def long_cell():
    """Return a page with a cell of 30 MiB."""
    row = hostile.row("a")._replace(editor="x" * (30 << 20))
    return hostile.store([row])


MADE = [
    chunk_bomb,
    chunks_longer_than_listed,
    crumbs,
    deep_json,
    many_roots,
    huge_root,
    huge_page,
    long_cell,
    pytest.param(long_object(keys.HEAD), id="long_head"),
    pytest.param(long_object(keys.COMMITS), id="long_commit"),
]


@pytest.mark.parametrize("make", MADE)
def test_what_a_store_sends_does_not_exhaust_memory(folder, tmp_path, make):
    objects = make()
    longer = objects.pop(Key("long"), None)
    hostile.write_out(objects, tmp_path / "store")
    if longer is not None:
        with (tmp_path / "store" / longer.decode()).open("r+b") as file:
            file.truncate(4 << 30)  # a hole: no room is taken on the disk
    bo = folder.person("bo")
    args = ["sync", "-y", "--store", bo.store]
    if longer is not None and keys.COMMITS in longer.decode():
        bo.run(*args)
        args = ["log"]
    ended = subprocess.run(
        [sys.executable, "-c", _RUN, *args],
        cwd=bo.project,
        env=bo.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 9, ended
    assert "error[E50" in ended.stderr, ended
    assert "MemoryError" not in ended.stderr
    assert not (bo.data / "a").exists() or args == ["log"]
