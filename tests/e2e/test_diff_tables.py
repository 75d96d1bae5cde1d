"""Tables that differ: rows and columns, with DuckDB and without."""

import csv
import io
import random
import shutil
import subprocess
import sys
from collections import Counter

import click
import pandas as pd
import pytest

USERS = "id,name,price\n007,a,3\n2,b,4\n3,c,5\n"


def lines(person, *args):
    return click.unstyle(person.run("diff", *args).stdout).splitlines()


def table(person, path, *args):
    (row,) = person.run("diff", "--json", *args, path).answer["rows"]
    return row["table"]


@pytest.fixture
def ana(folder):
    """Ana has published a table and changed it since."""
    ana = folder.person("Ana")
    ana.write("clean/users.csv", USERS)
    ana.write("notes.md", "one\n")
    ana.sync()
    ana.write("clean/users.csv", "id,name,price\n7,a,3\n2,b,40\n3,c,5\n")
    ana.write("notes.md", "two\n")
    return ana


def test_a_table_that_is_named_is_shown_row_by_row(ana):
    assert lines(ana, "clean/users.csv")[2:-1] == [
        "  rows: 3 -> 3   2 added, 2 removed",
        "      id   name  price",
        "    - 007  a     3",
        "    - 2    b     4",
        "    + 7    a     3",
        "    + 2    b     40",
    ]


def test_with_a_key_rows_change(ana):
    assert lines(ana, "--key", "id", "clean/users.csv")[2:-1] == [
        "  rows: 3 -> 3   1 added, 1 removed, 1 changed (by id)",
        "  changed cells: price in 1",
        "      id   name  price",
        "    - 007  a     3",
        "    + 7    a     3",
        "    ~ 2: price 4 -> 40",
    ]


def test_a_key_shows_all_tables_and_no_text(ana):
    shown = lines(ana, "--key", "id")

    assert "    ~ 2: price 4 -> 40" in shown
    assert "  -one" not in shown
    assert lines(ana, "--key", "id", "--stat") == lines(ana)


def test_a_patch_shows_tables_as_rows_and_texts_as_lines(ana):
    shown = lines(ana, "-p")

    assert "  -one" in shown
    assert "  rows: 3 -> 3   2 added, 2 removed" in shown


def test_so_many_rows_are_shown_as_was_said(ana):
    shown = lines(ana, "--rows", "1", "clean/users.csv")

    assert "    ... and 2 more rows (--rows 2 shows all)" in shown
    assert not [line for line in lines(ana, "--rows", "0") if line.startswith("    +")]


def test_scripts_get_the_counts(ana):
    assert table(ana, "clean/users.csv", "--key", "id,name") == {
        "rows_old": 3,
        "rows_new": 3,
        "rows_added": 1,
        "rows_removed": 1,
        "rows_changed": 1,
        "columns_added": [],
        "columns_removed": [],
        "types_changed": {},
        "cells_changed": {"price": 1},
        "key": ["id", "name"],
        "repeated_keys": 0,
    }
    assert "table" not in str(ana.run("diff", "--json").answer)


def test_a_missing_column_is_a_mistake_for_one_table_and_told_among_several(ana):
    error = ana.run("diff", "--json", "--key", "nam", "clean/users.csv", exit=2).last
    assert (error["fix"], error["cause"]) == ("--key name", "its columns: id, name, price")

    ana.write("other.csv", "key\n1\n")
    ana.sync()
    ana.write("other.csv", "key\n2\n")
    ana.write("clean/users.csv", USERS)
    shown = lines(ana, "--key", "id")
    assert any("not compared as a table: the old version has no column id" in x for x in shown)
    assert "    ~ 2: price 40 -> 4" in shown


def test_both_versions_of_a_table_may_be_in_the_store(place):
    ana = place.person("Ana")
    frame = pd.DataFrame({"id": range(1000), "x": [0.5] * 1000})
    for n in range(2):
        buffer = io.BytesIO()
        frame.assign(x=frame.x.where(frame.id != 7, float(n))).to_parquet(buffer)
        ana.write("deep/a.parquet", buffer.getvalue())
        ana.sync()
    shutil.rmtree(ana.data)

    shown = lines(ana, "@~1", "@", "deep/a.parquet", "--key", "id")

    assert "  rows: 1,000 -> 1,000   1 changed (by id)" in shown
    assert "    ~ 7: x 0.0 -> 1.0" in shown


def test_tables_that_came_or_went_are_counted(ana):
    ana.write("new.csv", "id\n1\n2\n")
    ana.delete("clean/users.csv")
    shown = lines(ana, "-p")

    assert "  rows: 0 -> 2   2 added" in shown
    assert "  columns: + id" in shown
    assert "  rows: 3 -> 0   3 removed" in shown


def test_what_is_no_table_is_told_and_shown_as_text(ana):
    ana.write("clean/users.csv", USERS + "4\n")
    shown = lines(ana, "clean/users.csv")

    assert "  not compared as a table: the new version: line 5 has 1 cells, not 3" in shown
    assert "  +4" in shown


def test_nothing_in_a_table_can_command_the_terminal(ana):
    ana.write("clean/users.csv", "id,name,price\n1,\x1b[2J\u202e,\x9b\n")

    shown = "\n".join(lines(ana, "clean/users.csv"))
    assert "\\x1b[2J" in shown
    assert not {"\x1b", "\u202e", "\x9b"} & set(shown)


def test_a_table_whose_name_is_a_pattern_is_that_table(ana):
    for name in ("u*.csv", "users.csv", "u[s].csv", "it's.csv"):
        ana.write(name, "id,n\n1,a\n")
    ana.sync()
    ana.write("u*.csv", "id,n\n1,b\n")
    ana.write("it's.csv", "id,n\n1,b\n")

    assert table(ana, "u*.csv")["rows_old"] == table(ana, "it's.csv")["rows_new"] == 1


def test_no_temporary_file_is_left(ana, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temp"))
    (tmp_path / "temp").mkdir()

    result = ana.process("diff", "clean/users.csv", env={"TMPDIR": str(tmp_path / "temp")})

    assert "2 added, 2 removed" in result.stdout
    assert not list((tmp_path / "temp").iterdir())


def test_without_duckdb_it_says_what_to_install_and_shows_lines(ana, tmp_path):
    (tmp_path / "duckdb.py").write_text("raise ImportError('there is none')")

    result = ana.process("diff", "clean/users.csv", env={"PYTHONPATH": str(tmp_path)})

    assert "  to compare rows and columns:  pip install 'cas-sync[tables]'\n" in result.stdout
    assert "  -007,a,3\n" in result.stdout
    assert "Traceback" not in result.stderr


def test_duckdb_is_not_loaded_where_no_table_is_compared(ana):
    code = (
        "import sys; from cas_sync.cli.main import group; "
        "group.main(['diff', '-p', 'notes.md'], standalone_mode=False); "
        "sys.exit('duckdb' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ana.project, env=ana.env, check=False
    )
    assert done.returncode == 0


def test_counts_are_those_of_a_multiset(ana):
    random_ = random.Random(7)
    for _ in range(8):
        old, new = (
            [
                [random_.choice(["", "a", "b,", '"', "\n", "7", "07"]) for _ in range(2)]
                for _ in range(random_.randint(0, 30))
            ]
            for _ in range(2)
        )
        for rows in (old, new):
            text = io.StringIO()
            csv.writer(text).writerows([["x", "y"], *rows])
            ana.write("t.csv", text.getvalue())
            ana.sync()
        a, b = (Counter(map(tuple, rows)) for rows in (old, new))
        if old == new:
            continue
        found = table(ana, "t.csv", "@~1", "@")
        assert found["rows_added"] == (b - a).total()
        assert found["rows_removed"] == (a - b).total()
