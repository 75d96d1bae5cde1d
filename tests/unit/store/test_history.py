"""Commits and pages: a chain that is checked link by link."""

import pytest

from cas_sync.errors import DamageError, FormatError
from cas_sync.formats import documents, keys
from cas_sync.formats.rows import VersionRows
from cas_sync.model.commit import RECENT
from cas_sync.store.bucket import Key
from cas_sync.store.cache import Cache
from cas_sync.store.history import COMMITS, CommitLog
from cas_sync.store.manifest import PAGES, Manifest
from tests.support import samples

CODEC = VersionRows()


@pytest.fixture
def log(bucket, tmp_path, pool):
    return CommitLog(bucket, Cache(tmp_path / "mine"), pool)


@pytest.fixture
def fresh_log(bucket, tmp_path, pool):
    """Return the log as a machine sees it that knows nothing yet."""
    return CommitLog(bucket, Cache(tmp_path / "theirs"), pool)


@pytest.fixture
def manifest(bucket, tmp_path, pool):
    return Manifest(bucket, Cache(tmp_path / "pages"), pool, CODEC, keys.versions)


def chain(log, length):
    """Store a chain of commits; return its ids, oldest first, and the head."""
    ids = []
    for seq in range(1, length + 1):
        commit = samples.COMMIT._replace(
            seq=seq, parent=ids[-1] if ids else None, message=f"number {seq}"
        )
        ids.append(log.write(commit))
    recent = tuple(ids[::-1][:RECENT])
    return ids, samples.HEAD._replace(seq=length, commit=recent[0], recent=recent)


@pytest.mark.parametrize("length", [1, 15, 16, 17, RECENT, RECENT + 1, 2 * RECENT + 5])
def test_a_walk_meets_every_commit_from_the_latest_to_the_first(log, fresh_log, length):
    ids, head = chain(log, length)

    walked = list(fresh_log.walk(head))

    assert [oid for oid, _ in walked] == ids[::-1]
    assert [commit.seq for _, commit in walked] == list(range(length, 0, -1))


def test_an_empty_history_has_no_commits(log):
    empty = samples.HEAD._replace(seq=0, commit=None, recent=())

    assert list(log.walk(empty)) == []
    assert not log.holds(empty, samples.oid("any"), 1)


def test_history_knows_which_commits_it_holds(log, fresh_log):
    ids, head = chain(log, RECENT + 40)

    assert all(fresh_log.holds(head, oid, seq) for seq, oid in enumerate(ids, start=1))
    assert not fresh_log.holds(head, samples.oid("never"), head.seq)
    assert not fresh_log.holds(head, samples.oid("never"), 3)
    assert not fresh_log.holds(head, ids[2], 4)
    assert not fresh_log.holds(head, ids[0], 0)


def test_a_commit_is_fetched_once(bucket, log, fresh_log):
    ids, _ = chain(log, 1)
    before = bucket.meter.requests["GET"]

    assert fresh_log.read(ids[0], 1) == fresh_log.read(ids[0], 1)
    assert bucket.meter.requests["GET"] == before + 1


def test_a_missing_commit_is_named(bucket, log, fresh_log):
    ids, _ = chain(log, 1)
    bucket.delete([Key(keys.commit(1, ids[0]))])

    with pytest.raises(DamageError, match=str(ids[0])):
        fresh_log.read(ids[0], 1)


def test_a_changed_commit_is_refused_and_a_changed_copy_fetched_again(bucket, log, tmp_path):
    ids, head = chain(log, 1)
    log._cache.put(COMMITS, str(ids[0]), b"damaged")
    assert log.read(ids[0], 1).seq == head.seq

    key = Key(keys.commit(1, ids[0]))
    data = bucket.get(key).data
    bucket.delete([key])
    bucket.put_new(key, data.replace(b"number 1", b"number 2"))
    log._cache.drop(COMMITS, str(ids[0]))
    with pytest.raises(FormatError):
        log.read(ids[0], 1)


def test_a_commit_of_another_number_is_refused(bucket, log):
    oid, data = documents.dump_commit(samples.COMMIT)
    bucket.put_new(Key(keys.commit(77, oid)), data)

    with pytest.raises(FormatError, match="77"):
        log.read(oid, 77)


# -- pages --------------------------------------------------------------------------------


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

    assert [len(side) for side in manifest.changed_leaves(root, new)] == [1, 1]
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
