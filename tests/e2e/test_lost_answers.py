"""Requests that fail, answers that get lost, bytes that rot: told truly, never believed."""

import os
import random
from pathlib import Path

import pytest

from cas_sync.errors import OutcomeUnknownError, UnavailableError
from cas_sync.store.memory import MemoryBucket
from tests.support.engine import engine_sync
from tests.support.faulty import Fault, FaultyBucket
from tests.support.people import Person, rule_once, tree
from tests.support.proxy import (
    ApplyThenDrop,
    Delay,
    DropBefore,
    Status,
    Truncate,
    always,
    nth,
)

SLOW = pytest.mark.skipif(
    not os.environ.get("CAS_SYNC_SLOW"), reason="takes minutes; set CAS_SYNC_SLOW=1"
)
HEAD = "/.S3/head"


def pair(through, s3):
    """Return ana, who is reached by faults, and bo, who is not."""
    ana, bo = through.person("ana"), s3.person("bo")
    for i in range(5):
        ana.write(f"f{i}", str(i))
    ana.sync()
    bo.sync()
    ana.write("f0", "by ana")
    return ana, bo


def head_puts(proxy) -> int:
    with proxy._lock:
        return sum(
            record.method == "PUT" and record.path.partition("?")[0].endswith(HEAD)
            for record in proxy.records
        )


def agree(ana, bo, n_commits) -> None:
    ana.sync()
    bo.sync()
    ana.sync()
    assert tree(ana.data) == tree(bo.data)
    log = ana.log()
    assert [entry["seq"] for entry in log] == list(range(n_commits, 0, -1))
    assert ana.sync()["published"] is False
    assert ana.leftovers() == []


@pytest.mark.s3
def test_a_commit_whose_answer_was_lost_is_told_as_success_and_made_once(through, s3, proxy):
    ana, bo = pair(through, s3)
    proxy.rules.append(rule_once("PUT", HEAD, ApplyThenDrop()))
    proxy.forget()

    summary = ana.sync()

    assert (summary["published"], summary["seq"], head_puts(proxy)) == (True, 2, 1)
    agree(ana, bo, 2)
    assert bo.read("f0") == b"by ana"


@pytest.mark.s3
@pytest.mark.parametrize(
    "fault",
    [
        DropBefore(),
        Status(500),
        Status(503, "SlowDown"),
        Status(429, "TooManyRequests"),
        Status(409, "ConditionalRequestConflict"),
        Status(412, "PreconditionFailed"),  # untrue: nobody else moved it
    ],
    ids=str,
)
def test_a_head_that_did_not_move_is_tried_again(through, s3, proxy, fault):
    ana, bo = pair(through, s3)
    proxy.rules.append(rule_once("PUT", HEAD, fault))
    proxy.forget()

    summary = ana.sync()

    assert (summary["published"], summary["seq"], head_puts(proxy)) == (True, 2, 2)
    agree(ana, bo, 2)


@pytest.mark.s3
def test_several_faults_in_a_row_make_one_commit(through, s3, proxy):
    ana, bo = pair(through, s3)
    proxy.rules += [
        rule_once("PUT", HEAD, DropBefore()),
        rule_once("PUT", HEAD, Status(503, "SlowDown"), skip=1),
        rule_once("PUT", HEAD, ApplyThenDrop(), skip=2),
        rule_once("GET", HEAD, Status(500), skip=2),
    ]

    summary = ana.sync()

    assert (summary["published"], summary["seq"]) == (True, 2)
    agree(ana, bo, 2)


@SLOW
@pytest.mark.slow
@pytest.mark.s3
def test_a_head_that_moves_after_the_client_gave_up_waiting(through, s3, proxy):
    ana, bo = pair(through, s3)
    proxy.rules.append(rule_once("PUT", HEAD, Delay(32)))

    summary = ana.sync()

    assert summary["published"] is True
    agree(ana, bo, 2)


class TeammateFirst:
    """Lets a teammate publish right before a request is passed on or dropped."""

    def __init__(self, method: str, mate: Person, action=None, *, skip: int = 0) -> None:
        self._once = rule_once(method, HEAD, DropBefore(), skip=skip)
        self._mate = mate
        self._action = action

    def __call__(self, request):
        if self._once(request) is None:
            return None
        self._mate.process("sync", "-y")
        return self._action


@pytest.mark.s3
@pytest.mark.parametrize("fault", [None, DropBefore(), ApplyThenDrop()], ids=str)
def test_a_teammate_who_wins_the_race_is_merged(through, s3, proxy, fault):
    ana, bo = pair(through, s3)
    bo.write("f1", "by bo")
    proxy.rules.append(TeammateFirst("PUT", bo, fault))

    summary = ana.sync()

    assert (summary["published"], summary["seq"]) == (True, 3)
    assert ana.read("f1") == b"by bo"
    agree(ana, bo, 3)
    assert [each["author"] for each in ana.log()] == ["ana", "bo", "ana"]


@pytest.mark.s3
def test_a_teammate_who_builds_on_a_commit_whose_answer_was_lost(through, s3, proxy):
    ana, bo = pair(through, s3)
    bo.write("f1", "by bo")
    proxy.rules += [
        rule_once("PUT", HEAD, ApplyThenDrop()),
        TeammateFirst("GET", bo, skip=1),
    ]

    summary = ana.sync()

    assert (summary["published"], summary["seq"]) == (True, 2)
    agree(ana, bo, 3)
    assert [each["author"] for each in ana.log()] == ["bo", "ana", "ana"]


@pytest.mark.s3
def test_a_teammate_who_wins_with_a_conflict_settles_nothing(through, s3, proxy):
    ana, bo = pair(through, s3)
    bo.write("f0", "by bo")
    ana.write("f2", "by ana too")
    proxy.rules.append(TeammateFirst("PUT", bo))

    summary = ana.sync(exit=3)

    assert summary["conflicts"] == ["f0"]
    assert ana.read("f0") == b"by ana"
    assert (summary["published"], summary["seq"]) == (True, 3)
    bo.sync()
    assert (bo.read("f0"), bo.read("f2")) == (b"by bo", b"by ana too")


@pytest.mark.s3
def test_other_requests_are_repeated(through, s3, proxy):
    ana, bo = pair(through, s3)
    proxy.rules += [
        nth(0, ApplyThenDrop(), method="PUT", part="/packs/"),
        nth(0, ApplyThenDrop(), method="PUT", part="/versions/"),
        nth(0, ApplyThenDrop(), method="PUT", part="/commits/"),
        nth(0, Status(503, "SlowDown"), method="GET", part="/head"),
    ]

    ana.sync()

    agree(ana, bo, 2)


@pytest.mark.s3
@pytest.mark.parametrize("part", ["/packs/", "/versions/", "/commits/"])
def test_a_store_that_refuses_an_upload_gets_no_commit(through, s3, proxy, part):
    ana, bo = pair(through, s3)
    ana.write("new", "new")
    refuse = always(Status(403, "AccessDenied"), method="PUT", part=part)
    proxy.rules.append(refuse)

    said = ana.sync(exit=4)

    assert said["code"] == "E106"
    assert len(bo.log()) == 1
    proxy.rules.remove(refuse)
    agree(ana, bo, 2)


@pytest.mark.s3
def test_rights_that_end_after_the_head_was_sent_are_told_as_unknown(through, s3, proxy):
    ana, bo = pair(through, s3)
    sent = []

    def cut_off(request):
        if sent:
            return Status(403, "ExpiredToken")
        if request.method == "PUT" and request.path.endswith(HEAD):
            sent.append(request)
            return ApplyThenDrop()
        return None

    proxy.rules.append(cut_off)

    said = ana.sync(exit=6)

    assert said["code"] == "E118"
    proxy.rules.clear()
    agree(ana, bo, 2)


# -- no answer at all ---------------------------------------------------------------


@pytest.mark.parametrize("applied", [True, False])
@pytest.mark.parametrize("mate_goes_on", [True, False])
def test_what_is_not_known_is_told_and_found_out_by_the_next_sync(
    tmp_path, applied, mate_goes_on
):
    memory = MemoryBucket()
    ana, bo = (Person(tmp_path / name, name, "/memory") for name in ("ana", "bo"))
    ana.write("f", "base")
    engine_sync(ana, memory)
    engine_sync(bo, memory)
    ana.write("f", "by ana")
    cut_off = []

    def decide(call):
        if cut_off:
            return Fault.FAIL_BEFORE
        if call.method == "put_if":
            cut_off.append(call)
            return Fault.APPLY_THEN_FAIL if applied else Fault.FAIL_BEFORE
        return None

    with pytest.raises(OutcomeUnknownError):
        engine_sync(ana, FaultyBucket(memory, decide))
    if mate_goes_on:
        bo.write("by bo", "bo")
        engine_sync(bo, memory)
    notes = []
    report = engine_sync(ana, memory, notes)

    (note,) = notes
    assert ("had reached the store" in note) is applied
    assert ("did not reach the store" in note) is not applied
    assert report.conflicts == []
    assert report.published is not applied
    engine_sync(bo, memory)
    assert bo.read("f") == b"by ana"
    assert tree(ana.data) == tree(bo.data)
    assert engine_sync(ana, memory).seq == 2 + mate_goes_on


@pytest.mark.parametrize("applied", [True, False])
def test_who_goes_on_working_after_a_lost_answer_meets_no_conflict_with_themselves(
    tmp_path, applied
):
    memory = MemoryBucket()
    ana, bo = (Person(tmp_path / name, name, "/memory") for name in ("ana", "bo"))
    for name in ("edited", "deleted", "renamed", "deleted and back"):
        ana.write(name, "base")
    engine_sync(ana, memory)
    engine_sync(bo, memory)
    for name in ("edited", "deleted", "renamed", "added"):
        ana.write(name, "first")
    ana.delete("deleted and back")
    bo.write("by bo", "bo")
    engine_sync(bo, memory)
    cut_off = []

    def decide(call):
        if cut_off:
            return Fault.FAIL_BEFORE
        if call.method == "put_if":
            cut_off.append(call)
            return Fault.APPLY_THEN_FAIL if applied else Fault.FAIL_BEFORE
        return None

    with pytest.raises(OutcomeUnknownError):
        engine_sync(ana, FaultyBucket(memory, decide))
    ana.write("edited", "second")
    ana.write("added", "second")
    ana.write("deleted and back", "second")
    ana.delete("deleted")
    (ana.data / "renamed").rename(ana.data / "new name")

    report = engine_sync(ana, memory)

    assert (report.conflicts, report.skipped) == ([], {})
    assert tree(ana.data) == {
        "edited": (b"second", False),
        "added": (b"second", False),
        "deleted and back": (b"second", False),
        "new name": (b"first", False),
        "by bo": (b"bo", False),
    }
    engine_sync(bo, memory)
    assert tree(bo.data) == tree(ana.data)
    assert engine_sync(ana, memory).published is False


@pytest.mark.parametrize("applied", [True, False])
@pytest.mark.parametrize("policy", ["keep-both", "mine", "theirs"])
def test_a_settled_conflict_whose_answer_was_lost_is_not_asked_again(tmp_path, applied, policy):
    from cas_sync.plan.step import OnConflict

    memory = MemoryBucket()
    ana, bo = (Person(tmp_path / name, name, "/memory") for name in ("ana", "bo"))
    ana.write("t.csv", "base")
    engine_sync(ana, memory)
    engine_sync(bo, memory)
    ana.write("t.csv", "by ana")
    engine_sync(ana, memory)
    bo.write("t.csv", "by bo")
    cut_off = []

    def decide(call):
        if cut_off:
            return Fault.FAIL_BEFORE
        if call.method == "put_if":
            cut_off.append(call)
            return Fault.APPLY_THEN_FAIL if applied else Fault.FAIL_BEFORE
        return None

    choice = OnConflict(policy)
    with pytest.raises(OutcomeUnknownError):
        engine_sync(bo, FaultyBucket(memory, decide), on_conflict=choice)
    # It was settled only if the commit is there; else it is still to be settled.
    report = engine_sync(bo, memory, **({} if applied else {"on_conflict": choice}))

    assert report.conflicts == []
    assert report.seq == 3
    engine_sync(ana, memory)
    assert tree(ana.data) == tree(bo.data)
    contents = {data for data, _ in tree(ana.data).values()}
    expected = {"keep-both": {b"by ana", b"by bo"}, "mine": {b"by bo"}, "theirs": {b"by ana"}}
    assert contents == expected[policy]
    assert engine_sync(bo, memory).published is False


def test_a_head_that_lands_after_everybody_gave_up_is_found(tmp_path):
    memory = MemoryBucket()
    (ana,) = (Person(tmp_path / name, name, "/memory") for name in ("ana",))
    ana.write("f", "base")
    engine_sync(ana, memory)
    ana.write("f", "by ana")
    held = []

    def decide(call):
        if held:
            return Fault.FAIL_BEFORE
        if call.method == "put_if":
            held.append(call)
            return Fault.HOLD
        return None

    faulty = FaultyBucket(memory, decide)
    with pytest.raises(OutcomeUnknownError):
        engine_sync(ana, faulty)
    faulty.release()

    assert engine_sync(ana, memory).published is False
    assert engine_sync(ana, memory).seq == 2


def test_a_head_that_lands_after_the_next_sync_changes_nothing(tmp_path):
    memory = MemoryBucket()
    ana, bo = (Person(tmp_path / name, name, "/memory") for name in ("ana", "bo"))
    ana.write("f", "base")
    engine_sync(ana, memory)
    ana.write("f", "by ana")
    held = []

    def decide(call):
        if held:
            return Fault.FAIL_BEFORE
        if call.method == "put_if":
            held.append(call)
            return Fault.HOLD
        return None

    faulty = FaultyBucket(memory, decide)
    with pytest.raises(OutcomeUnknownError):
        engine_sync(ana, faulty)
    engine_sync(ana, memory)
    faulty.release()

    engine_sync(bo, memory)
    assert engine_sync(ana, memory).seq == 2
    assert bo.read("f") == b"by ana"


@pytest.mark.parametrize("fresh", [False, True])
def test_what_a_failed_download_wrote_is_no_edit_of_ours(tmp_path, fresh):
    """A teammate edits, and deletes, what a failed sync had just put in place."""
    memory = MemoryBucket()
    ana, bo = (Person(tmp_path / name, name, "/memory") for name in ("ana", "bo"))
    if fresh:
        bo.write("first", "first")
        engine_sync(bo, memory)
    else:
        ana.write("a-edited", "old")
        ana.write("a-deleted", "old")
        engine_sync(ana, memory)
        engine_sync(bo, memory)
    bo.write("a-edited", "new")
    bo.write("a-deleted", "new")
    for i in range(200):  # more than is read ahead of what is put in place
        bo.write(f"big{i:03d}", random.Random(i).randbytes(1 << 20))
    engine_sync(bo, memory)

    def decide(call):
        in_place = ana.data / "a-edited"
        late = in_place.exists() and in_place.read_bytes() == b"new"
        return Fault.FAIL_BEFORE if call.method == "get_range" and late else None

    with pytest.raises(UnavailableError):
        engine_sync(ana, FaultyBucket(memory, decide))
    assert ana.read("a-edited") == b"new"
    bo.write("a-edited", "newer")
    bo.delete("a-deleted")
    engine_sync(bo, memory)

    report = engine_sync(ana, memory)

    assert report.conflicts == []
    assert not report.published
    assert tree(ana.data) == tree(bo.data)
    assert engine_sync(ana, memory).downloaded == 0


def test_every_single_fault_is_survived(tmp_path):
    """Let each request of a sync fail in turn; the next sync finishes, nothing is lost."""
    for fault in (Fault.FAIL_BEFORE, Fault.APPLY_THEN_FAIL):
        number = 0
        while True:
            root = tmp_path / f"{fault.name}-{number}"
            memory = MemoryBucket()
            ana, bo = (Person(root / name, name, "/memory") for name in ("ana", "bo"))
            ana.write("a", "base")
            ana.write("b", "base")
            engine_sync(ana, memory)
            engine_sync(bo, memory)
            ana.write("a", "by ana")
            engine_sync(ana, memory)
            bo.write("b", "by bo")
            bo.write("c", "by bo")
            seen = []

            def decide(call, fault=fault, number=number, seen=seen):
                seen.append(call)
                return fault if len(seen) == number + 1 else None

            try:
                engine_sync(bo, FaultyBucket(memory, decide))
            except UnavailableError as error:
                assert len(seen) > number
                assert error.message  # noqa: PT017
            engine_sync(bo, memory)
            engine_sync(ana, memory)
            assert tree(ana.data) == tree(bo.data)
            assert ana.read("a") == b"by ana"
            assert ana.read("b") == b"by bo"
            assert engine_sync(bo, memory).seq == 3
            assert bo.leftovers() == []
            if len(seen) <= number:
                break
            number += 1
        assert number > 5


# -- bytes that rot -----------------------------------------------------------------

FILES = {f"dir{i % 3}/f{i}": random.Random(i).randbytes(2000 + i) for i in range(9)}


def objects(store: Path, part: str) -> list[Path]:
    return sorted(path for path in store.rglob("*") if part in str(path) and path.is_file())


def publish(person: Person) -> None:
    for path, data in FILES.items():
        person.write(path, data)
    person.sync()


def flip(path: Path, offset: int) -> bytes:
    """Damage one bit; return what was there."""
    before = path.read_bytes()
    after = bytearray(before)
    after[offset] ^= 4
    path.chmod(0o644)
    path.write_bytes(after)
    return before


def no_wrong_byte(person: Person) -> None:
    for path, (data, _) in tree(person.data).items():
        assert data == FILES[path], path


@pytest.mark.parametrize("at", [0.02, 0.3, 0.5, 0.7])
def test_a_flipped_bit_in_a_pack_reaches_no_file_and_keeps_no_other_back(folder, at):
    ana, bo = folder.team("ana", "bo")
    publish(ana)
    (pack,) = objects(Path(folder.url), "/packs/")
    good = flip(pack, int(len(pack.read_bytes()) * at))

    said = bo.sync(exit=9)

    assert said["event"] == "error"
    no_wrong_byte(bo)
    assert len(bo.paths()) == len(FILES) - 1
    missing = (FILES.keys() - bo.paths()).pop()
    assert missing in said["message"] or "object " in said["message"]
    pack.write_bytes(good)
    bo.sync()
    assert tree(bo.data) == tree(ana.data)


@pytest.mark.parametrize("kind", ["/packs/", "/versions/", "/commits/", "/head", "format.json"])
def test_a_flipped_bit_anywhere_in_the_store_is_noticed_or_harmless(folder, kind):
    ana = folder.person("ana")
    publish(ana)
    ana.write("dir0/f0", FILES["dir0/f0"])
    found = objects(Path(folder.url), f"/.S3{kind}" if kind == "/head" else kind)
    assert found
    for number in range(24):
        bo = folder.person(f"bo{number}")
        victim = found[number % len(found)]
        size = len(victim.read_bytes())
        good = flip(victim, number * (size - 1) // 23)

        said = bo.run("sync", "-y", "--json", "--store", folder.url, exit=None)

        assert said.exit in (0, 5, 9), said
        no_wrong_byte(bo)
        assert bo.run("log", "--json", exit=None).exit in (0, 5, 9)
        victim.write_bytes(good)
        bo.sync()
        assert tree(bo.data) == tree(ana.data)


@pytest.mark.parametrize("kind", ["/packs/", "/versions/"])
def test_a_missing_object_is_named(folder, kind):
    ana, bo = folder.team("ana", "bo")
    publish(ana)
    (victim,) = objects(Path(folder.url), kind)
    victim.unlink()

    said = bo.sync(exit=9)

    assert "object" in said["message"] or victim.name in said["message"]
    assert bo.paths() == set()
    assert ana.sync()["published"] is False


@pytest.mark.s3
@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("part", ["/packs/", "/versions/", "/head"])
def test_a_download_that_is_cut_short_reaches_no_file(through, s3, proxy, part, announced):
    ana, bo = s3.person("ana"), through.person("bo")
    publish(ana)
    cut = always(Truncate(200, announced=announced), method="GET", part=part)
    proxy.rules.append(cut)

    said = bo.run("sync", "-y", "--json", "--store", s3.url, exit=None)

    assert said.exit in (6, 9), said
    assert said.last["event"] == "error"
    assert bo.paths() == set()
    proxy.rules.remove(cut)
    bo.sync()
    assert tree(bo.data) == tree(ana.data)
    assert bo.leftovers() == []


@pytest.mark.s3
def test_a_download_that_is_cut_short_once_is_repeated(through, s3, proxy):
    ana, bo = s3.person("ana"), through.person("bo")
    publish(ana)
    proxy.rules.append(nth(0, Truncate(200), method="GET", part="/packs/"))

    bo.sync()

    assert tree(bo.data) == tree(ana.data)


@pytest.mark.s3
def test_a_failing_download_does_not_say_that_nothing_was_changed(through, s3, proxy):
    ana, bo = through.person("ana"), s3.person("bo")
    ana.write("a", "a")
    ana.sync()
    bo.sync()
    bo.write("b", random.Random(1).randbytes(5000))
    bo.sync()
    ana.write("a", "by ana")
    trailer = nth(0, Delay(0), method="GET", part="/packs/")
    proxy.rules += [trailer, always(Status(403, "AccessDenied"), method="GET", part="/packs/")]

    said = ana.run("sync", "-y", exit=4)

    assert len(bo.log()) == 3
    assert "nothing was changed" not in said.stderr
    assert "published" in said.stderr
