"""Lists one folder in manifest order, with the names that manifests would use."""

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cas_sync.model.paths import STATE_DIR
from cas_sync.worktree.folder import Folder
from cas_sync.worktree.names import shown

Skip = Callable[[str, str], None]


@dataclass(slots=True)
class Level:
    """A folder being walked: where it lies, and the names that are still to come.

    Attributes:
        prefix: Its path in manifests with a slash at the end; empty for the root.
        disk_prefix: The same with the names on the disk.
        names: In order, in Unicode normal form C.
        dirs: Those of the names that are folders.
        aliases: Name on the disk, where that is another.
        twins: Folders whose name is on the disk more than once.
    """

    prefix: str
    disk_prefix: str
    names: Iterator[str]
    dirs: set[str]
    aliases: dict[str, str]
    twins: set[str]


def list_folder(folder: Folder, prefix: str, disk_prefix: str, skip: Skip) -> Level:
    """List the folder at ``disk_prefix``; ``skip`` is told what has no path.

    Raises:
        OSError: It cannot be listed to the end.
    """
    names: list[str] = []
    dirs: set[str] = set()
    odd: list[tuple[str, str, bool]] = []
    with folder.scandir(disk_prefix[:-1]) as entries:
        for entry in entries:
            name = entry.name
            is_dir = entry.is_dir(follow_symlinks=False)
            if not name.isascii():
                try:
                    name.encode("utf-8")
                except UnicodeEncodeError:
                    skip(prefix + name, "the name is not valid UTF-8")
                    continue
                usual = unicodedata.normalize("NFC", name)
                if usual != name:
                    odd.append((usual, name, is_dir))
                    continue
            names.append(name)
            if is_dir:
                dirs.add(name)
    level = Level(prefix, disk_prefix, iter(()), dirs, {}, set())
    if odd:
        _resolve(level, names, odd, skip)
    if not prefix and STATE_DIR in names:
        names.remove(STATE_DIR)
    names.sort()
    level.names = iter(names)
    return level


def _resolve(
    level: Level, names: list[str], odd: list[tuple[str, str, bool]], skip: Skip
) -> None:
    """Give names that are not in normal form the path they have in manifests.

    Of two files with one path the second is named and left alone. Of two folders, or a
    folder and a file, either may hold what the other seems to have lost, so that
    nothing is said about both.
    """
    taken = set(names)
    for usual, name, is_dir in sorted(odd):
        if usual not in taken:
            taken.add(usual)
            names.append(usual)
            level.aliases[usual] = name
            if is_dir:
                level.dirs.add(usual)
            continue
        other = shown(level.prefix + usual)
        skip(level.prefix + name, f"same name as {other} after Unicode normalisation")
        if is_dir or usual in level.dirs:
            level.dirs.add(usual)
            level.twins.add(usual)
