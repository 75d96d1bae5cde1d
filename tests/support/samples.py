"""The same few values for every test that needs one of each, and for the golden bytes."""

from blake3 import blake3

from cas_sync.formats.documents import Format
from cas_sync.formats.tag import Tag
from cas_sync.model.commit import ChangeRow, Commit, Counts, Head, HeadState, PageRef
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Codec, IndexRoot, Kind, Location
from cas_sync.model.params import ChunkParams
from cas_sync.model.tree import Content, Deletion, Entry, Mode

REPO = "00112233445566778899aabbccddeeff"
ULID = "01JD8Z3V4M5N6P7Q8R9S0T1V2W"
NONCE = "0123456789abcdef"
WHEN = "2026-11-22T10:02:11Z"


def noise(seed: str, length: int) -> bytes:
    """Return ``length`` bytes that are the same on every machine."""
    return blake3(seed.encode()).digest(length)


def oid(text: str) -> ObjectId:
    """Return an id that stands for ``text``."""
    return ObjectId.of(text.encode())


def entry(path: str, text: str = "", mode: Mode = Mode.FILE, who: str = "Ana Ruiz") -> Entry:
    """Return the row of a file that holds ``text``."""
    return Entry(path, Content(oid(text), len(text.encode()), mode), who, WHEN)


ODD_NAMES = (
    "007",
    "=1+1",
    "NA",
    "a b.csv",
    "d/#end",
    'd/q"uote.txt',
    "d/x,y.csv",
    "d/Ünïcödé-日本",
)

ROWS = tuple(
    entry(name, name, Mode.EXEC if name == "007" else Mode.FILE, '=cmd, the "boss"')
    for name in ODD_NAMES
)

DELETIONS = tuple(Deletion(row, "Ben", WHEN, seq) for row in ROWS for seq in (3, 12))

FORMAT = Format(REPO, ChunkParams())

PAGE = PageRef("d\0x,y.csv", oid("page"), 8, 0, f"{oid('object')}_{NONCE}", 46, 1234)

ROOTS = (
    IndexRoot(f"{ULID}-{oid('pack')}", True, 3, 5000),
    IndexRoot(f"{oid('index')}_{NONCE}", False, 700, 35000),
)

COMMIT = Commit(
    REPO,
    2,
    oid("parent"),
    "Änne",
    "laptop",
    "cas-sync 0.1.0",
    WHEN,
    'why "not"',
    PAGE,
    None,
    8,
    99,
    Counts(1, 1, 0),
    (ChangeRow("a b.csv", "added", "", str(oid("a"))),),
    ROOTS[:1],
    5000,
    NONCE,
)

TAG = Tag("Größe 1", oid("commit"), 2, "Änne", WHEN, 'as "submitted"')

HEAD = Head(
    REPO,
    HeadState.OPEN,
    2,
    oid("commit"),
    PAGE,
    None,
    8,
    99,
    ROOTS,
    0,
    "",
    (),
    (oid("commit"), oid("parent")),
    REPO,
)

LOCATIONS = tuple(
    Location(
        oid(f"chunk {i}"),
        Kind(i % 3),
        f"{ULID}-{oid(f'pack {i % 2}')}",
        8 + 100 * i,
        90 + i,
        200 + i,
        Codec(i % 2),
    )
    for i in range(7)
)
