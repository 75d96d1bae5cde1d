"""The port to what others left below a prefix: listed and read, never written.

`Bucket` looks at nothing but our own keys. This one looks at all the others, and is opened
only where a prefix holds no commit yet.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from cas_sync.errors import AccessError, UnavailableError
from cas_sync.formats import keys
from cas_sync.model.foreign import ForeignObject
from cas_sync.store.bucket import Meter, StoreAddress
from cas_sync.store.connect import folder_of

_JUNCTION = 0xA0000003


class ForeignStore(Protocol):
    """What lies below a prefix and is not ours; safe to use from any thread.

    Every method may raise `AccessError`, `UnavailableError` or `ConfigError`, as `Bucket`.

    Attributes:
        url: Where it is, as the user wrote it; holds no secret.
        meter: What was sent and received so far.
    """

    url: str
    meter: Meter

    def list_foreign(self) -> Iterator[ForeignObject]:
        """Yield every object below the prefix that is not ours, in no order.

        Never short: an incomplete listing is an error, not an end.
        """

    def read_foreign(self, key: str, offset: int, length: int) -> bytes | None:
        """Return ``length`` bytes from ``offset``, at least one.

        `None` where the object is gone, or shorter than that.
        """

    def close(self) -> None:
        """Give connections back."""


def open_foreign(address: StoreAddress) -> ForeignStore:
    """Return what others left at ``address``; nothing is sent before it is used.

    Raises:
        ConfigError: The address is not one of a supported store.
    """
    url = address.url.strip()
    folder = folder_of(url)
    if folder is not None:
        return FolderForeign(folder, url)
    if url.lower().startswith("s3://"):
        from cas_sync.store.s3 import S3Bucket  # noqa: PLC0415 - as in `open_bucket`

        return S3Bucket(address)
    return Nothing(url)


class Nothing:
    """A store of another kind, in which all there is was put there by cas-sync."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.meter = Meter()

    def list_foreign(self) -> Iterator[ForeignObject]:
        """Yield nothing."""
        return iter(())

    def read_foreign(self, key: str, offset: int, length: int) -> bytes | None:
        """Find nothing."""
        del key, offset, length
        return None

    def close(self) -> None:
        """Do nothing."""


class FolderForeign:
    """The other files of a folder store; see `ForeignStore` for what each method promises.

    Links are named and never followed: they may lead anywhere.

    Attributes:
        url: Where it is, as the user wrote it.
        meter: What would have been sent and received.
    """

    def __init__(self, path: str, url: str) -> None:
        self.url = url
        self.meter = Meter()
        self._base = os.path.abspath(path)

    def list_foreign(self) -> Iterator[ForeignObject]:
        """Yield every file that is not ours."""
        self.meter.count("GET")
        folders = [""] if os.path.isdir(self._base) else []
        while folders:
            above = folders.pop()
            for name, found in self._entries(above):
                key = f"{above}/{name}" if above else name
                if _is_link(found):
                    yield ForeignObject(key, 0, found.st_mtime_ns, problem="it is a link")
                elif stat.S_ISDIR(found.st_mode):
                    folders.append(key)
                elif not stat.S_ISREG(found.st_mode):
                    yield ForeignObject(key, 0, found.st_mtime_ns, problem="it is no file")
                elif not keys.is_ours(key):
                    yield ForeignObject(key, found.st_size, found.st_mtime_ns)

    def _entries(self, folder: str) -> list[tuple[str, os.stat_result]]:
        found = []
        with (
            self._translated("list", folder or "all"),
            os.scandir(os.path.join(self._base, *folder.split("/"))) as entries,
        ):
            for entry in entries:
                with suppress(FileNotFoundError):  # gone since
                    # Not the entry's own: Windows lists sizes and times of long ago.
                    found.append((entry.name, os.stat(entry.path, follow_symlinks=False)))
        return found

    def read_foreign(self, key: str, offset: int, length: int) -> bytes | None:
        """Return a part of a file."""
        data = b""
        path = os.path.join(self._base, *key.split("/"))
        with (
            self._translated("read", key),
            suppress(FileNotFoundError),
            open(path, "rb", buffering=0) as file,
        ):
            file.seek(offset)
            while len(data) < length and (part := file.read(length - len(data))):
                data = data + part if data else part
        self.meter.count("GET", down=len(data))
        return data if len(data) == length else None

    def close(self) -> None:
        """Do nothing: no file stays open between two calls."""

    @contextmanager
    def _translated(self, verb: str, key: str) -> Iterator[None]:
        try:
            yield
        except PermissionError as error:
            raise AccessError(
                f"not allowed to {verb} {key} in {self.url}",
                cause=str(error),
                fix="ask its owner for read access to all of this folder",
            ) from error
        except OSError as error:
            raise UnavailableError(
                f"could not {verb} {key} in {self.url}",
                cause=str(error),
                fix="is the drive there? then run the command again",
            ) from error


def _is_link(found: os.stat_result) -> bool:
    """Say whether it leads somewhere else; on Windows some folders do."""
    return stat.S_ISLNK(found.st_mode) or getattr(found, "st_reparse_tag", 0) == _JUNCTION
