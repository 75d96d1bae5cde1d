"""What an engine is given of the outside: time, randomness, who and where."""

import os
import random
import secrets
import subprocess
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from cas_sync.clock import Clock, SystemClock
from cas_sync.formats import keys
from cas_sync.formats.rows import tidy
from cas_sync.store.bucket import Bucket, StoreAddress
from cas_sync.store.cache import Cache
from cas_sync.store.connect import open_bucket
from cas_sync.store.foreign import ForeignStore, open_foreign
from cas_sync.store.terms import Terms, read_terms


def threads(n: int) -> Executor:
    """Return what does so many things side by side."""
    return ThreadPoolExecutor(n, thread_name_prefix="store")


@dataclass(frozen=True)
class Surroundings:
    """Time, randomness and names, given and not taken.

    Attributes:
        clock: The time.
        entropy: Returns so many random bytes.
        machine: What this computer calls itself.
        env: The environment variables.
        connect: Opens the bucket at an address.
        foreign: Opens what others left there.
        terms: Tells what the bucket at an address does by itself.
        pool: Returns what does so many requests side by side.
        copies: Keeps copies of immutable objects below a folder.
        zone: Where times are told that name no zone; `None` for where this machine is.
    """

    clock: Clock = field(default_factory=SystemClock)
    entropy: Callable[[int], bytes] = secrets.token_bytes
    machine: str = ""
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)
    connect: Callable[[StoreAddress], Bucket] = open_bucket
    foreign: Callable[[StoreAddress], ForeignStore] = open_foreign
    terms: Callable[[StoreAddress], Terms] = read_terms
    pool: Callable[[int], Executor] = threads
    copies: Callable[[Path], Cache] = Cache
    zone: tzinfo | None = None

    def nonce(self) -> str:
        """Return 16 hex digits never used before."""
        return self.entropy(8).hex()

    def ulid(self) -> str:
        """Return a ULID never used before."""
        return keys.ulid(int(self.clock.now().timestamp() * 1000), self.entropy(10))

    def to_utc(self, local: datetime) -> datetime:
        """Return a time that names no zone in UTC.

        Raises:
            ValueError, OverflowError, OSError: No calendar, or not this machine's, holds it.
        """
        if self.zone is not None:
            local = local.replace(tzinfo=self.zone)
        return local.astimezone(UTC)

    def jitter(self) -> float:
        """Return a random number from 0 to 1."""
        return random.Random(self.entropy(8)).random()  # noqa: S311 - spreads waiting only


def find_author(configured: str | None, root: Path, env: Mapping[str, str]) -> str:
    """Return who we are: configured, else as git knows, else login and machine."""
    if configured and (name := tidy(configured)):
        return name
    if name := find_git_name(root):
        return name
    login = env.get("USER") or env.get("USERNAME") or env.get("LOGNAME") or "someone"
    return tidy(f"{login}@{machine_name()}")


def find_git_name(root: Path) -> str:
    """Return the name that git would sign with in ``root``; empty where it has none."""
    try:
        found = subprocess.run(
            ["git", "config", "user.name"],  # noqa: S607 - whichever git the user has
            cwd=root,
            capture_output=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return tidy(found.stdout.decode("utf-8", "replace"))


def machine_name() -> str:
    """Return what this computer calls itself."""
    import platform  # noqa: PLC0415 - needed once a commit is made, not at every start

    return tidy(platform.node()) or "unknown"
