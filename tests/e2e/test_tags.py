"""Names for commits, as a team gives, moves and takes them back."""

import json
import shutil

import pytest

from cas_sync.engine.settings import load_settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.engine.tags import Change, list_tags, names_by_commit, remove_tag, set_tag
from cas_sync.errors import RaceLostError, RepositoryResetError
from cas_sync.formats import documents, keys
from cas_sync.formats.config_json import Config
from cas_sync.formats.tag import dump_tag
from cas_sync.model.commit import HeadState
from cas_sync.store.memory import MemoryBucket
from tests.support import samples
from tests.support.engine import engine_sync
from tests.support.people import Instant, Person


def began(place, *names):
    """Return people with a history of three commits, and the ids of these, newest first."""
    first, *others = place.team(*names)
    for n in range(1, 4):
        first.write("f.csv", f"version {n}")
        first.sync()
    for each in others:
        each.sync()
    return first, *others, [each["id"] for each in first.log()]


def tagged(person, *args, **ends):
    return person.run("tag", "--json", *args, **ends).last


def names(person):
    return [(tag["name"], tag["seq"]) for tag in tagged(person)["result"]]


def test_a_name_given_by_one_is_a_revision_for_all(place):
    ana, bo, ids = began(place, "ana", "bo")

    said = tagged(ana, "v1", "@~1", "-m", "as submitted")["result"]

    assert said.pop("time")
    assert said == {
        "name": "v1",
        "commit": ids[1],
        "seq": 2,
        "tagger": "ana",
        "message": "as submitted",
        "change": "new",
    }
    assert names(bo) == [("v1", 2)]
    bo.run("restore", "-y", "f.csv", "--rev", "v1")
    assert bo.read("f.csv") == b"version 2"
    bo.run("restore", "-y", "f.csv", "--rev", "v1~1")
    assert bo.read("f.csv") == b"version 1"


def test_tags_are_listed_newest_commit_first(folder):
    ana, _ = began(folder, "ana")
    for name, rev in (("old", "#1"), ("b", "@"), ("a", "@"), ("Größe 1", "@~1")):
        tagged(ana, name, rev)

    assert names(ana) == [("a", 3), ("b", 3), ("Größe 1", 2), ("old", 1)]
    lines = ana.run("tag").stdout.splitlines()
    assert [line.split("  ")[0].strip() for line in lines] == ["a", "b", "Größe 1", "old"]


def test_without_tags_it_says_how_to_set_one(folder):
    ana = folder.person("ana")
    ana.write("f", "1")
    (ana.project / "cas-sync.json").write_text(json.dumps({"store": folder.url}))

    assert tagged(ana)["result"] == []
    assert "cas-sync tag v1" in ana.run("tag").stderr
    assert "cas-sync sync" in ana.run("tag", "v1", exit=2).stderr


def test_tagging_what_is_tagged_so_is_fine(folder):
    ana, bo, _ = began(folder, "ana", "bo")
    tagged(ana, "v1", "-m", "why")

    said = tagged(bo, "v1")["result"]

    assert (said["change"], said["tagger"], said["message"]) == ("same", "ana", "why")
    assert "names already" in bo.run("tag", "v1", "-m", "why").stdout
    assert "another message" in tagged(bo, "v1", "-m", "other", exit=2)["message"]


def test_a_name_in_use_is_moved_only_when_told_so(folder):
    ana, bo, ids = began(folder, "ana", "bo")
    tagged(ana, "v1", "@~1")

    said = tagged(bo, "v1", exit=2)

    assert said["message"] == f"tag 'v1' names {ids[1][:8]} (#2) already"
    assert said["cause"].startswith("ana set it")
    assert said["fix"].splitlines()[0].endswith(f"cas-sync tag v1 {ids[0][:8]} --move")
    assert names(ana) == [("v1", 2)]

    assert tagged(bo, "v1", "--move")["result"]["change"] == "moved"
    assert names(ana) == [("v1", 3)]
    assert f"before: {ids[0][:8]} (#3)" in ana.run("tag", "v1", "#1", "--move").stdout


def test_a_name_taken_back_is_gone_and_can_be_given_again(folder):
    ana, bo, _ = began(folder, "ana", "bo")
    tagged(ana, "v1", "@~1")

    said = tagged(bo, "v1", "--delete")["result"]

    assert (said["change"], said["seq"]) == ("removed", 2)
    assert names(ana) == []
    assert "there is no tag 'v1'" in tagged(ana, "v1", "-d", exit=2)["message"]
    assert (
        "there is no revision v1" in ana.run("restore", "f.csv", "--rev", "v1", exit=2).stderr
    )
    assert tagged(ana, "v1")["result"]["change"] == "new"
    assert names(bo) == [("v1", 3)]


@pytest.mark.parametrize(
    "name",
    ["dead", "12", "2026-11-20", "2w", "@", "#1", "a:b", "a/b", "-x", "a\nb", "é" * 33, ""],
)
def test_what_could_be_another_revision_is_no_name(folder, name):
    ana, _ = began(folder, "ana")

    said = ana.run("tag", "--json", "--", name, exit=2).last

    assert said["message"].startswith("no tag may be called")
    assert said["cause"]
    assert names(ana) == []


@pytest.mark.parametrize("other", ["V1", "v\uff11"])
def test_names_that_people_or_disks_take_for_one_are_refused(folder, other):
    ana, _ = began(folder, "ana")
    tagged(ana, "v1", "@~1")

    for more in ([], ["--move"]):
        assert "there is a tag 'v1'" in tagged(ana, other, *more, exit=2)["message"]
    assert names(ana) == [("v1", 2)]


@pytest.mark.parametrize(
    "args", [["-d"], ["--move"], ["-m", "x"], ["v1", "@", "-d"], ["v1", "-d", "--move"]]
)
def test_options_that_do_not_go_together_are_refused(folder, args):
    ana, _ = began(folder, "ana")

    assert ana.run("tag", *args, exit=2).stderr


def test_a_listing_costs_two_requests_and_a_tag_four(place):
    ana, _ = began(place, "ana")

    with ana.repository() as before:
        pass
    assert before.repo.bucket.meter.requests["GET"] == 1
    settings, surroundings = given(ana, None)
    done = set_tag(settings, surroundings, "v1")

    assert done.requests == {"GET": 3, "PUT": 1}  # head, listing, head again
    with ana.repository() as found:
        names_by_commit(found.repo)
        assert found.repo.bucket.meter.requests == {"GET": 3}  # head, listing, tag
        names_by_commit(found.repo)
        assert found.repo.bucket.meter.requests == {"GET": 4}


def test_of_taggers_at_once_one_wins_and_the_others_are_told(place):
    people = began(place, *(f"p{n}" for n in range(5)))[:-1]

    running = [
        each.start("tag", "v1", f"#{n % 3 + 1}", "-m", each.name, "--json")
        for n, each in enumerate(people)
    ]
    ends = [(process.communicate(), process.returncode) for process in running]

    (winner,) = [json.loads(out) for (out, _), code in ends if code == 0]
    assert all(code in {0, 2, 7} for _, code in ends)
    for (out, err), code in ends:
        assert code == 0 or f"#{winner['result']['seq']}" in err, (out, err)
    for each in people:
        assert tagged(each)["result"][0]["message"] == winner["result"]["message"]


def test_after_a_reset_old_names_are_not_seen_and_can_be_given_anew(place):
    ana, _ = began(place, "ana")
    tagged(ana, "v1", "@~1")
    with ana.repository() as old:
        late = keys.tag(old.repo.repo_id, "late", 1)
        data = dump_tag(old.repo.repo_id, 1, samples.TAG._replace(name="late"))
    ana.run("reset", "--confirm")
    ana.sync()
    with ana.repository() as new:
        assert [key for key, _ in new.repo.bucket.list_keys(keys.TAGS)] == []
        new.repo.bucket.put_new(late, data)  # somebody who did not know of the reset

    assert names(ana) == []
    tagged(ana, "v1")
    assert names(ana) == [("v1", 1)]


def test_tags_are_counted_with_what_a_reset_removes(folder):
    ana, _ = began(folder, "ana")
    before = ana.run("reset", exit=2).stdout
    tagged(ana, "v1")

    with ana.repository() as found:
        listed = [key for key, _ in found.repo.bucket.list_keys(".S3/")]
    assert all(map(keys.is_ours, listed))
    assert ana.run("reset", exit=2).stdout != before


def test_one_damaged_tag_is_told_and_breaks_nothing_else(place):
    ana, _ = began(place, "ana")
    tagged(ana, "v1", "@~1")
    with ana.repository() as found:
        found.repo.bucket.put_new(keys.tag(found.repo.repo_id, "bad", 1), b"{}")
        assert [*names_by_commit(found.repo).values()] == [("v1",)]

    listed = ana.run("tag", "--json", exit=9)

    assert [tag["name"] for tag in listed.answer] == ["v1"]
    assert "tag 'bad' cannot be read" in listed.stderr
    assert len(ana.log()) == 3
    ana.run("restore", "-y", "f.csv", "--rev", "v1")
    said = ana.run("restore", "--json", "f.csv", "--rev", "bad", exit=9).last
    assert "cas-sync tag bad --delete" in said["fix"]
    assert tagged(ana, "bad", exit=9)["fix"] == said["fix"]
    assert tagged(ana, "bad", "#1", "--move")["result"]["change"] == "moved"
    assert names(ana) == [("v1", 2), ("bad", 1)]


def test_a_tag_of_a_commit_that_went_with_an_old_copy_of_the_store_is_told(folder, tmp_path):
    ana, _ = began(folder, "ana")
    head = tmp_path / "store" / ".S3" / "head"
    shutil.copy(head, tmp_path / "old")
    ana.write("f.csv", "version 4")
    ana.sync()
    tagged(ana, "v4")
    shutil.copy(tmp_path / "old", head)

    listed = ana.run("tag", "--json", exit=9)

    assert "which the store does not have" in listed.stderr
    said = ana.run("restore", "--json", "f.csv", "--rev", "v4", exit=9).last
    assert "which the store does not have" in said["message"]
    assert tagged(ana, "v4", "-d")["result"]["change"] == "removed"


# -- what only a store of the test's own can bring about ------------------------------------


def given(person, bucket):
    connect = {} if bucket is None else {"connect": lambda _: bucket}
    env = person.env
    surroundings = Surroundings(env=env, clock=Instant(), **connect)
    settings = load_settings(person.project, Config(store=person.store, data="Data"), env)
    return settings, surroundings


class Meanwhile(MemoryBucket):
    """A store in which something happens right before, or after, a tag is written."""

    before = after = staticmethod(lambda: None)

    def put_new(self, key, data):
        if key.startswith(keys.TAGS):
            before, self.before = self.before, lambda: None
            before()
            answer = super().put_new(key, data)
            after, self.after = self.after, lambda: None
            after()
            return answer
        return super().put_new(key, data)

    def change_head(self, **values):
        blob = self.get(keys.HEAD)
        head = documents.load_head(blob.data)._replace(nonce="e" * 32, **values)
        self.put_if(keys.HEAD, documents.dump_head(head), blob.etag)


@pytest.fixture
def ana(tmp_path):
    return Person(tmp_path / "ana", "ana", "/memory")


@pytest.fixture
def bucket(ana):
    bucket = Meanwhile()
    for n in range(1, 3):
        ana.write("f.csv", f"version {n}")
        engine_sync(ana, bucket)
    return bucket


@pytest.mark.parametrize("act", [set_tag, remove_tag])
def test_a_tag_that_meets_a_reset_is_not_said_to_be_set(ana, bucket, act):
    if act is remove_tag:
        set_tag(*given(ana, bucket), "v1")
    bucket.after = lambda: bucket.change_head(state=HeadState.CLOSED)

    with pytest.raises(RepositoryResetError, match="is being reset"):
        act(*given(ana, bucket), "v1")


def test_a_tag_that_meets_a_finished_reset_is_not_said_to_be_set(ana, bucket):
    bucket.after = lambda: bucket.delete([keys.HEAD])

    with pytest.raises(RepositoryResetError, match="no repository"):
        set_tag(*given(ana, bucket), "v1")


def test_a_tag_that_meets_a_repository_begun_anew_is_not_said_to_be_set(ana, bucket):
    bucket.after = lambda: bucket.change_head(repo_id="f" * 32)

    with pytest.raises(RepositoryResetError, match="is not the one"):
        set_tag(*given(ana, bucket), "v1")


def test_a_tag_that_meets_a_collection_is_checked_again(ana, bucket):
    bucket.after = lambda: bucket.change_head(gc_epoch=1)

    with pytest.raises(RaceLostError, match="cleaned up"):
        set_tag(*given(ana, bucket), "v1")

    assert set_tag(*given(ana, bucket), "v1").change is Change.SAME


def test_a_publication_meanwhile_is_no_matter(ana, bucket):
    def publish():
        ana.write("f.csv", "version 3")
        engine_sync(ana, bucket)

    bucket.after = publish

    assert set_tag(*given(ana, bucket), "v1").tag.seq == 2


class Late(MemoryBucket):
    """A store in which something happens right before the tags are listed."""

    before = staticmethod(lambda: None)

    def list_keys(self, under):
        if under.startswith(keys.TAGS):
            before, self.before = self.before, lambda: None
            before()
        return super().list_keys(under)


def test_a_commit_published_and_tagged_at_this_moment_is_no_damage(ana):
    bucket = Late()

    def publish():
        ana.write("f.csv", f"newer than {ana.read('f.csv')}")
        engine_sync(ana, bucket)
        set_tag(*given(ana, bucket), "new")

    ana.write("f.csv", "old")
    engine_sync(ana, bucket)
    bucket.before = publish
    with pytest.raises(RaceLostError, match="published at this moment"):
        set_tag(*given(ana, bucket), "other", "new")
    remove_tag(*given(ana, bucket), "new")

    bucket.before = publish
    found = list_tags(*given(ana, bucket))

    assert ([tag.name for tag in found.tags], found.troubles) == (["new"], {})


@pytest.mark.parametrize("move", [False, True])
def test_who_loses_the_race_for_a_name_is_told_who_has_it(ana, bucket, move):
    if move:
        set_tag(*given(ana, bucket), "v1")
    bo = Person(ana.home.parent / "bo", "bo", "/memory")
    bucket.before = lambda: set_tag(*given(bo, bucket), "v1", "#2", "bo's", move=move)

    with pytest.raises(RaceLostError, match=r"bo was faster and set tag 'v1' to .*\(#2\)") as e:
        set_tag(*given(ana, bucket), "v1", "#1", move=move)

    assert e.value.fix.endswith("cas-sync tag v1 REV --move")


def test_two_who_say_the_same_at_once_are_both_right(ana, bucket):
    bo = Person(ana.home.parent / "bo", "bo", "/memory")
    bucket.before = lambda: set_tag(*given(bo, bucket), "v1")

    done = set_tag(*given(ana, bucket), "v1")

    assert (done.change, done.tag.tagger) == (Change.SAME, "bo")


def test_who_takes_back_what_is_moved_at_that_moment_is_told(ana, bucket):
    set_tag(*given(ana, bucket), "v1")
    bo = Person(ana.home.parent / "bo", "bo", "/memory")
    bucket.before = lambda: set_tag(*given(bo, bucket), "v1", "#1", move=True)

    with pytest.raises(RaceLostError, match="bo was faster"):
        remove_tag(*given(ana, bucket), "v1")
