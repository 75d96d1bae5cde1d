"""`.S3/` of this machine: whose folder it is, the lock, the intent, the base.

What is written here is whole or not there: a temporary file, fsync, rename, fsync of
the folder. What must survive the loss of the data folder is kept outside it.
"""

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

import filelock
from blake3 import blake3

from cas_sync.errors import BusyError, WorktreeError
from cas_sync.model.paths import STATE_DIR
from cas_sync.worktree.folder import DELETED_DIR, TMP_DIR, Folder
from cas_sync.worktree.trouble import translated

INDEX_FILE = "versions_local.csv"
BASE_FILE = "versions_remote.csv"
ROOT_FILE = "root.json"
INTENT_FILE = "intent.json"
LOCK_FILE = "lock"
LOGS_DIR = f"{STATE_DIR}/logs"

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class RootIdentity:
    """Whose folder this is.

    Attributes:
        client_id: Names this folder on this machine, not the person.
        repo_id: The shared history it belongs to.
        store_url: Where that lies.
        inode: Number of ``.S3`` on its disk; another one means a copy or a backup.
    """

    client_id: str
    repo_id: str
    store_url: str
    inode: int


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is known about a data folder outside of it.

    Attributes:
        data_path: Its absolute path.
        repo_id: The shared history that was there.
        n_files: How many files it held after the last sync.
        sample: Some of their paths.
    """

    data_path: str
    repo_id: str
    n_files: int
    sample: tuple[str, ...] = ()


class LocalState:
    """The bookkeeping below ``.S3`` of one data folder."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder

    @property
    def index_path(self) -> str:
        """Where the index of the last scan lies, for `index.read_index`."""
        return self.path_of(INDEX_FILE)

    @property
    def base_path(self) -> str:
        """Where the last agreed state lies."""
        return self.path_of(BASE_FILE)

    @property
    def tmp_dir(self) -> str:
        """Where unfinished files lie."""
        return self.folder.real_path(TMP_DIR)

    def path_of(self, name: str) -> str:
        """Return the real path of the file ``name`` in ``.S3``."""
        return self.folder.real_path(f"{STATE_DIR}/{name}")

    def exists(self) -> bool:
        """Return whether this folder has been synced before."""
        return self.folder.stat(f"{STATE_DIR}/{ROOT_FILE}") is not None

    def create(self) -> None:
        """Make ``.S3`` and its folders; may be called again.

        Raises:
            WorktreeError: It cannot be made, or ``.S3`` is a link or a file.
        """
        with translated(self.folder.real_path(STATE_DIR)):
            self.folder.forget()
            for path in (TMP_DIR, LOGS_DIR, DELETED_DIR):
                self.folder.mkdirs(path)

    def read_root(self) -> RootIdentity | None:
        """Return whose folder this is; `None` if that is not known (any more)."""
        found = self.read_json(ROOT_FILE)
        if found is None:
            return None
        try:
            return RootIdentity(
                client_id=str(found["client_id"]),
                repo_id=str(found["repo_id"]),
                store_url=str(found["store_url"]),
                inode=int(str(found["inode"])),
            )
        except (KeyError, ValueError):
            return None

    def write_root(self, client_id: str, repo_id: str, store_url: str) -> RootIdentity:
        """Note whose folder this is.

        Raises:
            WorktreeError: It cannot be written.
        """
        root = RootIdentity(client_id, repo_id, store_url, self._inode())
        self.write_json(ROOT_FILE, asdict(root))
        return root

    def identity_changed(self) -> bool:
        """Return whether ``.S3`` was copied here, restored, or never written."""
        root = self.read_root()
        return root is None or root.inode != self._inode()

    def _inode(self) -> int:
        found = self.folder.stat(STATE_DIR)
        return -1 if found is None else found.st_ino

    @contextlib.contextmanager
    def lock(self, timeout_s: float) -> Iterator[None]:
        """Hold the folder for one sync; the system lets go when the process ends.

        Raises:
            BusyError: Another one holds it for longer than ``timeout_s``.
            WorktreeError: The disk has no locks, or ``.S3`` cannot be written.
        """
        path = self.path_of(LOCK_FILE)
        lock = filelock.FileLock(path)
        try:
            lock.acquire(timeout=timeout_s)
        except filelock.Timeout as error:
            raise BusyError(
                f"another cas-sync works in {self.folder.root}",
                fix="Wait until it is done, then sync again.",
            ) from error
        except (OSError, NotImplementedError) as error:
            raise WorktreeError(f"{path} cannot be locked", cause=str(error)) from error
        try:
            yield
        finally:
            lock.release()

    def read_json(self, name: str) -> Json | None:
        """Return the document in the file ``name``; `None` if missing or not one."""
        try:
            fd, _ = self.folder.open_read(f"{STATE_DIR}/{name}")
            with open(fd, encoding="utf-8") as source:
                found = json.load(source)
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def write_json(self, name: str, value: Json) -> None:
        """Replace the small document in the file ``name``; it survives a power cut.

        Raises:
            WorktreeError: It cannot be written; the old one is still there.
        """
        self.replace_text(name, [json.dumps(value, indent=1, sort_keys=True), "\n"])

    def replace_text(self, name: str, parts: Iterable[str]) -> None:
        """Replace the file ``name`` with the text made of ``parts``, all or nothing.

        Raises:
            WorktreeError: It cannot be written; the old one is still there.
        """
        temp = f"{TMP_DIR}/state-{os.urandom(8).hex()}"
        with translated(self.path_of(name)):
            try:
                fd = self.folder.open_new(temp)
                with open(fd, "w", encoding="utf-8", newline="") as target:
                    target.writelines(parts)
                    target.flush()
                    os.fsync(fd)
                self.folder.replace(temp, f"{STATE_DIR}/{name}")
                self.folder.fsync_dir(STATE_DIR)
            except BaseException:
                with contextlib.suppress(OSError):
                    self.folder.unlink(temp)
                raise

    def remove(self, name: str) -> None:
        """Remove the file ``name``, if there, for good.

        Raises:
            WorktreeError: It cannot be removed.
        """
        with translated(self.path_of(name)):
            try:
                self.folder.unlink(f"{STATE_DIR}/{name}")
            except FileNotFoundError:
                return
            self.folder.fsync_dir(STATE_DIR)

    def read_intent(self) -> Json | None:
        """Return what a sync was about to do to the head; `None` if nothing is open."""
        return self.read_json(INTENT_FILE)

    def write_intent(self, value: Json) -> None:
        """Note what is about to be done to the head, before it is.

        Raises:
            WorktreeError: It cannot be written: then the head must not be moved.
        """
        self.write_json(INTENT_FILE, value)

    def clear_intent(self) -> None:
        """Forget the intent: how it ended is known.

        Raises:
            WorktreeError: It cannot be removed.
        """
        self.remove(INTENT_FILE)


def _memory_file(state_dir: str, data_path: str) -> str:
    data_path = os.path.normcase(os.path.abspath(data_path))
    name = blake3(data_path.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return os.path.join(state_dir, f"{name}.json")


def read_remembered(state_dir: str, data_path: str) -> Remembered | None:
    """Return what was noted about the data folder at ``data_path``, if anything."""
    try:
        with open(_memory_file(state_dir, data_path), encoding="utf-8") as source:
            found = json.load(source)
        return Remembered(
            data_path=str(found["data_path"]),
            repo_id=str(found["repo_id"]),
            n_files=int(found["n_files"]),
            sample=tuple(map(str, found.get("sample", ()))),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_remembered(state_dir: str, remembered: Remembered) -> bool:
    """Note what a data folder holds; `False` where there is no place for that.

    A read-only home must not stop a sync: the note is a second safety net.
    """
    target = _memory_file(state_dir, remembered.data_path)
    temp = f"{target}.{os.urandom(4).hex()}"
    try:
        os.makedirs(state_dir, exist_ok=True)
        with open(temp, "x", encoding="utf-8") as out:
            json.dump(asdict(remembered), out)
        os.replace(temp, target)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temp)
        return False
    return True


def forget_remembered(state_dir: str, data_path: str) -> None:
    """Forget the data folder: it was reset, or is gone on purpose."""
    with contextlib.suppress(OSError):
        os.unlink(_memory_file(state_dir, data_path))
