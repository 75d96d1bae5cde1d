"""Pages are believed only where they are what was referred to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas_sync.errors import FormatError
from cas_sync.formats import pages
from cas_sync.formats.pages import merge_rows
from cas_sync.formats.rows import MAX_LINE, DeletedRows, VersionRows
from cas_sync.model.commit import PageRef
from cas_sync.model.ids import ObjectId
from tests.support import samples

CODEC = VersionRows()
ROWS = sorted(samples.ROWS, key=CODEC.key)
OBJECT = f"{'0' * 64}_{samples.NONCE}"


def leaf(data):
    last = CODEC.key(ROWS[-1])
    return PageRef(last, ObjectId.of(data), len(ROWS), 0, OBJECT, 0, len(data))


def branch(codec=CODEC, rows=ROWS):
    """Return a page of references and the reference to it."""
    children = []
    for row in rows:
        data, oid, n = pages.dump_leaf([row], codec)
        children.append(PageRef(codec.key(row), oid, n, 0, OBJECT, 10, len(data)))
    data, oid, n = pages.dump_branch(children)
    return data, PageRef(children[-1].last, oid, n, 1, OBJECT, 99, len(data)), children


@pytest.mark.parametrize(
    "edit",
    [
        lambda data: data.replace(b"#end,8\n", b"#end,9\n"),
        lambda data: data.replace(b"#end,8\n", b"#end,8,1\n"),
        lambda data: data.replace(b"#end,8\n", b""),
        lambda data: data.rstrip(b"\n"),
        lambda data: data + b"\n",
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: b"\xff" + data,
        lambda data: b'"' + data,
        lambda data: data.replace(b"100755", b"100777"),
        lambda data: data.replace(b"Z,", b",", 1),
        lambda data: b"\n".join(reversed(data.split(b"\n")[:2])) + b"\n",
        lambda data: b"a" * MAX_LINE + data,
    ],
)
def test_a_page_that_is_malformed_is_refused_though_its_hash_is_right(edit):
    data = edit(pages.dump_leaf(ROWS, CODEC)[0])

    with pytest.raises(FormatError):
        pages.load_leaf(data, leaf(data), CODEC)


@pytest.mark.parametrize("change", [{"rows": 7}, {"last": "zzz"}, {"level": 1}])
def test_a_page_that_is_not_the_one_referred_to_is_refused(change):
    data = pages.dump_leaf(ROWS, CODEC)[0]

    with pytest.raises(FormatError):
        pages.load_leaf(data, leaf(data)._replace(**change), CODEC)


def test_a_page_without_rows_is_refused():
    data = b"#end,0\n"

    with pytest.raises(FormatError):
        pages.load_leaf(data, leaf(data)._replace(rows=0, last=""), CODEC)


@pytest.mark.parametrize(
    ("codec", "rows"),
    [(CODEC, ROWS), (DeletedRows(), sorted(samples.DELETIONS, key=DeletedRows().key))],
    ids=["versions", "deleted"],
)
def test_references_come_back(codec, rows):
    data, ref, children = branch(codec, rows)

    assert pages.load_branch(data, ref) == children


def test_a_reference_without_an_object_means_the_page_s_own():
    data, ref, children = branch()
    nameless = data.replace(OBJECT.encode(), b"")
    elsewhere = ref._replace(object=f"{'1' * 64}_{samples.NONCE}")

    found = pages.load_branch(nameless, elsewhere)

    assert found == [child._replace(object=elsewhere.object) for child in children]


def test_a_changed_byte_of_references_is_refused_or_moves_only_the_place():
    data, ref, children = branch()

    for n in range(len(data)):
        damaged = data[:n] + bytes([data[n] ^ 1 << n % 8]) + data[n + 1 :]
        try:
            found = pages.load_branch(damaged, ref)
        except FormatError:
            continue
        assert [c[:4] for c in found] == [c[:4] for c in children]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (f",{OBJECT},10,", ",../../head,10,"),
        (f",{OBJECT},10,", f",{OBJECT},-1,"),
        (f",{OBJECT},10,", f",{OBJECT},1_0,"),
        (f",{OBJECT},10,", f",{OBJECT}, 10,"),
        (f",{OBJECT},10,", f",{OBJECT},\u0661,"),
        (f",{OBJECT},10,", f",{OBJECT},10,1,"),
        (f",{OBJECT},10,", f",{OBJECT},{'9' * 30},"),
        ("#page,", "#pages,"),
        (",1,", ",2,"),
        ("#end,8,1", "#end,8,2"),
    ],
)
def test_a_malformed_reference_is_refused(old, new):
    data, ref, _ = branch()

    with pytest.raises(FormatError):
        pages.load_branch(data.replace(old.encode(), new.encode(), 1), ref)


def test_references_out_of_order_are_refused():
    _, ref, children = branch()
    data, oid, n = pages.dump_branch(children[::-1])

    with pytest.raises(FormatError, match="out of order"):
        pages.load_branch(data, ref._replace(id=oid, rows=n, last=children[0].last))


keyed = st.dictionaries(st.integers(0, 9), st.integers(0, 3))


@given(keyed, st.dictionaries(st.integers(0, 9), st.none() | st.integers(4, 6)))
def test_changes_are_merged_into_rows_as_into_a_dict(rows, changes):
    model = {k: v for k, v in {**rows, **changes}.items() if v is not None}

    found = merge_rows(
        sorted(rows.items()),
        [(k, None if v is None else (k, v)) for k, v in sorted(changes.items())],
        lambda row: row[0],
    )

    assert list(found) == sorted(model.items())
