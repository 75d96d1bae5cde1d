"""Secrets that a user has in a configuration, an address or the environment stay there.

That no command prints one is what `people` insists on for every command of every test, and
that no file holds one is looked at after the run (tests/support/canary.py). Here are the
places where one would get out.
"""

import json

import pytest

from tests.support.canary import PASSWORD, TOKEN
from tests.support.weed import SECRET_KEY

MANY = (
    ("status", "--offline"),
    ("config",),
    ("doctor",),
    ("doctor", "--json"),
    ("sync", "-y", "--debug", "-vv"),
    ("sync", "-y", "--json"),
    ("log", "--json", "--all"),
    ("fsck", "--deep"),
    ("gc",),
    ("reset",),
)


def configure(person, url, **more):
    person.project.mkdir(parents=True, exist_ok=True)
    (person.project / "cas-sync.json").write_text(json.dumps({"store": url, **more}))


def everything(person):
    person.write("a.csv", "1,2\n")
    return [person.run(*command, exit=None) for command in MANY]


@pytest.mark.s3
def test_keys_in_the_configuration_are_used_and_not_told(s3):
    ana = s3.person("ana")
    key = ana.extra.pop("AWS_ACCESS_KEY_ID")
    del ana.extra["AWS_SECRET_ACCESS_KEY"]
    configure(ana, s3.url, aws_access_key_id=key, aws_secret_access_key=SECRET_KEY)

    told = everything(ana)

    assert "Published" in told[4].stdout


@pytest.mark.s3
def test_a_session_token_is_not_told(s3):
    ana = s3.person("ana")
    ana.extra["AWS_SESSION_TOKEN"] = TOKEN
    configure(ana, s3.url)

    assert len(everything(ana)) == len(MANY)


@pytest.mark.parametrize("where", ["HTTP_PROXY", "endpoint", "endpoint-closed"])
@pytest.mark.s3
def test_a_password_in_an_address_is_not_told(s3, where):
    ana = s3.person("ana")
    endpoint = ana.extra["AWS_ENDPOINT_URL"]
    more = {}
    if where == "HTTP_PROXY":
        ana.extra |= {"HTTP_PROXY": f"http://ana:{PASSWORD}@127.0.0.1:9", "NO_PROXY": ""}
    elif where == "endpoint":
        more["endpoint_url"] = endpoint.replace("//", f"//ana:{PASSWORD}@")
    else:
        more["endpoint_url"] = f"http://ana:{PASSWORD}@127.0.0.1:9"
    configure(ana, s3.url, **more)

    told = everything(ana)

    if where != "endpoint":
        assert {each.exit for each in told[4:6]} == {6}
