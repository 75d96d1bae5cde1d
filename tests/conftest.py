"""What every test may ask for: servers, a prefix of its own, and a home that is not yours."""

import os
import signal
from dataclasses import dataclass
from itertools import count

import pytest
from hypothesis import HealthCheck, settings

from tests.support.canary import leaks
from tests.support.rclone import rclone
from tests.support.weed import S3Server, weed

settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile(
    "deep", settings.get_profile("ci"), derandomize=False, max_examples=5000
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# A shell that starts the tests in the background makes them, and all they start, deaf to
# Ctrl-C; what is tested here is how cas-sync answers it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

TEAM_BUCKET = "team-data"

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class S3Place:
    """A prefix nobody else uses."""

    server: S3Server
    bucket: str
    prefix: str

    @property
    def url(self) -> str:
        """Return the store's address."""
        return f"s3://{self.bucket}/{self.prefix}"

    @property
    def endpoint(self) -> str:
        """Return the server's address."""
        return self.server.endpoint


@pytest.fixture(autouse=True)
def _away_from_home(tmp_path_factory, monkeypatch):
    """Let no test read or write the settings, caches and credentials of who runs it."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "CAS_SYNC_"))]:
        monkeypatch.delenv(name)
    home = tmp_path_factory.getbasetemp() / f"home-{next(_numbers)}"
    for name, part in {
        "HOME": "",
        "USERPROFILE": "",
        "APPDATA": "AppData/Roaming",
        "LOCALAPPDATA": "AppData/Local",
        "XDG_CACHE_HOME": ".cache",
        "XDG_CONFIG_HOME": ".config",
        "XDG_STATE_HOME": ".local/state",
        "XDG_DATA_HOME": ".local/share",
        "CAS_SYNC_CACHE_DIR": "cas-sync/cache",
        "CAS_SYNC_STATE_DIR": "cas-sync/state",
    }.items():
        monkeypatch.setenv(name, str(home / part))
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    return home


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory):
    """Run SeaweedFS for the whole session; it has one bucket, `TEAM_BUCKET`."""
    with weed(tmp_path_factory.mktemp("weed")) as server:
        server.make_bucket(TEAM_BUCKET)
        yield server


@pytest.fixture
def s3_prefix(s3_server, monkeypatch):
    """Return a fresh prefix; boto3 finds server and keys in the environment."""
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    return S3Place(s3_server, TEAM_BUCKET, f"p{next(_numbers)}")


@pytest.fixture(scope="session")
def rclone_server(tmp_path_factory):
    """Run the server that ignores conditions; it has one bucket, `TEAM_BUCKET`."""
    with rclone(tmp_path_factory.mktemp("rclone")) as server:
        server.make_bucket(TEAM_BUCKET)
        yield server


@pytest.fixture(scope="session", autouse=True)
def _secrets_stay_secret(tmp_path_factory):
    """Fail the run if a secret of the tests is found in anything they left behind."""
    yield
    found = [f"{path}: {secret}" for path, secret in leaks(tmp_path_factory.getbasetemp())]
    assert not found, found
