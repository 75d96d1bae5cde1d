"""Writes the golden bytes of every format: `python tests/vectors/regenerate.py`.

Only for a new version of a format. What a released version wrote stays as it is.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))

from cas_sync.chunking.cutter import split  # noqa: E402
from cas_sync.formats import documents, index, pieces, tag  # noqa: E402
from cas_sync.formats.codec import Compressor  # noqa: E402
from cas_sync.formats.pack import PackBuilder  # noqa: E402
from cas_sync.formats.page_rewriter import PageWriter, Rewriter  # noqa: E402
from cas_sync.formats.pieces import Piece, Pieces  # noqa: E402
from cas_sync.formats.rows import DeletedRows, VersionRows  # noqa: E402
from cas_sync.model.ids import ObjectId  # noqa: E402
from cas_sync.model.pack import Kind  # noqa: E402
from cas_sync.model.params import ChunkParams  # noqa: E402
from tests.support import samples  # noqa: E402

CHUNKED = "chunked file", 2_000_000


def chunk_list() -> bytes:
    """Return where the sample file is cut, as JSON."""
    data = samples.noise(*CHUNKED)
    rows, offset = [], 0
    for chunk in split([data], ChunkParams()):
        rows.append([offset, len(chunk), str(ObjectId.of(chunk))])
        offset += len(chunk)
    return json.dumps(rows, indent=0).encode() + b"\n"


def pack() -> bytes:
    """Return a pack of a raw chunk, a compressed one, and a list of the two."""
    compressor, builder = Compressor(), PackBuilder()
    noise, text = samples.noise("raw", 500), b"text, text, text. " * 100
    for data in (noise, text):
        codec, stored = compressor.compress(data)
        builder.add(ObjectId.of(data), Kind.CHUNK, codec, bytes(stored), len(data))
    data = pieces.dump(
        Pieces(0, (Piece(ObjectId.of(noise), 500), Piece(ObjectId.of(text), len(text))))
    )
    codec, stored = compressor.compress(data)
    whole = ObjectId.of(noise + text)
    builder.add(whole, Kind.FILE, codec, bytes(stored), len(data))
    return builder.finish(samples.ULID)[1]


def manifest(codec, rows) -> bytes:
    """Return the object that holds the pages of ``rows``."""
    stored = []

    def store(data: bytes) -> str:
        stored.append(data)
        return f"{ObjectId.of(data)}_{samples.NONCE}"

    writer = PageWriter(codec.header, store)
    ordered = sorted(rows, key=codec.key)
    Rewriter(codec, None, None, writer).run((codec.key(row), row) for row in ordered)
    return b"".join(stored)


def many_rows():
    """Return enough rows for several pages."""
    return [samples.entry(f"f{i % 7}/{i:05d}.csv", f"content {i}") for i in range(2500)]


def lists() -> bytes:
    """Return a two-level list: its lists one after the other, then the root."""
    chunks = [Piece(samples.oid(f"piece {i}"), 1000 + i) for i in range(700)]
    parts = [pieces.dump(part) for part in pieces.cut_lists(chunks)]
    tops = tuple(Piece(ObjectId.of(p), pieces.load(p).size) for p in parts)
    return b"".join([*parts, pieces.dump(Pieces(1, tops))])


def vectors() -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of every vector."""
    yield "chunks.json", chunk_list()
    yield "format.json", documents.dump_format(samples.FORMAT)
    yield "head.json", documents.dump_head(samples.HEAD)
    yield "commit.json", documents.dump_commit(samples.COMMIT)[1]
    yield "tag.json", tag.dump_tag(samples.REPO, 3, samples.TAG)
    yield "sample.pack", pack()
    yield "sample.idx", index.dump(samples.LOCATIONS)
    yield "lists.bin", lists()
    yield "versions_small.csv", manifest(VersionRows(), samples.ROWS)
    yield "versions_large.csv", manifest(VersionRows(), many_rows())
    yield "deleted_small.csv", manifest(DeletedRows(), samples.DELETIONS)


if __name__ == "__main__":
    for name, data in vectors():
        (HERE / "v1" / name).write_bytes(data)
        print(f"{name}: {len(data)} bytes")
