"""People with a project folder each, for tests that act as a team would.

A person runs the real command line: in a process of its own where signals, terminals or
the environment matter, else in this one, which is many times faster.
"""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import blake3

from cas_sync.clock import SystemClock
from cas_sync.engine.repository import Connection
from cas_sync.engine.settings import load_settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.formats.config_json import Config
from cas_sync.model.tree import Content, Deletion, Entry
from cas_sync.store.bucket import Bucket
from tests.support.canary import secret_in
from tests.support.proxy import Action, Request, Rule
from tests.support.terminal import Terminal

OLD_NS = 1_600_000_000_000_000_000
"""A modification time long ago, so that no file looks as if it were being written."""

Tree = dict[str, tuple[bytes | str, bool]]
"""By path: the bytes, or a link's target as text; and whether it is executable."""


@dataclass(frozen=True)
class Result:
    """What a command said and how it ended."""

    args: tuple[str, ...]
    exit: int
    stdout: str
    stderr: str
    printed: bytes = b""
    """Standard output as it was written, of a command that ran in this process."""

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every line of standard output as JSON."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    @property
    def last(self) -> dict[str, Any]:
        """The last line of standard output as JSON: the summary or the error."""
        return self.events[-1]

    @property
    def answer(self) -> Any:
        """What a query found."""
        return self.last["result"]

    def __str__(self) -> str:
        return f"{self.args} -> {self.exit}\n{self.stdout}\n{self.stderr}"


@dataclass
class Person:
    """Somebody with a project folder, a home and a cache of their own.

    Attributes:
        home: Holds all of it.
        name: Signs the commits.
        store: Address of the store, as given at the first sync.
        extra: Environment variables that lead to the store.
    """

    home: Path
    name: str
    store: str
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.project.mkdir(parents=True, exist_ok=True)

    @property
    def project(self) -> Path:
        """The folder that holds cas-sync.json."""
        return self.home / "project"

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.project / "Data"

    @property
    def state(self) -> Path:
        """The bookkeeping in the data folder."""
        return self.data / ".S3"

    @property
    def env(self) -> dict[str, str]:
        """The environment of this person's commands."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("CAS_SYNC_", "AWS_", "XDG_"))
        }
        return {
            **kept,
            "HOME": str(self.home),
            "CAS_SYNC_CACHE_DIR": str(self.home / "cache"),
            "CAS_SYNC_STATE_DIR": str(self.home / "state"),
            "CAS_SYNC_USER": self.name,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1,localhost",
            "COLUMNS": "96",
            **self.extra,
        }

    # -- commands -------------------------------------------------------------------

    def run(self, command: str, *args: str, exit: int | None = 0) -> Result:  # noqa: A002
        """Run a command in this process and insist on its exit code (`None`: on none)."""
        full = (command, "-C", str(self.project), *args)
        return _insist(self._run_here(full), exit)

    def _run_here(self, args: tuple[str, ...]) -> Result:
        from cas_sync.cli.main import main

        written = io.BytesIO()
        out, err = io.TextIOWrapper(written, encoding="utf-8", newline=""), io.StringIO()
        saved = dict(os.environ), sys.argv
        code: object = 0
        try:
            with (
                Path(os.devnull).open() as nothing,
                contextlib.redirect_stdout(out),
                contextlib.redirect_stderr(err),
                _stdin(nothing),
            ):
                os.environ.clear()
                os.environ.update(self.env)
                sys.argv = ["cas-sync", *args]
                try:
                    main()
                except SystemExit as end:
                    code = end.code
        finally:
            os.environ.clear()
            os.environ.update(saved[0])
            sys.argv = saved[1]
        out.flush()
        printed = written.getvalue()
        text = printed.decode("utf-8", errors="replace")
        return Result(args, int(str(code or 0)), text, err.getvalue(), printed)

    def process(
        self,
        command: str,
        *args: str,
        exit: int | None = 0,  # noqa: A002
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Result:
        """Run a command in a process of its own, without a terminal."""
        with self.start(command, *args, env=env, cwd=cwd) as running:
            out, err = running.communicate()
        return _insist(Result((command, *args), running.returncode, out, err), exit)

    def start(
        self,
        command: str,
        *args: str,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> subprocess.Popen[str]:
        """Start a command in a process of its own; the caller waits for it."""
        return subprocess.Popen(
            [sys.executable, "-m", "cas_sync", command, *args],
            cwd=cwd or self.project,
            env={**self.env, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def terminal(
        self,
        *args: str,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Terminal:
        """Run a command in a pseudo-terminal; a context manager that ends it."""
        return Terminal(
            [sys.executable, "-m", "cas_sync", *args],
            cwd or self.project,
            {**self.env, **(env or {})},
        )

    def sync(self, *args: str, exit: int | None = 0) -> dict[str, Any]:  # noqa: A002
        """Run ``sync -y --json`` here and return the last event."""
        first = () if (self.project / "cas-sync.json").exists() else ("--store", self.store)
        return self.run("sync", "-y", "--json", *first, *args, exit=exit).last

    def log(self, *args: str) -> list[dict[str, Any]]:
        """Return the history, newest first."""
        found: list[dict[str, Any]] = self.run("log", "--json", *args).answer
        return found

    def status(self, *args: str) -> dict[str, Any]:
        """Return what ``status`` says."""
        found: dict[str, Any] = self.run("status", "--json", *args).answer
        return found

    # -- files ----------------------------------------------------------------------

    def write(self, path: str, data: bytes | str, *, executable: bool = False) -> Path:
        """Write a file with a time long ago, whatever was there."""
        return write(self.data, path, data, executable=executable)

    def read(self, path: str) -> bytes:
        """Return a file's bytes."""
        return (self.data / path).read_bytes()

    def delete(self, *paths: str) -> None:
        """Delete files."""
        for path in paths:
            (self.data / path).unlink()

    def settle(self) -> None:
        """Wait until the disk's clock is past every change here.

        A file that changed in the same tick of it is read again by the next scan.
        """
        newest = max((path.lstat().st_ctime_ns for path in self.data.rglob("*")), default=0)
        probe = self.home / "clock"
        while True:
            probe.write_bytes(b"")
            if probe.stat().st_ctime_ns > newest + 200_000_000:
                return

    def paths(self) -> set[str]:
        """Return the paths of all files but those below `.S3`."""
        return set(tree(self.data))

    def kept(self) -> set[bytes]:
        """Return the contents below `.S3/deleted`."""
        return {data for data, _ in tree(self.state / "deleted").values() if _is_bytes(data)}

    def leftovers(self) -> list[str]:
        """Return the names in `.S3/tmp`."""
        folder = self.state / "tmp"
        return sorted(os.listdir(folder)) if folder.is_dir() else []

    def configure(self, **values: Any) -> None:
        """Change cas-sync.json."""
        path = self.project / "cas-sync.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

    @contextlib.contextmanager
    def repository(
        self, connect: Callable[..., Bucket] | None = None
    ) -> Iterator["StoredState"]:
        """Look at the shared state with cas_sync's own readers."""
        given = {} if connect is None else {"connect": connect}
        saved = dict(os.environ)
        os.environ.clear()
        os.environ.update(self.env)
        try:
            surroundings = Surroundings(env=self.env, **given)
            settings = load_settings(self.project, Config(store=self.store), self.env)
            with Connection(settings, surroundings) as connection:
                yield StoredState(connection)
        finally:
            os.environ.clear()
            os.environ.update(saved)


@contextlib.contextmanager
def _stdin(source) -> Iterator[None]:
    saved, sys.stdin = sys.stdin, source
    try:
        yield
    finally:
        sys.stdin = saved


def _is_bytes(data: bytes | str) -> bool:
    return isinstance(data, bytes)


def no_secrets_in(result: Result) -> Result:
    """Insist that a command told no secret of the tests to whoever reads its output."""
    found = secret_in(f"{result.stdout}\n{result.stderr}".encode())
    assert not found, f"{result.args} printed {found}"
    return result


def _insist(result: Result, expected: int | None) -> Result:
    no_secrets_in(result)
    if expected is not None and result.exit != expected:
        raise AssertionError(f"expected exit {expected}: {result}")
    return result


class StoredState:
    """What the store holds at this moment."""

    def __init__(self, connection: Connection) -> None:
        head = connection.read_head()
        if head is None:
            raise AssertionError("there is no head")
        self.connection = connection
        self.head = head.head
        self.repo = connection.repository(self.head.repo_id)
        self.reader = self.repo.reader(self.head)

    def versions(self) -> dict[str, Entry]:
        """Return the rows of the shared tree."""
        return {row.path: row for row in self.repo.versions.rows(self.head.versions)}

    def deletions(self) -> list[Deletion]:
        """Return the rows of the deleted manifest."""
        return list(self.repo.deleted.rows(self.head.deleted))

    def content(self, content: Content) -> bytes:
        """Return stored bytes, every one of them checked."""
        if not content.size:
            return b""
        where = self.reader.locate(content)
        if content.id == where.id and where.kind.name == "CHUNK":
            return self.reader.read([where])[content.id]
        parts = []
        for group in self.reader.chunks(where, content):
            found = self.reader.read(
                self.reader.find(piece.id, type(where.kind)["CHUNK"]) for piece in group
            )
            parts += [found[piece.id] for piece in group]
        data = b"".join(parts)
        assert blake3.blake3(data).digest() == content.id
        return data

    def all_contents(self) -> set[bytes]:
        """Return every content that the tree or the deleted files of a kept commit name."""
        record = self.repo.upkeep.in_force(self.head)
        horizon = record.horizon if record.horizon > 1 else 0
        wanted = {row.entry.content for row in self.deletions() if row.seq > horizon}
        for oid, commit in self.repo.commits.walk(self.head):
            if record.keeps(commit.seq, oid):
                wanted |= {row.content for row in self.repo.versions.rows(commit.versions)}
        return {self.content(each) for each in wanted}


def write(root: Path, path: str, data: bytes | str, *, executable: bool = False) -> Path:
    """Write a file below ``root`` with a time long ago, whatever was there."""
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    content = data.encode() if isinstance(data, str) else data
    if target.is_symlink() or not target.exists():
        target.unlink(missing_ok=True)
    target.write_bytes(content)
    target.chmod(0o755 if executable else 0o644)
    os.utime(target, ns=(OLD_NS, OLD_NS))
    return target


def tree(root: Path) -> Tree:
    """Return every file below ``root`` but those below its `.S3`."""
    found: Tree = {}
    if not root.is_dir():
        return found
    for folder, dirs, files in os.walk(root):
        if Path(folder) == root:
            dirs[:] = [name for name in dirs if name != ".S3"]
        links = [name for name in dirs if (Path(folder) / name).is_symlink()]
        for name in files + links:
            path = Path(folder) / name
            key = path.relative_to(root).as_posix()
            if path.is_symlink():
                found[key] = (os.readlink(path), False)
            elif path.is_file():
                found[key] = (path.read_bytes(), bool(path.stat().st_mode & 0o100))
    return found


def snapshot(root: Path) -> dict[str, tuple[object, ...]]:
    """Return all that can be seen of every file below ``root``, bookkeeping included."""
    found = {}
    for folder, _, files in os.walk(root):
        for name in files:
            path = Path(folder) / name
            seen = path.lstat()
            content = os.readlink(path) if path.is_symlink() else path.read_bytes()
            found[str(path.relative_to(root))] = (content, seen.st_mtime_ns, seen.st_mode)
    return found


class Kill:
    """A rule that kills a process when it sends a certain request.

    Args:
        method: Of the request.
        part: In the path of the request.
        number: Which of those, counted from 0.
        apply: Whether the server still does it.
    """

    def __init__(self, method: str, part: str, number: int = 0, *, apply: bool = False) -> None:
        self.hit = threading.Event()
        self._what = method, part, number
        self._apply = apply
        self._pid: int | None = None
        self._seen = 0
        self._started = threading.Event()

    def aim(self, pid: int) -> None:
        """Say whom to kill; requests wait for that."""
        self._pid = pid
        self._started.set()

    def __call__(self, request: Request) -> Action | None:
        """Kill when the time has come."""
        method, part, number = self._what
        if self.hit.is_set() or request.method != method or part not in request.path:
            return None
        self._seen += 1
        if self._seen <= number:
            return None
        self._started.wait(30)
        if self._pid is None:
            raise AssertionError("nobody to kill")
        self.hit.set()
        return self._strike(self._pid)

    def _strike(self, pid: int) -> Action | None:
        from tests.support.proxy import DropBefore

        os.kill(pid, signal.SIGKILL)
        return None if self._apply else DropBefore()


class Stop(Kill):
    """A rule that stops a process at a request, while something else is done.

    Args:
        method: Of the request.
        part: In the path of the request.
        meanwhile: Is done before the process goes on; does not use the proxy.
    """

    def __init__(self, method: str, part: str, meanwhile: Callable[[], object]) -> None:
        super().__init__(method, part)
        self._meanwhile = meanwhile

    def _strike(self, pid: int) -> Action | None:
        os.kill(pid, signal.SIGSTOP)
        try:
            self._meanwhile()
        finally:
            os.kill(pid, signal.SIGCONT)
        return None


class Opened:
    """Notes which files are opened in this process while its block runs."""

    _listeners: tuple["Opened", ...] = ()
    _hooked = False

    def __init__(self) -> None:
        self.paths: list[str] = []

    def __enter__(self) -> Self:
        if not Opened._hooked:
            sys.addaudithook(Opened._hook)
            Opened._hooked = True
        Opened._listeners = (*Opened._listeners, self)
        return self

    def __exit__(self, *_: object) -> None:
        Opened._listeners = tuple(each for each in Opened._listeners if each is not self)

    @staticmethod
    def _hook(event: str, args: tuple[Any, ...]) -> None:
        if Opened._listeners and event == "open":
            for listener in Opened._listeners:
                listener.paths.append(str(args[0]))


class Instant(SystemClock):
    """A clock that does not wait."""

    def sleep(self, seconds: float) -> None:
        """Go on at once."""
        del seconds


def settings_of(person: Person, **values: Any):
    """Return this person's settings without a configuration file."""
    return load_settings(
        person.project, Config(store=person.store, data="Data", **values), person.env
    )


def rule_once(method: str, part: str, action: Action, *, skip: int = 0) -> Rule:
    """Return a rule for one request of ``method`` whose path ends with ``part``."""
    left = [skip + 1]

    def rule(request: Request) -> Action | None:
        if request.method != method or not request.path.partition("?")[0].endswith(part):
            return None
        left[0] -= 1
        return action if left[0] == 0 else None

    return rule
