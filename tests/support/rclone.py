"""A server that speaks S3 but ignores every condition: the store that must be refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.weed import (
    ACCESS_KEY,
    SECRET_KEY,
    S3Server,
    find_program,
    free_ports,
    running,
    wait_until_ready,
)


@contextmanager
def rclone(folder: Path) -> Iterator[S3Server]:
    """Run ``rclone serve s3`` on ``folder``; it ends with the block."""
    data, log = folder / "data", folder / "rclone.log"
    data.mkdir(parents=True, exist_ok=True)
    (port,) = free_ports(1)
    program = [
        find_program("rclone"),
        "serve",
        "s3",
        str(data),
        "--config",
        str(folder / "rclone.conf"),
        "--addr",
        f"127.0.0.1:{port}",
        "--auth-key",
        f"{ACCESS_KEY},{SECRET_KEY}",
        "--vfs-cache-mode",
        "off",
    ]
    server = S3Server(f"http://127.0.0.1:{port}")
    with running(program, log) as process:
        wait_until_ready(server, process, log)
        yield server
