"""What doctor finds, and that it tells no secret."""

import json
import os

import pytest

from cas_sync.engine.doctor import Health, examine
from cas_sync.engine.surroundings import Surroundings
from cas_sync.formats.config_json import Config
from tests.support.collecting import Later
from tests.support.people import Person
from tests.support.proxy import Status


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
