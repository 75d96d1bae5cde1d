"""What doctor finds, and that it tells no secret."""

import json
import os
from contextlib import closing

import pytest

from cas_sync.engine.doctor import Health, examine
from cas_sync.engine.surroundings import Surroundings
from cas_sync.formats.config_json import Config
from cas_sync.store.s3_terms import rules_of
from cas_sync.store.terms import Rule
from tests.support.collecting import Later
from tests.support.people import Person
from tests.support.proxy import Status, always


def found(person, *args, **ends):
    answer = person.run("doctor", "--json", *args, **ends).answer
    return {(each["code"], each["health"]): each for each in answer["checks"]}


def test_all_is_well_where_all_is_well(place):
    (ana,) = place.team("ana")
    ana.write("f.csv", "a,b")
    ana.sync()
    told = ana.run("doctor", "--quick")
    assert told.stdout.endswith("All is well.\n")
    assert "you sign as ana" in told.stdout
    assert "1 commits" in told.stdout


def test_the_full_test_of_a_store_tells_each_promise(folder):
    (ana,) = folder.team("ana")
    ana.write("f.csv", "a,b")
    ana.sync()
    answer = ana.run("doctor", "--json").answer
    assert sum(each["code"] == "qualify" for each in answer["checks"]) == 7


@pytest.mark.s3
def test_a_store_that_ignores_conditions_fails(tmp_path, rclone_server):
    rclone_server.client().create_bucket(Bucket="doctor")
    ana = Person(tmp_path, "ana", "s3://doctor/team", rclone_server.environment())
    ana.data.mkdir()
    seen = found(ana, "--quick", "--store", ana.store, exit=5)
    assert seen["qualify", "fail"]["fix"].startswith("use a store that honours")


def test_names_that_will_not_travel_are_named(folder):
    (ana,) = folder.team("ana")
    for name in ("con.csv", "a.csv", "A.csv", "what?.csv", "dot.", "back\\slash"):
        ana.write(name, "x")
    ana.write(b"\xff.csv".decode("utf-8", "surrogateescape"), "x")
    ana.write("f.csv", "a,b")
    ana.run("sync", "-y", "--store", ana.store, exit=None)
    answer = ana.run("doctor", "--quick", "--json").answer
    paths = {each["path"] for each in answer["checks"] if each["code"] == "names"}
    assert paths == {"con.csv", "a.csv", "what?.csv", "dot.", "back\\slash", "\\udcff.csv"}


def test_a_clock_that_is_far_off_is_told(s3):
    (ana,) = s3.team("ana")
    ana.write("f.csv", "a,b")
    ana.sync()
    surroundings = Surroundings(env=ana.env, clock=Later(hours=2))
    saved = dict(os.environ)
    os.environ.update(ana.env)
    try:
        checks = examine(ana.project, Config(), surroundings, quick=True).checks
    finally:
        os.environ.clear()
        os.environ.update(saved)
    (clock,) = [each for each in checks if each.code == "clock"]
    assert clock.health is Health.FAIL
    assert "7,2" in clock.what
    assert "ahead of" in clock.what


def test_keys_in_a_committed_file_are_told_and_never_shown(folder):
    (ana,) = folder.team("ana")
    ana.write("f.csv", "a,b")
    ana.sync()
    path = ana.project / "cas-sync.json"
    value = json.loads(path.read_text())
    value["credentials"] = {
        "aws_access_key_id": "AKIASECRETSECRET",
        "aws_secret_access_key": "hush",
    }
    path.write_text(json.dumps(value))
    told = ana.run("doctor", "--quick", "-v", exit=None)
    assert "hush" not in told.stdout + told.stderr
    assert "AKIASECRET" not in told.stdout + told.stderr


def test_a_broken_configuration_stops_only_what_needs_it(folder):
    (ana,) = folder.team("ana")
    (ana.project / "cas-sync.json").write_text("{")
    seen = found(ana, exit=5)
    assert ("versions", "ok") in seen
    assert seen["config", "fail"]["fix"]


def test_policies_let_only_janitors_delete(folder):
    (ana,) = folder.team("ana")
    allowed = {}
    for role in ("reader", "writer", "janitor"):
        told = ana.run("doctor", "--iam-policy", "--role", role, "--store", "s3://team/churn/")
        listing, objects = json.loads(told.stdout)["Statement"]
        assert objects["Resource"] == ["arn:aws:s3:::team/churn/.S3/*"]
        assert listing["Action"] == ["s3:ListBucket"]
        allowed[role] = set(objects["Action"])
    assert allowed == {
        "reader": {"s3:GetObject"},
        "writer": {"s3:GetObject", "s3:PutObject"},
        "janitor": {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"},
    }
    ana.run("doctor", "--iam-policy", "--store", ana.store, exit=2)


def test_a_writer_who_may_not_delete_does_all_of_an_ordinary_day(through, proxy):
    """The proxy refuses every deletion, as the policy of a writer does."""

    def refuse(request):
        is_delete = request.method == "DELETE" or "?delete" in request.path
        return Status(403, "AccessDenied") if is_delete else None

    proxy.rules.append(refuse)
    ana, bo = through.team("ana", "bo")
    ana.run("init", "-y", "--store", ana.store, "--data", "Data")
    ana.write("f.csv", "1")
    ana.sync()
    bo.sync()
    bo.write("f.csv", "2")
    bo.write("g.csv", "3")
    bo.sync()
    bo.run("tag", "v1")
    (bo.data / "g.csv").unlink()
    bo.sync()
    bo.run("undo", "-y")
    ana.sync()
    assert ana.read("g.csv") == b"3"
    ana.run("gc")
    ana.run("fsck", "--deep")


# -- what a bucket does by itself ----------------------------------------------------


@pytest.fixture
def ruled(s3_prefix, tmp_path):
    """Return somebody whose bucket may get rules, and what sets them."""
    bucket = f"ruled-{s3_prefix.prefix}"
    with closing(s3_prefix.server.client()) as client:
        client.create_bucket(Bucket=bucket)

        def put(*rules):
            told = {"Rules": list(rules)}
            client.put_bucket_lifecycle_configuration(
                Bucket=bucket, LifecycleConfiguration=told
            )

        env = s3_prefix.server.environment()
        yield Person(tmp_path, "ana", f"s3://{bucket}/team", env), put


def expires(prefix, **more):
    return {
        "ID": "tidy up",
        "Status": "Enabled",
        "Filter": {"Prefix": prefix},
        "Expiration": {"Days": 30},
        **more,
    }


@pytest.mark.s3
@pytest.mark.parametrize("prefix", ["", "te", "team/", "team/.S3/objects/"])
def test_a_bucket_that_deletes_what_is_old_fails(ruled, prefix):
    ana, put = ruled
    ana.write("f.csv", "a,b")
    put(expires(prefix))
    said = ana.run("init", "--store", ana.store, "-y", exit=None)
    assert "deletes objects 30 days after they were written" in said.stderr + said.stdout
    ana.sync()

    seen = found(ana, "--quick", exit=5)

    assert "tidy up" in seen["lifecycle", "fail"]["what"]


@pytest.mark.s3
def test_rules_about_other_things_are_no_matter(ruled):
    ana, put = ruled
    ana.write("f.csv", "a,b")
    put(expires("other/"), expires("team", ID="off", Status="Disabled"))
    ana.sync()

    seen = found(ana, "--quick")

    assert ("lifecycle", "ok") in seen
    assert ("lifecycle", "fail") not in seen
    assert "refused" in seen["checksums", "ok"]["what"]


@pytest.mark.s3
def test_rules_that_may_not_be_read_stop_nothing(through, proxy):
    (ana,) = through.team("ana")
    ana.write("f.csv", "a,b")
    ana.sync()
    for part in ("lifecycle", "versioning"):
        proxy.rules.append(always(Status(403, "AccessDenied"), part=part))

    seen = found(ana, "--quick")

    assert "s3:GetLifecycleConfiguration" in seen["lifecycle", "ok"]["what"]


def test_rules_are_read_as_they_are_written():
    glacier = {"Days": 5, "StorageClass": "GLACIER"}
    tagged = expires("", Filter={"And": {"Prefix": "", "Tags": [{"Key": "a", "Value": "b"}]}})
    old = {"Status": "Enabled", "Prefix": "", "Expiration": {"Date": "2027-01-02T00:00:00Z"}}
    markers = expires("", Expiration={"ExpiredObjectDeleteMarker": True})
    moved = expires("", Expiration={}, Transitions=[glacier, {"StorageClass": "STANDARD_IA"}])

    class Client:
        def get_bucket_lifecycle_configuration(self, Bucket):  # noqa: N803 - the library's
            return {"Rules": [tagged, old, markers, moved]}

    assert rules_of(Client(), "b", "team/.S3/") == (
        Rule("", True, "deletes objects on 2027-01-02"),
        Rule("tidy up", False, "moves objects to GLACIER 5 days after they were written"),
    )
