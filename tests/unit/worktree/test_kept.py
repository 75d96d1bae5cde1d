"""What a scan keeps of what it read: the bytes it hashed, and where files are cut."""

import os

import pytest

from cas_sync.chunking.cutter import split
from cas_sync.errors import UnavailableError
from cas_sync.formats.pieces import Piece, decode
from cas_sync.model.ids import ObjectId
from cas_sync.model.params import ChunkParams
from cas_sync.worktree import cutting, kept
from cas_sync.worktree.cutting import CutAhead
from cas_sync.worktree.hashing import FileHasher, find_pieces
from cas_sync.worktree.kept import Kept
from cas_sync.worktree.reader import FileChangedError
from tests.support.samples import noise, oid

PARAMS = ChunkParams(min_size=64, avg_size=256, max_size=1024)
BLOCK = 10_000


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch):
    monkeypatch.setattr(cutting, "BLOCK", BLOCK)


@pytest.fixture
def keeping():
    made = Kept(PARAMS)
    yield made
    made.close()


def expected(data, params=PARAMS):
    return [Piece(ObjectId.of(chunk), len(chunk)) for chunk in split([data], params)]


def scan(tree, keeping, **options):
    return tree.scan(later_s=10, hasher=FileHasher(keeping), **options)[0]


def test_the_bytes_of_a_small_file_are_kept_until_they_are_taken(tree, keeping):
    tree.write("f", b"some bytes")
    (row,) = scan(tree, keeping)

    assert keeping.take(row.content.id) == b"some bytes"
    assert keeping.take(row.content.id) is None


# One read, then blocks: their ends, and one byte beside.
@pytest.mark.parametrize(
    "size", [65, 1024, 128 << 10, (128 << 10) + 1, 14 * BLOCK - 1, 14 * BLOCK, 14 * BLOCK + 1]
)
@pytest.mark.parametrize("what", [noise, lambda _, size: bytes(size)])
def test_where_a_file_is_cut_is_kept_as_the_cutter_says(tree, keeping, size, what):
    data = what("file", size)
    tree.write("f", data)
    (row,) = scan(tree, keeping)

    assert list(decode(keeping.take_pieces(row.content.id))) == expected(data)
    assert keeping.take_pieces(row.content.id) is None
    assert keeping.take(row.content.id) is None


def test_many_files_are_cut_one_after_the_other(tree, keeping):
    bodies = {f"f{i:03}": noise(f"file {i}", 100 + 5000 * i) for i in range(60)}
    for name, data in bodies.items():
        tree.write(name, data)

    for row in scan(tree, keeping):
        found = keeping.take_pieces(row.content.id)
        assert list(decode(found)) == expected(bodies[row.path])


def test_nothing_is_kept_of_what_is_only_looked_at_again(tree, keeping):
    tree.write("small", b"small", mtime_ns=None)
    tree.write("large", noise("large", 5000), mtime_ns=None)
    rows, _ = tree.scan()
    assert all(row.racy for row in rows)

    again = scan(tree, keeping, rows=rows)

    assert [row.content for row in again] == [row.content for row in rows]
    assert all(keeping.take(row.content.id) is None for row in rows)
    assert all(keeping.take_pieces(row.content.id) is None for row in rows)


def test_a_file_that_was_touched_or_edited_is_kept(tree, keeping):
    tree.write("f", b"before")
    rows, _ = tree.scan(later_s=10)
    tree.write("f", b"after!", mtime_ns=1_700_000_000_000_000_000)

    (row,) = scan(tree, keeping, rows=rows)

    assert keeping.take(row.content.id) == b"after!"


def test_no_more_bytes_are_kept_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(kept, "_OVERHEAD", 10)
    keeping = Kept(PARAMS, bytes_room=100)
    for i in range(9):
        keeping.keep(oid(str(i)), bytes(40))

    assert [keeping.take(oid(str(i))) is not None for i in range(9)] == [True] * 2 + [False] * 7
    keeping.keep(oid("later"), bytes(40))
    assert keeping.take(oid("later")) == bytes(40)


def test_a_file_of_too_many_pieces_is_only_hashed(tree):
    keeping = Kept(PARAMS, pieces_room=1000)
    tree.write("f", noise("file", 50_000))
    (row,) = scan(tree, keeping)

    assert row.content.id == ObjectId.of(noise("file", 50_000))
    assert keeping.take_pieces(row.content.id) is None


def test_a_file_that_changes_while_it_is_read_is_kept_as_it_was_read_last(tree, keeping):
    path = tree.write("f", noise("before", 200_000))

    class Meddler(FileHasher):
        def _read(self, fd, size, kept, news):
            found = super()._read(fd, size, kept, news)
            if path.stat().st_size == 200_000:
                path.write_bytes(noise("after", 250_000))
                os.utime(path, ns=(1, 1))
            return found

    rows, _ = tree.scan(later_s=10, hasher=Meddler(keeping))

    after = noise("after", 250_000)
    assert rows[0].content.id == ObjectId.of(after)
    assert keeping.take_pieces(ObjectId.of(noise("before", 200_000))) is None
    assert list(decode(keeping.take_pieces(rows[0].content.id))) == expected(after)


def test_after_it_is_closed_nothing_is_kept(tree, keeping):
    keeping.close()
    tree.write("small", b"small")
    tree.write("large", noise("large", 5000))

    for row in scan(tree, keeping):
        assert keeping.take(row.content.id) is None
        assert keeping.take_pieces(row.content.id) is None


def test_where_a_file_is_cut_can_be_found_out_later(tree):
    data = noise("file", 100_000)
    tree.write("f", data)
    row = tree.row("f")
    ahead = CutAhead(PARAMS)

    found = find_pieces(tree.folder, row, ahead.begin())
    (tree.root / "f").write_bytes(noise("other", 100_000))
    with pytest.raises(FileChangedError):
        find_pieces(tree.folder, row, ahead.begin())
    (tree.root / "f").unlink()
    with pytest.raises(FileChangedError):
        find_pieces(tree.folder, row, ahead.begin())
    ahead.close()

    assert list(decode(found)) == expected(data)


class Taking:
    """Takes what it is given, and notes it; takes nothing before ``enough`` bytes came."""

    def __init__(self, enough=0, error=None):
        self.enough, self.error = enough, error
        self.chunks = []

    def takes(self, size):
        self.enough -= size
        return self.enough <= 0

    def take(self, oid, chunk):
        if self.error is not None:
            raise self.error
        assert ObjectId.of(chunk) == oid
        self.chunks.append(bytes(chunk))


def test_chunks_of_added_files_are_given_on_in_the_order_of_paths(tree, monkeypatch):
    monkeypatch.setattr(kept, "_BATCH_BYTES", 50)
    taking = Taking()
    data = {f"{n}": noise(f"{n}", size) for n, size in enumerate([20, 40, 5000, 10, 60_000, 7])}
    for name, content in data.items():
        tree.write(name, content)
    keeping = Kept(PARAMS, taker=taking)

    rows = scan(tree, keeping)
    keeping.finish()

    assert b"".join(taking.chunks) == b"".join(data.values())
    assert keeping.take(rows[0].content.id) is None
    assert list(decode(keeping.take_pieces(rows[2].content.id))) == expected(data["2"])
    keeping.close()


def test_what_came_before_enough_did_is_kept_as_ever(tree):
    taking = Taking(enough=30)
    tree.write("a", b"a" * 20)
    tree.write("b", b"b" * 20)
    keeping = Kept(PARAMS, taker=taking)

    first, _ = scan(tree, keeping)
    keeping.finish()

    assert taking.chunks == [b"b" * 20]
    assert keeping.take(first.content.id) == b"a" * 20
    keeping.close()


def test_changed_files_are_not_given_on(tree):
    tree.write("a", b"1")
    tree.write("b", noise("b", 5000))
    rows = tree.rows()
    tree.write("a", b"22")
    tree.write("b", noise("c", 5001))
    taking = Taking()
    keeping = Kept(PARAMS, taker=taking)

    scan(tree, keeping, rows=rows)
    keeping.finish()

    assert taking.chunks == []
    assert keeping.take(oid("22")) == b"22"
    keeping.close()


@pytest.mark.parametrize("size", [10, 5000, 300_000])
def test_who_cannot_take_a_chunk_is_heard(tree, size):
    tree.write("a", noise("a", size))
    keeping = Kept(PARAMS, taker=Taking(error=UnavailableError("no answer")))

    def publish():
        scan(tree, keeping)
        keeping.finish()

    with pytest.raises(UnavailableError):
        publish()
    keeping.close()
