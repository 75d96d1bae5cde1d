"""Which rows and columns differ between two tables in files; the only user of DuckDB.

DuckDB may read the two files and write to one temporary folder, and nothing else: no other
file, no network, no extension. Rows are compared as a multiset; where a key is given, a row
that went and one that came with the same key are one row that changed.
"""

import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from cas_sync.engine.diff_contents import Contents
from cas_sync.engine.table_files import (
    NOTHING,
    Table,
    csv_table,
    first_record,
    quoted,
    quoted_name,
)
from cas_sync.engine.tables import ChangedRow, NotCompared, TableDiff, suffix_of
from cas_sync.errors import UsageError
from cas_sync.plan.near import near_names
from cas_sync.plan.renames import TreeChange
from cas_sync.plan.table_shape import Shape, has_header

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY = "1GB"
"""What does not fit is put into temporary files."""

_CELL_CHARS = 500
_CELLS = re.compile(r"Line: (\d+)\b.*Expected Number of Columns: (\d+) Found: (\d+)", re.DOTALL)
_LINE = re.compile(r"Line: (\d+)\b")
_NUMERIC = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL\(.*\)")


_MISSING = NotCompared("DuckDB is not installed", is_missing=True)


def compare_versions(
    contents: Contents, change: TreeChange, *, key: Sequence[str] = (), most: int = 10
) -> TableDiff | NotCompared:
    """Return what differs between both versions of a table.

    Args:
        contents: Reads them.
        change: The file; `is_table` is true of its path.
        key: Columns that say which row is which; none to compare whole rows.
        most: How many rows of each kind are given as examples.

    Raises:
        UsageError: One of the versions has no such column as ``key`` names.
        DamageError, WorktreeError: A version cannot be read.
    """
    if find_spec("duckdb") is None:
        return _MISSING
    suffix = suffix_of(change.path)
    with TemporaryDirectory(prefix="cas-sync-") as temp:
        files = [
            contents.as_file(change, of_new=of_new, target=Path(temp, name + suffix))
            if content is not None
            else None
            for of_new, content, name in (
                (False, change.before, "old"),
                (True, change.after, "new"),
            )
        ]
        spill = Path(temp, "spill")
        return compare_tables(files[0], files[1], suffix, spill, key=key, most=most)


def compare_tables(
    old: Path | None,
    new: Path | None,
    suffix: str,
    temp: Path,
    *,
    key: Sequence[str] = (),
    most: int = 10,
) -> TableDiff | NotCompared:
    """Return what differs between two tables.

    All cells of a CSV file are text: ``007`` is not ``7``.

    Args:
        old: The earlier version; its name must be no pattern. `None` where there is none.
        new: The later one, likewise.
        suffix: How both are written: see `suffix_of`.
        temp: A folder for temporary files; made when it is needed.
        key: Columns that say which row is which; none to compare whole rows.
        most: How many rows of each kind are given as examples.

    Raises:
        UsageError: One of the tables has no such column as ``key`` names.
    """
    try:
        import duckdb  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        return _MISSING
    try:
        files = [each for each in (old, new) if each is not None]
        with _connect(duckdb.connect, files, temp) as connection:
            return _Comparing(connection, most).run(old, new, suffix, tuple(key))
    except duckdb.InterruptException:
        raise KeyboardInterrupt from None
    except duckdb.Error as error:
        return NotCompared(_explained(str(error), old, new))


def _connect(connect: Any, files: Sequence[Path], temp: Path) -> "DuckDBPyConnection":
    connection: DuckDBPyConnection = connect(
        ":memory:",
        config={
            "memory_limit": MEMORY,
            "threads": "4",  # each needs its share of the memory
            "temp_directory": str(temp),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",
        },
    )
    allowed = ", ".join(quoted(str(each)) for each in files)
    connection.execute(f"SET allowed_paths = [{allowed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _explained(message: str, old: Path | None, new: Path | None) -> str:
    """Return what DuckDB said in one line: which version, and what is the matter with it."""
    which = ""
    for path, name in ((old, "the old version: "), (new, "the new version: ")):
        if path is not None and str(path) in message:
            which = name
    if match := _CELLS.search(message):
        return f"{which}line {match[1]} has {match[3]} cells, not {match[2]}"
    if "unterminated quote" in message and (match := _LINE.search(message)):
        return f"{which}a quote in line {match[1]} is not closed where CSV wants it"
    if "not utf-8 encoded" in message:
        return f"{which}it is not UTF-8 text"
    if "strict mode" in message:
        return f"{which}it is not CSV as RFC 4180 has it; its line ends may be mixed"
    first = message.partition("\n")[0]
    return which + first[:300]


class _Comparing:
    """Compares two tables through one connection to DuckDB.

    Args:
        connection: May read both files.
        most: How many rows of each kind are given as examples.
    """

    def __init__(self, connection: "DuckDBPyConnection", most: int) -> None:
        self._connection = connection
        self._most = most

    def run(
        self, old: Path | None, new: Path | None, suffix: str, key: tuple[str, ...]
    ) -> TableDiff | NotCompared:
        """Return what differs."""
        has_names = True
        if suffix == ".parquet":
            a, b = self._parquet(old), self._parquet(new)
        else:
            shapes = first_record(old, suffix), first_record(new, suffix)
            for shape, which in zip(shapes, ("old", "new"), strict=True):
                if isinstance(shape, str):
                    return NotCompared(f"the {which} version: {shape}")
            first, second = (each for each in shapes if isinstance(each, Shape))
            has_names = has_header(first.cells, second.cells, key)
            a = csv_table(old, first, suffix, are_names=has_names)
            b = csv_table(new, second, suffix, are_names=has_names)
        _refuse_missing(key, a, b)
        found = TableDiff(
            tuple(name for name in a.columns if name in b.columns),
            tuple(name for name in b.columns if name not in a.columns),
            tuple(name for name in a.columns if name not in b.columns),
            has_header=has_names,
            key=key,
        )
        for name in found.columns:
            types = a.columns[name][1], b.columns[name][1]
            if types[0] != types[1]:
                found.types_changed[name] = types
        found.rows_old, found.rows_new = self._count(a), self._count(b)
        if found.columns:
            self._gather(a, b, found)
        else:
            found.rows_added, found.rows_removed = found.rows_new, found.rows_old
        return found

    def _parquet(self, path: Path | None) -> Table:
        if path is None:
            return NOTHING
        source = f"read_parquet({quoted(str(path))}, hive_partitioning = false)"
        rows = self._connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
        return Table(source, {row[0]: (quoted_name(row[0]), row[1]) for row in rows})

    def _count(self, table: Table) -> int:
        return self._number(f"SELECT count(*) FROM {table.source}") if table.source else 0

    def _number(self, query: str) -> int:
        row = self._connection.execute(query).fetchone()
        return int(row[0] or 0) if row else 0

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(query).fetchall()

    def _gather(self, a: Table, b: Table, found: TableDiff) -> None:
        """Note the rows that differ: each once, with how many more the new table has of it."""
        columns = [f"c{n}" for n in range(len(found.columns))]
        sides = " UNION ALL ".join(
            f"SELECT {_selected(table, found)}, {sign} AS n, row_number() OVER () AS place "
            f"FROM {table.source}"
            for table, sign in ((a, -1), (b, 1))
            if table.source
        )
        names = ", ".join(columns)
        self._connection.execute(
            f"CREATE TEMP TABLE d AS SELECT {names}, CAST(sum(n) AS BIGINT) AS n, "
            f"min(place) AS place FROM ({sides}) GROUP BY {names} HAVING sum(n) <> 0"
        )
        found.rows_added = self._number("SELECT sum(n) FROM d WHERE n > 0")
        found.rows_removed = self._number("SELECT -sum(n) FROM d WHERE n < 0")
        unpaired = ""
        if found.key:
            keys = [columns[found.columns.index(name)] for name in found.key]
            self._pair(keys, columns, found)
            unpaired = f"AND NOT EXISTS (SELECT 1 FROM k WHERE {_equal('k', 'd', keys)})"
        texts = ", ".join(map(_shown, columns))
        for rows, sign in ((found.added, ">"), (found.removed, "<")):
            query = f"SELECT {texts}, abs(n) FROM d WHERE n {sign} 0 {unpaired} ORDER BY place"
            for *cells, n in self._rows(f"{query} LIMIT {self._most}"):
                rows.extend([tuple(cells)] * min(n, self._most - len(rows)))

    def _pair(self, keys: list[str], columns: list[str], found: TableDiff) -> None:
        """Note which of the rows that differ are one row that changed."""
        by_key = (
            f"SELECT {', '.join(keys)}, sum(greatest(n, 0)) AS came, "
            f"sum(greatest(-n, 0)) AS went FROM d GROUP BY {', '.join(keys)}"
        )
        self._connection.execute(
            f"CREATE TEMP TABLE k AS SELECT * FROM ({by_key}) WHERE came = 1 AND went = 1"
        )
        found.repeated_keys = self._number(
            f"SELECT count(*) FROM ({by_key}) WHERE came > 0 AND went > 0 AND came + went > 2"
        )
        found.rows_changed = self._number("SELECT count(*) FROM k")
        found.rows_added -= found.rows_changed
        found.rows_removed -= found.rows_changed
        rest = [each for each in columns if each not in keys]
        if not rest:
            return
        pairs = (
            f"FROM k JOIN d AS a ON {_equal('k', 'a', keys)} AND a.n < 0 "
            f"JOIN d AS b ON {_equal('k', 'b', keys)} AND b.n > 0"
        )
        differs = [f"a.{each} IS DISTINCT FROM b.{each}" for each in rest]
        names = [found.columns[columns.index(each)] for each in rest]
        counts = ", ".join(f"count(*) FILTER (WHERE {each})" for each in differs)
        numbers = self._rows(f"SELECT {counts} {pairs}")[0]
        found.cells_changed = {name: n for name, n in zip(names, numbers, strict=True) if n}
        texts = ", ".join(_shown(f"k.{each}") for each in keys)
        cells = ", ".join(
            f"{differ}, {_shown(f'a.{each}')}, {_shown(f'b.{each}')}"
            for each, differ in zip(rest, differs, strict=True)
        )
        query = f"SELECT {texts}, {cells} {pairs} ORDER BY b.place LIMIT {self._most}"
        for row in self._rows(query):
            triples = [row[at : at + 3] for at in range(len(keys), len(row), 3)]
            changed = {
                name: (before, after)
                for name, (is_other, before, after) in zip(names, triples, strict=True)
                if is_other
            }
            found.changed.append(ChangedRow(row[: len(keys)], changed))


def _selected(table: Table, found: TableDiff) -> str:
    parts = []
    for n, name in enumerate(found.columns):
        column = table.columns[name][0]
        types = found.types_changed.get(name)
        if types is not None and not all(map(_NUMERIC.fullmatch, types)):
            column = f"CAST({column} AS VARCHAR)"
        parts.append(f"{column} AS c{n}")
    return ", ".join(parts)


def _refuse_missing(key: Sequence[str], old: Table, new: Table) -> None:
    for table, which in ((old, "old"), (new, "new")):
        for name in key:
            if name in table.columns or not table.columns:
                continue
            known = ", ".join(list(table.columns)[:20])
            meant = near_names(name, table.columns)
            raise UsageError(
                f"the {which} version has no column {name}",
                cause=f"its columns: {known}",
                fix=f"--key {meant[0]}" if meant else "name one of them, or leave --key out",
            )


def _equal(a: str, b: str, columns: Sequence[str]) -> str:
    return " AND ".join(f"{a}.{each} IS NOT DISTINCT FROM {b}.{each}" for each in columns)


def _shown(column: str) -> str:
    return f"left(CAST({column} AS VARCHAR), {_CELL_CHARS})"
