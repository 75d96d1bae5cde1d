"""Every single-bit flip and every truncation of a small store: found, and never written.

    python -m tests.campaigns.flips --clone-every 5

A small history (edits, a deletion, a file of several chunks, a tag, a collection) is spoilt
in every way that changes one bit of one object, or cuts one short. Each time all files are
read as a clone reads them, and one in so many times a clone is made in a real folder: what
is not refused has to be right, byte for byte. What no clone reads, a deep check has to find.
"""

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from cas_sync.engine.at_revision import history
from cas_sync.engine.fsck_look import Checker
from cas_sync.engine.repository import Connection
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.errors import CasSyncError, DamageError
from cas_sync.progress import Silent
from cas_sync.store.bucket import Key
from cas_sync.store.memory import MemoryBucket
from tests.support import samples
from tests.support.collecting import collect
from tests.support.engine import begin_small, engine_sync
from tests.support.people import Person, settings_of, tree

Objects = dict[Key, bytes]


def small_store(root: Path) -> tuple[Objects, dict[str, bytes]]:
    """Return the objects of a small history, and what its latest tree holds."""
    bucket = MemoryBucket()
    begin_small(bucket, "5" * 32)
    ana = Person(root / "ana", "ana", "mem")
    ana.write("big.bin", samples.noise("big", 1500))
    ana.write("old.csv", "a,b\n1,2\n")
    engine_sync(ana, bucket)
    (ana.data / "old.csv").unlink()
    ana.write("d/new.csv", "x,y\n" * 30)
    engine_sync(ana, bucket)
    collect(ana, bucket=bucket)
    found = {path: data for path, (data, _) in tree(ana.data).items()}
    return _objects(bucket), {path: bytes(data) for path, data in found.items()}


def spoilt(objects: Objects) -> Iterator[tuple[Key, str, bytes]]:
    """Yield every object with one bit changed, and cut at every length."""
    for key, data in sorted(objects.items()):
        for at in range(len(data)):
            for bit in range(8):
                changed = data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
                yield key, f"bit {bit} of byte {at}", changed
        for size in range(len(data)):
            yield key, f"cut at {size}", data[:size]


class Reader:
    """Reads stores that are spoilt.

    Args:
        root: For people and caches.
        truth: What the files hold.
    """

    def __init__(self, root: Path, truth: dict[str, bytes]) -> None:
        self._root = root
        self._truth = truth
        self._pool = ThreadPoolExecutor(1)
        self._n = 0
        person = Person(root / "reader", "reader", "mem")
        self._settings = settings_of(person)

    def read(self, bucket: MemoryBucket) -> str:
        """Read all files; return what refused it, or nothing where all is right."""
        try:
            with self._connection(bucket) as (connection, settings):
                repo, head = history(connection, connection.read_head(), settings)
                reader = repo.reader(head)
                found = {
                    row.path: b"".join(reader.stream(row.content))
                    for row in repo.versions.rows(head.versions)
                }
        except CasSyncError as error:
            _insist_on_words(error)
            return error.code
        assert found == self._truth, "wrong bytes were read"
        return ""

    def check(self, bucket: MemoryBucket) -> str:
        """Check all of it; return the first finding, or nothing."""
        try:
            with self._connection(bucket) as (connection, settings):
                repo, head = history(connection, connection.read_head(), settings)
                findings = Checker(repo, head, Silent()).check(deep=True).findings
        except CasSyncError as error:
            _insist_on_words(error)
            return error.code
        return findings[0].code if findings else ""

    def clone(self, bucket: MemoryBucket) -> str:
        """Make a clone in a folder; nothing wrong may come to lie in it."""
        self._n += 1
        bo = Person(self._root / f"clone{self._n}", "bo", "mem")
        code = ""
        try:
            report = engine_sync(bo, bucket, push=False)
            code = "skipped" if report.skipped else ""
        except CasSyncError as error:
            _insist_on_words(error)
            code = error.code
        for path, (data, _) in tree(bo.data).items():
            assert self._truth[path] == data, f"wrong bytes in {path}"
        assert code or set(tree(bo.data)) == set(self._truth)
        return code

    def _connection(self, bucket: MemoryBucket) -> "_Connected":
        self._n += 1
        cache = self._root / "caches" / str(self._n)
        return _Connected(bucket, self._settings, cache)


class _Connected:
    def __init__(self, bucket: MemoryBucket, settings: Settings, cache: Path) -> None:
        self._settings = settings
        # Nothing can be kept there, so every byte comes from the store.
        object.__setattr__(settings, "cache_dir", Path("/dev/null"))
        self._connection = Connection(settings, Surroundings(connect=lambda _: bucket))
        del cache

    def __enter__(self) -> tuple[Connection, Settings]:
        return self._connection, self._settings

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def _insist_on_words(error: CasSyncError) -> None:
    assert error.message, error
    if isinstance(error, DamageError):
        assert error.exit_code == 9


def _objects(bucket: MemoryBucket) -> Objects:
    found = {}
    for key, _ in bucket.list_keys(Key(".S3/")):
        blob = bucket.get(key)
        assert blob is not None
        found[key] = blob.data
    return found


def run(
    root: Path, *, clone_every: int, share: float = 1.0, seed: int = 0
) -> tuple[Counter[str], list[str]]:
    """Spoil a small store in every way; return how each was met, and what was not noticed.

    Args:
        root: For people and caches.
        clone_every: One in so many is cloned.
        share: Of all ways.
        seed: Decides which, where not all are meant.
    """
    objects, truth = small_store(root)
    reader, random_ = Reader(root, truth), random.Random(seed)
    met: Counter[str] = Counter()
    unnoticed = []
    sound = _bucket(objects)
    assert (reader.read(sound), reader.check(sound), reader.clone(sound)) == ("", "", "")
    for n, (key, what, data) in enumerate(spoilt(objects)):
        if share < 1 and random_.random() >= share:
            continue
        bucket = _bucket({**objects, key: data})
        try:
            code = reader.read(bucket)
            if n % clone_every == 0:
                cloned = reader.clone(bucket)
                met["clones"] += 1
                assert not code or cloned, "a clone did not notice what reading noticed"
            found = code or reader.check(bucket)
        except BaseException:
            print(f"{key}: {what}", flush=True)
            raise
        met["read" if code else "checked" if found else "unnoticed"] += 1
        if not found:
            unnoticed.append(f"{key}: {what}")
    return met, unnoticed


def _bucket(objects: Objects) -> MemoryBucket:
    bucket = MemoryBucket()
    bucket._objects.update(objects)
    return bucket


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clone-every", type=int, default=20)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    with TemporaryDirectory(prefix="flips-") as root:
        met, unnoticed = run(
            Path(root), clone_every=args.clone_every, share=args.share, seed=args.seed
        )
    n = met["read"] + met["checked"] + met["unnoticed"]
    print(
        f"{n} ways: {met['read']} refused when read, {met['checked']} found by a deep check, "
        f"{met['unnoticed']} unnoticed; {met['clones']} clones, 0 wrong bytes"
    )
    print(*unnoticed[:20], sep="\n")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
