"""What a hostile store may hold: anything at all, under hashes that are right."""

from collections.abc import Sequence

from cas_sync.formats import documents, keys
from cas_sync.formats.pack import PackBuilder
from cas_sync.formats.rows import DeletedRows, VersionRows
from cas_sync.model.commit import ChangeRow, Commit, Counts, Head, HeadState, PageRef
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Codec, IndexRoot, Kind
from cas_sync.model.params import ChunkParams
from cas_sync.model.paths import RepoPath, sort_key
from cas_sync.model.tree import Content, Deletion, Entry, Mode
from cas_sync.store.bucket import Key
from tests.support import samples

BYTES = b"what the hostile store wants to have written"
CONTENT = Content(ObjectId.of(BYTES), len(BYTES), Mode.FILE)

Objects = dict[Key, bytes]


def row(path: str, content: Content = CONTENT) -> Entry:
    """Return a row that no honest writer makes."""
    return Entry(RepoPath(path), content, "Eve", samples.WHEN)


def raw(text: str) -> bytes:
    """Return text as bytes, lone surrogates and broken UTF-8 included."""
    return text.encode("utf-8", errors="surrogatepass")


def store(
    rows: Sequence[Entry] = (),
    *,
    deleted: Sequence[Entry] = (),
    changes: Sequence[ChangeRow] = (),
    bodies: Sequence[bytes] = (BYTES,),
    objects: Sequence[tuple[ObjectId, Kind, Codec, bytes, int]] = (),
) -> Objects:
    """Return a repository of one commit, sealed as if an honest client had written it.

    Args:
        rows: Of the versions manifest; in order of their keys where they are to be read.
        deleted: What the deleted manifest names, as deleted in the first commit.
        changes: What the commit says that it changed.
        bodies: Contents of one chunk each, stored raw.
        objects: Further objects: id, kind, codec, stored bytes, declared length.
    """
    found: Objects = {}
    found[Key(keys.FORMAT)] = documents.dump_format(
        documents.Format(samples.REPO, ChunkParams(64, 256, 1024, 1))
    )
    builder = PackBuilder()
    for body in bodies:
        builder.add(ObjectId.of(body), Kind.CHUNK, Codec.RAW, body, len(body))
    for each in objects:
        builder.add(*each)
    n = len(builder)
    name, data, _ = builder.finish(samples.ULID)
    found[Key(keys.pack(name))] = bytes(data)
    root = IndexRoot(name, True, n, len(data))
    versions = _page(found, list(rows), VersionRows(), keys.versions)
    gone = [Deletion(each, "Eve", samples.WHEN, 1) for each in deleted]
    lost = _page(found, gone, DeletedRows(), keys.deleted)
    size = sum(each.content.size for each in rows)
    commit = Commit(
        samples.REPO,
        1,
        None,
        "Eve",
        "there",
        "evil",
        samples.WHEN,
        "trust me",
        versions,
        lost,
        len(rows),
        size,
        Counts(len(rows), 0, 0),
        tuple(changes),
        (root,),
        len(data),
        samples.NONCE,
    )
    oid, written = documents.dump_commit(commit)
    found[Key(keys.commit(1, oid))] = written
    head = Head(
        samples.REPO,
        HeadState.OPEN,
        1,
        oid,
        versions,
        lost,
        len(rows),
        size,
        (root,),
        0,
        "",
        (),
        (oid,),
        samples.REPO,
    )
    found[Key(keys.HEAD)] = documents.dump_head(head)
    return found


def _page(found, rows, codec, key_of) -> PageRef | None:
    if not rows:
        return None
    data = raw("\n".join([*(codec.dump(each) for each in rows), f"#end,{len(rows)}\n"]))
    header = raw(codec.header + "\n")
    name = f"{ObjectId.of(header + data)}_{samples.NONCE}"
    found[Key(key_of(name))] = header + data
    last = "".join(c for c in codec.key(rows[-1]) if not "\ud800" <= c <= "\udfff")
    return PageRef(last, ObjectId.of(data), len(rows), 0, name, len(header), len(data))


def changed_head(objects: Objects, **values) -> Objects:
    """Return the same with a head that says otherwise, and has a hash that fits."""
    head = documents.load_head(objects[Key(keys.HEAD)])
    return objects | {Key(keys.HEAD): documents.dump_head(head._replace(**values))}


def in_order(paths: Sequence[str]) -> list[str]:
    """Return paths as a manifest orders them."""
    return sorted(paths, key=sort_key)


def write_out(objects: Objects, folder) -> None:
    """Lay a repository down as a folder store."""
    for key, data in objects.items():
        target = folder / key
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
