import click

from cas_sync.cli.table_view import ROW_WIDTH, table_lines
from cas_sync.engine.tables import ChangedRow, TableDiff


def shown(most=10, **fields):
    return [click.unstyle(line) for line in table_lines(TableDiff(**fields), most)]


def test_rows_stand_below_their_columns():
    lines = shown(
        columns=("id", "名前"),
        rows_old=2,
        rows_new=3,
        rows_added=2,
        rows_removed=1,
        added=[("1", "日本"), ("20", "x")],
        removed=[("3", "")],
    )

    assert lines == [
        "  rows: 2 -> 3   2 added, 1 removed",
        "      id  名前",
        '    - 3   ""',
        "    + 1   日本",
        "    + 20  x",
    ]


def test_changed_cells_are_named():
    lines = shown(
        columns=("id", "n"),
        key=("id",),
        rows_changed=1,
        cells_changed={"n": 1},
        changed=[ChangedRow(("7",), {"n": (None, "NULL")})],
    )

    assert lines[0].endswith("1 changed (by id)")
    assert lines[-1] == '    ~ 7: n NULL -> "NULL"'


def test_what_is_left_out_is_counted():
    lines = shown(1, columns=("id",), rows_added=5, rows_removed=3, added=[("1",)])

    assert lines[-1] == "    ... and 6 more rows (--rows 5 shows all)"


def test_columns_and_types_are_told():
    lines = shown(
        columns=("id",),
        columns_added=("new",),
        columns_removed=("old",),
        types_changed={"id": ("BIGINT", "DOUBLE")},
    )

    assert "  columns: + new, - old, ~ id BIGINT -> DOUBLE" in lines
    assert "  rows are compared by the 1 column of both" in lines
    assert lines[0].endswith("the same in the columns that both have")


def test_the_same_rows_are_told_apart_from_the_same_bytes():
    assert shown(columns=("id",))[0].endswith(
        "only their order or how they are written differs"
    )


def test_wide_rows_are_cut():
    columns = tuple(f"column {n}" for n in range(40))
    lines = shown(columns=columns, rows_added=1, added=[("x" * 500,) * 40])

    assert max(map(len, lines)) < ROW_WIDTH + 10
    assert lines[-1].endswith("...")


def test_nothing_in_a_table_can_command_the_terminal():
    bad = "\x1b[2J\u202ea\nb\t\r"
    lines = shown(
        columns=(bad,),
        columns_added=(bad,),
        key=(bad,),
        cells_changed={bad: 1},
        added=[(bad,)],
        changed=[ChangedRow((bad,), {bad: (bad, bad)})],
    )

    assert all(char.isprintable() for line in lines for char in line)
