"""Objects come whole and in order; memory does not grow with them."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cas_sync.engine import read_ahead
from cas_sync.engine.read_ahead import ReadAhead
from cas_sync.model.foreign import ForeignObject
from tests.support.samples import noise


class Store:
    """Serves bytes by key, and counts what is asked for and not yet taken."""

    def __init__(self, contents):
        self.contents = contents
        self.asked = self.n_asked = 0
        self._lock = threading.Lock()

    def read_foreign(self, key, offset, length):
        with self._lock:
            self.asked += length
            self.n_asked += 1
        data = self.contents.get(key, b"")[offset : offset + length]
        return data if len(data) == length else None


@pytest.fixture
def pool():
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(read_ahead, "RANGE", 100)
    monkeypatch.setattr(read_ahead, "WINDOW", 1000)
    monkeypatch.setattr(read_ahead, "MOST", 20)


def objects_of(contents):
    return [ForeignObject(key, len(data), 0) for key, data in contents.items()]


def test_objects_come_whole_and_in_order(pool):
    contents = {str(n): noise(str(n), n * 37 % 450) for n in range(60)}
    objects = objects_of(contents)
    ahead = ReadAhead(Store(contents), pool, objects)

    for each in objects:
        assert b"".join(ahead.blocks(each)) == contents[each.key]


def test_only_so_many_are_asked_for_ahead(pool):
    contents = {str(n): b"x" for n in range(100)}
    store, objects = Store(contents), objects_of(contents)
    ahead = ReadAhead(store, pool, objects)

    for n, each in enumerate(objects):
        assert list(ahead.blocks(each)) == [b"x"]
        assert store.n_asked <= n + 20 + 1


def test_only_so_much_is_asked_for_ahead(pool):
    contents = {str(n): noise(str(n), 333) for n in range(60)}
    store, objects = Store(contents), objects_of(contents)
    ahead = ReadAhead(store, pool, objects)
    taken = 0

    for each in objects:
        for block in ahead.blocks(each):
            taken += len(block)
            assert store.asked <= taken + 1000 + 100


def test_what_is_gone_or_shorter_comes_short_and_the_next_is_not_touched_by_it(pool):
    contents = {"a": b"a" * 350, "b": b"b" * 350, "c": b"c" * 350}
    objects = objects_of(contents)
    store = Store({"a": b"a" * 350, "b": b"b" * 150, "c": b"c" * 350})
    ahead = ReadAhead(store, pool, objects)

    found = [b"".join(ahead.blocks(each)) for each in objects]

    assert [len(data) for data in found] == [350, 100, 350]
    assert found[2] == contents["c"]


def test_an_error_is_raised_where_its_object_is_taken(pool):
    class Broken(Store):
        def read_foreign(self, key, offset, length):
            if key == "b":
                raise OSError("gone")
            return super().read_foreign(key, offset, length)

    contents = {"a": b"a" * 350, "b": b"b" * 350}
    a, b = objects_of(contents)
    ahead = ReadAhead(Broken(contents), pool, [a, b])

    assert b"".join(ahead.blocks(a)) == contents["a"]
    with pytest.raises(OSError, match="gone"):
        list(ahead.blocks(b))
