"""Tags in a store: the latest number of a name counts, and one of two who race is told."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from cas_sync.errors import DamageError, FormatError, UnavailableError, UsageError
from cas_sync.formats import keys
from cas_sync.formats.tag import MAX_NUMBER
from cas_sync.store.bucket import Moved
from cas_sync.store.cache import Cache
from cas_sync.store.memory import MemoryBucket
from cas_sync.store.tags import TagStore, Taken, Written
from tests.support import samples

OTHER_REPO = "f" * 32
V1 = samples.TAG._replace(name="v1")


@pytest.fixture
def tags(bucket, cache, pool):
    return TagStore(bucket, cache, pool, samples.REPO)


def test_what_was_written_is_read(tags):
    assert tags.read_all() == ({}, {}, {})

    assert tags.write(V1, 1) == Written()
    assert tags.write(samples.TAG, 1) == Written()

    assert tags.read_all() == (
        {"v1": V1, samples.TAG.name: samples.TAG},
        {},
        {"v1": 1, samples.TAG.name: 1},
    )


def test_the_latest_number_counts(tags):
    moved = V1._replace(commit=samples.oid("other"), seq=3)
    for number in range(1, 11):
        tags.write(V1, number)
    tags.write(moved, 11)

    assert tags.read_all().tags == {"v1": moved}

    tags.write(moved._replace(commit=None), 12)

    assert tags.read_all() == ({}, {}, {"v1": 12})

    tags.write(V1, 13)

    assert tags.read_all().tags == {"v1": V1}


def test_who_is_second_is_told_what_is_there(tags):
    theirs = V1._replace(tagger="Ben", commit=samples.oid("theirs"))
    tags.write(theirs, 1)

    assert tags.write(V1, 1) == Taken(theirs)
    assert tags.read_all().tags == {"v1": theirs}


def test_of_many_at_once_one_wins_and_all_are_told(bucket, cache):
    with ThreadPoolExecutor(16) as pool:
        tags = TagStore(bucket, cache, pool, samples.REPO)
        wanted = [V1._replace(tagger=f"p{n}") for n in range(16)]

        answers = list(pool.map(lambda tag: tags.write(tag, 1), wanted))

    assert answers.count(Written()) == 1
    winner = wanted[answers.index(Written())]
    assert {answer.tag for answer in answers if isinstance(answer, Taken)} == {winner}


class Forgetful(MemoryBucket):
    """Stores what it is given and answers to the first try only after the second."""

    def put_new(self, key, data):
        super().put_new(key, data)
        answer = super().put_new(key, data)
        assert isinstance(answer, Moved)
        return answer


def test_our_own_try_of_which_the_answer_was_lost_is_written(cache, pool):
    tags = TagStore(Forgetful(), cache, pool, samples.REPO)

    assert tags.write(V1, 1) == Written()


def test_another_repository_at_the_same_place_sees_none(tags, bucket, tmp_path, pool):
    tags.write(V1, 1)

    assert TagStore(bucket, Cache(tmp_path / "x"), pool, OTHER_REPO).read_all().tags == {}


def test_a_second_look_costs_a_listing(tags, bucket, tmp_path, pool):
    for n in range(20):
        tags.write(V1._replace(name=f"v{n}"), 1)
    before = bucket.meter.requests["GET"]
    fresh = TagStore(bucket, Cache(tmp_path / "fresh"), pool, samples.REPO)

    assert len(fresh.read_all().tags) == 20
    assert bucket.meter.requests["GET"] == before + 21
    assert len(fresh.read_all().tags) == 20
    assert bucket.meter.requests["GET"] == before + 22


def test_a_damaged_copy_on_this_machine_is_fetched_again(bucket, tmp_path, pool):
    tags = TagStore(bucket, Cache(tmp_path / "own"), pool, samples.REPO)
    tags.write(V1, 1)
    assert tags.read_all().tags == {"v1": V1}
    (copy,) = (each for each in (tmp_path / "own").rglob("*") if each.is_file())
    whole = copy.read_bytes()
    copy.write_bytes(whole[:-9])

    assert tags.read_all() == ({"v1": V1}, {}, {"v1": 1})
    assert copy.read_bytes() == whole


@pytest.mark.parametrize("data", [b"", b"{}", b"not json", b'{"v":2}\n'])
def test_a_damaged_tag_is_named_and_the_others_are_read(tags, bucket, data):
    tags.write(V1, 1)
    tags.write(V1._replace(name="bad"), 1)
    bucket.put_new(keys.tag(samples.REPO, "bad", 2), data)

    read = tags.read_all()

    assert read.tags == {"v1": V1}  # not what "bad" stood for before
    assert isinstance(read.damaged["bad"], FormatError)
    assert "'bad', number 2" in read.damaged["bad"].message
    assert tags.write(V1._replace(name="bad"), read.numbers["bad"] + 1) == Written()
    assert set(tags.read_all().tags) == {"v1", "bad"}


def test_a_tag_copied_to_another_name_is_damaged(tags, bucket):
    tags.write(V1, 1)
    data = bucket.get(keys.tag(samples.REPO, "v1", 1)).data
    bucket.put_new(keys.tag(samples.REPO, "v2", 1), data)

    assert set(tags.read_all().damaged) == {"v2"}


def test_a_tag_that_goes_between_listing_and_reading_is_told(tags, bucket, monkeypatch):
    tags.write(V1, 1)
    monkeypatch.setattr(bucket, "get", lambda key, most: None)

    assert isinstance(tags.read_all().damaged["v1"], DamageError)


def test_a_store_that_does_not_answer_is_no_damage(tags, bucket, monkeypatch):
    tags.write(V1, 1)

    def get(key, most=None):
        raise UnavailableError("later")

    monkeypatch.setattr(bucket, "get", get)
    with pytest.raises(UnavailableError):
        tags.read_all()


def test_what_else_lies_there_is_left_alone(tags, bucket):
    tags.write(V1, 1)
    for name in ("notes.txt", "v1/x.json", "V2/00000001.json", "v1/00000002.json.bak"):
        bucket.put_new(keys.tags(samples.REPO) + name, b"?")

    assert tags.read_all() == ({"v1": V1}, {}, {"v1": 1})


def test_a_name_is_not_set_more_often_than_its_number_holds(tags):
    with pytest.raises(UsageError, match="as often as may be"):
        tags.write(V1, MAX_NUMBER + 1)
