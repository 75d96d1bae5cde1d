"""Golden bytes: today's encoders write them, and a reader of its own understands them.

The second reader uses nothing of cas_sync but what the tests compare it with.
"""

import csv
import io
import json
import struct
from pathlib import Path

import pytest
import zstandard
from blake3 import blake3

from cas_sync.formats import documents, index, pack, pages, pieces
from cas_sync.formats.rows import DeletedRows, VersionRows
from cas_sync.formats.tag import load_tag
from cas_sync.model.commit import PageRef
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Kind, PackName
from tests.support import samples
from tests.support.fastcdc import cut
from tests.vectors import regenerate

HERE = Path(regenerate.HERE) / "v1"
# What the compressor writes may change with its version; what it means may not.
EXACT = [name for name, _ in regenerate.vectors() if name != "sample.pack"]


def vector(name):
    return (HERE / name).read_bytes()


def hashed(data):
    return blake3(data).hexdigest()


@pytest.mark.parametrize("name", EXACT)
def test_todays_encoder_writes_the_golden_bytes(name):
    assert dict(regenerate.vectors())[name] == vector(name)


def test_documents_are_canonical_json_with_their_own_hash():
    for name in ("format.json", "head.json", "tag.json"):
        data = vector(name)
        value = json.loads(data)
        claimed = value.pop("self")

        def canonical(value):
            text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            return text.encode() + b"\n"

        assert hashed(canonical(value)) == claimed
        assert canonical({**value, "self": claimed}) == data


def test_documents_are_read_as_they_were():
    assert documents.load_format(vector("format.json")) == samples.FORMAT
    assert documents.load_head(vector("head.json")) == samples.HEAD
    data = vector("commit.json")
    assert documents.load_commit(data, ObjectId.of(data)) == samples.COMMIT
    assert load_tag(vector("tag.json"), samples.REPO, samples.TAG.name, 3) == samples.TAG


def test_chunks_are_those_of_the_paper():
    data = samples.noise(*regenerate.CHUNKED)
    rows = json.loads(vector("chunks.json"))

    assert [length for _, length, _ in rows] == cut(data, 32 << 10, 128 << 10, 512 << 10)
    assert all(hashed(data[at : at + n]) == oid for at, n, oid in rows)


def read_segment(data):
    """Return the entries and the packs of an index segment."""
    magic, n, n_packs = struct.unpack_from(">8sII", data)
    assert magic == b"CASIDX1\n"
    assert blake3(data[:-32]).digest() == data[-32:]
    entries = [struct.unpack_from(">32sBBIIII", data, 16 + 50 * i) for i in range(n)]
    start = 16 + 50 * n
    packs = [struct.unpack_from(">26s6x32s", data, start + 64 * i) for i in range(n_packs)]
    assert len(data) == start + 64 * n_packs + 32
    return entries, packs


def test_an_index_segment_is_a_sorted_table():
    entries, packs = read_segment(vector("sample.idx"))

    assert [e[0] for e in entries] == sorted(e[0] for e in entries)
    assert len(packs) == 2
    found = {
        (oid, kind): (f"{packs[p][0].decode()}-{packs[p][1].hex()}", offset, stored, raw, codec)
        for oid, kind, codec, p, offset, stored, raw in entries
    }
    assert found == {
        (bytes(e.id), int(e.kind)): (e.pack, e.offset, e.stored, e.raw, int(e.codec))
        for e in samples.LOCATIONS
    }
    segment = index.Segment(vector("sample.idx"))
    assert sorted(segment) == sorted(samples.LOCATIONS)


def test_a_pack_can_be_read_with_its_trailer_alone():
    data = vector("sample.pack")
    (length, end) = struct.unpack(">I8s", data[-12:])
    entries, _ = read_segment(data[-12 - length : -12])

    assert data[:8] == b"CASPACK1"
    assert end == b"CASPEND1"
    for oid, kind, codec, _, offset, stored, raw in entries:
        body = data[offset : offset + stored]
        if codec:
            body = zstandard.ZstdDecompressor().decompress(body, max_output_size=raw)
        assert len(body) == raw
        if kind == Kind.CHUNK:
            assert blake3(body).digest() == oid
    name = PackName(f"{samples.ULID}-{hashed(data)}")
    assert len(pack.load_trailer(data, name)) == 3


def test_lists_add_up():
    data, at, lists = vector("lists.bin"), 0, {}
    while at < len(data):
        magic, level, n, size = struct.unpack_from(">8sB3xIQ", data, at)
        body = data[at : at + 24 + 40 * n]
        rows = [struct.unpack_from(">32sQ", body, 24 + 40 * i) for i in range(n)]
        at += len(body)
        lists[blake3(body).digest()] = level, rows
        assert magic == b"CASFIL1\n"
        assert sum(length for _, length in rows) == size
        assert pieces.load(body).size == size
    *parts, (level, top) = lists.values()

    assert level == 1
    assert [oid for oid, _ in top] == list(lists)[:-1]
    assert sum(len(rows) for _, rows in parts) == 700


def read_object(data):
    """Return every page of an object of pages as (its offset, its cells)."""
    lines = data.decode().split("\n")
    offset, pages_, page, begin = len(lines[0]) + 1, [], [], len(lines[0]) + 1
    for line in lines[1:-1]:
        offset += len(line.encode()) + 1
        (cells,) = csv.reader(io.StringIO(line), strict=True)
        page.append(cells)
        if cells[0] == "#end":
            pages_.append((begin, page))
            page, begin = [], offset
    return pages_


def test_a_small_manifest_is_one_table_anyone_can_read():
    ((_, rows),) = read_object(vector("versions_small.csv"))

    *rows, end = rows
    assert end == ["#end", str(len(samples.ROWS))]
    for cells, row in zip(rows, sorted(samples.ROWS, key=VersionRows().key), strict=True):
        assert cells[0].removeprefix("'") == row.path
        assert cells[3] == hashed(row.path.encode())
        assert not cells[0].startswith(("=", "+", "-", "@", "#"))


def test_a_large_manifest_is_found_page_by_page():
    data = vector("versions_large.csv")
    *leaves, (_, branch) = read_object(data)
    *refs, end = branch

    assert end == ["#end", str(len(leaves)), "1"]
    for (begin, page), ref in zip(leaves, refs, strict=True):
        mark, last, _, oid, n, name, offset, length = ref
        body = data[int(offset) : int(offset) + int(length)]
        assert (mark, name, int(offset)) == ("#page", "", begin)
        assert hashed(body) == oid
        assert len(page) - 1 == int(n)
        assert page[-2][0].removeprefix("'") == last


def test_deletions_say_who_when_and_in_which_commit():
    data = vector("deleted_small.csv")
    ((offset, rows),) = read_object(data)

    assert rows[0][-3:] == ["Ben", samples.WHEN, "3"]
    codec = DeletedRows()
    last = codec.key(max(samples.DELETIONS, key=codec.key))
    ref = PageRef(last, ObjectId.of(data[offset:]), len(rows) - 1, 0, "", offset, len(data))
    found = pages.load_leaf(data[offset:], ref, codec)
    assert found == sorted(samples.DELETIONS, key=codec.key)
