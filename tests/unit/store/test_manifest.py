"""Manifests: only the pages that are needed are read, and every byte of them is checked."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from cas_sync.errors import DamageError
from cas_sync.formats import keys
from cas_sync.formats.rows import VersionRows
from cas_sync.model.paths import RepoPath, sort_key
from cas_sync.model.tree import Entry
from cas_sync.store import manifest as manifest_module
from cas_sync.store import page_reader
from cas_sync.store.bucket import Key
from cas_sync.store.cache import Cache
from cas_sync.store.manifest import Manifest
from cas_sync.store.memory import MemoryBucket
from cas_sync.store.page_reader import PAGES
from tests.support import samples

CODEC = VersionRows()


@pytest.fixture
def manifest(bucket, tmp_path, pool):
    return Manifest(bucket, Cache(tmp_path / "pages"), pool, CODEC, keys.versions)


def rows(n):
    return [(CODEC.key(row), row) for row in (samples.entry(f"f/{i:05d}") for i in range(n))]


def written(manifest, n=3000):
    return manifest.write(None, rows(n), lambda: samples.NONCE)


def test_no_rows_are_no_manifest(manifest):
    assert manifest.write(None, [], lambda: samples.NONCE) is None
    assert list(manifest.rows(None)) == []
    assert list(manifest.leaves(None)) == []
    assert list(manifest.diff(None, None)) == []
    assert manifest.find(None, "a") is None


def test_nothing_is_stored_where_nothing_changed(manifest, bucket):
    root = written(manifest)
    before = bucket.meter.requests["PUT"]

    again = manifest.write(root, rows(10), lambda: "1" * 16)

    assert again == root
    assert bucket.meter.requests["PUT"] == before


def test_removing_all_rows_leaves_no_manifest(manifest):
    root = written(manifest, 700)

    assert manifest.write(root, [(k, None) for k, _ in rows(700)], lambda: "1" * 16) is None


def test_a_row_is_found_by_reading_one_page_a_level(manifest, bucket, tmp_path, pool):
    root = written(manifest, 5000)
    fresh = Manifest(bucket, Cache(tmp_path / "fresh"), pool, CODEC, keys.versions)
    before = bucket.meter.requests["GET"]

    assert fresh.find(root, "f\x0004321").path == "f/04321"
    assert bucket.meter.requests["GET"] - before == root.level + 1


def test_one_row_of_five_thousand_rewrites_its_page_and_those_above(manifest, bucket):
    root = written(manifest, 5000)
    puts, up = bucket.meter.requests["PUT"], bucket.meter.bytes_up
    changed = samples.entry("f/02500", "changed")

    new = manifest.write(root, [(CODEC.key(changed), changed)], lambda: "1" * 16)

    assert list(manifest.diff(root, new)) == [(samples.entry("f/02500"), changed)]
    assert bucket.meter.requests["PUT"] == puts + 1
    assert bucket.meter.bytes_up - up < up / 3


def test_a_missing_object_of_pages_is_named(manifest, bucket, tmp_path, pool):
    root = written(manifest)
    bucket.delete([Key(keys.versions(root.object))])
    fresh = Manifest(bucket, Cache(tmp_path / "fresh"), pool, CODEC, keys.versions)

    with pytest.raises(DamageError, match=root.object):
        list(fresh.rows(root))


def test_a_changed_byte_anywhere_in_the_pages_is_told(manifest, bucket, tmp_path, pool):
    root = written(manifest, 1200)
    key = Key(keys.versions(root.object))
    good = bucket.get(key).data
    header = len(CODEC.header) + 1

    for n in range(header, len(good), 997):
        bucket.delete([key])
        bucket.put_new(key, good[:n] + bytes([good[n] ^ 1]) + good[n + 1 :])
        fresh = Manifest(bucket, Cache(tmp_path / str(n)), pool, CODEC, keys.versions)
        with pytest.raises(DamageError):
            list(fresh.rows(root))


def test_what_was_fetched_damaged_once_is_not_kept(manifest, bucket, tmp_path, pool):
    root = written(manifest, 1200)
    key = Key(keys.versions(root.object))
    good = bucket.get(key).data
    bucket.delete([key])
    bucket.put_new(key, good[:-40] + bytes(30) + good[-10:])
    cache = Cache(tmp_path / "fresh")
    fresh = Manifest(bucket, cache, pool, CODEC, keys.versions)
    with pytest.raises(DamageError):
        list(fresh.rows(root))

    bucket.delete([key])
    bucket.put_new(key, good)

    assert sum(1 for _ in fresh.rows(root)) == 1200
    assert cache.get(PAGES, str(next(fresh.leaves(root)).id)) is not None


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("f\0" + "00700", "f\0" + "00703", [700, 701, 702]),
        ("f\0" + "00700", "f\0" + "00700\x01", [700]),
        ("a", "f\0" + "00002", [0, 1]),
        ("f\0" + "02998", "z", [2998, 2999]),
        ("f\0" + "00700x", "f\0" + "00700z", []),
        ("", "z", list(range(3000))),
    ],
)
def test_rows_between_two_keys_are_found(manifest, start, end, expected):
    root = written(manifest)

    found = list(manifest.between(root, start, end))

    assert [row.path for row in found] == [f"f/{i:05d}" for i in expected]
    assert list(manifest.between(None, start, end)) == []


def test_a_few_rows_are_read_from_a_few_pages(manifest, bucket, tmp_path, pool):
    root = written(manifest, 60_000)
    fresh = Manifest(bucket, Cache(tmp_path / "fresh"), pool, CODEC, keys.versions)
    before = bucket.meter.bytes_down

    assert len(list(fresh.between(root, "f\0" + "31000", "f\0" + "31010"))) == 10
    few = bucket.meter.bytes_down - before
    assert len(list(fresh.rows(root))) == 60_000
    assert few * 20 < bucket.meter.bytes_down - before


# -- a tree of 100,000 files, read by a machine that knows nothing yet ---------------------

FOLDERS, FILES = 100, 1000
NEW = samples.entry("d042/f0500.csv", "changed")


class Cold:
    """A manifest on a machine without copies, which counts what it reads."""

    def __init__(self, bucket, root, pool):
        self.bucket, self.cache = bucket, root
        self.manifest = Manifest(bucket, Cache(root), pool, CODEC, keys.versions)
        self.before = bucket.meter.requests["GET"]

    @property
    def requests(self):
        return self.bucket.meter.requests["GET"] - self.before

    @property
    def n_pages(self):
        return sum(path.is_file() for path in self.cache.rglob("*"))


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Return a store, a tree of 100,000 files in it, and the same with one file changed."""
    bucket = MemoryBucket()
    with ThreadPoolExecutor(2) as pool:
        writer = Manifest(
            bucket, Cache(tmp_path_factory.mktemp("writer")), pool, CODEC, keys.versions
        )
        content = samples.entry("any", "x").content
        listed = (
            Entry(
                RepoPath(f"d{n // FILES:03d}/f{n % FILES:04d}.csv"),
                content,
                "Ana",
                samples.WHEN,
            )
            for n in range(FOLDERS * FILES)
        )
        nonces = (f"{n:016x}" for n in count())
        old = writer.write(None, ((CODEC.key(r), r) for r in listed), lambda: next(nonces))
        new = writer.write(old, [(CODEC.key(NEW), NEW)], lambda: next(nonces))
    return bucket, old, new


@pytest.fixture
def cold(large, tmp_path, pool):
    return Cold(large[0], tmp_path / "cold", pool)


def test_one_row_of_a_hundred_thousand_differs_and_two_pages_a_level_are_read(large, cold):
    _, old, new = large

    ((before, after),) = cold.manifest.diff(old, new)

    assert (before.path, after) == (NEW.path, NEW)
    assert cold.n_pages <= 2 * (old.level + 1)
    assert cold.requests <= 2 * (old.level + 1)


def test_trees_that_are_equal_where_one_looks_are_not_read_there(large, cold):
    _, old, new = large
    start = sort_key("d077")

    assert list(cold.manifest.diff(old, new, start, start + "\x01")) == []
    assert cold.n_pages <= 2 * old.level


def test_one_change_reads_one_page_a_level(large, cold):
    _, old, _ = large
    changed = samples.entry("d042/f0500.csv", "changed here")

    new = cold.manifest.write(old, [(CODEC.key(changed), changed)], lambda: "a" * 16)

    assert cold.requests == old.level + 1
    assert new.rows == old.rows
    assert new.level == old.level


def test_a_row_behind_all_others_reads_one_page_a_level(large, cold):
    _, old, _ = large
    row = samples.entry("z")

    new = cold.manifest.write(old, [(CODEC.key(row), row)], lambda: "b" * 16)

    assert cold.requests == old.level + 1
    assert new.rows == old.rows + 1


def test_changes_far_apart_are_read_side_by_side(large, cold, monkeypatch):
    _, old, _ = large
    together = []
    read = page_reader.PageReader.read
    monkeypatch.setattr(
        page_reader.PageReader,
        "read",
        lambda s, refs: together.append(len(refs)) or read(s, refs),
    )
    rows = [samples.entry(f"d{n:03d}/f0500.csv", "new") for n in range(0, FOLDERS, 5)]

    cold.manifest.write(old, [(CODEC.key(row), row) for row in rows], lambda: "c" * 16)

    assert together == [len(rows)]


def test_a_page_that_changes_on_its_way_is_noticed_before_anything_is_written(large, cold):
    bucket, old, _ = large
    changed = samples.entry("d042/f0500.csv", "changed here")
    key = Key(keys.versions(old.object))
    good = bucket.get(key).data
    puts = bucket.meter.requests["PUT"]
    try:
        bucket.delete([key])
        bucket.put_new(key, good.replace(b"d042/f0501.csv", b"d042/f0502.csv"))
        with pytest.raises(DamageError):
            cold.manifest.write(old, [(CODEC.key(changed), changed)], lambda: "d" * 16)
        assert bucket.meter.requests["PUT"] == puts + 1
    finally:
        bucket.delete([key])
        bucket.put_new(key, good)


def test_equal_trees_are_compared_without_a_request(large, cold):
    _, old, _ = large

    assert list(cold.manifest.diff(old, old)) == []
    assert cold.requests == 0


def test_a_folder_is_compared_with_nothing_by_reading_that_folder(large, cold):
    _, old, _ = large
    start = sort_key("d042")

    found = list(cold.manifest.diff(None, old, start, start + "\x01"))

    assert [after.path for _, after in found] == [f"d042/f{n:04d}.csv" for n in range(FILES)]
    assert cold.n_pages <= 2 * old.level + 5


def test_a_key_is_looked_up_in_one_page_a_level(large, cold):
    _, old, _ = large
    wanted = [sort_key("d042/f0500.csv"), sort_key("d042/f0500.csv"), "d042\0f0500.csvx"]

    found = list(cold.manifest.lookup(old, wanted))

    assert [key for key, _ in found] == wanted
    assert [row and row.path for _, row in found] == ["d042/f0500.csv"] * 2 + [None]
    assert cold.n_pages == old.level + 1


def test_many_keys_are_looked_up_reading_no_page_twice(large, cold, monkeypatch):
    _, old, _ = large
    monkeypatch.setattr(page_reader.Cache, "get", lambda *_: None)
    wanted = [sort_key(f"d{n:03d}/f{m:04d}.csv") for n in range(0, 100, 3) for m in (0, 1, 999)]
    monkeypatch.setattr(manifest_module, "KEYS", 5)

    found = dict(cold.manifest.lookup(old, wanted))

    assert all(CODEC.key(row) == key for key, row in found.items())
    assert len(found) == len(wanted)
    # Each page is asked of the store once, though nothing is kept between two look-ups.
    assert cold.requests <= cold.n_pages


def test_keys_that_do_not_ascend_are_a_mistake(large, cold):
    _, old, _ = large

    with pytest.raises(ValueError, match="ascend"):
        list(cold.manifest.lookup(old, ["b", "a"]))


def test_nothing_is_found_where_nothing_is(large, cold):
    _, old, _ = large

    assert list(cold.manifest.lookup(None, ["a", "b"])) == [("a", None), ("b", None)]
    assert list(cold.manifest.lookup(old, ["z", "zz"])) == [("z", None), ("zz", None)]
    assert list(cold.manifest.lookup(old, [])) == []
    assert list(cold.manifest.jumping(None, "", None, lambda _: None)) == []
    assert cold.requests == 0


def below(folder):
    """Return the range of what lies in a folder, and the jump over what lies deeper."""
    inside = sort_key(folder) + "\0" if folder else ""

    def skip(row):
        name, deeper, _ = CODEC.key(row)[len(inside) :].partition("\0")
        return f"{inside}{name}\x01" if deeper else None

    return inside, sort_key(folder) + "\x01" if folder else None, skip


def test_one_folder_of_a_thousand_files_is_listed_from_a_few_pages(large, cold):
    _, old, _ = large

    found = [row.path for row in cold.manifest.jumping(old, *below("d042"))]

    assert found == [f"d042/f{n:04d}.csv" for n in range(FILES)]
    assert cold.n_pages <= 2 * old.level + 5


def test_a_folder_of_folders_is_listed_without_reading_what_lies_in_them(large, cold):
    _, old, _ = large
    n_pages = sum(1 for _ in Manifest.leaves(cold.manifest, old))
    asked = cold.requests

    found = [row.path for row in cold.manifest.jumping(old, *below(""))]

    assert found == [f"d{n:03d}/f0000.csv" for n in range(FOLDERS)]
    assert cold.requests - asked <= FOLDERS + old.level
    assert n_pages > 150


def test_one_deep_folder_among_files_is_jumped_over(bucket, tmp_path, pool):
    writer = Manifest(bucket, Cache(tmp_path / "writer"), pool, CODEC, keys.versions)
    names = ["a", *(f"deep/{n:05d}" for n in range(50_000)), "z"]
    found = ((CODEC.key(row), row) for row in map(samples.entry, names))
    root = writer.write(None, found, lambda: samples.NONCE)
    cold = Cold(bucket, tmp_path / "cold", pool)

    listed = [row.path for row in cold.manifest.jumping(root, *below(""))]

    assert listed == ["a", "deep/00000", "z"]
    assert cold.n_pages <= 2 * (root.level + 1)


def test_a_walk_from_page_to_page_reads_ahead(large, cold):
    _, old, _ = large

    n_rows = sum(1 for _ in cold.manifest.jumping(old, "", None, lambda _: None))

    assert n_rows == FOLDERS * FILES
    assert cold.requests * 4 < cold.n_pages


def test_damage_is_told_by_every_way_to_read(large, cold, tmp_path):
    bucket, old, new = large
    key = Key(keys.versions(new.object))
    good = bucket.get(key).data
    try:
        bucket.delete([key])
        bucket.put_new(key, good.replace(b"d042/f0500.csv", b"d042/f0501.csv"))
        for ask in (
            lambda m: m.diff(old, new),
            lambda m: m.lookup(new, [CODEC.key(NEW)]),
            lambda m: m.jumping(new, *below("d042")),
        ):
            with pytest.raises(DamageError):
                list(ask(cold.manifest))
    finally:
        bucket.delete([key])
        bucket.put_new(key, good)


def test_who_wrote_a_page_reads_it_from_this_machine(manifest, bucket):
    root = written(manifest, 20_000)
    before = bucket.meter.requests["GET"]

    changed = samples.entry("f/00007", "changed")
    again = manifest.write(root, [(CODEC.key(changed), changed)], lambda: "1" * 16)
    assert manifest.find(again, CODEC.key(changed)) == changed

    assert bucket.meter.requests["GET"] == before


def test_of_a_large_manifest_the_references_are_kept(manifest, bucket, monkeypatch):
    monkeypatch.setattr(manifest_module, "KEPT", 1000)
    root = written(manifest, 20_000)
    before = bucket.meter.requests["GET"]

    assert sum(1 for _ in manifest.leaves(root)) > 10
    assert bucket.meter.requests["GET"] == before
    assert manifest.find(root, CODEC.key(samples.entry("f/00007"))) is not None
    assert bucket.meter.requests["GET"] == before + 1
