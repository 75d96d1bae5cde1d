"""Where tools are measured: a store that nobody used before, and a folder in memory."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.slow_link import SlowLink
from tests.support.proxy import Proxy
from tests.support.weed import S3Server, weed

BUCKET = "benchmarks"
IN_MEMORY = Path("/dev/shm")  # noqa: S108 - where Linux has a disk in memory


@dataclass(frozen=True, slots=True)
class Store:
    """Where the shared state of a sitting is kept.

    Attributes:
        kind: ``s3``, ``folder``, or ``slow``, an S3 far away.
        folder: Where a store that is a folder goes.
        endpoint: How the S3 server is reached, through the proxy if there is one.
        env: Variables that lead tools to the S3 server.
        proxy: Counts requests, if they are counted.
        server: The S3 server itself.
    """

    kind: str
    folder: Path
    endpoint: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    proxy: Proxy | None = None
    server: S3Server | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """What one tool works with during one sitting.

    Attributes:
        root: All the tool's own things: home, caches, configuration.
        source: The data, a folder in a project folder of its own.
        name: No other place's.
        store: Where to.
    """

    root: Path
    name: str
    store: Store

    @property
    def project(self) -> Path:
        """The folder around the data."""
        return self.root / "project"

    @property
    def source(self) -> Path:
        """The data."""
        return self.project / "Data"

    @property
    def bucket_path(self) -> str:
        """Bucket and prefix of this tool alone."""
        return f"{BUCKET}/{self.name}"

    @property
    def folder(self) -> Path:
        """The folder of this tool alone in a store that is a folder."""
        return self.store.folder / self.name

    def env(self, home: str = "home", **more: str) -> dict[str, str]:
        """Return the variables of a process whose home and caches are below ``home``."""
        own = self.root / home
        (own / "tmp").mkdir(parents=True, exist_ok=True)
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": str(own),
            "TMPDIR": str(own / "tmp"),
            "XDG_CACHE_HOME": str(own / "cache"),
            "NO_PROXY": "127.0.0.1",
            **self.store.env,
            **more,
        }


def scratch_folder() -> Path:
    """Return where measuring disturbs least: in memory, where there is such a disk."""
    return IN_MEMORY if os.access(IN_MEMORY, os.W_OK) else Path(tempfile.gettempdir())


def warm_up(folder: Path, size: int) -> None:
    """Touch so many bytes of a disk once: the first who gets new memory pays for it."""
    with tempfile.TemporaryFile(dir=folder) as file:
        piece = os.urandom(1 << 20)
        for _ in range(size >> 20):
            file.write(piece)


@contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """Make a folder below ``parent`` that goes with the block."""
    made = Path(tempfile.mkdtemp(prefix="benchmark-", dir=parent))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def fresh_store(kind: str, folder: Path, *, count: bool = False) -> Iterator[Store]:
    """Run a store that holds nothing yet; it goes with the block.

    SeaweedFS does not give back the space of what is deleted, so nothing is cleaned: the
    next store is a new one.
    """
    if kind == "folder":
        yield Store(kind, folder / "stores")
        return
    with ExitStack() as stack:
        server = stack.enter_context(weed(folder))
        server.make_bucket(BUCKET)
        endpoint, proxy = server.endpoint, None
        if count:
            proxy = stack.enter_context(Proxy(server))
            endpoint = proxy.endpoint
        elif kind == "slow":
            endpoint = stack.enter_context(SlowLink(server.endpoint)).endpoint
        env = leading_to(server, endpoint)
        yield Store(kind, folder / "stores", endpoint, env, proxy, server)


def leading_to(server: S3Server, endpoint: str) -> dict[str, str]:
    """Return the variables that lead tools to a server by way of ``endpoint``."""
    # Homes are empty here, and not every tool bears to be told of a file that is none.
    told = {key: value for key, value in server.environment().items() if value != os.devnull}
    return {**told, "AWS_REGION": server.region, "AWS_ENDPOINT_URL": endpoint}
