"""Copies are a convenience: whatever happens to them, the work goes on."""

import pytest

from cas_sync.store import cache as cache_module
from cas_sync.store.cache import Cache


def test_what_was_put_is_got(tmp_path):
    cache = Cache(tmp_path)

    cache.put("pages", "name", b"data")

    assert cache.get("pages", "name") == b"data"
    assert cache.get("index", "name") is None
    assert Cache(tmp_path).get("pages", "name") == b"data"


def test_a_copy_that_is_dropped_is_gone(tmp_path):
    cache = Cache(tmp_path)
    cache.put("pages", "name", b"data")

    cache.drop("pages", "name")
    cache.drop("pages", "name")

    assert cache.get("pages", "name") is None


def test_a_copy_with_any_byte_changed_or_cut_off_is_no_copy(tmp_path):
    cache = Cache(tmp_path)
    cache.put("pages", "name", b"some data")
    path = cache.path("pages", "name")
    kept = path.read_bytes()

    for n in range(len(kept)):
        path.write_bytes(kept[:n] + bytes([kept[n] ^ 1]) + kept[n + 1 :])
        assert cache.get("pages", "name") is None
        path.write_bytes(kept[:n])
        assert cache.get("pages", "name") is None


def test_an_empty_copy_is_a_copy(tmp_path):
    cache = Cache(tmp_path)
    cache.put("pages", "name", b"")

    assert cache.get("pages", "name") == b""


def test_no_half_written_copy_is_left(tmp_path):
    cache = Cache(tmp_path)
    for n in range(3):
        cache.put("pages", "name", bytes(n))

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [
        cache.path("pages", "name")
    ]


def test_a_folder_that_cannot_be_made_is_no_reason_to_stop(tmp_path):
    in_the_way = tmp_path / "cache"
    in_the_way.write_bytes(b"a file")
    cache = Cache(in_the_way)

    cache.put("pages", "name", b"data")
    cache.drop("pages", "name")

    assert cache.get("pages", "name") is None
    assert in_the_way.read_bytes() == b"a file"


def test_a_copy_that_cannot_be_replaced_or_removed_is_no_reason_to_stop(tmp_path):
    cache = Cache(tmp_path)
    in_the_way = cache.path("pages", "name") / "folder"
    in_the_way.mkdir(parents=True)

    cache.put("pages", "name", b"data")
    cache.drop("pages", "name")

    assert cache.get("pages", "name") is None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("mapped", [0, 1 << 20])
def test_a_view_shows_what_was_put_even_after_it_was_replaced_or_dropped(
    tmp_path, monkeypatch, mapped
):
    monkeypatch.setattr(cache_module, "MAPPED", mapped)
    cache = Cache(tmp_path)
    cache.put("index", "name", b"some data")

    view = cache.view("index", "name")
    cache.put("index", "name", b"else")
    cache.drop("index", "name")

    assert view == b"some data"
    assert cache.view("index", "name") is None


@pytest.mark.parametrize("mapped", [0, 1 << 20])
def test_a_view_of_an_emptied_copy_is_no_reason_to_stop(tmp_path, monkeypatch, mapped):
    monkeypatch.setattr(cache_module, "MAPPED", mapped)
    cache = Cache(tmp_path)
    cache.put("index", "name", b"some data")
    cache.path("index", "name").write_bytes(b"")

    assert not cache.view("index", "name")
