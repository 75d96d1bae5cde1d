"""`cas-sync.lock`: which version of the data the code beside it was written for.

JSON that lies in git, so that a change of the data shows as a change of a few lines there.
``repo_id``, ``commit`` and ``seq`` decide; the rest is for people who read the diff.
"""

import json
import re
from typing import NamedTuple

from cas_sync.errors import ConfigError
from cas_sync.formats import json_text
from cas_sync.model.commit import Commit
from cas_sync.model.ids import DIGEST_BYTES, ObjectId

NAME = "cas-sync.lock"
VERSION = 1

_REPO_ID = re.compile(r"[0-9a-f]{32}")
_COMMIT = re.compile(rf"[0-9a-f]{{{2 * DIGEST_BYTES}}}")
_AGAIN = "write it anew:  cas-sync pin"


class Lock(NamedTuple):
    """A pinned version.

    Attributes:
        repo_id: The repository, as 32 hex digits.
        commit: The commit's id.
        seq: Its number.
    """

    repo_id: str
    commit: ObjectId
    seq: int

    def __str__(self) -> str:
        """Return what people are shown: ``3f9c1a2b (#12)``."""
        return f"{self.commit.hex()[:8]} (#{self.seq})"


def dump(lock: Lock, commit: Commit, tags: tuple[str, ...]) -> bytes:
    """Return the bytes of a lock file.

    Args:
        lock: What is pinned.
        commit: The commit, of which people are told something.
        tags: What it is called.
    """
    document = {
        "lock": VERSION,
        "repo_id": lock.repo_id,
        "commit": str(lock.commit),
        "seq": lock.seq,
        "tags": list(tags),
        "author": commit.author,
        "time": commit.time,
        "message": commit.message,
        "files": commit.files,
        "size": commit.size,
    }
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def load(data: bytes) -> Lock:
    """Return what the bytes of a lock file pin.

    Raises:
        ConfigError: They are malformed, or of a later version.
    """
    if re.search(rb"^<{7} ", data, re.MULTILINE):
        raise ConfigError(
            f"{NAME} holds both sides of a git merge",
            fix=f"decide for one version, and {_AGAIN} REV",
            code="E201",
        )
    found = json_text.read(data, NAME).value
    version = found.get("lock")
    if version != VERSION or isinstance(version, bool):
        raise ConfigError(
            f'{NAME} is not of a form this version reads: "lock" is not {VERSION}',
            fix=f"update cas-sync, or {_AGAIN}",
            code="E202",
        )
    repo_id, commit, seq = found.get("repo_id"), found.get("commit"), found.get("seq")
    for key, value, form in (("repo_id", repo_id, _REPO_ID), ("commit", commit, _COMMIT)):
        if not (isinstance(value, str) and form.fullmatch(value)):
            raise ConfigError(
                f'{NAME}: "{key}" is not as it was written there', fix=_AGAIN, code="E202"
            )
    if not isinstance(seq, int) or isinstance(seq, bool) or seq < 1:
        raise ConfigError(
            f'{NAME}: "seq" is not the number of a commit', fix=_AGAIN, code="E202"
        )
    return Lock(str(repo_id), ObjectId.parse(str(commit)), seq)
