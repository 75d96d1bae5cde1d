"""A bucket that keeps every version of every object."""

from contextlib import closing

import pytest

from tests.e2e.conftest import Place
from tests.support.people import tree
from tests.support.promises import Ledger, everybody_finishes

pytestmark = pytest.mark.s3
BUCKET = "versioned"


@pytest.fixture
def versioned(s3_prefix, tmp_path, request):
    """Return a prefix in a bucket whose versioning is on, or was suspended."""
    with closing(s3_prefix.server.client()) as client:
        if BUCKET not in [each["Name"] for each in client.list_buckets()["Buckets"]]:
            client.create_bucket(Bucket=BUCKET)
        client.put_bucket_versioning(
            Bucket=BUCKET, VersioningConfiguration={"Status": request.param}
        )
    url = f"s3://{BUCKET}/{s3_prefix.prefix}"
    return Place(tmp_path, url, s3_prefix.server.environment())


@pytest.mark.parametrize("versioned", ["Enabled", "Suspended"], indirect=True)
def test_a_bucket_with_versions_serves_a_team_a_collection_and_a_reset(versioned):
    ledger = Ledger()
    ana, bo = versioned.team("ana", "bo")
    for n in range(3):
        ledger.write(ana, "f", b"%d of ana" % n * 900)
        ledger.write(ana, f"g{n}", b"%d of ana, too" % n * 900)
        ana.sync()
    bo.sync()
    bo.delete("g0")
    bo.sync()
    everybody_finishes(ledger, [ana, bo])
    assert ana.run("gc", "--prune", "--confirm", "--grace", "0").exit == 0
    assert ana.run("fsck", "--deep").exit == 0

    ana.run("reset", "--confirm")
    assert bo.sync(exit=8)["code"] == "E209"
    bo.run("reset", "--confirm", "--local")
    bo.sync()
    ana.sync()

    assert tree(ana.data) == tree(bo.data)
    assert [each["author"] for each in ana.log()] == ["bo"]
    assert ana.run("fsck", "--deep").exit == 0
