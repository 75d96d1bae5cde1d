"""Stores for the tests that act as a team: a folder, a real S3 server, one through a proxy."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.people import Person
from tests.support.proxy import Proxy


@dataclass
class Place:
    """A store, and where its people live."""

    root: Path
    url: str
    env: dict[str, str] = field(default_factory=dict)

    def person(self, name: str, **env: str) -> Person:
        """Return somebody new."""
        return Person(self.root / name, name, self.url, {**self.env, **env})

    def team(self, *names: str) -> list[Person]:
        """Return several people."""
        return [self.person(name) for name in names]


@pytest.fixture
def folder(tmp_path) -> Place:
    """Return a store that is a plain folder."""
    return Place(tmp_path, str(tmp_path / "store"))


@pytest.fixture
def s3(tmp_path, s3_prefix) -> Place:
    """Return a store on a real S3 server."""
    return Place(tmp_path, s3_prefix.url, s3_prefix.server.environment())


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.s3)])
def place(request) -> Place:
    """Return each kind of store in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def proxy(s3_prefix):
    """Run a proxy in front of the S3 server."""
    with Proxy(s3_prefix.server) as running:
        yield running


@pytest.fixture
def through(s3, proxy) -> Place:
    """Return a store that is reached through the proxy."""
    return Place(s3.root, s3.url, {**s3.env, "AWS_ENDPOINT_URL": proxy.endpoint})
