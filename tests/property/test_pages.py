"""Laws of manifests: equal rows are equal pages, whatever happened before."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cas_sync.formats import keys, pages
from cas_sync.formats.rows import VersionRows
from cas_sync.model.paths import sort_key
from cas_sync.store import manifest as manifest_module
from cas_sync.store.cache import Cache
from cas_sync.store.manifest import Manifest
from cas_sync.store.memory import MemoryBucket
from tests.support.samples import entry

CODEC = VersionRows()
NAMES = [f"d{i % 5}/e{i % 3}/{i:03d}" for i in range(300)]

changes = st.lists(
    st.dictionaries(
        st.sampled_from(NAMES), st.one_of(st.none(), st.integers(0, 3)), max_size=40
    ),
    min_size=1,
    max_size=5,
)
big_start = st.sets(st.sampled_from(NAMES))


@pytest.fixture(scope="module")
def pool():
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture
def make(tmp_path_factory, pool):
    numbers = count()

    def manifest():
        cache = Cache(tmp_path_factory.mktemp("cache") / str(next(numbers)))
        return Manifest(MemoryBucket(), cache, pool, CODEC, keys.versions)

    return manifest


@pytest.fixture(autouse=True)
def small_pages():
    with (
        patch.object(pages, "LEAVES", pages.PageParams(3, 4, 12)),
        patch.object(pages, "BRANCHES", pages.PageParams(2, 3, 6)),
        patch.object(pages, "OBJECT_SIZE", 2000),
    ):
        yield


nonces = (f"{i:016x}" for i in count())


def write(manifest, root, change):
    ordered = sorted(
        (CODEC.key(row := entry(name, str(value))), None if value is None else row)
        for name, value in change.items()
    )
    return manifest.write(root, ordered, lambda: next(nonces))


def as_dict(manifest, root):
    return {row.path: row for row in manifest.rows(root)}


@settings(max_examples=60)
@given(start=big_start, story=changes)
def test_the_root_depends_on_the_rows_alone(make, start, story):
    manifest, model = make(), dict.fromkeys(start, 9)
    root = write(manifest, None, model)
    for change in story:
        root = write(manifest, root, change)
        model = {k: v for k, v in {**model, **change}.items() if v is not None}

        assert as_dict(manifest, root) == {k: entry(k, str(v)) for k, v in model.items()}
        fresh = make()
        anew = write(fresh, None, model)
        assert (root and root.id) == (anew and anew.id)
        assert [r.id for r in manifest.leaves(root)] == [r.id for r in fresh.leaves(anew)]
        assert (root.rows if root else 0) == len(model)


IN_ORDER = sorted(NAMES, key=sort_key)
runs = st.builds(
    lambda first, n, value: dict.fromkeys(IN_ORDER[first : first + n], value),
    st.integers(0, len(NAMES)),
    st.integers(1, len(NAMES)),
    st.one_of(st.none(), st.integers(0, 3)),
)
edits = st.one_of(runs, changes.map(lambda story: story[0]))


def pages_of(manifest, root):
    """Return the reference to every page at or below ``root``, by level and id."""
    found, level = {}, [root] if root else []
    while level:
        found.update(((ref.level, ref.id), ref) for ref in level)
        level = list(manifest._below(level)) if level[0].level else []
    return found


@settings(max_examples=100)
@given(start=big_start, story=st.lists(edits, min_size=1, max_size=6))
def test_whole_pages_come_and_go_and_every_level_is_as_if_written_at_once(make, start, story):
    manifest, model = make(), dict.fromkeys(start, 9)
    root = write(manifest, None, model)
    for change in story:
        root = write(manifest, root, change)
        model = {k: v for k, v in {**model, **change}.items() if v is not None}
        fresh = make()
        anew = write(fresh, None, model)

        found = pages_of(manifest, root)
        assert found.keys() == pages_of(fresh, anew).keys()
        assert all(ref.object for ref in found.values())
        assert [row.path for row in manifest.rows(root)] == sorted(model, key=sort_key)


@settings(max_examples=60)
@given(start=big_start, change=edits)
def test_a_page_that_stays_is_not_stored_again(make, start, change):
    manifest = make()
    old = write(manifest, None, dict.fromkeys(start, 9))

    new = write(manifest, old, change)

    before, after = pages_of(manifest, old), pages_of(manifest, new)
    shared = before.keys() & after.keys()
    assert [after[each] for each in shared] == [before[each] for each in shared]


@settings(max_examples=30)
@given(start=big_start, change=changes)
def test_a_difference_is_exactly_what_changed(make, start, change):
    manifest = make()
    old = write(manifest, None, dict.fromkeys(start, 9))
    new = write(manifest, old, change[0])
    before, after = as_dict(manifest, old), as_dict(manifest, new)

    found = {(a or b).path: (a, b) for a, b in manifest.diff(old, new)}

    assert found == {
        path: (before.get(path), after.get(path))
        for path in before.keys() | after.keys()
        if before.get(path) != after.get(path)
    }


@settings(max_examples=20)
@given(start=big_start)
def test_every_row_is_found_and_no_other(make, start):
    manifest = make()
    root = write(manifest, None, dict.fromkeys(start, 1))

    for name in NAMES:
        row = manifest.find(root, CODEC.key(entry(name)))
        assert (row is not None) == (name in start)


bounds = st.one_of(st.just(""), st.sampled_from(NAMES).map(lambda name: sort_key(name[:5])))


@settings(max_examples=60)
@given(start=big_start, change=changes, first=bounds, end=st.one_of(st.none(), bounds))
def test_a_part_of_a_difference_is_that_part(make, start, change, first, end):
    manifest = make()
    old = write(manifest, None, dict.fromkeys(start, 9))
    new = old
    for each in change:
        new = write(manifest, new, each)

    found = list(manifest.diff(old, new, first, end))

    assert found == [
        pair
        for pair in manifest.diff(old, new)
        if is_between(CODEC.key(pair[0] or pair[1]), first, end)
    ]
    assert list(manifest.diff(new, old, first, end)) == [(b, a) for a, b in found]


def is_between(key, first, end):
    return key >= first and (end is None or key < end)


@settings(max_examples=60)
@given(start=big_start, names=st.lists(st.one_of(st.sampled_from(NAMES), st.text(max_size=3))))
@pytest.mark.parametrize("together", [1, 3, 1000])
def test_looking_up_many_keys_answers_each_in_turn(make, start, names, together):
    manifest = make()
    root = write(manifest, None, dict.fromkeys(start, 1))
    asked = sorted(map(sort_key, names))

    with patch.object(manifest_module, "KEYS", together):
        found = list(manifest.lookup(root, iter(asked)))

    known = {CODEC.key(row): row for row in manifest.rows(root)}
    assert found == [(key, known.get(key)) for key in asked]


@settings(max_examples=60)
@given(
    start=big_start,
    first=bounds,
    end=st.one_of(st.none(), bounds),
    jumps=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(NAMES)),
)
def test_jumping_meets_what_a_walk_through_all_rows_would(make, start, first, end, jumps):
    manifest = make()
    root = write(manifest, None, dict.fromkeys(start, 1))
    to = {name: sort_key(target) for name, target in jumps.items()}
    expected, at = [], first
    for row in manifest.rows(root):
        if is_between(CODEC.key(row), at, end):
            expected.append(row)
            at = max(at, to.get(row.path, at))

    found = list(manifest.jumping(root, first, end, lambda row: to.get(row.path)))

    assert found == expected
    assert list(manifest.between(root, first, end)) == [
        row for row in manifest.rows(root) if is_between(CODEC.key(row), first, end)
    ]


def test_one_change_of_many_writes_one_object_of_one_page_a_level(make):
    with (
        patch.object(pages, "LEAVES", pages.PageParams(256, 256, 2048)),
        patch.object(pages, "BRANCHES", pages.PageParams(32, 32, 256)),
        patch.object(pages, "OBJECT_SIZE", 16 << 20),
    ):
        manifest = make()
        root = write(manifest, None, {f"f/{i:06d}": i for i in range(20_000)})
        bucket = manifest._bucket
        before = bucket.meter.requests["PUT"]

        new = write(manifest, root, {"f/010000": "changed"})

        assert bucket.meter.requests["PUT"] == before + 1
        assert (
            len({r.id for r in manifest.leaves(new)} - {r.id for r in manifest.leaves(root)})
            == 1
        )


def test_a_fresh_machine_reads_neighbouring_pages_in_few_requests(make, tmp_path, pool):
    manifest = make()
    with patch.object(pages, "OBJECT_SIZE", 16 << 20):
        root = write(manifest, None, {f"f/{i:06d}": i for i in range(3000)})
    bucket = manifest._bucket
    fresh = Manifest(bucket, Cache(tmp_path), pool, CODEC, keys.versions)
    before = bucket.meter.requests["GET"]

    assert sum(1 for _ in fresh.rows(root)) == 3000
    assert bucket.meter.requests["GET"] - before < 30


def test_a_damaged_copy_is_fetched_again(make, tmp_path, pool):
    manifest = make()
    root = write(manifest, None, {f"f/{i:06d}": i for i in range(300)})
    fresh = Manifest(manifest._bucket, Cache(tmp_path), pool, CODEC, keys.versions)
    expected = list(fresh.rows(root))
    for copy in tmp_path.rglob("*"):
        if copy.is_file():
            copy.write_bytes(bytes(copy.stat().st_size))

    assert list(fresh.rows(root)) == expected
