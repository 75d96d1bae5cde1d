"""An adoption that is killed, raced or disturbed loses nothing and reads nothing twice."""

import json
import signal
from contextlib import closing
from urllib.parse import unquote, urlsplit

import pytest

from cas_sync.engine.surroundings import Surroundings
from cas_sync.engine.sync import run_sync
from cas_sync.engine.sync_report import SyncOptions
from cas_sync.errors import UnavailableError
from cas_sync.formats.keys import is_ours
from cas_sync.progress import Silent
from cas_sync.store.connect import open_bucket
from cas_sync.store.foreign import open_foreign
from tests.support.engine import Agreeing
from tests.support.faulty import Fault, FaultyBucket
from tests.support.people import Instant, Kill, Person, settings_of, tree
from tests.support.samples import noise
from tests.support.seed_store import FolderKeys, S3Keys, SeedPrefix

MIB = 1 << 20


@pytest.fixture
def keys(s3_prefix):
    """Look at the store from outside."""
    with closing(S3Keys(s3_prefix)) as keys:
        yield keys


@pytest.fixture
def folder_keys(folder):
    """Look at a folder store from outside."""
    return FolderKeys(folder.root / "store")


def foreign(keys) -> dict[str, bytes]:
    return {key: data for key, data in keys.all().items() if not is_ours(key)}


def contents(person: Person) -> dict[str, bytes]:
    return {path: data for path, (data, _) in tree(person.data).items()}


def large_seed() -> SeedPrefix:
    """Return a prefix that fills several packs."""
    prefix = SeedPrefix("B")
    for n in range(10):
        prefix.push(f"large/{n}", noise(f"large {n}", 6 * MIB))
    for n in range(40):
        prefix.push(f"small/{n}", noise(f"small {n}", 100 * n))
    prefix.push("x/gone", b"deleted")
    prefix.delete("x/gone")
    return prefix


def noted(person: Person) -> set[str]:
    """Return the keys that were stored for good, by the notes of a killed adoption."""
    path = person.state / "adoption"
    if not path.exists():
        return set()
    lines = (json.loads(line.partition(" ")[2]) for line in path.read_text().splitlines())
    return {line[1] for line in lines if isinstance(line, list) and line[0] == "object"}


def keys_read(proxy, prefix: str) -> set[str]:
    """Return the foreign keys that were asked for."""
    paths = {unquote(urlsplit(r.path).path) for r in proxy.records if r.method == "GET"}
    start = f"/{prefix}/"
    below = {path.partition(start)[2] for path in paths if start in path}
    return {key for key in below if key and not is_ours(key)}


def kill_at(person: Person, proxy, kill: Kill) -> None:
    proxy.rules.append(kill)
    with person.start("sync", "-y", "--store", person.store) as running:
        kill.aim(running.pid)
        running.communicate()
    proxy.rules.clear()
    assert kill.hit.is_set(), "the request was never made"
    assert running.returncode == -signal.SIGKILL


@pytest.mark.s3
@pytest.mark.parametrize(
    ("method", "part", "number", "apply", "least"),
    [
        pytest.param("GET", "list-type=2", 0, False, 0, id="list"),
        pytest.param("GET", "/large/3", 0, False, 0, id="object"),
        pytest.param("PUT", "/packs/", 0, True, 0, id="first-pack"),
        pytest.param("PUT", "/packs/", 3, False, 0, id="fourth-pack"),
        pytest.param("PUT", "/versions/", 0, True, 51, id="pages"),
        pytest.param("PUT", "/deleted/", 0, True, 51, id="deleted-pages"),
        pytest.param("PUT", "/commits/", 0, True, 51, id="commit"),
        pytest.param("PUT", "/.S3/head", 1, False, 51, id="head-not-moved"),
        pytest.param("PUT", "/.S3/head", 1, True, 51, id="head-moved"),
    ],
)
def test_killed_at_a_request_the_next_sync_goes_on(
    through, s3, s3_prefix, proxy, keys, method, part, number, apply, least
):
    prefix = large_seed()
    before = prefix.write(keys.put)
    ana, bo = through.person("ana"), s3.person("bo")
    kill_at(ana, proxy, Kill(method, part, number, apply=apply))
    done = noted(ana)
    assert len(done) >= least
    proxy.records.clear()

    ana.process("sync", "-y", "--store", ana.store)

    assert not keys_read(proxy, s3_prefix.prefix) & done
    assert contents(ana) == {
        key: data for key, data in prefix.objects.items() if not key.startswith(".S3/")
    }
    assert foreign(keys) == before
    assert [entry["message"] for entry in ana.log()] == [
        "adopt 50 files of s3synchrony and 1 deleted"
    ]
    assert not (ana.state / "adoption").exists()
    assert any((ana.state / "logs").glob("adopted-*.csv"))
    bo.sync()
    assert tree(bo.data) == tree(ana.data)
    with bo.repository() as stored:
        (gone,) = stored.deletions()
        assert stored.content(gone.entry.content) == b"deleted"


@pytest.mark.s3
def test_killed_again_and_again_it_comes_to_its_end(through, s3_prefix, proxy, keys):
    prefix = large_seed()
    for n in range(6):
        prefix.push(f"more/{n}", noise(f"more {n}", 6 * MIB))
    before = prefix.write(keys.put)
    ana = through.person("ana")
    done: set[str] = set()
    for number in (4, 0, 0):  # four packs on their way are one that has arrived
        kill_at(ana, proxy, Kill("PUT", "/packs/", number, apply=True))
        assert done <= noted(ana)
        done = noted(ana)
        assert done
    proxy.records.clear()

    ana.process("sync", "-y")

    assert not keys_read(proxy, s3_prefix.prefix) & done
    assert foreign(keys) == before
    assert len(contents(ana)) == 56


@pytest.mark.s3
def test_somebody_else_goes_on_where_a_killed_adoption_left_nothing(through, s3, proxy, keys):
    prefix = large_seed()
    before = prefix.write(keys.put)
    ana, bo = through.person("ana"), s3.person("bo")
    kill_at(ana, proxy, Kill("PUT", "/.S3/head", 1))

    bo.sync()
    ana.process("sync", "-y")

    assert tree(ana.data) == tree(bo.data)
    assert foreign(keys) == before
    assert [entry["author"] for entry in ana.log()] == ["bo"]
    assert not (ana.state / "adoption").exists()


# -- without the command line: everything that can be told apart ---------------------


class Meddled:
    """What others left, which somebody changes while it is read."""

    def __init__(self, inner, meddle) -> None:
        self._inner, self._meddle = inner, meddle
        self.url, self.meter = inner.url, inner.meter
        self.reads: list[str] = []

    def list_foreign(self):
        return self._inner.list_foreign()

    def read_foreign(self, key, offset, length):
        data = self._inner.read_foreign(key, offset, length)
        self.reads.append(key)
        self._meddle(key)
        return data

    def close(self):
        self._inner.close()


def adopt(person: Person, *, bucket=None, meddle=lambda key: None, notes=None):
    """Adopt through a bucket and a view of the objects of the test's own."""

    class Listener(Silent):
        def note(self, text: str) -> None:
            if notes is not None:
                notes.append(text)

    opened = []

    def open_meddled(address):
        opened.append(Meddled(open_foreign(address), meddle))
        return opened[0]

    surroundings = Surroundings(
        env=person.env,
        clock=Instant(),
        connect=(lambda _: bucket) if bucket is not None else open_bucket,
        foreign=open_meddled,
    )
    try:
        report = run_sync(
            settings_of(person),
            surroundings,
            SyncOptions(),
            Agreeing(adopts=True),
            Listener(),
        )
    finally:
        reads = opened[0].reads if opened else []
    return report, reads


def small_folder(folder_keys) -> dict[str, bytes]:
    objects = {f"f{n}": noise(str(n), 1000) for n in range(20)}
    for key, data in objects.items():
        folder_keys.put(key, data)
    return objects


def test_what_changes_while_it_is_read_is_taken_as_it_is_at_last(folder, folder_keys):
    objects = small_folder(folder_keys)
    ana = folder.person("ana")
    changed = {"f3": noise("changed", 1000), "new": b"came late"}

    def meddle(key):  # what was read is old by then
        if key == "f3" and not (folder_keys.root / "new").exists():
            for name, data in changed.items():
                (folder_keys.root / name).write_bytes(data)
        elif key == "f5":
            (folder_keys.root / "f5").unlink(missing_ok=True)

    report, reads = adopt(ana, meddle=meddle)

    expected = {**objects, **changed}
    del expected["f5"]
    assert contents(ana) == expected
    assert report.adopted.n_files == len(expected)
    assert reads.count("f7") == 1


def test_what_is_cut_while_it_is_read_is_taken_as_it_is_at_last(folder, folder_keys):
    objects = small_folder(folder_keys)
    ana = folder.person("ana")

    def meddle(key):
        if key == "f0":
            (folder_keys.root / "f9").write_bytes(b"shorter")

    adopt(ana, meddle=meddle)

    assert contents(ana) == {**objects, "f9": b"shorter"}


def test_what_never_holds_still_is_not_adopted(folder, folder_keys):
    small_folder(folder_keys)
    ana = folder.person("ana")
    times = iter(range(10_000))

    def meddle(key):
        (folder_keys.root / "f3").write_bytes(b"x" * (1000 + next(times)))

    with pytest.raises(UnavailableError, match="change faster"):
        adopt(ana, meddle=meddle)

    assert ana.paths() == set()
    report, reads = adopt(ana)
    assert report.adopted.n_files == 20
    assert set(reads) <= {"f3"}


def test_notes_of_packs_that_are_gone_are_not_believed(folder, folder_keys):
    objects = small_folder(folder_keys)
    ana = folder.person("ana")

    def crash(call):
        is_commit = call.method == "put_new" and "/commits/" in call.key
        return Fault.FAIL_BEFORE if is_commit else None

    with pytest.raises(UnavailableError):
        adopt(ana, bucket=FaultyBucket(open_bucket(settings_of(ana).address), crash))
    assert noted(ana) == objects.keys()
    for pack in (folder_keys.root / ".S3" / "objects" / "packs").iterdir():
        pack.unlink()

    _, reads = adopt(ana)

    assert sorted(reads) == sorted(objects)
    assert contents(ana) == objects


@pytest.mark.parametrize("fault", [Fault.FAIL_BEFORE, Fault.APPLY_THEN_FAIL])
def test_an_unclear_answer_is_resolved_and_adopts_once(folder, folder_keys, fault):
    objects = small_folder(folder_keys)
    ana = folder.person("ana")

    def once(call):
        return fault if (call.method, call.key, call.n) == ("put_if", ".S3/head", 1) else None

    bucket = FaultyBucket(open_bucket(settings_of(ana).address), once)
    report, _ = adopt(ana, bucket=bucket)

    assert report.adopted is not None
    assert contents(ana) == objects
    assert report.seq == 1


def test_who_is_second_goes_on_from_the_first(folder, folder_keys):
    objects = small_folder(folder_keys)
    ana, bo = folder.team("ana", "bo")
    bo.write("by bo", b"bo's own")
    notes: list[str] = []

    def meddle(key):
        if key == "f0":
            ana.process("sync", "-y", "--store", ana.store)

    report, _ = adopt(bo, meddle=meddle, notes=notes)

    assert report.adopted is None
    assert contents(bo) == {**objects, "by bo": b"bo's own"}
    assert any("Somebody else" in note for note in notes)
    ana.sync()
    assert [entry["author"] for entry in ana.log()] == ["bo", "ana"]
    assert not any((bo.state / "logs").glob("adopted-*.csv"))


def test_a_no_changes_nothing(folder, folder_keys):
    objects = small_folder(folder_keys)
    ana = folder.person("ana")
    ana.write("mine", b"mine")

    report = run_sync(
        settings_of(ana),
        Surroundings(env=ana.env),
        SyncOptions(),
        Agreeing(adopts=False),
        Silent(),
    )

    assert report.refused
    assert report.foreign.n_files == 20
    assert folder_keys.all() == objects
    assert ana.paths() == {"mine"}
