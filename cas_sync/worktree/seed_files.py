"""What s3synchrony keeps in ``.S3`` of a data folder: recognised, read, put aside.

Later versions of it use names that are ours too. A file is theirs if it begins as only
they do; it is moved once and never changed.
"""

import contextlib

from cas_sync.formats.seed_manifest import is_manifest
from cas_sync.model.paths import STATE_DIR
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.moving import move
from cas_sync.worktree.trouble import translated

SEED_DIR = f"{STATE_DIR}/s3synchrony"
"""Where its files lie once they were put aside."""

LAST_LOCAL = ("versionsLocal.csv", "versions_local.csv")
"""What the folder held when it was last synced, by the first version and by later ones."""

LAST_SHARED = ("versions.csv", "versions_remote.csv")
"""What the shared manifest said then."""

_DELETED = ("deletedS3.csv", "deletedLocal.csv", "deleted_remote.csv", "deleted_local.csv")
_HEADER_BYTES = 200


def is_seed_file(folder: Folder, name: str) -> bool:
    """Say whether ``.S3/name`` is there and is s3synchrony's."""
    with contextlib.suppress(OSError):
        fd, _ = folder.open_read(f"{STATE_DIR}/{name}")
        with open(fd, "rb") as file:
            return is_manifest(file.readline(_HEADER_BYTES).rstrip(b"\n"))
    return False


def put_aside(folder: Folder) -> list[str]:
    """Move s3synchrony's files out of the way of ours; return what was moved, and where to.

    Raises:
        WorktreeError: One cannot be moved; it is where it was.
    """
    moved = []
    for name in (*LAST_LOCAL, *LAST_SHARED, *_DELETED):
        if is_seed_file(folder, name):
            with translated(folder.real_path(f"{STATE_DIR}/{name}")):
                moved.append(move(folder, f"{STATE_DIR}/{name}", f"{SEED_DIR}/{name}"))
    return moved


def read_seed_file(folder: Folder, names: tuple[str, ...]) -> bytes | None:
    """Return the first of the files ``names`` that is there, put aside or not."""
    for name in names:
        for path in (f"{SEED_DIR}/{name}", f"{STATE_DIR}/{name}"):
            if path.startswith(SEED_DIR) or is_seed_file(folder, name):
                with translated(path), contextlib.suppress(FileNotFoundError):
                    fd, found = folder.open_read(path)
                    with open(fd, "rb") as file:
                        return file.read(found.st_size)
    return None
