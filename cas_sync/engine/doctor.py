"""Looks at everything a sync relies on and says what is wrong, each with what to do.

No check stops another one. Nothing is changed but probes below the store's `tmp/`, which
are taken away again. Nothing that is told holds a secret.
"""

import os
import platform
import shutil
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from cas_sync._version import __version__
from cas_sync.chunking.cutter import split
from cas_sync.engine.config_check import check
from cas_sync.engine.repository import refuse_headless
from cas_sync.engine.settings import Settings, load_settings
from cas_sync.engine.surroundings import Surroundings, find_author
from cas_sync.errors import CasSyncError, ConfigError
from cas_sync.formats.config_json import CREDENTIALS, Config
from cas_sync.model.commit import HeadState
from cas_sync.model.params import ChunkParams
from cas_sync.model.paths import (
    STATE_DIR,
    PathRefusedError,
    fold,
    parse_repo_path,
    unportable,
)
from cas_sync.store.bucket import Bucket, Key
from cas_sync.store.head import read_head
from cas_sync.store.qualify import run_probes
from cas_sync.store.terms import Terms
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.state import BASE_FILE, INTENT_FILE, LocalState

LIBRARIES = ("click", "boto3", "botocore", "blake3", "pyfastcdc", "zstandard", "pathspec")
SKEW_WARNS_S = 60
SKEW_FAILS_S = 15 * 60
"""Past so much AWS takes no signature (RequestTimeTooSkewed)."""

_QUICK: Mapping[str, int] = {}
_FULL: Mapping[str, int] = {"writers": 16, "rounds": 20, "increments": 4}
"""How hard the store is tried: writers at once, objects they race to make, updates each."""

_NOWHERE = Key(".S3/tmp/probe-clock-")
ROOM = 1 << 30
NAMED = 20


class Health(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Check(NamedTuple):
    """What one check found.

    Attributes:
        code: Stable name of the check.
        health: How it ended.
        what: What was found.
        fix: What to do about it; may be empty.
        path: The file it is about; may be empty.
        exit_code: How the command ends if this is the worst that was found; 0 where all
            is well.
    """

    code: str
    health: Health
    what: str
    fix: str = ""
    path: str = ""
    exit_code: int = 0


@dataclass(frozen=True)
class Examination:
    """All that was found.

    Attributes:
        checks: One after the other, as they were made.
    """

    checks: tuple[Check, ...]

    @property
    def exit_code(self) -> int:
        """0 where nothing failed; else that of the first failure."""
        return next((each.exit_code for each in self.checks if each.health is Health.FAIL), 0)


def examine(
    start: Path, flags: Config, surroundings: Surroundings, *, quick: bool = False
) -> Examination:
    """Return what is found from ``start`` on.

    Args:
        start: Where the project is looked for.
        flags: What the command line says.
        surroundings: Time, randomness, environment.
        quick: Whether the store is tested as briefly as `init` does it.
    """
    return Examination(tuple(_examine(start, flags, surroundings, quick=quick)))


def _examine(
    start: Path, flags: Config, surroundings: Surroundings, *, quick: bool
) -> Iterator[Check]:
    yield from _versions()
    env = surroundings.env
    read, wrong = check(start, env)
    try:
        settings = load_settings(start, flags, env)
    except CasSyncError as error:
        yield from (_failed("config", each) for each in wrong or [error])
        return
    # What the command line said may be all that there is.
    for each in wrong if read else ():
        yield _failed("config", each)._replace(health=Health.WARN)
    where = ", ".join(read) or "flags and environment"
    yield Check("config", Health.OK, f"configuration: {where}; {settings.address.url}")
    yield from _secrets(settings)
    who = find_author(settings.user_name, settings.root, env)
    yield Check("identity", Health.OK, f"you sign as {who}")
    yield from _guarded("disk", lambda: _disk(settings))
    yield from _guarded("folder", lambda: _folder(settings))
    yield from _guarded("names", lambda: _names(settings))
    yield from _guarded("store", lambda: _store(settings, surroundings, quick=quick))


def _guarded(code: str, step: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    try:
        yield from step()
    except CasSyncError as error:
        yield _failed(code, error)
    except OSError as error:
        what = f"{error.filename or code}: {error.strerror}"
        yield Check(code, Health.FAIL, what, exit_code=4)


def _failed(code: str, error: CasSyncError) -> Check:
    what = f"{error.code} {error.message}" + (f": {error.cause}" if error.cause else "")
    return Check(code, Health.FAIL, what, error.fix, exit_code=error.exit_code)


# -- this machine ------------------------------------------------------------------------


def _versions() -> Iterator[Check]:
    python = platform.python_version()
    health = Health.OK if sys.version_info >= (3, 11) else Health.FAIL
    found = f"cas-sync {__version__}, Python {python}, {platform.system()}"
    yield Check("versions", health, found, exit_code=5)
    yield Check("libraries", Health.OK, ", ".join(_library(name) for name in LIBRARIES))
    try:
        list(split([b"x"], ChunkParams()))
    except ConfigError as error:
        yield _failed("libraries", error)


def _library(name: str) -> str:
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return f"{name} (not installed as a package)"


def _secrets(settings: Settings) -> Iterator[Check]:
    """Look for keys where others may read them."""
    said = settings.origins.get(CREDENTIALS, "")
    path = settings.config_path
    if path is not None and said == path.name:
        yield Check(
            "secrets",
            Health.WARN,
            f"{path.name} holds AWS keys, and is meant to be committed",
            "take them out, and have new ones made:  aws configure --profile NAME, then\n"
            "cas-sync config set profile NAME --local",
            path.name,
        )
        return
    if said:
        yield Check("secrets", Health.OK, f"AWS keys are said in {said}")
    else:
        yield Check("secrets", Health.OK, "no secret in the configuration")
    if path is not None and os.name != "nt":
        yield from _readable(path, settings)


def _readable(path: Path, settings: Settings) -> Iterator[Check]:
    local = settings.data / STATE_DIR / "local.json"
    for each in (path, local):
        has_keys = settings.origins.get(CREDENTIALS, "") in {each.name, str(each)}
        if has_keys and each.exists() and each.stat().st_mode & stat.S_IROTH:
            yield Check(
                "secrets",
                Health.WARN,
                f"everybody on this machine may read {each.name}, which holds AWS keys",
                f"chmod 600 {each.name}",
                each.name,
            )


def _disk(settings: Settings) -> Iterator[Check]:
    for what, path in (("the data folder", settings.data), ("the cache", settings.cache_dir)):
        there = next(each for each in (path, *path.parents) if each.exists())
        free = shutil.disk_usage(there).free
        health = Health.OK if free >= ROOM else Health.WARN
        fix = "" if health is Health.OK else "make room: a sync needs the size of its downloads"
        yield Check("disk", health, f"{free / 1e9:.1f} GB free for {what}", fix, str(path))


def _folder(settings: Settings) -> Iterator[Check]:
    """Tell how the data folder stands, and what its disk can hold apart."""
    data = settings.data
    if not data.is_dir():
        yield Check(
            "folder", Health.WARN, f"there is no {data} yet", "cas-sync sync   makes it"
        )
        return
    lower = str(data).lower()
    for name in ("onedrive", "dropbox", "icloud", "google drive"):
        if name in lower:
            yield Check(
                "folder",
                Health.WARN,
                f"{data} seems to lie in {name}: two programs would sync it",
                "move it to a folder that no other program keeps in step",
                str(data),
            )
    with Folder(str(data)) as folder:
        state = LocalState(folder)
        if (data / STATE_DIR / INTENT_FILE).exists():
            yield Check(
                "folder",
                Health.WARN,
                "a sync was interrupted here; nothing is lost",
                "cas-sync sync   finishes it",
            )
        root = state.read_root()
        if root is not None and root.store_url != settings.address.url:
            yield Check(
                "folder",
                Health.FAIL,
                f"this folder was synced with {root.store_url}",
                f"cas-sync config set store {root.store_url}",
                exit_code=8,
            )
    yield from _folding(data)
    base = data / STATE_DIR / BASE_FILE
    if base.exists():
        when = datetime.fromtimestamp(base.stat().st_mtime, UTC)
        yield Check("folder", Health.OK, f"last synced {when:%Y-%m-%d %H:%M} UTC")


def _folding(data: Path) -> Iterator[Check]:
    state = data / STATE_DIR
    if not state.is_dir():
        return
    folds = (data / STATE_DIR.lower()).exists()
    what = "takes upper and lower case for the same" if folds else "tells case apart"
    yield Check("folder", Health.OK, f"the data folder's disk {what}")


def _names(settings: Settings) -> Iterator[Check]:
    """Tell which names other systems cannot hold, or take for another."""
    data = settings.data
    if not data.is_dir():
        return
    n = 0
    for path, why in _untravelled(data):
        n += 1
        if n <= NAMED:
            fix = "rename it, or leave it out:  cas-sync ignore add"
            yield Check("names", Health.WARN, why, fix, path)
    if n > NAMED:
        yield Check("names", Health.WARN, f"... and {n - NAMED:,} more names like these")
    if not n:
        yield Check("names", Health.OK, "every name can travel to every system")


def _untravelled(data: Path) -> Iterator[tuple[str, str]]:
    for folder, folders, files in os.walk(data):
        folders[:] = sorted(each for each in folders if each != STATE_DIR)
        seen: dict[str, str] = {}
        for name in sorted([*folders, *files]):
            path = (Path(folder) / name).relative_to(data).as_posix()
            try:
                parse_repo_path(path)
            except PathRefusedError as error:
                if "normal form C" not in str(error):
                    yield path.encode("utf-8", "backslashreplace").decode(), str(error)
                    continue
            if why := unportable(name):
                yield path, why
            if (twin := seen.setdefault(fold(name), name)) != name:
                yield path, f"some disks take it for {twin}"


# -- the store ---------------------------------------------------------------------------


def _store(settings: Settings, surroundings: Surroundings, *, quick: bool) -> Iterator[Check]:
    with closing(surroundings.connect(settings.address)) as bucket:
        head = read_head(bucket)
        yield Check("store", Health.OK, f"{settings.address.url} answers")
        if head is None:
            refuse_headless(bucket)
            yield Check("store", Health.OK, "nothing was published there yet")
        elif head.head.state is HeadState.CLOSED:
            yield Check(
                "store",
                Health.FAIL,
                "the repository is being reset",
                "cas-sync reset --confirm --remote   finishes it",
                exit_code=8,
            )
        else:
            yield Check("store", Health.OK, f"{head.head.seq} commits, {head.head.files} files")
        yield from _clock(bucket, surroundings)
        yield from _terms(surroundings.terms(settings.address))
        yield from _qualify(settings, bucket, surroundings, quick=quick)


def _terms(terms: Terms) -> Iterator[Check]:
    """Tell what the bucket does with our objects when nobody asks it to."""
    for rule in terms.rules or ():
        health = Health.FAIL if rule.deletes else Health.WARN
        what = f"the bucket {rule.what} (lifecycle rule {rule.name or 'without a name'})"
        fix = "take this prefix out of the rule, or use another bucket"
        yield Check("lifecycle", health, what, fix, exit_code=5)
    if terms.rules == ():
        yield Check("lifecycle", Health.OK, "no rule deletes or moves objects here")
    elif terms.rules is None:
        what = "lifecycle rules could not be read: that needs s3:GetLifecycleConfiguration"
        yield Check("lifecycle", Health.OK, what)
    if terms.keeps_versions:
        what = "the bucket keeps versions: what gc and reset remove still takes room there"
        yield Check("versioning", Health.OK, what)
    if terms.checks_sums is not None:
        good = terms.checks_sums
        what = "what is damaged on its way there is " + ("refused" if good else "stored")
        fix = "" if good else "it is noticed when it is read; use https, or upgrade the server"
        yield Check("checksums", Health.OK if good else Health.WARN, what, fix)


def _clock(bucket: Bucket, surroundings: Surroundings) -> Iterator[Check]:
    list(bucket.list_keys(_NOWHERE))  # a plain request, the answer of which has a date
    if not bucket.meter.server_date:
        yield Check("clock", Health.OK, "no server whose clock could differ")
        return
    there = parsedate_to_datetime(bucket.meter.server_date)
    skew = (surroundings.clock.now() - there).total_seconds()
    if abs(skew) < SKEW_WARNS_S:
        yield Check("clock", Health.OK, "the clock agrees with the store's")
        return
    side = "ahead of" if skew > 0 else "behind"
    what = f"the clock here is {abs(skew):,.0f} s {side} the store's"
    health = Health.FAIL if abs(skew) >= SKEW_FAILS_S else Health.WARN
    yield Check("clock", health, what, "set this machine's clock", exit_code=4)


def _qualify(
    settings: Settings, bucket: Bucket, surroundings: Surroundings, *, quick: bool
) -> Iterator[Check]:
    if settings.single_writer:
        what = "this store is not tested: only one person may sync with it"
        yield Check("qualify", Health.WARN, what)
        return
    sizes = _QUICK if quick else _FULL
    for found in run_probes(bucket, surroundings.clock, surroundings.ulid(), **sizes):
        what = found.name + (f": {found.detail}" if found.detail else "")
        if found.ok:
            yield Check("qualify", Health.OK, what)
        else:
            yield Check(
                "qualify",
                Health.FAIL,
                what,
                "use a store that honours If-None-Match and If-Match, or upgrade the server",
                exit_code=5,
            )
