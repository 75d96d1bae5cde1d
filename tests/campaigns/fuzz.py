"""Random and mutated bytes for every reader: only the documented errors may come out.

    python -m tests.campaigns.fuzz --n 1000000 --seed 1

Documents that carry or are named by a hash are given one that fits, or the hash would be
all that is tried. Memory is limited by the system (``--memory``), and no single input may
take longer than ``--seconds``.
"""

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from blake3 import blake3

from cas_sync.errors import CasSyncError, ConfigError, FormatError
from cas_sync.formats import (
    config_json,
    documents,
    index,
    keys,
    lock_file,
    pack,
    pages,
    pieces,
    seed_config,
    seed_manifest,
    tag,
    upkeep,
)
from cas_sync.formats.codec import Compressor
from cas_sync.formats.moments import STORED
from cas_sync.formats.rows import DeletedRows, VersionRows, load_rows
from cas_sync.formats.strict_json import canonical
from cas_sync.model.commit import PageRef
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Codec, Kind
from cas_sync.model.paths import PathRefusedError, parse_repo_path
from cas_sync.model.upkeep import Condemned, Kept, Missing, Upkeep
from cas_sync.worktree.base import BaseTree
from cas_sync.worktree.declined import read_declined
from cas_sync.worktree.deletions import read_removed
from cas_sync.worktree.index import read_index
from cas_sync.worktree.journal import parse_temp
from cas_sync.worktree.links import link_stays_inside
from tests.support import samples

Read = Callable[[bytes], object]


class Target(NamedTuple):
    """A reader, and what it is given mutations of.

    Attributes:
        name: What is read.
        seeds: Well-formed inputs.
        read: Reads one input to its end.
        errors: What may come out of it.
        mend: Makes the hash in or of an input fit again.
    """

    name: str
    seeds: tuple[bytes, ...]
    read: Read
    errors: tuple[type[Exception], ...] = (FormatError,)
    mend: Callable[[bytes], bytes] = bytes


def self_fit(data: bytes) -> bytes:
    """Return a document in canonical form, with the hash that fits it."""
    try:
        value = json.loads(data)
        if isinstance(value, dict) and "self" in value:
            del value["self"]
            value["self"] = str(ObjectId.of(canonical(value)))
        return canonical(value)
    except (ValueError, RecursionError):
        return data


def index_fit(data: bytes) -> bytes:
    """Return a segment whose lengths and checksum fit, as far as that is possible."""
    if len(data) < 48:
        return data
    body = bytearray(data[:-32])
    packs = int.from_bytes(body[12:16])
    if packs > 64:
        packs = 0
    entries = max(0, len(body) - 16 - 64 * packs) // 50
    body[8:16] = entries.to_bytes(4) + packs.to_bytes(4)
    del body[16 + 50 * entries + 64 * packs :]
    return bytes(body + blake3(body).digest())


def pieces_fit(data: bytes) -> bytes:
    """Return a list of pieces that says its own length and size."""
    if len(data) < 24:
        return data
    body = bytearray(data)
    n = (len(body) - 24) // 40
    del body[24 + 40 * n :]
    total = sum(int.from_bytes(body[24 + 40 * i + 32 : 64 + 40 * i]) for i in range(n))
    body[12:24] = n.to_bytes(4) + min(total, 2**64 - 1).to_bytes(8)
    return bytes(body)


def sealed_fit(data: bytes) -> bytes:
    """Return a file of this machine whose closing row has the hash that fits."""
    body = data.rstrip(b"\n")
    cut = body.rfind(b",") + 1
    return body[:cut] + blake3(body[:cut]).hexdigest().encode() + b"\n"


def read_commit(data: bytes) -> object:
    found = documents.load_commit(data, ObjectId.of(data))
    assert documents.dump_commit(found)[1] == data
    assert STORED.fullmatch(found.time)
    for row in found.changes:
        parse_repo_path(row.path)
    return found


def read_upkeep(data: bytes) -> object:
    return upkeep.load_upkeep(data, f"00000003-{ObjectId.of(data)}_{samples.NONCE}")


def read_leaf(data: bytes) -> object:
    return [row for codec in (VersionRows(), DeletedRows()) for row in _rows(data, codec)]


def _rows(data: bytes, codec: "VersionRows | DeletedRows") -> Iterator[object]:
    lines = data.decode(errors="surrogateescape").split("\n")
    last = lines[-3] if len(lines) > 2 else ""
    try:
        key = codec.key(next(load_rows([last], codec, "row")))
    except (FormatError, StopIteration):
        key = "x"
    ref = PageRef(key, ObjectId.of(data), max(0, len(lines) - 2), 0, "", 0, len(data))
    yield from pages.load_leaf(data, ref, codec)


def read_branch(data: bytes) -> object:
    rows = [line.split(b",") for line in data.split(b"\n") if line.startswith(b"#page,")]
    n, last = 0, "x"
    for cells in rows:
        try:
            n, last = n + int(cells[4]), cells[1].decode()
        except (ValueError, IndexError):
            n = -1
    lines = data.decode(errors="replace").split("\n")[:-2]
    known = [*(line.rsplit(",", 3)[0] for line in lines), f"#end,{len(lines)},1\n"]
    oid = ObjectId.of("\n".join(known).encode())
    ref = PageRef(last.replace("/", "\0"), oid, n, 1, samples.PAGE.object, 0, len(data))
    return pages.load_branch(data, ref)


def read_segment(data: bytes) -> object:
    """Read a segment as one of many packs, as a trailer, and as a window."""
    found: list[object] = []
    wrong: FormatError | None = None
    for of in (None, samples.LOCATIONS[0].pack):
        try:
            segment = index.Segment(data, of)
            for i in range(min(len(segment), 64)):
                where = segment.at(i)
                segment.find(where.id, where.kind)
                found.append(where)
        except FormatError as error:
            wrong = error
    try:
        index.load_packs(data[16:80])
        window = index.Window(data[16 : 16 + len(data) // 50 * 50 - 50], 0)
        for kind in Kind:
            window.find(samples.LOCATIONS[0].id, kind)
    except FormatError as error:
        wrong = error
    if wrong is not None:
        raise wrong
    return found


def read_pack(data: bytes) -> object:
    name = f"{samples.ULID}-{blake3(data).hexdigest()}"
    segment = pack.load_trailer(data, name)
    return [segment.at(i) for i in range(min(len(segment), 64))]


def read_pieces(data: bytes) -> object:
    found = pieces.load(data)
    return list(found.between(3, 1 << 20)), list(
        pieces.decode(data[24 : len(data) // 40 * 40 - 16])
    )


COMPRESSOR = Compressor()


def read_object(data: bytes) -> object:
    """Unpack with the length that the data claims, a wrong one, and as it is."""
    import zstandard

    try:
        claimed = zstandard.frame_content_size(data)
    except zstandard.ZstdError:
        claimed = 100
    for raw in (claimed, 1 << 31, 7):
        try:
            if len(COMPRESSOR.decompress(Codec.ZSTD, data, max(0, raw))) != raw:
                raise AssertionError("not as long as it was said to be")
        except FormatError as error:
            wrong = error
    COMPRESSOR.decompress(Codec.RAW, data, len(data))
    raise wrong


def read_path(data: bytes) -> object:
    path = parse_repo_path(data.decode(errors="surrogateescape"))
    assert_harmless(path)
    return path


def assert_harmless(path: str) -> None:
    """Hold a path that was let through to what it must never be."""
    parts = path.split("/")
    assert not path.startswith("/"), path
    assert not {"", ".", ".."} & set(parts), path
    assert "\\" not in path, path
    assert all(ord(char) >= 32 for char in path), path
    assert all(part.casefold().rstrip(". ") != ".s3" for part in parts), path


def read_link(data: bytes) -> object:
    target = data.decode(errors="surrogateescape")
    if link_stays_inside("a/b/link", target):
        at = ["a", "b"]
        for part in target.split("/"):
            if part == "..":
                at.pop()  # raises where it leads out
            elif part not in {"", "."}:
                at.append(part)
        assert ".S3" not in at, target
        assert not target.startswith("/"), target
    return target


def read_key(data: bytes) -> object:
    text = data.decode(errors="surrogateescape")
    found = keys.parse_pack(text), keys.parse_named(text), keys.parse_commit(text)
    return found, keys.parse_tag(text, samples.REPO), keys.is_ours(text), parse_temp(text)


def _local(read: Callable[[str], object], scratch: Path) -> Read:
    path = scratch / "file"

    def run(data: bytes) -> object:
        path.write_bytes(data)
        return read(str(path))

    return run


def targets(scratch: Path) -> list[Target]:
    """Return every reader there is."""
    leaf = pages.dump_leaf(samples.ROWS, VersionRows())[0]
    gone = pages.dump_leaf(samples.DELETIONS, DeletedRows())[0]
    refs = [samples.PAGE._replace(last=f"{c}\0x") for c in "bcd"]
    branch = pages.dump_branch(refs)[0]
    segment = index.dump(samples.LOCATIONS)
    trailer = index.dump([replace_pack(each) for each in samples.LOCATIONS], trailer=True)
    builder = pack.PackBuilder()
    for i in range(3):
        body = samples.noise(str(i), 90)
        builder.add(ObjectId.of(body), Kind.CHUNK, Codec.RAW, body, 90)
    whole = bytes(builder.finish(samples.ULID)[1])
    listed = pieces.dump(
        pieces.Pieces(0, tuple(pieces.Piece(samples.oid(str(i)), 9 + i) for i in range(5)))
    )
    zstd = COMPRESSOR.compress(b"0123456789" * 500)[1]
    kept = upkeep.dump_upkeep(samples_upkeep())[1]
    versions_remote = _sealed("File,Edited By,Time Edited,Checksum,Size,Mode", leaf)
    local = _sealed(
        "File,Size,Mtime,Ctime,Inode,Racy,Disk Name,Checksum,Mode",
        f"a,3,1,1,7,0,,{samples.oid('a')},100644\n#end,1\n".encode(),
    )
    config = b'{"store": "s3://bucket/prefix", "data": "Data", "jobs": 8, "only": ["a/*"]}'
    seed = b'{"remotes": [{"bucket": "b", "prefix": "p"}], "data": "Data", "connection": "S3"}'
    old = (
        b"File,Edited By,Time Edited,Checksum\na.csv,Ana,2020-01-01 10:00:00,0123456789abcdef\n"
    )
    return [
        Target(
            "head", (documents.dump_head(samples.HEAD),), documents.load_head, mend=self_fit
        ),
        Target(
            "format",
            (documents.dump_format(samples.FORMAT),),
            documents.load_format,
            mend=self_fit,
        ),
        Target(
            "commit",
            (documents.dump_commit(samples.COMMIT)[1],),
            read_commit,
            mend=self_fit,
        ),
        Target(
            "tag",
            (tag.dump_tag(samples.REPO, 3, samples.TAG),),
            lambda data: tag.load_tag(data, samples.REPO, samples.TAG.name, 3),
            mend=self_fit,
        ),
        Target("upkeep", (kept,), read_upkeep, mend=self_fit),
        Target("rows", (leaf, gone), read_leaf),
        Target("references", (branch,), read_branch),
        Target("segment", (segment, trailer), read_segment, mend=index_fit),
        Target("pack", (whole,), read_pack),
        Target("pieces", (listed,), read_pieces, mend=pieces_fit),
        Target("object", (bytes(zstd),), read_object),
        Target(
            "path",
            (
                b"a/b.csv",
                b".S3/x",
                b"../a",
                b"a/../b",
                b"C:/x",
                b"a\\b",
                "ü/é".encode(),
                b"s3~1",
            ),
            read_path,
            (PathRefusedError,),
        ),
        Target(
            "link", (b"../a/b", b"../../x", b"../../../x", b".S3/y", b"a//b"), read_link, ()
        ),
        Target(
            "key",
            (
                keys.commit(3, samples.oid("c")).encode(),
                keys.pack(samples.LOCATIONS[0].pack).encode(),
                keys.tag(samples.REPO, "Größe 1", 3).encode(),
            ),
            read_key,
            (),
        ),
        Target("configuration", (config,), lambda d: config_json.load(d, "f"), (ConfigError,)),
        Target(
            "s3synchrony configuration",
            (seed,),
            lambda d: seed_config.load_seed(d, "f"),
            (ConfigError,),
        ),
        Target(
            "s3synchrony manifest",
            (old,),
            lambda d: seed_manifest.load(d, lambda when: when),
        ),
        Target(
            "lock file",
            (b'{\n  "cas-sync-lock": 1\n}\n',),
            lock_file.load,
            (ConfigError, FormatError),
        ),
        Target(
            "base",
            (versions_remote,),
            _local(lambda path: list(BaseTree(path).rows()), scratch),
            (CasSyncError,),
            sealed_fit,
        ),
        Target(
            "index of the folder",
            (local,),
            _local(lambda path: list(read_index(path)), scratch),
            (CasSyncError,),
            sealed_fit,
        ),
        Target(
            "declined",
            (versions_remote,),
            _local(lambda path: list(read_declined(path)), scratch),
            (CasSyncError,),
            sealed_fit,
        ),
        Target(
            "removed",
            (old, versions_remote),
            _local(lambda path: list(read_removed(path)), scratch),
            (CasSyncError,),
        ),
    ]


def replace_pack(where):
    return where._replace(pack=samples.LOCATIONS[0].pack)


def samples_upkeep() -> Upkeep:
    return Upkeep(
        samples.REPO,
        3,
        "",
        True,
        "Ana",
        samples.WHEN,
        2,
        (Kept(1, samples.oid("commit")),),
        (Condemned(keys.pack(samples.LOCATIONS[0].pack), 100, samples.WHEN),),
        (Missing(samples.oid("a"), Kind.CHUNK, samples.oid("b"), 5),),
        samples.NONCE,
    )


def _sealed(header: str, page: bytes) -> bytes:
    rows = page.decode().splitlines()[:-1]
    note = f"{samples.REPO} 2 {samples.oid('commit')} 0"
    body = "\n".join([header, *rows, f"#end,{len(rows)},{note},"]).encode()
    return body + blake3(body).hexdigest().encode() + b"\n"


_BITS = tuple(1 << n for n in range(8))
_WORDS = (
    b"",
    b"\0",
    b"\n",
    b"/",
    b"..",
    b'"',
    b",",
    b"-1",
    b"1e999",
    b"99999999999999999999999999999999",
    b"\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"null",
    b"true",
    b"[[[[",
    b"{}",
    b'"\\ud800"',
    b"\xed\xa0\x80",
    b"NaN",
    b"#end,0\n",
    b"=cmd",
    b".S3",
)


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Return ``data`` with a few things wrong."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        at = rng.randrange(len(out) + 1)
        end = min(len(out), at + rng.choice((0, 1, 4, 32, 200)))
        match rng.randrange(8):
            case 0 | 1 if at < len(out):
                out[at] ^= rng.choice(_BITS)
            case 2 if at < len(out):
                out[at] = rng.randrange(256)
            case 3:
                del out[at:]
            case 4:
                out[at:end] = rng.choice(_WORDS)
            case 5:
                out[at:at] = out[at:end]
            case 6:
                out[at:end] = rng.randbytes(end - at)
            case 7:
                out[at:at] = rng.choice(_WORDS) * rng.choice((1, 2, 50))
            case _:
                pass
    return bytes(out)


def mutate_value(data: bytes, rng: random.Random) -> bytes:
    """Return a JSON document with one value that another type or size would have."""
    try:
        value = json.loads(data)
    except ValueError:
        return data
    at = value
    for _ in range(8):
        if not isinstance(at, dict | list) or not at:
            break
        name = rng.choice(list(at)) if isinstance(at, dict) else rng.randrange(len(at))
        if isinstance(at[name], dict | list) and at[name] and rng.random() < 0.7:
            at = at[name]
            continue
        odd = (
            None,
            True,
            -1,
            1 << 62,
            1 << 70,
            0.5,
            "",
            "../x",
            "\ud800",
            "\n",
            "0" * 64,
            [],
            [[]] * 9,
            {},
            "x" * 5000,
            [at[name]] * 3,
        )
        at[name] = rng.choice(odd)
        break
    try:
        return canonical(value)
    except ValueError:
        return data


def run(n: int, seed: int, *, seconds: float = 5.0, only: str = "") -> Counter[str]:
    """Give ``n`` inputs to the readers in turn, and return how many each of them refused.

    Raises:
        AssertionError: Something other than a documented error came out, or it took too
            long; the message has the input.
    """
    rng = random.Random(seed)
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        readers = [each for each in targets(Path(scratch)) if only in each.name]
        for k in range(n):
            target = readers[k % len(readers)]
            _one(target, rng, counts, seconds)
    return counts


def _one(target: Target, rng: random.Random, counts: Counter[str], seconds: float) -> None:
    data = rng.choice(target.seeds)
    kind = rng.random()
    if kind < 0.1:
        data = rng.randbytes(rng.randrange(300))
    elif kind < 0.4:
        data = target.mend(mutate_value(data, rng))
    else:
        data = mutate(data, rng)
        if rng.random() < 0.8:
            data = target.mend(data)
    start = time.perf_counter()
    try:
        target.read(data)
        counts[f"{target.name}: read"] += 1
    except target.errors:
        counts[f"{target.name}: refused"] += 1
    except (Exception, MemoryError) as error:
        raise AssertionError(f"{target.name}: {error!r} of {data!r}") from error
    if time.perf_counter() - start > seconds:
        raise AssertionError(f"{target.name}: more than {seconds} s for {data!r}")


def main() -> None:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--memory", type=int, default=600, help="limit of memory, in MiB")
    parser.add_argument("--seconds", type=float, default=30.0, help="limit of one input")
    parser.add_argument("--only", default="", help="part of the name of what is read")
    args = parser.parse_args()
    print(f"seed {args.seed}, {args.n:,} inputs", flush=True)
    resource.setrlimit(resource.RLIMIT_AS, (args.memory << 20, args.memory << 20))
    start = time.perf_counter()
    counts = run(args.n, args.seed, seconds=args.seconds, only=args.only)
    for name, count in sorted(counts.items()):
        print(f"{count:10,}  {name}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    total = sum(counts.values())
    print(
        f"{total:,} inputs in {time.perf_counter() - start:.0f} s, peak {peak} MiB, no escape"
    )


if __name__ == "__main__":
    sys.exit(main())
