"""Rows and columns that differ, whatever people write into tables."""

import gzip

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cas_sync.engine import table_diff
from cas_sync.engine.tables import NotCompared, TableDiff, is_table, suffix_of
from cas_sync.errors import UsageError


@pytest.fixture
def compare(tmp_path):
    """Compare two versions of a file, given as bytes."""

    def run(old, new, suffix=".csv", **options):
        for name, data in (("old", old), ("new", new)):
            if data is not None:
                (tmp_path / f"{name}{suffix}").write_bytes(data)
        a, b = (
            None if data is None else tmp_path / f"{name}{suffix}"
            for name, data in (("old", old), ("new", new))
        )
        return table_diff.compare_tables(a, b, suffix, tmp_path / "spill", **options)

    return run


def counts(found):
    assert isinstance(found, TableDiff), found
    return found.rows_added, found.rows_removed, found.rows_changed


def parquet(**columns):
    out = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), out)
    return out.getvalue().to_pybytes()


def test_rows_that_came_and_went_are_counted_and_shown(compare):
    found = compare(b"id,name\n1,a\n2,b\n", b"id,name\n2,b\n3,c\n")

    assert counts(found) == (1, 1, 0)
    assert (found.rows_old, found.rows_new) == (2, 2)
    assert (found.added, found.removed) == ([("3", "c")], [("1", "a")])


def test_rows_with_the_same_key_changed(compare):
    found = compare(
        b"id,n,m\n1,a,x\n2,b,x\n3,c,x\n", b"id,n,m\n3,c,x\n2,B,x\n4,d,x\n", key=["id"]
    )

    assert counts(found) == (1, 1, 1)
    assert found.changed == [(("2",), {"n": ("b", "B")})]
    assert found.cells_changed == {"n": 1}
    assert (found.added, found.removed) == ([("4", "d", "x")], [("1", "a", "x")])


def test_a_key_of_several_columns(compare):
    found = compare(b"a,b,n\n1,1,x\n1,2,y\n", b"a,b,n\n1,1,x\n1,2,z\n", key=["a", "b"])

    assert found.changed == [(("1", "2"), {"n": ("y", "z")})]


def test_text_is_text(compare):
    found = compare(b"id\n007\n1.0\n2026-01-01\n\n", b"id\n7\n1\n2026-1-1\n")

    assert counts(found)[:2] == (3, 4)


def test_rows_that_are_there_twice_are_counted_twice(compare):
    found = compare(b"id,n\n1,a\n1,a\n1,a\n", b"id,n\n1,a\n2,b\n2,b\n")

    assert counts(found) == (2, 2, 0)
    assert found.added == [("2", "b")] * 2


def test_another_order_of_rows_and_columns_is_no_difference(compare):
    found = compare(b"id,n\n1,a\n2,b\n", b"n,id\nb,2\na,1\n")

    assert found.is_same


def test_columns_that_came_and_went_are_told_and_rows_compared_by_the_others(compare):
    found = compare(b"id,old,n\n1,x,a\n2,x,b\n", b"id,n,new\n1,a,y\n2,c,y\n", key=["id"])

    assert (found.columns, found.columns_added, found.columns_removed) == (
        ("id", "n"),
        ("new",),
        ("old",),
    )
    assert counts(found) == (0, 0, 1)


def test_tables_without_a_common_column_have_no_common_row(compare):
    found = compare(b"a,b\n1,2\n", b"c\n1\n2\n")

    assert counts(found) == (2, 1, 0)


def test_a_repeated_key_pairs_nothing_and_is_told(compare):
    found = compare(
        b"id,n\n1,a\n1,b\n2,c\n3,d\n3,e\n", b"id,n\n1,x\n1,y\n2,z\n3,d\n3,f\n", key=["id"]
    )

    # Of the two rows 3 one is as it was, so the other is one that changed.
    assert counts(found) == (2, 2, 2)
    assert found.repeated_keys == 1
    assert [row.key for row in found.changed] == [("2",), ("3",)]


def test_an_empty_key_is_a_key(compare):
    found = compare(b"id,n\n,a\n1,b\n", b"id,n\n,z\n1,b\n", key=["id"])

    assert found.changed == [(("",), {"n": ("a", "z")})]


def test_a_null_key_of_parquet_is_a_key(compare):
    found = compare(
        parquet(id=[None, 1], n=["a", "b"]),
        parquet(id=[None, 1], n=["z", None]),
        ".parquet",
        key=["id"],
    )

    assert found.changed == [((None,), {"n": ("a", "z")}), (("1",), {"n": ("b", None)})]


@pytest.mark.parametrize("key", [["nam"], ["id", "nam"]])
def test_a_column_that_is_missing_is_refused_with_the_near_one(compare, key):
    with pytest.raises(UsageError, match="old version has no column nam") as caught:
        compare(b"id,Name\n1,a\n", b"id,Name\n1,b\n", key=key)

    assert caught.value.fix == "--key Name"
    assert caught.value.cause == "its columns: id, Name"


def test_a_key_that_only_one_version_has_is_refused(compare):
    with pytest.raises(UsageError, match="new version has no column id"):
        compare(b"id,n\n1,a\n", b"n\na\n", key=["id"])


@pytest.mark.parametrize(
    "cell",
    [
        b'"a\nb"',
        b'"a\r\nb"',
        b'"a""b"',
        b'"a,b"',
        "ä€😀".encode(),
        b"a'b",
        b"#no comment",
        b" x ",
    ],
)
def test_cells_hold_what_they_like(compare, cell):
    found = compare(b"id,n\n1," + cell + b"\n", b"id,n\n1," + cell + b"\n2," + cell + b"\n")

    assert counts(found) == (1, 0, 0)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"id,n\n1,a\n", b"\xef\xbb\xbfid,n\n1,a\n"),
        (b"id,n\n1,a\n", b"id,n\r\n1,a\r\n"),
        (b"id,n\n1,a\n", b"id,n\n1,a"),
        (b"id,n\n1,a\n", b'"id","n"\n"1","a"\n'),
        (b"id,n\n1,a\n", b"id;n\n1;a\n"),
        (b"id,n\n1,\n", b'id,n\n1,""\n'),
        (b"1,2\n3,4\n", b"\xef\xbb\xbf3,4\n1,2\n"),
    ],
    ids=["mark", "crlf", "no end", "quotes", "semicolons", "empty", "mark, no header"],
)
def test_how_a_table_is_written_is_no_difference(compare, old, new):
    assert compare(old, new).is_same


def test_a_table_of_numbers_has_no_header(compare):
    found = compare(b"1,2\n3,4\n", b"1,2\n3,5\n", key=["column1"])

    assert not found.has_header
    assert found.changed == [(("3",), {"column2": ("4", "5")})]


def test_a_first_row_that_changed_as_a_row_is_no_header(compare):
    found = compare(b"ana,3\nben,4\n", b"ana,5\nben,4\n")

    assert (found.added, found.removed) == ([("ana", "5")], [("ana", "3")])


@pytest.mark.parametrize("header", [b"id,id\n", b"id,ID\n", b"id,\n", b'a"",b\n', b"'a,`b`\n"])
def test_odd_names_of_columns(compare, header):
    found = compare(header + b"1,2\n", header + b"1,3\n")

    assert counts(found) == (1, 1, 0)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (b"", b"", (0, 0, 0)),
        (b"", b"id\n1\n", (1, 0, 0)),
        (b"id\n1\n2\n", b"", (0, 2, 0)),
        (b"id\n", b"id\n1\n", (1, 0, 0)),
        (None, b"id\n1\n", (1, 0, 0)),
        (b"id\n1\n", None, (0, 1, 0)),
    ],
)
def test_empty_and_missing_versions(compare, old, new, expected):
    assert counts(compare(old, new)) == expected


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (b"id,n\n1,a\n2\n", "the new version: line 3 has 1 cells, not 2"),
        (b"id,n\n1,a,b\n", "the new version: line 2 has 3 cells, not 2"),
        (b'id,n\n1,"a\n', "a quote in line 2 is not closed"),
        (b"id,n\n1,\xe9\n", "not UTF-8"),
        (b"i\xe9,n\n1,1\n", "the new version: it is not UTF-8 text"),
        ("id,n\n1,a\n".encode("utf-16"), "it is not UTF-8 text"),
        (b"\0\1\2", "it is not text"),
        (b"\nid,n\n1,a\n", "it begins with an empty line"),
        (b"x" * (2 << 20), "its first line is too long for a table"),
    ],
)
def test_what_is_no_table_is_told_why(compare, new, why):
    found = compare(b"id,n\n1,a\n", new)

    assert isinstance(found, NotCompared)
    assert why in found.why


def test_what_is_not_compressed_as_it_says(compare):
    assert "not compressed" in compare(gzip.compress(b"a\n"), b"a\n", ".csv.gz").why
    assert "not compressed" in compare(gzip.compress(b"a,b\n" * 99)[:20], b"", ".csv.gz").why


def test_compressed_tables(compare):
    found = compare(gzip.compress(b"id\n1\n"), gzip.compress(b"id\n1\n2\n"), ".csv.gz")

    assert counts(found) == (1, 0, 0)


def test_tables_with_tabs(compare):
    assert counts(compare(b"a\tb,c\n1\t2\n", b"a\tb,c\n1\t3\n", ".tsv")) == (1, 1, 0)


def test_parquet_of_every_kind_of_column(compare):
    columns = {
        'a, "b"': [1, 2],
        "list": [[1], [2, None]],
        "struct": [{"x": 1}, {"x": None}],
        "real": [float("nan"), 0.5],
        "bytes": [b"\0\xff", b""],
        "time": pa.array([0, 1], pa.timestamp("us", "UTC")),
    }
    old = parquet(**columns)
    new = parquet(**{**columns, "real": [float("nan"), 0.25]})

    assert compare(old, old, ".parquet").is_same
    found = compare(old, new, ".parquet", key=['a, "b"'])
    assert found.changed == [(("2",), {"real": ("0.5", "0.25")})]


def test_another_type_is_told_and_numbers_stay_equal(compare):
    found = compare(parquet(id=[1, 2]), parquet(id=[1.0, 2.0]), ".parquet")

    assert found.types_changed == {"id": ("BIGINT", "DOUBLE")}
    assert counts(found) == (0, 0, 0)


def test_numbers_that_became_text_are_compared_as_text(compare):
    found = compare(parquet(id=[7, 8]), parquet(id=["7", "008"]), ".parquet")

    assert counts(found) == (1, 1, 0)


def test_a_damaged_parquet_file_is_told(compare):
    found = compare(parquet(id=[1]), b"PAR1 and nothing else PAR1", ".parquet")

    assert found.why.startswith("the new version: ")


def test_examples_are_few_and_in_the_order_of_the_file(compare):
    rows = b"".join(b"%d,x\n" % n for n in range(500, 0, -1))
    found = compare(b"id,n\n", b"id,n\n" + rows, most=3)

    assert found.added == [("500", "x"), ("499", "x"), ("498", "x")]
    assert found.rows_added == 500


def test_what_does_not_fit_into_memory_is_put_on_the_disk(compare, tmp_path, monkeypatch):
    monkeypatch.setattr(table_diff, "MEMORY", "200MB")
    rows = [b"%d,%s\n" % (n, b"x" * 80) for n in range(600_000)]
    old, new = b"id,n\n" + b"".join(rows), b"id,n\n" + b"".join(rows[1:])

    assert counts(compare(old, new)) == (0, 1, 0)
    assert not list(tmp_path.glob("spill/*"))
    # Where the disk cannot be used, it does not fit.
    if (tmp_path / "spill").exists():
        (tmp_path / "spill").rmdir()
    (tmp_path / "spill").write_text("a file")
    assert isinstance(compare(old, new), NotCompared)


def test_nothing_but_both_files_can_be_reached(tmp_path):
    (tmp_path / "a.csv").write_text("id\n1\n")
    (tmp_path / "b.csv").write_text("id\n2\n")
    with table_diff._connect(duckdb.connect, [tmp_path / "a.csv"], tmp_path / "spill") as con:
        assert con.execute(f"SELECT * FROM '{tmp_path / 'a.csv'}'").fetchall()
        for forbidden in (
            f"SELECT * FROM '{tmp_path / 'b.csv'}'",
            f"SELECT * FROM '{tmp_path / '*.csv'}'",
            "SELECT * FROM 'http://127.0.0.1:1/a.csv'",
            f"COPY (SELECT 1) TO '{tmp_path / 'c.csv'}'",
            f"ATTACH '{tmp_path / 'd.db'}'",
            "INSTALL httpfs",
            "LOAD httpfs",
            "SET enable_external_access = true",
            "SET allowed_paths = ['/']",
            "SET autoload_known_extensions = true",
        ):
            with pytest.raises(duckdb.Error):
                con.execute(forbidden)
    assert {each.name for each in tmp_path.iterdir()} <= {"a.csv", "b.csv", "spill"}


def test_files_that_are_tables_are_told_by_their_names():
    assert is_table("a/B.CSV")
    assert suffix_of("x.csv.gz") == ".csv.gz"
    assert not is_table("csv")
    assert not is_table("a.txt")
