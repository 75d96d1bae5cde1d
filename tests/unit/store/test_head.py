"""The head is moved once, and the truth is told about it."""

import pytest

from cas_sync.errors import AccessError, OutcomeUnknownError
from cas_sync.formats import documents
from cas_sync.store.bucket import Moved, Unclear
from cas_sync.store.head import HEAD, Gone, Lost, Won, advance, read_head
from cas_sync.store.memory import MemoryBucket
from tests.support import samples
from tests.support.faulty import Fault, FaultyBucket

OLD = samples.HEAD
OURS = OLD._replace(
    seq=3, commit=samples.oid("ours"), recent=(samples.oid("ours"), *OLD.recent), nonce="1" * 32
)
THEIRS = OLD._replace(
    seq=3,
    commit=samples.oid("theirs"),
    recent=(samples.oid("theirs"), *OLD.recent),
    nonce="2" * 32,
)
BUILT_ON_OURS = OURS._replace(
    seq=4,
    commit=samples.oid("next"),
    recent=(samples.oid("next"), *OURS.recent),
    nonce="3" * 32,
)


class Clock:
    """Lets time pass without waiting."""

    def __init__(self):
        self.waited = 0.0

    def sleep(self, seconds):
        self.waited += seconds


class Scripted(MemoryBucket):
    """A bucket in which each try to move the head meets the next thing of a script."""

    def __init__(self, *script):
        super().__init__()
        self.put_if(HEAD, documents.dump_head(OLD), None)
        self.script = list(script)
        self.tries = 0

    def put_if(self, key, data, expected):
        if not getattr(self, "script", None):
            return super().put_if(key, data, expected)
        self.tries += 1
        return self.script.pop(0)(self, data, expected)

    def overwrite(self, head):
        script, self.script = self.script, []
        now = self.get(HEAD)
        super().put_if(HEAD, documents.dump_head(head), now.etag)
        self.script = script


def applied_and_unclear(bucket, data, expected):
    MemoryBucket.put_if(bucket, HEAD, data, expected)
    return Unclear("the answer was lost")


def not_applied_and_unclear(bucket, data, expected):
    return Unclear("the connection was lost")


def someone_else_first(bucket, data, expected):
    bucket.overwrite(THEIRS)
    return MemoryBucket.put_if(bucket, HEAD, data, expected)


def applied_and_built_on(bucket, data, expected):
    MemoryBucket.put_if(bucket, HEAD, data, expected)
    bucket.overwrite(BUILT_ON_OURS)
    return Unclear("the answer was lost")


def deleted(bucket, data, expected):
    bucket.delete([HEAD])
    return MemoryBucket.put_if(bucket, HEAD, data, expected)


def of_another_repository(bucket, data, expected):
    bucket.overwrite(THEIRS._replace(repo_id="f" * 32))
    return MemoryBucket.put_if(bucket, HEAD, data, expected)


def move(bucket):
    return move_from(bucket, read_head(bucket).etag)


def move_from(bucket, etag):
    return advance(
        bucket,
        OURS,
        etag,
        is_ours=lambda head: OURS.commit in head.recent,
        clock=Clock(),
        jitter=lambda: 0.5,
    )


def test_alone_we_win():
    bucket = Scripted()

    assert isinstance(move(bucket), Won)
    assert read_head(bucket).head == OURS


def test_a_lost_answer_is_told_as_won_and_not_sent_again():
    bucket = Scripted(applied_and_unclear)

    assert isinstance(move(bucket), Won)
    assert bucket.tries == 1


def test_a_try_that_did_nothing_is_sent_again():
    bucket = Scripted(not_applied_and_unclear, not_applied_and_unclear)

    assert isinstance(move(bucket), Won)
    assert read_head(bucket).head == OURS


def test_a_lost_race_says_who_is_there_now():
    outcome = move(Scripted(someone_else_first))

    assert isinstance(outcome, Lost)
    assert outcome.now.head == THEIRS


def test_ours_is_won_though_a_teammate_built_on_it_already():
    bucket = Scripted(applied_and_built_on)

    assert isinstance(move(bucket), Won)
    assert read_head(bucket).head == BUILT_ON_OURS


def test_a_second_try_that_meets_our_own_first_is_won():
    bucket = Scripted(applied_and_unclear)
    etag = read_head(bucket).etag
    MemoryBucket.put_if(bucket, HEAD, documents.dump_head(OURS), etag)

    assert isinstance(move_from(bucket, etag), Won)


@pytest.mark.parametrize("event", [deleted, of_another_repository])
def test_a_head_that_is_gone_or_of_another_repository_is_told(event):
    assert isinstance(move(Scripted(event)), Gone)


def test_without_a_definite_answer_nothing_is_claimed():
    with pytest.raises(OutcomeUnknownError) as caught:
        move(Scripted(*[not_applied_and_unclear] * 50))

    assert "cas-sync sync" in caught.value.fix


def test_the_same_bytes_are_sent_at_every_try():
    sent = []

    def note(bucket, data, expected):
        sent.append(data)
        return Unclear("lost")

    move(Scripted(note, note, note))

    assert sent == [documents.dump_head(OURS)] * 3


def refused(bucket, data, expected):
    raise AccessError("the credentials have expired")


def test_a_refusal_after_an_unclear_answer_proves_nothing():
    assert isinstance(move(Scripted(not_applied_and_unclear, refused)), Won)
    with pytest.raises(OutcomeUnknownError):
        move(Scripted(not_applied_and_unclear, *[refused] * 50))


def test_a_refusal_of_the_first_try_is_told_at_once():
    with pytest.raises(AccessError):
        move(Scripted(refused))


def test_the_first_head_of_a_repository_is_created_though_the_answer_was_lost():
    for fault in (Fault.FAIL_BEFORE, Fault.APPLY_THEN_FAIL, Fault.HOLD):
        faults = iter([fault])
        inner = MemoryBucket()
        bucket = FaultyBucket(
            inner,
            lambda call, left=faults: next(left, None) if call.method == "put_if" else None,
        )

        assert isinstance(move_from(bucket, None), Won)
        bucket.release()
        assert read_head(inner).head == OURS


def test_a_try_that_arrives_late_changes_nothing_any_more():
    inner = Scripted()
    etag = read_head(inner).etag
    faults = iter([Fault.HOLD])
    bucket = FaultyBucket(
        inner, lambda call: next(faults, None) if call.method == "put_if" else None
    )
    assert isinstance(move_from(bucket, etag), Won)
    inner.overwrite(BUILT_ON_OURS)

    (late,) = bucket.release()

    assert isinstance(late, Moved)
    assert read_head(inner).head == BUILT_ON_OURS


def test_a_head_that_cannot_be_read_is_asked_for_again():
    inner = Scripted()
    etag = read_head(inner).etag
    faults = iter([Fault.APPLY_THEN_FAIL, Fault.FAIL_BEFORE, None, None])
    bucket = FaultyBucket(inner, lambda call: next(faults))

    assert isinstance(move_from(bucket, etag), Won)
    assert read_head(inner).head == OURS
