"""An undo while teammates publish, answers get lost and machines die: told truly, done once."""

import pytest

from cas_sync.engine.settings import load_settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.engine.undo import run_undo
from cas_sync.engine.undo_report import UndoOptions
from cas_sync.errors import OutcomeUnknownError, RaceLostError, UnavailableError
from cas_sync.formats.config_json import Config
from cas_sync.progress import Silent
from cas_sync.store.memory import MemoryBucket
from tests.support.engine import engine_sync
from tests.support.faulty import Fault, FaultyBucket
from tests.support.people import Instant, Kill, Person, rule_once, tree
from tests.support.proxy import ApplyThenDrop, DropBefore, Status

HEAD = "/.S3/head"


def engine_undo(person, bucket, agree=lambda _: True, **options):
    """Undo in a person's name in a bucket of the test's own."""
    surroundings = Surroundings(env=person.env, clock=Instant(), connect=lambda _: bucket)
    settings = load_settings(
        person.project, Config(store=person.store, data="Data"), person.env
    )
    return run_undo(settings, surroundings, UndoOptions(**options), agree, Silent())


@pytest.fixture
def memory(tmp_path):
    """A store in memory, with Ana and Ben, whose second commit is Ana's mistake."""
    bucket = MemoryBucket()
    ana, ben = (Person(tmp_path / name, name, "/memory") for name in ("Ana", "Ben"))
    for name in ("deleted", "edited", "other"):
        ana.write(name, "base")
    engine_sync(ana, bucket)
    ana.delete("deleted")
    ana.write("edited", "by mistake")
    ana.write("added", "by mistake")
    engine_sync(ana, bucket)
    engine_sync(ben, bucket)
    return bucket, ana, ben


def everybody(bucket, *people):
    """Sync all, and insist that all have the same; return that."""
    for each in people:
        engine_sync(each, bucket)
    assert all(tree(each.data) == tree(people[0].data) for each in people)
    return {path: data for path, (data, _) in tree(people[0].data).items()}


BEFORE = {"deleted": b"base", "edited": b"base", "other": b"base"}


def test_a_teammate_who_publishes_meanwhile_is_left_alone(memory):
    bucket, ana, ben = memory
    asked = []

    def agree(plan):
        asked.append(plan)
        ben.write("edited", "by Ben")
        ben.write("other", "by Ben")
        engine_sync(ben, bucket)
        return True

    report = engine_undo(ana, bucket, agree)

    assert (len(asked), report.seq, report.uploaded, report.deleted_remote) == (1, 4, 1, 1)
    assert report.left == {"edited": "changed since by Ben in #3"}
    assert everybody(bucket, ana, ben) == {
        "deleted": b"base",
        "edited": b"by Ben",
        "other": b"by Ben",
    }


def test_what_could_not_be_undone_when_one_was_asked_is_not_undone(memory):
    bucket, ana, ben = memory
    ben.write("edited", "by Ben")
    engine_sync(ben, bucket)

    def agree(plan):
        assert "edited" in plan.left
        ben.write("edited", "by mistake")
        engine_sync(ben, bucket)
        return True

    report = engine_undo(ana, bucket, agree)

    assert (report.published, report.uploaded) == (True, 1)
    assert report.left == {"edited": "changed meanwhile by Ben in #4"}
    assert everybody(bucket, ana, ben)["edited"] == b"by mistake"


def test_a_teammate_who_undoes_it_first_leaves_nothing_to_do(memory):
    bucket, ana, ben = memory

    def agree(_):
        assert engine_undo(ben, bucket, rev="#2").published
        return True

    report = engine_undo(ana, bucket, agree)

    assert (report.published, report.seq, report.left) == (False, 3, {})
    assert everybody(bucket, ana, ben) == BEFORE


def test_a_name_taken_meanwhile_is_not_taken_away(memory):
    bucket, ana, ben = memory

    def agree(_):
        ben.write("deleted/file", "by Ben")
        engine_sync(ben, bucket)
        return True

    report = engine_undo(ana, bucket, agree)

    assert report.left == {"deleted": "there is a folder of this name now"}
    assert set(everybody(bucket, ana, ben)) == {"deleted/file", "edited", "other"}


def test_a_name_freed_meanwhile_is_not_taken_unasked(memory):
    bucket, ana, ben = memory
    ben.write("deleted/file", "by Ben")
    engine_sync(ben, bucket)

    def agree(plan):
        assert "deleted" in plan.left
        ben.delete("deleted/file")
        engine_sync(ben, bucket)
        return True

    report = engine_undo(ana, bucket, agree)

    assert (report.uploaded, list(report.left)) == (1, ["deleted"])
    assert set(everybody(bucket, ana, ben)) == {"edited", "other"}


def test_who_says_no_changes_nothing(memory):
    bucket, ana, ben = memory

    report = engine_undo(ana, bucket, lambda _: False)

    assert (report.refused, report.published, report.seq) == (True, False, 2)
    assert "added" in everybody(bucket, ana, ben)


def test_losing_for_ever_ends(memory, monkeypatch):
    monkeypatch.setattr("cas_sync.engine.undo.RACES", 3)
    bucket, ana, ben = memory
    n = []

    def decide(call):
        if call.method == "put_if":
            n.append(call)
            ben.write("other", f"by Ben {len(n)}")
            engine_sync(ben, bucket)

    with pytest.raises(RaceLostError) as caught:
        engine_undo(ana, FaultyBucket(bucket, decide))

    assert len(n) == 3
    assert caught.value.fix.startswith("cas-sync undo ")


@pytest.mark.parametrize("applied", [True, False])
@pytest.mark.parametrize("mate_goes_on", [True, False])
def test_what_is_not_known_is_told_and_the_same_command_finds_it_out(
    memory, applied, mate_goes_on
):
    bucket, ana, ben = memory
    cut_off = []

    def decide(call):
        if cut_off:
            return Fault.FAIL_BEFORE
        if call.method == "put_if":
            cut_off.append(call)
            return Fault.APPLY_THEN_FAIL if applied else Fault.FAIL_BEFORE
        return None

    with pytest.raises(OutcomeUnknownError) as caught:
        engine_undo(ana, FaultyBucket(bucket, decide))
    if mate_goes_on:
        ben.write("other", "by Ben")
        engine_sync(ben, bucket)
    rev = caught.value.fix.split()[2]

    report = engine_undo(ana, bucket, rev=rev)

    assert report.published is not applied
    after = everybody(bucket, ana, ben)
    assert after == {**BEFORE, "other": b"by Ben" if mate_goes_on else b"base"}
    assert engine_sync(ana, bucket).seq == 3 + mate_goes_on


def test_it_is_undone_though_it_cannot_be_brought_here(memory):
    bucket, ana, ben = memory
    pulls = []

    def decide(call):
        # The second connection is that of the sync which brings it here.
        if call.method == "get_range" and pulls:
            return Fault.FAIL_BEFORE
        if call.method == "put_if":
            pulls.append(call)
        return None

    with pytest.raises(UnavailableError) as caught:
        engine_undo(ana, FaultyBucket(bucket, decide))

    assert "is undone for everyone at" in caught.value.message
    assert caught.value.state.endswith("here the next sync brings it")
    assert caught.value.fix.startswith("cas-sync sync")
    assert everybody(bucket, ana, ben) == BEFORE


# -- on a real server ----------------------------------------------------------------


@pytest.fixture
def served(through, s3):
    """Ana, who is reached by faults, and Ben, who is not; the second commit is a mistake."""
    ana, ben = through.person("Ana"), s3.person("Ben")
    for name in ("deleted", "edited", "other"):
        ana.write(name, "base")
    ana.sync()
    ana.delete("deleted")
    ana.write("edited", "by mistake")
    ana.sync()
    ben.sync()
    return ana, ben


def agree(ana, ben, n_commits):
    for each in (ana, ben, ana):
        each.sync()
    assert tree(ana.data) == tree(ben.data)
    assert [each["seq"] for each in ana.log()] == list(range(n_commits, 0, -1))
    assert {path: data for path, (data, _) in tree(ben.data).items()} == BEFORE
    assert ana.leftovers() == []


@pytest.mark.s3
@pytest.mark.parametrize("fault", [ApplyThenDrop(), DropBefore(), Status(503, "SlowDown")])
def test_an_answer_that_is_lost_is_found_out(served, proxy, fault):
    ana, ben = served
    proxy.rules.append(rule_once("PUT", HEAD, fault))

    said = ana.run("undo", "-y", "--json").last

    assert (said["published"], said["seq"], said["downloaded"]) == (True, 3, 2)
    agree(ana, ben, 3)


@pytest.mark.s3
@pytest.mark.parametrize(
    ("method", "part", "number", "apply"),
    [
        ("GET", HEAD, 0, True),
        ("PUT", "/versions/", 0, True),
        ("PUT", "/commits/", 0, True),
        ("PUT", HEAD, 0, False),
        ("PUT", HEAD, 0, True),
        ("GET", HEAD, 1, True),
        ("GET", "/packs/", 0, True),
    ],
)
def test_killed_at_a_request_the_same_command_and_a_sync_finish_it(
    served, proxy, method, part, number, apply
):
    ana, ben = served
    kill = Kill(method, part, number, apply=apply)
    proxy.rules.append(kill)
    with ana.start("undo", "-y", "#2") as running:
        kill.aim(running.pid)
        running.communicate()
    assert kill.hit.is_set()
    proxy.rules.clear()

    ana.sync()
    ana.run("undo", "-y", "#2")

    agree(ana, ben, 3)


@pytest.mark.s3
def test_all_who_undo_the_same_at_once_undo_it_once(s3):
    people = s3.team("Ana", "Ben", "Cy")
    people[0].write("deleted", "base")
    people[0].write("edited", "base")
    people[0].write("other", "base")
    people[0].sync()
    people[0].delete("deleted")
    people[0].write("edited", "by mistake")
    people[0].sync()
    for each in people:
        each.sync()

    running = [each.start("undo", "-y", "#2") for each in people]
    for process in running:
        out, err = process.communicate()
        assert process.returncode == 0, (out, err)

    agree(people[0], people[1], 3)
