"""A repository begins once: with an identity that no reset before it has removed."""

import pytest

from cas_sync.engine.repository import FORMAT, Connection
from cas_sync.engine.surroundings import Surroundings
from cas_sync.errors import RepositoryResetError
from cas_sync.formats import documents
from cas_sync.formats.documents import Format
from cas_sync.model.params import ChunkParams
from cas_sync.store.bucket import Key, StoreAddress
from cas_sync.store.connect import open_bucket
from cas_sync.store.head import HEAD
from tests.support.faulty import Fault, FaultyBucket
from tests.support.people import Instant, settings_of, tree

STRAY = Format("0" * 32, ChunkParams())


def begin_through(place, person, decide):
    """Begin in a person's name, and return the head; ``decide`` sees each call before it."""
    bucket = FaultyBucket(open_bucket(StoreAddress(place.url)), decide)
    around = Surroundings(env=person.env, clock=Instant(), connect=lambda _: bucket)
    with Connection(settings_of(person), around) as connection:
        return connection.begin(lambda _: None, is_tested=True).head


def once(method, key, what):
    """Return a decider that does something when a call is about to be made, once."""
    done = []

    def decide(call):
        if (call.method, call.key) == (method, key) and not done:
            done.append(call)
            return what()
        return None

    return decide


def format_id(place):
    blob = open_bucket(StoreAddress(place.url)).get(FORMAT)
    return documents.load_format(blob.data).repo_id


def repo_id(place):
    return documents.load_head(open_bucket(StoreAddress(place.url)).get(HEAD).data).repo_id


def leave(place, value):
    """Write a format.json as somebody did who was killed, or late."""
    bucket = open_bucket(StoreAddress(place.url))
    bucket.put_new(Key(FORMAT), documents.dump_format(value))


def configured(place):
    """Return two people who know the store, where nothing is any more."""
    people = place.team("ana", "bo")
    for each in people:
        each.sync()
        each.run("reset", "--confirm")
    return people


def test_a_first_head_that_arrives_after_a_reset_is_of_another_repository(folder):
    ana, bo = folder.team("ana", "bo")
    ana.write("a", "of ana")
    leave(folder, STRAY)
    known = []

    def meanwhile():
        ana.sync()
        known.append(repo_id(folder))
        ana.run("reset", "--confirm", "--remote")

    head = begin_through(folder, bo, once("put_if", HEAD, meanwhile))

    assert head.repo_id == repo_id(folder) == format_id(folder)
    assert head.repo_id not in {known[0], STRAY.repo_id}
    assert ana.sync(exit=8)["code"] == "E209"


def test_each_try_to_begin_is_of_a_repository_of_its_own(folder):
    """The first try is on its way for so long that it arrives after a reset."""
    ana, bo = folder.team("ana", "bo")
    held = FaultyBucket(
        open_bucket(StoreAddress(folder.url)),
        once("put_if", HEAD, lambda: Fault.HOLD),
    )
    around = Surroundings(env=bo.env, clock=Instant(), connect=lambda _: held)
    with Connection(settings_of(bo), around) as connection:
        head = connection.begin(lambda _: None, is_tested=True).head
        ana.sync()
        ana.run("reset", "--confirm", "--remote")
        held.release()

    assert repo_id(folder) != head.repo_id
    ana.run("reset", "--confirm", "--local")
    ana.write("a", "of ana")
    assert ana.sync()["published"]
    bo.sync()
    assert tree(bo.data) == tree(ana.data)
    assert format_id(folder) == repo_id(folder)


def test_what_a_repository_that_is_gone_left_gives_way(folder):
    ana, bo = folder.team("ana", "bo")
    leave(folder, STRAY)
    ana.write("a", "of ana")

    ana.sync()

    assert format_id(folder) == repo_id(folder)
    bo.sync()
    assert tree(bo.data) == tree(ana.data)
    assert ana.run("fsck").exit == 0


def test_whoever_began_before_a_reset_leaves_the_next_repository_alone(folder):
    ana, bo = configured(folder)
    ana.write("a", "of ana")

    def meanwhile():
        ana.run("reset", "--confirm", "--remote")
        ana.sync()

    with pytest.raises(RepositoryResetError):
        begin_through(folder, bo, once("put_if", FORMAT, meanwhile))

    assert format_id(folder) == repo_id(folder)
    assert not ana.sync()["published"]


def test_a_repository_begun_by_halves_can_be_reset_and_used(folder):
    ana, bo = configured(folder)
    begin_through(folder, bo, lambda _: None)
    bucket = open_bucket(StoreAddress(folder.url))
    bucket.delete([FORMAT])
    assert ana.run("fsck").exit == 0
    leave(folder, STRAY)

    ana.run("reset", "--confirm", "--remote")

    assert not (folder.root / "store" / ".S3" / "head").exists()
    ana.write("a", "of ana")
    ana.sync()
    assert format_id(folder) == repo_id(folder)
