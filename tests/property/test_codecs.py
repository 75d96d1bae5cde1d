"""Laws of every format: what is written is read back, and nothing else is believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas_sync.errors import FormatError
from cas_sync.formats import documents, index, pack, pages, pieces
from cas_sync.formats.cells import escape, unescape
from cas_sync.formats.codec import Compressor
from cas_sync.formats.pieces import Piece, Pieces
from cas_sync.formats.rows import DeletedRows, VersionRows, load_rows
from cas_sync.model.commit import PageRef
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import Codec, PackName
from tests.property.strategies import deletions, entries, ids
from tests.support import samples
from tests.vectors import regenerate

FORMULA_STARTS = tuple("=+-@#\t\r\uff1d\uff0b\uff0d\uff20")
VECTORS = dict(regenerate.vectors())
COMMIT_ID = ObjectId.of(VECTORS["commit.json"])
LISTS = pieces.dump(Pieces(0, tuple(Piece(samples.oid(str(i)), 100) for i in range(5))))
PACK = PackName(f"{samples.ULID}-{ObjectId.of(VECTORS['sample.pack'])}")


def leaf_ref(data, codec, row):
    return PageRef(
        codec.key(row), ObjectId.of(data), data.count(b"\n") - 1, 0, "x", 0, len(data)
    )


def small_page(codec, rows):
    ordered = sorted(rows, key=codec.key)
    data, _, _ = pages.dump_leaf(ordered, codec)
    return data, leaf_ref(data, codec, ordered[-1])


PAGE, PAGE_REF = small_page(VersionRows(), samples.ROWS)

LOADERS = {
    "format": (VECTORS["format.json"], documents.load_format),
    "head": (VECTORS["head.json"], documents.load_head),
    "commit": (VECTORS["commit.json"], lambda d: documents.load_commit(d, COMMIT_ID)),
    "segment": (VECTORS["sample.idx"], lambda d: list(index.Segment(d))),
    "pack": (VECTORS["sample.pack"], lambda d: pack.load_trailer(d, PACK)),
    "page": (PAGE, lambda d: pages.load_leaf(d, PAGE_REF, VersionRows())),
}
ALL = {**LOADERS, "pieces": (LISTS, pieces.load)}


@pytest.mark.parametrize("name", ALL)
@given(data=st.binary(max_size=300))
def test_a_loader_refuses_any_other_bytes(name, data):
    with pytest.raises(FormatError):
        ALL[name][1](data)


@pytest.mark.parametrize("name", ALL)
def test_a_loader_refuses_every_truncation(name):
    whole, load = ALL[name]

    for n in range(len(whole)):
        with pytest.raises(FormatError):
            load(whole[:n])


@pytest.mark.parametrize("name", LOADERS)
def test_a_loader_refuses_every_changed_byte(name):
    whole, load = LOADERS[name]

    for n in range(len(whole)):
        with pytest.raises(FormatError):
            load(whole[:n] + bytes([whole[n] ^ 1 << n % 8]) + whole[n + 1 :])


@pytest.mark.parametrize("name", ["format.json", "head.json", "commit.json"])
def test_a_document_with_a_new_field_is_refused(name):
    data = VECTORS[name].replace(b'"v":1', b'"new":1,"v":1')
    load = LOADERS[name.partition(".")[0]][1]

    with pytest.raises(FormatError):
        load(data)


def test_a_later_version_says_what_to_do():
    with pytest.raises(FormatError) as caught:
        documents.load_head(VECTORS["head.json"].replace(b'"v":1', b'"v":2'))

    assert "pip install --upgrade" in caught.value.fix


def test_an_unknown_feature_stops_the_client():
    strange = samples.FORMAT._replace(incompat=("sealed",))

    with pytest.raises(FormatError, match="sealed"):
        documents.load_format(documents.dump_format(strange))


@pytest.mark.parametrize("codec", [VersionRows(), DeletedRows()], ids=["versions", "deleted"])
@given(data=st.data())
def test_rows_come_back_and_start_no_formula(codec, data):
    kind = entries if isinstance(codec, VersionRows) else deletions
    rows = {codec.key(row): row for row in data.draw(st.lists(kind, max_size=6))}
    # No file lies below a file.
    files = [key for key in rows if not any(key.startswith(f"{other}\0") for other in rows)]
    ordered = [rows[key] for key in sorted(files)]

    lines = [codec.dump(row) for row in ordered]

    assert list(load_rows(lines, codec, "test")) == ordered
    assert not any(line.lstrip('"').startswith(FORMULA_STARTS) for line in lines)
    assert not any("\n" in line for line in lines)


@given(st.lists(entries, min_size=2, max_size=4))
def test_rows_out_of_order_or_twice_are_refused(rows):
    codec = VersionRows()
    lines = [codec.dump(row) for row in sorted(rows, key=codec.key, reverse=True)]

    with pytest.raises(FormatError):
        list(load_rows([*lines, lines[-1]], codec, "test"))


@pytest.mark.parametrize(
    "path",
    ["../a", "/a", "a//b", "a/./b", ".S3/x", "d/.s3/x", "a\\b", "a\0b", "S3~1/x", ".S3. /x",
     ".S\u200c3/x", "a" * 256, "/".join("a" * 300), ""],
)  # fmt: skip
def test_a_hostile_path_is_refused_when_the_manifest_is_read(path):
    line = VersionRows().dump(samples.entry(path))

    with pytest.raises(FormatError):
        list(load_rows([line], VersionRows(), "manifest"))


@given(st.text(max_size=20))
def test_escaping_is_undone(text):
    assert unescape(escape(text)) == text


@given(st.lists(st.tuples(ids, st.integers(0, 1 << 40)), max_size=50), st.integers(0, 1))
def test_pieces_come_back(rows, level):
    value = Pieces(level, tuple(Piece(*row) for row in rows))

    assert pieces.load(pieces.dump(value)) == value


@given(st.integers(0, 5000))
def test_cutting_a_list_loses_no_piece_and_keeps_its_bounds(n):
    whole = [Piece(samples.oid(str(i)), i) for i in range(n)]

    parts = list(pieces.cut_lists(whole))

    assert [piece for part in parts for piece in part.pieces] == whole
    assert all(pieces.LIST_MIN <= len(p.pieces) <= pieces.LIST_MAX for p in parts[:-1])


@given(st.one_of(st.binary(max_size=2000), st.builds(bytes, st.integers(0, 100_000))))
def test_compression_is_undone_and_never_makes_longer(data):
    compressor = Compressor()

    codec, stored = compressor.compress(data)

    assert compressor.decompress(codec, stored, len(data)) == data
    assert len(stored) <= len(data)


@pytest.mark.parametrize("raw", [0, 99, 101, 1 << 40])
def test_a_wrong_size_is_refused_before_anything_is_unpacked(raw):
    codec, stored = Compressor().compress(bytes(100))
    assert codec is Codec.ZSTD

    with pytest.raises(FormatError):
        Compressor().decompress(codec, stored, raw)


@given(st.permutations(samples.LOCATIONS))
def test_a_segment_does_not_depend_on_the_order(locations):
    assert index.dump(locations) == VECTORS["sample.idx"]


def test_a_segment_finds_what_it_holds_and_nothing_else():
    segment = index.Segment(VECTORS["sample.idx"])

    for each in samples.LOCATIONS:
        assert segment.find(each.id, each.kind) == each
        assert segment.find(each.id, type(each.kind)((each.kind + 1) % 3)) is None
    assert segment.find(samples.oid("nothing"), samples.LOCATIONS[0].kind) is None
