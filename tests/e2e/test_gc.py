"""Collections: what nothing needs goes, what anybody needs stays, whoever is at work."""

import shutil
from pathlib import Path

import pytest

from cas_sync.engine.surroundings import Surroundings
from cas_sync.engine.tags import set_tag
from cas_sync.errors import DamageError, GuardError, RaceLostError, RepositoryResetError
from cas_sync.formats import keys
from cas_sync.plan import collection
from cas_sync.store.bucket import Key
from cas_sync.store.connect import open_bucket
from tests.e2e.conftest import Place
from tests.support import samples
from tests.support.closure import read_all
from tests.support.collecting import collect
from tests.support.engine import engine_sync
from tests.support.faulty import Fault, FaultyBucket, SimulatedCrash
from tests.support.people import settings_of, tree


def began(place, *names):
    """Return people with a history in which every file was edited and one was deleted."""
    first, *others = place.team(*names)
    for n in range(4):
        first.write("f.csv", f"version {n}")
        first.write("big.bin", samples.noise(str(n), 300_000))
        first.write(f"only-{n}.csv", f"only in {n} " * 50)
        if n:
            (first.data / f"only-{n - 1}.csv").unlink()
        first.sync()
    for each in others:
        each.sync()
    return first, *others


def test_without_days_nothing_that_was_ever_published_goes(place):
    ana, bo = began(place, "ana", "bo")
    before = read_all(ana)

    report = collect(ana)

    assert report.expired == []
    assert report.files == []
    assert read_all(ana) == before
    assert bo.sync()["downloaded"] == 0


def test_a_report_changes_nothing_and_a_confirmation_is_needed(place):
    (ana,) = began(place, "ana")
    ana.run("gc")
    told = ana.run("gc", "--keep-days", "1", "--json")
    assert told.answer["commits"] == 4
    asked = ana.run("gc", "--prune", exit=2)
    assert "Nothing was changed" in asked.stderr
    assert ana.run("gc", "--json").answer["n_waiting"] == 0


def test_old_versions_go_after_the_days_and_the_grace_and_tags_stay(place):
    ana, bo = began(place, "ana", "bo")
    ana.run("tag", "paper", "#2")

    told = collect(ana, days_later=100, keep_days=90, prune=False)
    assert told.expired == [3, 1]
    assert {each.path for each in told.files} >= {"f.csv", "big.bin"}
    assert read_all(ana)

    first = collect(ana, days_later=100, keep_days=90, grace_days=7)
    assert first.condemned > 0
    assert first.n_deleted == 0
    second = collect(ana, days_later=108, grace_days=7)
    assert second.n_deleted >= first.condemned

    read_all(ana)
    assert bo.run("cat", "paper:f.csv").printed == b"version 1"
    assert bo.run("cat", "@:f.csv").printed == b"version 3"
    gone = bo.run("cat", "#1:f.csv", exit=2)
    assert "not kept any more" in gone.stderr
    assert "E217" in gone.stderr
    assert len(bo.log()) == 4
    assert bo.sync()["requests"] == {"GET": 1}


def test_a_clone_after_a_collection_has_every_byte(place):
    (ana,) = began(place, "ana")
    collect(ana, days_later=100, keep_days=90)
    bo = place.person("bo")
    bo.sync()
    assert tree(bo.data) == tree(ana.data)
    ana.write("f.csv", "version 0")  # what was let go of can be published again
    ana.sync()
    bo.sync()
    assert bo.read("f.csv") == b"version 0"
    read_all(ana)


def bucket_of(person):
    return open_bucket(settings_of(person).address)


def stored(person):
    bucket = bucket_of(person)
    found = {key for key, _ in bucket.list_keys(Key(keys.ROOT))}
    bucket.close()
    return found


def faulty(person, fault, method, n=0, part=""):
    """Return a bucket in which the n-th call of a method goes wrong."""
    left = [n + 1]

    def decide(call):
        if call.method != method or part not in call.key:
            return None
        left[0] -= 1
        return fault if left[0] == 0 else None

    return FaultyBucket(bucket_of(person), decide)


def test_what_a_killed_sync_left_goes_and_the_next_one_needs_nothing_of_it(place):
    (ana,) = began(place, "ana")
    ana.write("new.bin", samples.noise(str(9), 200_000))
    before = stored(ana)
    with pytest.raises(SimulatedCrash):
        engine_sync(ana, faulty(ana, Fault.CRASH_BEFORE, "put_if"))
    left = stored(ana) - before
    assert {key.split("/")[1] for key in left} == {"commits", "objects", "versions"}

    collect(ana)

    # The commit has the next number, which may be of a sync that is under way.
    assert {key.split("/")[1] for key in stored(ana) & left} == {"commits"}
    assert ana.sync()["uploaded"] == 1
    read_all(ana)


@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
def test_a_collection_that_is_killed_at_any_write_is_finished_by_the_next(folder, fault):
    n = 0
    while True:
        here = Place(folder.root / f"{fault.name}-{n}", str(folder.root / f"s{fault.name}{n}"))
        (ana,) = began(here, "ana")
        bucket = FaultyBucket(bucket_of(ana), _nth_write(n, fault))
        try:
            collect(ana, bucket=bucket, days_later=100, keep_days=90, repack=1)
        except SimulatedCrash:
            pass
        else:
            break
        read_all(ana)
        ana.write("f.csv", f"after {n}")
        ana.sync()
        read_all(ana)
        collect(ana, days_later=100, keep_days=90)
        read_all(ana)
        n += 1
    assert n > 8


def _nth_write(n, fault):
    left = [n + 1]

    def decide(call):
        if call.method in {"put_new", "put_if", "delete"}:
            left[0] -= 1
            return fault if left[0] == 0 else None
        return None

    return decide


def test_a_tag_that_is_set_while_a_collection_looks_keeps_its_commit(folder):
    """The tagger read the old head and was told that the tag counts."""
    ana, bo = began(folder, "ana", "bo")

    def decide(call):
        if call.method == "put_if" and not tagged:
            tagged.append(call)
            bo.run("tag", "paper", "#1")

    tagged = []
    collect(ana, bucket=FaultyBucket(bucket_of(ana), decide), days_later=100, keep_days=90)

    assert tagged
    read_all(ana)
    assert bo.run("cat", "paper:f.csv").printed == b"version 0"


def test_a_tag_that_is_set_after_the_proposal_is_told_to_look_again(folder):
    ana, bo = began(folder, "ana", "bo")
    bo.run("log")  # knows the history before the collection

    def decide(call):
        if call.method == "put_new" and "/tags/" in call.key:
            collect(ana, days_later=100, keep_days=90)

    with pytest.raises(RaceLostError, match="cleaned up"):
        set_tag(
            settings_of(bo),
            Surroundings(env=bo.env, connect=lambda _: FaultyBucket(bucket_of(bo), decide)),
            "paper",
            "#1",
        )
    assert "not kept any more" in bo.run("tag", "other", "#1", exit=2).stderr
    read_all(ana)
    collect(ana, days_later=100, keep_days=90)
    read_all(ana)


def test_a_sync_that_relied_on_what_is_condemned_meanwhile_stores_it_again(place):
    """Its content lies in the store, but only an old commit needs it."""
    ana, bo = began(place, "ana", "bo")
    ana.write("f.csv", "version 0")  # in the store: of the first commit
    ana.write("big.bin", samples.noise(str(0), 300_000))
    done = []

    def decide(call):
        if call.method == "put_if" and not done:
            done.append(collect(bo, days_later=100, keep_days=90))

    engine_sync(ana, FaultyBucket(bucket_of(ana), decide))

    assert done[0].n_deleted > 0
    assert read_all(ana)
    bo.sync()
    assert tree(bo.data) == tree(ana.data)


def test_an_upload_that_is_condemned_before_its_commit_is_made_again(place):
    ana, bo = began(place, "ana", "bo")
    ana.write("new.bin", samples.noise(str(77), 400_000))
    done = []

    def decide(call):
        if call.method == "put_new" and "/versions/" in call.key and not done:
            done.append(collect(bo))

    engine_sync(ana, FaultyBucket(bucket_of(ana), decide))

    assert done[0].n_deleted > 0
    bo.sync()
    assert tree(bo.data) == tree(ana.data)
    read_all(bo)


def test_nothing_is_collected_where_anything_cannot_be_read(folder):
    (ana,) = began(folder, "ana")
    pack = next(Path(folder.url).glob(".S3/objects/packs/*"))
    page = next(Path(folder.url).glob(".S3/versions/*"))
    before = stored(ana)
    for path in (pack, page):
        data = path.read_bytes()
        shutil.rmtree(ana.home / "cache")
        path.unlink()
        with pytest.raises(DamageError):
            collect(ana, days_later=100, keep_days=90)
        path.write_bytes(data)
    assert stored(ana) == before


def test_a_store_that_went_back_is_not_collected(folder):
    """To whoever never synced there the head looks fine; what came after it is no garbage."""
    ana, bo = began(folder, "ana", "bo")
    head = Path(folder.url, ".S3", "head")
    old = head.read_bytes()
    for n in range(3):
        ana.write("f.csv", f"newer {n}")
        ana.sync()
    head.write_bytes(old)
    before = stored(ana)
    with pytest.raises(RepositoryResetError, match="went back"):
        collect(ana)
    shutil.rmtree(bo.data)
    with pytest.raises(GuardError, match="number 7"):
        collect(bo)
    assert stored(ana) == before


def test_half_used_packs_are_written_anew(folder):
    (ana,) = folder.team("ana")
    for n in range(12):
        ana.write(f"{n:02}.bin", samples.noise(str(n), 100_000))
    ana.sync()
    for n in range(9):
        (ana.data / f"{n:02}.bin").unlink()
    ana.sync("--allow-mass-delete")

    report = collect(ana, days_later=100, keep_days=90)

    assert report.n_repacked == 1
    assert 250_000 < report.repacked < 400_000
    bo = folder.person("bo")
    bo.sync()
    assert tree(bo.data) == tree(ana.data)
    size = sum(path.stat().st_size for path in Path(folder.url).rglob("*.pack"))
    assert size < 400_000
    assert collect(ana).n_garbage == {}


def test_much_garbage_needs_a_second_word(folder, monkeypatch):
    (ana,) = folder.team("ana")
    monkeypatch.setattr(collection, "LARGE_BYTES", 100_000)
    ana.write("a.bin", samples.noise(str(1), 300_000))
    ana.sync()
    ana.write("a.bin", samples.noise(str(2), 300_000))
    ana.sync()
    with pytest.raises(GuardError, match="would go") as caught:
        collect(ana, days_later=100, keep_days=90)
    assert caught.value.code == "E218"
    read_all(ana)
    assert collect(ana, days_later=100, keep_days=90, force=True).n_deleted > 0


def test_two_collections_at_once_do_no_harm(folder):
    ana, bo = began(folder, "ana", "bo")
    done = []

    def decide(call):
        if call.method in {"put_if", "delete"} and len(done) < 3:
            done.append(call)
            collect(bo, days_later=101, keep_days=90)

    collect(ana, bucket=FaultyBucket(bucket_of(ana), decide), days_later=100, keep_days=90)
    read_all(ana)
    bo.sync()
    assert tree(bo.data) == tree(ana.data)


def test_teammates_who_publish_often_while_a_collection_looks_are_no_old_head(folder):
    ana, bo = began(folder, "ana", "bo")

    def decide(call):
        if call.method == "list_keys" and call.key == keys.PACKS and len(done) < 3:
            ana.write("f.csv", f"meanwhile {len(done)}")
            done.append(ana.sync())
            decide(call)

    done = []
    report = collect(bo, bucket=FaultyBucket(bucket_of(bo), decide))

    assert report.commits == 7
    assert read_all(ana)


def test_commits_left_from_before_a_reset_are_no_old_head(folder):
    """Whoever was stopped before the reset and goes on after it writes one last commit."""
    (ana,) = began(folder, "ana")
    last = next(Path(folder.url).glob(".S3/commits/*4-*"))
    data = last.read_bytes()
    ana.run("reset", "--confirm")
    ana.sync()
    last.write_bytes(data)

    assert collect(ana).commits == 1
    assert read_all(ana)


def test_a_proposal_that_comes_to_nothing_leaves_every_old_version(folder):
    """It left lists of pieces out of the index that lie in packs which stay."""
    (ana,) = folder.team("ana")
    big = samples.noise("big", 900_000)
    ana.write("big.bin", big)
    ana.write("other.bin", samples.noise("other", 900_000))
    ana.sync()
    ana.write("gone.bin", samples.noise("gone", 9_000))
    ana.sync()
    ana.write("big.bin", samples.noise("new", 300_000))
    ana.delete("gone.bin")
    ana.sync()
    before = read_all(ana)
    bucket = FaultyBucket(bucket_of(ana), _killed_while_tags_are_listed_again())
    with pytest.raises(SimulatedCrash):
        collect(ana, bucket=bucket, days_later=100, keep_days=90, repack=100, force=True)

    collect(ana, repack=100, force=True)

    assert read_all(ana) == before


def _killed_while_tags_are_listed_again():
    n = [0]

    def decide(call):
        if call.method == "list_keys" and "/tags/" in call.key:
            n[0] += 1
            return Fault.CRASH_BEFORE if n[0] == 2 else None
        return None

    return decide


def test_a_large_index_is_written_in_segments_that_can_be_read(folder, monkeypatch):
    monkeypatch.setattr("cas_sync.engine.upkeep.LARGEST", 3)
    ana, bo = began(folder, "ana", "bo")
    collect(ana, days_later=100, keep_days=90, repack=1)
    with ana.repository() as stored:
        roots = stored.head.index_roots
    assert len(roots) > 1
    assert all(root.entries <= 3 for root in roots)
    read_all(ana)
    ana.write("f.csv", "after")
    ana.sync()
    bo.sync()
    assert tree(bo.data) == tree(ana.data)
