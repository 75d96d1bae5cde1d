"""A file that is appended to reads as if it had been written anew each time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas_sync.formats.rows import cell
from cas_sync.model.paths import sort_key
from cas_sync.worktree import places, sealed
from cas_sync.worktree.sealed import SealedFile, SealedWriter

PARTS = ["a", "b", "a,b", 'q"x', "é", "=1", "#end", "#row", "z z", "a.b", "\U0010ffff", "10"]
PATHS = st.lists(st.sampled_from(PARTS), min_size=1, max_size=3).map("/".join)
ROWS = st.dictionaries(PATHS, st.integers(0, 9**20))
CHANGES = st.dictionaries(PATHS, st.none() | st.integers(0, 9**20), max_size=8)


@pytest.fixture(autouse=True, params=[16, 32 << 10])
def blocks(request, monkeypatch):
    """Blocks of a row or two, so that every way through them is taken."""
    monkeypatch.setattr(places, "_BLOCK", request.param)
    monkeypatch.setattr(sealed, "_TAIL", request.param)
    monkeypatch.setattr(sealed, "_BLOCK", request.param)


def in_order(rows):
    return dict(sorted(rows.items(), key=lambda each: sort_key(each[0])))


def as_lines(rows):
    return {
        path: None if value is None else f"{cell(path)},{value}"
        for path, value in in_order(rows).items()
    }


def write(folder, rows):
    with SealedWriter(str(folder / "f"), str(folder), "Head") as writer:
        for line in as_lines(rows).values():
            writer.write(line)
        writer.commit("first", fsync=False)


def read(folder):
    return SealedFile(str(folder / "f"), "Head")


@given(rows=ROWS, syncs=st.lists(CHANGES, max_size=4), asked=st.lists(PATHS))
def test_appending_is_as_writing_anew(tmp_path_factory, rows, syncs, asked):
    folder = tmp_path_factory.mktemp("sealed")
    write(folder, rows)
    for number, changes in enumerate(syncs):
        lines = as_lines(changes)
        n_rows = read(folder).append(lines.items, f"sync {number}", fsync=False)
        rows |= changes
        rows = {path: value for path, value in rows.items() if value is not None}
        assert n_rows == len(rows)
        assert read(folder).note == f"sync {number}"

    found, lines = read(folder), as_lines(rows)
    keys = [sort_key(path) for path in lines]
    assert list(found.lines()) == list(lines.values())
    assert found.n_rows == len(rows)
    with found.search() as search:
        for path in in_order(dict.fromkeys([*asked, *rows])):
            assert search.place(path)[1] == lines.get(path)
    with found.search() as search:
        for key in sorted(sort_key(path) for path in asked):
            after = next((each for each in keys if each >= key), None)
            got = search.first_from(key)
            assert (got and got[0]) == after
    assert set(found.sample([0, 0.3, 0.999])) <= set(lines.values())


@given(rows=ROWS, changes=CHANGES, share=st.floats(0, 1, exclude_max=True))
def test_a_torn_append_is_as_if_it_had_not_begun(tmp_path_factory, rows, changes, share):
    folder = tmp_path_factory.mktemp("sealed")
    write(folder, rows)
    before = (folder / "f").read_bytes()
    read(folder).append(as_lines(changes).items, "second", fsync=False)
    after = (folder / "f").read_bytes()
    torn = len(before) + int(share * (len(after) - len(before)))
    (folder / "f").write_bytes(after[:torn])

    found = read(folder)

    assert (found.note, list(found.lines())) == ("first", list(as_lines(rows).values()))
    found.append(as_lines(changes).items, "second", fsync=False)
    assert (folder / "f").read_bytes() == after


@given(rows=ROWS, changes=CHANGES, at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_never_believed(tmp_path_factory, rows, changes, at, bit):
    folder = tmp_path_factory.mktemp("sealed")
    write(folder, rows)
    first = list(read(folder).lines())
    read(folder).append(as_lines(changes).items, "second", fsync=False)
    data = bytearray((folder / "f").read_bytes())
    data[int(at * len(data))] ^= 1 << bit
    (folder / "f").write_bytes(data)

    found = read(folder)

    # A closing row that is none any more looks as if it had been torn.
    assert found.note is None or (found.note, list(found.lines())) == ("first", first)


def test_too_many_changes_are_not_appended(tmp_path):
    write(tmp_path, {"a": 1})
    before = (tmp_path / "f").read_bytes()
    many = as_lines({f"n{n:06}": n for n in range(sealed.FEW + 1)})

    assert read(tmp_path).append(many.items, "x", fsync=False) is None
    assert (tmp_path / "f").read_bytes() == before

    few = dict(list(many.items())[: sealed.FEW])
    assert read(tmp_path).append(few.items, "x", fsync=False) == sealed.FEW + 1
    assert read(tmp_path).append(as_lines({"b": 1}).items, "x", fsync=False) is None
    path = str(tmp_path / "f")
    n_rows = read(tmp_path).rewrite(
        path, as_lines({"b": 1}).items, "y", str(tmp_path), fsync=False
    )
    assert n_rows == len(list(read(tmp_path).lines())) == sealed.FEW + 2
    assert read(tmp_path).append(as_lines({"c": 1}).items, "z", fsync=False) == n_rows + 1
