"""Secrets that the tests use, looked for in all that was printed and all that was left behind.

`people` looks at what each command prints; after the run every file is looked at: logs,
`.S3`, caches, states, stores, the volumes of the S3 server. What is packed is not unpacked:
it holds what users keep in their folders, and may be a secret of theirs.
"""

import mmap
from collections.abc import Iterator
from pathlib import Path

from tests.support.weed import SECRET_KEY

PASSWORD = "casSyncTestPassword"
TOKEN = "casSyncTestToken"

SECRETS = (
    SECRET_KEY.encode(),
    PASSWORD.encode(),
    TOKEN.encode(),
    b"X-Amz-Signature=",
    b"AWS4-HMAC-SHA256 Credential=",
)

MEANT = {
    "s3.json",
    "rclone.log",
    "cas-sync.json",
    "local.json",
    "s3synchrony.json",
    "aws.txt",
    "aws-config",
}
"""Files into which tests write secrets themselves, or of servers that know them."""

OURS = {"store", "cache", "state", "kept"}
"""Folders into which only cas-sync writes, so that no name excuses a secret there."""


def secret_in(data: bytes | mmap.mmap) -> str:
    """Return the first secret that is in some bytes, or nothing."""
    return next((each.decode() for each in SECRETS if data.find(each) >= 0), "")


def leaks(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield each file below a folder that holds a secret, and the secret."""
    for path in root.rglob("*"):
        if path.is_symlink() or not path.is_file() or _is_meant(path.relative_to(root)):
            continue
        try:
            found = _secret_in_file(path)
        except OSError:
            continue
        if found:
            yield path, found


def _is_meant(path: Path) -> bool:
    return path.name in MEANT and not OURS & {*path.parts}


def _secret_in_file(path: Path) -> str:
    with path.open("rb") as file:
        if not path.stat().st_size:
            return ""
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return secret_in(data)
