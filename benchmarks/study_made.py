"""Tables, databases, arrays and workbooks, made from a seed and edited as people do."""

import io
import random
import shutil
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.study_family import Family, edits_of

SEED = 5
ROWS = 1_000_000


def table(n: int, seed: int) -> pd.DataFrame:
    """Return measurements as analysts have them: ``n`` rows, five columns."""
    g = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "time": pd.date_range("2024-01-01", periods=n, freq="s"),
            "customer": g.integers(0, 50_000, n),
            "score": g.normal(size=n),
            "price": np.round(g.gamma(2, 30, n), 2),
            "city": g.choice(["Aachen", "Berlin", "Hamburg", "Ulm"], n),
        }
    )


def csv(work: Path, name: str, lines: list[str]) -> Family:
    """Return a table as lines of text, and edits of it."""
    header, *rows = lines
    n = len(rows)
    kept, extra = rows[: n - n // 100], rows[n - n // 100 :]

    def write(made: Callable[[], list[str]]) -> Callable[[Path], None]:
        def make(root: Path) -> None:
            (root / "table.csv").write_text("".join([header, *made()]), newline="")

        return make

    def changed() -> list[str]:
        out, rng = list(kept), random.Random(SEED)
        for i in rng.sample(range(len(out)), len(out) // 100):
            cells = out[i].split(",")
            cells[len(cells) // 2] = str(rng.randrange(10_000))
            out[i] = ",".join(cells)
        return out

    def resorted() -> list[str]:
        at, end = n // 3, n // 3 + n // 10
        middle = sorted(kept[at:end], key=lambda line: line.split(",")[2])
        return [*kept[:at], *middle, *kept[end:]]

    return edits_of(
        work,
        name,
        {
            "": write(lambda: kept),
            "1 % appended": write(lambda: kept + extra),
            "a row put in near the start": write(lambda: [*kept[:100], extra[0], *kept[100:]]),
            "a value in 1 % of rows": write(changed),
            "a tenth sorted anew": write(resorted),
        },
    )


def parquet(work: Path, name: str, frame: pd.DataFrame, options: dict[str, object]) -> Family:
    """Return a table as one Parquet file, and edits of it; ``options`` go to pyarrow."""
    n = len(frame) - len(frame) // 100
    kept, extra = frame[:n], frame[n:]

    def write(made: Callable[[], pd.DataFrame]) -> Callable[[Path], None]:
        def make(root: Path) -> None:
            made().to_parquet(root / "table.parquet", index=False, **options)

        return make

    def changed() -> pd.DataFrame:
        out, g = kept.copy(), np.random.default_rng(SEED)
        at = g.choice(n, n // 100, replace=False)
        out.loc[at, "price"] = np.round(g.gamma(2, 30, len(at)), 2)
        return out

    def resorted() -> pd.DataFrame:
        at, end = n // 3, n // 3 + n // 10
        return pd.concat([kept[:at], kept[at:end].sort_values("price"), kept[end:]])

    return edits_of(
        work,
        name,
        {
            "": write(lambda: kept),
            "1 % appended": write(lambda: frame),
            "a row put in near the start": write(
                lambda: pd.concat([kept[:100], extra[:1], kept[100:]])
            ),
            "a value in 1 % of rows": write(changed),
            "a tenth sorted anew": write(resorted),
        },
    )


def sqlite(work: Path) -> Family:
    """Return a database with an index, and edits of it."""
    n = ROWS // 3

    def rows(count: int, seed: int) -> Iterator[tuple[int, float, str]]:
        rng = random.Random(seed)
        for _ in range(count):
            note = f"order {rng.getrandbits(40):x} of {rng.choice(('Ann', 'Ben', 'Cleo'))}"
            yield rng.randrange(50_000), rng.random(), note

    def first(root: Path) -> None:
        with sqlite3.connect(root / "data.sqlite") as db:
            db.execute("create table t (id integer primary key, who int, x real, note text)")
            db.execute("create index i on t (who)")
            db.executemany("insert into t (who, x, note) values (?, ?, ?)", rows(n, SEED))
        db.close()

    def edit(*statements: str, extra: int = 0) -> Callable[[Path], None]:
        def make(root: Path) -> None:
            shutil.copy(root.parent / "00" / "data.sqlite", root)
            db = sqlite3.connect(root / "data.sqlite", isolation_level=None)
            db.execute("begin")
            db.executemany("insert into t (who, x, note) values (?, ?, ?)", rows(extra, 1))
            for each in statements:
                if each == "vacuum":
                    db.execute("commit")
                db.execute(each)
            if db.in_transaction:
                db.execute("commit")
            db.close()

        return make

    # 2654435761 spreads the chosen rows over the table (Knuth's multiplicative hash).
    some = "(id * 2654435761) % 100 = 7"
    return edits_of(
        work,
        "SQLite",
        {
            "": first,
            "1 % inserted": edit(extra=n // 100),
            "1 % deleted": edit(f"delete from t where {some}"),
            "1 % updated": edit(f"update t set x = x + 1 where {some}"),
            "newest 1 % updated": edit(f"update t set x = x + 1 where id > {n - n // 100}"),
            "1 % deleted, vacuum": edit(f"delete from t where {some}", "vacuum"),
        },
    )


def arrays(work: Path) -> Family:
    """Return an array of normal values, and edits of it."""
    values = np.random.default_rng(SEED).normal(size=(100_000, 160)).astype("f4")

    def write(made: Callable[[], np.ndarray]) -> Callable[[Path], None]:
        return lambda root: np.save(root / "array.npy", made())

    def changed() -> np.ndarray:
        out = values.copy()
        out[40_000:40_100] = 0
        return out

    return edits_of(
        work,
        "npy, float32",
        {
            "": write(lambda: values),
            "a row put in near the start": write(
                lambda: np.concatenate([values[:100], values[:1] + 1, values[100:]])
            ),
            "100 rows of 100,000 set": write(changed),
        },
    )


def workbook(work: Path) -> Family:
    """Return a zip of XML sheets, compressed as spreadsheet programs do."""

    def sheet(number: int, *, is_edited: bool) -> bytes:
        rng = random.Random(SEED + number)
        out = io.StringIO()
        for row in range(40_000):
            cells = "".join(f"<c><v>{rng.randrange(10_000)}</v></c>" for _ in range(8))
            out.write(f'<row r="{row}">{cells}</row>\n')
            if is_edited and row == 100:
                out.write('<row r="x"><c><v>7</v></c></row>\n')
        return out.getvalue().encode()

    def write(*, is_edited: bool) -> Callable[[Path], None]:
        def make(root: Path) -> None:
            with zipfile.ZipFile(root / "book.xlsx", "w", zipfile.ZIP_DEFLATED) as book:
                for number in range(4):
                    edited = is_edited and number == 1
                    info = zipfile.ZipInfo(f"xl/worksheets/sheet{number}.xml")
                    info.compress_type = zipfile.ZIP_DEFLATED
                    book.writestr(info, sheet(number, is_edited=edited))

        return make

    edits = {"": write(is_edited=False), "a row in 1 of 4 sheets": write(is_edited=True)}
    return edits_of(work, "workbook (zip)", edits)
