"""Looks for the secrets that the tests use in everything that the tests left behind.

Whoever writes a secret into a file on purpose says so with `meant`; any other file that
holds one fails the run: logs, `.S3`, caches, stores, the volumes of the S3 server.
"""

import mmap
from collections.abc import Iterator
from pathlib import Path

from tests.support.weed import SECRET_KEY

SECRETS = (
    SECRET_KEY.encode(),
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


def leaks(root: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield each file below a folder that holds a secret, and the secret."""
    for path in root.rglob("*"):
        if path.name in MEANT or path.is_symlink() or not path.is_file():
            continue
        try:
            found = _secret_in(path)
        except OSError:
            continue
        if found:
            yield path, found


def _secret_in(path: Path) -> bytes:
    with path.open("rb") as file:
        if not path.stat().st_size:
            return b""
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return next((secret for secret in SECRETS if data.find(secret) >= 0), b"")
