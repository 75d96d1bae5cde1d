"""pandas, pyarrow, DuckDB, UPath and fsspec's caches read any version as it was synced then."""

import gc
import io
import pickle
import subprocess
import sys

import duckdb
import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from upath import UPath

from cas_sync.api.filesystem import CasFileSystem


def table(first: int, n: int = 500) -> pd.DataFrame:
    """Return rows that are like no others."""
    return pd.DataFrame({
        "id": range(first, first + n),
        "region": [("north", "south")[i % 2] for i in range(n)],
        "amount": [i * 0.5 + first for i in range(n)],
    })  # fmt: skip


def parquet(frame: pd.DataFrame) -> bytes:
    """Return rows as the bytes of a Parquet file."""
    out = io.BytesIO()
    frame.to_parquet(out, index=False)
    return out.getvalue()


class Story:
    """Somebody whose files changed since they were tagged v1; the process is in their project.

    Attributes:
        then: Bytes by path, as they were in the first commit.
        now: Bytes by path, as they are in the second.
    """

    def __init__(self, person) -> None:
        self.person = person
        self.then = {
            "raw/x.csv": table(0).to_csv(index=False).encode(),
            "raw/y.csv": table(1000).to_csv(index=False).encode(),
            "raw/deep/z.csv": table(5000).to_csv(index=False).encode(),
            "tables/a.parquet": parquet(table(0)),
            "tables/b.parquet": parquet(table(1000)),
            "readme.txt": b"first\n",
        }
        self.now = {
            **self.then,
            "raw/x.csv": table(70_000).to_csv(index=False).encode(),
            "tables/a.parquet": parquet(table(70_000)),
            "tables/c.parquet": parquet(table(2000)),
            "readme.txt": b"second\n",
        }
        del self.now["raw/y.csv"]
        for path, data in self.then.items():
            person.write(path, data)
        person.sync("-m", "first")
        person.delete("raw/y.csv")
        for path, data in self.now.items():
            person.write(path, data)
        person.sync("-m", "second")
        self.v1 = person.log()[1]["id"]


@pytest.fixture
def story(place, monkeypatch):
    """Return the story on each kind of store, and forget its filesystems afterwards."""
    told = Story(place.person("ana"))
    monkeypatch.chdir(told.person.project)
    yield told
    CasFileSystem.clear_instance_cache()
    gc.collect()


@pytest.fixture
def here(folder, monkeypatch):
    """Return the same on a folder store, where the kind of store does not matter."""
    told = Story(folder.person("ana"))
    monkeypatch.chdir(told.person.project)
    yield told
    CasFileSystem.clear_instance_cache()
    gc.collect()


# -- the libraries ------------------------------------------------------------------------


def test_fsspec_reads_every_file_of_an_old_revision_as_it_was_synced_then(story):
    old = fsspec.filesystem("cas", rev="@~1")

    assert {path: old.cat_file(path) for path in old.find("")} == story.then
    with fsspec.open("cas://raw/x.csv") as file:
        assert file.read() == story.now["raw/x.csv"]
    with fsspec.open(f"cas://{story.v1[:8]}@raw/x.csv") as file:
        assert file.read() == story.then["raw/x.csv"]
    with fsspec.open("cas://@~1@readme.txt", "rt") as file:
        assert file.read() == "first\n"


def test_pandas_reads_csv_and_parquet_of_any_revision(story):
    rev = {"rev": "@~1"}

    pd.testing.assert_frame_equal(pd.read_csv("cas://raw/x.csv"), table(70_000))
    pd.testing.assert_frame_equal(pd.read_csv("cas://@~1@raw/x.csv"), table(0))
    pd.testing.assert_frame_equal(pd.read_csv("cas://raw/x.csv", storage_options=rev), table(0))
    pd.testing.assert_frame_equal(pd.read_csv("cas://#1@raw/y.csv"), table(1000))
    found = pd.read_parquet("cas://tables/a.parquet")
    pd.testing.assert_frame_equal(found, table(70_000), check_dtype=False)
    found = pd.read_parquet("cas://tables/a.parquet", storage_options=rev, columns=["amount"])
    pd.testing.assert_frame_equal(found, table(0)[["amount"]])
    found = pd.read_parquet("cas://@~1@tables/b.parquet", filters=[("id", "<", 1010)])
    assert found["id"].tolist() == list(range(1000, 1010))


def test_a_tag_names_a_revision_for_pandas(story):
    story.person.run("tag", "v1", "@~1")

    pd.testing.assert_frame_equal(pd.read_csv("cas://v1@raw/x.csv"), table(0))


def test_pyarrow_reads_datasets_with_columns_and_filters(story):
    old = fsspec.filesystem("cas", rev="@~1")

    tables = ds.dataset("tables", filesystem=old)

    assert sorted(tables.files) == ["tables/a.parquet", "tables/b.parquet"]
    found = tables.to_table(columns=["amount"], filter=ds.field("id") >= 1490)
    assert found.to_pydict() == {"amount": [495.0 + 0.5 * i + 1000 - 250 for i in range(10)]}
    assert len(ds.dataset("@~1@tables", filesystem=fsspec.filesystem("cas")).files) == 2
    assert len(ds.dataset("tables", filesystem=fsspec.filesystem("cas")).files) == 3
    csv = ds.dataset("raw", filesystem=old, format="csv")
    assert csv.count_rows() == 1500
    found = pq.read_table("tables/a.parquet", filesystem=old)
    assert found.column("id").to_pylist() == list(range(500))


def test_duckdb_reads_globs_and_joins_two_revisions(story):
    with duckdb.connect() as db:
        db.register_filesystem(fsspec.filesystem("cas"))
        ids = "select id from '{}' order by id"

        now = db.sql(ids.format("cas://tables/*.parquet")).fetchall()
        old = db.sql(ids.format("cas://@~1@tables/*.parquet")).fetchall()
        csv = db.sql("select sum(amount) from 'cas://@~1@raw/*.csv'").fetchall()
        same = db.sql(
            "select count(*) from 'cas://@@tables/b.parquet' semi join "
            "'cas://@~1@tables/b.parquet' using (id)"
        ).fetchall()

    assert [i for (i,) in now] == [*range(1000, 1500), *range(2000, 2500), *range(70000, 70500)]
    assert [i for (i,) in old] == [*range(500), *range(1000, 1500)]
    assert csv == [(table(0)["amount"].sum() + table(1000)["amount"].sum(),)]
    assert same == [(500,)]


def test_duckdb_reads_a_filesystem_at_a_revision(story):
    with duckdb.connect() as db:
        db.register_filesystem(fsspec.filesystem("cas", rev="@~1"))

        assert db.sql("from 'cas://raw/x.csv' limit 1").fetchall()[0][0] == 0
        with pytest.raises(duckdb.Error, match="No files found"):
            db.sql("from 'cas://raw/z.csv'").fetchall()


def test_upath_is_a_path_with_a_revision(story):
    old = UPath("cas://@~1@raw")

    assert (old / "x.csv").read_bytes() == story.then["raw/x.csv"]
    assert sorted(path.name for path in old.iterdir()) == ["deep", "x.csv", "y.csv"]
    assert sorted(path.name for path in old.glob("*.csv")) == ["x.csv", "y.csv"]
    assert [path.read_bytes() for path in old.glob("**/z.csv")] == [
        story.then["raw/deep/z.csv"]
    ]
    assert (old / "x.csv").name == "x.csv"
    assert (str(old.parent / "readme.txt"), old.name) == ("cas://@~1@/readme.txt", "raw")
    assert (old.parent / "readme.txt").read_text() == "first\n"
    assert pickle.loads(pickle.dumps(old / "x.csv")).read_bytes() == story.then["raw/x.csv"]
    assert UPath("cas://readme.txt").read_text() == "second\n"
    assert UPath("cas://readme.txt", rev="@~1").read_text() == "first\n"
    assert UPath("cas://@~1@readme.txt").stat().st_size == 6
    assert not (old / "w.csv").exists()
    assert old.is_dir()


def test_fsspecs_caches_keep_revisions_apart(story, tmp_path):
    kept = {"simplecache": {"cache_storage": str(tmp_path / "kept")}}
    for _ in range(2):
        with fsspec.open("simplecache::cas://@~1@readme.txt", **kept) as file:
            assert file.read() == b"first\n"
        with fsspec.open("simplecache::cas://readme.txt", **kept) as file:
            assert file.read() == b"second\n"

    with fsspec.open("filecache::cas://raw/x.csv", cas={"rev": "@~1"}) as file:
        assert file.read() == story.then["raw/x.csv"]
    fsspec.filesystem("cas").get("@~1@tables", str(tmp_path / "got"), recursive=True)
    assert (tmp_path / "got" / "a.parquet").read_bytes() == story.then["tables/a.parquet"]


def test_the_libraries_find_the_protocol_without_importing_us(here):
    code = (
        "import sys, pandas as pd; assert 'cas_sync' not in sys.modules; "
        "print(len(pd.read_csv('cas://@~1@raw/y.csv')))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], env=here.person.env, capture_output=True, text=True,
        check=True,
    )  # fmt: skip

    assert ran.stdout == "500\n"


# -- parts of files -----------------------------------------------------------------------


@pytest.fixture
def large(place, monkeypatch):
    """Return somebody with a Parquet file of 40 MB: 10 row groups of 4 columns."""
    ana = place.person("ana")
    n = 1_300_000
    random = np.random.default_rng(4)
    rows = pa.table({name: random.random(n) for name in "abcd"})
    path = ana.write("large.parquet", b"")
    pq.write_table(rows, path, row_group_size=n // 10, compression="none", use_dictionary=False)
    ana.sync()
    monkeypatch.chdir(ana.project)
    monkeypatch.setenv("CAS_SYNC_CACHE_DIR", str(ana.home / "another-cache"))
    yield rows, path.stat().st_size
    CasFileSystem.clear_instance_cache()
    gc.collect()


def test_one_column_of_one_row_group_downloads_a_fraction(large):
    rows, size = large
    fs = fsspec.filesystem("cas")

    with pq.ParquetFile("large.parquet", filesystem=fs) as file:
        found = file.read_row_group(6, columns=["c"])

    assert found.column("c").to_pylist() == rows.column("c").to_pylist()[780_000:910_000]
    down = fs.tree.traffic().bytes_down
    assert size > 40_000_000
    assert 1_000_000 < down < size * 0.05
