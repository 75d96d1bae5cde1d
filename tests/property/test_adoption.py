"""Laws of adoption: nothing is lost, nothing is counted twice, no list makes it fail."""

import hashlib
from collections import Counter
from datetime import UTC

from hypothesis import given
from hypothesis import strategies as st

from cas_sync.formats.seed_manifest import load
from cas_sync.model.foreign import ForeignObject, SeedRow
from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import fold, parse_repo_path, sort_key
from cas_sync.plan.adoption import Kind, Part, plain_name, sort_out
from cas_sync.plan.adoption_match import Taken, match
from tests.property.strategies import times

BYTES = [b"", b"1", b"2", b"3"]
IDS = {hashlib.md5(data).hexdigest(): ObjectId.of(data) for data in BYTES}
CONTENTS = st.sampled_from(BYTES)
NAMES = st.sampled_from(
    ["a", "A", "b", "007", "7", "NA", "\u00e9", "e\u0301", "x/", ".DS_Store", "..", "", "\n"]
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
PREFIXES = st.sampled_from(["", "", "/", ".S3/deleted/", ".S3/logs/", ".s3/"])
LISTS = [".S3/versions.csv", ".S3/versions_remote.csv", ".S3/deletedS3.csv"]
MANIFESTS = st.sampled_from(LISTS)
KEYS = st.one_of(st.builds(str.__add__, PREFIXES, PATHS).filter(bool), MANIFESTS)
OBJECTS = st.dictionaries(KEYS, CONTENTS, max_size=10)
SEEDS = OBJECTS.map(lambda objects: {**objects, LISTS[0]: b""})
ROWS = st.lists(
    st.builds(
        SeedRow,
        PATHS,
        st.sampled_from(["Ana", "Bo"]),
        st.none() | times,
        CONTENTS.map(lambda data: hashlib.md5(data).hexdigest()),
    ),
    max_size=8,
)


def adopt(objects, live, dead):
    if not any(key in LISTS for key in objects):
        live, dead = [], []
    places = sort_out(ForeignObject(key, len(data), 0) for key, data in objects.items())
    taken = {
        place.object.key: Taken(
            ObjectId.of(objects[place.object.key]),
            hashlib.md5(objects[place.object.key]).hexdigest(),
        )
        for place in places
        if place.part in {Part.FILE, Part.DELETED}
    }
    return places, match(places, taken, live, dead, "zoe")


@given(OBJECTS, ROWS, ROWS)
def test_every_object_is_accounted_for_once(objects, live, dead):
    places, adoption = adopt(objects, live, dead)

    assert len(places) == len(objects)
    found = Counter(each.key for each in adoption.findings if each.key)
    assert found == Counter(objects.keys())


@given(OBJECTS, ROWS, ROWS)
def test_every_content_that_is_not_left_out_can_be_found_again(objects, live, dead):
    _, adoption = adopt(objects, live, dead)

    kept = {row.content.id for row in adoption.entries}
    kept |= {each.entry.content.id for each in adoption.gone}
    for each in adoption.findings:
        if each.key and each.kind not in {Kind.LEFT_OUT, Kind.BOOKKEEPING}:
            assert ObjectId.of(objects[each.key]) in kept
    files = {row.path: row.content.id for row in adoption.entries}
    for each in adoption.findings:
        if each.key and each.kind in {Kind.VERIFIED, Kind.UNVERIFIED, Kind.SET_ASIDE}:
            assert files[each.path] == ObjectId.of(objects[each.key])


@given(OBJECTS, ROWS, ROWS)
def test_the_tree_is_one_that_any_disk_can_hold(objects, live, dead):
    _, adoption = adopt(objects, live, dead)

    paths = [row.path for row in adoption.entries]
    assert paths == sorted(paths, key=sort_key)
    assert all(parse_repo_path(path) == path for path in paths)
    folded = Counter(fold(path) for path in paths)
    assert set(folded.values()) <= {1}
    folders = {fold(path[:i]) for path in paths for i, c in enumerate(path) if c == "/"}
    assert not folders & set(folded)
    gone = [each.entry.path for each in adoption.gone]
    assert gone == sorted(set(gone), key=sort_key)


@given(SEEDS, ROWS, ROWS)
def test_only_a_row_with_the_checksum_is_believed(objects, live, dead):
    _, adoption = adopt(objects, live, dead)

    for each in adoption.findings:
        data = objects.get(each.key, b"")
        vouched = any(row.md5 == hashlib.md5(data).hexdigest() for row in live)
        if each.kind is Kind.VERIFIED:
            assert vouched
            assert each.editor in {"Ana", "Bo"}
        elif each.kind in {Kind.UNVERIFIED, Kind.LOST_ROW}:
            assert each.editor == "unknown"


@given(SEEDS, ROWS, ROWS)
def test_every_row_that_goes_with_nothing_is_told(objects, live, dead):
    _, adoption = adopt(objects, live, dead)

    there = {place.name for place in sort_out(ForeignObject(key, 0, 0) for key in objects)}
    told = {(each.path, each.md5) for each in adoption.findings}
    kept = {each.entry.content.id for each in adoption.gone}
    for row in live + dead:
        if plain_name(row.name) not in there:
            assert (row.name, row.md5) in told or IDS[row.md5] in kept


@given(st.binary(max_size=400))
def test_no_list_makes_it_fail(tail):
    data = b"File,Edited By,Time Edited,Checksum\n" + tail

    found = load(data, lambda when: when.replace(tzinfo=UTC))

    n_lines = sum(bool(line.strip()) for line in tail.split(b"\n"))
    assert len(found.rows) + len(found.bad) == n_lines


@given(st.binary(max_size=400))
def test_no_bytes_make_it_fail(data):
    load(data, lambda when: when.replace(tzinfo=UTC))
