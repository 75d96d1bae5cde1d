"""Prefixes as s3synchrony leaves them, for tests that adopt one.

Two layouts are known: ``A`` keeps ``versions.csv``, ``deletedS3.csv`` and deleted files by
their bare names, ``B`` ``versions_remote.csv``, ``deleted_remote.csv`` and deleted files by
their paths. Objects lie under their own names. Written with no code of cas_sync's.
"""

import csv
import hashlib
import io
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

COLUMNS = ("File", "Edited By", "Time Edited", "Checksum")
LIVE = {"A": ".S3/versions.csv", "B": ".S3/versions_remote.csv"}
DEAD = {"A": ".S3/deletedS3.csv", "B": ".S3/deleted_remote.csv"}
MTIME_NS = 1_650_000_000_000_000_000
"""When every file of a folder was last written; S3 notes its own time."""

Put = Callable[[str, bytes], None]


def md5(data: bytes) -> str:
    """Return the checksum s3synchrony notes."""
    return hashlib.md5(data).hexdigest()


@dataclass
class SeedPrefix:
    """What a team of s3synchrony has below its prefix.

    Attributes:
        layout: ``A`` or ``B``.
        live: Rows of the list of files.
        dead: Rows of the list of deleted files.
        objects: Everything but the lists, by key.
    """

    layout: str = "A"
    live: list[tuple[str, str, str, str]] = field(default_factory=list)
    dead: list[tuple[str, str, str, str]] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)

    def push(
        self, path: str, data: bytes, who: str = "Ana", when: str = "2022-01-05 10:11:12"
    ) -> None:
        """Publish a file."""
        self.objects[path] = data
        self.live = [row for row in self.live if row[0] != path]
        self.live.append((path, who, when, md5(data)))

    def delete(self, path: str) -> None:
        """Delete a file: its row moves, its object is kept, over what was kept so before."""
        row = next(row for row in self.live if row[0] == path)
        self.live.remove(row)
        self.dead.append(row)
        name = path.rpartition("/")[2] if self.layout == "A" else path
        self.objects[f".S3/deleted/{name}"] = self.objects.pop(path)

    def manifests(self) -> dict[str, bytes]:
        """Return the lists as pandas writes them."""
        found = {LIVE[self.layout]: table(COLUMNS, self.live)}
        header, rows = COLUMNS, [tuple(row) for row in self.dead]
        if self.layout == "A":  # written with its index, once more at each deletion
            header = ("", "Unnamed: 0", *COLUMNS)
            rows = [(str(i), str(i), *row) for i, row in enumerate(rows)]
        found[DEAD[self.layout]] = table(header, rows)
        return found

    def write(self, put: Put, *, lists: bool = True) -> dict[str, bytes]:
        """Write all of it, and return what was written."""
        everything = {**self.objects, **(self.manifests() if lists else {})}
        for key, data in everything.items():
            put(key, data)
        return everything


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> bytes:
    """Return a CSV file."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue().encode()


class FolderKeys:
    """The objects of a folder store, looked at from outside."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, key: str, data: bytes) -> None:
        """Write an object."""
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, ns=(MTIME_NS, MTIME_NS))

    def all(self) -> dict[str, bytes]:
        """Return every object."""
        files = (path for path in self.root.rglob("*") if path.is_file())
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in files}


class S3Keys:
    """The objects of an S3 prefix, looked at from outside."""

    def __init__(self, place) -> None:
        self._place = place
        self._client = place.server.client()

    def close(self) -> None:
        """Give connections back."""
        self._client.close()

    def put(self, key: str, data: bytes) -> None:
        """Write an object."""
        self._client.put_object(Bucket=self._place.bucket, Key=self._full(key), Body=data)

    def all(self) -> dict[str, bytes]:
        """Return every object."""
        bucket, found = self._place.bucket, {}
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=self._full("")
        )
        for item in (item for page in pages for item in page.get("Contents", ())):
            body = self._client.get_object(Bucket=bucket, Key=item["Key"])["Body"]
            found[item["Key"].removeprefix(self._full(""))] = body.read()
        return found

    def _full(self, key: str) -> str:
        return f"{self._place.prefix}/{key}"
