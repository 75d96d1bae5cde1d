"""What a folder has more of goes up during the scan, where nothing can be in its way."""

import shutil
from collections import Counter

import pytest

from cas_sync.engine import ahead
from cas_sync.engine import session as engine_session
from cas_sync.engine import sync as engine_sync_module
from cas_sync.errors import UnavailableError
from cas_sync.formats import keys
from cas_sync.formats.documents import dump_format, load_format
from cas_sync.model.params import ChunkParams
from cas_sync.store import packs
from cas_sync.store.bucket import Key
from cas_sync.store.head import HeadRead
from cas_sync.store.memory import MemoryBucket
from cas_sync.worktree import kept
from tests.support.engine import Agreeing, engine_sync
from tests.support.faulty import Fault, FaultyBucket
from tests.support.people import Person, tree
from tests.support.samples import noise

LARGE = 1_500_000  # more packs than may be on their way at once, so some are stored early
N_SMALL = 60


@pytest.fixture(autouse=True)
def little_is_enough(monkeypatch):
    monkeypatch.setattr(ahead, "FROM_BYTES", 1)
    monkeypatch.setattr(packs, "PACK_SIZE", 100_000)
    monkeypatch.setattr(kept, "_BATCH_BYTES", 20_000)


@pytest.fixture
def early(monkeypatch):
    """Return what counts the packs that were sent before the plan of the last sync."""
    plan, seen = engine_session.Session.plan, Counter()

    def noting(session, trees, rules, matches=None):
        if "plans" not in seen:
            if session.kept is not None:
                session.kept.finish()
            seen["sent"] = len(packs_of(session.head()[0].bucket))
        seen["plans"] += 1
        return plan(session, trees, rules, matches)

    monkeypatch.setattr(engine_session.Session, "plan", noting)

    def count(bucket, *args, **options):
        before = len(packs_of(bucket))
        seen.clear()
        report = engine_sync(*args[:1], bucket, *args[1:], **options)
        return seen["sent"] - before, report

    return count


def packs_of(bucket):
    return [key for key, _ in bucket.list_keys(Key(keys.PACKS))]


@pytest.fixture
def bucket():
    return MemoryBucket()


@pytest.fixture
def ana(tmp_path, bucket):
    """Somebody whose store has been begun, with nothing in it."""
    found = Person(tmp_path / "ana", "ana", "/memory")
    found.data.mkdir(parents=True)
    begin(found, bucket)
    return found


def begin(person, bucket):
    """Publish a file and take it back: a history, and nothing on its way."""
    person.write("first", "1")
    engine_sync(person, bucket)


def fill(person, name="large"):
    person.write(f"{name}/large.bin", noise(f"{name} large", LARGE))
    for i in range(N_SMALL):
        person.write(f"{name}/small/{i:03}", noise(f"{name} {i}", 20_000))
    person.write(f"{name}/z.bin", noise(f"{name} z", 200_000))


def same(a, b):
    return tree(a.data) == tree(b.data)


def test_added_files_are_on_their_way_before_the_plan_and_complete_after_it(
    tmp_path, bucket, ana, early
):
    fill(ana)

    n_early, report = early(bucket, ana)

    assert n_early >= 5
    assert report.uploaded == N_SMALL + 2
    bo = Person(tmp_path / "bo", "bo", "/memory")
    engine_sync(bo, bucket)
    assert same(ana, bo)


def test_they_are_sent_once(bucket, ana, early):
    fill(ana)
    early(bucket, ana)

    sizes = [size for _, size in bucket.list_keys(Key(keys.PACKS))]

    assert sum(sizes) < (LARGE + N_SMALL * 20_000 + 200_000) * 1.02


def test_where_no_repository_was_begun_all_waits_for_the_plan(tmp_path, bucket, early):
    cy = Person(tmp_path / "cy", "cy", "/memory")
    cy.data.mkdir(parents=True)
    fill(cy)

    assert early(bucket, cy)[0] == 0
    assert packs_of(bucket)


@pytest.fixture
def taken(monkeypatch):
    """Return the chunks that went ahead."""
    take, found = ahead.Ahead.take, []

    def noting(self, oid, chunk):
        found.append(oid)
        take(self, oid, chunk)

    monkeypatch.setattr(ahead.Ahead, "take", noting)
    return found


@pytest.fixture
def begun(folder):
    """Return two people, and a store that one of them has begun; there is no commit yet."""
    ana, bo = folder.team("Ana", "Bo")
    ana.run("init", "-y", "--store", ana.store, "--data", "Data")
    fill(ana)
    return ana, bo


def test_the_first_push_of_all_goes_ahead(begun, taken):
    ana, bo = begun

    ana.sync()

    assert len(taken) > N_SMALL
    bo.sync()
    assert same(ana, bo)


def test_what_others_left_there_is_adopted_first(folder, begun, taken):
    ana, _ = begun
    (folder.root / "store" / "plain.csv").write_bytes(b"a,b")

    ana.sync()

    assert taken == []
    assert ana.read("plain.csv") == b"a,b"
    assert len(ana.log()) == 2


def test_where_files_are_cut_is_asked_first(folder, begun, taken):
    """This machine does not know yet that the repository has sizes of its own."""
    ana, bo = begun
    path = folder.root / "store" / ".S3" / "format.json"
    own = load_format(path.read_bytes())._replace(
        chunker=ChunkParams(1 << 12, 1 << 14, 1 << 16)
    )
    path.write_bytes(dump_format(own))
    shutil.rmtree(ana.env["CAS_SYNC_CACHE_DIR"], ignore_errors=True)

    ana.sync()

    assert taken == []
    bo.sync()
    assert same(ana, bo)


def test_nothing_is_sent_before_somebody_who_is_asked_has_agreed(bucket, ana, early):
    fill(ana)

    assert early(bucket, ana, asker=Agreeing(agrees=False))[0] == 0


def test_a_little_waits_for_the_plan(bucket, ana, early, monkeypatch):
    monkeypatch.setattr(ahead, "FROM_BYTES", 8 << 20)
    fill(ana)

    assert early(bucket, ana)[0] == 0


@pytest.mark.parametrize(
    "options",
    [
        {"dry_run": True},
        {"push": False},
        {"paths": ("large",)},
        {"only": ("*.bin",)},
        {"exclude": ("*.tmp",)},
    ],
)
def test_nothing_is_sent_that_may_not_be_meant(bucket, ana, early, options):
    fill(ana)

    assert early(bucket, ana, **options)[0] == 0


def test_news_of_a_teammate_are_looked_at_first(tmp_path, bucket, ana, early):
    bo = Person(tmp_path / "bo", "bo", "/memory")
    engine_sync(bo, bucket)
    bo.write(".casignore", "large/\n")
    engine_sync(bo, bucket)
    fill(ana)

    n_early, report = early(bucket, ana)

    assert n_early == 0
    assert report.uploaded == 0


@pytest.mark.parametrize("has_commit", [False, True])
def test_what_was_declined_is_not_sent(begun, taken, has_commit):
    ana, bo = begun
    if has_commit:
        bo.write("from-bo", b"b")
        bo.sync()
        taken.clear()
    with ana.terminal("sync") as t:
        t.answer("Apply", "s")
        t.answer("Which?", "none")
        t.answer("Apply", "y")
        t.end()
    ana.delete(".S3/versions_local.csv")  # all files look new

    ana.sync()

    assert taken == []
    assert ana.status()["declined"]


def test_what_was_stored_for_another_head_is_not_relied_on(bucket, ana, early, monkeypatch):
    contents = engine_sync_module._Run._contents

    def after_another(run, repo, head, survey):
        return contents(run, repo, HeadRead(head.head, head.etag), survey)

    monkeypatch.setattr(engine_sync_module._Run, "_contents", after_another)
    fill(ana)
    n_early, _ = early(bucket, ana)

    assert n_early > 0
    sizes = [size for _, size in bucket.list_keys(Key(keys.PACKS))]
    assert sum(sizes) > (LARGE + N_SMALL * 20_000 + 200_000) * 1.9


def test_changed_files_wait_for_the_guards(bucket, ana, early):
    fill(ana)
    engine_sync(ana, bucket)
    ana.write("large/large.bin", noise("another", LARGE))
    for i in range(N_SMALL):
        ana.write(f"large/small/{i:03}", noise(f"another {i}", 20_001))

    n_early, report = early(bucket, ana, allow_mass_delete=True)

    assert n_early == 0
    assert report.uploaded == N_SMALL + 1


@pytest.mark.parametrize("n", [1, 3, 8])
def test_a_store_that_fails_meanwhile_loses_nothing(tmp_path, bucket, ana, n):
    fill(ana)
    before = tree(ana.data)

    def decide(call):
        return Fault.FAIL_BEFORE if call.method == "put_new" and call.n >= n else None

    with pytest.raises(UnavailableError):
        engine_sync(ana, FaultyBucket(bucket, decide))

    assert tree(ana.data) == before
    engine_sync(ana, bucket)
    bo = Person(tmp_path / "bo", "bo", "/memory")
    engine_sync(bo, bucket)
    assert same(ana, bo)


def test_a_race_that_is_lost_sends_nothing_twice(tmp_path, bucket, ana, early):
    bo = Person(tmp_path / "bo", "bo", "/memory")
    engine_sync(bo, bucket)
    bo.write("from-bo", "b")
    fill(ana)
    n_lost = []

    def decide(call):
        if call.method == "put_if" and not n_lost:
            n_lost.append(call)
            engine_sync(bo, bucket)

    racing = FaultyBucket(bucket, decide)
    engine_sync(ana, racing)

    assert len(n_lost) == 1
    names = [call.key for call in racing.calls if call.method == "put_new"]
    sent = sum(size for key, size in bucket.list_keys(Key(keys.PACKS)) if key in names)
    assert sent < (LARGE + N_SMALL * 20_000 + 200_000) * 1.02
    engine_sync(bo, bucket)
    engine_sync(ana, bucket)
    assert same(ana, bo)
