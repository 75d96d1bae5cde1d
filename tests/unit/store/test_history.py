"""Commits: a chain that is checked link by link."""

from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import pytest

from cas_sync.errors import AccessError, DamageError, FormatError
from cas_sync.formats import documents, keys
from cas_sync.model.commit import RECENT
from cas_sync.store.bucket import Key
from cas_sync.store.cache import Cache
from cas_sync.store.history import COMMITS, CommitLog
from cas_sync.store.memory import MemoryBucket
from tests.support import samples


@pytest.fixture
def log(bucket, tmp_path, pool):
    return CommitLog(bucket, Cache(tmp_path / "mine"), pool)


@pytest.fixture
def fresh_log(bucket, tmp_path, pool):
    """Return the log as a machine sees it that knows nothing yet."""
    return CommitLog(bucket, Cache(tmp_path / "theirs"), pool)


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
    assert fresh_log.holds(head._replace(recent=()), ids[2], 3)
    assert not fresh_log.holds(head._replace(recent=()), ids[2], 4)


# -- reading ahead --------------------------------------------------------------------------

LONG = 200
LOST = [(seq, n) for seq in range(1, LONG, 7) for n in range(1 + seq % 3)]
"""Number of each commit that lost its race, and how many lost the same one before."""


def lose(log, ids, lost):
    """Store commits that lost their race; return their ids."""
    return [
        log.write(
            samples.COMMIT._replace(
                seq=seq, parent=ids[seq - 2] if seq > 1 else None, message=f"lost {seq}.{n}"
            )
        )
        for seq, n in lost
    ]


@pytest.fixture
def long(bucket, log):
    """Return ids and head of 200 commits, where some lost their race, and count from here."""
    ids, head = chain(log, LONG)
    lose(log, ids, LOST)
    bucket.meter.requests.clear()
    return ids, head


class Blocks(ThreadPoolExecutor):
    """A pool that counts what was asked of it."""

    n = 0

    def submit(self, *args):
        self.n += 1
        return super().submit(*args)


def test_two_hundred_commits_take_few_round_trips(bucket, tmp_path, long):
    ids, head = long
    with Blocks(4) as pool:
        log = CommitLog(bucket, Cache(tmp_path / "blocks"), pool)
        blocks = {}
        for oid, commit in log.walk(head):
            blocks.setdefault(pool.n, []).append(oid)
            assert oid == ids[commit.seq - 1]

    assert sum(map(len, blocks.values())) == LONG
    assert len(blocks) <= 18
    # At most all that were ever written, and a listing a hundred.
    assert bucket.meter.requests["GET"] <= LONG + len(LOST) + 2


@pytest.mark.parametrize("ahead", [0, 1, 2, 5, 16])
@pytest.mark.parametrize("n", [1, 5, 64, 65, 70, 150])
def test_no_more_is_read_in_vain_than_was_allowed(bucket, fresh_log, long, ahead, n):
    ids, head = long

    walked = [oid for oid, _ in islice(fresh_log.walk(head, ahead), n)]

    assert walked == ids[::-1][:n]
    passed = [seq for seq, _ in LOST if LONG - n < seq <= LONG - RECENT]
    n_lists = 0 if n <= RECENT else 2
    in_vain = bucket.meter.requests["GET"] - n_lists - n
    assert in_vain <= max(0, ahead - 1) + len(passed)


def test_one_of_the_latest_commits_is_one_request(bucket, fresh_log, long):
    ids, head = long

    assert next(fresh_log.walk(head, 1))[0] == ids[-1]
    assert bucket.meter.requests["GET"] == 1


def test_what_lost_its_race_is_never_met(fresh_log, log, long):
    ids, head = long
    (loser,) = lose(log, ids, [(100, 0)])

    assert loser not in {oid for oid, _ in fresh_log.walk(head)}
    assert not fresh_log.holds(head, loser, 100)
    assert fresh_log.holds(head, ids[99], 100)


def test_a_walk_that_was_made_before_asks_nothing(bucket, tmp_path, long):
    _, head = long
    with ThreadPoolExecutor(2) as pool:
        first = list(CommitLog(bucket, Cache(tmp_path / "again"), pool).walk(head))
    bucket.meter.requests.clear()

    with ThreadPoolExecutor(2) as pool:
        assert list(CommitLog(bucket, Cache(tmp_path / "again"), pool).walk(head)) == first
    assert bucket.meter.requests["GET"] == 0


def test_damage_beside_the_chain_stops_nobody(bucket, log, fresh_log, long):
    ids, head = long
    (loser, *_) = lose(log, ids, [(50, 9)])
    key = Key(keys.commit(50, loser))
    bucket.delete([key])
    bucket.put_new(key, b"damaged")
    bucket.put_new(Key(f"{keys.COMMITS}{50:016d}-nonsense.json"), b"")

    assert [oid for oid, _ in fresh_log.walk(head)] == ids[::-1]


@pytest.mark.parametrize("seq", [190, 120, 2, 1])
def test_a_hole_in_the_chain_is_told_where_the_walk_meets_it(bucket, fresh_log, long, seq):
    ids, head = long
    bucket.delete([Key(keys.commit(seq, ids[seq - 1]))])
    walk = fresh_log.walk(head)

    assert [next(walk)[1].seq for _ in range(LONG - seq)][-1] == seq + 1
    with pytest.raises(DamageError, match=str(ids[seq - 1])):
        next(walk)


def test_ids_that_the_head_lists_wrongly_lead_nobody_astray(log, fresh_log, long):
    ids, head = long
    (loser, *_) = lose(log, ids, [(190, 9)])
    wrong = list(head.recent)
    wrong[LONG - 190] = loser

    walked = [oid for oid, _ in fresh_log.walk(head._replace(recent=tuple(wrong)))]

    assert walked == ids[::-1]


def test_without_the_right_to_list_a_walk_is_only_slower(bucket, tmp_path, pool, long):
    class Unlisted(MemoryBucket):
        def list_keys(self, under):
            raise AccessError(f"may not list {under}")

        get = bucket.get

    ids, head = long
    log = CommitLog(Unlisted(), Cache(tmp_path / "unlisted"), pool)

    assert [oid for oid, _ in log.walk(head)] == ids[::-1]


def test_an_old_commit_is_known_without_reading_the_latest(bucket, fresh_log, long):
    ids, head = long

    assert fresh_log.holds(head, ids[129], 130)
    assert bucket.meter.requests["GET"] <= 2 + 2 + 8


def test_every_commit_ever_written_is_listed(log, long):
    ids, _ = long

    found = list(log.listed())

    assert set(ids) < {oid for oid, _ in found}
    assert [seq for _, seq in found] == sorted(seq for _, seq in found)
    assert {seq for _, seq in log.listed(f"{100:016d}"[:-2])} == set(range(100, 200))


# -- what is not as it should be ------------------------------------------------------------


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
