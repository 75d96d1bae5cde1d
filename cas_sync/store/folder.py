"""A bucket on a plain folder: a local disk, a shared drive, a NAS.

Same keys and same promises as on S3. An object appears whole or not at all: it is written
beside its place, brought to the disk, and then given its name by one atomic step. Writers
of the head take turns through a lock the operating system drops when a process dies, so
no lock is ever left behind to be removed by hand. Nothing outside the folder is touched.
"""

import errno
import os
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TypeVar

from blake3 import blake3
from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from cas_sync.clock import Clock, SystemClock
from cas_sync.errors import (
    AccessError,
    CasSyncError,
    ConfigError,
    DamageError,
    DiskFullError,
    UnavailableError,
    UnsafeStoreError,
)
from cas_sync.store.bucket import (
    MAX_WHOLE,
    Blob,
    Body,
    ETag,
    Key,
    Meter,
    Moved,
    Stored,
    Unclear,
    too_long,
)

_ROOT = ".S3"
_LOCK = f"{_ROOT}/lock-head"
_TMP = f"{_ROOT}/tmp"  # noqa: S108 (ours, inside the store)
_PART = ".part"

_LOCK_TIMEOUT_S = 60.0
_LOCK_POLL_S = 0.004  # a turn takes about one fsync; a longer wait would idle the disk
_TRIES = 20

_NO_LINKS = {
    code
    for name in ("EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EINVAL", "EMLINK", "EXDEV")
    if (code := getattr(errno, name, None)) is not None
}
_NO_LOCKS = {
    code
    for name in ("ENOLCK", "ENOSYS", "ENOTSUP", "EOPNOTSUPP")
    if (code := getattr(errno, name, None)) is not None
}
_FULL = {
    code
    for name in ("ENOSPC", "EDQUOT", "EFBIG")
    if (code := getattr(errno, name, None)) is not None
}

T = TypeVar("T")


class FolderBucket:
    """Keeps each object in a file of its own; see `Bucket` for what each method promises.

    The folder is made by the first write; reading from a folder that does not exist finds
    nothing.

    Attributes:
        url: Where it is, as the user wrote it.
        meter: What would have been sent and received.
    """

    def __init__(
        self, path: str, *, url: str | None = None, clock: Clock | None = None
    ) -> None:
        self.url = url or path
        self.meter = Meter()
        self._base = os.path.abspath(path)
        self._clock = clock or SystemClock()
        # Threads queue here, so that only one of them at a time polls the file lock.
        self._turn = threading.Lock()

    def get(self, key: Key, most: int = MAX_WHOLE) -> Blob | None:
        """Return the whole object, or `None` where there is none.

        Raises:
            DamageError: It is longer than ``most`` bytes.
        """
        data = self._read(key, (0, most + 1), whole=True)
        if data is not None and len(data) > most:
            raise too_long(key, self.url, most)
        return None if data is None else Blob(data, _etag_of(data))

    def get_range(self, key: Key, offset: int, length: int) -> bytes | None:
        """Return exactly ``length`` bytes from ``offset``; `None` where there is no object.

        Raises:
            DamageError: The object is shorter.
        """
        return self._read(key, (offset, length))

    def put_new(self, key: Key, data: Body) -> Stored | Moved:
        """Store an object that must not exist yet."""
        target = self._path(key)
        self.meter.count("PUT", up=len(data))
        with self._translated("write", key):
            for attempt in range(_TRIES):
                try:
                    return self._create(target, data)
                except FileNotFoundError:
                    # Someone deleting took the folder away between two of our steps.
                    if attempt == _TRIES - 1:
                        raise
        raise AssertionError("unreachable")  # pragma: no cover

    def put_if(self, key: Key, data: bytes, expected: ETag | None) -> Stored | Moved | Unclear:
        """Store ``data`` only while the object is at ``expected``."""
        target = self._path(key)
        self.meter.count("PUT", up=len(data))
        with self._translated("write", key), self._exclusive():
            current = _patiently(lambda: _read_file(target, None), self._clock)
            if (None if current is None else _etag_of(current)) != expected:
                return Moved()
            if expected is None:
                return self._create(target, data, locked=True)
            part = self._write_part(data)
            try:
                _patiently(lambda: os.replace(part, target), self._clock)
            except OSError:
                _remove(part)
                raise
            try:
                _sync_folder(os.path.dirname(target))
            except OSError as error:
                return Unclear(f"{key} was replaced but not confirmed by the disk: {error}")
        return Stored(_etag_of(data))

    def list_keys(self, under: Key) -> Iterator[tuple[Key, int]]:
        """Yield every key that starts with ``under`` and its size in bytes, in key order."""
        self.meter.count("GET")
        with self._translated("list", under):
            self._require_folder()
            above, _, _ = under.rpartition("/")
            # Files of ours are below .S3/ only: nothing else is looked at or shown.
            start = above or _ROOT
            if start == _ROOT or start.startswith(f"{_ROOT}/"):
                yield from self._walk(start, under)

    def delete(self, keys: Iterable[Key]) -> None:
        """Delete the objects and the folders that are empty then."""
        for key in keys:
            target = self._path(key)
            self.meter.count("DELETE")
            with self._translated("delete", key):
                if not os.path.lexists(target):
                    continue
                # Not while someone compares and replaces: the object would come back.
                with self._exclusive():
                    _patiently(partial(_remove, target), self._clock)
                self._remove_empty_above(target)
        with self._translated("delete", _ROOT):
            self._sweep()

    def close(self) -> None:
        """Do nothing: no file stays open between two calls."""

    def _path(self, key: str) -> str:
        parts = key.split("/")
        if parts[0] != _ROOT or len(parts) < 2 or not all(map(_is_plain, parts)):
            raise ValueError(f"{key!r} is not a key")
        return os.path.join(self._base, *parts)

    def _read(self, key: Key, span: tuple[int, int], *, whole: bool = False) -> bytes | None:
        target = self._path(key)
        with self._translated("read", key):
            data = _patiently(lambda: _read_file(target, span), self._clock)
            if data is None:
                self._require_folder()
        self.meter.count("GET", down=len(data or b""))
        if not whole and data is not None and len(data) != span[1]:
            raise DamageError(
                f"{key} in {self.url} is too short",
                cause=f"{span[1]} bytes from {span[0]} were asked, {len(data)} are there",
            )
        return data

    def _require_folder(self) -> None:
        """Refuse a store that is a file: it would look empty otherwise."""
        if os.path.lexists(self._base) and not os.path.isdir(self._base):
            raise ConfigError(
                f"{self.url} is not a folder", fix="name a folder as the store", code="E108"
            )

    def _create(self, target: str, data: Body, *, locked: bool = False) -> Stored | Moved:
        """Give ``data`` the name ``target`` unless the name is taken."""
        if os.path.lexists(target):
            return Moved()
        self._make_folder(os.path.dirname(target))
        part = self._write_part(data)
        try:
            try:
                os.link(part, target)
            except FileExistsError:
                return Moved()
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                # Without links (FAT, some shares) renaming is safe only while nobody
                # else does it, because it would replace what came in between.
                if locked:
                    outcome = self._rename_new(part, target)
                else:
                    with self._exclusive():
                        outcome = self._rename_new(part, target)
                if isinstance(outcome, Moved):
                    return outcome
            _sync_folder(os.path.dirname(target))
        finally:
            _remove(part)
        return Stored(_etag_of(data))

    def _rename_new(self, part: str, target: str) -> Moved | None:
        if os.path.lexists(target):
            return Moved()
        _patiently(lambda: os.replace(part, target), self._clock)
        return None

    def _write_part(self, data: Body) -> str:
        """Write ``data`` to a file of its own and bring it to the disk."""
        folder = os.path.join(self._base, *_TMP.split("/"))
        self._make_folder(folder)
        part = os.path.join(folder, secrets.token_hex(16) + _PART)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        # The mode is left to the umask: teammates read and replace what we wrote.
        descriptor = os.open(part, flags, 0o666)
        try:
            with open(descriptor, "wb", buffering=0) as file:
                rest = memoryview(data)
                while rest:
                    rest = rest[file.write(rest) :]
                os.fsync(file.fileno())
        except BaseException:
            _remove(part)
            raise
        return part

    def _make_folder(self, folder: str) -> None:
        if os.path.isdir(folder):
            return
        missing = [folder]
        while not os.path.isdir(above := os.path.dirname(missing[-1])) and above != missing[-1]:
            missing.append(above)
        for path in reversed(missing):
            with suppress(FileExistsError):
                os.mkdir(path)
                _sync_folder(os.path.dirname(path))
        self._require_folder()

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Hold the one lock of this store, also against other processes and machines."""
        path = os.path.join(self._base, *_LOCK.split("/"))
        with self._turn:
            self._make_folder(os.path.dirname(path))
            lock: BaseFileLock = FileLock(path, timeout=_LOCK_TIMEOUT_S)
            try:
                lock.acquire(poll_interval=_LOCK_POLL_S)
            except Timeout as error:
                raise UnavailableError(
                    f"{self.url} is in use by another cas-sync",
                    cause=f"its lock was not free within {_LOCK_TIMEOUT_S:.0f} s",
                    fix="run the command again",
                ) from error
            except OSError as error:
                if error.errno in _NO_LOCKS:
                    raise self._without_locks() from error
                raise
            except NotImplementedError as error:
                raise self._without_locks() from error
            try:
                # A lock that is only a file would outlive a process that dies.
                if isinstance(lock, SoftFileLock):
                    raise self._without_locks()
                yield
            finally:
                lock.release()

    def _without_locks(self) -> UnsafeStoreError:
        return UnsafeStoreError(
            f"{self.url} cannot keep two writers apart",
            cause="its file system has no file locks",
            fix="use another folder or mount it with locks, or an S3 store",
        )

    def _walk(self, folder: str, under: str) -> Iterator[tuple[Key, int]]:
        """Yield the keys of ``folder`` that start with ``under``, in key order."""
        path = os.path.join(self._base, *folder.split("/"))
        try:
            with os.scandir(path) as entries:
                # A folder's name ends in "/" within the keys, and is sorted as such.
                found = sorted(
                    (f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name)
                    for entry in entries
                )
        except (FileNotFoundError, NotADirectoryError):
            return  # never was, or was removed as empty since its parent was read
        for name in found:
            key = f"{folder}/{name}"
            if name.endswith("/"):
                if key.startswith(under) or under.startswith(key):
                    yield from self._walk(key[:-1], under)
            elif key.startswith(under) and not _is_ours(key):
                with suppress(FileNotFoundError):  # deleted since
                    yield Key(key), os.stat(os.path.join(path, name)).st_size

    def _remove_empty_above(self, target: str) -> None:
        root = os.path.join(self._base, _ROOT)
        folder = os.path.dirname(target)
        while folder not in (root, self._base):
            try:
                os.rmdir(folder)
            except OSError:
                return  # in use again, or not empty
            folder = os.path.dirname(folder)

    def _sweep(self) -> None:
        """Remove our own bookkeeping where no object is left.

        A writer whose file goes missing this way writes it again.
        """
        root = os.path.join(self._base, _ROOT)
        tmp = os.path.join(self._base, *_TMP.split("/"))
        try:
            if set(os.listdir(root)) - {"tmp", "lock-head"}:
                return
            parts = os.listdir(tmp) if os.path.isdir(tmp) else []
            if not all(name.endswith(_PART) for name in parts):
                return
        except FileNotFoundError:
            return
        with self._exclusive():
            for name in parts:
                _remove(os.path.join(tmp, name))
            with suppress(OSError):  # Windows does not remove a lock that is held
                os.remove(os.path.join(self._base, *_LOCK.split("/")))
        for folder in (tmp, root):
            with suppress(OSError):  # somebody writes there again
                os.rmdir(folder)

    @contextmanager
    def _translated(self, verb: str, key: str) -> Iterator[None]:
        """Turn what the operating system says into our own errors."""
        try:
            yield
        except CasSyncError:
            raise
        except PermissionError as error:
            raise AccessError(
                f"not allowed to {verb} {key} in {self.url}",
                cause=str(error),
                fix="ask its owner for read and write access to this folder",
            ) from error
        except OSError as error:
            if error.errno in _FULL:
                raise DiskFullError(
                    f"no room to {verb} {key} in {self.url}",
                    cause=str(error),
                    fix="make room there, or ask for a larger quota",
                ) from error
            raise UnavailableError(
                f"could not {verb} {key} in {self.url}",
                cause=str(error),
                fix="is the drive there? then run the command again",
            ) from error


def _etag_of(data: Body) -> ETag:
    return ETag(blake3(data).hexdigest())


def _is_plain(part: str) -> bool:
    """Tell whether ``part`` is a name on every system, and only a name."""
    return part not in ("", ".", "..") and not set(part) & {"\\", "\0"}


def _is_ours(key: str) -> bool:
    """Tell whether the file belongs to this module and is no object."""
    return key == _LOCK or (key.startswith(f"{_TMP}/") and key.endswith(_PART))


def _read_file(path: str, span: tuple[int, int] | None) -> bytes | None:
    try:
        with open(path, "rb", buffering=0) as file:
            if span is None:
                return file.readall()
            file.seek(span[0])
            wanted = min(span[1], max(os.fstat(file.fileno()).st_size - span[0], 0))
            pieces = []
            while wanted and (piece := file.read(wanted)):
                pieces.append(piece)
                wanted -= len(piece)
            return b"".join(pieces)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except PermissionError:
        if os.path.isdir(path):  # what Windows answers for a folder
            return None
        raise


def _remove(path: str) -> None:
    with suppress(FileNotFoundError):
        os.remove(path)


def _patiently(step: Callable[[], T], clock: Clock) -> T:
    """Run ``step``; on Windows wait a little where another process has the file open."""
    for _ in range(_TRIES if os.name == "nt" else 0):  # pragma: no cover
        try:
            return step()
        except PermissionError:
            clock.sleep(0.02)
    return step()


def _sync_folder(folder: str) -> None:
    """Bring names given or taken in ``folder`` to the disk, where the system can."""
    if os.name == "nt":  # pragma: no cover
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network drives cannot do it for a folder; they keep the name without.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(descriptor)
