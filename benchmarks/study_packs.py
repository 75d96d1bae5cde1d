"""Packs and transfers: the project's uploader and reader against SeaweedFS, per setting.

Each run has a server of its own, because the server keeps the space of what is deleted,
and a process of its own, because memory is measured by its peak.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.study_data import blocks
from benchmarks.study_made import SEED
from benchmarks.study_print import Table
from cas_sync.model.ids import ObjectId
from cas_sync.model.pack import IndexRoot, Kind
from cas_sync.store import packs
from cas_sync.store.bucket import Bucket, Key, StoreAddress
from cas_sync.store.cache import Cache
from cas_sync.store.index import IndexSet
from cas_sync.store.objects import MAX_RANGE, ObjectReader
from cas_sync.store.packs import PackUploader

DATA = 512 << 20
CHUNK = 154 << 10
BUFFER = 32 << 20
ROOM = 2 << 30
"""Bytes that must be free below the working folder; a run writes less than half of it."""

SIZES_MIB = (4, 8, 16, 32, 64)
UPLOADS = (1, 2, 4, 8)
DOWNLOADS = (1, 2, 4, 8, 16)
FAR_PUT_S, FAR_GET_S = 0.1, 0.03
"""What a request takes longer on a real S3 than on loopback."""


class _Far:
    """A bucket that answers as late as one far away; what it does is another's."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def put_new(self, key: Key, data: bytes) -> Any:
        time.sleep(FAR_PUT_S)
        return self._bucket.put_new(key, data)

    def get_range(self, key: Key, offset: int, length: int) -> bytes | None:
        time.sleep(FAR_GET_S)
        return self._bucket.get_range(key, offset, length)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bucket, name)


def _peak_mb() -> float:
    """Return the most memory this process has held; 0 where the system does not tell.

    Not `getrusage`: on Linux a new process begins with what its parent held.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def _push(bucket: Bucket, work: Path, size: int, threads: int) -> dict[str, Any]:
    packs.PACK_SIZE = size
    buffer = bytearray()
    for block in blocks(BUFFER, SEED):  # at once, making it would be the peak of memory
        buffer += block
    view = memoryview(buffer)
    chunks = (view[n * 4099 : n * 4099 + CHUNK] for n in range(DATA // CHUNK))
    names = iter(range(1 << 20))
    with ThreadPoolExecutor(threads) as pool:
        uploader = PackUploader(
            bucket,
            Cache(work / "cache-push"),
            pool,
            IndexSet(bucket, Cache(work / "cache-push"), pool, ()),
            lambda: f"{next(names):026}",
            threads,
        )
        before = _peak_mb()
        wall, cpu = time.perf_counter(), time.process_time()
        for chunk in chunks:
            uploader.add(ObjectId.of(chunk), Kind.CHUNK, chunk)
        uploader.flush()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    roots = [(r.name, r.is_pack, r.entries, r.size) for r in uploader.roots]
    (work / "roots.json").write_text(json.dumps(roots))
    return {"wall": wall, "cpu": cpu, "mb": _peak_mb() - before, "requests": len(roots)}


def _clone(bucket: Bucket, work: Path, threads: int) -> dict[str, Any]:
    kept = json.loads((work / "roots.json").read_text())
    roots = tuple(IndexRoot(*each) for each in kept)
    with ThreadPoolExecutor(threads) as pool:
        found = IndexSet(bucket, Cache(work / "cache-push"), pool, roots)
        places = [each for segment in found.segments() for each in segment]
        places.sort(key=lambda each: (each.pack, each.offset))
        reader = ObjectReader(bucket, found, pool)
        before, counted = _peak_mb(), sum(bucket.meter.requests.values())
        wall, cpu = time.perf_counter(), time.process_time()
        # As many ranges at once as there are threads.
        rest = iter(places)
        while window := list(islice(rest, threads * MAX_RANGE // CHUNK)):
            reader.read(window)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    requests = sum(bucket.meter.requests.values()) - counted
    return {"wall": wall, "cpu": cpu, "mb": _peak_mb() - before, "requests": requests}


def _child(options: argparse.Namespace) -> None:
    from cas_sync.store.s3 import S3Bucket  # noqa: PLC0415 - loads the AWS library

    address = StoreAddress("s3://study/prefix", endpoint_url=options.endpoint, jobs=16)
    with closing(S3Bucket(address)) as near:
        near.get(Key(".S3/nothing"))  # connects, so that the run does not pay for it
        bucket: Any = _Far(near) if options.far else near
        if options.what == "push":
            told = _push(bucket, options.work, options.size, options.threads)
        else:
            told = _clone(bucket, options.work, options.threads)
    sys.stdout.write(json.dumps(told))


def _run(env: dict[str, str], *args: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.study_packs", *args]
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def measure(
    root: Path, size_mib: int, uploads: int, downloads: tuple[int, ...], *, far: bool = False
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Push once and clone with each number of threads, against a new server.

    Args:
        root: Folder for the server's data, best in memory.
        size_mib: Where a pack is closed.
        uploads: Threads that upload.
        downloads: Threads that download.
        far: Whether requests take as long as on a real S3.
    """
    from tests.support.weed import weed  # noqa: PLC0415 - from the project's tests

    if shutil.disk_usage(root).free < ROOM:
        raise SystemExit(f"{root} has less than {ROOM >> 20} MiB free")
    with tempfile.TemporaryDirectory(prefix="study-", dir=root) as name:
        work = Path(name)
        with weed(work) as server:
            server.make_bucket("study")
            env = {**os.environ, **server.environment()}
            common = [server.endpoint, str(work), *(["--far"] if far else [])]
            size = str(size_mib << 20)
            pushed = _run(env, "push", *common, "--size", size, "--threads", str(uploads))
            cloned = [
                _run(env, "clone", *common, "--threads", str(threads)) for threads in downloads
            ]
    return pushed, cloned


def _cell(runs: list[dict[str, Any]]) -> str:
    wall = statistics.median(run["wall"] for run in runs)
    cpu = min(run["cpu"] for run in runs)
    mb = max(run["mb"] for run in runs)
    return f"{DATA / 1e6 / wall:,.0f}, {cpu * (1 << 30) / DATA:.2f}, {mb:,.0f}"


def size_tables(root: Path, times: int) -> list[Table]:
    """Return push and clone by size of packs and number of threads."""
    head = "MB a second, client CPU s a GiB, peak MB"
    push = Table(f"Push of 512 MiB, by threads: {head}", [str(n) for n in UPLOADS])
    clone = Table(f"Read and verify, by threads: {head}", [str(n) for n in DOWNLOADS])
    for size in SIZES_MIB:
        pushed: dict[int, list[dict[str, Any]]] = {n: [] for n in UPLOADS}
        cloned: dict[int, list[dict[str, Any]]] = {n: [] for n in DOWNLOADS}
        for _ in range(times):
            for uploads in UPLOADS:
                downloads = DOWNLOADS if uploads == UPLOADS[1] else ()
                told, read = measure(root, size, uploads, downloads)
                pushed[uploads].append(told)
                for threads, run in zip(downloads, read, strict=True):
                    cloned[threads].append(run)
        puts, gets = pushed[1][0]["requests"], cloned[1][0]["requests"]
        push.row(f"{size} MiB ({puts} PUT)", [_cell(pushed[n]) for n in UPLOADS])
        clone.row(f"{size} MiB ({gets} GET)", [_cell(cloned[n]) for n in DOWNLOADS])
    return [push, clone]


def far_tables(root: Path) -> list[Table]:
    """Return the same as if each request took as long as on a real S3; one run each."""
    late = f"PUT {FAR_PUT_S * 1000:.0f} ms, GET {FAR_GET_S * 1000:.0f} ms late"
    push = Table(f"Push, {late}: MB a second", [str(n) for n in UPLOADS])
    clone = Table(f"Read and verify, {late}: MB a second", [str(n) for n in DOWNLOADS])
    for size in SIZES_MIB[1:4]:
        cells = []
        for uploads in UPLOADS:
            downloads = DOWNLOADS if uploads == UPLOADS[-1] else ()
            told, read = measure(root, size, uploads, downloads, far=True)
            cells.append(f"{DATA / 1e6 / told['wall']:,.0f}")
        push.row(f"{size} MiB", cells)
        clone.row(f"{size} MiB", [f"{DATA / 1e6 / run['wall']:,.0f}" for run in read])
    return [push, clone]


def main() -> None:
    """Run one push or clone; the study calls this in a process of its own."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("what", choices=("push", "clone"))
    parser.add_argument("endpoint")
    parser.add_argument("work", type=Path)
    parser.add_argument("--size", type=int, default=packs.PACK_SIZE)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--far", action="store_true")
    _child(parser.parse_args())


if __name__ == "__main__":
    main()
